"""Both NICs, with every kind of interrupt that they have."""

from scenarios import verify

TOPICS = ("nic",)


def test_nic(boot, scenario):
    """The shipped guest does its work."""
    verify(boot(scenario), scenario)
