#!/usr/bin/python3
"""Runs a machine like `make run`, with an image that keeps a trace of all exits, and tells what it has.

`make trace` calls it; the settings are those of `make run`. A table by VM and reason, and in build/trace:
timeline.svg, when each exit was and how long it took; flame.svg, what they cost, by VM, reason and what it was
about (CPUID leaf, MSR, port, page); trace.csv, all of it. The ring holds the latest 32768.
"""

import collections
import csv
import dataclasses
import os
import re
import socket
import struct
import subprocess
import sys
import time

import charts
import emulator
import image
import payload
import run

FOLDER = emulator.BUILD / "trace"
KERNEL = FOLDER / "sluice.elf"
SECONDS = 240

# hv/vm/trace.h: struct trace up to its names, and struct trace_record.
HEAD = struct.Struct("<QIIII")
RECORD = struct.Struct("<QQQIBBBx")

PAGE = 4096


@dataclasses.dataclass(frozen=True)
class Exit:
    """One exit; times in ticks of the TSC."""

    tsc: int
    rip: int
    detail: int
    cost: int
    kind: str
    vm: str
    vcpu: int

    def about(self):
        """What it was about, in words; nearby addresses are one."""
        if self.kind == "mmio":
            return f"{self.detail & -PAGE:#x}"
        return f"{self.detail:#x}" if self.detail or self.kind in ("cpuid", "msr", "port") else ""


def names(data, count, size):
    """So many names of so many bytes each."""
    pieces = [data[i * size : (i + 1) * size] for i in range(count)]
    return [piece.split(b"\0")[0].decode() for piece in pieces]


def parse(data):
    """The exits in a struct trace, oldest first, and how many there were in all."""
    count, records, kinds, vms, size = HEAD.unpack_from(data)
    at = HEAD.size
    kind, at = names(data[at:], kinds, size), at + kinds * size
    vm, at = names(data[at:], vms, size), at + vms * size
    at = (at + 7) & -8
    exits = []
    for index in range(max(0, count - records), count):
        tsc, rip, detail, cost, k, v, vcpu = RECORD.unpack_from(
            data, at + index % records * RECORD.size
        )
        exits.append(Exit(tsc, rip, detail, cost, kind[k], vm[v], vcpu))
    return exits, count


def symbol(kernel, name):
    """Where one of the hypervisor's variables is, and its size."""
    output = subprocess.run(["nm", "-S", kernel], capture_output=True, text=True, check=True)
    match = re.search(rf"^(\w+) (\w+) \w {name}$", output.stdout, re.M)
    if not match:
        raise emulator.EmulatorError(f"{kernel} has no trace: it is built with TRACE=1")
    return int(match[1], 16), int(match[2], 16)


def wait_for(condition, what):
    """Waits until it holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise emulator.EmulatorError(f"nothing in {SECONDS} s: {what}")
        time.sleep(0.1)


def record(made, machine, folder):
    """Runs it, with exit=halt, until the hypervisor stops; returns its serial line and its struct trace."""
    address, size = symbol(made.kernel, "trace")
    machine.iso = folder / "trace.iso"
    image.make(made, machine.iso)
    ours, theirs = socket.socketpair()
    command = machine.command(folder / "uefi-variables.fd")
    command[command.index("-monitor") + 1] = "chardev:m"
    command += ["-chardev", f"socket,id=m,fd={theirs.fileno()}"]
    serial, memory = folder / "serial.log", folder / "memory.bin"
    memory.unlink(missing_ok=True)
    with open(serial, "wb") as output, subprocess.Popen(
        emulator.dies_with_parent(command),
        stdin=subprocess.DEVNULL,
        stdout=output,
        pass_fds=[theirs.fileno()],
    ) as process:
        try:
            wait_for(lambda: b"stop: code" in serial.read_bytes() or process.poll(), "the end")
            ours.sendall(f'pmemsave {address:#x} {size} "{memory}"\n'.encode())
            wait_for(lambda: memory.exists() and memory.stat().st_size == size, "the memory")
        finally:
            process.kill()
    return serial.read_text(errors="replace").replace("\r", ""), memory.read_bytes()


def print_table(exits):
    """Number and cost by VM and reason."""
    cost, number = collections.Counter(), collections.Counter()
    for one in exits:
        cost[one.vm, one.kind] += one.cost
        number[one.vm, one.kind] += 1
    total = max(1, sum(cost.values()))
    print(f"{'VM':16} {'reason':14} {'exits':>8} {'ticks':>14} {'each':>10}")
    for (vm, kind), ticks in cost.most_common():
        count = number[vm, kind]
        share = 100 * ticks / total
        print(f"{vm:16} {kind:14} {count:8} {ticks:14} {ticks // count:10} {share:5.1f} %")


def write(exits, folder):
    """The two graphs, and all of it as text."""
    stacks, lanes = collections.Counter(), collections.defaultdict(list)
    for one in exits:
        stacks[tuple(filter(None, (one.vm, one.kind, one.about())))] += one.cost
        told = f"{one.kind} {one.about()} at {one.rip:#x}: {one.cost} ticks"
        lanes[f"{one.vm}, CPU {one.vcpu}"].append((one.tsc, one.cost, one.kind, told))
    (folder / "flame.svg").write_text(charts.flame(stacks, "exits", "ticks"))
    (folder / "timeline.svg").write_text(charts.timeline(lanes, "exits", "ticks"))
    with open(folder / "trace.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(field.name for field in dataclasses.fields(Exit))
        rows.writerows(dataclasses.astuple(one) for one in exits)


def main():
    """The command line's way in."""
    os.chdir(emulator.TOP)
    tftp = FOLDER / "tftp"
    try:
        words = {"file": payload.NAME, "sha256": payload.make(tftp)}
        made = dataclasses.replace(run.compose_image("exit=halt", words), kernel=KERNEL)
        log, memory = record(made, run.compose_qemu(FOLDER / "trace.iso", tftp), FOLDER)
    except (run.SettingError, emulator.EmulatorError, image.ImageError) as error:
        print(f"trace: {error}", file=sys.stderr)
        return 1
    exits, count = parse(memory)
    print(log)
    print_table(exits)
    write(exits, FOLDER)
    print(f"trace: {len(exits)} of {count} exits, in {FOLDER}")
    return 0 if re.search(r"^stop: code 0$", log, re.M) else 1


if __name__ == "__main__":
    sys.exit(main())
