#!/usr/bin/python3
"""Checks that the tests which docs/ names, as `test_file.function`, are there."""

import re
import sys

import sources

FOLDERS = ("tests/host", "tests/system", "tests/corpus")
NAMED = re.compile(r"`(test_\w+)\.(\w+)`")
FUNCTION = re.compile(r"^(?:static void|def) (\w+)\(", re.MULTILINE)


def functions(name):
    """The functions of a file of tests; none if there is no such file."""
    found = set()
    for folder in FOLDERS:
        for suffix in (".c", ".py"):
            path = sources.TOP / folder / (name + suffix)
            if path.exists():
                found |= set(FUNCTION.findall(path.read_text()))
    return found


def complaints():
    """All that is wrong, a line each."""
    wrong = []
    for path in sorted((sources.TOP / "docs").glob("*.md")):
        tests = NAMED.findall(path.read_text())
        if not tests and path.name == "security.md":
            wrong.append(f"docs/{path.name}: names no test")
        for name, function in tests:
            if function not in functions(name):
                wrong.append(f"docs/{path.name}: there is no test {name}.{function}")
    return wrong


if __name__ == "__main__":
    sys.exit("\n".join(complaints()) or 0)
