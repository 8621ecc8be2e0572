"""Isolation groups: the table that is told, and what two VMs may have each."""

import dataclasses
import re

import pytest

from scenarios import Scenario
from test_vms import GUEST, NO_VM_RAN

HOST = ["00:00.0"]
CHIPSET = ["00:1f.0", "00:1f.2", "00:1f.3"]
DEVICE = "functions of one device without full ACS"
PORT = "ports above without full ACS"
PCI = "requests with one ID, a bus of conventional PCI"

WORK = "ping=none"  # it finds its NIC, and gets an address by it


@dataclasses.dataclass(frozen=True)
class Case:
    """Devices besides QEMU's own, two of them NICs on networks n1 and n2. The groups are those of the
    log that are not QEMU's own: their members, and the reason where there is more than one. The VMs have
    a device each; `refused` says why the second is, None where it works."""

    devices: tuple[str, ...]
    groups: dict[tuple[str, ...], str]
    first: str
    second: str
    refused: str | None = None


def port(name, at, more=""):
    """A root port, called after its slot."""
    return f"pcie-root-port,id={name},chassis={int(name[1:])},addr={at}{more}"


def nic(number, where, model="e1000e"):
    """A NIC on a network of its own."""
    return f"{model},netdev=n{number},{where}"


MULTI = ",multifunction=on"
SWITCH = (
    "x3130-upstream,id=up,bus=p1",
    "xio3130-downstream,id=d1,bus=up,chassis=11,slot=1",
    "xio3130-downstream,id=d2,bus=up,chassis=12,slot=2",
    nic(1, "bus=d1"),
    nic(2, "bus=d2"),
)

CASES = {
    "root-bus": Case(
        (nic(1, "addr=2", "e1000"), nic(2, "addr=3")),
        {("00:02.0",): "", ("00:03.0",): ""},
        "00:02.0",
        "00:03.0",
    ),
    "root-ports": Case(
        (port("p1", "4"), port("p2", "5"), nic(1, "bus=p1"), nic(2, "bus=p2")),
        {("00:04.0",): "", ("00:05.0",): "", ("01:00.0",): "", ("02:00.0",): ""},
        "01:00.0",
        "02:00.0",
    ),
    # What the ports turn round stays below each: the root complex is the IOMMU's.
    "root-ports-without-acs": Case(
        (
            port("p1", "4", ",disable-acs=on"),
            port("p2", "5", ",disable-acs=on"),
            nic(1, "bus=p1"),
            nic(2, "bus=p2"),
        ),
        {("00:04.0", "01:00.0"): PORT, ("00:05.0", "02:00.0"): PORT},
        "01:00.0",
        "02:00.0",
    ),
    "root-ports-of-one-device": Case(
        (port("p1", "4.0", MULTI), port("p2", "4.1"), nic(1, "bus=p1"), nic(2, "bus=p2")),
        {("00:04.0",): "", ("00:04.1",): "", ("01:00.0",): "", ("02:00.0",): ""},
        "01:00.0",
        "02:00.0",
    ),
    "root-ports-of-one-device-without-acs": Case(
        (
            port("p1", "4.0", MULTI + ",disable-acs=on"),
            port("p2", "4.1", ",disable-acs=on"),
            nic(1, "bus=p1"),
            nic(2, "bus=p2"),
        ),
        {("00:04.0", "00:04.1", "01:00.0", "02:00.0"): f"{PORT}, {DEVICE}"},
        "01:00.0",
        "02:00.0",
        f"the group of 00:04.0 is vm0's, by 01:00.0 ({PORT}, {DEVICE})",
    ),
    "root-ports-of-one-device-one-without-acs": Case(
        (
            port("p1", "4.0", MULTI),
            port("p2", "4.1", ",disable-acs=on"),
            nic(1, "bus=p1"),
            nic(2, "bus=p2"),
        ),
        {("00:04.0", "00:04.1", "01:00.0", "02:00.0"): f"{PORT}, {DEVICE}"},
        "01:00.0",
        "02:00.0",
        f"the group of 00:04.0 is vm0's, by 01:00.0 ({PORT}, {DEVICE})",
    ),
    "switch": Case(
        (port("p1", "4"), *SWITCH),
        {
            ("00:04.0",): "",
            ("01:00.0", "02:00.0", "02:01.0", "03:00.0", "04:00.0"): PORT,
        },
        "03:00.0",
        "04:00.0",
        f"the group of 01:00.0 is vm0's, by 03:00.0 ({PORT})",
    ),
    "pci-bridge": Case(
        (
            port("p1", "4"),
            "pcie-pci-bridge,id=b1,bus=p1",
            nic(1, "bus=b1,addr=1", "e1000"),
            nic(2, "bus=b1,addr=2", "e1000"),
        ),
        {("00:04.0",): "", ("01:00.0", "02:01.0", "02:02.0"): PCI},
        "02:01.0",
        "02:02.0",
        f"the group of 01:00.0 is vm0's, by 02:01.0 ({PCI})",
    ),
    "legacy-bridge": Case(
        (
            "i82801b11-bridge,id=b1,addr=4",
            nic(1, "bus=b1,addr=1", "e1000"),
            nic(2, "addr=5"),
        ),
        {("00:04.0", "01:01.0"): PCI, ("00:05.0",): ""},
        "01:01.0",
        "00:05.0",
    ),
    "functions-of-one-device": Case(
        (port("p1", "4"), nic(1, "bus=p1,addr=0.0" + MULTI), nic(2, "bus=p1,addr=0.1")),
        {("00:04.0",): "", ("01:00.0", "01:00.1"): DEVICE},
        "01:00.0",
        "01:00.1",
        f"the group of 01:00.0 is vm0's, by 01:00.0 ({DEVICE})",
    ),
    "second-root-bus": Case(
        (
            "pxb-pcie,id=x1,bus_nr=0x40,addr=4",
            "pcie-root-port,id=p1,bus=x1,chassis=1",
            nic(1, "bus=p1"),
            port("p2", "5", ",bus=pcie.0"),
            nic(2, "bus=p2"),
        ),
        {("00:04.0",): "", ("00:05.0",): "", ("01:00.0",): "", ("40:00.0",): "", ("41:00.0",): ""},
        "41:00.0",
        "01:00.0",
    ),
}


