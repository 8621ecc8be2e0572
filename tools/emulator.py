"""Where the QEMUs are, how their command lines are put together, and what their end means."""

import dataclasses
import re
import shlex
import shutil
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build"
FETCHED = {"10": BUILD / "emulators/qemu-10/run", "11": BUILD / "emulators/qemu-11/run"}
OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"

# The code that a machine ends with is written to QEMU's isa-debug-exit device. A VM's own codes
# come through as they are; these are the hypervisor's.
DEBUG_EXIT = "isa-debug-exit,iobase=0xf4,iosize=4"
HYPERVISOR_CODES = {
    0x7F: "the hypervisor panicked",
    0x7E: "not every VM that was asked for ran",
    0x7D: "a VM was stopped before it ended by itself",
}


class EmulatorError(Exception):
    """An emulator that is not there, or one that cannot be asked for."""


def find_qemu(name=""):
    """The program for '' (the system's own), '10', '11' or a program's name."""
    if name in FETCHED:
        if not FETCHED[name].exists():
            raise EmulatorError(f"QEMU {name} is not there: `make emulators` fetches it")
        return str(FETCHED[name])
    program = shutil.which(name or "qemu-system-x86_64")
    if not program:
        raise EmulatorError(f"no program {name or 'qemu-system-x86_64'}")
    return program


def qemu_version(program):
    """The version's first two numbers, such as (7, 2)."""
    output = subprocess.run(
        [program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    ).stdout.decode()
    match = re.search(r"version (\d+)\.(\d+)", output)
    if not match:
        raise EmulatorError(f"{program} does not tell its version")
    return int(match[1]), int(match[2])


def escape(value):
    """A value inside one of QEMU's comma-separated options."""
    return str(value).replace(",", ",,")


@dataclasses.dataclass
class Machine:
    """A PC to be emulated. `iommu` holds the options of its intel-iommu, None being a PC without
    one. Each device is what -device takes."""

    qemu: str = ""
    accel: str = "tcg"
    chipset: str = "q35"
    cpu: str = "max,la57=off"
    cpus: int = 2
    memory: str = "512M"
    firmware: str = "bios"
    iommu: str | None = ""
    devices: list[str] = dataclasses.field(default_factory=list)
    netdevs: list[str] = dataclasses.field(default_factory=list)
    extra: list[str] = dataclasses.field(default_factory=list)
    reboots: bool = False  # after a reset; else it ends

    # What it boots: an ISO, or one kernel straight (multiboot 1), with arguments and modules.
    iso: Path | None = None
    kernel: Path | None = None
    kernel_arguments: str = ""
    kernel_modules: str = ""

    def iommu_options(self, program):
        """Options of the intel-iommu device; extended interrupt mode needs KVM before QEMU 10."""
        options = "intel-iommu"
        if "intremap=" not in self.iommu:
            options += ",intremap=on"
        if "eim=" not in self.iommu and qemu_version(program) >= (10, 0):
            options += ",eim=on"
        return options + ("," + self.iommu if self.iommu else "")

    def boot_options(self, variables):
        """Options of firmware and of what is booted; `variables` is this run's UEFI store."""
        options = []
        if self.firmware == "uefi":
            options += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF_CODE}"]
            options += ["-drive", f"if=pflash,format=raw,unit=1,file={escape(variables)}"]
        elif self.firmware != "bios":
            raise EmulatorError(f"FIRMWARE is bios or uefi, not {self.firmware}")
        if self.iso:
            options += [
                "-drive",
                f"id=cd,if=none,media=cdrom,readonly=on,format=raw,file={escape(self.iso)}",
                "-device",
                "ide-cd,drive=cd,bus=ide.0,bootindex=0",
            ]
        if self.kernel:
            options += ["-kernel", str(self.kernel), "-append", self.kernel_arguments]
        if self.kernel_modules:
            options += ["-initrd", self.kernel_modules]
        return options

    def command(self, variables):
        """The whole command line, its serial line on standard input and output."""
        program = find_qemu(self.qemu)
        chipset, cpu = self.chipset, self.cpu
        if self.accel == "kvm":
            # The IOMMU can remap interrupts only where QEMU has the IOAPIC.
            chipset, cpu = f"{chipset},kernel-irqchip=split", "host"
        command = [program, "-accel", self.accel, "-M", chipset, "-cpu", cpu]
        command += ["-m", self.memory, "-smp", str(self.cpus)]
        command += ["-nodefaults", "-no-user-config", "-display", "none"]
        command += ["-no-reboot"] * (not self.reboots)
        command += ["-serial", "stdio", "-monitor", "none", "-device", DEBUG_EXIT]
        if self.iommu is not None:
            command += ["-device", self.iommu_options(program)]
        for netdev in self.netdevs:
            command += ["-netdev", netdev]
        for device in self.devices:
            command += ["-device", device]
        return command + self.boot_options(variables) + self.extra


def dies_with_parent(command):
    """The same command, killed by the kernel when its parent ends, however that comes about."""
    return ["setpriv", "--pdeathsig", "KILL", *command]


def exit_code(status, bare=False):
    """The code that the machine ended with, from QEMU's exit status; None if it wrote none.

    Status 1 is what QEMU has for its own errors too, so that the hypervisor writes the code plus one.
    A `bare` machine's guest writes its code as it is.
    """
    if status <= 0 or status % 2 == 0:
        return None
    written = (status - 1) // 2
    return written if bare else (written - 1) % 128


def exit_status(code):
    """The status of an emulator whose machine ended with the code: what exit_code() understands."""
    return (code + 1) % 128 * 2 + 1


def describe_end(status):
    """One line about a machine that did not end well; None for one that did."""
    if status == 1:
        return "QEMU could not run it, or the hypervisor panicked"
    code = exit_code(status)
    if code == 0:
        return None
    if code is not None:
        return HYPERVISOR_CODES.get(code, f"the guest ended with code {code}")
    if status == 0:
        return "the machine was turned off or reset before a VM ended"
    if status < 0:
        return f"the emulator was killed by signal {-status}"
    return f"the emulator ended with status {status}"


def shell_line(command):
    """A command line as a shell takes it, on one line."""
    return shlex.join(map(str, command))
