#!/usr/bin/python3
"""Tests the tests: breaks the VT-d driver in one place at a time and sees that a host test fails.

tests/mutations/vtd.txt lists what is broken, each with the test that is to notice. A copy of the
broken file is compiled and linked with the objects of `make host`, so the tree stays as it is. T=NAME
only those whose file or reason contains it; ALL=1 runs all tests on each and tells which fail.

Exit status 0: each was noticed by its test; one that says "nobody" in its place, and why it can't be
noticed, by none. A text that is not in its file exactly once is an error, and so
is a change that does not compile: the table may not rot.
"""

import dataclasses
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TABLE = TOP / "tests/mutations/vtd.txt"
SCRATCH = TOP / "build/mutations"
OBJECTS = TOP / "build/host/obj"
BASE = ["hv/base/status.c", "hv/base/format.c", "hv/base/log.c", "tests/host/harness.c"]
# An endless loop is noticed too. No test needs more than a few seconds of a CPU.
TEST_CPU_SECONDS = 15
# All that are linked with the driver or with the parser below it.
TESTS = sorted(
    path.stem
    for kind in ("vtd_*", "vm_views", "vm_shared", "scope", "dmar*")
    for path in (TOP / "tests/host").glob(f"test_{kind}.c")
)


@dataclasses.dataclass
class Mutation:
    """One break: the text `old` of the file becomes `new`."""

    file: str
    test: str
    why: str
    old: str
    new: str


class Broken(Exception):
    """A row of the table that can't be tried."""


def read_table():
    """All breaks."""
    for part in TABLE.read_text().split("\n== ")[2:]:
        head, why, *lines = part.rstrip("\n").split("\n")
        old = "".join(line[1:] + "\n" for line in lines if line[0] in " -")
        new = "".join(line[1:] + "\n" for line in lines if line[0] in " +")
        yield Mutation(*head.split(), why, old, new)


def sources_of(test):
    """What a test is linked from."""
    path = f"tests/host/{test}.c"
    named = re.findall(r"^// sources:(.*)$", (TOP / path).read_text(), re.MULTILINE)
    return sorted({path, *BASE, *" ".join(named).split()})


def compiler():
    """The compiler and flags of `make host`."""
    return (OBJECTS / "flags").read_text().split()


def limit():
    """For a child: so much time of a CPU, however many others there are."""
    resource.setrlimit(resource.RLIMIT_CPU, (TEST_CPU_SECONDS, TEST_CPU_SECONDS))


def call(command, before=None):
    """Runs a command from the top; returns its exit status and output."""
    result = subprocess.run(
        command,
        cwd=TOP,
        preexec_fn=before,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return result.returncode, result.stdout


def build(command):
    """Runs a compiler, which has to succeed."""
    status, output = call(command)
    if status:
        raise Broken("it does not compile:\n" + output)


def apply(mutation, folder):
    """Puts the broken copy into the folder, at its path in the tree."""
    text = (TOP / mutation.file).read_text()
    count = ("\n" + text).count("\n" + mutation.old)
    if count != 1:
        raise Broken(f"the text to be replaced is there {count} times")
    path = folder / mutation.file
    path.parent.mkdir(parents=True)
    path.write_text(("\n" + text).replace("\n" + mutation.old, "\n" + mutation.new)[1:])


def includes(source, file):
    """True if a test's stand-in for the file includes it."""
    return source.startswith("tests/") and f'#include "{file}"' in (TOP / source).read_text()


def compile_broken(mutation, folder, sources):
    """The objects that differ, by source: of the broken file and what stands in for it, or of the driver if
    it is a header."""
    if mutation.file.endswith(".c"):
        changed = [mutation.file, *(path for path in sources if includes(path, mutation.file))]
    else:
        changed = [source for source in sources if source.startswith("iommu/vtd/")]
    objects = {}
    for source in changed:
        objects[source] = folder / (source.replace("/", "-") + ".o")
        path = folder / source
        path = path if path.exists() else source
        flags = [flag for flag in compiler() if flag != "-Werror"]
        build([flags[0], f"-I{folder}", *flags[1:], "-c", path, "-o", objects[source]])
    return objects


def notices(test, objects, folder):
    """True if the test, linked with these objects, fails."""
    sources = sources_of(test)
    if not set(objects) & set(sources):
        return False
    linked = [objects.get(source) or OBJECTS / source.replace(".c", ".o") for source in sources]
    program = folder / test
    build([*compiler(), *linked, "-lcmocka", "-o", program])
    return call([program], limit)[0] != 0


def try_one(number, mutation):
    """The tests that noticed, the one that is named first."""
    folder = SCRATCH / str(number)
    shutil.rmtree(folder, ignore_errors=True)
    apply(mutation, folder)
    every = sorted({source for test in TESTS for source in sources_of(test)})
    objects = compile_broken(mutation, folder, every)
    noticed = []
    first = [test for test in TESTS if test == mutation.test]
    for test in first + [test for test in TESTS if test not in first]:
        if notices(test, objects, folder):
            noticed.append(test)
        if noticed and "ALL" not in os.environ:
            break
    shutil.rmtree(folder)
    return noticed


def judge(number, mutation):
    """What came of one: "as said", or something worse; and by whom it was noticed, or what is wrong with it."""
    try:
        noticed = try_one(number, mutation)
    except Broken as error:
        return "ERROR", str(error)
    good = mutation.test in (noticed or ["nobody"])
    outcome = "as said" if good else "elsewhere" if noticed else "SURVIVED"
    return outcome, "Noticed by: " + (", ".join(noticed) or "nobody")


def report(number, mutation):
    """Tells what came of one; whether that is what is said."""
    outcome, detail = judge(number, mutation)
    print(f"{outcome:9} {mutation.file}: {mutation.why} {detail}", flush=True)
    return outcome == "as said"


def main():
    """The command line's way in."""
    named = os.environ.get("T", "")
    rows = [row for row in read_table() if named in row.file or named in row.why]
    start = time.monotonic()
    programs = [f"build/host/{test}" for test in TESTS]
    status, output = call(["make", "--no-print-directory", f"-j{os.cpu_count()}", *programs])
    if status:
        sys.exit(output)
    for test, program in zip(TESTS, programs):
        if call([program], limit)[0]:
            sys.exit(f"{test} fails with nothing broken")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        good = list(pool.map(report, range(len(rows)), rows))
    print(f"{sum(good)} of {len(good)} as said, {time.monotonic() - start:.0f} s")
    sys.exit(not good or not all(good))


if __name__ == "__main__":
    main()
