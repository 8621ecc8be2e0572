"""VMs that end and are built anew, and devices that move from one VM to another."""

import dataclasses
import re

import pytest

import attacking
from attacking import PROGRAM
from scenarios import IDENTITY, MODELS, Scenario
from test_vms import GUEST, NO_VM_RAN, nic

BAD_ARGUMENT = 2  # what the guests end with
RESOURCES = r"^\[.*\] vm0: (free: .*; in use: .*)$"

SHORT = Scenario("", "", nic="", program=PROGRAM, file=False, memory="128M", guest="left")
WORK = "ping=none timeout=200"  # DHCP is all
DEVICE = "pci=00:02.0"
TRIES = 9  # before the device is cut off


def nothing_is_lost(machine, lives):
    """As much is free after each life, but for what the first one left for all that come."""
    told = re.findall(RESOURCES, machine.serial(), re.MULTILINE)
    assert len(told) == lives
    assert len(set(told)) == 1, set(told)


# What XSAVE had in each life, as XCR0 says, and its size: AVX; AVX-512; protection keys, as in test_vectors.
COMPONENTS = {
    "": "0x207, 2696 bytes",
    "11": "0x7, 832 bytes",
    "corei7_haswell_4770": "0x7, 832 bytes",
    "corei7_skylake_x": "0xe7, 2688 bytes",
    "corei7_icelake_u": "0xe7, 2688 bytes",
    "tigerlake": "0xe7, 2688 bytes",
    "ryzen": "0x7, 832 bytes",
}


@pytest.mark.parametrize(
    "where, cpus, restarts",
    [("", 1, 100), ("", 2, 1000), ("11", 2, 100)]
    + [(model, cpus, 10) for model, cpus in attacking.ON_BOCHS],
)
def test_restarts(boot, where, cpus, restarts):
    """Each life is like the first: nothing is lost to the hypervisor, nothing seen of the last."""
    vm = f"mem=16M pci=none restart={restarts}"
    machine = boot(dataclasses.replace(SHORT, cpus=cpus, vm=vm), where)
    assert machine.wait_exit(seconds=900) == 0
    lives = restarts + 1
    nothing_is_lost(machine, lives)
    clean = "left: 0 bytes of memory, 0 of x87, 0 of SSE, 0 of others, 0 debug registers"
    assert machine.said().count(clean) == lives
    control = f"left: x87 as after reset, SSE as after reset; components {COMPONENTS[where]}"
    assert machine.said().count(control) == lives
    for number in range(1, lives):
        assert machine.serial().count(f"vm0: restart {number} of {restarts}\n") == 1
    assert "PANIC" not in machine.serial()


CONSOLE = dataclasses.replace(SHORT, guest="console", vm="mem=16M pci=none restart=2")


@attacking.on(("", 1), ("", 2), *attacking.ON_BOCHS)
def test_last_code(boot, where, cpus):
    """The machine ends with the code of the last life; a crash is no reason not to go on."""
    machine = boot(dataclasses.replace(CONSOLE, cpus=cpus), where)
    machine.expect(r"\bready$")
    machine.send("no\n")
    machine.expect(rf"vm0: ended with code {BAD_ARGUMENT}$")
    machine.expect(r"\bready$")
    machine.send("crash\n")
    machine.expect("vm0: crashed: ")
    machine.expect("vm0: restart 2 of 2$")
    machine.expect(r"\bready$")
    machine.send("\n")
    assert machine.wait_exit() == 0


@pytest.mark.parametrize(
    "where, cpus, restarts",
    [("", 1, 2), ("", 2, 2), ("11", 2, 2)] + [(model, cpus, 1) for model, cpus in attacking.ON_BOCHS],
)
def test_always(boot, where, cpus, restarts):
    """Without end, until somebody ends the machine; no more than once a second by the machine's own clock."""
    vm = "mem=16M pci=none restart=always"
    machine = boot(dataclasses.replace(SHORT, cpus=cpus, vm=vm), where)
    machine.expect(f"vm0: restart {restarts}$")
    machine.expect("vm0: built")
    assert machine.process.poll() is None
    starts = re.findall(r"^\[ *(\d+\.\d+)\] vm0: built", machine.serial(), re.MULTILINE)
    assert len(starts) == restarts + 1
    for before, after in zip(starts, starts[1:]):
        assert float(after) - float(before) > 1


