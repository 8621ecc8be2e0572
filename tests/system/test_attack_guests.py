"""VMs that get lost, or run what a VM has no use for, beside one that must not notice anything."""

import dataclasses
import re
import struct

import pytest

import attacking
from attacking import command
from scenarios import MODELS

VM_CRASHED = 0x7D
MEMORY_MIB = 192
FIELD_SIGN = 0x5EED5EED00000000  # what the neighbour fills a MiB of its memory with
OUTSIDE, LOCAL_APIC = 0xD0000000, 0xFEE00000
RECURSIVE = 0x80408000  # OUTSIDE, after the guest's "recursive"
MEMORY = 16  # MiB, of each VM

QEMUS = ["", "10", "11"]
WHERE = [*QEMUS, *MODELS]
on_all = pytest.mark.parametrize("where", WHERE, ids=["system", *WHERE[1:]])


def field():
    """What the neighbour fills a MiB with."""
    return b"".join(struct.pack("<Q", FIELD_SIGN | at) for at in range(0, 1 << 20, 8))


class Neighbours:
    """A machine of VMs that attack and of one, the first, that has the console and takes interrupts."""

    def __init__(self, boot, where, attacks, wait=2000):
        """attacks: the attacking guests' command lines, by the names of their VMs."""
        self.names = list(attacks)
        lines = {name: f"vm={name} mem={MEMORY}M pci=none -- wait={wait} {words}"
                 for name, words in attacks.items()}
        scenario = dataclasses.replace(
            attacking.DEVICELESS,
            cpus=2 + len(attacks),
            memory=f"{MEMORY_MIB}M",
            vm=f"mem={MEMORY}M pci=none",
            guest="fill listen console",
            modules=tuple((str(attacking.PROGRAM), line) for line in lines.values()),
        )
        self.machine = boot(scenario, where)
        self.on_qemu = where not in MODELS
        self.assert_intact = attacking.start(self.machine)

    def assert_unharmed(self):
        """The neighbour has its memory and got no interrupt; the hypervisor is what it was."""
        assert "heard: 0 interrupts" in command(self.machine, "heard")
        command(self.machine, "filled")
        if self.on_qemu:
            memory = self.machine.read_memory(0, MEMORY_MIB << 20)
            assert len(attacking.places(memory, field())) == 1
            self.assert_intact(memory)

    def ends(self):
        """Waits for the attackers' ends: why each of them ended."""
        found = {}
        for name in self.names:
            line = re.compile(rf"{name}: (ended with code \d+|crashed: .*)\n")
            match = self.machine.wait_for(
                lambda line=line: line.search(self.machine.serial()), f"the end of {name}"
            )
            found[name] = match[1].removeprefix("crashed: ")
        return found

    def finish(self, code):
        """Ends the neighbour, and with it the machine."""
        self.machine.send("\n")
        assert self.machine.wait_exit() == code
        assert "vm0: ended with code 0" in self.machine.serial()
        assert "PANIC" not in self.machine.serial()


UNDEFINED = """vmrun vmload vmsave stgi clgi skinit invlpga vmmcall vmgexit rdpru psmash pvalidate invlpgb
    tlbsync vmcall vmxon vmxoff vmclear vmptrld vmptrst vmread vmwrite vmlaunch vmresume invept invvpid
    vmfunc getsec encls enclu pconfig monitor mwait rsm xsetbv xgetbv xsaves wrpkru syscall ud2 umwait
    tpause cr1 kvm-call"""
PROTECTED = """rdpmc cr0-reserved cr8-reserved dr7-reserved ltr-null lldt-outside
    iret-to-nowhere hyperv-msr kvm-msr"""
CARRIED_OUT = """invd wbinvd wbnoinvd invlpg pause cpuid cr0-cache-off cr8 lmsw clts vmware-port"""
DEBUG, INVALID_OPCODE, PROTECTION, NOTHING = 1, 6, 13, None

# What emulators have otherwise than CPUs.
UNCHECKED = "cr0-reserved cr8-reserved dr7-reserved ltr-null"
DIFFERS = {
    "": dict.fromkeys(f"umwait tpause {UNCHECKED}".split()) | {"icebp": INVALID_OPCODE},
    "10": dict.fromkeys(f"vmxon vmclear vmptrld vmptrst xsaves {UNCHECKED}".split()),
    "11": dict.fromkeys(UNCHECKED.split()),
}


