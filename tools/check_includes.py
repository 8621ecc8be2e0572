#!/usr/bin/python3
"""Checks that every file includes downwards only, and that header guards are as they should be.

The house has five floors. A file includes what lies on lower floors; on its own floor it includes
its own folder, and a folder inside another includes that other one. Paths are from the top.
"""

import re
import sys

import sources

# The floor of each folder; a folder that isn't listed is on its parent's floor.
FLOORS = {
    "hv/base": 1,
    # The second floor is a landing of three steps.
    "arch/x86": 2.1,
    "drivers": 2.2,
    "hv/platform": 2.3,
    "iommu": 3,
    "arch/x86/svm": 3,
    "arch/x86/vmx": 3,
    "hv/vm": 4,
    "hv/monitor": 4,
    "hv": 5,
}

# The guest stands alone, but for these headers, which are pure.
GUEST_MAY_USE = {f"hv/base/{name}.h" for name in ("types", "bits", "bytes", "format", "string")}

# Tests and tools of the host may include whatever they test or use.
EXEMPT = ("tests/", "tools/")

INCLUDE = re.compile(r'\s*[#%]\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
# Headers that the compiler brings along, good without a C library.
FREESTANDING = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdnoreturn.h", "limits.h"}


def floor(path):
    """The floor that a path from the top is on; None for one outside the house."""
    folder = path
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        if folder in FLOORS:
            return FLOORS[folder]
    return None


def forbidden(path, target):
    """Why `path` may not include `target`; None if it may."""
    if not (sources.TOP / target).is_file():
        return "no such file; paths are from the top"
    if path.startswith("guest/"):
        if target.startswith("guest/") or target in GUEST_MAY_USE:
            return None
        return "the guest stands alone"
    here, there = floor(path), floor(target)
    if here is None or there is None:
        return "one of the two is on no floor"
    if there > here:
        return f"floor {there} is above floor {here}"
    folder = target.rpartition("/")[0]
    if there == here and not path.startswith(folder + "/"):
        return f"both are on floor {here}, in folders of their own"
    return None


def guard_complaint(path, text):
    """Why a header's guard is wrong; None if it is right."""
    guard = re.sub(r"[^A-Z0-9]", "_", path.upper())
    if re.search(rf"^#ifndef {guard}\n#define {guard}$", text, re.MULTILINE):
        return None
    return f"{path}: the header guard is not {guard}"


def complaints():
    """All that is wrong, a line each."""
    found = []
    for source in sources.find(".c", ".h", ".asm", ".inc"):
        path = str(source)
        lines = sources.lines(source)
        if path.endswith(".h"):
            found.append(guard_complaint(path, "\n".join(lines)))
        if path.startswith(EXEMPT):
            continue
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            if match[2]:
                reason = None if match[2] in FREESTANDING else "there is no C library here"
            else:
                reason = forbidden(path, match[1])
            if reason:
                found.append(f"{path}:{number}: includes {match[1] or match[2]}: {reason}")
    return [complaint for complaint in found if complaint]


if __name__ == "__main__":
    sys.exit("\n".join(complaints()) or 0)
