"""Makes Ethernet frames, right ones and wrong ones."""

import dataclasses
import struct

BROADCAST = b"\xff" * 6
ETHERTYPE_IPV4, ETHERTYPE_ARP = 0x0800, 0x0806
PROTOCOL_ICMP, PROTOCOL_UDP = 1, 17
FRAME_MIN = 60  # without the checksum at the end; senders fill up with zeros


@dataclasses.dataclass(frozen=True)
class Host:
    """A station on the wire."""

    mac: bytes
    ip: bytes


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    words = struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total = sum(words)
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(source, destination, ethertype, payload):
    """A frame from one MAC address to another."""
    frame = destination + source + ethertype.to_bytes(2, "big") + payload
    return frame.ljust(FRAME_MIN, b"\0")


def arp(operation, source, target):
    """A request (1), which is broadcast, or a reply (2)."""
    payload = struct.pack(">HHBBH", 1, ETHERTYPE_IPV4, 6, 4, operation)
    payload += source.mac + source.ip + target.mac + target.ip
    destination = BROADCAST if operation == 1 else target.mac
    return ethernet(source.mac, destination, ETHERTYPE_ARP, payload)


def is_arp_request(frame, wanted=None):
    """True for an ARP request, for that host's address if one is given."""
    kind = frame[12:14] + frame[20:22]
    return kind == b"\x08\x06\x00\x01" and (not wanted or frame[38:42] == wanted.ip)


def ipv4(source, destination, protocol, payload, fragment=0):
    """A packet of IPv4 in a frame; fragment is the header's field of flags and offset."""
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, fragment, 64, protocol, 0)
    header += source.ip + destination.ip
    header = header[:10] + checksum(header).to_bytes(2, "big") + header[12:]
    return ethernet(source.mac, destination.mac, ETHERTYPE_IPV4, header + payload)


def echo(kind, source, destination, identifier, sequence, data):
    """An ICMP echo request (8) or reply (0)."""
    content = struct.pack(">BBHHH", kind, 0, 0, identifier, sequence) + data
    content = content[:2] + checksum(content).to_bytes(2, "big") + content[4:]
    return ipv4(source, destination, PROTOCOL_ICMP, content)


def udp(source, destination, source_port, destination_port, data):
    """A UDP datagram."""
    length = 8 + len(data)
    header = struct.pack(">HHH", source_port, destination_port, length)
    pseudo = source.ip + destination.ip + struct.pack(">HH", PROTOCOL_UDP, length)
    total = checksum(pseudo + header + b"\0\0" + data) or 0xFFFF
    content = header + total.to_bytes(2, "big") + data
    return ipv4(source, destination, PROTOCOL_UDP, content)


def same(frame, due):
    """True if a packet of IPv4 is the one that is due, but for what its sender may choose: the
    identification, whether it may be cut up, its time to live, a checksum of UDP."""
    length = 14 + int.from_bytes(due[16:18], "big")
    header = frame[14:34]
    if len(frame) < length or checksum(header) != 0 or header[6:8] not in (b"\0\0", b"\x40\0"):
        return False
    ours, theirs = bytearray(due[:length]), bytearray(frame[:length])
    for at in (*range(18, 23), 24, 25):
        theirs[at] = ours[at]
    if header[9] == PROTOCOL_UDP and theirs[40:42] == b"\0\0":
        theirs[40:42] = ours[40:42]
    return ours == theirs


def spoil(frame, at):
    """The frame with one byte turned over."""
    return frame[:at] + bytes([frame[at] ^ 0xFF]) + frame[at + 1 :]


def garbage(chance, source, destination):
    """A frame that nobody may answer."""
    other = dataclasses.replace(destination, ip=bytes([10, 7, 0, 99]))
    data = chance.randbytes(chance.randint(1, 1400))
    request = echo(8, source, destination, 1, 1, data)
    makers = (
        lambda: chance.randbytes(chance.randint(1, 13)),
        lambda: destination.mac + chance.randbytes(chance.randint(6, 1508)),
        lambda: BROADCAST + chance.randbytes(chance.randint(6, 1508)),
        lambda: ethernet(source.mac, destination.mac, ETHERTYPE_IPV4, data),
        lambda: ethernet(source.mac, BROADCAST, ETHERTYPE_ARP, data),
        lambda: request[: chance.randint(14, 41)],
        lambda: spoil(request, chance.randint(14, 33)),  # IP header
        lambda: spoil(request, 36),  # ICMP checksum
        lambda: spoil(udp(source, destination, 2000, 7, data), 41),  # UDP checksum
        lambda: udp(source, destination, 2000, 8, data),
        lambda: echo(8, source, other, 1, 1, data),
        lambda: ipv4(source, destination, PROTOCOL_ICMP, request[34:], fragment=0x2000),
        lambda: arp(1, source, other),
        lambda: echo(0, source, destination, 1, 1, data),
    )
    return chance.choice(makers)()
