#!/usr/bin/python3
"""Checks that files and functions are short enough to be read at a sitting."""

import re
import sys

import sources

FILE_WARN = 400
FILE_MOST = 450
FUNCTION_MOST = 60


def functions(lines):
    """Name, first line and length of each function: its braces stand in the first column."""
    name, start = "", 0
    for number, line in enumerate(lines, 1):
        match = re.match(r"[A-Za-z_].*?(\w+)\(", line)
        if match:
            name = match[1]
        if line == "{":
            start = number
        elif line == "}" and start:
            yield name, start, number - start + 1
            start = 0


def check():
    """Two lists of lines: what is wrong, and what will be soon."""
    wrong, soon = [], []
    for path in sources.find(".c", ".h", ".asm", ".inc", ".py", ".sh"):
        lines = sources.lines(path)
        if len(lines) > FILE_MOST:
            wrong.append(f"{path}: {len(lines)} lines; {FILE_MOST} is the most")
        elif len(lines) > FILE_WARN:
            soon.append(f"{path}: {len(lines)} lines; more than {FILE_WARN}")
        if path.suffix != ".c":
            continue
        for name, start, length in functions(lines):
            if length > FUNCTION_MOST:
                wrong.append(
                    f"{path}:{start}: {name} has {length} lines; {FUNCTION_MOST} is the most"
                )
    return wrong, soon


def complaints():
    """All that is wrong, a line each."""
    return check()[0]


def main():
    """The command line's way in."""
    wrong, soon = check()
    print("\n".join(f"warning: {line}" for line in soon), end="\n" if soon else "")
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
