"""What an IOMMU can be like."""


import pytest

import attacking
import packets
from scenarios import Scenario, verify

TOPICS = ("iommu",)


def test_iommu(boot, scenario):
    """The shipped guest does its work."""
    verify(boot(scenario), scenario)


# By the QEMU that has it: what it offers more, or less, than is used of it.
OPTIONS = (
    ("", "device-iotlb=on"),
    ("", "snoop-control=on"),
    ("", "pt=off"),
    ("", "dma-drain=off"),
    ("", "x-buggy-eim=on"),
    ("", "x-scalable-mode=on"),
    ("10", "eim=off"),
    ("10", "aw-bits=39,caching-mode=on,device-iotlb=on,snoop-control=on"),
    ("10", "x-scalable-mode=on,x-flts=on"),
    ("11", "eim=off,aw-bits=39"),
    ("11", "caching-mode=on,device-iotlb=on,snoop-control=on"),
    ("11", "scalable-mode=on,pasid-bits=20"),
    ("11", "scalable-mode=on,fsts=on"),
)
STRAY = 0x7000000
SECOND = (
    str(attacking.PROGRAM),
    f"vm=second mem=32M pci=00:05.0 -- own to={STRAY:#x}",
)


@pytest.mark.parametrize("where, options", OPTIONS)
def test_options(boot, where, options):
    """A NIC works with its VM's memory and interrupts; another VM's device is confined to its own memory."""
    machine = boot(
        Scenario(
            "",
            "",
            nic="e1000e",
            nic_at="addr=2",
            devices=(attacking.EDU,),
            cpus=3,
            memory="256M",
            iommu=options,
            file=False,
            vm="pci=00:02.0 mem=64M",
            modules=(SECOND,),
        ),
        where,
    )
    assert machine.wait_exit() == 0
    x2apic = where in ("10", "11") and "eim=off" not in options
    assert ("boot: CPU 0, x2APIC" in machine.serial()) == x2apic
    assert packets.dhcp_acknowledged(machine.pcap())
    assert "result: ok" in machine.said()
    assert "second| result: ok" in machine.serial()
    told = list(attacking.told_faults(machine))
    fault = attacking.Fault(attacking.EDU_BDF, True, STRAY)
    assert told == [(fault, "second", "no write access there")]
    seen = {(fault.requester, fault.address & ~0xFFF) for fault in attacking.traced_faults(machine)}
    assert seen == {(attacking.EDU_BDF, STRAY)}
