"""A NIC whose VM has ended, and the memory that this VM had: who has that next is not reached by the NIC, be it in
quarantine or another VM's. Frames are sent to it, and looked for in memory."""

import dataclasses

import attacking
import frames
import victims
from attacking import PROGRAM, command
from registers import COMMAND, COMMAND_MASTER, Device
from test_ping import GUEST, NEAR, Connected, Wire, make_wire_folder  # noqa: F401
from victims import FIELD, NIC_BDF, PAGE

BUFFER = 0x800000  # in the memory of each VM that lets the NIC write there
OWNER_MIB, OTHER_MIB = 16, 16
MEMORY_MIB = 128
SOON = 60  # seconds, far more than it takes
FEW = 4  # frames, which a wire holds although nobody takes them
HEADER = 14  # of a frame, before its content
SIGNAL = ("-netdev", "user,id=n1,restrict=on", "-device", "e1000,netdev=n1,addr=7,id=signal")

SCENARIO = Connected(
    "",
    "",
    nic="e1000",
    nic_at=f"addr=6,mac={GUEST.mac.hex(':')}",
    cpus=3,
    memory=f"{MEMORY_MIB}M",
    vm=f"mem={OWNER_MIB}M pci=00:06.0",
    program=PROGRAM,
    guest="console",
    file=False,
)


def module(words):
    """A VM that runs the attacking guest."""
    return str(PROGRAM), words


class Nic:
    """The NIC at its wire's other end."""

    def __init__(self, wire, machine):
        self.wire = wire
        self.machine = machine
        self.number = 0

    def memory(self):
        """All of the machine's."""
        return self.machine.read_memory(0, MEMORY_MIB << 20)

    def send(self):
        """Sends a frame that no other is like; what is in it."""
        self.number += 1
        content = f"frame number {self.number} for nobody but its owner".encode()
        self.wire.send(frames.ethernet(NEAR.mac, GUEST.mac, 0x88B5, content))
        return content

    def lands(self):
        """Where a frame lands, which it does, in one place only."""
        content = self.send()
        (place,) = self.machine.wait_for(
            lambda: attacking.places(self.memory(), content), "a frame in memory", SOON
        )
        return place - HEADER

    def start(self):
        """Has it write to its first owner's memory; where that VM's memory begins."""
        command(self.machine, f"nic-late={BUFFER:#x}")
        return self.lands() - BUFFER


class Heir:
    """The VM that has the memory next: it does nothing with it."""

    def __init__(self, machine, start):
        self.machine = machine
        self.start = start
        machine.wait_for(lambda: "heir| guard: on\n" in machine.serial(), "the heir")
        assert self.read()[FIELD:][: 1 << 20] == victims.field(), "it has other memory"
        self.before = self.read()

    def read(self):
        """All of its memory."""
        return self.machine.read_memory(self.start, OWNER_MIB << 20)

    def assert_unharmed(self):
        """Its memory is what it was."""
        assert self.read() == self.before
        assert "PANIC" not in self.machine.serial()


HEIR = f"mem={OWNER_MIB}M pci=none -- guard"


def begin(boot, folder, **changes):
    """The machine, and its NIC, connected."""
    wire = Wire(folder)
    machine = boot(dataclasses.replace(SCENARIO, folder=str(folder), **changes))
    machine.expect(r"vm0\| ready$")
    return machine, Nic(wire, machine)


def test_quarantined(boot, wire_folder):  # noqa: F811
    """The NIC was left running; its VM's memory has another VM. No frame gets into memory at all."""
    modules = (module(f"vm=heir after=vm0 {HEIR}"),)
    machine, nic = begin(boot, wire_folder, modules=modules, cpus=2)
    start = nic.start()
    assert Device(machine, NIC_BDF).read(COMMAND, 2) & COMMAND_MASTER
    machine.send("\n")
    heir = Heir(machine, start)
    assert not Device(machine, NIC_BDF).read(COMMAND, 2) & COMMAND_MASTER
    contents = [nic.send() for _ in range(FEW)]
    memory = nic.memory()
    assert not [content for content in contents if content in memory]
    heir.assert_unharmed()
    assert "vtd_dmar_fault" not in machine.trace()


def test_moved(boot, wire_folder):  # noqa: F811
    """The NIC has another VM, and the first one's memory a third: frames get to the NIC's, at the same address that
    was the first one's, and not into what was there."""
    modules = (
        module(f"vm=next after=vm0 mem={2 * OWNER_MIB}M pci=00:06.0 -- nic-late={BUFFER:#x} guard"),
        module(f"vm=other mem={OTHER_MIB}M pci=00:07.0 -- nic-watch"),
        module(f"vm=heir after=other {HEIR}"),
    )
    machine, nic = begin(boot, wire_folder, modules=modules, extra=SIGNAL)
    start = nic.start()
    machine.wait_for(lambda: "other| nic: watches\n" in machine.serial(), "the other VM")
    machine.send("\n")
    machine.wait_for(lambda: "next| guard: on\n" in machine.serial(), "the NIC's next VM")
    machine.qmp("set_link", name="signal", up=False)
    heir = Heir(machine, start)
    landed = {nic.lands() for _ in range(FEW)}
    assert len(landed) == 1
    place = landed.pop() - BUFFER
    assert place % PAGE == 0 and not start <= place < start + (OWNER_MIB << 20)
    heir.assert_unharmed()
    assert "vtd_dmar_fault" not in machine.trace()
