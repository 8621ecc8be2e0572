"""Guests that run random instructions in random modes, many at once, beside one that works: whatever becomes
of them, the hypervisor goes on. With --soak=SECONDS for that long under VMX and under SVM, shared among the
emulators, each time with other seeds."""

import collections
import dataclasses
import re

import pytest

import attacking
import soaking
from attacking import command
from scenarios import INTEL_MODELS, MODELS

PROGRAM = attacking.PROGRAM.parent / "random.elf"
# Emulators, and how often each is booted without --soak.
BOOTS = {"": 2, "10": 1, "11": 1} | dict.fromkeys(MODELS, 1)
ROUNDS = 2000  # of each guest, which few live to see
WITH_DEVICE = 3  # of the guests on QEMU

ENDED = re.compile(r"^\S+ +\S+ (r\d): (crashed: .*|ended with code \d+)\n", re.MULTILINE)


def scenario(where, number):
    """A working guest, and as many others as there can be."""
    others = 6 if where in MODELS else 7
    devices = {} if where in MODELS else {n: f"00:{6 + n:02x}.0" for n in range(WITH_DEVICE)}
    base = attacking.attacker(where)
    modules = [
        f"vm=r{n} mem=16M pci={devices.get(n, 'none')} -- seed={number * 16 + n} rounds={ROUNDS}"
        for n in range(others)
    ]
    return dataclasses.replace(
        base,
        cpus=others + 2,
        memory="512M",
        devices=base.devices + tuple(f"edu,addr={6 + n}" for n in devices),
        modules=tuple((str(PROGRAM), words) for words in modules),
    )


def run(boot, where, number):
    """One boot; how each of the random guests ended."""
    machine = boot(scenario(where, number), where)
    try:
        return watch(machine, where, number)
    except (AssertionError, OSError):
        soaking.died(machine)
        raise
    finally:
        machine.kill()


def watch(machine, where, number):
    """What is to be seen of the machine, from the start to its end."""
    guests = {f"r{n}" for n in range(len(scenario(where, number).modules))}
    machine.expect(r"\bready$")
    everything = soaking.wait_quiet(
        machine, lambda: len(ENDED.findall(machine.serial())) == len(guests)
    )
    ends = dict(ENDED.findall(machine.serial()))
    assert "PANIC" not in machine.serial()
    if not everything:
        # In a loop of its own, with interrupts off: what it may do.
        stuck = guests - set(ends)
        soaking.assert_in_guests(machine, [2 + int(name[1:]) for name in stuck])
        ends |= dict.fromkeys(stuck, "stuck")
    said = command(machine, "vectors")
    assert "0 of 64 sums are wrong" in said
    if where not in MODELS:
        command(machine, "own")
        soaking.assert_intact(machine)
    if everything:
        machine.send("\n")
        machine.expect("vm0: ended with code 0")
        machine.expect("boot: all VMs have ended")
    assert "PANIC" not in machine.serial()
    return ends


@pytest.mark.parametrize("where", BOOTS, ids=lambda name: name or "system")
def test_random(boot, request, where):
    """No panic, no hang, nothing of the hypervisor changed, and the guest beside them works."""
    counts, died = collections.Counter(), collections.Counter()
    same_backend = [other for other in BOOTS if (other in INTEL_MODELS) == (where in INTEL_MODELS)]
    for number in soaking.rounds(request, BOOTS[where], len(same_backend)):
        ends, deaths = soaking.outlast(lambda n, number=number: run(boot, where, number + (n << 32)))
        counts.update(ends.values())
        died.update(deaths)
    print()
    for what in (counts, died):
        for reason, count in what.most_common():
            print(f"random: {where or 'system'}: {count} times: {reason}")
