"""Memory above 4 GiB, of the machine and of the VM, and little memory."""

from scenarios import verify

TOPICS = ("memory",)


def test_memory(boot, scenario):
    """The shipped guest does its work."""
    verify(boot(scenario), scenario)
