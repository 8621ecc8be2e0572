#!/usr/bin/python3
"""Makes tests/fuzz/seeds: small sound inputs, one for each form that a harness is to know of."""

import struct
from pathlib import Path

SEEDS = Path(__file__).resolve().parent / "seeds"


def write(harness, name, *parts):
    """One seed."""
    folder = SEEDS / harness
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"".join(parts))


def sealed(data, at, size=None):
    """Bytes with the one at `at` changed so that the first size add up to zero."""
    data = bytearray(data)
    data[at] = 0
    data[at] = -sum(data[:size]) & 0xFF
    return bytes(data)


def table(signature, revision, *body):
    """An ACPI table."""
    rest = b"".join(body)
    oem = (b"SEED", b"SEED", 1, b"", 1)
    head = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(rest), revision, 0, *oem)
    return sealed(head + rest, 9)


# --- Boot information ---


def tag(kind, body):
    """A multiboot2 tag, padded."""
    size = 8 + len(body)
    return struct.pack("<II", kind, size) + body + bytes(-size % 8)


def info(*tags):
    """All of a boot information."""
    rest = b"".join(tags) + tag(0, b"")
    return struct.pack("<II", 8 + len(rest), 0) + rest


def memory(*ranges):
    """A memory map tag."""
    return tag(6, struct.pack("<II", 24, 0) + b"".join(struct.pack("<QQII", *r, 0) for r in ranges))


RAM = memory(
    (0, 0x9F000, 1), (0xF0000, 0x10000, 2), (0x100000, 0x3F00000, 1), (0x4000000, 0x1000, 3)
)


def bootinfo():
    """Every tag that means something."""
    modules = [
        tag(3, struct.pack("<II", 0x400000, 0x410000) + b"/boot/guest vm=net\0"),
        tag(3, struct.pack("<II", 0x500000, 0x500001) + b"\0"),
    ]
    rsdp = struct.pack("<8sB6sBIIQB3x", b"RSD PTR ", 0, b"SEED", 2, 0xE0000, 36, 0xE0024, 0)
    screen = struct.pack("<QIIIBBH", 0xC0000000, 3200, 800, 600, 32, 1, 0)
    text = struct.pack("<QIIIBBH", 0xB8000, 160, 80, 25, 16, 2, 0)
    line = tag(1, b"exit=debug uart=0x3f8 \\\"a\\\\b\\\"\0")
    write("bootinfo", "plain", info(line, tag(2, b"GRUB 2.06\0"), *modules, RAM))
    efi = [tag(12, bytes(8)), tag(18, b"")]
    write("bootinfo", "uefi", info(tag(8, screen), *efi, tag(15, rsdp), RAM))
    write("bootinfo", "bios", info(tag(8, text), tag(14, rsdp[:20]), RAM, modules[1]))
    ranges = [(0x100000, 0x2000, 1), (0, 0x1000, 1), (0x101000, 0x800, 2), (0, 0, 1)]
    messy = memory(*ranges, (0x1000, 0x1000, 5))
    write("bootinfo", "messy", info(messy, tag(99, b"unknown")))


# --- ACPI ---


def rsdp_of(revision, rsdt, xsdt):
    """An RSDP, 36 bytes."""
    data = struct.pack("<8sB6sBIIQB3x", b"RSD PTR ", 0, b"SEED", revision, rsdt, 36, xsdt, 0)
    return sealed(sealed(data, 8, 20), 32)


def acpi():
    """Root tables at their place in the firmware area, and how they are found in the last byte."""
    at = 0xE0000 + 0x100
    mcfg = table(b"MCFG", 1, bytes(8), struct.pack("<QHBBI", 0xB0000000, 0, 0, 255, 0))
    tables = [table(b"APIC", 1, bytes(8)), mcfg, table(b"FACP", 1, bytes(80)), table(b"SSDT", 1)]
    places = [at + sum(map(len, tables[:n])) for n in range(len(tables))]
    rsdt = table(b"RSDT", 1, *[struct.pack("<I", place) for place in places])
    xsdt = table(b"XSDT", 1, *[struct.pack("<Q", place) for place in places])
    roots = rsdt + xsdt
    assert 48 + len(roots) <= 0x100
    rest = bytes(12) + (roots).ljust(0x100 - 48, b"\0") + b"".join(tables)
    both = rsdp_of(2, 0xE0030, 0xE0030 + len(rsdt))
    old = rsdp_of(0, 0xE0030, 0)
    for name, rsdp, how in (
        ("looked-for", both, 0),
        ("given", both, 4),
        ("old", old, 2),
        ("old-repaired", old, 3),
        ("repaired", both, 5),
        ("looked-for-repaired", both, 1),
    ):
        write("acpi", name, rsdp, rest, bytes([how]))


