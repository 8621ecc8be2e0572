#!/usr/bin/python3
"""Measures what the hypervisor costs: the same guest with it and without it.

    tools/bench.py               measures, prints a table, and writes build/bench.json; `make bench` calls it
    tools/bench.py --markdown    the table of README.md, from build/bench.json

Numbers are instructions: with -icount shift=0 on one CPU a tick of the TSC is one. The exit status is 1 if a
target is missed.
"""

import json
import re
import subprocess
import sys

import bench_growth
import bench_table
import emulator
import image
import payload

FOLDER = emulator.BUILD / "bench"
RESULTS = emulator.BUILD / "bench.json"
GUEST = FOLDER / "bench.elf"
KERNEL = emulator.BUILD / "sluice.elf"
ICOUNT = ["-icount", "shift=0,sleep=off"]
SECONDS = 600

# The emulator that the targets are for, as it has an x2APIC, and the one beside it.
REFERENCE, OTHER = "10", ""

FETCHED_BYTES = 16 << 20

# What stands beside the first NIC: two on a wire of their own, and a disk whose blocks are all zero.
MORE_NETDEVS = ["hubport,hubid=1,id=w0", "hubport,hubid=1,id=w1"]
MORE_DEVICES = ["e1000e,netdev=w0", "e1000e,netdev=w1"]
DISK = ["-blockdev", "null-co,node-name=d0,size=1048576,read-zeroes=on"]
DISK += ["-device", "nvme,drive=d0,serial=d0"]
ALL_DEVICES = "pci=00:01.0,00:02.0,00:03.0,00:04.0"

