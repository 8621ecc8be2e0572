"""QEMU's edu device, told from outside what to do, whoever has it: a device with a will of its own."""

import attacking

FUNCTION_SIZE = 4096  # of configuration space
COMMAND, BAR0 = 0x04, 0x10
MEMORY, MASTER = 2, 4  # bits of the command register
SOURCE, DESTINATION, COUNT, COMMAND_REGISTER = 0x80, 0x88, 0x90, 0x98
BUFFER = 0x40000  # the device's own memory
TO_MEMORY, GO = 2, 1
SIZE = 1024  # of a transfer


def register(bdf, offset=COMMAND):
    """The address of a register of a function's configuration space."""
    return attacking.ECAM + bdf * FUNCTION_SIZE + offset


def is_master(machine, bdf):
    """Whether the device may do DMA at all."""
    return bool(machine.outside.read32(register(bdf)) & MASTER)


def start(machine, bdf, address):
    """Has the device turn its DMA on, and begin to write zeros to an address: it takes it 0.1 s. Returns where its
    registers are."""
    outside = machine.outside
    outside.write32(register(bdf), MEMORY | MASTER)
    registers = outside.read32(register(bdf, BAR0)) & ~0xF
    assert outside.read32(registers) & 0xFFFF == 0xED, "its registers are not there"
    outside.write64(registers + SOURCE, BUFFER)
    outside.write64(registers + DESTINATION, address)
    outside.write64(registers + COUNT, SIZE)
    outside.write64(registers + COMMAND_REGISTER, TO_MEMORY | GO)
    return registers


def transfer(machine, bdf, address):
    """The same, and waits until it is over."""
    registers = start(machine, bdf, address)
    machine.wait_for(
        lambda: not machine.outside.read32(registers + COMMAND_REGISTER) & GO,
        "the device ends its transfer",
    )


def reaches(machine, bdf, address):
    """Whether the device's zeros arrive at an address of the machine."""
    machine.outside.fill(address, SIZE, 0xAA)
    transfer(machine, bdf, address)
    return not any(machine.read_memory(address, SIZE))
