"""Modules behind the guest's own are handed to it as they are."""

import hashlib
import random
import re

import pytest

from scenarios import MODELS, Scenario

SIZES = {"one": 1, "page": 4096, "odd": 70001}
WORDS = ' x="a b" \\ $y'


@pytest.mark.parametrize("where", ["", "bare", *MODELS], ids=["hypervisor", "bare", *MODELS])
def test_modules(boot, tmp_path, where):
    """Each arrives with its own bytes and its own command line. QEMU's own loader puts the whole
    path before that, longer than what the guest keeps of it."""
    bare = where == "bare"
    modules, digests = [], {}
    for name, size in SIZES.items():
        data = random.Random(name).randbytes(size)
        digests[name] = hashlib.sha256(data).hexdigest()
        path = tmp_path / name
        path.write_bytes(data)
        modules.append((str(path), f"{name}{WORDS}"))
    scenario = Scenario("", "", bare=bare, modules=tuple(modules))
    machine = boot(scenario, "" if bare else where)
    assert machine.wait_exit() == 0
    said = [line for line in machine.said(bare) if line.startswith("module ")]
    for name, size in SIZES.items():
        lines = [line for line in said if digests[name] in line]
        assert len(lines) == 1, f"module {name} with its digest"
        assert re.search(rf"\b{size}\b", lines[0])
        assert bare or f"{name}{WORDS}:" in lines[0]
