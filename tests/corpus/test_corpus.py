"""Our parsers against iasl (package acpica-tools): every table of the corpus, and tables made by iasl.

iasl decodes each table into fields; from these the lines are made that dmarcat and acpicat should
print, and the two are compared. Run from the repository's top folder, with the tools built:

    make host && /usr/bin/python3 -m pytest tests/corpus
"""

import re
import struct
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
TOOLS = TOP / "build/host"
CORPUS = TOP.parent / "shared/corpus"

FIELD = re.compile(r"^(?:\[[0-9A-F]+h \d+ +\d+\])? +(\S.*?) : (.*)$")


class Block(dict):
    """The fields of one structure by name, and the scopes in it; `text` is the rest of a line."""

    def number(self, name):
        """A field's value: iasl prints hexadecimal, with a comment in brackets."""
        return int(self[name].split()[0], 16)


def corpus(kind):
    """The corpus's tables of a kind."""
    folder = CORPUS / kind
    if not folder.is_dir():
        pytest.skip(f"SKIPPED corpus of {kind} tables: {folder} is missing")
    return sorted(folder.glob("*.bin"))


def iasl(folder, *arguments):
    """Runs iasl in a folder; it must go well."""
    command = ["iasl", *map(str, arguments)]
    run = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def decode(folder, tables):
    """Yields each table's path and its decoded lines."""
    copies = []
    for table in tables:
        copies.append(folder / table.name)
        if copies[-1] != table:
            copies[-1].write_bytes(table.read_bytes())
    iasl(folder, "-d", *copies)
    for copy in copies:
        yield copy, copy.with_suffix(".dsl").read_text(errors="replace").splitlines()


def blocks(lines, *starts):
    """The decoded fields, a new block where a field's name is among starts."""
    found = [Block()]
    for line in lines:
        if line.startswith("Raw Table Data"):
            break
        match = FIELD.match(line)
        if not match:
            continue
        if match[1] in starts:
            found.append(Block())
        if match[1] == "PCI Path":
            found[-1].setdefault("path", []).append(match[2].strip())
        found[-1].setdefault(match[1], match[2].strip())
    return found


def printed(tool, table):
    """What a tool prints for a table; it must succeed."""
    command = [TOOLS / tool, table]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, ""), f"{table.name}: {run.stderr}"
    return run.stdout.splitlines()


# --- DMAR ----------------------------------------------------------------------------------------

SCOPES = {1: "endpoint", 2: "bridge", 3: "ioapic", 4: "hpet", 5: "acpi"}


def scope_text(kind, flags, identity, bus, path):
    """A device scope as dmarcat prints it; path is pairs of device and function."""
    text = SCOPES.get(kind, f"type-{kind:#x}")
    if kind not in (1, 2) or identity:
        text += f" id {identity}"
    if flags:
        text += f" flags 0x{flags:02x}"
    return text + f" {bus:02x}:" + ">".join(f"{dev:02x}.{fun:x}" for dev, fun in path)


def scope_of_block(block):
    """A device scope from iasl's fields."""
    path = [[int(part, 16) for part in hop.split(",")] for hop in block["path"]]
    return scope_text(
        block.number("Device Scope Type"),
        0,  # iasl of Debian 12 takes the flags for reserved
        block.number("Enumeration ID"),
        block.number("PCI Bus Number"),
        path,
    )


def structure_text(kind, block):
    """What is between offset and scopes in dmarcat's line, from iasl's fields; None if not known."""
    segment = f"segment {block.number('PCI Segment Number')}" if kind in (0, 1, 2) else ""
    if kind == 0:
        base = block.number("Register Base Address")
        return f"{segment} flags 0x{block.number('Flags'):02x} base {base:#x} size SIZE"
    if kind == 1:
        base, limit = block.number("Base Address"), block.number("End Address (limit)")
        return f"{segment} base {base:#x} limit {limit:#x}"
    if kind == 2:
        return f"{segment} flags 0x{block.number('Flags'):02x}"
    if kind == 3:
        proximity = block.number("Proximity Domain")
        return f"base {block.number('Base Address'):#x} proximity {proximity}"
    name = block["Device Name"].strip('"')
    return f"device {block.number('Device Number')} name {name}"


