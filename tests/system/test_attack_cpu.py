"""Attacks by a VM's CPU: ports, MSRs, memory and configuration space that are not the VM's."""

import dataclasses
import re

import pytest

import attacking
import emulator
from attacking import command
from scenarios import INTEL_MODELS, MODELS

READABLE = """0x10 0x1b 0x8b 0x174-0x176 0x1a0 0x277 0xc0000080-0xc0000084 0xc0000100-0xc0000103
    0xc0010015"""
WRITABLE = "0x8b 0x174-0x176 0x1a0 0xc0000081-0xc0000084 0xc0000100-0xc0000103 0xc0010015"
# Bochs refuses what is no canonical address, as CPUs do; TCG does not look.
WRITABLE_ON_BOCHS = "0x8b 0x174 0x1a0 0xc0000081 0xc0000084 0xc0000103 0xc0010015"
# The timer's deadline, which Intel's CPUs have.
DEADLINE = "0x6e0"

# The local APIC's own, once the guest has put it into x2APIC mode.
X2APIC_READABLE = """0x802-0x803 0x808 0x80a 0x80d 0x80f-0x828 0x830 0x832-0x839 0x83e"""

# What the machine ends with where a VM could not go on.
VM_CRASHED = 125

VTD_REGISTERS = 0xFED90000
VTD_GCMD, VTD_GSTS, VTD_RTADDR = 0x18, 0x1C, 0x20
VTD_GSTS_TES, VTD_GSTS_IRES = 1 << 31, 1 << 25

# Ports whose write ends a bare machine, with the value and its width in bytes.
DEADLY = {
    "reset-control": "out=0xcf9,6,1",
    "keyboard-controller": "out=0x64,0xfe,1",
    "fast-reset": "out=0x92,1,1",
    "power-off": "out=0x604,0x2000,2",
}
RTC_YEAR = ("out=0x70,9,1", "out=0x71,0x42,1")


def start(boot, scenario, where="", **changes):
    """A machine whose guest takes commands, and a check of its memory."""
    machine = boot(dataclasses.replace(scenario, **changes), where)
    return machine, attacking.start(machine)


def finish(machine):
    """Ends the guest; it and the hypervisor are to end as if nothing had happened."""
    machine.send("\n")
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()


def rtc_year(machine):
    """The year that the real-time clock shows."""
    return machine.qmp("qom-get", path="/machine", property="rtc-time")["tm_year"]


def configuration(machine):
    """All configuration space of bus 0."""
    return machine.read_memory(attacking.ECAM, 1 << 20)


@attacking.on(("", 1), ("", 2), ("10", 2), ("11", 1))
def test_ports(boot, where, cpus):
    """No port answers but the VM's own; writes that would end or change the machine do nothing."""
    machine, assert_intact = start(boot, attacking.ATTACKER, where, cpus=cpus)
    year = rtc_year(machine)
    space = configuration(machine)
    attacking.assert_ports_are_silent(machine)
    for line in (*DEADLY.values(), *RTC_YEAR, "out=0xb2,0,1"):
        command(machine, line)
    said = command(machine, "fwcfg")
    assert "fw_cfg: control 0xa, landed 0x0" in said
    assert rtc_year(machine) == year
    assert configuration(machine) == space
    assert_intact(attacking.memory(machine))
    finish(machine)


@pytest.mark.parametrize("name", DEADLY)
def test_bare_deadly_port(boot, name):
    """The bare machine ends by such a write, without an exit code."""
    machine, _ = start(boot, attacking.BARE)
    machine.send(DEADLY[name] + "\n")
    assert machine.process.wait(timeout=60) == 0


def test_bare_ports(boot):
    """On the bare machine ports answer, the clock can be set, and fw_cfg writes to memory."""
    machine, _ = start(boot, attacking.BARE)
    year = rtc_year(machine)
    said = command(machine, "ports")
    assert all(int(count) > 16 for count in re.findall(r"(\d+) answered", said)), said
    for line in RTC_YEAR:
        command(machine, line)
    assert rtc_year(machine) != year
    assert "fw_cfg: control 0x0, landed 0x51454d55" in command(machine, "fwcfg")


def told_msrs(what, said):
    """The runs of MSRs that were "readable" or "writable"."""
    runs = re.findall(rf"msrs: {what} (\w+)-(\w+)", said)
    return {first if first == last else f"{first}-{last}" for first, last in runs}


