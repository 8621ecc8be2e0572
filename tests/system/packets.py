"""Reads what QEMU's filter-dump wrote: the frames that went over a NIC's wire."""

import dataclasses
import struct

ETHERTYPE_IPV4 = 0x0800
PROTOCOL_UDP = 17
PORT_DHCP_SERVER, PORT_DHCP_CLIENT, PORT_TFTP = 67, 68, 69
DHCP_OPTIONS = 240  # where they begin, after the fixed part and the magic number
DHCP_MESSAGE_TYPE, DHCP_ACK, DHCP_END, DHCP_PAD = 53, 5, 255, 0
TFTP_DATA = 3


@dataclasses.dataclass(frozen=True)
class Udp:
    """One UDP datagram."""

    source: int
    destination: int
    payload: bytes


def frames(path):
    """All Ethernet frames of a pcap file; what QEMU has not written fully yet is left out."""
    data = path.read_bytes() if path.exists() else b""
    offset = 24
    while offset + 16 <= len(data):
        length = struct.unpack_from("<I", data, offset + 8)[0]
        if offset + 16 + length > len(data):
            break
        yield data[offset + 16 : offset + 16 + length]
        offset += 16 + length


def datagrams(path):
    """All UDP datagrams over IPv4."""
    for frame in frames(path):
        if len(frame) < 42 or int.from_bytes(frame[12:14], "big") != ETHERTYPE_IPV4:
            continue
        ip = frame[14:]
        header = (ip[0] & 15) * 4
        if ip[9] != PROTOCOL_UDP:
            continue
        source, destination, length = struct.unpack_from(">HHH", ip, header)
        yield Udp(source, destination, ip[header + 8 : header + length])


def dhcp_message_type(payload):
    """The type of a DHCP message; None if it says none."""
    at = DHCP_OPTIONS
    while at + 1 < len(payload) and payload[at] != DHCP_END:
        if payload[at] == DHCP_PAD:
            at += 1
            continue
        if payload[at] == DHCP_MESSAGE_TYPE:
            return payload[at + 2]
        at += 2 + payload[at + 1]
    return None


def dhcp_acknowledged(path):
    """True if a DHCP server gave a lease."""
    return any(
        (udp.source, udp.destination) == (PORT_DHCP_SERVER, PORT_DHCP_CLIENT)
        and dhcp_message_type(udp.payload) == DHCP_ACK
        for udp in datagrams(path)
    )


def tftp_content(path):
    """The bytes of the one file that was fetched, in order and without what was sent again."""
    content, expected = [], 1
    for udp in datagrams(path):
        if udp.source != PORT_TFTP or udp.payload[:2] != TFTP_DATA.to_bytes(2, "big"):
            continue
        if int.from_bytes(udp.payload[2:4], "big") == expected:
            content.append(udp.payload[4:])
            expected = (expected + 1) & 0xFFFF
    return b"".join(content)


def frames_from(path, mac):
    """How many frames a NIC with this address ("52:54:00:12:34:56") sent."""
    address = bytes.fromhex(mac.replace(":", ""))
    return sum(frame[6:12] == address for frame in frames(path))
