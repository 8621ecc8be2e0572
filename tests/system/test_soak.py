"""Two VMs answer pings and echoes while a third one attacks, ends and is built anew: every frame is accounted
for. With --soak=SECONDS for that long."""

import dataclasses
import random
import re
import tempfile
import threading
from pathlib import Path

import attacking
import frames
import soaking
from attacking import command
from scenarios import Scenario
from test_lives import RESOURCES
from test_ping import GUEST, NEAR, REPLY_SECONDS, Wire

REQUESTS = 2400  # to each of the neighbours, a round
BURST = 6
SOAK_FACTOR = 20  # how many times as many with --soak
LIVES = 3  # of the attacker, at least
SLOT, OWN = 4, 0x800000  # its NIC, and a place of its own
NEIGHBOURS = (("second", "e1000", 2, "intx"), ("third", "e1000e", 3, "msix"))
CHECKSUM_SIZE = 4  # of a frame, which the NIC counts too


class Counted:
    """A socket that counts the frames which go through it, and their bytes as the NIC counts them."""

    def __init__(self, inner):
        self.inner = inner
        self.settimeout = inner.settimeout
        self.sent = self.received = (0, 0)

    @staticmethod
    def add(count, frame):
        """The count with one frame more."""
        return count[0] + 1, count[1] + max(len(frame), frames.FRAME_MIN) + CHECKSUM_SIZE

    def sendto(self, frame, address):
        """As a socket's."""
        self.inner.sendto(frame, address)
        self.sent = self.add(self.sent, frame)

    def recv(self, size):
        """As a socket's."""
        frame = self.inner.recv(size)
        self.received = self.add(self.received, frame)
        return frame


class Neighbour(threading.Thread):
    """The far end of a VM's wire; it sends requests and compares what comes back."""

    def __init__(self, folder, seed, requests):
        super().__init__(daemon=True)
        self.requests = requests
        self.wire = Wire(folder)
        self.wire.socket = Counted(self.wire.socket)
        self.chance = random.Random(seed)
        self.wrong = None
        self.met = (0, 0)  # what was sent before the VM's driver was there

    def request(self, number):
        """A request, and the reply that is due: pings and echoes in turn."""
        size = self.chance.choice((1, 18, 1472, self.chance.randint(1, 1472)))
        data = self.chance.randbytes(size)
        if number % 2:
            content = number >> 16, number & 0xFFFF, data
            return frames.echo(8, NEAR, GUEST, *content), frames.echo(0, GUEST, NEAR, *content)
        port = self.chance.randint(1024, 65535)
        return frames.udp(NEAR, GUEST, port, 7, data), frames.udp(GUEST, NEAR, 7, port, data)

    def run(self):
        for start in range(0, self.requests, BURST):
            burst = [self.request(number) for number in range(start, start + BURST)]
            for request, _ in burst:
                self.wire.send(request)
            for _, due in burst:
                reply = self.wire.receive(REPLY_SECONDS)
                if not reply or not frames.same(reply, due):
                    self.wrong = f"request {start}: {reply and reply.hex()}"
                    return


def scenario(folders, requests):
    """The attacker, with a NIC that can be reset, and its neighbours."""
    extra, modules = [], []
    for name, model, slot, irq in NEIGHBOURS:
        extra += [
            "-netdev",
            f"dgram,id={name},local.type=unix,local.path={folders[name]}/guest"
            f",remote.type=unix,remote.path={folders[name]}/peer",
            "-device",
            f"{model},netdev={name},addr={slot},mac={GUEST.mac.hex(':')}",
        ]
        words = f"ip=10.7.0.2/24 gw=10.7.0.1 ping=none serve={requests // 2} udpecho={requests // 2}"
        words = f"vm={name} mem=32M pci=00:{slot:02x}.0 -- {words} irq={irq} timeout=3000"
        modules.append((str(Scenario("", "").program), words))
    return dataclasses.replace(
        attacking.ATTACKER,
        nic="e1000",
        nic_at=f"addr={SLOT}",
        devices=(),
        cpus=4,
        memory="512M",
        vm=f"mem=64M pci=00:{SLOT:02x}.0 restart=always",
        extra=tuple(extra),
        modules=tuple(modules),
    )


def attacks(machine, chance):
    """What the attacker does in one life: DMA to what is not its own, ports and IPIs. No forged messages: QEMU
    delivers those in compatibility format, be they blocked or not."""
    image, pool = attacking.hypervisor_ranges(machine)
    places = (pool.start, pool.end - 0x8000, image.start + (64 << 20), 0xFED90000, 0xE0000000)
    place = chance.choice(places)
    yield f"nic-to={place:#x}"
    yield f"nic-from={place:#x}"
    yield f"out=0xcf8,{0x80000000 | chance.randrange(32) << 11 | 0x10:#x},4"
    yield f"out=0xcfc,{chance.randrange(1 << 32):#x},4"
    yield f"poke={0xFEE00300:#x},{chance.choice((0x4500, 0xC4500, 0xC4400, 0xC40FF)):#x}"
    yield f"nic-rings={place:#x}"  # of no use after it


