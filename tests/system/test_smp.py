"""VMs with several CPUs: what they do together, and how such a VM ends."""

import dataclasses

import pytest

import attacking
import emulator
from scenarios import INTEL_MODELS, MODELS, Scenario

PROGRAM = emulator.BUILD / "smp/smp.elf"
EDU = "edu,addr=5"
VM_CRASHED = 0x7D

WORDS = "topology work ticks ipi logical shootdown nmi init outside"

# With an edu device, whose BAR moves.
SMP = Scenario(
    "",
    "",
    nic="",
    devices=(EDU,),
    memory="256M",
    program=PROGRAM,
    file=False,
)


def machine_of(boot, where, count, words, **changes):
    """A machine with a VM of so many CPUs, beside the one that is kept back."""
    vm = f"cpus={count} mem=64M pci=" + ("none" if where in MODELS else "00:05.0")
    devices = () if where in MODELS else SMP.devices
    scenario = dataclasses.replace(
        SMP, cpus=count + 1, vm=vm, devices=devices, guest=words, **changes
    )
    return boot(scenario, where)


def verify(machine, words):
    """The guest did all of it, and so ended."""
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()
    said = machine.said()
    assert [line[6:] for line in said if line.startswith("done: ")] == words.split()
    assert "result: ok" in said


@attacking.on(("", 1), ("", 2), ("", 4), ("10", 2), ("11", 4))
def test_work(boot, where, cpus):
    """All that several CPUs do together; and BARs that move away from under those that read them."""
    words = f"{WORDS} bar"
    verify(machine_of(boot, where, cpus, f"cpus={cpus} {words}"), words)


@attacking.on(*[(model, 2) for model in INTEL_MODELS], (MODELS[-1], 4))
def test_work_on_bochs(boot, where, cpus):
    """The same with other CPUs, and VMX."""
    verify(machine_of(boot, where, cpus, f"cpus={cpus} {WORDS}"), WORDS)


@attacking.on(("", 4), ("", 7), ("10", 2), *[(model, 2) for model in MODELS])
def test_started_together(boot, where, cpus):
    """All others at once, by a startup IPI to all but the sender."""
    verify(machine_of(boot, where, cpus, f"together={cpus} work"), "work")


@attacking.on(("", 2), ("10", 2), *[(model, 2) for model in MODELS])
def test_race(boot, where, cpus):
    """An instruction that changes between exit and decoder is carried out as what it became; if it became
    one that is not, or none, the VM goes on or is ended, and nothing else."""
    machine = machine_of(boot, where, cpus, f"cpus={cpus} race race-any")
    code = machine.wait_exit()
    assert "PANIC" not in machine.serial()
    assert "done: race" in machine.said()
    if code == 0:
        assert "result: ok" in machine.said()
    else:
        assert code == VM_CRASHED
        machine.expect("vm0: crashed: an instruction on device registers that is not emulated")
    machine.expect("all VMs have ended")


@attacking.on(("", 4), ("10", 4), *[(model, 2) for model in MODELS])
def test_end_while_others_spin(boot, where, cpus):
    """A VM ends though all its other CPUs spin with interrupts off, one of them in an NMI's handler."""
    machine = machine_of(boot, where, cpus, f"cpus={cpus} end")
    assert machine.wait_exit() == 0
    machine.expect("vm0: ended with code 0")
    machine.expect("all VMs have ended")


@attacking.on(("", 4), ("11", 2), *[(model, 2) for model in MODELS])
def test_end_by_another(boot, where, cpus):
    """A CPU other than the first ends the VM, while the first spins."""
    machine = machine_of(boot, where, cpus, f"cpus={cpus} end-by-other")
    assert machine.wait_exit() == 0
    machine.expect("vm0: ended with code 0")


@attacking.on(("", 1), ("", 2), ("10", 2), *[(model, 2) for model in MODELS])
def test_end_by_init(boot, where, cpus):
    """A VM none of whose CPUs can run again is over."""
    machine = machine_of(boot, where, cpus, f"cpus={cpus} end-by-init")
    assert machine.wait_exit() == VM_CRASHED
    machine.expect("vm0: crashed: INIT to its last running CPU")


@attacking.on(("", 2), ("10", 2), *[(model, 2) for model in MODELS])
def test_two_beside_each_other(boot, where, cpus):
    """Two VMs of several CPUs do their work at once, and send IPIs to all IDs that are not theirs."""
    words = "work ipi nmi outside init outside work"
    second = (str(PROGRAM), f"vm=second cpus={cpus} mem=64M pci=none -- cpus={cpus} {words}")
    scenario = dataclasses.replace(
        SMP,
        cpus=2 * cpus + 1,
        devices=(),
        vm=f"cpus={cpus} mem=64M pci=none",
        guest=f"cpus={cpus} {words}",
        modules=(second,),
    )
    machine = boot(scenario, where)
    verify(machine, words)
    assert "second| result: ok" in machine.serial()
    machine.expect("second: ended with code 0")


@attacking.on(("", 2), ("10", 2), *[(model, 2) for model in MODELS])
def test_one_of_two_is_enough(boot, where, cpus):
    """A kernel that knows of one CPU does its work in a VM of two."""
    scenario = Scenario("", "", cpus=cpus + 1, vm=f"cpus={cpus}", file=where not in MODELS)
    machine = boot(scenario, where)
    assert machine.wait_exit() == 0
    assert "result: ok" in machine.said()
