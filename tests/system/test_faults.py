"""A device in a fault storm: its neighbours go on."""

import attacking
import frames
import pytest
from attacking import EDU, EDU_SLOT, PROGRAM, command
from test_ping import GUEST, NEAR, REPLY_SECONDS, Connected, Wire, make_wire_folder  # noqa: F401
from test_vms import GUEST as SHIPPED

STORM = 30
NIC = "pci=00:02.0"


def ping(wire, number):
    """One ping of the neighbour, which is to be answered."""
    content = 7, number, bytes([number])
    wire.send(frames.echo(8, NEAR, GUEST, *content))
    reply = wire.receive(REPLY_SECONDS)
    assert reply and frames.same(reply, frames.echo(0, GUEST, NEAR, *content))


@pytest.mark.parametrize("where", ["", "11"], ids=["system", "11"])
def test_neighbour(boot, wire_folder, where):
    """One VM's device is cut off while another VM's answers, as it does before and after."""
    serve = f"ip=10.7.0.2/24 gw=10.7.0.1 ping=none serve={2 * STORM} timeout=200"
    wire = Wire(wire_folder)
    machine = boot(
        Connected(
            "",
            "",
            nic="e1000",
            nic_at="addr=2",
            devices=(EDU,),
            cpus=3,
            vm=f"mem=64M pci=00:{EDU_SLOT:02x}.0",
            program=PROGRAM,
            guest="console",
            file=False,
            modules=((SHIPPED, f"vm=second mem=32M {NIC} -- {serve}"),),
            folder=str(wire_folder),
        ),
        where,
    )
    machine.expect(r"\bready$")
    wire.meet(machine)
    pool = attacking.hypervisor_ranges(machine)[1]
    for number in range(STORM):
        command(machine, f"to={pool.start:#x}")
        ping(wire, number)
    assert machine.serial().count("vm0: 00:05.0: cut off after 10 faults: ") == 1
    assert "master: off" in command(machine, "master")
    for number in range(STORM, 2 * STORM):
        ping(wire, number)
    machine.send("\n")
    assert machine.wait_exit() == 0
    log = machine.serial()
    assert "second: ended with code 0" in log
    assert "second: DMA faults 0" in log
    assert "vm0: DMA faults 10" in log
