#!/usr/bin/python3
"""Runs all checks of the sources; says what is wrong and fails if anything is."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import check_docs
import check_includes
import check_sizes
import sources

C_FLAGS = ["-std=gnu2x", "-ffreestanding", "-I."]

# What is not checked for, each with its reason.
CPPCHECK_SUPPRESSIONS = [
    "missingIncludeSystem",  # the compiler's own headers are not looked at
    "unusedStructMember",  # layouts of hardware and firmware have fields that nobody reads
    "comparePointers",  # the marks of linker.ld and of NASM sources are compared on purpose
    "subtractPointers",
    "unmatchedSuppression",  # a suppression may outlive its last case
]


def tool(command):
    """Runs a tool from the top; its output, a line each, if it fails."""
    result = subprocess.run(
        command, cwd=sources.TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if result.returncode == 0:
        return []
    return result.stdout.splitlines() or [f"{command[0]} failed with {result.returncode}"]


def findings(lines):
    """Of clang's output the lines that name a place and what is wrong there. An empty list for a
    failure would hide it, so all is shown where no line is such."""
    return [line for line in lines if ": error: " in line or ": warning: " in line] or lines


def c_sources(*not_in):
    """The C files, save those in some folders."""
    return [str(path) for path in sources.find(".c") if not str(path).startswith(not_in)]


def clang_format():
    """The layout of the C sources is what .clang-format says."""
    files = [str(path) for path in sources.find(".c", ".h")]
    return findings(tool(["clang-format", "--dry-run", "--Werror", *files])) if files else []


def clang_tidy_one(path):
    """clang-tidy's complaints about a file and the headers it includes."""
    return findings(tool(["clang-tidy", "--quiet", path, "--", *C_FLAGS]))


def clang_tidy():
    """What clang-tidy finds, with the checks that .clang-tidy lists."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(clang_tidy_one, c_sources("tests/")), [])


def cppcheck():
    """What cppcheck finds."""
    files = c_sources("tests/")
    if not files:
        return []
    suppress = [f"--suppress={name}" for name in CPPCHECK_SUPPRESSIONS]
    return tool(
        ["cppcheck", "--quiet", "--enable=warning,performance,portability", "--inline-suppr"]
        + ["--error-exitcode=1", f"-j{os.cpu_count()}", "-I.", *suppress, *files]
    )


def shellcheck():
    """What shellcheck finds."""
    scripts = [str(path) for path in sources.find(".sh")] + [".ci/run"]
    return tool(["shellcheck", *scripts])


CHECKS = {
    "docs": check_docs.complaints,
    "includes": check_includes.complaints,
    "sizes": check_sizes.complaints,
    "clang-format": clang_format,
    "clang-tidy": clang_tidy,
    "cppcheck": cppcheck,
    "shellcheck": shellcheck,
}


def main():
    """The command line's way in: all checks, or those named."""
    failed = False
    for name in sys.argv[1:] or CHECKS:
        start = time.monotonic()
        complaints = CHECKS[name]()
        failed |= bool(complaints)
        print(f"{'FAIL' if complaints else 'ok':4} {name} ({time.monotonic() - start:.1f} s)")
        for line in complaints:
            print(f"     {line}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