# The phases of a boot, and the log line that ends each; the last one ends with the guest's first instruction.
PHASES = {
    "boot-start": "boot: CPU 0, ",  # console, page tables, and 3 ms to measure clocks
    "boot-plan": "plan: vm vm0: device ",
    "boot-iommu": "boot: free: ",
    "boot-scrub": "vm0: 00:01.0: INTx is ",  # 128 MiB; and the device's reset
    "boot-build": "vm0: built: ",
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


def with_all_devices(made):
    """The machine with all that the guest can measure."""
    made.netdevs += MORE_NETDEVS
    made.devices += MORE_DEVICES
    made.extra += DISK
    return made


def work(digest):
    """All that the guest is to measure with its devices."""
    fetch = f"fetch=irq=msi,timeout=600,file={payload.NAME},sha256={digest}"
    return f"timer packets wire disk {fetch}"


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
    """The guest's own numbers; of several lives' the last one's."""
    return {name: int(ticks) for name, ticks in re.findall(r"bench: (\S+) (\d+)$", text, re.M)}


def run_bare(made, words):
    """What it says without the hypervisor."""
    made.iommu, made.kernel, made.kernel_arguments = None, GUEST, words
    return run(made)


def run_under(made, modules, name="bench"):
    """What it says with the hypervisor; each module is one VM's configuration and words."""
    made.iso = FOLDER / f"{name}.iso"
    guests = tuple(image.Module(GUEST, line) for line in modules)
    image.make(image.Image(KERNEL, "exit=debug", guests), made.iso)
    log = run(made)
    (FOLDER / f"log-{name}-{made.qemu or 'system'}").write_text(log)
    return log


def two_cpus(qemu, of_the_hypervisors):
    """A machine for IPIs: as packages, so that the firmware's MP table has both."""
    made = machine(qemu, "")
    made.netdevs, made.devices = [], []
    count = 2 + of_the_hypervisors
    made.cpus = f"{count},sockets={count}"
    return made


def measure_guest(qemu, tftp, digest):
    """The guest's numbers with the hypervisor, and without it."""
    words = work(digest)
    bare = guest_rows(run_bare(with_all_devices(machine(qemu, tftp)), f"exits {words}"))
    bare |= guest_rows(run_bare(two_cpus(qemu, 0), "ipi"))
    under = guest_rows(
        run_under(with_all_devices(machine(qemu, tftp)), [f"vm=vm0 {ALL_DEVICES} -- {words}"])
    )
    # One is kept back for the hypervisor's own work.
    under |= guest_rows(run_under(two_cpus(qemu, 1), ["vm=vm0 cpus=2 pci=none -- ipi"], "ipi"))
    return under, bare


def console_cost(log, khz):
    """Instructions for a character of the log: by the lines of a VM's summary, which are nothing else."""
    line = r"^\[ *([0-9.]+)\] vm0: "
    start, text, end = re.search(rf"{line}(ended with .*?){line}DMA faults", log, re.M | re.S).groups()
    return (float(end) - float(start)) * 1000 * khz / len(text)


def phases(log):
    """Instructions of each phase of the boot; and of all but the scrub, the device's reset and the console."""
    khz, start = map(int, re.search(r"TSC (\d+) kHz from (\d+)", log).groups())
    ends, rows = 0, {}
    for name, line in PHASES.items():
        seconds = re.search(r"^\S*\[ *([0-9.]+)\] " + re.escape(line), log, re.M)[1]
        end = round(float(seconds) * 1000 * khz)
        rows[name], ends = end - ends, end
    entered = int(re.search(r"bench: entered (\d+)", log)[1]) - start
    rows["boot-enter"] = entered - ends
    rows["boot-console"] = round(console_cost(log, khz) * len(log[: log.index("bench: entered")]))
    rows["boot"] = entered - rows["boot-scrub"] - rows["boot-console"]
    rows["vm-start"] = rows["boot-scrub"] + rows["boot-build"] + rows["boot-enter"]
    return rows


def restart(log):
    """Instructions from one life's last one to the next one's first."""
    left, entered = (re.findall(rf"bench: {name} (\d+)", log) for name in ("left", "entered"))
    return {"vm-restart": int(entered[1]) - int(left[0])}


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


def measure_lives(qemu, tftp):
    """Exits, a boot by phases, a restart, and sizes: of a VM of 128 MiB with one NIC."""
    log = run_under(machine(qemu, tftp), ["vm=vm0 restart=1 -- exits"], "lives")
    return guest_rows(log) | boot_rows(log) | restart(log)


def boot_rows(log):
    """A boot by phases, and sizes."""
    return phases(log) | sizes(log)


def measure_maps(qemu):
    """The page-table engine: the hypervisor's code, in the guest."""
    made = machine(qemu, "")
    made.netdevs, made.devices = [], []
    return guest_rows(run_bare(made, "maps"))


def measure(qemu, tftp, digest):
    """Each row's numbers on one QEMU: with the hypervisor, without it (or None), and their ratio."""
    under, bare = measure_guest(qemu, tftp, digest)
    under = measure_lives(qemu, tftp) | under | measure_maps(qemu)
    if qemu == REFERENCE:
        under |= bench_growth.measure(qemu)
    return {
        name: {
            "under": ticks,
            "bare": bare.get(name),
            "ratio": round(ticks / bare[name], 4) if bare.get(name) else None,
        }
        for name, ticks in under.items()
        if name not in ("entered", "left")
    }


def name_of(qemu):
    """Its version, for people."""
    return ".".join(map(str, emulator.qemu_version(emulator.find_qemu(qemu))))


def main():
    """The command line's way in."""
    if "--markdown" in sys.argv:
        print(bench_table.markdown(json.loads(RESULTS.read_text())))
        return 0
    tftp = FOLDER / "tftp"
    digest = payload.make(tftp, FETCHED_BYTES)
    try:
        results = {name_of(qemu): measure(qemu, tftp, digest) for qemu in (REFERENCE, OTHER)}
    except emulator.EmulatorError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    RESULTS.write_text(json.dumps(results, indent="\t") + "\n")
    missed = bench_table.print_table(results)
    print(f"bench: {len(missed)} targets missed" if missed else "bench: all targets met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