@attacking.on(("", 1), ("", 2), ("10", 2), ("11", 1), *attacking.ON_BOCHS)
def test_msrs(boot, where, cpus):
    """Only the MSRs that a VM has are there, and no value of theirs reaches beyond it."""
    machine, _ = start(boot, attacking.attacker(where), where, cpus=cpus)
    said = command(machine, "msrs")
    deadline = {DEADLINE} if where in INTEL_MODELS else set()
    assert told_msrs("readable", said) == set(READABLE.split()) | deadline
    writable = WRITABLE_ON_BOCHS if where in MODELS else WRITABLE
    assert told_msrs("writable", said) == set(writable.split()) | deadline
    assert len(re.findall("refused", said)) == 3 and "taken" not in said
    if where in emulator.FETCHED:
        command(machine, "own")
        said = command(machine, "msrs")
        assert told_msrs("readable", said) == set((READABLE + " " + X2APIC_READABLE).split())
        assert len(re.findall("refused", said)) == 3 and "taken" not in said
    finish(machine)


# TSD, DE, PSE; MCE to UMIP; FSGSBASE, OSXSAVE, SMEP and SMAP. QEMU's CPUs have neither VME nor PCID, and in long
# mode PAE stays as it is.
CR4_FREE = {*range(2, 5), *range(6, 12), 16, 18, 20, 21}

# Bochs's CPUs have VME and PVI, Intel's PCID too; not all have UMIP or SMAP.
CR4_DIFFERS = {
    "corei7_haswell_4770": {0, 1, 11, 17, 21},
    "corei7_skylake_x": {0, 1, 11, 17},
    "corei7_icelake_u": {0, 1, 17},
    "tigerlake": {0, 1, 17},
    "ryzen": {0, 1, 11},
}
CR4_PKE = 22

# In QEMU 10 and 11 MOV from CR4 never exits: the guest sees what is always set.
CR4_MCE = 6


def free_cr4_bits(machine, first=0, last=63, always_set=()):
    """The bits of CR4 that the guest can turn over and back, of those from first to last."""
    said = command(machine, f"cr4={first},{last}")
    assert re.findall(r"cr4: bit (\d+) ignored", said) == [str(bit) for bit in always_set]
    assert "refused" not in said
    return {int(bit) for bit in re.findall(r"cr4: bit (\d+) free", said)}


@attacking.on(("", 1), ("10", 2), ("11", 1), *attacking.ON_BOCHS)
def test_cr4(boot, where, cpus):
    """A VM sets what goes with the features that it is shown; all other bits fault."""
    machine, _ = start(boot, attacking.attacker(where), where, cpus=cpus)
    always_set = {CR4_MCE} if where in emulator.FETCHED else set()
    free = free_cr4_bits(machine, always_set=always_set)
    assert free == (CR4_FREE ^ CR4_DIFFERS.get(where, set())) - always_set
    finish(machine)


# NW without CD; addresses that there are not. A CPU refuses both with a #GP. QEMU takes the first, fails at
# the next entry, and leaves its own host's state where the guest's was; the second it refuses with the exit
# of a failed entry. Neither shows what was wrong.
REFUSED_STATES = ("cr0=0xa0000011", "cr3=0x1000000000000000")


@attacking.on(("", 1), ("10", 2), ("11", 1))
def test_refused_states(boot, where, cpus):
    """A state that no CPU can be in ends the VM and nothing else; no reason is made up for it."""
    for line in REFUSED_STATES:
        machine, _ = start(boot, attacking.ATTACKER, where, cpus=cpus)
        attacking.send(machine, line)
        assert machine.wait_exit() == VM_CRASHED
        assert "can't go on: it made a CPU state that can't be entered" in machine.serial()
        assert "entry refused" not in machine.serial()
        assert "PANIC" not in machine.serial()


def test_bare_cr4(boot):
    """On the bare machine protection keys can be turned on."""
    machine, _ = start(boot, attacking.BARE)
    assert free_cr4_bits(machine, CR4_PKE, CR4_PKE) == {CR4_PKE}


# Of a bank's status: valid, uncorrected, enabled, context corrupt; and that it is in progress.
MACHINE_CHECK = (0xB200000000000000, 4)
EXCEPTION = 100  # what the guest ends with


def test_machine_check(boot):
    """One comes while a guest runs that has not turned CR4.MCE on: it is no shutdown of the machine. QEMU does
    not look at the intercept: it is the guest's exception."""
    machine, _ = start(boot, attacking.DEVICELESS, cpus=2)
    attacking.send(machine, "fault=spin")
    machine.expect("fault: spin$")
    machine.monitor("mce 1 0 {:#x} {:#x} 0 0".format(*MACHINE_CHECK))
    assert machine.wait_exit() == EXCEPTION
    machine.expect(r"vm0\| exception 18,")
    machine.expect("all VMs have ended")


@attacking.on(("", 1), ("10", 2), ("11", 1), *attacking.ON_BOCHS)
def test_counters(boot, where, cpus):
    """A VM has no performance counters: to read one is a #GP."""
    machine, _ = start(boot, attacking.attacker(where), where, cpus=cpus)
    said = command(machine, "counters")
    assert set(re.findall(r"counters: \w+ (\w+)", said)) == {"refused"}
    finish(machine)


