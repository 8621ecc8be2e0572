"""The same machines on newer QEMUs, which have an x2APIC and extended interrupt mode."""

import pytest

from scenarios import verify

TOPICS = ("boot", "nic", "iommu", "memory", "topology", "bare")


@pytest.mark.parametrize("qemu", ["10", "11"])
def test_newer_qemu(boot, scenario, qemu):
    """The shipped guest does its work."""
    verify(boot(scenario, qemu), scenario)