@pytest.mark.parametrize(
    "model, cpus, irq",
    [("e1000", 3, "intx"), ("e1000", 1, "intx"), ("e1000e", 2, "msix"), ("e1000e", 3, "msix"), ("e1000e", 3, "msi")],
)
def test_nic(boot, model, cpus, irq):
    """A NIC works in each life, and a neighbour's all the while."""
    neighbour = (GUEST, f"vm=second pci=00:03.0 mem=32M -- pings=50 timeout=200")
    machine = boot(
        Scenario(
            "",
            "",
            nic=model,
            nic_at="addr=2",
            cpus=cpus,
            file=False,
            vm=f"mem=32M {DEVICE} restart=5",
            guest=f"{WORK} irq={irq}",
            modules=(neighbour,) if cpus > 2 else (),
            extra=nic("e1000e", 1, 3),
        )
    )
    assert machine.wait_exit() == 0
    assert machine.said().count("result: ok") == 6
    assert len(re.findall(r"vm0\| dhcp: 10\.0\.2\.15", machine.serial())) == 6
    assert len(re.findall(r"vm0: 00:02.0: released, reset: ", machine.serial())) == 6
    if cpus > 2:
        assert "second| result: ok" in machine.serial()
    else:
        nothing_is_lost(machine, 6)
    assert "vtd_dmar_fault" not in machine.trace()


@attacking.on(("", 1), ("", 2), *attacking.ON_BOCHS)
def test_identity(boot, where, cpus):
    """Likewise where a VM has a NIC without an IOMMU."""
    scenario = Scenario(
        "", "", cpus=cpus, file=False, vm="mem=32M restart=3", guest=WORK, **IDENTITY
    )
    machine = boot(dataclasses.replace(scenario, memory="256M"), where)
    assert machine.wait_exit() == 0
    assert machine.said().count("result: ok") == 4
    nothing_is_lost(machine, 4)


@pytest.mark.parametrize("model, cpus", [("e1000", 1), ("e1000", 2), ("e1000e", 2)])
def test_moves(boot, model, cpus):
    """The same NIC goes from one VM to the next, and to the first one's like again."""
    machine = boot(
        Scenario(
            "",
            "",
            nic=model,
            nic_at="addr=2",
            cpus=cpus,
            memory="256M",
            file=False,
            vm=f"mem=128M {DEVICE} restart=1",
            guest=WORK,
            modules=(
                (GUEST, f"vm=b mem=128M {DEVICE} after=vm0 -- {WORK}"),
                (GUEST, f"vm=c mem=64M {DEVICE} after=b -- {WORK}"),
            ),
        )
    )
    assert machine.wait_exit() == 0
    story = re.findall(r"(\w+): (built|ended)\b", machine.serial())
    names = ["vm0", "vm0", "b", "c"]
    assert story == [(name, what) for name in names for what in ("built", "ended")]
    for name, lives in (("vm0", 2), ("b", 1), ("c", 1)):
        assert machine.serial().count(f"{name}| result: ok") == lives
    assert "vtd_dmar_fault" not in machine.trace()


# A life's making: a fault that was told in it, and answers to what was typed then. The last one may come of
# the little that is done after the memory was cleared.
BUILDING = re.compile(r"second: restart \d+ of \d+\n(.*?)second: built: ", re.DOTALL)
MEANWHILE = re.compile(r"iommu: fault: .*vm0\| done: .*vm0\| done: ", re.DOTALL)


def test_meanwhile(boot):
    """While a VM's large memory is cleared, another one's console is read and its device's faults are told."""
    machine = boot(
        dataclasses.replace(
            attacking.ATTACKER,
            cpus=3,
            memory="1G",
            modules=((str(PROGRAM), "vm=second mem=640M pci=none restart=1000 -- left"),),
        )
    )
    machine.expect(r"\bready$")
    pool = attacking.hypervisor_ranges(machine)[1]
    for line in (f"to={pool.start:#x}", "master", "master") * TRIES:
        attacking.command(machine, line)
        if any(map(MEANWHILE.search, BUILDING.findall(machine.serial()))):
            return
    pytest.fail("nothing else is done while memory is cleared")