@pytest.mark.parametrize("cpus", [1, 2])
def test_memory(boot, cpus):
    """Reads of memory and registers that are not the VM's give all ones, writes do nothing."""
    machine, assert_intact = start(boot, attacking.ATTACKER, cpus=cpus)
    pool = attacking.hypervisor_ranges(machine)[1]
    before = attacking.memory(machine)
    last = pool.end - 4096
    for address in (pool.start, last, VTD_REGISTERS, VTD_REGISTERS + VTD_GSTS, attacking.ECAM):
        said = command(machine, f"peek={address:#x}")
        assert f"peek: {address:#x}: 0xffffffff" in said
    for register in (VTD_GCMD, VTD_RTADDR):
        command(machine, f"poke={VTD_REGISTERS + register:#x},0")
    command(machine, f"poke={last:#x},0x12345678")
    after = attacking.memory(machine)
    assert_intact(after)
    assert after[last:pool.end] == before[last:pool.end]
    status = int.from_bytes(machine.read_memory(VTD_REGISTERS + VTD_GSTS, 4), "little")
    assert status & VTD_GSTS_TES and status & VTD_GSTS_IRES
    finish(machine)


@pytest.mark.parametrize("cpus", [1, 2])
def test_configuration_space(boot, cpus):
    """BARs, MSI messages and bridges are the hypervisor's: a VM's writes stay in its own view."""
    machine, _ = start(boot, attacking.ATTACKER, cpus=cpus)
    command(machine, "own")
    before = configuration(machine)
    for register in (0x10, 0x30, 0x40, 0x44, 0x48, 0x4C, 0x3C):
        command(machine, f"out=0xcf8,{0x80000800 | register:#x},4")
        command(machine, "out=0xcfc,0xfee00000,4")
    for device in (0, 5, 31):
        command(machine, f"out=0xcf8,{0x80000004 | device << 11:#x},4")
        command(machine, "out=0xcfc,0,4")
    assert configuration(machine) == before
    finish(machine)


# To oneself, by xAPIC's command register: vectors of exceptions, of the hypervisor's own interrupts,
# and the spurious one; as an LVT entry of the timer, and as the spurious interrupt's vector too.
ICR, LVT_TIMER, SVR, TIMER_COUNT = 0xFEE00300, 0xFEE00320, 0xFEE000F0, 0xFEE00380
IOAPIC = 0xFEC00000
PENDING = {
    **{f"ipi-{vector:#x}": (f"poke={ICR:#x},{0x44000 | vector:#x}",) for vector in
       (0x00, 0x0E, 0x11, 0x1F, 0x20, 0xF0, 0xF1, 0xF2, 0xFF)},
    "ipi-nmi": (f"poke={ICR:#x},0x44400",),
    "ipi-init": (f"poke={ICR:#x},0x44500",),
    "timer-nmi": (f"poke={LVT_TIMER:#x},0x400", f"poke={TIMER_COUNT:#x},1"),
    "timer-0x11": (f"poke={LVT_TIMER:#x},0x11", f"poke={TIMER_COUNT:#x},1"),
    "pin-0x1e": (
        f"poke={IOAPIC:#x},0x19", f"poke={IOAPIC + 16:#x},0", f"poke={IOAPIC:#x},0x18",
        f"poke={IOAPIC + 16:#x},0x1e", "out=0x3fc,8,1", "out=0x3f9,2,1", "out=0x3f9,0,1",
    ),
    "spurious-0x11": (f"poke={SVR:#x},0x111",),
}  # fmt: skip


@attacking.on(("", 1), ("", 2), *attacking.ON_BOCHS)
def test_pending_interrupts(boot, where, cpus):
    """What a VM leaves pending in its local APIC when it ends does nothing to the hypervisor, which
    takes it through its own table; nor do delivery modes that are not the guest's to use."""
    machine, _ = start(boot, attacking.attacker(where), where, cpus=cpus)
    for words in PENDING.values():
        for word in words:
            command(machine, word)
    finish(machine)
    assert "all VMs have ended" in machine.serial()


# Break on execution; on a read or write of eight bytes.
EXECUTION, ACCESS = 0x401, 0xB0401


@attacking.on(("", 1), ("", 2), ("10", 1), ("11", 2), *attacking.ON_BOCHS)
def test_breakpoints(boot, where, cpus):
    """A guest's breakpoints on addresses that the hypervisor runs at, or reads, don't reach it."""
    code, constants = [address for address, _ in attacking.constant_parts()]
    watches = [
        (attacking.symbol("cpuid_filter"), EXECUTION),
        (attacking.symbol("exit_handle"), EXECUTION),
        (attacking.symbol("services"), ACCESS),
        (code, ACCESS),
        (constants, ACCESS),
    ]
    commands = " ".join(f"watch={address:#x},{control:#x}" for address, control in watches)
    scenario = dataclasses.replace(attacking.attacker(where), guest=commands, cpus=cpus)
    machine = boot(scenario, where)
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()
