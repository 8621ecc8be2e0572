"""Attacks by the configuration space and the DMA of devices that a VM owns, other than edu's DMA."""

import dataclasses
import re

import pytest

import attacking
from attacking import EDU_BDF, command

ON_QEMU = attacking.on(("", 2), ("10", 2), ("11", 1))
PAGE = FUNCTION = 4096

GUEST_BDF = 1 << 3  # where the VM finds its device
COMMAND, BAR0, POINTER, MSI = 0x04, 0x10, 0x34, 0x40
COMMAND_ALL = 0x407
VTD_REGISTERS = 0xFED90000


def configuration(machine):
    """Each function's configuration space on bus 0."""
    data = machine.read_memory(attacking.ECAM, 256 * FUNCTION)
    return [data[start : start + FUNCTION] for start in range(0, len(data), FUNCTION)]


def finish(machine):
    """Ends the guest; it and the hypervisor are to end as if nothing had happened."""
    machine.send("\n")
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()


def word(data, at, size=4):
    """A register's value."""
    return int.from_bytes(data[at : at + size], "little")


@ON_QEMU
def test_configuration(boot, where, cpus):
    """A VM finds its own devices only; whatever it writes to all of configuration space, other functions
    stay as they are, and its own keeps its BARs, ROM and message; then it works as before."""
    machine = boot(dataclasses.replace(attacking.ATTACKER, cpus=cpus), where)
    assert_intact = attacking.start(machine)
    assert "functions: 2" in command(machine, "functions")
    command(machine, "own")
    before = configuration(machine)
    for value in (0xFFFFFFFF, 0xFEE00000, 0):
        command(machine, f"config={value:#x}")
        after = configuration(machine)
        changed = [bdf for bdf in range(256) if after[bdf] != before[bdf]]
        assert set(changed) <= {EDU_BDF}
        own = after[EDU_BDF]
        assert own[BAR0:POINTER] == before[EDU_BDF][BAR0:POINTER]
        assert word(own, COMMAND, 2) & ~COMMAND_ALL == 0 and word(own, COMMAND, 2) & 2
        # Messages are on only with what the hypervisor made: the remappable format.
        if word(own, MSI + 2, 2) & 1:
            assert word(own, MSI + 4) & 0x10
    assert_intact(attacking.memory(machine))
    place_bar(machine, 0xC0000000)
    command(machine, f"config-write={GUEST_BDF},{COMMAND},6")
    command(machine, "own")
    finish(machine)


def place_bar(machine, address):
    """Moves the device's BAR."""
    command(machine, f"config-write={GUEST_BDF},{BAR0},{address:#x}")


EDU_IDENTIFICATION = 0x010000ED
SIGN = 0x12345678
LIVENESS = 4  # a register of the device, which keeps what is written, inverted
# Where the BAR is put, and whether it can be there.
PLACES = {
    "ram": (0x400000, False),
    "zero": (0, False),
    "local-apic": (0xFEE00000, False),
    "ioapic": (0xFEC00000, False),
    "iommu": (0xFED00000, False),
    "end-of-ram": (attacking.VM_MEMORY - (1 << 20), False),
    "behind-ram": (attacking.VM_MEMORY, True),
    "ecam": (attacking.ECAM, True),
    "end": (0xFFF00000, False),
}


def peek(machine, address):
    """Four bytes, as the guest reads them."""
    return int(re.search(r"peek: \w+: (\w+)", command(machine, f"peek={address:#x}"))[1], 16)


@ON_QEMU
def test_bar_places(boot, where, cpus):
    """A BAR over RAM or the APICs is nowhere: both are read and written as without it, and the device is not;
    elsewhere it is the device."""
    machine = boot(dataclasses.replace(attacking.ATTACKER, cpus=cpus), where)
    assert_intact = attacking.start(machine)
    command(machine, "own")
    for name in ("ram", "end-of-ram"):
        command(machine, f"poke={PLACES[name][0]:#x},{SIGN:#x}")
    before = {name: peek(machine, address) for name, (address, _) in PLACES.items()}
    apic = peek(machine, 0xFEE00030)
    physical = configuration(machine)[EDU_BDF][BAR0:POINTER]
    registers = word(physical, 0) & ~0xF
    liveness = machine.read_memory(registers + LIVENESS, 4)
    for name, (address, can_be) in PLACES.items():
        place_bar(machine, address)
        assert peek(machine, address) == (EDU_IDENTIFICATION if can_be else before[name]), name
        if name in ("ram", "end-of-ram"):
            command(machine, f"poke={address + LIVENESS:#x},{SIGN:#x}")
            assert peek(machine, address + LIVENESS) == SIGN
        assert machine.read_memory(registers + LIVENESS, 4) == liveness, name
        assert peek(machine, 0xFEE00030) == apic
        assert configuration(machine)[EDU_BDF][BAR0:POINTER] == physical
    place_bar(machine, attacking.ECAM)
    command(machine, f"poke={attacking.ECAM + LIVENESS:#x},{SIGN:#x}")
    assert word(machine.read_memory(registers + LIVENESS, 4), 0) == ~SIGN & 0xFFFFFFFF
    for reason in ("the VM's memory", "the APICs"):
        assert re.search(rf"vpci: vm vm0: 00:05.0: BAR 0 can't be at \w+: {reason}", machine.serial())
    place_bar(machine, 0xC0000000)
    assert peek(machine, 0xC0000000) == EDU_IDENTIFICATION
    assert_intact(attacking.memory(machine))
    finish(machine)


