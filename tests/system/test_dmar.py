"""DMAR tables other than QEMU's, of the one unit that it has: what devices can do then is what counts.

They are put in place of QEMU's by GRUB, which takes any bytes; QEMU's own -acpitable adds one to those that
there are, and makes its length and checksum right.
"""

import dataclasses

import pytest

import attacking
import dmar
import edu
from attacking import PROGRAM, command
from dmar import BRIDGE, ENDPOINT, QEMU_IOAPIC, drhd, rmrr, scope
from test_vms import NO_VM_RAN

DMA = "dma_mask=0xffffffffffffffff"
STATUS, STATUS_ON = 0x1C, 0xC7000000  # VT-d 11.4.4.2: GSTS: translation, tables, queue, interrupts
BOOT_DISK = 0x00FA  # whose controller firmware and loader leave with its DMA on
STRAY = 0x7000000  # no VM's, in the eyes of a VM of 64 MiB


def port(name, at, bus="pcie.0"):
    """A root port."""
    return f"pcie-root-port,id={name},chassis=1,bus={bus},addr={at}"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an edu device is, and the scope that names it: its own ID and the one of its requests."""

    scope: bytes
    requester: int
    bdf: str = "00:05.0"
    at: str = "addr=5"
    above: tuple[str, ...] = ()


SWITCH = (
    port("p", 4),
    "x3130-upstream,id=up,bus=p",
    "xio3130-downstream,id=down,bus=up,chassis=2,slot=1,addr=2",
)
ROOT_BUS = ("pxb-pcie,id=x,bus_nr=0x40,addr=6", port("p", 1, "x"))
PCI_BRIDGE = (port("p", 4), "pcie-pci-bridge,id=b,bus=p")

PLACES = {
    "endpoint": Place(scope(ENDPOINT, "5.0"), 0x0028),
    "behind-a-port": Place(scope(ENDPOINT, "4.0", "0.0"), 0x0100, "01:00.0", "bus=p", (port("p", 4),)),
    "below-a-port": Place(scope(BRIDGE, "4.0"), 0x0100, "01:00.0", "bus=p", (port("p", 4),)),
    "switch": Place(scope(ENDPOINT, "4.0", "0.0", "2.0", "0.0"), 0x0300, "03:00.0", "bus=down", SWITCH),
    "switch-below": Place(scope(BRIDGE, "4.0", "0.0"), 0x0300, "03:00.0", "bus=down", SWITCH),
    "pci-bridge": Place(scope(ENDPOINT, "4.0", "0.0", "3.0"), 0x0200, "02:03.0", "bus=b,addr=3", PCI_BRIDGE),
    "second-root-bus": Place(scope(ENDPOINT, "1.0", "0.0", bus=0x40), 0x4100, "41:00.0", "bus=p", ROOT_BUS),
    "all": Place(b"", 0x0028),
}


def scenario_of(place, table, **changes):
    """A VM with that device, on a machine with that table."""
    vm = f"mem={attacking.VM_MEMORY >> 20}M pci={place.bdf}"
    devices = (*place.above, f"edu,{place.at},{DMA}")
    return dataclasses.replace(attacking.ATTACKER, devices=devices, vm=vm, dmar=table, **changes)


def status(machine):
    """What the unit says of itself."""
    return machine.outside.read32(dmar.UNIT + STATUS)


def finish(machine, code=0):
    """Ends the guest; it and the hypervisor are to end as if nothing had happened."""
    machine.send("\n")
    assert machine.wait_exit() == code
    assert "PANIC" not in machine.serial()


@pytest.mark.parametrize("name", PLACES)
def test_scopes(boot, name):
    """A device that a scope names, or none but INCLUDE_PCI_ALL, works in its VM's memory and nowhere else."""
    place = PLACES[name]
    flags = 0 if place.scope else dmar.INCLUDE_PCI_ALL
    machine = boot(scenario_of(place, dmar.table(drhd(QEMU_IOAPIC, place.scope, flags=flags))))
    assert_intact = attacking.start(machine)
    command(machine, "to=0x400000")
    assert len(attacking.places(attacking.memory(machine), attacking.pattern())) == 1
    command(machine, "wipe=0x400000")
    command(machine, f"to={STRAY:#x}")
    assert not attacking.places(attacking.memory(machine), attacking.pattern())
    assert_intact(attacking.memory(machine))
    assert {fault.requester for fault in attacking.traced_faults(machine)} == {place.requester}
    told = machine.wait_for(lambda: list(attacking.told_faults(machine)), "a fault that is told")
    assert told == [(attacking.Fault(place.requester, True, STRAY), "vm0", "no write access there")]
    finish(machine)