def madt():
    """All kinds of entries."""
    entries = [
        struct.pack("<BBBBI", 0, 8, 0, 0, 1),
        struct.pack("<BBBBI", 0, 8, 1, 0xFF, 0),
        struct.pack("<BBHIII", 9, 16, 0, 0, 1, 0),
        struct.pack("<BBHIII", 9, 16, 0, 300, 1, 2),
        struct.pack("<BBBBII", 1, 12, 2, 0, 0xFEC00000, 0),
        struct.pack("<BBBBIH", 2, 10, 0, 0, 2, 0),
        struct.pack("<BBBBIH", 2, 10, 0, 9, 9, 0xD),
        struct.pack("<BBHI", 3, 8, 0, 23),
        struct.pack("<BBBHB", 4, 6, 0xFF, 5, 1),
        struct.pack("<BBHQ", 5, 12, 0, 0xFEE00000),
        struct.pack("<BBHIB3x", 10, 12, 0, 0xFFFFFFFF, 1),
    ]
    write("madt", "all", table(b"APIC", 4, struct.pack("<II", 0xFEE00000, 1), *entries))


def mcfg():
    """Two segments."""
    windows = [(0xB0000000, 0, 0, 127, 0), (0x8000000000, 1, 0, 255, 0)]
    body = b"".join(struct.pack("<QHBBI", *window) for window in windows)
    write("mcfg", "two", table(b"MCFG", 1, bytes(8), body))


def fadt():
    """Revision 1, 3 and 5."""
    one = bytearray(80)
    struct.pack_into("<I", one, 40 - 36, 0x7FE0000)
    struct.pack_into("<H", one, 46 - 36, 9)
    struct.pack_into("<II", one, 64 - 36, 0x604, 0)
    struct.pack_into("<I", one, 76 - 36, 0x608)
    struct.pack_into("<I", one, 112 - 36, 0x500)
    write("fadt", "one", table(b"FACP", 1, bytes(one)))
    three = one + bytearray(244 - 116)
    struct.pack_into("<BBBBQB", three, 116 - 36, 1, 8, 0, 1, 0xCF9, 6)
    struct.pack_into("<Q", three, 140 - 36, 0x7FE0000)
    struct.pack_into("<BBBBQ", three, 172 - 36, 1, 16, 0, 2, 0x604)
    struct.pack_into("<BBBBQ", three, 208 - 36, 1, 32, 0, 3, 0x608)
    write("fadt", "three", table(b"FACP", 3, bytes(three)))
    write("fadt", "five", table(b"FACP", 5, bytes(three), bytes(24)))


def scope(kind, number, bus, *hops):
    """A device scope."""
    path = b"".join(bytes(hop) for hop in hops)
    return struct.pack("<BBBBBB", kind, 6 + len(path), 0, 0, number, bus) + path


def structure(kind, body):
    """A remapping structure."""
    return struct.pack("<HH", kind, 4 + len(body)) + body


