"""A VM's BARs, power states, resets and command registers: what it writes to them stays within its own view, and
what its devices reach does not follow them. Looked at are the physical registers, and what is at the addresses."""

import re

import pytest

import attacking
import victims
from attacking import command
from registers import (
    BAR0,
    COMMAND,
    COMMAND_MASTER,
    COMMAND_MEMORY,
    PCIE,
    PCIE_CONTROL,
    PCIE_FLR,
    PM,
    PM_CONTROL,
    ROM,
    Device,
    word,
)
from victims import EDU_BDF, GUEST_BDF, NIC_BDF, NVME_BDF, PAGE, Attacks, Victim

EDU_SIGN = 0x010000ED
NVME_VERSION, NVME_STATUS, NVME_READY = 0x08, 0x1C, 1
SIGN, SIGNED = 0x12345678, 0x400000  # in the attacker's RAM
GIB = 1 << 30
D3HOT = 3
DEVICES = (EDU_BDF, NIC_BDF, NVME_BDF)
MASTER_OFF = COMMAND_MEMORY


def peek(machine, address):
    """Four bytes, as the guest reads them."""
    said = command(machine, f"peek={address:#x}")
    return int(re.search(r"peek: \w+: (\w+)", said)[1], 16)


def write(machine, bdf, register, value):
    """Writes a register of one of the attacker's devices."""
    command(machine, f"config-write={GUEST_BDF[bdf]},{register:#x},{value:#x}")


def read(machine, bdf, register):
    """Reads one."""
    said = command(machine, f"config-read={GUEST_BDF[bdf]},{register:#x}")
    return int(re.search(r"config: (\w+)", said)[1], 16)


def place(machine, bdf, address, wide=False):
    """Moves the first BAR, which is on all the while."""
    write(machine, bdf, BAR0, address & 0xFFFFFFFF)
    if wide:
        write(machine, bdf, BAR0 + 4, address >> 32)


class Bars:
    """The attacker's devices: the physical BARs never change, its RAM and APIC are always the same."""

    def __init__(self, boot, where=""):
        self.machine = boot(victims.scenario(), where)
        self.victim = Victim(self.machine)
        command(self.machine, "own")
        assert "status 0x0" in command(self.machine, "nvme-to=0x800000")
        command(self.machine, f"poke={SIGNED:#x},{SIGN:#x}")
        self.apic = peek(self.machine, 0xFEE00030)
        self.devices = [Device(self.machine, bdf) for bdf in DEVICES]
        self.physical = self.headers()
        self.edu = read(self.machine, EDU_BDF, BAR0)
        self.nic = read(self.machine, NIC_BDF, BAR0)
        self.nvme = read(self.machine, NVME_BDF, BAR0) & ~0xF

    def headers(self):
        """All BARs and ROMs."""
        return [device.configuration()[BAR0 : ROM + 4] for device in self.devices]

    def check(self, what):
        """Nothing is where it was not."""
        assert self.headers() == self.physical, what
        assert peek(self.machine, SIGNED) == SIGN, what
        assert peek(self.machine, 0xFEE00030) == self.apic, what
        assert self.machine.read_memory(self.devices[0].bar(0), 4) == EDU_SIGN.to_bytes(4, "little")

    def finish(self):
        """All works as before, and nobody else noticed."""
        place(self.machine, EDU_BDF, self.edu)
        place(self.machine, NVME_BDF, self.nvme, wide=True)
        self.check("at the end")
        assert peek(self.machine, self.edu) == EDU_SIGN
        command(self.machine, "own")
        assert "status 0x0" in command(self.machine, "nvme-to=0x800000")
        self.victim.assert_unharmed()
        victims.finish(self.machine)


@pytest.mark.parametrize("where", ["", "10"], ids=["system", "10"])
def test_bars(boot, where):
    """BARs over one another, over RAM by either half, where nothing can be, sized while they decode, and ROMs."""
    bars = Bars(boot, where)
    machine = bars.machine
    version = peek(machine, bars.nvme + NVME_VERSION)
    link = peek(machine, bars.nic + 8)

    # Over another BAR: what was there first stays there, and gets what is written.
    liveness = machine.read_memory(bars.devices[0].bar(0) + 4, 4)
    place(machine, EDU_BDF, bars.nvme & ~0xFFFFF)
    assert peek(machine, bars.nvme + NVME_VERSION) == version
    assert peek(machine, bars.nic + 8) == link
    command(machine, f"poke={(bars.nvme & ~0xFFFFF) + 4:#x},0")
    assert machine.read_memory(bars.devices[0].bar(0) + 4, 4) == liveness
    place(machine, EDU_BDF, bars.edu)
    place(machine, NVME_BDF, bars.nic + 0x4000)
    assert peek(machine, bars.nic + 0x4000 + NVME_VERSION) != version
    bars.check("over another")
    told = r"vpci: vm vm0: 00:0[57].0: BAR 0 can't be at 0x\w+: another BAR$"
    assert len(re.findall(told, machine.serial(), re.MULTILINE)) == 2

    # 64 bits wide: high where nothing is, over RAM, the APICs, and beyond all that a CPU can address.
    for address in (64 * GIB, 4 * GIB, 5 * GIB):
        place(machine, NVME_BDF, address, wide=True)
        assert peek(machine, address + NVME_VERSION) == version
    for address in (SIGNED, 0xFEE00000, 0xFEC00000, 1 << 48, 1 << 51, 1 << 63, (1 << 64) - 0x4000):
        place(machine, NVME_BDF, address, wide=True)
        assert peek(machine, 5 * GIB + NVME_VERSION) == 0xFFFFFFFF
        bars.check(f"at {address:#x}")
    place(machine, NVME_BDF, bars.nvme, wide=True)

    # Sized while it decodes.
    for bdf, size in ((EDU_BDF, 0xFFF00000), (NVME_BDF, 0xFFFFC004), (NIC_BDF, 0xFFFE0000)):
        before = read(machine, bdf, BAR0)
        write(machine, bdf, BAR0, 0xFFFFFFFF)
        assert read(machine, bdf, BAR0) == size
        assert peek(machine, 0xFFF00000) == peek(machine, 0xFFFFC000) == 0xFFFFFFFF
        bars.check("sized")
        write(machine, bdf, BAR0, before)

    for bdf in DEVICES:
        for value in (SIGNED | 1, 0xFEE00001, 0xFFFFFFFF):
            write(machine, bdf, ROM, value)
            assert read(machine, bdf, ROM) == 0
            bars.check("ROM")
    bars.finish()


