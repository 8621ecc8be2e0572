"""DMA to another VM: to its memory and to its devices' registers, by each kind of device; and to the addresses
of interrupts. What is looked at are the victim's memory and registers, the wire, and who was interrupted."""

import hashlib
import re

import pytest

import attacking
import victims
from attacking import command
from registers import Device, remappable, word
from test_ping import Wire, make_wire_folder  # noqa: F401
from victims import EDU_BDF, NIC_BDF, NVME_BDF, PAGE, Attacks, Victim, ping

SECRET = victims.FIELD_SIGN.to_bytes(8, "little")[4:]  # all over the victim's field
ZEROS = hashlib.sha256(bytes(1024)).hexdigest()


@pytest.mark.parametrize("nic, where", [("e1000", ""), ("e1000e", ""), ("e1000e", "10")])
def test_victim(boot, wire_folder, nic, where):  # noqa: F811
    """No device of one VM reaches another VM's memory or registers, to write or to read; a third one's traffic
    goes on meanwhile."""
    wire = Wire(wire_folder)
    machine = boot(victims.scenario(nic, wire_folder, pings=100), where)
    victim = Victim(machine)
    wire.meet(machine)
    attacks = Attacks(machine)
    page, last = victim.field, victim.start + (victims.VICTIM_MIB << 20) - PAGE
    registers, table = victim.edu.bar(0), victim.table & ~(PAGE - 1)
    number = 0

    assert hashlib.sha256(attacking.pattern()).hexdigest() in command(machine, "own")
    for write, target in ((True, page), (True, last), (True, registers), (True, table)):
        attacks.refused(f"to={target:#x}", EDU_BDF, write, target)
        ping(wire, number := number + 1)
    for target in (page, registers):
        assert ZEROS in attacks.refused(f"from={target:#x}", EDU_BDF, False, target)
        ping(wire, number := number + 1)

    assert "status 0x0" in command(machine, "nvme-to=0x800000")
    for target in (page, last, registers, table):
        attacks.refused(f"nvme-to={target:#x}", NVME_BDF, True, target)
        ping(wire, number := number + 1)
    said = attacks.refused(f"nvme-from={page:#x}", NVME_BDF, False, page)
    time = int(re.search(r"nvme: status \w+, time (\w+)", said)[1], 16)
    assert time != victims.FIELD_SIGN & (1 << 48) - 1

    assert "nic: a frame of" in command(machine, "nic-to=0x800000")
    for target in (page, registers, table):
        attacks.refused(f"nic-to={target:#x}", NIC_BDF, True, target)
        ping(wire, number := number + 1)
    attacks.refused(f"nic-from={page:#x}", NIC_BDF, False, page)
    attacks.refused(f"nic-rings={last:#x}", NIC_BDF, False, last)
    ping(wire, number := number + 1)

    assert SECRET not in machine.pcap().read_bytes()
    assert {fault.requester for fault in attacking.traced_faults(machine)} == {EDU_BDF, NVME_BDF, NIC_BDF}
    assert "cut off" not in machine.serial()
    victim.assert_unharmed()
    victims.finish(machine)


def test_bare(boot):
    """Without the hypervisor all of that does its harm."""
    machine = boot(victims.bare())
    attacking.start(machine)
    edu, nvme = Device(machine, victims.VICTIM_EDU), Device(machine, victims.VICTIM_NVME)
    command(machine, "fill")
    command(machine, "own")  # maps registers
    content = machine.read_memory(victims.FIELD, 1024)
    assert hashlib.sha256(content).hexdigest() in command(machine, f"from={victims.FIELD:#x}")
    said = command(machine, f"nvme-from={victims.FIELD:#x}")
    assert f"time {victims.FIELD_SIGN & (1 << 48) - 1 :#x}"[:-3] in said
    command(machine, f"nic-from={victims.FIELD:#x}")
    machine.wait_for(lambda: SECRET in machine.pcap().read_bytes(), "the secret on the wire")

    command(machine, f"msi={edu.bar(0) + 4:#x},0x12345678")
    assert word(machine.read_memory(edu.bar(0) + 4, 4), 0) == ~0x12345678 & 0xFFFFFFFF
    table, size = nvme.msix_table()
    before = machine.read_memory(table, size)
    command(machine, f"nvme-to={table & ~(PAGE - 1):#x}")
    assert machine.read_memory(table, size) != before
    command(machine, f"to={victims.FIELD:#x}")
    assert machine.read_memory(victims.FIELD, 1024) == attacking.pattern()

    assert "heard: 0 interrupts" in command(machine, "heard")
    command(machine, "msi=0xfee00000,0x41")
    assert "heard: 1 interrupts" in command(machine, "heard")


# Entries that are nobody's; the table ends before the last.
INTERRUPTS = {
    "edu": [f"msi={remappable(200):#x},0x41", f"msi={remappable(0xFFFF):#x},0x41"],
    "nvme": [f"nvme-time={remappable(210):#x}"],
    "nic": [f"nic-ring={remappable(220):#x}"],
}
NOT_PRESENT, BEYOND = "the interrupt entry is not present", "interrupt index beyond the table"


@pytest.mark.parametrize("nic, where", [("e1000", ""), ("e1000e", "10")])
def test_interrupt_addresses(boot, nic, where):
    """What a device writes to the addresses of interrupts, in the format of the IOMMU, interrupts nobody; it is
    told where QEMU records it. Reads there give nothing. (Writes in the old format QEMU lets through.)"""
    machine = boot(victims.scenario(nic), where)
    victim = Victim(machine)
    line = r"iommu: fault: unit 0, ff:1f.7 .*interrupt through entry (\w+): (.*)\n"
    told = 0
    for device, lines in INTERRUPTS.items():
        for attack in lines:
            command(machine, attack)
            if not where:
                continue
            new = machine.wait_for(lambda n=told: re.findall(line, machine.serial())[n:], attack)
            for entry, reason in new:
                assert reason == (NOT_PRESENT if int(entry, 16) < 4096 else BEYOND), device
            told += len(new)
    assert ZEROS in command(machine, "from=0xfee00000")
    assert "heard: 0 interrupts" in command(machine, "heard")
    victim.assert_unharmed()
    victims.finish(machine)
