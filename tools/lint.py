#!/usr/bin/python3
"""Runs all checks of the sources; says what is wrong and fails if anything is."""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import check_docs
import check_includes
import check_sizes
import sources

C_FLAGS = ["-std=gnu2x", "-ffreestanding", "-I."]

# What cppcheck may say: file, check and reason. One that it does not say any more is a complaint. Of gcc's
# analyzer nothing is excepted; what clang-tidy is not asked for stands in .clang-tidy.
CPPCHECK_EXCEPTIONS = [
    ("arch/x86/smp.c", "comparePointers", "both ends of the trampoline are marks of its source"),
    ("hv/machine.c", "comparePointers", "both ends of the image are marks of linker.ld"),
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


def gcc_analyzer_one(path):
    """gcc's complaints about the ways through a file."""
    flags = ["-O2", "-Werror", "-fanalyzer", "-fanalyzer-verbosity=0", "-fno-diagnostics-show-caret"]
    return findings(tool(["gcc", *C_FLAGS, *flags, "-c", path, "-o", "/dev/null"]))


def gcc_analyzer():
    """What gcc -fanalyzer finds in all that runs without a C library: the hypervisor and the guests.
    Nothing is excepted."""
    hosted = [f"tests/{folder}/" for folder in ("coverage", "fake", "fuzz", "host", "proof")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(pool.map(gcc_analyzer_one, c_sources("tools/", *hosted)), [])


def cppcheck():
    """What cppcheck finds."""
    said = tool(
        ["cppcheck", "--quiet", "--enable=warning,performance,portability", "--error-exitcode=1"]
        + ["--template={file}:{line}: {message} [{id}]", f"-j{os.cpu_count()}", "-I."]
        + c_sources("tests/")
    )
    excepted = [re.compile(rf"{file}:\d+: .*\[{check}\]") for file, check, _ in CPPCHECK_EXCEPTIONS]
    return [line for line in said if not any(pattern.fullmatch(line) for pattern in excepted)] + [
        f"{file}: {check} is excepted and not there"
        for pattern, (file, check, _) in zip(excepted, CPPCHECK_EXCEPTIONS)
        if not any(pattern.fullmatch(line) for line in said)
    ]


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
    "gcc-analyzer": gcc_analyzer,
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