def live(machine, chance, number):
    """A life of the attacker, whose NIC works at its start, to the start of the next one."""
    assert "nic: a frame of" in command(machine, f"nic-to={OWN:#x}")
    for line in attacks(machine, chance):
        command(machine, line)
    machine.send(chance.choice(("crash\n", "\n")))
    machine.expect(rf"vm0: restart {number}$")
    machine.expect(r"\bready$")


def run(boot, number, requests):
    """One round. How many lives the attacker had, and what was counted."""
    with tempfile.TemporaryDirectory(prefix="sluice-") as top:
        folders = {name: Path(top, name) for name, *_ in NEIGHBOURS}
        for folder in folders.values():
            folder.mkdir()
        neighbours = {
            name: Neighbour(at, f"{number} {name}", requests) for name, at in folders.items()
        }
        machine = boot(scenario(folders, requests))
        try:
            lives = attack(machine, neighbours, random.Random(number))
            return lives, [add_up(machine, *neighbour) for neighbour in neighbours.items()]
        except (AssertionError, OSError):
            # QEMU's e1000e aborts if MSI-X goes off in certain moments, as it does when a VM ends.
            soaking.died(machine)
            raise
        finally:
            machine.kill()


def attack(machine, neighbours, chance):
    """Life after life of the attacker until the traffic is through."""
    assert_intact = attacking.start(machine)
    for neighbour in neighbours.values():
        neighbour.wire.meet(machine)
        neighbour.met = neighbour.wire.socket.sent
    for neighbour in neighbours.values():
        neighbour.start()
    lives = 0
    while lives < LIVES or any(map(Neighbour.is_alive, neighbours.values())):
        lives += 1
        live(machine, chance, lives)
    for name, neighbour in neighbours.items():
        if neighbour.wrong:
            tell_state(machine, neighbour)
        assert not neighbour.wrong, f"{name}: {neighbour.wrong}"
        end = re.compile(rf"{name}: ended with code 0$", re.MULTILINE)
        machine.wait_for(lambda end=end: end.search(machine.serial()), f"the end of {name}")
    assert_intact(attacking.memory(machine))
    live(machine, chance, lives + 1)
    nothing_is_lost(machine, lives + 1)
    assert "PANIC" not in machine.serial()
    machine.kill()
    return lives + 1


def tell_state(machine, neighbour):
    """An answer did not come, once in hundreds of rounds: was it a frame that was lost, or an interrupt?"""
    for what in ("info pic", *(f"info lapic {cpu}" for cpu in range(4)), "info pci"):
        print(machine.monitor(what))
    for base in re.findall(r"BAR0: 32 bit memory at (0x\w+)", machine.monitor("info pci")):
        # CTRL, STATUS, ICS (ICR, unread), IMS, RCTL; the rings' heads and tails.
        for register in (0x0, 0x8, 0xC8, 0xD0, 0x100, 0x2810, 0x2818, 0x3810, 0x3818):
            print(f"{register:#x}", machine.monitor(f"xp /1wx {int(base, 16) + register:#x}"))
    neighbour.wire.send(frames.echo(8, NEAR, GUEST, 0x7777, 0, b"once more"))
    while reply := neighbour.wire.receive(5):
        print("after one more request:", reply.hex())


def nothing_is_lost(machine, lives):
    """As much is free after each life of the attacker's, as long as both neighbours are there."""
    assert len(re.findall(RESOURCES, machine.serial(), re.MULTILINE)) == lives
    both_there = re.split(r"(?:second|third)\| result: ", machine.serial())[0]
    told = re.findall(RESOURCES, both_there, re.MULTILINE)
    assert len(set(told)) <= 1, set(told)


def add_up(machine, name, neighbour):
    """What the NIC counted is what was sent and received at the wire's other end."""
    line = rf"{name}: \S+: received (\d+) packets, (\d+) bytes; sent (\d+) packets, (\d+) bytes"
    counts = tuple(map(int, re.search(line, machine.serial()).groups()))
    assert neighbour.wire.receive(0.1) is None
    sent, received = neighbour.wire.socket.sent, neighbour.wire.socket.received
    if name == "third":
        # QEMU's e1000e leaves the checksums out of what it sends.
        received = received[0], received[1] - CHECKSUM_SIZE * received[0]
    assert counts[2:] == received
    # Of the first requests for its address, all of one size, some came before the driver.
    lost = sent[0] - counts[0]
    assert 0 <= lost < neighbour.met[0]
    assert counts[1] == sent[1] - lost * (frames.FRAME_MIN + CHECKSUM_SIZE)
    return counts


def test_neighbours(boot, request):
    """Whatever the attacker does, life after life, not a frame of the others is lost, changed or made up."""
    requests = REQUESTS * (SOAK_FACTOR if request.config.getoption("soak") else 1)
    for number in soaking.rounds(request, 1):
        (lives, counts), deaths = soaking.outlast(
            lambda n, number=number: run(boot, number + (n << 32), requests)
        )
        print(f"\nsoak: {lives} lives of the attacker; received and sent: {counts}")
        for reason in deaths:
            print(f"soak: the emulator died: {reason}")
