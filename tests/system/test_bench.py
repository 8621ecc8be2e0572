"""The numbers of `make bench` that no load of the host changes, held with a margin."""

import pytest

import bench
import emulator
import image

# Round trips beyond the bare machine's, in instructions, with no device in the VM; the hypervisor's worth of
# today and some. TCG has no NRIP save: lengths of instructions cost a walk of the guest's tables.
MOST = {
    "cpuid": 1450,
    "msr-read": 1450,
    "msr-write": 1550,
    "port-in": 450,
    "port-out": 450,
    "uart-in": 470,
    "uart-out": 470,
    "mmio-read": 2300,
    "mmio-write": 2300,
    "hypercall": 340,
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


def test_timer_without_exits(folder):
    """With an x2APIC the timer costs what it costs without the hypervisor, to the instruction."""
    bare, under = rows_bare("10", "timer"), rows_under("10", "timer", folder)
    for name in ("timer-latency", "timer-tick"):
        assert under[name] <= bare[name] * 1.02, name
