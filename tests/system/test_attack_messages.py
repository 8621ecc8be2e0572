"""Interrupt messages that a VM forges where a driver puts its own: in the MSI capability, and in MSI-X tables.
What is looked at are the device's physical message, the remapping entry behind it, and who was interrupted."""

import dataclasses
import re

import attacking
import victims
from attacking import command
from registers import MSIX, Device, remapping_entry
from victims import ATTACKER_CPU, EDU_BDF, GUEST_BDF, NIC_BDF, NVME_BDF, VICTIM_CPU, Victim

FIXED = 0
OWN_VECTOR = 0x41


def message(cpu, data, bits=0):
    """Address and data to a CPU by its APIC ID, in the old format."""
    return 0xFEE00000 | cpu << 12 | bits, data


OWN = message(ATTACKER_CPU, OWN_VECTOR)
ALL = message(0xFF, OWN_VECTOR)
FORGED = {
    "hypervisors-cpu": message(0, 0x41),
    "victims-cpu": message(VICTIM_CPU, 0x41),
    "nobodys-cpu": message(7, 0x41),
    "victims-cpu-logical": message(1 << VICTIM_CPU, 0x41, 4),
    "victims-cpu-hint": message(VICTIM_CPU, 0x141, 8),
    "nmi": message(ATTACKER_CPU, 0x400),
    "victims-nmi": message(VICTIM_CPU, 0x400),
    "init": message(ATTACKER_CPU, 0x500),
    "victims-init": message(VICTIM_CPU, 0x500),
    "smi": message(ATTACKER_CPU, 0x200),
    "extint": message(ATTACKER_CPU, 0x700),
    "startup": message(VICTIM_CPU, 0x608),
    "vector-2": message(ATTACKER_CPU, 0x02),
    "vector-14": message(ATTACKER_CPU, 0x0E),
    "vector-31": message(ATTACKER_CPU, 0x1F),
    "memory": (0x400000, 0x41),
    "high": (0x1FEE01000, 0x41),
    "remappable-0": (0xFEE00010, 0),
    "remappable-1": (0xFEE00030, 0),
}
# Where another way into the same registers was tried with all of them.
FEW = ("hypervisors-cpu", "victims-cpu", "nmi", "victims-nmi", "vector-2", "remappable-1")
SECOND_WAYS = ("e1000e-msi", "nvme-msix-wide")
# The device, how it is told, and by which of its commands.
WAYS = {
    "edu-msi": (EDU_BDF, "msi=edu"),
    "e1000e-msi": (NIC_BDF, "msi=nic"),
    "e1000e-msix": (NIC_BDF, "msix=nic"),
    "nvme-msix": (NVME_BDF, "msix=nvme"),
    "nvme-msix-wide": (NVME_BDF, "msix-wide=nvme"),
}


def forge(machine, how, address, data):
    """Writes a message and has the device interrupt; how many interrupts the attacker had by it."""
    said = command(machine, f"forge-{how},{address:#x},{data:#x}")
    return int(re.search(r"forge: \w+: (\d+) interrupts", said)[1])


def assert_bound(machine, device, physical):
    """A device's physical message is of the remappable format, and leads through an entry that is that
    device's, to the attacker's CPU."""
    assert physical.handle() is not None, physical
    entry = remapping_entry(machine, physical.handle())
    assert entry.verified and entry.source == device.bdf
    assert (entry.vector, entry.delivery) == (OWN_VECTOR, FIXED)
    assert entry.destination == ATTACKER_CPU


