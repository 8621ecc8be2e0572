"""DMA attacks by a device that a VM owns; the machine is looked at from outside."""

import dataclasses
import hashlib
import re
import time

import pytest

import attacking
from attacking import EDU_BDF, Fault, command

PAGE = 4096
ON_EACH = attacking.on(("", 1), ("", 2), ("10", 1), ("10", 2), ("11", 1), ("11", 2))
VTD_REGISTERS = 0xFED90000
NO_WRITE, NO_READ = "no write access there", "no read access there"
WRITE_REASON, READ_REASON = 5, 6  # VT-d 7.1.3
COMMAND, COMMAND_MASTER = 4, 4  # the PCI command register, and its bit


@pytest.fixture(name="attack")
def make_attack(boot):
    """A function that starts a VM whose device obeys, and returns the machine with a
    check of its memory: `attack("10", 2)`."""

    def attack(where, cpus, hypervisor=""):
        scenario = dataclasses.replace(attacking.ATTACKER, cpus=cpus, hypervisor=hypervisor)
        machine = boot(scenario, where)
        return machine, attacking.start(machine)

    return attack


def finish(machine):
    """Ends the guest; it and the hypervisor are to end as if nothing had happened."""
    machine.send("\n")
    counted = attacking.counted_faults(machine)
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()
    return counted


def expect_fault(machine, line, fault):
    """Runs a command that is one DMA request, and looks at how its refusal is told."""
    before = len(attacking.traced_faults(machine)), len(list(attacking.told_faults(machine)))
    command(machine, line)
    told = machine.wait_for(
        lambda: list(attacking.told_faults(machine))[before[1] :], "a fault that is told"
    )
    reason = NO_WRITE if fault.write else NO_READ
    assert told == [(dataclasses.replace(fault, reason=0), "vm0", reason)]
    assert fault == attacking.traced_faults(machine)[before[0]], "QEMU saw another fault"


def vm_start(machine, address):
    """Where the VM's memory begins in the machine, if what it wrote lies at that address of its."""
    found = attacking.places(attacking.memory(machine), attacking.pattern())
    assert len(found) == 1, "written to one place only"
    start = found[0] - address
    image, pool = attacking.hypervisor_ranges(machine)
    assert start >= image.end and start + attacking.VM_MEMORY <= pool.start
    return start


@ON_EACH
def test_dma(attack, where, cpus):
    """What the device may do is done, in the VM's own memory; the rest is refused and told."""
    machine, assert_intact = attack(where, cpus)
    image, pool = attacking.hypervisor_ranges(machine)
    last = pool.end - PAGE

    # Its own memory.
    said = command(machine, "own")
    assert hashlib.sha256(attacking.pattern()).hexdigest() in said
    assert not list(attacking.told_faults(machine))
    assert not attacking.traced_faults(machine)
    command(machine, "to=0x400000")
    start = vm_start(machine, 0x400000)
    command(machine, "wipe=0x400000")

    # The hypervisor's own page, and the registers that could turn the IOMMU off.
    before = attacking.memory(machine)
    assert_intact(before)
    for target in (last, VTD_REGISTERS):
        expect_fault(machine, f"to={target:#x}", Fault(EDU_BDF, True, target, WRITE_REASON))
    after = attacking.memory(machine)
    assert_intact(after)
    assert after[last : last + PAGE] == before[last : last + PAGE]
    assert not attacking.places(after, attacking.pattern())

    # A page of the hypervisor's that is in use: nothing of it is read.
    assert any(after[pool.start : pool.start + PAGE])
    begin = machine.seen
    expect_fault(
        machine, f"from={pool.start:#x}", Fault(EDU_BDF, False, pool.start, READ_REASON)
    )
    assert hashlib.sha256(bytes(1024)).hexdigest() in machine.serial()[begin:]

    # A transfer over the end of the VM's memory: to the byte.
    end = attacking.VM_MEMORY
    expect_fault(machine, f"to={end - 512:#x}", Fault(EDU_BDF, True, end, WRITE_REASON))
    after = attacking.memory(machine)
    assert attacking.places(after, attacking.pattern()[:512]) == [start + end - 512]
    assert not attacking.places(after, attacking.pattern()[512:])

    # The address that the hypervisor's image has in the machine is the VM's own in the VM.
    command(machine, f"to={image.start:#x}")
    assert vm_start(machine, image.start) == start
    assert_intact(attacking.memory(machine))

    assert {fault.requester for fault in attacking.traced_faults(machine)} == {EDU_BDF}
    assert finish(machine) == len(list(attacking.told_faults(machine))) == 4


STORM = 30
CUT_OFF_AFTER = 10


