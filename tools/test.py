#!/usr/bin/python3
"""Runs all tests: builds with both compilers, lint, the host's unit tests, what they reach and what they notice,
proofs, fuzzing, systems in emulators.

With T=NAME in the environment only those whose name contains NAME. The last line is
`N passed, N failed`; what was skipped and what failed is listed by name above it.
"""

import dataclasses
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import coverage
import fuzz
import lint
import mutate
import proof

TOP = Path(__file__).resolve().parent.parent
CPUS = os.cpu_count() or 2
RESULTS = TOP / "build/tests"
SUMMARY = TOP / "build/tests/summary"
HOST_TEST_SECONDS = 300
SLOWEST = 8


@dataclasses.dataclass
class Result:
    """How one test ended: passed, failed or skipped; `detail` tells why it did not pass."""

    name: str
    outcome: str
    seconds: float = 0
    detail: str = ""


def make(*arguments):
    """Runs make, its jobs its own; returns whether it went well."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")
    }
    sys.stdout.flush()
    command = ["make", "--no-print-directory", f"-j{CPUS}", "--keep-going", *arguments]
    return subprocess.run(command, cwd=TOP, env=environment, check=False).returncode == 0


def timed(name, function):
    """The result of a function that returns None, or why it failed."""
    start = time.monotonic()
    detail = function()
    outcome = "passed" if detail is None else "failed"
    return Result(name, outcome, time.monotonic() - start, detail or "")


def run_build(name, *arguments):
    """The result of a build; its messages go to the terminal as they come."""
    return timed(name, lambda: None if make(*arguments) else "see above")


def run_lint(name):
    """The result of one check of the sources."""
    return timed(f"lint: {name}", lambda: "\n".join(lint.CHECKS[name]()) or None)


def read_tap(program, output):
    """The results in a cmocka program's output."""
    for line in output.splitlines():
        match = re.match(r"(not )?ok \d+( # SKIP| -) (\S+)", line)
        if match:
            outcome = "failed" if match[1] else "passed"
            if "SKIP" in match[2]:
                outcome = "skipped"
            yield Result(f"host: {program}: {match[3]}", outcome)


