"""Several VMs at once, each on a CPU of its own with a NIC of its own."""

import emulator
import packets
import payload
from conftest import TESTS
from scenarios import Scenario

NO_VM_RAN = 0x7E  # or not all of them
GUEST = str(Scenario("", "").program)


def nic(model, number, slot):
    """QEMU's arguments for one more NIC on a network of its own."""
    tftp = emulator.escape(TESTS / "tftp")
    netdev = f"user,id=n{number},tftp={tftp}"
    return ("-netdev", netdev, "-device", f"{model},netdev=n{number},addr={slot}")


def test_three(boot, digest):
    """Each fetches its file at the same time as the others, by its own NIC."""
    work = f"file={payload.NAME} sha256={digest}"
    machine = boot(
        Scenario(
            "",
            "",
            cpus=4,
            memory="1G",
            nic_at="addr=2",
            vm="pci=00:02.0",
            modules=(
                (GUEST, f"vm=second pci=00:03.0 -- {work}"),
                (GUEST, f"vm=third pci=00:04.0 mem=64M -- {work}"),
            ),
            extra=nic("e1000e", 1, 3) + nic("e1000e", 2, 4),
        )
    )
    assert machine.wait_exit() == 0
    for name in ("vm0", "second", "third"):
        assert f"{name}| result: ok" in machine.serial()
        assert f"{name}: ended with code 0" in machine.serial()
    assert packets.tftp_content(machine.pcap()) == payload.content()


def test_conflict(boot):
    """A device that two VMs name goes to the first; the second is refused, and the first one works."""
    machine = boot(
        Scenario(
            "",
            "",
            cpus=3,
            nic_at="addr=2",
            vm="pci=00:02.0",
            modules=((GUEST, "vm=second pci=00:02.0 -- ping=none"),),
        )
    )
    assert machine.wait_exit() == NO_VM_RAN
    assert "vm0| result: ok" in machine.serial()
    assert "second|" not in machine.serial()
    machine.expect("vm second: refused: 00:02.0: another VM has this device")
