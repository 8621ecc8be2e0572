"""The NIC in several slots and behind bridges: its requester ID and its interrupt line differ."""

from scenarios import verify

TOPICS = ("topology", "bridges")


def test_topology(boot, scenario):
    """The shipped guest does its work."""
    verify(boot(scenario), scenario)