def expected_ends(where):
    """What each instruction does: the exception's vector, or nothing."""
    ends = {name: INVALID_OPCODE for name in UNDEFINED.split()}
    ends |= {name: PROTECTION for name in PROTECTED.split()}
    ends |= {name: NOTHING for name in CARRIED_OUT.split()}
    return ends | {"icebp": DEBUG} | DIFFERS.get(where, {})


@on_all
def test_instructions(boot, where):
    """What a VM has no use for is an exception or does no harm, and the VM goes on; so does the machine,
    which it shares its CPU with."""
    machine = boot(dataclasses.replace(attacking.DEVICELESS, cpus=1), where)
    assert_intact = attacking.start(machine)
    said = command(machine, "instructions")
    found = {name: NOTHING for name in re.findall(r"instruction (\S+) went on", said)}
    for name, vector in re.findall(r"instruction (\S+): exception (\d+)", said):
        found[name] = int(vector)
    assert found == expected_ends(where)
    said = command(machine, "hypercalls")
    assert re.findall(r"hypercalls: (\d+), (\d+) of them refused", said) == [("532", "532")]
    if where not in MODELS:
        assert_intact(attacking.memory(machine))
    machine.send("\n")
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()


@on_all
def test_forms(boot, where):
    """Every instruction that is carried out on what is not there does what it does on RAM of all ones, also
    by way of a page table that is its own; and what is wrong with an operand's tables is found."""
    words = " ".join(f"forms={address:#x}" for address in (OUTSIDE, 0xCFFFF000, 0xFEE01000))
    words += f" recursive forms={RECURSIVE:#x} tables"
    machine = boot(dataclasses.replace(attacking.DEVICELESS, cpus=1, guest=words), where)
    assert machine.wait_exit() == 0
    assert re.findall(r"forms: (\d+), (\d+) of them wrong", machine.serial()) == [("66", "0")] * 4
    assert "tables: 13 faults, 36 accesses, 0 of them wrong" in machine.serial()


NOT_EMULATED = "an instruction on device registers that is not emulated"
IN_DELIVERY = "an interrupt or exception met a stack or table outside of its memory"
TABLES = "page tables outside of its memory"
CODE = "code outside of its memory"
STATE = "it made a CPU state that can't be entered"
TASK = "a task switch by hardware, which is not emulated"
ENDED = "ended with code 0"

FORMS = ["push", "call", "push-to", "fxsave", "cmpxchg16b", "iret"]


@on_all
def test_refused_forms(boot, where):
    """An access that is not emulated ends its VM, with address and reason, and no other."""
    attacks = {f"v{n}": f"form={name},{OUTSIDE:#x}" for n, name in enumerate(FORMS)}
    neighbours = Neighbours(boot, where, attacks)
    ends = neighbours.ends()
    assert dict(zip(FORMS, ends.values())) == dict.fromkeys(FORMS, NOT_EMULATED)
    said = neighbours.machine.serial()
    for name in neighbours.names:
        assert re.search(rf"{name}: no memory of its own at guest-physical 0xd0000\w+ ", said)
    neighbours.assert_unharmed()
    neighbours.finish(VM_CRASHED)


GUEST_EXCEPTION = 100
EXCEPTION = f"ended with code {GUEST_EXCEPTION}"

FAULTS = {
    "tables": {
        "triple": "triple fault",
        "table-outside": IN_DELIVERY,
        "table-in-apic": IN_DELIVERY,
        "stack-outside": IN_DELIVERY,
        "stack-in-apic": IN_DELIVERY,
        "interrupt-stack-outside": IN_DELIVERY,
    },
    "pages": {
        "task-segment-outside": IN_DELIVERY,
        "descriptors-outside": NOT_EMULATED,
        "pages-outside": TABLES,
        "pages-in-apic": TABLES,
        "code-outside": CODE,
        "code-in-apic": CODE,
    },
    "modes": {
        f"code-over-the-end,{MEMORY << 20:#x}": CODE,
        "no-paging": ENDED,
        "directories-outside": TABLES,
        "task-jump": TASK,
        "task-outside": TASK,
        "task-gate": TASK,
    },
    "states": {
        "cr0-pg-without-pe": EXCEPTION,
        "cr0-nw-without-cd": EXCEPTION,
        "pages-beyond-width": EXCEPTION,
        "operand-tables-outside": TABLES,
        "code-forgotten": NOT_EMULATED,
        "code-moved": ENDED,
    },
}

