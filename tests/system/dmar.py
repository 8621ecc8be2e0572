"""Makes DMAR tables (VT-d specification, chapter 8), sound ones and others."""

import struct

# What QEMU's machine has: its unit, and its IOAPIC with the source ID that QEMU gives it.
UNIT = 0xFED90000
WIDTH = 39  # of host addresses, in bits

DRHD, RMRR = 0, 1
INCLUDE_PCI_ALL = 1
ENDPOINT, BRIDGE, IOAPIC = 1, 2, 3


def scope(kind, *path, bus=0, identifier=0):
    """A device scope; the path has a "device.function" for each hop."""
    hops = b"".join(bytes(int(part, 16) for part in hop.split(".")) for hop in path)
    return struct.pack("<BBHBB", kind, 6 + len(hops), 0, identifier, bus) + hops


QEMU_IOAPIC = scope(IOAPIC, "0.0", bus=0xFF)


def structure(kind, fields):
    """A remapping structure, from what stands behind its header."""
    return struct.pack("<HH", kind, 4 + len(fields)) + fields


def drhd(*scopes, flags=0, base=UNIT, segment=0):
    """A unit with its scopes."""
    return structure(DRHD, struct.pack("<BBHQ", flags, 0, segment, base) + b"".join(scopes))


def rmrr(base, limit, *scopes, segment=0):
    """A reserved region, from its first to its last byte, and who has it."""
    return structure(RMRR, struct.pack("<HHQQ", 0, segment, base, limit) + b"".join(scopes))


def with_checksum(content):
    """The table with its bytes adding up to zero."""
    content = content[:9] + b"\0" + content[10:]
    return content[:9] + bytes([-sum(content) & 0xFF]) + content[10:]


def table(*structures, width=WIDTH, flags=1):
    """The whole table; flags: interrupt remapping."""
    body = struct.pack("<BB10x", width - 1, flags) + b"".join(structures)
    header = struct.pack("<4sIBB6s8sI4sI", b"DMAR", 36 + len(body), 1, 0, b"SLUICE", b"TESTS   ", 1, b"TEST", 1)
    return with_checksum(header + body)
