"""The shipped guest answers pings and UDP echoes: every reply is compared, amid garbage."""

import contextlib
import dataclasses
import random
import socket
import tempfile
import time
from pathlib import Path

import pytest

import frames
from scenarios import Scenario

ROUNDS = 150
BURST_MAX = 6
REPLY_SECONDS = 60

NEAR = frames.Host(bytes.fromhex("525400abcdef"), bytes([10, 7, 0, 1]))
GUEST = frames.Host(bytes.fromhex("525400123456"), bytes([10, 7, 0, 2]))


@dataclasses.dataclass(frozen=True)
class Connected(Scenario):
    """A machine whose NIC is connected to two sockets in a folder."""

    folder: str = ""

    def machine(self, qemu, tftp):
        machine = super().machine(qemu, tftp)
        machine.netdevs = [
            f"dgram,id=n0,local.type=unix,local.path={self.folder}/guest"
            f",remote.type=unix,remote.path={self.folder}/peer"
        ]
        return machine


class Wire:
    """The other end of the guest's wire. It answers the guest's ARP requests by itself."""

    def __init__(self, folder):
        self.address = f"{folder}/guest"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"{folder}/peer")

    def send(self, frame):
        """Puts a frame on the wire; none may be empty, as QEMU takes that for the wire's end."""
        assert frame
        self.socket.sendto(frame, self.address)

    def receive(self, seconds):
        """The next frame that is no ARP request; None if none comes."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame = self.socket.recv(65536)
            except TimeoutError:
                return None
            if frames.is_arp_request(frame, NEAR):
                self.send(frames.arp(2, NEAR, GUEST))
            elif not frames.is_arp_request(frame):
                return frame
        return None

    def meet(self, machine):
        """Asks for the guest until it answers."""

        def ask():
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                self.send(frames.arp(1, NEAR, dataclasses.replace(GUEST, mac=bytes(6))))
            return self.receive(0.2)

        reply = machine.wait_for(ask, "the guest to answer an ARP request")
        assert reply[:42] == frames.arp(2, GUEST, NEAR)[:42]
        # Answers to what was asked again meanwhile.
        while reply := self.receive(0.5):
            assert reply[:42] == frames.arp(2, GUEST, NEAR)[:42]


@pytest.fixture(name="wire_folder")
def make_wire_folder():
    """A folder for sockets, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="sluice-") as folder:
        yield Path(folder)


def requests(chance):
    """ROUNDS bursts of requests, each with the reply that is due; and how many there are of each
    kind."""
    bursts, pings, echoes = [], 0, 0
    for number in range(ROUNDS):
        burst = []
        for index in range(chance.randint(1, BURST_MAX)):
            size = chance.choice((1, 2, 17, 18, 19, 1471, 1472, chance.randint(1, 1472)))
            data = chance.randbytes(size)
            if chance.random() < 0.5:
                pings += 1
                content = number, index, data
                request = frames.echo(8, NEAR, GUEST, *content)
                burst.append((request, frames.echo(0, GUEST, NEAR, *content)))
            else:
                echoes += 1
                port = chance.randint(1024, 65535)
                request = frames.udp(NEAR, GUEST, port, 7, data)
                burst.append((request, frames.udp(GUEST, NEAR, 7, port, data)))
        bursts.append(burst)
    return bursts, pings, echoes


CASES = [("e1000", "intx", 1), ("e1000", "intx", 2), ("e1000e", "msix", 1), ("e1000e", "msix", 2)]


@pytest.mark.parametrize("nic, irq, cpus", CASES)
def test_ping(boot, wire_folder, nic, irq, cpus):
    """Every request is answered with its own content, in order, and nothing else is said."""
    chance = random.Random(f"{nic} {cpus}")
    bursts, pings, echoes = requests(chance)
    words = f"ip=10.7.0.2/24 gw=10.7.0.1 ping=none serve={pings} udpecho={echoes} irq={irq}"
    wire = Wire(wire_folder)
    machine = boot(
        Connected(
            "",
            "",
            nic=nic,
            cpus=cpus,
            file=False,
            guest=f"{words} timeout=200",
            folder=str(wire_folder),
        )
    )
    wire.meet(machine)
    for burst in bursts:
        for request, _ in burst:
            wire.send(frames.garbage(chance, NEAR, GUEST))
            wire.send(request)
        for _, due in burst:
            reply = wire.receive(REPLY_SECONDS)
            assert reply and frames.same(reply, due)
    assert machine.wait_exit() == 0
    assert wire.receive(0.1) is None
    assert "vtd_dmar_fault" not in machine.trace()
