#!/usr/bin/python3
"""Runs the fuzzing harnesses, tests/fuzz/fuzz_*.c, which `make fuzzers` has built.

    tools/fuzz.py SECONDS   each for so long, on from what earlier runs found worth keeping, in
                            build/fuzz/corpus; T=NAME only those whose name contains it
    tools/fuzz.py quick     each for its few runs of `make test`, always the same

What breaks a harness is put into build/fuzz/found. Once it is understood and mended it goes to
tests/fuzz/cases/NAME, which every run begins with.
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build/fuzz"
CORPUS = TOP / "../shared/corpus"
# Of one input. No parser needs a second, but a loaded machine may: this is only for endless loops.
INPUT_SECONDS = 120
LINES = 60


def names():
    """All harnesses."""
    return [path.stem[len("fuzz_") :] for path in sorted((TOP / "tests/fuzz").glob("fuzz_*.c"))]


def setting(name, key):
    """What a harness says of itself in its head, or None."""
    text = (TOP / f"tests/fuzz/fuzz_{name}.c").read_text()
    match = re.search(rf"^// {key}: (.*)$", text, re.MULTILINE)
    return match and match[1]


def beginnings(name):
    """The folders with the inputs to begin with that are there."""
    folders = [TOP / "tests/fuzz" / kind / name for kind in ("cases", "seeds")]
    if setting(name, "corpus"):
        folders.append(CORPUS / setting(name, "corpus"))
    return [folder for folder in folders if folder.is_dir()]


def run(name, kept, *limits):
    """Runs a harness; returns what it had to say if it failed, else None."""
    found = BUILD / "found"
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    command = [
        BUILD / f"fuzz_{name}",
        f"-max_len={setting(name, 'max_len')}",
        "-len_control=0",  # the seeds are long, and so is what is worth trying
        f"-timeout={INPUT_SECONDS}",
        f"-artifact_prefix={found}/{name}-",
        *limits,
        kept,
        *beginnings(name),
    ]
    try:
        result = subprocess.run(
            command,
            cwd=TOP,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        return str(error)
    if result.returncode == 0:
        return None
    return "\n".join(result.stdout.splitlines()[-LINES:])


def quick(name):
    """A few runs, the same each time: nothing of an earlier run is looked at."""
    kept = BUILD / "quick" / name
    shutil.rmtree(kept, ignore_errors=True)
    return run(name, kept, f"-runs={setting(name, 'runs')}", "-seed=1")


def long(name, seconds):
    """As many runs as the time allows."""
    return run(name, BUILD / "corpus" / name, f"-max_total_time={seconds}")


def main():
    """The command line's way in."""
    how = sys.argv[1] if len(sys.argv) == 2 else ""
    if how != "quick" and not how.isdigit():
        sys.exit(__doc__)
    wanted = [name for name in names() if os.environ.get("T", "") in name]
    one = quick if how == "quick" else lambda name: long(name, how)
    failed = not wanted
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, output in zip(wanted, pool.map(one, wanted)):
            print(f"{'FAIL' if output else 'ok':4} {name}", flush=True)
            if output:
                print(output, flush=True)
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
