"""The same machines on newer QEMUs, which have an x2APIC and extended interrupt mode."""

import re

import pytest

from scenarios import verify

TOPICS = ("boot", "nic", "iommu", "memory", "topology", "bare")

# Exits for all that is set up once: CPUID, MSRs, the MSI-X table, the IOAPIC.
EXITS_OF_SET_UP = 100
INTERRUPTS_OF_WORK = 200


@pytest.mark.parametrize("qemu", ["10", "11"])
def test_newer_qemu(boot, scenario, qemu):
    """The shipped guest does its work, and its interrupts, timer ticks and EOIs make no exit."""
    running = boot(scenario, qemu)
    verify(running, scenario)
    if scenario.bare:
        return
    said = "\n".join(running.said())
    assert re.search(r"^cpu: x2APIC", said, re.MULTILINE)
    nic, timer = map(int, re.search(r"interrupts (\d+) \(nic\) (\d+) \(timer\)", said).groups())
    exits, ports = map(int, re.search(r"vm0: exits (\d+).* port (\d+)", running.serial()).groups())
    assert nic + timer > INTERRUPTS_OF_WORK
    assert exits - ports < EXITS_OF_SET_UP