def raw_structures(data):
    """The offset, type and bytes of every structure."""
    offset = 48
    while offset < len(data):
        kind, length = struct.unpack_from("<HH", data, offset)
        assert length >= 4
        yield offset, kind, data[offset : offset + length]
        offset += length


def raw_text(kind, body):
    """dmarcat's line of a SATC or SIDP, which iasl of Debian 12 does not know."""
    scopes, offset = [], 8
    while offset < len(body):
        scope, length, flags, _, identity, bus = struct.unpack_from("6B", body, offset)
        path = zip(body[offset + 6 : offset + length : 2], body[offset + 7 : offset + length : 2])
        scopes.append(scope_text(scope, flags, identity, bus, path))
        offset += length
    flags = f" flags 0x{body[4]:02x}" if kind == 5 else ""
    segment = struct.unpack_from("<H", body, 6)[0]
    return f"segment {segment}{flags} scopes: {'; '.join(scopes) or 'none'}"


def expected_dmar(data, lines):
    """dmarcat's lines for a table that iasl decoded."""
    head, *rest = blocks(lines, "Subtable Type", "Device Scope Type")
    structures = list(raw_structures(data))
    width, flags = head.number("Host Address Width") + 1, head.number("Flags")
    unknown = sum(kind > 6 for _, kind, _ in structures)
    yield (
        f"DMAR revision {head.number('Revision')} host-address-width {width} "
        f"flags 0x{flags:02x} structures {len(structures) - unknown} unknown {unknown}"
    )
    decoded = iter(rest)
    block = next(decoded, None)
    for offset, kind, body in structures:
        name = ["DRHD", "RMRR", "ATSR", "RHSA", "ANDD", "SATC", "SIDP"][kind]
        if kind > 4:
            yield f"{name} offset {offset:#x} {raw_text(kind, body)}"
            block = None
            continue
        assert block.number("Subtable Type") == kind
        text = structure_text(kind, block).replace("SIZE", f"{0x1000 << (body[5] & 15):#x}")
        scopes = []
        while (block := next(decoded, None)) is not None and "Device Scope Type" in block:
            scopes.append(scope_of_block(block))
        if kind in (0, 1, 2):
            text += f" scopes: {'; '.join(scopes) or 'none'}"
        yield f"{name} offset {offset:#x} {text}"


def compare_dmar(folder, tables):
    """Decodes and compares."""
    compared = 0
    for table, lines in decode(folder, tables):
        assert printed("dmarcat", table) == list(expected_dmar(table.read_bytes(), lines)), table
        compared += 1
    assert compared == len(tables) > 0


def test_dmar(tmp_path):
    """All of the corpus."""
    compare_dmar(tmp_path, corpus("dmar"))


# --- MADT ----------------------------------------------------------------------------------------

MADT_KNOWN = (0, 1, 2, 3, 4, 5, 9, 10)


def add_cpu(cpus, apic_id, uid, block, x2apic):
    """Merges a CPU into a dictionary by APIC ID."""
    enabled = block.number("Processor Enabled")
    online = (block.number("Flags (decoded below)") >> 1) & 1
    cpu = cpus.setdefault(apic_id, {"uid": uid, "enabled": 0, "online": 0, "x2apic": 0})
    if enabled and not cpu["enabled"]:
        cpu["uid"] = uid
    cpu["enabled"] |= enabled
    cpu["online"] |= online
    cpu["x2apic"] |= x2apic


def override_text(block):
    """acpicat's line."""
    polarity = {3: "low"}.get(block.number("Polarity"), "high")
    trigger = {3: "level"}.get(block.number("Trigger Mode"), "edge")
    return (
        f"OVERRIDE source {block.number('Source')} gsi {block.number('Interrupt')} "
        f"polarity {polarity} trigger {trigger}"
    )


