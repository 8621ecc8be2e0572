"""What an IOMMU can be like."""

from scenarios import verify

TOPICS = ("iommu",)


def test_iommu(boot, scenario):
    """The shipped guest does its work."""
    verify(boot(scenario), scenario)
