"""What `make run` calls: its settings, its exit status, and that it never hangs."""

import contextlib
import os
import shlex
import subprocess
import time
from pathlib import Path

import pytest

import bochs
import emulator
import kvm

SECONDS = 300

ON_BOCHS = {"EMU": "bochs", "CPU_MODEL": "ryzen", "NIC": "none"}
OWN_WORDS = {
    "exit=halt": "iommu=unsafe-identity exit=halt",
    "iommu=": "exit=bochs",
    "iommu=  pool=4M": "exit=bochs  pool=4M",
    "iommu=unsafe-identity": "exit=bochs iommu=unsafe-identity",
}
ATTACK = str(emulator.BUILD / "attack/attack.elf")


@pytest.fixture(name="launch")
def make_launch(folder):
    """A function that runs tools/run.py with settings and returns how it ended."""

    def launch(**settings):
        names = ("PATH", "HOME", "LANG")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        return subprocess.run(
            [emulator.TOP / "tools/run.py"],
            env=environment | {"RUN_FOLDER": str(folder)} | settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )

    return launch


def test_success(launch):
    """All is verified: status 0."""
    result = launch()
    assert result.returncode == 0, result.stdout
    assert "the guest ended well" in result.stdout


def test_emulators_error(launch):
    """What QEMU itself refuses is no success, though its status is odd, too."""
    result = launch(QEMU_ARGS="-device nonsense")
    assert result.returncode == 1, result.stdout
    assert "QEMU could not run it" in result.stdout


def test_only_print(launch, folder):
    """NORUN prints both command lines as a shell takes them, and runs nothing."""
    arguments = "a='b  c' $d"
    result = launch(NORUN="1", GUEST_ARGS=arguments, MEM="300M", QEMU_ARGS="-device edu")
    image, machine = map(shlex.split, result.stdout.splitlines())
    assert result.returncode == 0
    assert image[-1].endswith(arguments)
    assert machine[machine.index("-m") + 1] == "300M"
    assert machine[-2:] == ["-device", "edu"]
    assert not (folder / "sluice.iso").exists()


def test_timeout(launch):
    """A guest that idles on is ended when the time is up."""
    result = launch(TIMEOUT="15", GUEST_ARGS="idle=1000")
    assert result.returncode == 124, result.stdout
    assert "timed out after 15 s" in result.stdout


def running_below(folder):
    """The command lines of this host's processes that name the folder."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in path.read_bytes():
                yield path.read_text()


def test_bochs(launch, folder):
    """On Bochs too all is verified, with nothing said but the emulator's name."""
    result = launch(EMU="bochs")
    assert result.returncode == 0, result.stdout
    assert "the guest ended well" in result.stdout
    assert f"model={bochs.DEFAULT_MODEL}" in (folder / "bochsrc").read_text()


def test_bochs_failing_guest(launch):
    """The guest's code is told, though Bochs tells none."""
    result = launch(**ON_BOCHS)
    assert result.returncode == 1, result.stdout
    assert "the guest ended with code 1" in result.stdout


def test_bochs_refuses(launch):
    """What Bochs itself refuses is told, and is no success."""
    result = launch(**ON_BOCHS | {"CPU_MODEL": "z80"})
    assert result.returncode == 1, result.stdout
    assert "cpu directive malformed" in result.stdout
    assert "turned off or reset" in result.stdout


def test_bochs_timeout(launch, folder):
    """Bochs, which has no own end, is gone when the time is up."""
    result = launch(**ON_BOCHS, TIMEOUT="15", GUEST=ATTACK, GUEST_ARGS="console")
    assert result.returncode == 124, result.stdout
    assert "vm0| ready" in result.stdout
    for _ in range(100):
        if not list(running_below(folder)):
            return
        time.sleep(0.1)
    raise AssertionError("Bochs still runs")


def test_bochs_only_print(launch, folder):
    """NORUN prints a command line that would run it."""
    result = launch(**ON_BOCHS | {"NIC": "e1000"}, NORUN="1", MEM="1G")
    image, machine = map(shlex.split, result.stdout.splitlines())
    assert result.returncode == 0
    assert f"--args={bochs.HYPERVISOR_WORDS}" in image
    assert {"--model=ryzen", "--memory=1024", f"--tftp={folder}/tftp"} <= set(machine)
    assert not (folder / "bochsrc").exists()


def test_own_words(launch):
    """HV_ARGS stand in place of the default of the same key; a key alone leaves it out."""
    settings = ON_BOCHS | {"NORUN": "1"}
    first = {words: launch(**settings, HV_ARGS=words).stdout.splitlines()[0] for words in OWN_WORDS}
    for words, line in OWN_WORDS.items():
        assert f"--args={line}" in shlex.split(first[words]), words


def test_kvm(launch):
    """The guest does its work under KVM, or one line tells why it can't."""
    reason = kvm.why_not()
    result = launch(ACCEL="kvm")
    if reason:
        assert result.returncode == 1
        assert result.stdout == f"run: ACCEL=kvm: {reason}\n"
    else:
        assert result.returncode == 0, result.stdout
        assert "the guest ended well" in result.stdout


def test_kvm_only_print(launch):
    """The command line, whatever the host can do."""
    result = launch(ACCEL="kvm", NORUN="1")
    assert result.returncode == 0
    assert "-accel kvm -M q35,kernel-irqchip=split -cpu host" in result.stdout


def test_failing_guest(launch):
    """A file with another digest: the guest's code for that is told."""
    result = launch(GUEST_ARGS="sha256=" + "0" * 64)
    assert result.returncode == 1, result.stdout
    assert "the guest ended with code 6" in result.stdout


REFUSED = {
    "nic": ({"NIC": "ne2000"}, "NIC is one of"),
    "firmware": ({"FIRMWARE": "openboot"}, "FIRMWARE is one of"),
    "cpus": ({"CPUS": "none"}, "CPUS is a number"),
    "guest": ({"GUEST": "/nowhere/guest.elf"}, "no file /nowhere/guest.elf"),
    "qemu": ({"QEMU": "/nowhere/qemu"}, "no program /nowhere/qemu"),
    "accelerator": ({"ACCEL": "hvf"}, "ACCEL is one of"),
    "bochs-accelerator": ({"EMU": "bochs", "ACCEL": "kvm"}, "ACCEL is for EMU=qemu"),
    "emulator": ({"EMU": "vmware"}, "EMU is one of"),
    "model": ({"CPU_MODEL": "ryzen"}, "CPU_MODEL is for EMU=bochs"),
    "bochs-firmware": ({"EMU": "bochs", "FIRMWARE": "uefi"}, "FIRMWARE=uefi is for EMU=qemu"),
    "bochs-nic": ({"EMU": "bochs", "NIC": "e1000e"}, "NIC=e1000e is for EMU=qemu"),
    "bochs-qemu": ({"EMU": "bochs", "QEMU": "10"}, "QEMU is for EMU=qemu"),
    "bochs-arguments": ({"EMU": "bochs", "QEMU_ARGS": "-S"}, "QEMU_ARGS is for EMU=qemu"),
    "bochs-iommu": ({"EMU": "bochs", "IOMMU_ARGS": "x"}, "IOMMU_ARGS is for EMU=qemu"),
    "bochs-memory": ({"EMU": "bochs", "MEM": "3G"}, "1 to 2048 MiB"),
    "bochs-cpus": ({"EMU": "bochs", "CPUS": "9"}, "1 to 8 CPUs"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(launch, name):
    """A setting that makes no sense is named."""
    settings, reason = REFUSED[name]
    result = launch(**settings)
    assert result.returncode == 1
    assert reason in result.stdout