# QEMU switches tasks itself, and ends there in what is no task; states that are none it lets be made.
FAULTS_OF_QEMU = {
    "modes": {"task-jump": "triple fault", "task-gate": "triple fault", "task-outside": NOT_EMULATED},
    "states": dict.fromkeys(("cr0-pg-without-pe", "cr0-nw-without-cd", "pages-beyond-width"), STATE),
}

# A triple fault is no exit on Bochs's SVM, nor is a task switch, and paging without protection is no fault.
DEADLY_ON_BOCHS = ("triple", "task-jump", "task-gate", "task-outside", "cr0-pg-without-pe")


@on_all
@pytest.mark.parametrize("group", FAULTS)
def test_faults(boot, where, group):
    """A VM that gets lost is ended with the reason; its neighbour does not notice."""
    differing = {} if where in MODELS else FAULTS_OF_QEMU.get(group, {})
    faults = FAULTS[group] | differing
    if where == "ryzen":
        faults = {name: end for name, end in faults.items() if name not in DEADLY_ON_BOCHS}
    attacks = {f"v{n}": f"fault={name}" for n, name in enumerate(faults)}
    neighbours = Neighbours(boot, where, attacks)
    ends = neighbours.ends()
    neighbours.assert_unharmed()
    assert dict(zip(faults, ends.values())) == faults
    neighbours.finish(GUEST_EXCEPTION if EXCEPTION in faults.values() else VM_CRASHED)


LOOPS = {
    "spinning": ["spin", "spin-on-exits", "spin-on-registers", "halt"],
    # In the first three each delivery of an exception is cause for another one; the last is in its NMI's handler.
    "delivery": ["debug-loop", "fault-loop", "alignment-loop", "nmi-loop"],
}


@on_all
@pytest.mark.parametrize("group", LOOPS)
def test_loops(boot, where, group):
    """VMs that never end, with interrupts off: the neighbour and its console go on."""
    attacks = {f"v{n}": f"fault={name}" for n, name in enumerate(LOOPS[group])}
    neighbours = Neighbours(boot, where, attacks)
    for n, name in enumerate(LOOPS[group]):
        line = rf"v{n}\| fault: {name}\n"
        neighbours.machine.wait_for(
            lambda line=line: re.search(line, neighbours.machine.serial()), line
        )
    for _ in range(3):
        neighbours.assert_unharmed()
    neighbours.machine.send("\n")
    neighbours.machine.expect("vm0: ended with code 0$")
    assert not re.search(r"^.*v\d: (ended|crashed|can't)", neighbours.machine.serial(), re.MULTILINE)


# What a VM does with its own APICs, and what is told of it.
APICS = {
    "ipis=xapic": r"ipis: \d+ by xAPIC",
    "lvts": "done: lvts",
    "apic-base": "base: 0 moves, and the timer runs",
    "ioapic": "done: ioapic",
}
NO_X2APIC = ("", "ryzen")
X2APIC = {"ipis=x2apic": r"ipis: \d+ by x2APIC"}


@on_all
def test_apics(boot, where):
    """No command, vector or entry of a VM's APICs reaches another CPU, or its own hypervisor."""
    words = APICS if where in NO_X2APIC else APICS | X2APIC
    neighbours = Neighbours(boot, where, {f"v{n}": word for n, word in enumerate(words)})
    ends = neighbours.ends()
    assert set(ends.values()) == {ENDED}
    for n, told in enumerate(words.values()):
        assert re.search(rf"v{n}\| {told}", neighbours.machine.serial()), told
    neighbours.assert_unharmed()
    neighbours.finish(0)


@on_all
@pytest.mark.parametrize("mode", ["xapic", "x2apic"])
def test_apics_of_one_cpu(boot, where, mode):
    """Likewise where the hypervisor works on the same CPU."""
    if where in NO_X2APIC and mode == "x2apic":
        pytest.skip("it has no x2APIC")
    words = f"apic-base lvts ioapic ipis={mode}" if mode == "x2apic" else "ipis=xapic ioapic"
    machine = boot(dataclasses.replace(attacking.DEVICELESS, cpus=1, guest=f"{words} console"), where)
    attacking.start(machine)
    command(machine, "fill")
    # From here on in the handler of an NMI, which does not keep the hypervisor's own back.
    attacking.send(machine, "in-nmi")
    machine.expect(r"\bready$")
    command(machine, "filled")
    machine.send("\n")
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()
