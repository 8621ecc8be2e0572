"""The numbers of `make bench` that no load of the host changes, held with a margin."""

import pytest

import bench
import bench_table
import emulator
import image
import payload

OTHERS = ("boot", "tables-64g", "image", "memory")  # what is in the table of targets besides round trips

# Round trips beyond the bare machine's, in instructions, with no device in the VM: the targets, and of those
# without one the hypervisor's worth of today and some.
MOST = {
    **{name: most for name, most in bench_table.MOST.items() if name not in OTHERS},
    "uart-in": 290,
    "uart-out": 300,
    "hypercall": 240,
}

# Every round trip but a bare CPUID costs more than this, or nothing was measured.
LEAST = 100


def run(made):
    """The machine's rows; skipped where there is no such emulator."""
    try:
        return bench.guest_rows(bench.run(made))
    except emulator.EmulatorError as error:
        if "make emulators" in str(error):
            pytest.skip(str(error))
        raise


def machine(qemu):
    """One without a network."""
    try:
        made = bench.machine(qemu, "")
    except emulator.EmulatorError as error:
        pytest.skip(str(error))
    made.netdevs, made.devices = [], []
    return made


def rows_bare(qemu, words):
    """What the guest counts on the bare machine."""
    made = machine(qemu)
    made.iommu, made.kernel, made.kernel_arguments = None, bench.GUEST, words
    return run(made)


def rows_under(qemu, words, folder):
    """What it counts under the hypervisor."""
    made = machine(qemu)
    made.iso = folder / "sluice.iso"
    module = image.Module(bench.GUEST, f"vm=vm0 pci=none -- {words}")
    image.make(image.Image(bench.KERNEL, "exit=debug", (module,)), made.iso)
    return run(made)


def test_exits(folder):
    """No round trip costs more than it did; the same on every QEMU, so that one is enough."""
    bare, under = rows_bare("", "exits"), rows_under("", "exits", folder)
    costs = {name: under[name] - bare[name] for name in MOST}
    assert all(cost > LEAST for cost in costs.values()), costs
    assert not {name: cost for name, cost in costs.items() if cost > MOST[name]}


# What a guest does with its devices, and as little of the file as says something.
WORK = "timer packets wire disk"
FETCHED_BYTES = 256 << 10

# The page-table engine's instructions, and tables in pages: of a VM of 64 GiB above all.
MAPS = {
    "map-4k": 2000,
    "unmap-4k": 8000,
    "map-2m": 1200,
    "map-1g": 500,
    "map-64g": 20_000,
    "unmap-64g": 15_000,
    "map-64g-by-2m": 7_000_000,
    "unmap-64g-by-2m": 7_000_000,
    "tables-64g": bench_table.MOST["tables-64g"],
    "tables-64g-by-2m": 70,
}


def test_work_without_exits(folder):
    """With an x2APIC packets, reads, ticks and interrupts cost what they cost without the hypervisor."""
    digest = payload.make(folder / "tftp", FETCHED_BYTES)
    words = f"{WORK} fetch=irq=msi,file={payload.NAME},sha256={digest}"
    try:
        machines = [bench.with_all_devices(bench.machine("10", folder / "tftp")) for _ in range(2)]
    except emulator.EmulatorError as error:
        pytest.skip(str(error))
    bare = bench.guest_rows(bench.run_bare(machines[0], words))
    vm = f"vm=vm0 mem=16M {bench.ALL_DEVICES} -- {words}"
    under = bench.guest_rows(bench.run_under(machines[1], [vm], "test-work"))
    times = {name: under[name] / bare[name] for name in bench_table.MOST_TIMES}
    assert not {name: n for name, n in times.items() if n > bench_table.MOST_TIMES[name]}
    assert under["timer-tick"] <= bare["timer-tick"] * 1.02


def test_boot_and_sizes(folder):
    """The boot to the guest's first instruction, the image, and the memory that it takes."""
    made = bench.machine("", folder)
    rows = bench.boot_rows(bench.run_under(made, ["vm=vm0 mem=16M --"], "test-boot"))
    # The log's share, which is not the boot's, is what it must be.
    assert 100_000 < rows["boot-console"] < 800_000 and rows["boot"] > 1_000_000
    names = ("boot", "image", "memory")
    assert not {name: rows[name] for name in names if rows[name] > bench_table.MOST[name]}


def test_maps():
    """What mapping and unmapping costs, by the hypervisor's own code in a guest."""
    rows = rows_bare("", "maps")
    assert not {name: rows[name] for name, most in MAPS.items() if rows[name] > most}