@attacking.on(("", 3), ("10", 3))
def test_forged(boot, where, cpus):
    """A message that is not one for the VM's own CPU is never in the device, and interrupts nobody; one that
    is works, before and after, through an entry of that device's."""
    machine = boot(victims.scenario(cpus=cpus), where)
    victim = Victim(machine)
    for name, (bdf, how) in WAYS.items():
        device = Device(machine, bdf)
        physical = device.msi if how.startswith("msi=") else device.msix
        for own in (OWN, ALL):
            assert forge(machine, how, *own) >= 1, name
            assert_bound(machine, device, physical())
        for forged in FEW if name in SECOND_WAYS else FORGED:
            assert forge(machine, how, *FORGED[forged]) == 0, f"{name}: {forged}"
            assert physical() is None, f"{name}: {forged}"
        assert forge(machine, how, *OWN) >= 1, name
        assert_bound(machine, device, physical())
        victim.assert_unharmed()
    for device, what in (("5", "MSI"), ("6", "MSI"), ("7", "MSI-X entry 0,")):
        told = rf"vm vm0: 00:0{device}.0: {what} 0xfee\w+ 0x\w+,? goes nowhere$"
        assert re.search(told, machine.serial(), re.MULTILINE), device
    victims.finish(machine)


@attacking.on(("", 1), ("11", 1))
def test_one_cpu(boot, where, cpus):
    """Likewise where the hypervisor works on the same CPU: an NMI there would be its own."""
    scenario = dataclasses.replace(attacking.ATTACKER, cpus=cpus, guest="listen console")
    machine = boot(scenario, where)
    assert_intact = attacking.start(machine)
    device = Device(machine, EDU_BDF)
    own = {name: (address & ~0xFF000, data) for name, (address, data) in FORGED.items() if "cpu" not in name}
    for name, (address, data) in own.items():
        assert forge(machine, "msi=edu", address, data) == 0, name
        assert device.msi() is None, name
    assert forge(machine, "msi=edu", *message(0, OWN_VECTOR)) == 1
    assert device.msi().handle() is not None
    assert_intact(attacking.memory(machine))
    machine.send("\n")
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()


LOCATION = [(at, value) for at in (4, 8) for value in (0, 5, 0xFEE00000, 0xFFFFFFFF)]


def test_location(boot):
    """Where an MSI-X table is can't be written, nor can its size; what is written to it stays the guest's."""
    machine = boot(victims.scenario())
    victim = Victim(machine)
    for bdf, name in ((NIC_BDF, "nic"), (NVME_BDF, "nvme")):
        device = Device(machine, bdf)
        assert forge(machine, f"msix={name}", *OWN) >= 1
        at = device.capability(MSIX)
        before = device.configuration()[at : at + 12]
        for register, value in [(0, 0xC7FF0000), *LOCATION, (0, 0x80000000)]:
            command(machine, f"config-write={GUEST_BDF[bdf]},{at + register:#x},{value:#x}")
            now = device.configuration()[at : at + 12]
            # The table's size is in the control register, and is not among what can be written.
            assert (now[:3], now[3] & 7, now[4:]) == (before[:3], before[3] & 7, before[4:])
        assert_bound(machine, device, device.msix())
        assert forge(machine, f"msix={name}", *OWN) >= 1
    victim.assert_unharmed()
    victims.finish(machine)


def pending(machine, cpu):
    """The vectors that wait in a CPU's local APIC."""
    line = re.search(r"^IRR\s+(.*?)\r?$", machine.monitor(f"info lapic {cpu}"), re.MULTILINE)[1]
    return {int(number) for number in re.findall(r"\b\d+\b", line)}


@attacking.on(("", 3), ("10", 3))
def test_bare(boot, where, cpus):
    """Without the hypervisor such a message reaches another CPU, and one's own as an NMI."""
    machine = boot(victims.bare(cpus=cpus), where)
    attacking.start(machine)
    for number, (_, how) in enumerate(WAYS.values()):
        vector = OWN_VECTOR + number
        assert vector not in pending(machine, VICTIM_CPU)
        assert forge(machine, how, *message(VICTIM_CPU, vector)) == 0
        assert vector in pending(machine, VICTIM_CPU)
    attacking.send(machine, f"forge-msi=edu,{FORGED['nmi'][0] & ~0xFF000:#x},0x400")
    machine.expect("exception 2, ")
