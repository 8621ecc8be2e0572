#!/usr/bin/python3
"""Boots the hypervisor and a guest in QEMU or Bochs; the settings are environment variables.

`make run` calls it, and `make help` lists the settings. The exit status is 0 only if the guest
ended with its success code, 124 if the time was up, 1 otherwise. With --iso FILE it only makes an
image for a real machine.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import termios
from pathlib import Path

import bochs
import emulator
import image
import kvm
import payload

TOP = emulator.TOP
KERNEL = emulator.BUILD / "sluice.elf"
SHIPPED_GUESTS = emulator.BUILD / "guest"


class SettingError(Exception):
    """A setting with a value that makes no sense."""


def setting(name, default=""):
    """A setting's value; an empty one counts as not set."""
    return os.environ.get(name, "") or default


def choice(name, *values):
    """A setting that must be one of some values, the first being its default."""
    value = setting(name, values[0])
    if value not in values:
        raise SettingError(f"{name} is one of {' '.join(values)}, not {value}")
    return value


def number(name, default):
    """A setting that must be a positive number."""
    value = setting(name, str(default))
    if not value.isdecimal() or int(value) == 0:
        raise SettingError(f"{name} is a number above 0, not {value}")
    return int(value)


def with_defaults(arguments, defaults):
    """The guest's arguments, with those defaults before them whose key they don't give."""
    given = {word.split("=")[0] for word in arguments.split()}
    words = [f"{key}={value}" for key, value in defaults.items() if key not in given]
    return " ".join(words + [arguments] * bool(arguments))


def guest_modules():
    """The modules of GUEST_MODULES: FILE or FILE:ARGUMENTS each, quoted as for a shell."""
    modules = []
    for word in shlex.split(setting("GUEST_MODULES")):
        path, _, arguments = word.partition(":")
        modules.append(image.Module(Path(path), arguments))
    return modules


def compose_image(hypervisor_defaults, guest_defaults):
    """The image: the hypervisor, the guest with its configuration, and the guest's modules."""
    guest = Path(setting("GUEST", str(SHIPPED_GUESTS / "sluice-guest.elf")))
    guest_arguments = setting("GUEST_ARGS")
    if guest.resolve().parent == SHIPPED_GUESTS:
        guest_arguments = with_defaults(guest_arguments, guest_defaults)
    words = ["vm=vm0", setting("VM_ARGS"), "--", guest_arguments]
    command_line = " ".join(word for word in words if word)
    modules = [image.Module(guest, command_line), *guest_modules()]
    line = image.hypervisor_line(hypervisor_defaults, setting("HV_ARGS"))
    return image.Image(KERNEL, line, tuple(modules))


def refuse_others(names, why):
    """Refuses settings that would mean nothing here."""
    for name in names:
        if setting(name):
            raise SettingError(f"{name} {why}")


def compose_bochs(iso, tftp):
    """Bochs's machine that the settings describe."""
    refuse_others(("QEMU", "QEMU_ARGS", "IOMMU_ARGS", "ACCEL"), "is for EMU=qemu only")
    if choice("FIRMWARE", "bios", "uefi") != "bios":
        raise SettingError("FIRMWARE=uefi is for EMU=qemu only")
    nic = choice("NIC", "e1000", "e1000e", "none")
    if nic == "e1000e":
        raise SettingError("NIC=e1000e is for EMU=qemu only")
    return bochs.Machine(
        iso=iso,
        folder=iso.parent,
        model=setting("CPU_MODEL", bochs.DEFAULT_MODEL),
        cpus=number("CPUS", 2),
        memory=bochs.mebibytes(setting("MEM", "512M")),
        tftp=tftp if nic == "e1000" else None,
    )


def compose_qemu(iso, tftp):
    """QEMU's machine that the settings describe."""
    refuse_others(("CPU_MODEL",), "is for EMU=bochs only")
    accel = choice("ACCEL", "tcg", "kvm")
    reason = kvm.why_not() if accel == "kvm" and not setting("NORUN") else None
    if reason:
        raise SettingError(f"ACCEL=kvm: {reason}")
    machine = emulator.Machine(
        qemu=setting("QEMU"),
        accel=accel,
        cpus=number("CPUS", 2),
        memory=setting("MEM", "512M"),
        firmware=choice("FIRMWARE", "bios", "uefi"),
        iommu=setting("IOMMU_ARGS"),
        iso=iso,
        extra=shlex.split(setting("QEMU_ARGS")),
    )
    nic = choice("NIC", "e1000", "e1000e", "none")
    if nic != "none":
        machine.netdevs.append(f"user,id=n0,tftp={emulator.escape(tftp)}")
        machine.devices.append(f"{nic},netdev=n0")
    return machine


# What composes the machine, and the hypervisor's words for it.
EMULATORS = {
    "qemu": (compose_qemu, "exit=debug"),
    "bochs": (compose_bochs, bochs.HYPERVISOR_WORDS),
}


def run_emulator(command, seconds):
    """Runs an emulator on this terminal and returns its exit status, or None if the time was up."""
    terminal = termios.tcgetattr(0) if sys.stdin.isatty() else None
    process = subprocess.Popen(emulator.dies_with_parent(command))
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        process.kill()
        process.wait()
        if terminal:
            termios.tcsetattr(0, termios.TCSADRAIN, terminal)


def run(made, machine, seconds):
    """Makes the image, runs the machine, says how it ended; returns this program's status."""
    variables = machine.iso.with_name("uefi-variables.fd")
    command = machine.command(variables)
    if setting("NORUN"):
        print(made.command(machine.iso))
        if machine.firmware == "uefi":
            print(emulator.shell_line(["cp", emulator.OVMF_VARS, variables]))
        print(emulator.shell_line(command))
        return 0

    image.make(made, machine.iso)
    if machine.firmware == "uefi":
        shutil.copyfile(emulator.OVMF_VARS, variables)
    status = run_emulator(command, seconds)
    if status is None:
        print(f"run: timed out after {seconds} s", file=sys.stderr)
        return 124
    end = emulator.describe_end(status)
    print(f"run: {end}" if end else "run: the guest ended well", file=sys.stderr)
    return 1 if end else 0


def main():
    """The command line's way in."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--iso", help="only make an image for a real machine")
    options = parser.parse_args()
    os.chdir(TOP)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        if options.iso:
            image.make(compose_image("", {}), options.iso)
            print(f"run: made {options.iso}")
            return 0
        folder = Path(setting("RUN_FOLDER", str(emulator.BUILD / "run")))
        tftp = folder / "tftp"
        digest = payload.make(tftp)
        compose, words = EMULATORS[choice("EMU", *EMULATORS)]
        made = compose_image(words, {"file": payload.NAME, "sha256": digest})
        return run(made, compose(folder / "sluice.iso", tftp), number("TIMEOUT", 180))
    except (SettingError, emulator.EmulatorError, image.ImageError) as error:
        print(f"run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("run: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
