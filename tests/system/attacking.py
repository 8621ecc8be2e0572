"""What the tests of attacks share: the guest that attacks, and the hypervisor's memory as seen from
outside."""

import dataclasses
import re
import struct
import subprocess

import pytest

import emulator
from scenarios import MODELS, Scenario

PROGRAM = emulator.BUILD / "attack/attack.elf"
KERNEL = emulator.BUILD / "sluice.elf"

EDU_SLOT = 5
EDU_BDF = EDU_SLOT << 3  # on bus 0
EDU = f"edu,addr={EDU_SLOT},dma_mask=0xffffffffffffffff"

MEMORY_MIB = 128
VM_MEMORY = 64 << 20  # more than the address of the hypervisor's image

ECAM = 0xB0000000
AT_ONCE = 12
PT_LOAD, PF_WRITE = 1, 2

# Of the VM that owns the edu device; its commands come over the console.
ATTACKER = Scenario(
    "",
    "",
    nic="",
    devices=(EDU,),
    memory=f"{MEMORY_MIB}M",
    vm=f"mem={VM_MEMORY >> 20}M pci=00:{EDU_SLOT:02x}.0",
    program=PROGRAM,
    guest="console",
    file=False,
)
BARE = dataclasses.replace(ATTACKER, bare=True, iommu=None, vm="")

# On Bochs, which has no edu device: a VM without devices.
DEVICELESS = dataclasses.replace(ATTACKER, devices=(), vm="mem=32M pci=none")
ON_BOCHS = [*zip(MODELS, (1, 2, 1, 2, 1)), (MODELS[-1], 2)]  # with one CPU and with two, each maker's


def attacker(where):
    """The scenario for that emulator."""
    return DEVICELESS if where in MODELS else ATTACKER


def on(*cases):
    """Has a test run on these emulators ("" is the system's QEMU) with so many CPUs."""
    ids = [f"{where or 'system'}-{cpus}" for where, cpus in cases]
    return pytest.mark.parametrize("where, cpus", cases, ids=ids)


def pattern():
    """What the attacking guest writes."""
    number, data = 0x5EED, bytearray()
    for _ in range(1024):
        number = (number * 1664525 + 1013904223) & 0xFFFFFFFF
        data.append(number >> 24)
    return bytes(data)


def start(machine):
    """Waits until the guest takes commands. Returns a function that checks in a copy of memory that
    the hypervisor's code and constants are those of its file."""
    parts = list(constant_parts())
    assert len(parts) == 2
    machine.expect(r"\bready$")

    def check(data):
        for address, content in parts:
            assert data[address : address + len(content)] == content, f"changed: {address:#x}"

    return check


def send(machine, line):
    """Gives the guest a command, piece by piece, as a UART holds no more than 16 bytes."""
    while len(line) > AT_ONCE:
        machine.send(line[:AT_ONCE] + "\\")
        machine.expect(r"\bmore$")
        line = line[AT_ONCE:]
    machine.send(line + "\n")


def command(machine, line):
    """Has the guest run one command; what it said meanwhile."""
    begin = machine.seen
    send(machine, line)
    machine.expect(rf"\bdone: {re.escape(line)}$")
    return machine.serial()[begin : machine.seen]


def assert_ports_are_silent(machine):
    """No port answers the guest but its own, by whatever width, and writes to all do no harm to it."""
    for line, count in (("ports", 3), ("port-writes", 0), ("port-strings", 3)):
        said = command(machine, line)
        assert re.findall(r"(\d+) answered", said) == ["0"] * count, said


def memory(machine):
    """All of the machine's RAM."""
    return machine.read_memory(0, MEMORY_MIB << 20)


def places(data, wanted):
    """All addresses at which `wanted` is in `data`."""
    found, at = [], data.find(wanted)
    while at >= 0:
        found.append(at)
        at = data.find(wanted, at + len(wanted))
    return found


@dataclasses.dataclass(frozen=True)
class Range:
    """Addresses from start up to end, not included."""

    start: int
    end: int


def hypervisor_ranges(machine):
    """The hypervisor's image and its page pool, as it tells them."""
    log = machine.serial()
    match = re.search(r"boot: image (\w+)-(\w+), page pool (\w+)-(\w+),", log)
    image_start, image_end, pool_start, pool_end = (int(text, 16) for text in match.groups())
    return Range(image_start, image_end), Range(pool_start, pool_end)


def constant_parts():
    """Address and content of what the hypervisor's ELF file says is never written."""
    data = KERNEL.read_bytes()
    offset = struct.unpack_from("<Q", data, 32)[0]
    size, count = struct.unpack_from("<HH", data, 54)
    for number in range(count):
        header = struct.unpack_from("<IIQQQQQQ", data, offset + number * size)
        kind, flags, start, _, address, length = header[:6]
        if kind == PT_LOAD and not flags & PF_WRITE:
            yield address, data[start : start + length]


def symbol(name):
    """The address of a name in the hypervisor."""
    output = subprocess.run(["nm", KERNEL], capture_output=True, text=True, check=True).stdout
    return int(re.search(rf"^(\w+) \w {name}$", output, re.MULTILINE)[1], 16)


@dataclasses.dataclass(frozen=True)
class Fault:
    """A DMA request that the IOMMU refused."""

    requester: int
    write: bool
    address: int
    reason: int = 0


def traced_faults(machine):
    """The faults that QEMU saw."""
    line = r"vtd_dmar_fault sid (\w+) fault (\d+) addr (\w+) write (\d)"
    return [
        Fault(int(sid, 16), write == "1", int(address, 16), int(reason))
        for sid, reason, address, write in re.findall(line, machine.trace())
    ]


def told_faults(machine):
    """The faults that the hypervisor told: each with the VM's name and the reason in words."""
    line = r"iommu: fault: unit 0, (\w+):(\w+)\.(\w) \((\S+)\): (write|read) of (\w+): (.*)"
    for bus, device, function, vm, access, address, reason in re.findall(line, machine.serial()):
        bdf = int(bus, 16) << 8 | int(device, 16) << 3 | int(function)
        yield Fault(bdf, access == "write", int(address, 16)), vm, reason


def counted_faults(machine):
    """The number in the VM's summary."""
    return int(machine.expect(r"vm0: DMA faults (\d+)$")[1])
