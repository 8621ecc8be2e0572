"""Memory above 4 GiB, of the machine and of the VM, and little memory; many CPUs."""

from scenarios import verify

TOPICS = ("memory", "size")


def test_memory(boot, scenario):
    """The shipped guest does its work."""
    verify(boot(scenario), scenario)
