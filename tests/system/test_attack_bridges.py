"""Configuration space of bridges and of the buses behind them: by all forms of ports 0xCF8 and 0xCFC, by the memory
where it is, by a BAR that is put there, and by DMA. All of it is compared from outside."""

import dataclasses
import re

import pytest

import attacking
from attacking import EDU_BDF, Fault, command
from registers import FUNCTION, Device
from test_attack_bars import EDU_SIGN

BUSES = 4
PORT_BDF, BRIDGE_BDF, NIC_BDF, BEHIND_BDF = 3 << 3, 4 << 3, 1 << 8, 2 << 8 | 1 << 3
FOREIGN = (PORT_BDF, BRIDGE_BDF, NIC_BDF, BEHIND_BDF, EDU_BDF, 31 << 3)
COMMAND, BAR0, BUS_NUMBERS, CONTROL = 0x04, 0x10, 0x18, 0x3C
GUEST_EDU = 1 << 3

SCENARIO = dataclasses.replace(
    attacking.ATTACKER,
    devices=(
        attacking.EDU,
        "pcie-root-port,id=rp,chassis=1,addr=3",
        "i82801b11-bridge,id=bridge,addr=4",
        "edu,bus=bridge,addr=1",
    ),
    nic="e1000e",
    nic_at="bus=rp",
)
BARE = dataclasses.replace(SCENARIO, bare=True, iommu=None, vm="")


def configuration(machine):
    """Each function's configuration space on the first buses."""
    data = machine.read_memory(attacking.ECAM, BUSES * 256 * FUNCTION)
    return [data[start : start + FUNCTION] for start in range(0, len(data), FUNCTION)]


@pytest.mark.parametrize("cpus", [1, 2])
def test_bridges(boot, cpus):
    """No form of access gets to a bridge or behind it: nothing answers, and nothing changes."""
    machine = boot(dataclasses.replace(SCENARIO, cpus=cpus))
    assert_intact = attacking.start(machine)
    command(machine, "own")
    before = configuration(machine)
    assert any(before[NIC_BDF]) and any(before[BEHIND_BDF])

    def check(what):
        after = configuration(machine)
        changed = {bdf for bdf in range(BUSES * 256) if after[bdf] != before[bdf]}
        assert changed == set(), what

    for bdf in FOREIGN:
        for register in (COMMAND, BUS_NUMBERS, CONTROL):
            said = command(machine, f"config-forms={bdf},{register:#x},0x00ffffff")
            assert "forms: 0 answered" in said, f"{bdf:#x}"
    check("forms of access")
    for bus in range(1, BUSES):
        for value in (0xFFFFFFFF, 0):
            command(machine, f"config-bus={bus},{value:#x}")
    check("all registers")

    # As memory: nothing is there for a CPU, and for a device.
    for bdf in (PORT_BDF, NIC_BDF):
        address = attacking.ECAM + bdf * FUNCTION
        assert "0xffffffff" in command(machine, f"peek={address:#x}")
        command(machine, f"poke={address + BUS_NUMBERS:#x},0")
        command(machine, f"msi={address + BUS_NUMBERS:#x},0")
    machine.wait_for(lambda: len(list(attacking.told_faults(machine))) == 2, "two faults")
    faults = list(attacking.told_faults(machine))
    addresses = [attacking.ECAM + bdf * FUNCTION for bdf in (PORT_BDF, NIC_BDF)]  # of pages
    assert [fault for fault, *_ in faults] == [Fault(EDU_BDF, True, at) for at in addresses]
    assert {(name, reason) for _, name, reason in faults} == {("vm0", "no write access there")}
    check("as memory")

    # A BAR can be there in the VM's own addresses, and is its device's then.
    command(machine, f"config-write={GUEST_EDU},{BAR0:#x},{attacking.ECAM:#x}")
    assert f"{EDU_SIGN:#x}" in command(machine, f"peek={attacking.ECAM:#x}")
    command(machine, f"poke={attacking.ECAM + PORT_BDF * FUNCTION + BUS_NUMBERS:#x},0")
    check("under a BAR")
    assert Device(machine, EDU_BDF).bar(0) != attacking.ECAM
    assert_intact(attacking.memory(machine))
    machine.send("\n")
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()


def test_bare(boot):
    """Without the hypervisor they answer, and buses get lost."""
    machine = boot(BARE)
    attacking.start(machine)
    command(machine, "own")
    before = configuration(machine)
    said = command(machine, f"config-forms={PORT_BDF},{BUS_NUMBERS:#x},0x00030303")
    assert int(re.search(r"forms: (\d+) answered", said)[1]) >= 2
    port = attacking.ECAM + PORT_BDF * FUNCTION + BUS_NUMBERS
    assert machine.read_memory(port, 3) != before[PORT_BDF][BUS_NUMBERS : BUS_NUMBERS + 3]
    command(machine, f"poke={port:#x},0x00040403")
    assert machine.read_memory(port, 3) == bytes([3, 4, 4])
    command(machine, f"msi={port:#x},0x00050504")
    assert machine.read_memory(port, 3) == bytes([4, 5, 5])