def test_registers(boot):
    """A device does not reach the registers of another one of its own VM, wherever that has been: not at their
    physical address, nor where the guest sees them or saw them before."""
    bars = Bars(boot)
    machine, attacks = bars.machine, Attacks(bars.machine)
    before = machine.read_memory(bars.devices[0].bar(0), 0x80)
    moved = 0xE0000000
    targets = [bars.devices[0].bar(0), bars.edu]
    for target in targets:
        attacks.refused(f"nvme-to={target:#x}", NVME_BDF, True, target)
    place(machine, EDU_BDF, moved)
    assert (peek(machine, moved), peek(machine, bars.edu)) == (EDU_SIGN, 0xFFFFFFFF)
    for target in (moved, bars.edu):
        attacks.refused(f"nvme-to={target:#x}", NVME_BDF, True, target)
    place(machine, EDU_BDF, bars.edu)
    own = Device(machine, NVME_BDF).msix_table()[0] & ~(PAGE - 1)
    attacks.refused(f"to={own:#x}", EDU_BDF, True, own)
    assert machine.read_memory(bars.devices[0].bar(0), 0x80) == before
    bars.finish()


def ready(device):
    """True if the NVMe controller runs: it does not after a reset."""
    return bool(device.machine.read_memory(device.bar(0) + NVME_STATUS, 4)[0] & NVME_READY)


def test_power(boot):
    """A guest can't put its devices to sleep or reset them by themselves, and bus mastering is what it says."""
    bars = Bars(boot)
    machine = bars.machine
    nvme, nic, edu = Device(machine, NVME_BDF), Device(machine, NIC_BDF), Device(machine, EDU_BDF)
    assert ready(nvme) and "nic: a frame" in command(machine, "nic-to=0x800000")
    for device in (nvme, nic):
        pm = device.capability(PM) + PM_CONTROL
        pcie = device.capability(PCIE) + PCIE_CONTROL
        before = device.read(pm), device.read(pcie, 2)
        for register, value in ((pm, D3HOT), (pm, 0xFFFFFFFF), (pcie, PCIE_FLR), (pcie, 0xFFFF)):
            write(machine, device.bdf, register, value)
            assert (device.read(pm), device.read(pcie, 2)) == before
            assert read(machine, device.bdf, pm) & 3 == 0
    assert ready(nvme) and "nic: a frame" in command(machine, "nic-to=0x800000")
    assert "status 0x0" in command(machine, "nvme-to=0x800000")

    # Without bus mastering there is no DMA; with it turned over and over there is what there was.
    write(machine, EDU_BDF, COMMAND, MASTER_OFF)
    assert not edu.read(COMMAND, 2) & COMMAND_MASTER
    command(machine, "to=0x900000")
    assert not attacking.places(attacking.memory(machine), attacking.pattern())
    write(machine, EDU_BDF, COMMAND, 0xFFFFFFFF)
    assert edu.read(COMMAND, 2) & ~0x407 == 0
    write(machine, EDU_BDF, COMMAND, COMMAND_MEMORY | COMMAND_MASTER)
    for bdf in (EDU_BDF, NVME_BDF):
        command(machine, f"config-toggle={GUEST_BDF[bdf]},4,0,50")
        command(machine, f"config-toggle={GUEST_BDF[bdf]},4,{MASTER_OFF},50")
        bars.check("command")
    command(machine, "to=0x900000")
    assert len(attacking.places(attacking.memory(machine), attacking.pattern())) == 1
    assert not list(attacking.told_faults(machine))
    bars.finish()


def test_bare(boot):
    """Without the hypervisor all of that happens to the device itself."""
    machine = boot(victims.bare())
    attacking.start(machine)
    nvme, edu = Device(machine, NVME_BDF), Device(machine, EDU_BDF)
    command(machine, "nvme-to=0x800000")
    assert ready(nvme)
    for register, value in ((nvme.capability(PCIE) + PCIE_CONTROL, PCIE_FLR), (nvme.capability(PM) + 4, D3HOT)):
        command(machine, f"config-write={NVME_BDF},{register:#x},{value:#x}")
    assert nvme.bar(0) == 0 and not nvme.read(COMMAND, 2) & COMMAND_MASTER
    assert nvme.read(nvme.capability(PM) + PM_CONTROL, 2) & 3 == D3HOT
    command(machine, f"config-write={EDU_BDF},{BAR0:#x},0xd0000000")
    assert edu.bar(0) == 0xD0000000
    assert word(machine.read_memory(edu.bar(0), 4), 0) == EDU_SIGN