UNSERVED = {
    "another": scope(ENDPOINT, "6.0"),
    "through-an-endpoint": scope(ENDPOINT, "5.0", "0.0"),
    "another-bus": scope(ENDPOINT, "5.0", bus=0x40),
}
SECOND = (str(PROGRAM), "vm=second mem=16M pci=none -- console")


@pytest.mark.parametrize("name", UNSERVED)
def test_unserved(boot, name):
    """A device that no unit serves is given to nobody, and reaches nothing."""
    table = dmar.table(drhd(QEMU_IOAPIC, UNSERVED[name]))
    machine = boot(scenario_of(PLACES["endpoint"], table, cpus=3, modules=(SECOND,)))
    assert_intact = attacking.start(machine)
    assert "vm vm0: refused: 00:05.0: no IOMMU serves it\n" in machine.serial()
    assert not edu.is_master(machine, BOOT_DISK)
    assert status(machine) == STATUS_ON
    image, pool = attacking.hypervisor_ranges(machine)
    for address in (image.start, pool.start):
        before = machine.read_memory(address, edu.SIZE)
        assert any(before)
        edu.transfer(machine, attacking.EDU_BDF, address)
        assert machine.read_memory(address, edu.SIZE) == before
    assert_intact(attacking.memory(machine))
    finish(machine, NO_VM_RAN)


def test_bypass(boot):
    """Devices that no table names, as no unit translates them (QEMU's default-bus-bypass-iommu): they could reach
    everything, and so stay silent and are given to nobody."""
    scenario = scenario_of(PLACES["endpoint"], None, cpus=3, modules=(SECOND,))
    machine = boot(dataclasses.replace(scenario, chipset="q35,default-bus-bypass-iommu=on"))
    attacking.start(machine)
    assert "vm vm0: refused: 00:05.0: no IOMMU serves it\n" in machine.serial()
    assert not edu.is_master(machine, BOOT_DISK)
    assert edu.reaches(machine, attacking.EDU_BDF, STRAY), "the machine has no such devices"
    finish(machine, NO_VM_RAN)


# Pages at the top of the machine's RAM that firmware keeps for itself.
OWN, SHARED, QUARANTINED = 0x7FFD000, 0x7FFC000, 0x7FFB000
IN_RAM = STRAY
EDUS = tuple(f"edu,addr={slot},{DMA}" for slot in (5, 6, 7, 8))
REGIONS = (
    rmrr(OWN, OWN + 0xFFF, scope(ENDPOINT, "5.0")),
    rmrr(IN_RAM, IN_RAM + 0xFFF, scope(ENDPOINT, "5.0")),
    rmrr(dmar.UNIT, dmar.UNIT + 0xFFF, scope(ENDPOINT, "5.0")),
    rmrr(attacking.ECAM, attacking.ECAM + 0xFFFFF, scope(ENDPOINT, "5.0")),
    rmrr(SHARED, SHARED + 0xFFF, scope(ENDPOINT, "6.0"), scope(ENDPOINT, "7.0")),
    rmrr(QUARANTINED, QUARANTINED + 0xFFF, scope(ENDPOINT, "8.0")),
)


def test_reserved(boot):
    """Each device reaches the regions that firmware reserves for it, whoever has it, and no other; those that
    would open RAM, or what confines devices, are left out; who shares one is given to nobody."""
    table = dmar.table(drhd(QEMU_IOAPIC, flags=dmar.INCLUDE_PCI_ALL), *REGIONS)
    wants_sharer = (str(PROGRAM), "vm=second mem=16M pci=00:06.0 -- console")
    scenario = scenario_of(PLACES["endpoint"], table, cpus=3, modules=(wants_sharer,))
    machine = boot(dataclasses.replace(scenario, devices=EDUS))
    assert_intact = attacking.start(machine)
    command(machine, f"to={OWN:#x}")
    assert attacking.places(attacking.memory(machine), attacking.pattern()) == [OWN]
    for stray in (IN_RAM, SHARED, QUARANTINED, dmar.UNIT, attacking.ECAM):
        command(machine, f"to={stray:#x}")
    assert attacking.places(attacking.memory(machine), attacking.pattern()) == [OWN]
    assert len(list(attacking.told_faults(machine))) == 5
    assert status(machine) == STATUS_ON

    reason = "firmware's reserved memory region of it is shared with another device"
    assert f"vm second: refused: 00:06.0: {reason}\n" in machine.serial()
    pool = attacking.hypervisor_ranges(machine)[1]
    for slot, reached in ((6, SHARED), (7, SHARED), (8, QUARANTINED)):
        for address in (OWN, SHARED, QUARANTINED, pool.end - edu.SIZE, IN_RAM):
            assert edu.reaches(machine, slot << 3, address) == (address == reached), (slot, address)
    assert_intact(attacking.memory(machine))
    finish(machine, NO_VM_RAN)


