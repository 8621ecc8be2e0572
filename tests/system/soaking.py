"""What tests that go on for long share: how long, and the hypervisor as seen from outside meanwhile."""

import contextlib
import itertools
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import attacking
from running import PATIENCE

# Nothing said for so long: what is left may be stuck. No test fails by this alone.
SILENCE = 20
DEATHS_MOST = 10  # of the emulator, before it says anything about the hypervisor

SIGNALLED = (128 + 6, 128 + 11)  # abort and segmentation fault, as a shell in between has them


def rounds(request, count, sharers=1):
    """Numbers of rounds: `count` of them, or with --soak=SECONDS until a sharer's part of that time is up, then
    others than the last time."""
    seconds = request.config.getoption("soak")
    if not seconds:
        yield from range(count)
        return
    end = time.monotonic() + seconds / sharers
    for number in itertools.count(int(time.time()) << 8):
        if time.monotonic() > end:
            return
        yield number


class EmulatorDied(Exception):
    """The emulator itself ended by a signal: what its guests did says nothing about the hypervisor."""


def alive(machine):
    """The machine still runs; an emulator that crashed has its own exception."""
    status = machine.process.poll()
    if status is not None and (status < 0 or status in SIGNALLED):
        log = (machine.folder / "emulator.log").read_text(errors="replace").splitlines()
        raise EmulatorDied(log[0] if log else f"signal {-status}")
    return status is None


def died(machine):
    """Something went wrong: if it is the emulator that ends, that has its own exception."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        machine.process.wait(timeout=SILENCE)
    alive(machine)


def outlast(attempt):
    """The result of attempt(NUMBER), with numbers from 0 on until the emulator lives through it; and how it died
    before."""
    deaths = []
    for number in range(DEATHS_MOST):
        try:
            return attempt(number), deaths
        except EmulatorDied as reason:
            deaths.append(str(reason))
    pytest.fail(f"the emulator always dies: {deaths}")


def wait_quiet(machine, condition):
    """Waits until a condition holds, or nothing was said for long; returns whether it holds."""
    said, since = "", time.monotonic()
    while not condition():
        if not alive(machine):
            return condition()
        if machine.serial() != said:
            said, since = machine.serial(), time.monotonic()
        elif time.monotonic() > since + SILENCE:
            return False
        time.sleep(0.1)
    return True


def qemu_in_guests(machine):
    """The CPUs that are seen with other page tables than the hypervisor's, which the first one has."""
    registers = re.findall(r"CR3=(\w+)", machine.monitor("info registers -a"))
    return {cpu for cpu, value in enumerate(registers) if int(value, 16) != int(registers[0], 16)}


def bochs_in_guests(machine):
    """The CPUs whose next instruction is not in the hypervisor's image, as Bochs's debugger shows it when it is
    interrupted; it goes on at once."""
    process = machine.process.pid
    bochs = int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])
    output = machine.folder / "bochs.out"
    before = output.stat().st_size

    def interrupt():
        os.kill(bochs, signal.SIGINT)
        time.sleep(0.5)
        return re.search(r"Next at t=\d+\n((?:\(.*\n)+)", output.read_text()[before:])

    shown = machine.wait_for(interrupt, "Bochs's debugger")
    image = attacking.hypervisor_ranges(machine)[0]
    inside = {
        int(cpu)
        for cpu, address in re.findall(r"^\((\d+)\).* \w{4}:(\w{8,16}) ", shown[1], re.MULTILINE)
        if image.start <= int(address, 16) < image.end
    }
    return set(map(int, re.findall(r"^\((\d+)\)", shown[1], re.MULTILINE))) - inside


def assert_in_guests(machine, cpus):
    """Each of these CPUs is seen in its guest, not always in the hypervisor."""
    left = set(cpus)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        left -= qemu_in_guests(machine) if hasattr(machine, "qmp") else bochs_in_guests(machine)
        if not left:
            return
        time.sleep(0.5)
    pytest.fail(f"CPUs {sorted(left)} never leave the hypervisor")


def assert_intact(machine):
    """The hypervisor's code and constants are those of its file."""
    for address, content in attacking.constant_parts():
        assert machine.read_memory(address, len(content)) == content, f"changed: {address:#x}"
