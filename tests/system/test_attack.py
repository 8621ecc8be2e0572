"""DMA attacks by the edu device of a VM; the machine's memory is looked at from outside."""
import dataclasses
import pytest
import attacking as a

def test_proto(boot):
    machine = boot(a.ATTACKER)
    a.start(machine)
    image, pool = a.hypervisor_ranges(machine)
    print(image, pool)
    print(a.command(machine, "own"))
    m = a.memory(machine)
    a.assert_intact(m)
    print([hex(x) for x in a.places(m, a.pattern())])
    print(a.command(machine, f"to={pool.end-4096:#x}"))
    print(a.command(machine, f"from={pool.start:#x}"))
    print(a.command(machine, "to=0x100000"))
    m = a.memory(machine)
    print([hex(x) for x in a.places(m, a.pattern())])
    print(a.command(machine, f"storm={pool.start:#x},20"))
    for c in ("peek=0xfed90008", "poke=0xfed90018,0", f"peek={pool.start:#x}", "fwcfg", "msrs", "ports"):
        print(a.command(machine, c))
    machine.send("\n")
    print(machine.wait_exit())
    print(machine.serial()[-6000:])
    print(machine.trace())
    assert 0
