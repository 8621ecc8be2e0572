"""The tree's own source files, as the checks see them."""

from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
FOLDERS = ("arch", "drivers", "guest", "hv", "iommu", "tests", "tools")


def find(*suffixes):
    """All source files with these suffixes, as paths from the top, sorted."""
    return sorted(
        path.relative_to(TOP)
        for folder in FOLDERS
        for path in (TOP / folder).rglob("*")
        if path.suffix in suffixes and path.is_file()
    )


def lines(path):
    """A file's lines."""
    return (TOP / path).read_text().splitlines()