def expected_madt(lines):
    """acpicat's lines for a table that iasl decoded."""
    head, *entries = blocks(lines, "Subtable Type")
    local_apic = head.number("Local Apic Address")
    kinds = [entry.number("Subtable Type") for entry in entries]
    cpus, ioapics, overrides = {}, [], []
    for kind, entry in zip(kinds, entries):
        if kind == 0 and entry.number("Local Apic ID") != 0xFF:
            apic_id, uid = entry.number("Local Apic ID"), entry.number("Processor ID")
            add_cpu(cpus, apic_id, uid, entry, 0)
        if kind == 9 and entry.number("Processor x2Apic ID") != 0xFFFFFFFF:
            apic_id, uid = entry.number("Processor x2Apic ID"), entry.number("Processor UID")
            add_cpu(cpus, apic_id, uid, entry, 1)
        if kind == 1:
            address, gsi = entry.number("Address"), entry.number("Interrupt")
            ioapics.append(
                f"IOAPIC id {entry.number('I/O Apic ID')} address {address:#x} gsi {gsi}"
            )
        if kind == 2:
            overrides.append(override_text(entry))
        if kind == 5:
            local_apic = entry.number("APIC Address")
    nmis = sum(kind in (3, 4, 10) for kind in kinds)
    unknown = sum(kind not in MADT_KNOWN for kind in kinds)
    yield (
        f"APIC local-apic {local_apic:#x} pcat {head.number('PC-AT Compatibility')} "
        f"cpus {len(cpus)} dropped 0 nmis {nmis} unknown {unknown}"
    )
    for apic_id, cpu in cpus.items():
        yield (
            f"CPU apic-id {apic_id} uid {cpu['uid']} enabled {cpu['enabled']} "
            f"online-capable {cpu['online']} x2apic {cpu['x2apic']}"
        )
    yield from ioapics
    yield from overrides


def compare_madt(folder, tables):
    """Decodes and compares."""
    compared = 0
    for table, lines in decode(folder, tables):
        assert printed("acpicat", table) == list(expected_madt(lines)), table
        compared += 1
    assert compared == len(tables) > 0


def test_madt(tmp_path):
    """All of the corpus."""
    compare_madt(tmp_path, corpus("apic"))


# --- MCFG ----------------------------------------------------------------------------------------


def expected_mcfg(lines):
    """acpicat's lines for a table that iasl decoded."""
    _, *windows = blocks(lines, "Base Address")
    yield f"MCFG windows {len(windows)}"
    for window in windows:
        yield (
            f"WINDOW segment {window.number('Segment Group Number')} "
            f"base {window.number('Base Address'):#x} "
            f"buses {window.number('Start Bus Number')}-{window.number('End Bus Number')}"
        )


def test_mcfg(tmp_path):
    """All of the corpus."""
    compared = 0
    for table, lines in decode(tmp_path, corpus("mcfg")):
        assert printed("acpicat", table) == list(expected_mcfg(lines)), table
        compared += 1
    assert compared > 0


# --- Tables that iasl makes ----------------------------------------------------------------------


def compile_template(folder, signature, *changes):
    """iasl's template of a table, changed line by line: (field, which of that name, value)."""
    iasl(folder, "-T", signature)
    source = folder / f"{signature.lower()}.asl"
    lines = source.read_text().splitlines()
    for name, which, value in changes:
        pattern = re.compile(rf"(\[\d+\])? +{re.escape(name)} : ")
        found = [at for at, line in enumerate(lines) if pattern.match(line)]
        at = found[which]
        lines[at] = re.sub(r" : .*", f" : {value}", lines[at])
    source.write_text("\n".join(lines) + "\n")
    iasl(folder, source.name)
    return folder / f"{signature.lower()}.aml"


def test_madt_template(tmp_path):
    """It has every type of entry, many of them of other architectures."""
    compare_madt(tmp_path, [compile_template(tmp_path, "APIC")])


