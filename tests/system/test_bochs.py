"""What Bochs alone has to show, without a look at the machine's memory; tests that run on all emulators
are where their subject is."""

import dataclasses
import re

import pytest

import attacking
import payload
from attacking import command
from scenarios import MODELS, Scenario

GUEST_FOUND_NO_NIC = 1
PORT_WORDS = "ports port-writes port-strings"
CONSOLE_EXITS = 5000  # for what the guest says of them

# What ends a bare machine on Bochs: reset, ACPI's sleep state 5, and the shutdown port, byte by byte.
DEADLY = (
    "out=0xcf9,6,1",
    "out=0x64,0xfe,1",
    "out=0x92,1,1",
    "out=0xb004,0x2000,2",
    *(f"out=0x8900,{byte:#x},1" for byte in b"Shutdown"),
)


@pytest.mark.parametrize("model, cpus", attacking.ON_BOCHS)
def test_boot(boot, digest, model, cpus):
    """With what every run on Bochs has, iommu=unsafe-identity, the shipped guest does its whole work."""
    machine = boot(Scenario("", "", cpus=cpus), model)
    assert machine.wait_exit() == 0
    said = "\n".join(machine.said())
    assert "dhcp: 10.0.2.15/24, gateway 10.0.2.2" in said
    assert "ping: 10.0.2.2: 3 sent, 3 answered" in said
    assert f"tftp: {payload.NAME}: {payload.SIZE} bytes, sha256 {digest}, verified" in said
    assert "result: ok" in said


@pytest.mark.parametrize("model, cpus", attacking.ON_BOCHS)
def test_no_iommu(boot, model, cpus):
    """Without an IOMMU, and that word, the NIC is no VM's: the guest runs, and does not find any."""
    machine = boot(Scenario("", "", cpus=cpus, hypervisor="iommu="), model)
    assert machine.wait_exit() == GUEST_FOUND_NO_NIC
    machine.expect("no usable IOMMU")
    machine.expect("starts without a NIC: there is no usable IOMMU")
    machine.expect(r"vm0\| result: FAILED: no e1000")
    assert "PANIC" not in machine.serial()


@pytest.mark.parametrize("model, cpus", attacking.ON_BOCHS)
def test_ports(boot, model, cpus):
    """No port answers but the VM's own, and none ends the machine."""
    machine = boot_attacker(boot, model, cpus)
    assert re.findall(r"(\d+) answered", command(machine, "ports")) == ["0"] * 3
    for line in DEADLY:
        command(machine, line)
    finish(machine)


@pytest.mark.parametrize("model", MODELS)
def test_port_exits(boot, model):
    """Writes to all ports, and string instructions, do nothing, and cost an exit each."""
    machine = boot(dataclasses.replace(attacking.DEVICELESS, cpus=1, guest=PORT_WORDS), model)
    assert machine.wait_exit() == 0
    assert not re.search(r"[1-9]\d* answered", machine.serial())
    told = "\n".join(machine.said())
    single = sum(map(int, re.findall(r"ports: (\d+) (?:read|written)", told)))
    strings = sum(map(int, re.findall(r"ports: (\d+) by strings", told)))
    exits = int(machine.expect(r"vm0: exits .*port (\d+)")[1])
    assert single > 200000 and strings > 5000
    assert exits < single + 2 * strings + CONSOLE_EXITS


@pytest.mark.parametrize("model, cpus", attacking.ON_BOCHS)
def test_memory(boot, model, cpus):
    """Memory that is not the VM's reads as all ones, and can't be changed."""
    machine = boot_attacker(boot, model, cpus)
    image, pool = attacking.hypervisor_ranges(machine)
    assert 32 << 20 <= image.start < pool.start
    for address in (image.start, pool.start, pool.end - 4096, 32 << 20):
        command(machine, f"poke={address:#x},0x12345678")
        assert f"peek: {address:#x}: 0xffffffff" in command(machine, f"peek={address:#x}")
    finish(machine)


@pytest.mark.parametrize("model", MODELS)
def test_two_vms(boot, model):
    """Each on a CPU of its own, beside the one that is kept back."""
    second = (str(attacking.PROGRAM), "vm=second mem=32M pci=none --")
    machine = boot(
        dataclasses.replace(
            attacking.DEVICELESS, cpus=3, memory="128M", guest="ports", modules=(second,)
        ),
        model,
    )
    assert machine.wait_exit() == 0
    for name in ("vm0", "second"):
        assert f"{name}| result: ok" in machine.serial()
        assert f"{name}: ended with code 0" in machine.serial()


def boot_attacker(boot, model, cpus):
    """A machine whose guest takes commands."""
    machine = boot(dataclasses.replace(attacking.DEVICELESS, cpus=cpus), model)
    attacking.start(machine)
    return machine


def finish(machine):
    """Ends the guest; it and the hypervisor are to end as if nothing had happened."""
    machine.send("\n")
    assert machine.wait_exit() == 0
    assert "PANIC" not in machine.serial()
