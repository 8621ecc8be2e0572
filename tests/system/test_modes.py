"""Guests in modes of the CPU that few kernels use."""

import dataclasses

import attacking

LONG_ENABLE = dataclasses.replace(
    attacking.DEVICELESS, program=attacking.PROGRAM.parent / "long_enable.elf", guest=""
)


@attacking.on(("", 1), ("", 2), ("10", 1), ("11", 2), *attacking.ON_BOCHS)
def test_long_enable(boot, where, cpus):
    """EFER.LME without PAE and paging, in protected mode and in real mode: exits from there lead back."""
    machine = boot(dataclasses.replace(LONG_ENABLE, cpus=cpus), where)
    assert machine.wait_exit() == 0
    machine.expect("vm0: ended with code 0")
    machine.expect("vm0: exits .*cpuid 2")
