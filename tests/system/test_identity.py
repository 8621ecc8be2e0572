"""A VM that has devices without an IOMMU: `iommu=unsafe-identity`."""

import dataclasses
import hashlib

import attacking
from scenarios import PVH_GUEST, Scenario, verify

TOPICS = ("identity",)

NO_VM_RAN = 0x7E
WORD = "iommu=unsafe-identity"
WARNING = r"boot: UNSAFE: no usable IOMMU .*ALL memory"


def test_identity(boot, scenario):
    """The shipped guest does its work, and the danger is told."""
    machine = boot(scenario)
    verify(machine, scenario)
    machine.expect(WARNING)


def test_iommu_wins(boot):
    """Where there is an IOMMU it is used, whatever the word says."""
    scenario = dataclasses.replace(Scenario("", ""), hypervisor=WORD)
    machine = boot(scenario)
    verify(machine, scenario)
    machine.expect(r"boot: iommu=unsafe-identity is ignored: there is an IOMMU")
    assert "UNSAFE" not in machine.serial()


def test_one_owner(boot):
    """Two VMs that name devices: the first has its own, the second is refused, and the machine's end says so."""
    machine = boot(
        Scenario(
            "",
            "",
            iommu=None,
            hypervisor=WORD,
            cpus=3,
            devices=("edu,addr=5",),
            nic_at="addr=4",
            vm="pci=00:04.0",
            modules=((str(PVH_GUEST), "vm=second pci=00:05.0"),),
        )
    )
    assert machine.wait_exit() == NO_VM_RAN
    machine.expect(r"plan: vm second: refused: it names devices: without an IOMMU only one VM")
    machine.expect(r"vm0\| result: ok")


def test_memory_is_where_the_vm_sees_it(boot):
    """What the device writes to an address of the VM's, the VM sees there, and so does who looks from outside.
    The hypervisor's image is a hole in between."""
    machine = boot(dataclasses.replace(attacking.ATTACKER, iommu=None, hypervisor=WORD))
    assert_intact = attacking.start(machine)
    image = attacking.hypervisor_ranges(machine)[0]
    digest = hashlib.sha256(attacking.pattern()).hexdigest()
    assert digest in attacking.command(machine, "own")
    for address in (0x400000, image.start - 4096, image.end):
        attacking.command(machine, f"to={address:#x}")
        assert address in attacking.places(attacking.memory(machine), attacking.pattern())
        attacking.command(machine, f"wipe={address:#x}")
        assert address not in attacking.places(attacking.memory(machine), attacking.pattern())
    peek = f"peek={image.start:#x}"
    assert f"{image.start:#x}: 0xffffffff" in attacking.command(machine, peek)
    assert_intact(attacking.memory(machine))
