#!/usr/bin/python3
"""Runs the proof harnesses, tests/proof/proof_*.c, which `make proofs` has built: each through all its cases.

With CBMC=PROGRAM in the environment they are given to that CBMC (6 or later) instead, with the options that they
name in their heads, `// cbmc: OPTIONS`, and smaller tables, `// cbmc-limits: MACRO=VALUE ..`. One that CBMC
does not prove says why, `// cbmc-skip: REASON`, and is told as skipped. T=NAME only those whose name
contains it.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build/proof"
SECONDS = 300
CBMC_SECONDS = 3600
CBMC_CHECKS = ["--bounds-check", "--pointer-check", "--div-by-zero-check"]
CBMC_CHECKS += ["--unwinding-assertions", "--no-malloc-may-fail"]
LINES = 60


def names():
    """All harnesses."""
    return [path.stem[len("proof_") :] for path in sorted((TOP / "tests/proof").glob("proof_*.c"))]


def settings(name, key):
    """What a harness says of itself in its head, a line each."""
    text = (TOP / f"tests/proof/proof_{name}.c").read_text()
    return re.findall(rf"^// {key}: (.*)$", text, re.MULTILINE)


def call(command, seconds):
    """None, or the end of what a command had to say that failed or did not end in time."""
    try:
        result = subprocess.run(
            command,
            cwd=TOP,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if result.returncode == 0:
        return None
    return "\n".join(result.stdout.splitlines()[-LINES:]) or f"it ended with {result.returncode}"


def run(name):
    """Goes through all cases."""
    return call([BUILD / f"proof_{name}"], SECONDS)


def limit(name):
    """A directory of headers in which the macros that a harness limits for CBMC have the values it says."""
    directory = BUILD / "cbmc" / name
    shutil.rmtree(directory, ignore_errors=True)
    headers = [path for part in ("hv", "iommu", "drivers") for path in (TOP / part).rglob("*.h")]
    for macro, value in re.findall(r"(\w+)=(\w+)", " ".join(settings(name, "cbmc-limits"))):
        for header in headers:
            copy = directory / header.relative_to(TOP)
            text = (copy if copy.exists() else header).read_text()
            limited, found = re.subn(rf"(?m)^(#define {macro}\s+)\S+", rf"\g<1>{value}", text)
            if found:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(limited)
                break
        else:
            sys.exit(f"proof: {name} limits {macro}, which no header defines")
    return directory


def preprocess(source, directory, macros):
    """A source as CBMC reads it, which knows no attributes in brackets."""
    command = ["gcc", "-E", "-P", "-std=gnu2x", *macros, "-I", directory, "-I.", source]
    text = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, text=True, check=True).stdout
    path = directory / (source.replace("/", "-")[:-2] + ".i")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("[[nodiscard]]", ""))
    return path


def run_cbmc(name):
    """Has CBMC prove it."""
    named = " ".join(settings(name, "sources")).split()
    directory = limit(name)
    options = settings(name, "cbmc")[0].split()
    macros = ["-DPROOF_CBMC", *(["-DPROOF_PATHS"] if "--paths" in options else [])]
    files = [
        preprocess(file, directory, macros) for file in (f"tests/proof/proof_{name}.c", *named)
    ]
    command = [os.environ["CBMC"], "--function", "proof", *options]
    return call([*command, *CBMC_CHECKS, *files], CBMC_SECONDS)


def check_cbmc(program):
    """Ends with a line if there is no such program, or if it is another or an older one."""
    try:
        said = subprocess.run(
            [program, "--version"], stdout=subprocess.PIPE, text=True, check=False, timeout=60
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        sys.exit(f"proof: CBMC={program} does not run: {error}")
    version = re.match(r"(\d+)\.\S+ \(cbmc", said)
    if not version or int(version[1]) < 6:
        sys.exit(f"proof: CBMC={program} is no CBMC 6 or later")


def main():
    """The command line's way in."""
    wanted = [name for name in names() if os.environ.get("T", "") in name]
    by_cbmc = bool(os.environ.get("CBMC"))
    failed = not wanted
    if by_cbmc:
        check_cbmc(os.environ["CBMC"])
        for name in wanted:
            for reason in settings(name, "cbmc-skip"):
                print(f"skipped {name}: {reason}", flush=True)
        wanted = [name for name in wanted if not settings(name, "cbmc-skip")]

    def timed(name):
        start = time.monotonic()
        return (run_cbmc if by_cbmc else run)(name), time.monotonic() - start

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, (output, seconds) in zip(wanted, pool.map(timed, wanted)):
            print(f"{'FAIL' if output else 'ok':4} {name} ({seconds:.1f} s)", flush=True)
            if output:
                print(output, flush=True)
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
