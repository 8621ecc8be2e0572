"""A VM in its steady state makes no exit: by the guest's count of what it did, and the hypervisor's of exits."""

import dataclasses
import re

import pytest

import bench
import scenarios

# Rounds of a VM's first life, and of the one after it: what there is more of comes from the rounds alone.
SHORT, LONG = 40, 400
FEWEST = (LONG - SHORT) * 9 // 10  # what comes before the rounds differs a little

DEVICES = {"e1000": 1, "e1000e": 2, "nvme": 3}  # INTx, MSI-X, MSI-X: where they are
MACHINE = scenarios.Scenario(
    "exitless",
    "three-devices",
    nic_at="addr=1",
    devices=("e1000e,netdev=n1,addr=2", "nvme,drive=d0,serial=d0,addr=3"),
    extra=("-netdev", "user,id=n1", "-blockdev", "null-co,node-name=d0,size=1048576,read-zeroes=on"),
    program=bench.GUEST,
    file=False,
)


def configuration(device, after, rounds):
    """A VM's words, but for its name, and its guest's."""
    words = f"steady={rounds},disk" if device == "nvme" else f"steady={rounds}"
    return f"mem=16M pci=00:{DEVICES[device]:02x}.0" + (f" after={after}" if after else ""), words


def machine(at_once):
    """All VMs, each device's second after its first: all one after the other, or three at once."""
    rows = []
    for device in DEVICES:
        before = "" if at_once or not rows else rows[-1][0]
        for rounds in (SHORT, LONG):
            name = f"{device}-{rounds}" if rows else "vm0"
            rows.append((name, *configuration(device, before, rounds)))
            before = name
    modules = tuple((bench.GUEST, f"vm={name} {vm} -- {words}") for name, vm, words in rows[1:])
    return dataclasses.replace(
        MACHINE, cpus=4 if at_once else 1, vm=rows[0][1], guest=rows[0][2], modules=modules
    )


@dataclasses.dataclass
class Life:
    """What a VM counted, and the hypervisor of it."""

    work: int
    interrupts: int
    ticks: int
    exits: dict


def life(serial, name):
    """From the log."""
    line = rf"{name}\| steady: (\w+) packets or reads (\w+) interrupts (\w+) ticks$"
    said = [int(text, 16) for text in re.search(line, serial, re.M).groups()]
    exits = re.search(rf"\] {name}: exits \d+, (.*)$", serial, re.M)[1]
    counts = {kind: int(count) for kind, count in re.findall(r"([a-z0-9 ]+) (\d+)(?:, |$)", exits)}
    return Life(*said, counts)


def growth(long, short):
    """The exits by kind that the longer life has more of, or fewer."""
    kinds = long.exits.keys() | short.exits.keys()
    more = {kind: long.exits.get(kind, 0) - short.exits.get(kind, 0) for kind in kinds}
    return {kind: count for kind, count in more.items() if count}


@pytest.mark.parametrize("at_once", [False, True], ids=["one-vm-one-cpu", "three-vms"])
@pytest.mark.parametrize("where", ["", "10"], ids=["xapic", "x2apic"])
def test_steady_state(boot, where, at_once):
    """Packets, reads, interrupts, ticks and idling: no exit with an x2APIC, else one an interrupt at most."""
    running = boot(machine(at_once), where)
    assert running.wait_exit() == 0
    for device in DEVICES:
        names = ("vm0" if device == "e1000" else f"{device}-{SHORT}", f"{device}-{LONG}")
        short, long = (life(running.serial(), name) for name in names)
        interrupts, ticks = long.interrupts - short.interrupts, long.ticks - short.ticks
        assert long.work - short.work >= FEWEST * (1 if device == "nvme" else 2), device
        assert interrupts >= FEWEST and ticks >= FEWEST // 4, device
        if where:
            assert not growth(long, short), device
        else:
            more = growth(long, short)
            assert more.keys() == {"mmio"}, device
            assert more["mmio"] <= interrupts + ticks, device
