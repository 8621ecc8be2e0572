#!/usr/bin/python3
"""Runs the host's unit tests as `make coverage-tests` has built them, and tells what they reach.

What counts is each file of the hypervisor that a host test links: those in `// sources:` lines, and the
headers whose functions they use. Each folder must reach what NEEDED says. What is linked but can't be run on
a host stands with its reason in tests/coverage/exceptions.txt. Prints a table, the files that are below,
and those that only system tests run; the pages are build/coverage/html/index.html.
"""

import dataclasses
import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sources

# In per cent, of each folder.
NEEDED = {"lines": 95, "branches": 85}
FOLDERS = ("arch/", "drivers/", "hv/", "iommu/")
BASE = ("hv/base/status.c", "hv/base/format.c", "hv/base/log.c")
BUILD = sources.TOP / "build/coverage"
EXCEPTIONS = sources.TOP / "tests/coverage/exceptions.txt"
TEST_SECONDS = 300


@dataclasses.dataclass
class Counts:
    """How often each line, and each way out of each branch, was taken; the line of each function."""

    lines: Counter = dataclasses.field(default_factory=Counter)
    branches: Counter = dataclasses.field(default_factory=Counter)
    functions: dict = dataclasses.field(default_factory=dict)

    def share(self, what):
        """How many there are, and how many of them were reached."""
        counter = getattr(self, what)
        return len(counter), sum(count > 0 for count in counter.values())


def linked():
    """The hypervisor's sources that host tests link."""
    named = set(BASE)
    for test in (sources.TOP / "tests/host").glob("test_*.c"):
        found = re.findall(r"^// sources:(.*)$", test.read_text(), re.MULTILINE)
        named |= {name for name in " ".join(found).split() if name.startswith(FOLDERS)}
    return sorted(named)


def system_only():
    """The hypervisor's sources that no host test links: hardware's."""
    every = {str(path) for path in sources.find(".c") if str(path).startswith(FOLDERS)}
    return sorted(every - set(linked()))


def folders():
    """The folders that are held to the figures."""
    return sorted({str(Path(name).parent) for name in linked()})


def names():
    """The names of the results that results() gives."""
    return ["coverage: run", "coverage: exceptions"] + [
        f"coverage: {folder}: {what}" for folder in folders() for what in NEEDED
    ]


def run_test(program):
    """None, or why a test did not run as it should. Its messages are those of the build with
    sanitizers, which shows them."""
    try:
        status = subprocess.run(
            [program],
            cwd=sources.TOP,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TEST_SECONDS,
            check=False,
        ).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program.name}: {error}"
    return f"{program.name} ended with {status}" if status else None


