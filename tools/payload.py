"""The file that the shipped guest fetches by TFTP: 4 MiB, random to look at, always the same."""

import hashlib
import os
import random
from pathlib import Path

NAME = "blob.bin"
SIZE = 4 << 20


def content(size=SIZE):
    """The file's bytes, so many."""
    return random.Random("Sluice").randbytes(size)


def make(folder, size=SIZE):
    """Puts the file into a TFTP folder and returns its SHA-256 in hexadecimal."""
    data = content(size)
    path = Path(folder, NAME)
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{NAME}.{os.getpid()}")
        unfinished.write_bytes(data)
        unfinished.replace(path)
    return hashlib.sha256(data).hexdigest()
