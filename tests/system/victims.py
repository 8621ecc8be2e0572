"""A machine of two VMs, of which one attacks the other by the devices that it owns, and a third VM that may be
there and answers pings meanwhile. The victim has devices, too, and does nothing: whatever changes in its memory
or registers, others changed."""

import dataclasses
import struct

import attacking
import emulator
import frames
from attacking import EDU, PROGRAM, command
from registers import Device
from scenarios import Scenario
from test_ping import GUEST, NEAR, REPLY_SECONDS

PAGE = 4096
SOON = 60  # seconds, far more than a fault takes to be told
NO_WRITE, NO_READ = "no write access there", "no read access there"
FIELD, FIELD_SIGN = 6 << 20, 0x5EED5EED00000000  # what the victim fills a MiB of its memory with, and where
ATTACKER_MIB, VICTIM_MIB, PINGED_MIB = 32, 16, 16

EDU_BDF, NIC_BDF, NVME_BDF = 5 << 3, 6 << 3, 7 << 3
VICTIM_EDU, VICTIM_NVME = 8 << 3, 9 << 3
ATTACKER_CPU, VICTIM_CPU = 1, 2  # the first is the hypervisor's
# The attacker finds them in the order of its pci= option, on its own bus.
GUEST_BDF = {EDU_BDF: 1 << 3, NIC_BDF: 2 << 3, NVME_BDF: 3 << 3}


def nvme(slot):
    """QEMU's arguments for an NVMe controller."""
    drive = f"null-co,node-name=d{slot},size=1048576,read-zeroes=on"
    return ("-blockdev", drive, "-device", f"nvme,drive=d{slot},serial={slot},addr={slot}")


def field():
    """What the victim fills a MiB with."""
    return b"".join(struct.pack("<Q", FIELD_SIGN | at) for at in range(0, 1 << 20, 8))


@dataclasses.dataclass(frozen=True)
class Pinged(Scenario):
    """A machine with one NIC more, at slot 2, that is connected to two sockets in a folder."""

    folder: str = ""

    def machine(self, qemu, tftp):
        machine = super().machine(qemu, tftp)
        if self.folder:
            socket = f"local.type=unix,local.path={self.folder}/guest"
            peer = f"remote.type=unix,remote.path={self.folder}/peer"
            machine.netdevs.append(f"dgram,id=n1,{socket},{peer}")
            machine.devices.append(f"e1000e,netdev=n1,addr=2,mac={GUEST.mac.hex(':')}")
        return machine


def scenario(nic="e1000e", folder="", pings=0, **changes):
    """The machine; with a folder for its sockets, a third VM answers so many pings."""
    victim = f"vm=victim mem={VICTIM_MIB}M pci=00:08.0,00:09.0 -- guard"
    serve = f"ip=10.7.0.2/24 gw=10.7.0.1 ping=none serve={pings} timeout=600"
    pinged = f"vm=pinged mem={PINGED_MIB}M pci=00:02.0 -- {serve}"
    modules = [(str(PROGRAM), victim)]
    if folder:
        modules.append((str(Scenario("", "").program), pinged))
    row = Pinged(
        "",
        "",
        nic=nic,
        nic_at="addr=6",
        devices=(EDU, EDU.replace("addr=5", "addr=8")),
        cpus=4 if folder else 3,
        memory=f"{attacking.MEMORY_MIB}M",
        vm=f"mem={ATTACKER_MIB}M pci=00:05.0,00:06.0,00:07.0",
        program=PROGRAM,
        guest="listen console",
        file=False,
        modules=tuple(modules),
        extra=nvme(7) + nvme(9),
        folder=str(folder),
    )
    return dataclasses.replace(row, **changes)


def bare(**changes):
    """The same machine without the hypervisor: the attacker has it all."""
    return scenario(bare=True, iommu=None, vm="", modules=(), **changes)


class Victim:
    """The victim as it is seen from outside."""

    def __init__(self, machine):
        """Waits until it is there."""
        self.machine = machine
        self.assert_intact = attacking.start(machine)
        machine.wait_for(lambda: "victim| guard: on\n" in machine.serial(), "the victim")
        found = attacking.places(attacking.memory(machine), field())
        assert len(found) == 1
        self.field = found[0]
        self.start = self.field - FIELD
        self.edu, self.nvme = Device(machine, VICTIM_EDU), Device(machine, VICTIM_NVME)
        self.table, self.table_size = self.nvme.msix_table()
        self.before = self.state()

    def state(self):
        """Its memory, its devices' registers and their configuration space."""
        return {
            "memory": self.machine.read_memory(self.start, VICTIM_MIB << 20),
            "edu": self.machine.read_memory(self.edu.bar(0), 0x80),
            "nvme": self.machine.read_memory(self.nvme.bar(0), 0x40),
            "msix": self.machine.read_memory(self.table, self.table_size),
            "edu-configuration": self.edu.configuration(),
            "nvme-configuration": self.nvme.configuration(),
        }

    def assert_unharmed(self):
        """All of that is as it was, to the byte; so is the hypervisor's code."""
        now = self.state()
        assert [name for name, data in now.items() if data != self.before[name]] == []
        self.assert_intact(attacking.memory(self.machine))


class Attacks:
    """Runs DMA that must be refused; each is told with VM, device, address and reason. QEMU knows of no more than
    one fault at a time, so that of a request of several pages there may be more."""

    def __init__(self, machine):
        self.machine = machine

    def told(self):
        """All that were told."""
        return list(attacking.told_faults(self.machine))

    def refused(self, line, bdf, write, address, size=PAGE):
        """Runs a command; what it said."""
        before = len(self.told())
        said = command(self.machine, line)
        faults = self.machine.wait_for(lambda: self.told()[before:], f"a fault by {line}", SOON)
        for fault, name, reason in faults:
            assert (fault.requester, name) == (bdf, "vm0"), line
            assert reason == (NO_WRITE if fault.write else NO_READ), line
            assert address <= fault.address < address + size, line
        assert write in {fault.write for fault, _, _ in faults}, line
        return said


def ping(wire, number):
    """One ping of the VM that answers them."""
    content = 7, number, bytes([number])
    wire.send(frames.echo(8, NEAR, GUEST, *content))
    reply = wire.receive(REPLY_SECONDS)
    assert reply and frames.same(reply, frames.echo(0, GUEST, NEAR, *content))


def finish(machine):
    """Ends the attacker, as if nothing had happened; the victim, which never ends, is still there."""
    machine.send("\n")
    machine.wait_for(lambda: "vm0: ended with code 0\n" in machine.serial(), "the attacker's end")
    assert "PANIC" not in machine.serial()
    assert "victim: ended" not in machine.serial() and "victim: crashed" not in machine.serial()