@attacking.on(("", 1), ("", 2), *attacking.ON_BOCHS)
def test_turns(boot, where, cpus):
    """A chain whose first VM waits for the last goes round, past those that have no life left."""
    vm = "mem=16M pci=none"
    machine = boot(
        dataclasses.replace(
            SHORT,
            cpus=cpus,
            vm=f"{vm} restart=2 after=c",
            modules=(
                (str(PROGRAM), f"vm=b {vm} after=vm0 -- left"),
                (str(PROGRAM), f"vm=c {vm} after=b restart=1 -- left"),
            ),
        ),
        where,
    )
    assert machine.wait_exit() == 0
    story = re.findall(r"(\w+): (built|ended)\b", machine.serial())
    order = ["vm0", "b", "c", "vm0", "c", "vm0"]
    assert story == [(name, what) for name in order for what in ("built", "ended")]


# Each of two VMs has a NIC for its life, has it read a frame and interrupt, and gives it to the other one. On
# Bochs the NIC is where it always is, and nothing translates.
WORKS = "nic: own: the descriptor was written, its interrupt came"
MOVED_NIC = {"": "00:02.0", "11": "00:02.0"} | dict.fromkeys(MODELS, "00:03.0")


@pytest.mark.parametrize(
    "where, cpus, moves",
    [("", 2, 1000), ("", 1, 50), ("11", 2, 50)]
    + [(model, cpus, 4) for model, cpus in attacking.ON_BOCHS],
)
def test_many_moves(boot, where, cpus, moves):
    """A NIC goes to and fro between two VMs and works in each life; nothing is lost."""
    restarts = moves // 2 - 1
    words = f"mem=16M pci={MOVED_NIC[where]} restart={restarts}"
    place = {} if where in MODELS else {"nic_at": "addr=2"}
    machine = boot(
        dataclasses.replace(
            SHORT,
            nic="e1000",
            cpus=cpus,
            vm=f"{words} after=b",
            guest="nic-own",
            hypervisor=IDENTITY["hypervisor"] if where in MODELS else "",
            modules=((str(PROGRAM), f"vm=b {words} after=vm0 -- nic-own"),),
            **place,
        ),
        where,
    )
    assert machine.wait_exit(seconds=900) == 0
    log = machine.serial()
    lives = re.findall(r"^\[.*\] (\w+): built: 16 MiB, .*, 1 devices$", log, re.MULTILINE)
    assert lives == ["vm0", "b"] * (moves // 2)
    for name in ("vm0", "b"):
        assert log.count(f"{name}| {WORKS}\n") == moves // 2
        assert log.count(f"{name}: ended with code 0\n") == moves // 2
    told = re.findall(r"^\[.*\] (?:vm0|b): (free: .*; in use: .*)$", log, re.MULTILINE)
    assert len(told) == moves
    assert len(set(told)) == 1, set(told)
    assert "DMA faults 0" in log and not re.search("DMA faults [1-9]", log)
    assert "PANIC" not in log


def test_no_reset(boot):
    """A device that can't be reset is given out once; the VM that wanted it again is refused."""
    machine = boot(
        dataclasses.replace(
            attacking.ATTACKER,
            cpus=3,
            guest="own",
            vm="mem=32M pci=00:05.0 restart=3",
            modules=((str(PROGRAM), "vm=second mem=16M pci=none restart=5 -- left"),),
        )
    )
    assert machine.wait_exit() == NO_VM_RAN
    log = machine.serial()
    assert log.count("vm0: 00:05.0: can't be reset: given out once, as firmware left it") == 1
    assert log.count("vm0: 00:05.0: quarantined for good: it can't be reset") == 1
    assert log.count("vm0: 00:05.0: stays in quarantine: it could not be reset") == 1
    assert log.count("vm0| result: ok") == 1
    assert log.count("second| result: ok") == 6
