"""The table of machines on which the shipped guest has to do its whole work, and what that is."""

import dataclasses
from pathlib import Path

import pytest

import bochs
import emulator
import packets
import payload

# Bochs's CPUs that have all that the hypervisor needs.
INTEL_MODELS = ("corei7_haswell_4770", "corei7_skylake_x", "corei7_icelake_u", "tigerlake")
MODELS = (*INTEL_MODELS, "ryzen")

# The system's QEMU and those: for tests that need no IOMMU, and nothing of the machine but its serial
# line.
everywhere = pytest.mark.parametrize("where", ["", *MODELS], ids=["qemu", *MODELS])


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A machine, the hypervisor's and the guest's configuration. Most rows differ from the default
    in one thing only."""

    topic: str
    name: str
    nic: str = "e1000"
    nic_at: str = ""  # where it is: the device's bus= and addr=
    devices: tuple[str, ...] = ()  # those before the NIC: bridges above it
    cpus: int = 2
    cpu: str = "max,la57=off"
    chipset: str = "q35"
    memory: str = "512M"
    firmware: str = "bios"
    iommu: str | None = ""
    program: Path = emulator.BUILD / "guest/sluice-guest.elf"
    guest: str = ""
    file: bool = True  # whether the guest is to fetch and verify the file
    vm: str = ""
    hypervisor: str = ""
    modules: tuple[tuple[str, str], ...] = ()
    dmar: bytes | None = None  # a table in place of firmware's
    bare: bool = False  # without the hypervisor
    extra: tuple[str, ...] = ()
    reboots: bool = False  # after a reset; else the machine ends

    def machine(self, qemu, tftp):
        """The machine, but for what it boots."""
        devices, netdevs = list(self.devices), []
        if self.nic:
            netdevs.append(f"user,id=n0,tftp={emulator.escape(tftp)}")
            at = f",{self.nic_at}" if self.nic_at else ""
            devices.append(f"{self.nic},netdev=n0{at}")
        return emulator.Machine(
            qemu=qemu,
            cpu=self.cpu,
            chipset=self.chipset,
            cpus=self.cpus,
            memory=self.memory,
            firmware=self.firmware,
            iommu=self.iommu,
            devices=devices,
            netdevs=netdevs,
            extra=list(self.extra),
            reboots=self.reboots,
        )

    def bochs_machine(self, model, tftp, folder):
        """The same on Bochs, whose devices are always the same, but for what it boots."""
        if self.bare or self.devices or self.extra or self.reboots or self.nic not in ("e1000", ""):
            raise ValueError("Bochs has no such machine")
        return bochs.Machine(
            iso=folder / "sluice.iso",
            folder=folder,
            model=model,
            cpus=self.cpus,
            memory=bochs.mebibytes(self.memory),
            tftp=tftp if self.nic else None,
        )

    def guest_arguments(self, digest):
        """The guest's command line."""
        words = [f"file={payload.NAME} sha256={digest}"] if self.file else []
        return " ".join(words + [self.guest] * bool(self.guest))

    def bare_modules(self):
        """The modules as QEMU's own multiboot loader takes them."""
        return ",".join(emulator.escape(f"{path} {text}") for path, text in self.modules)


def protocol(scenario):
    """The boot protocol that the guest is to be started by: with both in the file, multiboot."""
    return "PVH" if scenario.program == PVH_GUEST else "multiboot"


def verify(running, scenario):
    """The guest did its whole work: looked at from outside, on the wire and at the IOMMU if there is one."""
    code = running.wait_exit()
    assert code == 0, f"ended with code {code}"
    assert packets.dhcp_acknowledged(running.pcap()), "no DHCP lease on the wire"
    if scenario.file:
        assert packets.tftp_content(running.pcap()) == payload.content(), "another file on the wire"
    assert "result: ok" in running.said(scenario.bare)
    assert f"sluice guest: booted by {protocol(scenario)}" in running.said(scenario.bare)
    if not scenario.bare and scenario.iommu is not None:
        assert "vtd_dmar_enable enable 1" in running.trace(), "DMA remapping was never on"
        assert "vtd_ir_enable enable 1" in running.trace(), "interrupt remapping was never on"
        assert "vtd_dmar_fault" not in running.trace(), "the IOMMU refused a request"


