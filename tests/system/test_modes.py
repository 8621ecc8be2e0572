"""Guests in modes of the CPU that few kernels use."""

import dataclasses

import attacking

on_all = attacking.on(("", 1), ("", 2), ("10", 1), ("11", 2), *attacking.ON_BOCHS)


def run(boot, name, where, cpus):
    """Runs one of these guests to its end, which is to be good."""
    program = attacking.PROGRAM.parent / f"{name}.elf"
    scenario = dataclasses.replace(attacking.DEVICELESS, program=program, guest="", cpus=cpus)
    machine = boot(scenario, where)
    assert machine.wait_exit() == 0
    machine.expect("vm0: ended with code 0")
    return machine


@on_all
def test_long_enable(boot, where, cpus):
    """EFER.LME without PAE and paging, in protected mode and in real mode: exits from there lead back."""
    machine = run(boot, "long_enable", where, cpus)
    machine.expect("vm0: exits .*cpuid 2")


@on_all
def test_single_step(boot, where, cpus):
    """A guest that steps over instructions that exit does not step through the hypervisor."""
    machine = run(boot, "single_step", where, cpus)
    machine.expect("vm0: exits .*cpuid 1")
