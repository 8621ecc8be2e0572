#!/usr/bin/python3
"""Tells which of the hypervisor's functions make up the cost of one kind of exit.

    tools/profile.py ROW [QEMU]      ROW as `make bench` names it: cpuid, port-in, mmio-read ...

The measuring guest does it again and again, while QEMU traces each instruction of the hypervisor.
The trace is cut at VMRUN; the way from one to the next that is seen most often is told, by function, and by
calls as a flame graph in build/bench/profile-ROW.svg.
"""

import bisect
import collections
import re
import socket
import subprocess
import sys
import time

import bench
import charts
import emulator
import image

TRACE = bench.FOLDER / "trace.log"
SECONDS = 300
TRACE_BYTES = 1 << 20


def symbols():
    """Addresses and names of the hypervisor's code, in order."""
    output = subprocess.run(
        ["nm", "-n", bench.KERNEL], capture_output=True, text=True, check=True
    ).stdout
    rows = re.findall(r"^(\w+) [tT] ([^.\n]+)", output, re.MULTILINE)
    return [int(address, 16) for address, _ in rows], [name for _, name in rows]


def instructions():
    """The mnemonic of each of the hypervisor's instructions, by address."""
    output = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", "-M", "intel", bench.KERNEL],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = re.findall(r"^\s*(\w+):\s+(\w+)", output, re.MULTILINE)
    return {int(address, 16): mnemonic for address, mnemonic in rows}


def vmrun_address():
    """Where the hypervisor enters a guest."""
    return next(address for address, name in instructions().items() if name == "vmrun")


def wait_for(condition, what):
    """Waits until it holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise emulator.EmulatorError(f"nothing in {SECONDS} s: {what}")
        time.sleep(0.1)


def record(row, qemu, first, last):
    """Has the guest loop, and the trace written for a while."""
    made = bench.machine(qemu, bench.FOLDER / "tftp")
    newer = emulator.qemu_version(emulator.find_qemu(qemu)) >= (10, 0)
    made.iso, made.netdevs, made.devices = bench.FOLDER / "profile.iso", [], []
    module = image.Module(bench.GUEST, f"vm=vm0 -- loop={row}")
    image.make(image.Image(bench.KERNEL, "exit=debug", (module,)), made.iso)
    ours, theirs = socket.socketpair()
    command = made.command(None)
    command[command.index("-monitor") + 1] = "chardev:m"
    command += ["-chardev", f"socket,id=m,fd={theirs.fileno()}", "-D", str(TRACE)]
    command += ["-dfilter", f"{first:#x}..{last:#x}"]
    if not newer:
        command.append("-singlestep")
    TRACE.unlink(missing_ok=True)
    serial = bench.FOLDER / "profile.serial"
    with open(serial, "wb") as output, subprocess.Popen(
        emulator.dies_with_parent(command), stdout=output, pass_fds=[theirs.fileno()]
    ) as process:
        try:
            wait_for(lambda: b"looping" in serial.read_bytes() or process.poll(), "looping")
            ours.sendall(b"log exec,nochain\n")
            wait_for(
                lambda: (TRACE.exists() and TRACE.stat().st_size > TRACE_BYTES) or process.poll(),
                "the trace",
            )
        finally:
            process.kill()


def rounds(vmrun):
    """The addresses of each way from behind one VMRUN up to the next."""
    current = None
    for match in re.finditer(r"^Trace \d+: \S+ \[\w+/(\w+)/", TRACE.read_text(), re.MULTILINE):
        address = int(match[1], 16)
        if current is not None:
            current.append(address)
        if address == vmrun:
            if current:
                yield tuple(current)
            current = []


def measure(row, qemu):
    """The addresses of the way that is seen most often, how often, and of how many."""
    addresses, _ = symbols()
    record(row, qemu, addresses[0], addresses[-1])
    ways = collections.Counter(rounds(vmrun_address()))
    if not ways:
        raise emulator.EmulatorError("no exit was seen")
    way, seen = ways.most_common(1)[0]
    return way, seen, ways.total()


def functions_of(way):
    """The function of each instruction."""
    addresses, names = symbols()
    return [names[bisect.bisect_right(addresses, at) - 1] for at in way]


def by_function(way):
    """Instructions by function."""
    return collections.Counter(functions_of(way))


def by_stack(way):
    """Instructions by the functions that are being called: (outermost, ..., innermost). The way begins within a
    function; those that called it come when it returns to them, each at the bottom."""
    mnemonics, stack, stacks, before = instructions(), [], collections.Counter(), ""
    for at, name in zip(way, functions_of(way)):
        if before == "call":
            stack.append(name)
        elif before == "ret":
            stack = stack[:-1]
        if not stack or stack[-1] != name:
            stack = stack[:-1] + [name]  # a jump instead of a call and a return, or a caller not met before
        stacks[tuple(stack)] += 1
        before = mnemonics.get(at, "")
    return stacks


def main():
    """The command line's way in."""
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 1
    row = sys.argv[1]
    try:
        way, seen, ways = measure(row, sys.argv[2] if len(sys.argv) > 2 else "")
    except emulator.EmulatorError as error:
        print(f"profile: {error}", file=sys.stderr)
        return 1
    for name, count in by_function(way).most_common():
        print(f"{count:6} {100 * count / len(way):5.1f} %  {name}")
    print(f"{len(way):6} instructions of the hypervisor; seen {seen} of {ways} times")
    graph = bench.FOLDER / f"profile-{row}.svg"
    graph.write_text(charts.flame(by_stack(way), f"an exit of {row}", "instructions"))
    print(f"the calls: {graph}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
