#!/usr/bin/python3
"""Measures what the hypervisor costs: the same guest with it and without it.

`make bench` calls it; it prints a table and writes build/bench.json. Numbers are instructions: with
-icount shift=0 on one CPU a tick of the TSC is one. The exit status is 1 if a target is missed.
"""

import json
import re
import subprocess
import sys

import emulator
import image
import payload

FOLDER = emulator.BUILD / "bench"
GUEST = FOLDER / "bench.elf"
KERNEL = emulator.BUILD / "sluice.elf"
ICOUNT = ["-icount", "shift=0,sleep=off"]
SECONDS = 600

# The emulator that the targets are for, as it has an x2APIC, and the one beside it.
REFERENCE, OTHER = "10", ""

# The phases of a boot, and the log line that ends each.
PHASES = {
    "boot-start": "boot: CPU 0, ",  # console, page tables, and 3 ms to measure clocks
    "boot-plan": "plan: vm vm0: device ",
    "boot-iommu": "boot: free: ",
    "boot-scrub": "vm0: 00:01.0: INTx is ",  # 128 MiB; and the device's reset
    "boot-build": "vm0: built: ",
}

# What each may cost beyond the bare machine, in instructions or bytes.
MOST = {
    "cpuid": 150,
    "msr-read": 220,
    "msr-write": 220,
    "port-in": 220,
    "port-out": 220,
    "mmio-read": 700,
    "mmio-write": 700,
    "boot": 5_000_000,
    "image": 256 << 10,
    "memory": 2 << 20,
}
# How many times the bare machine's instructions it may be.
MOST_TIMES = {
    "timer-latency": 1.02,
    **{f"{what}-{size}": 1.01 for what in ("sent", "looped") for size in (64, 512, 1514)},
    "fetch-4m": 1.01,
}


def machine(qemu, tftp):
    """A PC with a NIC and one CPU, but for what it boots."""
    # Newer ones refuse the clock to x2APIC registers that are written amid other instructions.
    newer = emulator.qemu_version(emulator.find_qemu(qemu)) >= (10, 0)
    return emulator.Machine(
        qemu=qemu,
        accel="tcg,one-insn-per-tb=on" if newer else "tcg",
        cpus=1,
        netdevs=[f"user,id=n0,tftp={emulator.escape(tftp)}"],
        devices=["e1000e,netdev=n0"],
        extra=list(ICOUNT),
    )


def words(digest):
    """All that the guest is to measure."""
    return f"exits timer packets fetch=irq=msi,file={payload.NAME},sha256={digest}"


def run(made):
    """Boots it and returns what it said on the serial line."""
    command = emulator.dies_with_parent(made.command(None))
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    text = done.stdout.decode(errors="replace").replace("\r", "")
    if emulator.exit_code(done.returncode, made.iso is None) != 0 or "result: ok" not in text:
        errors = done.stderr.decode(errors="replace")
        raise emulator.EmulatorError(f"the guest did not end well:\n{text[-2000:]}{errors}")
    return text


def guest_rows(text):
    """The guest's own numbers."""
    return {name: int(ticks) for name, ticks in re.findall(r"bench: (\S+) (\d+)$", text, re.M)}


def measure_bare(qemu, tftp, digest):
    """The numbers without the hypervisor."""
    made = machine(qemu, tftp)
    made.iommu, made.kernel, made.kernel_arguments = None, GUEST, words(digest)
    return guest_rows(run(made))


def phases(log):
    """Instructions of each phase of the boot; and of all but the scrub and the device's reset."""
    khz = int(re.search(r"TSC (\d+) kHz", log)[1])
    ends, rows = 0, {}
    for name, line in PHASES.items():
        seconds = re.search(r"^\[ *([0-9.]+)\] " + re.escape(line), log, re.M)[1]
        end = round(float(seconds) * 1000 * khz)
        rows[name], ends = end - ends, end
    rows["boot"] = ends - rows["boot-scrub"]
    rows["vm-start"] = rows["boot-scrub"] + rows["boot-build"]
    return rows


def sizes(log):
    """Bytes: of the image as a file has it, without symbols; of it in memory and the pages taken."""
    start, end, pool_start, pool_end = (
        int(text, 16)
        for text in re.search(
            r"image 0x(\w+)-0x(\w+), page pool 0x(\w+)-0x(\w+),", log
        ).groups()
    )
    free = int(re.search(r"bytes of RAM, (\d+) pool pages; in use: 0 domains", log)[1])
    table = subprocess.run(["size", KERNEL], capture_output=True, text=True, check=True).stdout
    code, data = map(int, table.splitlines()[1].split()[:2])
    return {"image": code + data, "memory": end - start + pool_end - pool_start - free * 4096}


def measure_under(qemu, tftp, digest):
    """The numbers with the hypervisor."""
    made = machine(qemu, tftp)
    made.iso = FOLDER / "sluice.iso"
    module = image.Module(GUEST, f"vm=vm0 -- {words(digest)}")
    image.make(image.Image(KERNEL, "exit=debug", (module,)), made.iso)
    log = run(made)
    (FOLDER / f"log-{qemu or 'system'}").write_text(log)
    return guest_rows(log) | phases(log) | sizes(log)


def measure(qemu, tftp, digest):
    """Each row's numbers on one QEMU: with the hypervisor, without it (or None), and their ratio."""
    bare = measure_bare(qemu, tftp, digest)
    under = measure_under(qemu, tftp, digest)
    return {
        name: {
            "under": ticks,
            "bare": bare.get(name),
            "ratio": round(ticks / bare[name], 4) if bare.get(name) else None,
        }
        for name, ticks in under.items()
        if name != "entered"
    }


def verdict(name, row):
    """What the target is and whether it is met: two words; "" and None where there is none."""
    if name in MOST:
        return f"+{MOST[name]}", row["under"] - (row["bare"] or 0) <= MOST[name]
    if name in MOST_TIMES:
        return f"{MOST_TIMES[name]}x", row["ratio"] <= MOST_TIMES[name]
    return "", None


def cells(row):
    """A row's numbers on one QEMU as text."""
    if not row:
        return f"{'':>11} {'':>11} {'':>8}"
    bare = "" if row["bare"] is None else row["bare"]
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.3f}"
    return f"{row['under']:>11} {bare:>11} {ratio:>8}"


def print_table(results):
    """The table, for people; returns the names of rows that miss their target."""
    names = [".".join(map(str, emulator.qemu_version(emulator.find_qemu(q)))) for q in results]
    print(f"{'':14}" + "".join(f"  {'QEMU ' + name:<32}" for name in names))
    print(f"{'':14}" + f"  {'with':>11} {'without':>11} {'ratio':>8}" * len(names) + "  target")
    missed = []
    first = next(iter(results.values()))
    for name, row in first.items():
        target, met = verdict(name, row)
        line = "".join(f"  {cells(result.get(name))}" for result in results.values())
        print(f"{name:14}{line}  {target:>9} {'' if met is None else 'met' if met else 'MISSED'}")
        if met is False:
            missed.append(name)
    return missed


def main():
    """The command line's way in."""
    tftp = FOLDER / "tftp"
    digest = payload.make(tftp)
    try:
        results = {qemu: measure(qemu, tftp, digest) for qemu in (REFERENCE, OTHER)}
    except emulator.EmulatorError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    (emulator.BUILD / "bench.json").write_text(
        json.dumps({qemu or "system": rows for qemu, rows in results.items()}, indent="\t") + "\n"
    )
    missed = print_table(results)
    print(f"bench: {len(missed)} targets missed" if missed else "bench: all targets met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
