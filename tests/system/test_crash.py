"""The hypervisor's own mistakes, made on purpose: that they are caught, and what is told. And its address
space, looked at from outside while it runs."""

import dataclasses
import re
import subprocess

import pytest

import attacking
from scenarios import Scenario, everywhere

PANIC = 0x7F
TEXT_START = 0x3000000
ENTRY = re.compile(r"^  ([0-9a-f]{16}) (\S+?)(?:\.\S+?)?(?:\+0x[0-9a-f]+)?$", re.MULTILINE)


def symbol(name):
    """The address of one of the hypervisor's symbols."""
    listing = subprocess.run(
        ["nm", attacking.KERNEL], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return int(re.search(rf"^(\w+) \w {name}$", listing, re.MULTILINE)[1], 16)


def guard_page():
    """The page under the boot CPU's stack."""
    start = symbol("boot_stack_guard")
    return attacking.Range(start, start + 4096)


def data():
    """All of the image that is neither code nor constant."""
    return attacking.Range(symbol("rodata_end"), symbol("image_end"))


@dataclasses.dataclass(frozen=True)
class Check:
    """A mistake: the exception, the function that makes it, and for a page fault what is wrong, as its
    error code says, and where."""

    exception: str
    function: str
    error: int = 0
    where: object = None


CHECKS = {
    "ud": Check(r"6 \(invalid opcode\)", "check_undefined"),
    "stack": Check(r"8 \(double fault\)", "check_stack", 0, guard_page),
    "text": Check(
        r"14 \(page fault\)",
        "check_text",
        3,
        lambda: attacking.Range(TEXT_START, symbol("text_end")),
    ),
    "data": Check(r"14 \(page fault\)", "check_data", 0x11, data),
    "null": Check(r"14 \(page fault\)", "check_null", 0, lambda: attacking.Range(0, 1)),
}


def assert_report(boot, check, name, cpus, where):
    """The machine ends with the report of that mistake."""
    machine = boot(Scenario("", "", nic="", cpus=cpus, hypervisor=f"check={name}"), where)
    assert machine.wait_exit() == PANIC
    said = machine.serial()
    assert said.count("PANIC") == 1 and "NOT CAUGHT" not in said
    line = rf"PANIC: exception {check.exception} in the hypervisor on CPU 0, error (\w+)$"
    report = said[re.search(line, said, re.MULTILINE).start() :]
    assert int(re.search(r"error (\w+)", report)[1], 16) == check.error
    if check.where:
        where = check.where()
        assert where.start <= int(re.search(r"cr2 (\w+)", report)[1], 16) < where.end
    frames = [function for _, function in ENTRY.findall(report[report.index("backtrace:") :])]
    wanted = [check.function, "selfcheck", "hv_main", "boot_entry"]
    # What is executed where there is no code has no name, and the stack's overrun many frames.
    assert [function for function in dict.fromkeys(frames) if function != "?"] == wanted


@everywhere
@pytest.mark.parametrize("cpus", [1, 2])
@pytest.mark.parametrize("name", CHECKS)
def test_report(boot, name, cpus, where):
    """The report of a crash tells what happened, where and how it got there."""
    assert_report(boot, CHECKS[name], name, cpus, where)


@everywhere
def test_report_without_gs(boot, where):
    """Likewise where GS is not the hypervisor's own, as it is for a moment after each of SVM's exits."""
    assert_report(boot, Check(r"6 \(invalid opcode\)", "check_gs"), "gs", 1, where)


@everywhere
@pytest.mark.parametrize("value", ["", "ud2"])
def test_unknown_check(boot, value, where):
    """What is not one of them is refused."""
    machine = boot(Scenario("", "", nic="", hypervisor=f"check={value}"), where)
    assert machine.wait_exit() == 0x7E


PRESENT, WRITE, LARGE, NO_EXECUTE = 1, 1 << 1, 1 << 7, 1 << 63
UNCACHED = 1 << 4
ADDRESS = 0x000FFFFFFFFFF000
WINDOWS = 1 << 46


@dataclasses.dataclass(frozen=True)
class Leaf:
    """What one entry maps."""

    start: int
    size: int
    physical: int
    writable: bool
    executable: bool
    uncached: bool


def leaves(memory, root):
    """All leaves of four levels of page tables, rights combined as the CPU does."""

    def walk(table, level, base, writable, executable):
        for index in range(512):
            entry = int.from_bytes(memory[table + index * 8 : table + index * 8 + 8], "little")
            if not entry & PRESENT:
                continue
            size = 1 << (12 + 9 * (level - 1))
            start = base + index * size
            may_write = writable and bool(entry & WRITE)
            may_execute = executable and not entry & NO_EXECUTE
            if level == 1 or entry & LARGE:
                target = entry & ADDRESS & ~(size - 1)
                uncached = bool(entry & UNCACHED)
                yield Leaf(start, size, target, may_write, may_execute, uncached)
            else:
                yield from walk(entry & ADDRESS, level - 1, start, may_write, may_execute)

    yield from walk(root, 4, 0, True, True)


def own_root(machine):
    """What CR3 holds on the CPU that is kept back."""
    machine.monitor("cpu 0")
    return int(re.search(r"CR3=(\w+)", machine.monitor("info registers"))[1], 16) & ADDRESS


def ranges_told(machine, pattern):
    """The ranges of the lines of the log that match."""
    found = re.findall(pattern, machine.serial(), re.MULTILINE)
    return [attacking.Range(int(start, 16), int(end, 16)) for start, end in found]


def readable_ranges(machine):
    """What firmware and the loader left, which is read only: tables, and the VMs' modules."""
    ranges = ranges_told(machine, r"memory: (\w+)-(\w+) (?!RAM)")
    for start, size in re.findall(r"boot: module \d+: (\w+), (\d+) bytes", machine.serial()):
        ranges.append(attacking.Range(int(start, 16), int(start, 16) + int(size)))
    ranges.append(attacking.Range(0x80000, 0x100000))
    return [attacking.Range(each.start & ~0xFFF, (each.end + 0xFFF) & ~0xFFF) for each in ranges]


# Registers: ECAM, IOAPIC, local APIC, VT-d, and the text screen.
REGISTERS = [
    attacking.Range(attacking.ECAM, attacking.ECAM + (256 << 20)),
    attacking.Range(0xFEC00000, 0xFEC01000),
    attacking.Range(0xFEE00000, 0xFEE01000),
    attacking.Range(0xFED90000, 0xFED91000),
    attacking.Range(0xB8000, 0xC0000),
]


def is_in(leaf, ranges):
    """True if one of the ranges has all of it."""
    return any(each.start <= leaf.start and leaf.start + leaf.size <= each.end for each in ranges)


def test_address_space(boot):
    """Nothing is writable and executable, code and constants are read-only, and nothing is mapped but
    what is documented; no VM's memory is."""
    machine = boot(dataclasses.replace(attacking.ATTACKER, cpus=2))
    attacking.start(machine)
    image, pool = attacking.hypervisor_ranges(machine)
    text = attacking.Range(image.start, symbol("text_end"))
    constants = attacking.Range(text.end, symbol("rodata_end"))
    own = [attacking.Range(constants.end, image.end), pool]
    memory = attacking.memory(machine)
    found = list(leaves(memory, own_root(machine)))

    assert found and {leaf.start for leaf in found} & {text.start}
    for leaf in found:
        if leaf.start >= WINDOWS:
            assert leaf.writable and not leaf.executable, leaf
            continue
        assert leaf.physical == leaf.start, leaf
        assert not (leaf.writable and leaf.executable), leaf
        assert leaf.executable == is_in(leaf, [text]), leaf
        assert leaf.writable == is_in(leaf, own + REGISTERS), leaf
        assert leaf.uncached == is_in(leaf, REGISTERS), leaf
        if not leaf.writable:
            assert is_in(leaf, [text, constants] + readable_ranges(machine)), leaf

    mapped = {page for leaf in found for page in range(leaf.start, leaf.start + leaf.size, 4096)}
    assert not mapped & {0, guard_page().start}
    # Under each stack in the pool: three of the boot CPU's, four of the other's.
    guards = set(range(pool.start, pool.end, 4096)) - mapped
    assert len(guards - {pool.start}) >= 7
    windows = [leaf for leaf in found if leaf.start >= WINDOWS]
    assert len(windows) <= 2 * 8
    machine.send("\n")
    assert machine.wait_exit() == 0