def run_host(program):
    """The results of one cmocka program, which has failed as a whole if it dies or says too little.
    Its time and its output go with one of them, as it does not tell them apart."""
    start = time.monotonic()
    try:
        run = subprocess.run(
            [program],
            cwd=TOP,
            env=os.environ | {"CMOCKA_MESSAGE_OUTPUT": "TAP"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=HOST_TEST_SECONDS,
            check=False,
        )
        output, status = run.stdout, run.returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        output, status = str(error), 1
    results = list(read_tap(program.name, output))
    failed = [result for result in results if result.outcome == "failed"]
    planned = sum(map(int, re.findall(r"^1\.\.(\d+)", output, re.MULTILINE)))
    if len(results) != planned or not planned or (status and not failed):
        failed.append(Result(f"host: {program.name}", "failed"))
        results.append(failed[-1])
    results[0].seconds = time.monotonic() - start
    if failed:
        failed[0].detail = output
    return results


def run_coverage(named):
    """What the host's tests reach, built and run once more for all of them."""
    if not any(named in name for name in coverage.names()):
        return []
    results = [run_build("build: coverage", "coverage-tests")]
    start = time.monotonic()
    for name, detail in coverage.results():
        results.append(Result(name, "failed" if detail else "passed", 0, detail or ""))
    results[1].seconds = time.monotonic() - start
    return results


def run_fuzz(name):
    """The result of a harness's few runs."""
    return timed(f"fuzz: {name}", lambda: fuzz.quick(name))


def run_all_fuzz(pool, named):
    """The results of all harnesses whose name fits, and of their build."""
    names = [name for name in fuzz.names() if named in f"fuzz: {name}"]
    if not names:
        return []
    return [run_build("build: fuzzers", "fuzzers"), *pool.map(run_fuzz, names)]


def run_proof(name):
    """The result of a proof harness, all its cases."""
    return timed(f"proof: {name}", lambda: proof.run(name))


def run_all_proofs(pool, named):
    """The results of all proof harnesses whose name fits, and of their build."""
    names = [name for name in proof.names() if named in f"proof: {name}"]
    if not names:
        return []
    return [run_build("build: proofs", "proofs"), *pool.map(run_proof, names)]


def run_mutation(number, row, name):
    """The result of one break of the VT-d driver, which its test has to notice."""

    def attempt():
        outcome, detail = mutate.judge(number, row)
        return None if outcome == "as said" else f"{outcome}: {detail}"

    return timed(name, attempt)


def run_mutations(pool, named):
    """The results of all breaks whose name fits."""
    rows = [(n, row, f"mutation: {row.file}: {row.why}") for n, row in enumerate(mutate.read_table())]
    rows = [row for row in rows if named in row[2]]
    return list(pool.map(lambda row: run_mutation(*row), rows))


def host_programs():
    """The unit tests' programs; whether they could be built shows when they are run."""
    sources = sorted((TOP / "tests/host").glob("test_*.c"))
    return [TOP / "build/host" / source.stem for source in sources]


def read_junit(kind, path):
    """The results that pytest wrote down."""
    if not path.exists():
        return [Result(kind, "failed", 0, "pytest did not run")]
    results = []
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = f"{kind}: {case.get('classname', '').split('.')[-1]}: {case.get('name')}"
        result = Result(name, "passed", float(case.get("time", 0)))
        if case.find("skipped") is not None:
            result.outcome, result.detail = "skipped", case.find("skipped").get("message", "")
        if case.find("failure") is not None or case.find("error") is not None:
            result.outcome, result.detail = "failed", f"logs are below {path.parent}"
        results.append(result)
    return results


def run_pytest(kind, *arguments):
    """The results of the tests in a folder; what pytest has to say goes to the terminal."""
    results = RESULTS / f"{kind}.xml"
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", *arguments, f"--junitxml={results}", "."]
    sys.stdout.flush()
    subprocess.run(command, cwd=TOP / "tests" / kind, check=False)
    return read_junit(kind, results)


def run_system(named):
    """The results of the system tests, on as many emulators as can be had."""
    subprocess.run([TOP / "tools/emulators.sh"], check=False)
    workers = max(3, CPUS // 2)  # with two CPUs too: a test waits for a tenth of its time
    return run_pytest("system", f"-n{workers}", f"--named={named}")


def run_all(named):
    """All results."""
    results = [run_build("build: gcc", "build", "host", "attack", "smp", "bench-guest")]
    if any(named in name for name in ("build: trace", "system: test_trace: test_as_counted")):
        results.append(run_build("build: trace", "hypervisor", "TRACE=1", "OUT=build/trace"))
    if named in "build: clang":
        results.append(run_build("build: clang", "hypervisor", "CC=clang", "OUT=build/clang"))
    for name in lint.CHECKS:
        if named in f"lint: {name}":
            results.append(run_lint(name))
    with ThreadPoolExecutor(CPUS) as pool:
        for group in pool.map(run_host, host_programs()):
            results += group
        results += run_all_fuzz(pool, named)
        results += run_all_proofs(pool, named)
        results += run_mutations(pool, named)
    results += run_coverage(named)
    if any(named in name for name in ("corpus", "iasl")):
        results += run_pytest("corpus")
    return results + run_system(named)


def report(results, named):
    """Prints what there is to know; returns the exit status."""
    # A build that failed always counts, as everything after it is in doubt.
    counted = [
        result
        for result in results
        if named in result.name or (result.outcome, result.name[:5]) == ("failed", "build")
    ]
    of = {
        outcome: [result for result in counted if result.outcome == outcome]
        for outcome in ("passed", "failed", "skipped")
    }
    for result in of["failed"]:
        if result.detail:
            print(f"\n--- {result.name}\n{result.detail.rstrip()}")
    print("\nslowest:")
    for result in sorted(counted, key=lambda result: -result.seconds)[:SLOWEST]:
        print(f"  {result.seconds:6.1f} s  {result.name}")
    for result in of["skipped"]:
        print(f"skipped: {result.name}: {result.detail}")
    for result in of["failed"]:
        print(f"failed: {result.name}")
    summary = f"{len(of['passed'])} passed, {len(of['failed'])} failed"
    print(summary)
    SUMMARY.parent.mkdir(parents=True, exist_ok=True)
    SUMMARY.write_text(summary + "\n")
    return 1 if of["failed"] or not of["passed"] else 0


def main():
    """The command line's way in."""
    named = os.environ.get("T", "")
    sys.exit(report(run_all(named), named))


if __name__ == "__main__":
    main()
