"""XCR0 and the vector registers are a guest's own."""

import dataclasses

import attacking
from attacking import command

# What is tried, one after the other: the value, XCR's index, and whether it is taken.
TRIED = (
    *((7, 0, 1), (1, 0, 1), (3, 0, 1)),
    *((0, 0, 0), (5, 0, 0), (0x207, 0, 0), (7 | 1 << 63, 0, 0), (7, 1, 0)),
    (7, 0, 1),
)

# QEMU before 10 carries XSETBV out by itself: it has protection keys. What it takes is a guest's own all
# the same, and gone with it.
TAKEN_BY_OLD_QEMU = (0x207,)


def lines(old_qemu):
    """What the guest says of its tries."""
    xcr0 = 1
    for value, index, taken in TRIED:
        taken |= old_qemu and value in TAKEN_BY_OLD_QEMU
        xcr0 = value if taken else xcr0
        outcome = "taken" if taken else "refused"
        yield f"vectors: {value:#x} to {index} {outcome}, xcr0 {xcr0:#x}"


@attacking.on(("", 1), ("", 2), ("10", 1), ("11", 2), *attacking.ON_BOCHS)
def test_vectors(boot, where, cpus):
    """A guest turns AVX on, nothing that the hypervisor does not let it; its registers begin at zero and
    survive exits and interrupts."""
    machine = boot(dataclasses.replace(attacking.attacker(where), cpus=cpus), where)
    attacking.start(machine)
    said = command(machine, "vectors")
    said = [line.split("vm0| ", 1)[-1] for line in said.splitlines()]
    assert said[1:-1] == [
        "vectors: before CR4.OSXSAVE refused",
        "vectors: xcr0 0x1 at the start",
        *list(lines(not where))[:1],
        "vectors: 0 parts of registers are not zero",
        *list(lines(not where))[1:],
        "vectors: 0 of 64 sums are wrong, after exits and 100 interrupts",
    ]
    machine.send("\n")
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()
