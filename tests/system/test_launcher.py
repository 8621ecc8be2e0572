"""What `make run` calls: its settings, its exit status, and that it never hangs."""

import os
import shlex
import subprocess

import pytest

import emulator

SECONDS = 300


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
    "emulator": ({"EMU": "bochs"}, "only qemu"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(launch, name):
    """A setting that makes no sense is named."""
    settings, reason = REFUSED[name]
    result = launch(**settings)
    assert result.returncode == 1
    assert reason in result.stdout