def groups(machine):
    """The groups in the log, but for those of the machine's own devices."""
    found = {}
    line = r"group: of \S+:((?: \S+\.\d)+)(?:: (.*))?$"
    for members, reason in re.findall(line, machine.serial(), re.MULTILINE):
        found[tuple(sorted(members.split()))] = reason
    assert found.pop(tuple(CHIPSET)) == DEVICE
    assert found.pop(tuple(HOST)) == ""
    return found


def boot_two(boot, devices, first, second):
    """Boots two VMs with a device each."""
    return boot(
        Scenario(
            "",
            "",
            nic="",
            cpus=3,
            file=False,
            guest=WORK,
            devices=devices,
            vm=f"pci={first} mem=32M",
            modules=((GUEST, f"vm=second pci={second} mem=32M -- {WORK}"),),
            extra=("-netdev", "user,id=n1", "-netdev", "user,id=n2"),
        )
    )


@pytest.mark.parametrize("name", CASES)
def test_groups(boot, name):
    """The table has these groups; each of two VMs gets its NIC to work, or the second is refused."""
    case = CASES[name]
    machine = boot_two(boot, case.devices, case.first, case.second)
    code = machine.wait_exit()
    assert groups(machine) == case.groups
    assert "vm0| result: ok" in machine.serial()
    if case.refused:
        assert code == NO_VM_RAN
        assert f"vm second: refused: {case.second}: {case.refused}" in machine.serial()
        assert "second|" not in machine.serial()
    else:
        assert code == 0
        assert "second| result: ok" in machine.serial()


WITHOUT_LINE = {
    "e1000": "plan: vm second: refused: 00:06.0: it has no MSI, and its interrupt line 22 is vm0's, by 00:02.0",
    "e1000e": "second: 00:06.0: no INTx: another owner has its line: it must use MSI",
}


@pytest.mark.parametrize("model", WITHOUT_LINE)
def test_shared_line(boot, model):
    """An interrupt line goes to one VM: another one's device on it uses messages, or is refused."""
    devices = (nic(1, "addr=2", "e1000"), nic(2, "addr=6", model))
    machine = boot_two(boot, devices, "00:02.0", "00:06.0")
    machine.wait_exit()
    machine.expect(rf"{WITHOUT_LINE[model]}$")
    assert "vm0| result: ok" in machine.serial()
    assert ("second| result: ok" in machine.serial()) == (model == "e1000e")