def dmar():
    """All structures; behind the table a topology."""
    bridge = scope(2, 0, 0, (0x1C, 0))
    ends = [scope(1, 0, 0, (2, 0)), scope(1, 0, 0, (0x1C, 0), (0, 0))]
    others = scope(3, 2, 0xF0, (31, 0)) + scope(4, 0, 0, (15, 0))
    parts = [
        structure(0, struct.pack("<BBHQ", 0, 0, 0, 0xFED90000) + ends[0] + bridge),
        structure(0, struct.pack("<BBHQ", 1, 0, 0, 0xFED91000) + others),
        structure(0, struct.pack("<BBHQ", 0, 0, 1, 0xFED92000) + ends[1]),
        structure(1, struct.pack("<HHQQ", 0, 0, 0x7C000000, 0x7CFFFFFF) + ends[0]),
        structure(2, struct.pack("<BBH", 0, 0, 0) + bridge),
        structure(3, struct.pack("<IQI", 0, 0xFED90000, 1)),
        structure(4, struct.pack("<3xB", 1) + b"\\_SB.PCI0.I2C0\0"),
        structure(5, struct.pack("<BBH", 1, 0, 0) + ends[1]),
        structure(77, bytes(4)),
    ]
    whole = table(b"DMAR", 1, struct.pack("<BB10x", 38, 1), *parts)
    # Flags, requester ID, secondary and subordinate bus.
    functions = [(0xF0, 0x10, 0, 0), (0xF1, 0xE0, 1, 2), (0x10, 0x100, 0, 0), (0xF3, 0xE0, 1, 1)]
    topology = b"".join(struct.pack("<BHBB", *function) for function in functions)
    write("dmar", "all", whole)
    write("dmar", "topology", whole, topology)


# --- Kernels ---


def elf(wide, machine, entry, segments, content, at=0x200):
    """An executable with its segments' content from file offset `at` on."""
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    size, stride = (64, 56) if wide else (52, 32)
    form = "<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH"
    rest = (size, stride, len(segments), 0, 0, 0)
    head = ident + struct.pack(form, 2, machine, 1, entry, size, 0, 0, *rest)
    for kind, *fields, align in segments:
        if wide:
            head += struct.pack("<IIQQQQQQ", kind, 7, *fields, align)
        else:
            head += struct.pack("<IIIIIIII", kind, *fields, 7, align)
    return head.ljust(at, b"\0") + content


def multiboot_header(flags, *addresses):
    """A multiboot header."""
    magic = 0x1BADB002
    checksum = -(magic + flags) & 0xFFFFFFFF
    return struct.pack("<8I", magic, flags, checksum, *addresses or [0] * 5)


def loader():
    """Each protocol, in VMs of each kind."""
    note = struct.pack("<III", 4, 8, 18) + b"Xen\0" + struct.pack("<Q", 0x100010)
    load = (1, 0x200, 0x100000, 0x100000, 0x100, 0x3000, 0x1000)
    high = (1, 0x200, 0xFFFFFFFF80100000, 0x100000, 0x100, 0x3000, 0x1000)
    after = (1, 0x200, 0x103000, 0x103000, 0x80, 0x80, 0x1000)
    larger = (1, 0x200, 0x100000, 0x100000, 0x100, 0x80, 0x1000)
    behind = (1, 0x200, 0x100080, 0x100080, 0x80, 0x80, 0x80)
    code = bytes(range(0x40)).ljust(0x100, b"\x90")
    notes = (4, 0x300, 0, 0, len(note), len(note), 4)
    addresses = (0x100000, 0x100000, 0x100120, 0x102000, 0x100020)
    kernels = {
        "pvh": elf(True, 62, 0x100010, [load, notes], code + note),
        "pvh32": elf(False, 3, 0x100010, [load, notes], code + note),
        "multiboot": elf(False, 3, 0x100010, [load], multiboot_header(3) + code[32:]),
        "multiboot64": elf(True, 62, 0xFFFFFFFF80100010, [high], multiboot_header(3) + code[32:]),
        "two": elf(True, 62, 0x100010, [load, notes, after], code + note),
        "larger": elf(True, 62, 0x100010, [larger, notes, behind], code + note),
        "flat": multiboot_header(0x10003, *addresses) + code,
    }
    for name, kernel in kernels.items():
        for how in (0x00, 0x0D, 0x1E):
            write("loader", f"{name}-{how:02x}", kernel, bytes([how]))
    write("loader", "bzimage", bytes(0x202) + b"HdrS" + bytes(64))


# --- Command lines, code, devices ---


def config():
    """All options."""
    write("config", "default", b"\nquiet ip=dhcp\n")
    write(
        "config",
        "all",
        b"/boot/sluice.elf exit=debug pool=16M uart=0x3f8 ",
        b"intx=00:03.0:16,0001:02:1f.7:23 iommu=unsafe-identity\n",
        b"(cd)/a vm=net cpus=2 mem=64M pci=00:02.0,0001:00:02.0 restart=3 ",
        b"-- quiet  root=/dev/sda\n",
        b"initrd of=net\n",
        b"vm=b mem=0x4000000 pci=none restart=always after=net\n",
        b"vm=c-1_2.3 restart=never cpus=0\n",
    )
    devices = ",".join(f"00:{n:02x}.0" for n in range(17))
    write("config", "many", f"\nvm=a pci={devices}\nvm=b pci={devices[:-8]}\n".encode())
    write("config", "rest", b"exit=bochs uart=none check=ud\nvm=a\nvm=a\nvm=\n")


