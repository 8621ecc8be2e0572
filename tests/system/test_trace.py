"""The trace of exits: what it has is what the hypervisor counted; and without it nothing of it is there."""

import collections
import re
import subprocess
import xml.etree.ElementTree

import bench
import image
import profile
import trace

IMAGE = "vm=vm0 mem=16M pci=none -- exits"


def test_as_counted(folder):
    """Each exit is in the trace, by its reason, in order, and the graphs have them all."""
    machine = bench.machine("", folder)
    machine.netdevs, machine.devices = [], []
    module = image.Module(bench.GUEST, IMAGE)
    made = image.Image(trace.KERNEL, "exit=halt", (module,))
    log, memory = trace.record(made, machine, folder)
    exits, count = trace.parse(memory)
    counted = dict(re.findall(r", ([a-z0-9 ]+) (\d+)", re.search(r"exits \d+.*", log)[0]))
    assert len(exits) == count == int(re.search(r"vm0: exits (\d+)", log)[1])
    assert collections.Counter(one.kind for one in exits) == {k: int(n) for k, n in counted.items()}
    assert all(a.tsc + a.cost <= b.tsc for a, b in zip(exits, exits[1:]))
    assert {one.vm for one in exits} == {"vm0"} and min(one.cost for one in exits) > 50
    assert {one.detail for one in exits if one.kind == "cpuid"} >= {0, 1}
    assert sum(one.detail == 0xE8000000 for one in exits) >= 200
    trace.write(exits, folder)
    for name in ("flame.svg", "timeline.svg"):
        assert len(list(xml.etree.ElementTree.parse(folder / name).iter())) > 10
    boxes = (folder / "timeline.svg").read_text().count("<rect")
    assert boxes == count


def test_nothing_without():
    """An image without it has none of its names, so that no exit can cost more for it."""
    output = subprocess.run(["nm", bench.KERNEL], capture_output=True, text=True, check=True).stdout
    assert "exit_handle" in output and not re.search(r"\btrace(_|$)", output, re.M)


def test_profile():
    """The functions that make up an exit's cost, by QEMU's own trace of instructions; the graph has them all."""
    way, seen, _ = profile.measure("mmio-read", "")
    functions = profile.by_function(way)
    assert seen > 4 and sum(functions.values()) == len(way) > 100
    assert {"svm_enter", "svm_run", "exit_handle"} <= functions.keys()
    stacks = profile.by_stack(way)
    assert sum(stacks.values()) == len(way)
    assert {stack[-1] for stack in stacks} == functions.keys()
    assert any(len(stack) > 2 for stack in stacks)
