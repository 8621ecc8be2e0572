"""The same guest without the hypervisor: what it says there is what it has to say under it."""

from scenarios import verify

TOPICS = ("bare",)


def test_bare_guest(boot, scenario):
    """The shipped guest does its work on the bare machine."""
    verify(boot(scenario), scenario)
