"""The machine is reset while VMs run and devices work: it boots again, and all is done again.

Memory keeps what the last boot left in it, CPUs are taken out of VMs, devices out of their work. What a reset of
QEMU's does not show: its IOMMU forgets all that it was told, so that the hypervisor never finds one that is on;
the driver meets such units in tests/host/test_vtd_takeover.c. QEMU's edu outlives a reset: the transfer that it
has begun it ends while firmware runs, at the machine's address, which no hypervisor could prevent.
"""

import dataclasses

import pytest

import attacking
import edu
import packets
from attacking import EDU_BDF, command
from scenarios import Scenario, verify
from test_dmar import STATUS_ON, finish, status

PAGE = 4096
BOOT = "boot: Sluice\n"


def reset(machine):
    """Resets the machine, which is stopped meanwhile, and returns what it said until then."""
    machine.qmp("stop")
    machine.qmp("system_reset")
    assert status(machine) == 0, "a reset IOMMU is off"
    machine.seen = len(machine.serial())
    machine.qmp("cont")


def boots(machine):
    """How often the hypervisor began."""
    return machine.serial().count(BOOT)


AT_WORK = {
    "e1000": Scenario("", "", cpus=1),
    "e1000e": Scenario("", "", nic="e1000e"),
}


@pytest.mark.parametrize(
    "name, where",
    [("e1000", ""), ("e1000e", ""), ("e1000e", "11")],
    ids=["e1000", "e1000e", "e1000e-11"],
)
def test_at_work(boot, name, where):
    """In the middle of a file that comes over the NIC: the next boot's guest fetches it all."""
    machine = boot(dataclasses.replace(AT_WORK[name], reboots=True, memory="256M"), where)
    machine.wait_for(lambda: packets.tftp_content(machine.pcap()), "a part of the file")
    machine.qmp("stop")
    assert "result: ok" not in machine.serial(), "the guest was done already"
    assert status(machine) == STATUS_ON
    before = len(packets.tftp_content(machine.pcap()))
    reset(machine)
    verify(machine, AT_WORK[name])
    assert boots(machine) == 2
    assert machine.said().count("result: ok") == 1
    assert len(packets.tftp_content(machine.pcap())) > before
    assert machine.trace().count("vtd_dmar_enable enable 1") == 2


LATE = 0x2000000  # the VM's address; the machine's is nobody's


@attacking.on(("", 1), ("", 2), ("11", 2))
def test_in_a_transfer(boot, where, cpus):
    """A device is in the middle of a transfer, and memory full of what a guest wrote: the next guest finds none of
    it, its device works, and is confined as before."""
    machine = boot(dataclasses.replace(attacking.ATTACKER, cpus=cpus, reboots=True), where)
    for last in (False, True):
        assert_intact = attacking.start(machine)
        assert "peek: 0x600004: 0x0" in command(machine, "peek=0x600004")
        assert "left: 0 bytes of memory" in command(machine, "left")
        command(machine, "to=0x400000")
        data = attacking.memory(machine)
        assert_intact(data)
        assert len(attacking.places(data, attacking.pattern())) == 1
        pool = attacking.hypervisor_ranges(machine)[1]
        before = data[pool.end - PAGE : pool.end]
        command(machine, f"to={pool.end - PAGE:#x}")
        assert machine.read_memory(pool.end - PAGE, PAGE) == before
        if last:
            break
        command(machine, "fill")
        machine.qmp("stop")
        edu.start(machine, EDU_BDF, LATE)
        reset(machine)
        machine.expect(r"boot: free: ")
        machine.outside.fill(LATE, edu.SIZE, 0)
    assert boots(machine) == 2
    finish(machine)


STEPS = ("svm: ", "vtd: unit 0: on", "vm0: built")


def test_at_each_step(boot):
    """Again and again, whatever the hypervisor is at."""
    machine = boot(dataclasses.replace(attacking.ATTACKER, reboots=True))
    for step in STEPS:
        machine.expect(step)
        reset(machine)
    attacking.start(machine)
    command(machine, "own")
    assert boots(machine) == len(STEPS) + 1
    finish(machine)


def test_after_the_end(boot):
    """All VMs have ended and the hypervisor waits for ever, all devices blocked: a reset brings all back."""
    scenario = dataclasses.replace(attacking.ATTACKER, cpus=4, guest="own", reboots=True)
    machine = boot(dataclasses.replace(scenario, hypervisor="exit=halt"))
    for _ in range(2):
        machine.expect("stop: code 0$")
        assert status(machine) == STATUS_ON
        assert not edu.is_master(machine, EDU_BDF)
        image = attacking.hypervisor_ranges(machine)[0]
        edu.transfer(machine, EDU_BDF, image.start)
        assert any(machine.read_memory(image.start, edu.SIZE))
        reset(machine)
    assert machine.said().count("result: ok") == 2