def test_dmar_template(tmp_path):
    """With what the corpus lacks: another segment, and a path of three hops."""
    table = compile_template(
        tmp_path,
        "DMAR",
        ("PCI Segment Number", 0, "0005"),
        ("PCI Segment Number", 1, "ABCD"),
        ("Register Base Address", 0, "00000012FED90000"),
        ("Length", 0, "001C"),  # of the DRHD
        ("Entry Length", 0, "0C"),
        ("PCI Path", 0, "1C,04\n[0002] PCI Path : 00,01\n[0002] PCI Path : 1F,07"),
        ("Proximity Domain", 0, "12345678"),
    )
    compare_dmar(tmp_path, [table])
    assert printed("dmarcat", table)[1].endswith("scopes: ioapic id 8 00:1c.4>00.1>1f.7")


FADT_FIELDS = [
    ("SCI Interrupt", 0, "0009"),
    ("DSDT Address", 0, "7FE00040"),
    ("PM1A Control Block Address", 0, "00000604"),
    ("PM Timer Block Address", 0, "00000608"),
    ("Reset Register Supported (V2)", 0, "1"),
    ("Value to cause reset", 0, "0F"),
    ("Address", 0, "0000000000000CF9"),  # of the reset register
]


def test_fadt_template(tmp_path):
    """The corpus has no FADT: fields are set in iasl's template and come out again."""
    changes = [("DSDT Address", 1, "0000000000000000")]
    changes += [("Address", which, "0000000000000000") for which in (3, 6)]
    table = compile_template(tmp_path, "FACP", *FADT_FIELDS, *changes)
    assert printed("acpicat", table) == [
        "FACP flags 0x400 sci 9 pm-timer 0x608 bits 24 pm1a-control 0x604 dsdt 0x7fe00040",
        "RESET space 1 address 0xcf9 value 0x0f",
    ]
    changes = [
        ("DSDT Address", 1, "000000127FE00040"),
        ("Address", 3, "0000000000001804"),
        ("Address", 6, "0000000000001808"),
        ("32-bit PM Timer (V1)", 0, "1"),
        ("Space ID", 0, "00"),
    ]
    table = compile_template(tmp_path, "FACP", *FADT_FIELDS, *changes)
    assert printed("acpicat", table) == [
        "FACP flags 0x500 sci 9 pm-timer 0x1808 bits 32 pm1a-control 0x1804 dsdt 0x127fe00040",
        "RESET space 0 address 0xcf9 value 0x0f",
    ]


# --- The tools' manners --------------------------------------------------------------------------


def refused(tool, *arguments):
    """Runs a tool that must fail with one line on stderr; returns status and line."""
    command = [TOOLS / tool, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stdout == "" and run.stderr.count("\n") == 1
    return run.returncode, run.stderr


@pytest.mark.parametrize("tool", ["dmarcat", "acpicat"])
def test_wrong_calls(tmp_path, tool):
    """No file, two files, a folder, a file that is not there."""
    assert refused(tool)[0] == 2
    assert refused(tool, "a", "b")[0] == 2
    assert refused(tool, tmp_path)[0] == 2
    assert refused(tool, tmp_path / "none")[0] == 2


def test_malformed_tables(tmp_path):
    """Offset and reason are told."""
    table = tmp_path / "table"
    table.write_bytes(b"")
    assert refused("dmarcat", table) == (
        1,
        f"dmarcat: {table}: offset 0x0: the table ends within its header\n",
    )
    body = bytearray(struct.pack("<4sI", b"DMAR", 64) + bytes(56))
    struct.pack_into("<HH", body, 48, 0, 0)
    body[9] = -sum(body) & 0xFF
    table.write_bytes(body)
    assert refused("dmarcat", table) == (
        1,
        f"dmarcat: {table}: offset 0x32: "
        "the structure's length is less than its header takes\n",
    )
    assert refused("acpicat", table)[0] == 1
    body[60] ^= 1
    table.write_bytes(body)
    assert "offset 0x9: the table's bytes do not add up to zero" in refused("dmarcat", table)[1]