def decode():
    """Some instructions, with the mode before."""
    codes = {
        "cpuid": "0fa2",
        "out": "e680",
        "movs": "f3a4",
        "mov-rip": "8b0578563412",
        "mov-sib": "67428b84e178563412",
        "mov-imm": "48c78390000000efbeadde",
        "xchg": "f087434c",
        "movzx": "0fb64108",
        "bts": "0fba6b0403",
        "test": "f7430401020304",
        "mov-moffs": "a1785634120000000000",
        "mov-cr": "0f22d8",
        "segment": "2e66678b84",
        "long": "66" * 13 + "8b03",
    }
    for name, code in codes.items():
        for mode in range(3):
            write("decode", f"{name}-{mode}", bytes([mode]), bytes.fromhex(code), bytes(6))


def pci():
    """A bridge with a device below; capabilities, MSI, MSI-X, extended ones."""

    def poke(which, offset, value):
        return struct.pack("<BHI", which, offset, value)

    def function(bus, device, kind):
        return struct.pack("<HB", bus << 8 | device << 3, kind)

    bridge = [poke(0, 0x18, 0x00010100), poke(0, 0x34, 0x40), poke(0, 0x40, 0x00420010)]
    device = [
        poke(1, 0x10, 0xE0000000),
        poke(0x81, 0, 0xFFFF0000),
        poke(1, 0x14, 0xE0100004),
        poke(0x81, 4, 0xFFFFC000),
        poke(0x81, 8, 0xFFFFFFFF),
        poke(1, 0x34, 0x50),
        poke(1, 0x50, 0x01806005),
        poke(1, 0x60, 0x00047011),
        poke(1, 0x64, 0x00000001),
        poke(1, 0x68, 0x00002001),
        poke(1, 0x70, 0x00020010),
        poke(1, 0x100, 0x1400000D),
        poke(1, 0x104, 0x0000007F),
        poke(1, 0x140, 0x0000000F),
    ]
    write("pci", "tree", bytes([1]), function(0, 2, 9), function(1, 0, 8), *bridge, *device)
    write("pci", "loop", bytes([0]), function(0, 0, 8), poke(0, 0x34, 0x40), poke(0, 0x40, 0x4009))


def vpci():
    """What a driver does: BARs, command, MSI, MSI-X, an I/O BAR, the IOAPIC."""

    def step(kind, device, where, value, log=2):
        return struct.pack("<BBHI", kind | log << 4, device, where, value)

    write(
        "vpci",
        "driver",
        *[step(1, n, 0x04, 7) for n in range(1, 5)],
        *[step(1, n, 0x10, 0xFFFFFFFF) for n in range(1, 5)],
        *[step(1, n, 0x10, 0xC0100000 + n * 0x100000) for n in range(1, 5)],
        *[step(1, 2, 0xD4 + 4 * n, value) for n, value in enumerate((0xFEE00000, 0, 0x41))],
        step(1, 2, 0xD0, 0x00810000),
        *[step(3, 1, 0x6000 + 4 * n, value) for n, value in enumerate((0xFEE00000, 0, 0x51, 0))],
        step(1, 2, 0xA0, 0x80000000),
        step(7, 0, 0x10 + 2 * 16, 0x8041),
    )
    ports = [step(1, 1, 0x14, 0x2001), step(1, 1, 4, 5), step(5, 0, 0x2010, 1)]
    small = [step(1, 4, 4, 2), step(3, 3, 0x0010, 0x12345678), step(4, 3, 0xA008, 0, 0)]
    write("vpci", "ports", *ports, step(6, 0, 0, 1 << 31))
    write("vpci", "small", *small)


if __name__ == "__main__":
    for maker in (bootinfo, acpi, madt, mcfg, fadt, dmar, loader, config, decode, pci, vpci):
        maker()