GOOD = dmar.table(drhd(QEMU_IOAPIC, flags=dmar.INCLUDE_PCI_ALL))
MALFORMED = {
    "checksum": (GOOD[:-1] + b"\xff", "DMAR at .* left out: offset 0x9: the table's bytes do not add up"),
    "length": (
        dmar.table(dmar.structure(dmar.DRHD, b""), dmar.drhd()),
        "DMAR table refused at offset 50: the structure's length is less than its fixed part",
    ),
    "scope": (
        dmar.table(drhd(scope(ENDPOINT, "5.0") + b"\1\x40")),
        "DMAR table refused at offset 72: the structure ends within a device scope",
    ),
    "reserved": (
        dmar.table(drhd(flags=1), rmrr(OWN + 0x1000, OWN, scope(ENDPOINT, "5.0"))),
        "DMAR table refused at offset 80: the reserved memory's limit is below its base",
    ),
    "twice": (
        dmar.table(drhd(QEMU_IOAPIC, scope(ENDPOINT, "5.0")), drhd(flags=1)),
        "unit 1: its registers at fed90000 can't be used: they are another unit's",
    ),
    "in-ram": (
        dmar.table(drhd(flags=1, base=STRAY)),
        "unit 0: its registers at 7000000 can't be used: they lie in memory that is free",
    ),
    "not-there": (
        dmar.table(drhd(flags=1, base=dmar.UNIT + 0x8000)),
        "unit 0 is of no use: CAP, ECAP: its capability registers read as nothing there",
    ),
    "no-unit": (dmar.table(rmrr(OWN, OWN + 0xFFF)), "no usable IOMMU .not found."),
}


def refused(machine, reason):
    """No device is given out or can do DMA, and what needs none goes on."""
    machine.expect(reason)
    machine.expect("vm vm0: refused: it names devices: there is no usable IOMMU$")
    attacking.start(machine)
    assert "vm0|" not in machine.serial()
    assert not edu.is_master(machine, BOOT_DISK)
    assert "left: 0 bytes of memory" in command(machine, "left")


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(boot, name):
    """A table that can't be trusted is refused with the place and the reason, and no device given out."""
    table, reason = MALFORMED[name]
    machine = boot(scenario_of(PLACES["endpoint"], table, cpus=3, modules=(SECOND,)))
    refused(machine, reason)
    assert status(machine) == 0
    assert not any(machine.read_memory(STRAY, 4096))
    finish(machine, NO_VM_RAN)


def test_added(boot, folder):
    """Of two tables the first one counts, which is QEMU's: the second's reserved region opens nothing."""
    path = folder / "second.aml"
    path.write_bytes(dmar.table(drhd(flags=1), REGIONS[0]))
    scenario = scenario_of(PLACES["endpoint"], None, extra=("-acpitable", f"sig=DMAR,file={path}"))
    machine = boot(scenario)
    attacking.start(machine)
    assert "acpi: DMAR at " in machine.serial() and "there is one already" in machine.serial()
    command(machine, "to=0x400000")
    command(machine, f"to={OWN:#x}")
    assert OWN not in attacking.places(attacking.memory(machine), attacking.pattern())
    assert {fault.address & ~0xFFF for fault in attacking.traced_faults(machine)} == {OWN}
    finish(machine)


def test_unit_of_nobody(boot, folder):
    """A table of a unit that the machine has not."""
    path = folder / "only.aml"
    path.write_bytes(GOOD)
    extra = ("-acpitable", f"sig=DMAR,file={path}")
    scenario = scenario_of(PLACES["endpoint"], None, iommu=None, extra=extra)
    machine = boot(dataclasses.replace(scenario, cpus=3, modules=(SECOND,)))
    refused(machine, "vtd: unit 0 is of no use: CAP, ECAP: .* nothing there$")
    finish(machine, NO_VM_RAN)