@attacking.on(("", 1), ("", 2), ("11", 2))
def test_storm(attack, where, cpus):
    """A device that faults again and again is cut off, and stays so; all else goes on."""
    machine, assert_intact = attack(where, cpus)
    pool = attacking.hypervisor_ranges(machine)[1]
    command(machine, "own")
    said = command(machine, f"storm={pool.start:#x},{STORM}")
    assert said.count("vm0: 00:05.0: cut off after 10 faults: ") == 1
    register = attacking.ECAM + (EDU_BDF << 12) + COMMAND
    assert not machine.read_memory(register, 2)[0] & COMMAND_MASTER

    # Its guest can't undo that, and its own memory is out of the device's reach, too.
    assert "master: off" in command(machine, "master")
    assert not machine.read_memory(register, 2)[0] & COMMAND_MASTER
    faults = attacking.traced_faults(machine)
    command(machine, "to=0x400000")
    command(machine, f"to={pool.start:#x}")
    assert attacking.pattern() not in attacking.memory(machine)
    assert_intact(attacking.memory(machine))

    # QEMU keeps one record: a fault that comes before the last one was taken is lost.
    assert CUT_OFF_AFTER <= len({fault.address // PAGE for fault in faults}) < STORM
    assert attacking.traced_faults(machine) == faults
    told = len(list(attacking.told_faults(machine)))
    assert finish(machine) == told
    # One may come after the last record was given back, before bus mastering is off.
    assert CUT_OFF_AFTER <= told <= CUT_OFF_AFTER + 1


@ON_EACH
def test_late(attack, where, cpus):
    """A transfer that the VM's end overtakes does not happen: its device is off."""
    machine, assert_intact = attack(where, cpus, "exit=halt")
    command(machine, "own")
    register = attacking.ECAM + (EDU_BDF << 12) + COMMAND
    assert machine.read_memory(register, 2)[0] & COMMAND_MASTER
    machine.send("late=0x500000\n")
    machine.expect("boot: all VMs have ended$")
    assert not machine.read_memory(register, 2)[0] & COMMAND_MASTER
    time.sleep(0.5)  # the device takes 0.1 s
    after = attacking.memory(machine)
    assert attacking.pattern() not in after
    assert_intact(after)


def remappable(handle, subhandle=False):
    """The address of an interrupt message in remappable format (VT-d 5.1.2.2)."""
    return 0xFEE00010 | (handle & 0x7FFF) << 5 | handle >> 15 << 2 | subhandle << 3


INTERRUPTS = [
    (200, False, 200, "the interrupt entry is not present"),
    (4095, False, 4095, "the interrupt entry is not present"),
    (4096, False, 4096, "interrupt index beyond the table"),
    (0xFFFF, False, 0xFFFF, "interrupt index beyond the table"),
    (4000, True, 4000 + 0x41, "the interrupt entry is not present"),
]


@attacking.on(("10", 1), ("10", 2), ("11", 1), ("11", 2))
def test_interrupts(attack, where, cpus):
    """A device that writes interrupt messages of its own making raises none, and is told."""
    machine, _ = attack(where, cpus)
    command(machine, "listen")
    line = r"iommu: fault: unit 0, (\S+) .*interrupt through entry (\w+): (.*)"
    expected = []
    for handle, subhandle, index, reason in INTERRUPTS:
        command(machine, f"msi={remappable(handle, subhandle):#x},0x41")
        # QEMU does not know who wrote: such a request of an emulated device has no requester.
        expected.append(("ff:1f.7", f"{index:#x}", reason))
        machine.wait_for(
            lambda: re.findall(line, machine.serial()) == expected, f"a fault of entry {index}"
        )
    assert "heard: 0 interrupts" in command(machine, "heard")
    finish(machine)


def test_compatibility_interrupt():
    """What a unit blocks that is set up as ours, but QEMU lets through."""
    pytest.skip("QEMU passes interrupts in compatibility format whatever the unit is told")


@pytest.mark.parametrize("where", ["", "10", "11"], ids=["system", "10", "11"])
def test_bare(boot, where):
    """Without the hypervisor the same attacks do their harm, else the tests above prove nothing."""
    machine = boot(attacking.BARE, where)
    attacking.start(machine)
    assert hashlib.sha256(attacking.pattern()).hexdigest() in command(machine, "own")
    command(machine, "to=0x100000")
    assert 0x100000 in attacking.places(attacking.memory(machine), attacking.pattern())
    content = machine.read_memory(0xF0000, 1024)
    assert any(content)
    assert hashlib.sha256(content).hexdigest() in command(machine, "from=0xf0000")
