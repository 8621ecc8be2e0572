"""Registers of a machine's devices and of its IOMMU, as seen from outside."""

import dataclasses

import attacking

FUNCTION = 4096
COMMAND, COMMAND_MEMORY, COMMAND_MASTER = 0x04, 2, 4
BAR0, ROM, POINTER = 0x10, 0x30, 0x34
PM, PM_CONTROL = 0x01, 4
MSI, MSI_ENABLE, MSI_64 = 0x05, 1, 1 << 7
PCIE, PCIE_CONTROL, PCIE_FLR = 0x10, 8, 1 << 15
MSIX, MSIX_ENABLE, MSIX_MASKED = 0x11, 1 << 15, 1 << 14

VTD = 0xFED90000
VTD_IRTA, VTD_IRTA_EIME = 0xB8, 1 << 11

# VT-d 5.1.2.2: an address of the remappable format.
REMAPPABLE = 0x10


def word(data, at, size=4):
    """A register's value in bytes that were read."""
    return int.from_bytes(data[at : at + size], "little")


def remappable(handle, subhandle=False):
    """The address of an interrupt message in remappable format (VT-d 5.1.2.2)."""
    return 0xFEE00000 | REMAPPABLE | (handle & 0x7FFF) << 5 | handle >> 15 << 2 | subhandle << 3


@dataclasses.dataclass(frozen=True)
class Message:
    """What a device writes to interrupt."""

    address: int
    data: int

    def handle(self):
        """The remapping entry that it names; None if it is of the old format."""
        if not self.address & REMAPPABLE:
            return None
        return self.address >> 5 & 0x7FFF | (self.address >> 2 & 1) << 15


@dataclasses.dataclass(frozen=True)
class Entry:
    """An interrupt-remapping entry that is present (VT-d 9.10)."""

    vector: int
    delivery: int
    destination: int
    source: int
    verified: bool


class Device:
    """A function's configuration space and registers. bdf: bus, device and function as in a requester ID."""

    def __init__(self, machine, bdf):
        self.machine = machine
        self.bdf = bdf

    def configuration(self):
        """All of it."""
        return self.machine.read_memory(attacking.ECAM + self.bdf * FUNCTION, FUNCTION)

    def read(self, at, size=4):
        """One register of configuration space."""
        return word(self.configuration(), at, size)

    def capability(self, identity):
        """Where the capability lies, which must be there."""
        data = self.configuration()
        at = data[POINTER]
        while at:
            if data[at] == identity:
                return at
            at = data[at + 1]
        raise AssertionError(f"{self.bdf:#x}: no capability {identity:#x}")

    def bar(self, number):
        """The address in a memory BAR."""
        value = self.read(BAR0 + 4 * number)
        high = self.read(BAR0 + 4 * number + 4) if value & 4 else 0
        return value & ~0xF | high << 32

    def msi(self):
        """The message, if MSI is on; None if it is off."""
        at, data = self.capability(MSI), self.configuration()
        control = word(data, at + 2, 2)
        if not control & MSI_ENABLE:
            return None
        wide = control & MSI_64
        high = word(data, at + 8) if wide else 0
        return Message(word(data, at + 4) | high << 32, word(data, at + (12 if wide else 8), 2))

    def msix_table(self):
        """Address and size of the table."""
        at, data = self.capability(MSIX), self.configuration()
        where = word(data, at + 4)
        return self.bar(where & 7) + (where & ~7), ((word(data, at + 2, 2) & 0x7FF) + 1) * 16

    def msix(self, number=0):
        """The table's entry, if it is unmasked and MSI-X is on; None if not."""
        control = self.read(self.capability(MSIX) + 2, 2)
        entry = self.machine.read_memory(self.msix_table()[0] + 16 * number, 16)
        if not control & MSIX_ENABLE or control & MSIX_MASKED or entry[12] & 1:
            return None
        return Message(word(entry, 0, 8), word(entry, 8))


def remapping_entry(machine, handle):
    """The entry of the interrupt-remapping table; None if it is not present."""
    irta = word(machine.read_memory(VTD + VTD_IRTA, 8), 0, 8)
    assert handle < 2 << (irta & 0xF)
    data = machine.read_memory((irta & ~0xFFF) + 16 * handle, 16)
    low, high = word(data, 0, 8), word(data, 8, 8)
    if not low & 1:
        return None
    destination = low >> 32 if irta & VTD_IRTA_EIME else low >> 40 & 0xFF
    return Entry(low >> 16 & 0xFF, low >> 5 & 7, destination, high & 0xFFFF, bool(high >> 18 & 3))
