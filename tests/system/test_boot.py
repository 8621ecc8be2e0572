"""Both firmwares, one CPU and more."""

from scenarios import verify

TOPICS = ("boot",)


def test_boot(boot, scenario):
    """The shipped guest does its work."""
    verify(boot(scenario), scenario)