def run_tests():
    """Runs all, each once; returns what went wrong, a line each."""
    for old in BUILD.rglob("*.gcda"):
        old.unlink()
    tests = sorted((sources.TOP / "tests/host").glob("test_*.c"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [line for line in pool.map(run_test, [BUILD / test.stem for test in tests]) if line]


def capture():
    """Has lcov gather the counters; what it found, by path from the top."""
    path = BUILD / "all.info"
    command = ["lcov", "--quiet", "--capture", "--rc", "lcov_branch_coverage=1"]
    command += ["--directory", BUILD / "obj", "--base-directory", sources.TOP, "--output-file", path]
    subprocess.run(command, cwd=sources.TOP, stderr=subprocess.DEVNULL, check=True)
    return read_info(path.read_text())


def read_info(text):
    """A tracefile's counters; a header has a record for each source that it is used in."""
    files = {}
    for line in text.splitlines():
        kind, _, value = line.partition(":")
        fields = value.split(",")
        if kind == "SF":
            file = files.setdefault(os.path.relpath(value, sources.TOP), Counts())
        elif kind == "FN":
            file.functions[fields[1]] = int(fields[0])
        elif kind == "DA":
            file.lines[int(fields[0])] += int(fields[1])
        elif kind == "BRDA":
            taken = 0 if fields[3] == "-" else int(fields[3])
            file.branches[tuple(map(int, fields[:3]))] += taken
    return {path: file for path, file in files.items() if path.startswith(FOLDERS)}


def exceptions():
    """Path, function and reason of each."""
    for line in EXCEPTIONS.read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split(" ", 2)


def leave_out(files):
    """Takes the exceptions out of what is counted; returns those that are none, a line each."""
    wrong = []
    for path, function, _ in exceptions():
        file = files.get(path, Counts())
        first = file.functions.get(function)
        if first is None:
            wrong.append(f"{path}: {function} is not there, or not linked")
            continue
        after = min((n for n in file.functions.values() if n > first), default=sys.maxsize)
        own = [n for n in file.lines if first <= n < after]
        if any(file.lines[n] for n in own):
            wrong.append(f"{path}: {function} is run by a host test: no exception")
        for n in own:
            del file.lines[n]
        for branch in [branch for branch in file.branches if first <= branch[0] < after]:
            del file.branches[branch]
    return wrong


def per_cent(total, reached):
    """Of nothing, all is reached."""
    return 100 * reached / total if total else 100


def folder_share(files, folder, what):
    """Of a folder's files: how many there are, and how many of them were reached."""
    shares = [file.share(what) for path, file in files.items() if str(Path(path).parent) == folder]
    return sum(total for total, _ in shares), sum(reached for _, reached in shares)


def numbers_text(numbers):
    """Sorted numbers, runs of them as FIRST-LAST."""
    runs = []
    for n in numbers:
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return " ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)


def below(files, folder=""):
    """The files that are below the figures themselves, with the lines concerned."""
    for path, file in sorted(files.items()):
        if folder not in ("", str(Path(path).parent)):
            continue
        for what, least in NEEDED.items():
            total, reached = file.share(what)
            if per_cent(total, reached) < least:
                counter = getattr(file, what)
                missed = {n if what == "lines" else n[0] for n, count in counter.items() if not count}
                yield (
                    f"  {path}: {per_cent(total, reached):.1f} % of {total} {what};"
                    f" not all of {numbers_text(sorted(missed))}"
                )


def measure():
    """Runs all tests; returns what went wrong, the exceptions that are none, and the counts."""
    failed = run_tests()
    files = capture()
    return failed, leave_out(files), files


def results():
    """For make test: of each of names() None, or why it failed."""
    failed, stale, files = measure()
    yield "coverage: run", "\n".join(failed) or None
    yield "coverage: exceptions", "\n".join(stale) or None
    for folder in folders():
        for what, least in NEEDED.items():
            total, reached = folder_share(files, folder, what)
            good = total and per_cent(total, reached) >= least
            detail = [f"{reached} of {total}: less than {least} %", *below(files, folder)]
            yield f"coverage: {folder}: {what}", None if good else "\n".join(detail)


def report(files):
    """The table, and what is not in it, as lines."""
    yield f"{'':20} {'lines':>16} {'branches':>18}"
    for folder in folders():
        shares = [folder_share(files, folder, what) for what in NEEDED]
        row = "".join(f"{per_cent(*share):9.1f} % of {share[0]:<5}" for share in shares)
        yield f"{folder:20}{row}".rstrip()
    yield "files below " + " or ".join(f"{least} % of {what}" for what, least in NEEDED.items())
    yield from below(files)
    yield "not counted:"
    yield from (f"  {path}: {function}: {reason}" for path, function, reason in exceptions())
    yield "run by system tests only:"
    yield from (f"  {path}" for path in system_only())


def write_info(files, path):
    """What is counted, as a tracefile for genhtml."""
    lines = []
    for name, file in sorted(files.items()):
        lines.append(f"SF:{sources.TOP / name}")
        for (line, block, branch), count in sorted(file.branches.items()):
            lines.append(f"BRDA:{line},{block},{branch},{count if file.lines[line] else '-'}")
        lines += [f"DA:{line},{count}" for line, count in sorted(file.lines.items())]
        lines.append("end_of_record")
    path.write_text("\n".join(lines) + "\n")


def write_pages(files):
    """The pages, for a browser."""
    path = BUILD / "counted.info"
    write_info(files, path)
    command = ["genhtml", "--quiet", "--branch-coverage", "--no-function-coverage"]
    command += ["--prefix", sources.TOP, "--title", "Sluice: host tests"]
    subprocess.run([*command, "--output-directory", BUILD / "html", path], check=True)


def main():
    """The command line's way in."""
    failed, stale, files = measure()
    write_pages(files)
    text = "\n".join(report(files))
    (BUILD / "report.txt").write_text(text + "\n")
    print(text)
    print(f"pages: {(BUILD / 'html/index.html').relative_to(sources.TOP)}")
    low = [
        f"too low: {folder}: {what}"
        for folder in folders()
        for what, least in NEEDED.items()
        if per_cent(*folder_share(files, folder, what)) < least
    ]
    sys.exit("\n".join(failed + stale + low) or 0)


if __name__ == "__main__":
    main()
