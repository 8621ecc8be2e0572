#!/usr/bin/python3
"""Writes the hypervisor's table of function names, which its backtraces use.

    symbols.py table [ELF] >symbols.asm   the table of ELF's functions; with no ELF an empty one
    symbols.py check FIRST FINAL          fails unless the functions are where the table says

The ELF is linked twice: first with an empty table, then with that of the first link. This works
because `.symbols` lies behind all code, and so moves none of it.
"""

import subprocess
import sys


def functions(elf):
    """The functions' names by address. Of several names for one address it takes the one that has
    a size, which the compiler's functions have and the linker's marks don't."""
    listing = subprocess.run(
        ["nm", "--numeric-sort", "--print-size", "--format=posix", elf],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    found = {}
    for line in listing.splitlines():
        name, kind, address, *size = line.split()
        if kind not in "tT":
            continue
        sized = bool(size) and int(size[0], 16) > 0
        if int(address, 16) not in found or sized:
            found[int(address, 16)] = name
    return found


def table(found):
    """NASM source of the table."""
    lines = [
        "section .symbols progbits alloc noexec nowrite align=8",
        "global symbol_count, symbol_table",
        f"symbol_count: dq {len(found)}",
        "symbol_table:",
    ]
    for index, address in enumerate(sorted(found)):
        lines.append(f"\tdq {address:#x}, ..@name{index}")
    for index, address in enumerate(sorted(found)):
        lines.append(f"..@name{index}: db '{found[address]}', 0")
    return "\n".join(lines) + "\n"


def main():
    """The command line's way in."""
    if len(sys.argv) in (2, 3) and sys.argv[1] == "table":
        sys.stdout.write(table(functions(sys.argv[2]) if len(sys.argv) == 3 else {}))
    elif len(sys.argv) == 4 and sys.argv[1] == "check":
        if functions(sys.argv[2]) != functions(sys.argv[3]):
            sys.exit("symbols: functions moved between the two links; is .symbols behind all code?")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
