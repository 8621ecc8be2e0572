"""What the hypervisor must refuse, and that it says why."""

import dataclasses

import pytest

import packets
from scenarios import Scenario, everywhere

NO_VM_RAN = 0x7E
GUEST_FOUND_NO_NIC = 1
MAC = "52:54:00:12:34:56"  # that of QEMU's first NIC

NO_ASSIGNMENT = {
    "no-iommu": (Scenario("", "", iommu=None), r"(?i)no .*(iommu|dmar|vt-d)"),
    "no-interrupt-remapping": (
        Scenario("", "", iommu="intremap=off"),
        r"can't remap interrupts",
    ),
    "no-dma-remapping": (
        Scenario("", "", iommu="dma-translation=off", nic_at="addr=2", vm="pci=00:02.0"),
        r"vtd: unit 0 is of no use: CAP.SAGAW: no second-stage table",
    ),
}


@pytest.mark.parametrize("name", NO_ASSIGNMENT)
def test_no_assignment(boot, name):
    """A device is not assigned where it could not be confined: nothing goes out of the NIC."""
    scenario, reason = NO_ASSIGNMENT[name]
    machine = boot(scenario)
    code = machine.wait_exit()
    assert code in (NO_VM_RAN, GUEST_FOUND_NO_NIC)
    machine.expect(reason)
    assert packets.frames_from(machine.pcap(), MAC) == 0


@everywhere
def test_bad_boot_information(boot, where):
    """What the loader says is refused with its reason, and the machine ends as it was asked to."""
    machine = boot(dataclasses.replace(Scenario("", ""), guest="x" * 600, file=False), where)
    assert machine.wait_exit() == NO_VM_RAN
    machine.expect(r"boot information, offset .*: a command line that is too long")


@pytest.mark.parametrize("words", ["pool=4K", "pool=64G", "pool=lots", "iommu=off"])
@everywhere
def test_bad_options(boot, words, where):
    """An option that can't be is refused, with the option named."""
    machine = boot(dataclasses.replace(Scenario("", ""), hypervisor=words), where)
    assert machine.wait_exit() == NO_VM_RAN
    machine.expect(rf"{words.split('=')[0]}=.*\n.*cannot go on|cannot go on: {words.split('=')[0]}=")


def test_no_console(boot):
    """With uart=none the hypervisor falls silent, and the guest does its work."""
    machine = boot(dataclasses.replace(Scenario("", ""), hypervisor="uart=none"))
    assert machine.wait_exit() == 0
    assert "result: ok" not in machine.serial()
    assert packets.dhcp_acknowledged(machine.pcap())


# The CPU, and where it is: "" for QEMU's -cpu, or itself for one of Bochs's.
MISSING_CAPABILITY = {
    "no-svm": ("max,la57=off,svm=off", "", r"(?i)svm"),
    "no-nested-paging": ("max,la57=off,npt=off", "", r"(?i)nested paging|npt"),
    "qemu64": ("qemu64", "", r"(?i)nested paging|npt"),
    "bochs-no-svm": ("", "athlon64_venice", r"neither SVM nor VMX"),
    "bochs-no-ept": ("", "core2_penryn_t9600", r"vmx: .*lacks extended page tables"),
    "bochs-no-unrestricted-guest": ("", "corei5_lynnfield_750", r"lacks unrestricted guest"),
    "bochs-no-nested-paging": ("", "turion64_tyler", r"(?i)lacks .*(nested paging|npt)"),
}


@pytest.mark.parametrize("name", MISSING_CAPABILITY)
def test_missing_capability(boot, name):
    """A CPU that can't run VMs is refused, and what it lacks is named."""
    cpu, where, reason = MISSING_CAPABILITY[name]
    machine = boot(dataclasses.replace(Scenario("", ""), cpu=cpu), where)
    assert machine.wait_exit() == NO_VM_RAN
    machine.expect(reason)
