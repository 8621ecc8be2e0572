"""How the hypervisor's memory and work grow with the number of VMs, their memory and their devices."""

import re
import subprocess

import bench

VMS = (1, 2, 4, 8)
SMALL = "mem=16M pci=none --"
MEMORIES = {"128m": "mem=128M pci=none -- timer", "1g": "mem=1G pci=none -- timer"}


def machine(qemu, vms):
    """A PC with a CPU for each VM, and one for the hypervisor's own work."""
    made = bench.machine(qemu, "")
    made.cpus, made.memory = vms + 1, "2G"
    return made


def run(qemu, configurations, name):
    """The log of VMs that only come and go, called vm0, vm1 ..."""
    lines = [f"vm=vm{i} {words}" for i, words in enumerate(configurations)]
    return bench.run_under(machine(qemu, len(lines)), lines, name)


def built(log):
    """Instructions that each VM's building took, in order."""
    khz = int(re.search(r"TSC (\d+) kHz", log)[1])
    times = re.findall(r"\[ *([0-9.]+)\] (?:boot: free|vm\d+: built): ", log)
    stamps = [round(float(seconds) * 1000 * khz) for seconds in times]
    return [after - before for before, after in zip(stamps, stamps[1:])]


def pages(log):
    """Pool pages that each VM took, by name: what there is more of when it has been given back. Of the one
    that ended first it is not known."""
    free = re.findall(r"\] (\w+): free: \d+ bytes of RAM, (\d+) pool pages", log)
    return {
        name: int(after) - int(before)
        for (_, before), (name, after) in zip(free[1:], free[2:])
    }


def static_bytes(name):
    """The size of one of the hypervisor's variables."""
    output = subprocess.run(["nm", "-S", bench.KERNEL], capture_output=True, text=True, check=True)
    return int(re.search(rf"^\w+ (\w+) \w {name}$", output.stdout, re.M)[1], 16)


def measure(qemu):
    """Rows of bytes, of pages, and of instructions."""
    rows = {"vm-bytes": static_bytes("vms") // max(VMS)}
    for count in VMS:
        log = run(qemu, [SMALL] * count, f"vms-{count}")
        rows[f"build-{count}-vms"] = sum(built(log)[:count])
    # Of the two small ones, which have nothing to do, one is there to end first.
    log = run(qemu, [SMALL, SMALL, *MEMORIES.values(), "mem=16M pci=00:01.0 -- timer"], "memory")
    taken = pages(log)
    rows["vm-pages"] = taken.get("vm0") or taken["vm1"]
    for i, name in enumerate(MEMORIES, 2):
        rows[f"vm-pages-{name}"] = taken[f"vm{i}"]
        rows[f"build-{name}"] = built(log)[i]
    rows["device-pages"] = taken["vm4"] - rows["vm-pages"]
    return rows
