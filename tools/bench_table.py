"""The table of `make bench`: for the terminal, with targets, and for README.md."""

# What each may cost beyond the bare machine, in instructions, bytes or pages.
MOST = {
    "cpuid": 150,
    "msr-read": 220,
    "msr-write": 220,
    "port-in": 220,
    "port-out": 220,
    "mmio-read": 700,
    "mmio-write": 700,
    "boot": 5_000_000,
    "tables-64g": 8,
    "image": 256 << 10,
    "memory": 2 << 20,
}
SIZES = (64, 512, 1514)
# How many times the bare machine's instructions it may be.
MOST_TIMES = {
    "timer-latency": 1.02,
    "device-latency": 1.02,
    **{f"{what}-{size}": 1.01 for what in ("sent", "received", "looped") for size in SIZES},
    "udp-echo": 1.01,
    "nvme-read-4k": 1.01,
    "fetch": 1.01,
}

# The rows of README.md, in order, and what they are called there.
MARKDOWN = {
    "timer-latency": "timer: tick to the handler's first instruction",
    "device-latency": "a NIC's MSI: the device's write to the handler's first instruction",
    "timer-tick": "timer tick, handler and EOI",
    **{f"sent-{size}": f"packet of {size} bytes sent, with its interrupt" for size in SIZES},
    **{f"received-{size}": f"the same received, and left unread: {size} bytes" for size in SIZES},
    "udp-echo": "UDP echo of 64 bytes, both ends",
    "nvme-read-4k": "nvme: 4 KiB read, with its interrupt",
    "fetch": "16 MiB by TFTP, SHA-256",
    "cpuid": "CPUID",
    "msr-read": "RDMSR",
    "msr-write": "WRMSR",
    "port-in": "port in, nothing there",
    "port-out": "port out, nothing there",
    "mmio-read": "MMIO read, nothing there (nested page fault)",
    "mmio-write": "MMIO write, nothing there",
    "hypercall": "hypercall (there are none: #UD, and its handler)",
    "ipi-self": "IPI to itself, with its handler",
    "ipi-round": "IPI to another vCPU that sleeps, and one back",
    "boot": "boot: loader's hand-over to the guest's first instruction, but for scrubbing and console",
    "boot-start": "- until the clocks are measured (3 ms)",
    "boot-plan": "- until VMs are planned",
    "boot-iommu": "- until the IOMMU is on",
    "boot-build": "- until the VM is built, without scrubbing",
    "boot-enter": "- until it runs",
    "boot-console": "the log's 5,000 characters, in these phases",
    "boot-scrub": "scrubbing of 128 MiB, and the NIC's reset",
    "vm-start": "VM start: all of that for a VM of 128 MiB",
    "vm-restart": "VM restart: from its end to its first instruction",
    "map-4k": "map 4 KiB",
    "unmap-4k": "unmap 4 KiB",
    "map-2m": "map 2 MiB",
    "unmap-2m": "unmap 2 MiB",
    "map-1g": "map 1 GiB",
    "unmap-1g": "unmap 1 GiB",
    "map-64g": "map 64 GiB",
    "unmap-64g": "unmap 64 GiB",
    "tables-64g": "tables of a VM of 64 GiB, in pages, with 1G pages",
    "tables-64g-by-2m": "the same with 2M pages",
    "image": "image, in bytes",
    "memory": "memory before the first VM, in bytes: image, its data, tables",
    "vm-bytes": "a VM's own data, in bytes",
    "vm-pages": "pages a VM takes (16 MiB, no device): tables, vCPU",
    "vm-pages-128m": "the same of 128 MiB",
    "vm-pages-1g": "the same of 1 GiB",
    "device-pages": "pages more with a NIC",
    "build-1-vms": "building 1 VM of 16 MiB",
    "build-2-vms": "building 2",
    "build-4-vms": "building 4",
    "build-8-vms": "building 8",
    "build-128m": "building one of 128 MiB, with scrubbing",
    "build-1g": "building one of 1 GiB, with scrubbing",
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
    """The table, for people; the first emulator's rows have targets. Returns the names of those missed."""
    print(f"{'':18}" + "".join(f"  {'QEMU ' + name:<32}" for name in results))
    print(f"{'':18}" + f"  {'with':>11} {'without':>11} {'ratio':>8}" * len(results) + "  target")
    missed = []
    first = next(iter(results.values()))
    for name, row in first.items():
        target, met = verdict(name, row)
        line = "".join(f"  {cells(result.get(name))}" for result in results.values())
        said = "" if met is None else "met" if met else "MISSED"
        print(f"{name:18}{line}  {target:>9} {said}".rstrip())
        if met is False:
            missed.append(name)
    return missed


def markdown(results):
    """The table for README.md."""
    heads = "".join(f" QEMU {name} | without |" for name in results)
    lines = [f"| |{heads}", "|---|" + "---|" * 2 * len(results)]
    for name, words in MARKDOWN.items():
        rows = [result.get(name) for result in results.values()]
        if not any(rows):
            continue
        numbers = [row and row[key] for row in rows for key in ("under", "bare")]
        texts = ["" if number is None else f"{number:,}" for number in numbers]
        lines.append(f"| {words} | " + " | ".join(texts) + " |")
    return "\n".join(re_spaced(line) for line in lines)


def re_spaced(line):
    """Empty cells without two spaces."""
    return line.replace("|  |", "| |").replace("|  |", "| |")