ROOT_PORT = "pcie-root-port,id=rp,chassis=1"
ROOT_PORT_2 = "pcie-root-port,id=rp,chassis=1,addr=0x1c"
PCI_BRIDGE = "pcie-pci-bridge,id=bridge"
PCI_BRIDGE_BELOW = "pcie-pci-bridge,id=bridge,bus=rp"
SWITCH = (
    ROOT_PORT,
    "x3130-upstream,id=up,bus=rp",
    "xio3130-downstream,id=down,bus=up,chassis=2,slot=1",
)

ROOT_BUS = ("pxb-pcie,id=pxb,bus_nr=0x40,addr=4", "pcie-root-port,id=rp,chassis=1,bus=pxb")
INNER_BRIDGE = "pci-bridge,id=inner,chassis_nr=3,bus=bridge,addr=2"

# The guest as an ELF64: with a PVH note alone, and with a multiboot header as well.
PVH_GUEST = emulator.BUILD / "guest/sluice-guest64.elf"
ELF64_GUEST = emulator.BUILD / "guest/sluice-guest64-multiboot.elf"

# A machine without an IOMMU whose VM has its NIC all the same.
IDENTITY = {"iommu": None, "hypervisor": "iommu=unsafe-identity"}

SCENARIOS = [
    Scenario("boot", "bios-1-cpu", cpus=1),
    Scenario("boot", "bios-2-cpus"),
    Scenario("boot", "bios-4-cpus", cpus=4),
    Scenario("boot", "uefi-1-cpu", cpus=1, firmware="uefi"),
    Scenario("boot", "uefi-2-cpus", firmware="uefi"),
    Scenario("boot", "pvh", program=PVH_GUEST),
    Scenario("boot", "multiboot-elf64", program=ELF64_GUEST),
    Scenario("boot", "pvh-uefi-e1000e", program=PVH_GUEST, firmware="uefi", nic="e1000e"),
    Scenario("nic", "e1000-intx", guest="irq=intx"),
    Scenario("nic", "e1000e-msix", nic="e1000e", guest="irq=msix"),
    Scenario("nic", "e1000e-msi", nic="e1000e", guest="irq=msi"),
    Scenario("nic", "e1000e-intx", nic="e1000e", guest="irq=intx"),
    Scenario("nic", "e1000e-msix-1-cpu", nic="e1000e", guest="irq=msix", cpus=1),
    Scenario("nic", "e1000e-msi-1-cpu", nic="e1000e", guest="irq=msi", cpus=1),
    Scenario("nic", "e1000e-uefi", nic="e1000e", firmware="uefi"),
    Scenario("iommu", "caching-mode", iommu="caching-mode=on"),
    Scenario("iommu", "39-bits", iommu="aw-bits=39"),
    Scenario("iommu", "48-bits", iommu="aw-bits=48"),
    Scenario("iommu", "48-bits-caching-mode", iommu="aw-bits=48,caching-mode=on", nic="e1000e"),
    Scenario("memory", "vm-in-high-memory", memory="6G"),
    Scenario("memory", "vm-of-4.5-gib", memory="6G", vm="mem=4608M", guest="dma=high"),
    Scenario("memory", "vm-of-4.5-gib-e1000e", nic="e1000e", memory="6G", vm="mem=4608M"),
    Scenario("memory", "256-mib", memory="256M"),
    Scenario("memory", "64-mib", memory="64M", vm="mem=16M"),
    Scenario("topology", "slot-2", nic_at="addr=2"),
    Scenario("topology", "slot-17", nic_at="addr=0x11"),
    Scenario("topology", "slot-25", nic_at="addr=0x19"),
    Scenario("topology", "slot-29", nic_at="addr=0x1d"),
    Scenario("topology", "root-port", nic="e1000e", devices=(ROOT_PORT,), nic_at="bus=rp"),
    Scenario(
        "topology",
        "root-port-intx",
        nic="e1000e",
        devices=(ROOT_PORT_2,),
        nic_at="bus=rp",
        guest="irq=intx",
    ),
    Scenario("topology", "pci-bridge", devices=(PCI_BRIDGE,), nic_at="bus=bridge,addr=3"),
    Scenario(
        "topology",
        "root-port-pci-bridge",
        devices=(ROOT_PORT, PCI_BRIDGE_BELOW),
        nic_at="bus=bridge,addr=6",
    ),
    Scenario("topology", "switch", nic="e1000e", devices=SWITCH, nic_at="bus=down"),
    Scenario(
        "topology",
        "switch-intx",
        nic="e1000e",
        devices=SWITCH,
        nic_at="bus=down",
        guest="irq=intx",
    ),
    Scenario("bridges", "second-root-bus", nic="e1000e", devices=ROOT_BUS, nic_at="bus=rp", file=False),
    Scenario(
        "bridges",
        "second-root-bus-intx",
        nic="e1000e",
        devices=ROOT_BUS,
        nic_at="bus=rp",
        guest="irq=intx",
        file=False,
    ),
    Scenario(
        "bridges",
        "second-root-bus-pci-bridge",
        devices=(*ROOT_BUS, PCI_BRIDGE_BELOW),
        nic_at="bus=bridge,addr=1",
        file=False,
    ),
    Scenario(
        "bridges",
        "legacy-bridge",
        devices=("i82801b11-bridge,id=bridge,addr=7",),
        nic_at="bus=bridge,addr=1",
        file=False,
    ),
    Scenario(
        "bridges",
        "bridge-below-bridge",
        devices=(PCI_BRIDGE, INNER_BRIDGE),
        nic_at="bus=inner,addr=4",
        file=False,
    ),
    Scenario(
        "bridges",
        "second-function",
        devices=("edu,addr=3.0,multifunction=on",),
        nic_at="addr=3.1",
        file=False,
    ),
    Scenario(
        "bridges",
        "port-of-many",
        nic="e1000e",
        devices=(
            "pcie-root-port,id=other,chassis=1,addr=4.0,multifunction=on",
            "pcie-root-port,id=rp,chassis=2,addr=4.3",
        ),
        nic_at="bus=rp",
        guest="irq=intx",
        file=False,
    ),
    Scenario("size", "3-gib", memory="3G", file=False),
    Scenario("size", "8-gib", memory="8G", file=False),
    Scenario("size", "8-cpus", cpus=8, file=False),
    Scenario("size", "3-cpus-256-mib", cpus=3, memory="256M", file=False),
    Scenario("identity", "e1000", **IDENTITY),
    Scenario("identity", "e1000-1-cpu", **IDENTITY, cpus=1),
    Scenario("identity", "e1000e-msix", **IDENTITY, nic="e1000e", guest="irq=msix"),
    Scenario("identity", "e1000e-msi", **IDENTITY, nic="e1000e", guest="irq=msi"),
    Scenario("identity", "uefi-pvh", **IDENTITY, firmware="uefi", program=PVH_GUEST),
    Scenario("identity", "pc", **IDENTITY, chipset="pc"),
    Scenario("bare", "e1000", bare=True, iommu=None),
    Scenario("bare", "e1000e-msix", nic="e1000e", bare=True, iommu=None, guest="irq=msix"),
    Scenario("bare", "e1000e-msi", nic="e1000e", bare=True, iommu=None, guest="irq=msi"),
    Scenario("bare", "e1000e-intx", nic="e1000e", bare=True, iommu=None, guest="irq=intx"),
    Scenario("bare", "pvh", bare=True, iommu=None, program=PVH_GUEST),
    Scenario("bare", "6-gib-high-dma", bare=True, iommu=None, memory="6G", guest="dma=high"),
]