SLOT = 6
BDF = SLOT << 3
NVME = ("-blockdev", "null-co,node-name=d0,size=1048576,read-zeroes=on",
        "-device", f"nvme,drive=d0,serial=x,addr={SLOT}")  # fmt: skip
DEVICES = {
    "e1000": {"nic": "e1000", "nic_at": f"addr={SLOT}"},
    "e1000e": {"nic": "e1000e", "nic_at": f"addr={SLOT}"},
    "nvme": {"extra": NVME},
}
NVME_TEXT = b"QEMU NVMe Ctrl"
OWN, NOWHERE = 0x800000, 0xD0000000
NO_WRITE, NO_READ = "no write access there", "no read access there"


def owner(name, **changes):
    """A machine whose VM has that device."""
    vm = f"mem={attacking.VM_MEMORY >> 20}M pci=00:{SLOT:02x}.0"
    return dataclasses.replace(attacking.ATTACKER, devices=(), vm=vm, **DEVICES[name], **changes)


def faults_told(machine, before):
    """Those told since there were so many: with the VM's name and the reason."""
    return machine.wait_for(
        lambda: list(attacking.told_faults(machine))[before:], "a fault that is told"
    )


def refused(machine, line, write, address, width):
    """Runs a command that is DMA to an address that is not the VM's, and looks at how it is told."""
    before = len(list(attacking.told_faults(machine)))
    said = command(machine, line)
    for fault, name, reason in faults_told(machine, before):
        assert (fault.requester, name) == (BDF, "vm0")
        assert reason == (NO_WRITE if fault.write else NO_READ)
        assert address <= fault.address < address + width
    assert write in {fault.write for fault, _, _ in faults_told(machine, before)}
    return said


@attacking.on(("", 1), ("", 2), ("10", 2), ("11", 2))
@pytest.mark.parametrize("device", DEVICES)
def test_dma(boot, where, cpus, device):
    """What the device may reach it reaches; the hypervisor's memory, holes and the IOMMU it does not."""
    machine = boot(owner(device, cpus=cpus), where)
    assert_intact = attacking.start(machine)
    pool = attacking.hypervisor_ranges(machine)[1]
    kind = "nvme" if device == "nvme" else "nic"

    said = command(machine, f"{kind}-to={OWN:#x}")
    assert "status 0x0" in said or "nic: a frame of" in said
    assert not list(attacking.told_faults(machine)) and not attacking.traced_faults(machine)
    found = attacking.places(attacking.memory(machine), NVME_TEXT)
    assert len(found) == 1 or kind == "nic"

    before = attacking.memory(machine)
    for target in (pool.end - PAGE, VTD_REGISTERS, NOWHERE, 0xFEC00000):
        refused(machine, f"{kind}-to={target:#x}", True, target, PAGE)
    refused(machine, f"{kind}-from={pool.start:#x}", False, pool.start, PAGE)
    after = attacking.memory(machine)
    assert_intact(after)
    assert after[pool.end - PAGE : pool.end] == before[pool.end - PAGE : pool.end]
    assert attacking.places(after, NVME_TEXT) == found
    if kind == "nic":
        refused(machine, f"nic-rings={pool.start:#x}", False, pool.start, PAGE)
        assert_intact(attacking.memory(machine))
        secret = after[pool.start : pool.start + 60]
        assert any(secret) and secret[:32] not in machine.pcap().read_bytes()
    else:
        assert "time 0x" in command(machine, f"nvme-from={pool.start:#x}")
    finish(machine)
    assert {fault.requester for fault in attacking.traced_faults(machine)} == {BDF}
