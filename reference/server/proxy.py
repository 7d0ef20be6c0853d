"""Reads the header of the PROXY protocol, versions 1 and 2, with which a proxy says whom it speaks for.

Pure but for `receive`: `missing` says how much more of a header must come, `source` what it says.  No octet after the
header is taken from the connection, so that what follows, TLS too, finds its beginning there.
"""

import re
import socket
import time
from ipaddress import IPv4Address, IPv6Address, ip_address

from reference.wire import PROXY_LINES, PROXY_SIGNATURE

SECONDS = 10.0  # for a proxy to send its header; it does so at once, but on a busy machine
LONGEST_LINE = 107  # octets of a header of version 1, CR LF included
LONGEST = 4096  # octets of a header of version 2 after its first 16: addresses, and what it tells of TLS
_FIXED = 16  # octets: signature, version and command, family, length
_UNKNOWN = PROXY_LINES[-1]
_SHORTEST_LINE = len(_UNKNOWN + b"\r\n")
_LINE = re.compile(rb"PROXY TCP([46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (\d{1,5}) (\d{1,5})\r\n")
# Octets of both addresses and ports, by family and protocol: unspecified, TCP over IPv4 and IPv6, UNIX streams.
_ADDRESSES = {0x00: 0, 0x11: 12, 0x21: 36, 0x31: 216}


class ProxyHeaderError(ValueError):
    """Octets that begin no header of the PROXY protocol; the message says why, in one line."""


def receive(sock: socket.socket) -> str | None:
    """Take a header from a connection; return the address of IPv4 or IPv6 that it names, None where it names none.

    Raises ProxyHeaderError where it is none, OSError where it does not come whole and in time.
    """
    end = time.monotonic() + SECONDS
    head = b""
    while need := missing(head):
        sock.settimeout(max(end - time.monotonic(), 0.001))
        octets = sock.recv(need)
        if not octets:
            raise ConnectionError("the proxy closed the connection")
        head += octets
    sock.settimeout(None)
    return source(head)


def missing(head: bytes) -> int:
    """Return how many octets are sure to follow these in the same header; 0 when it is whole.

    Raises ProxyHeaderError at the first octet that fits no header.
    """
    if not head:
        return _SHORTEST_LINE  # of either version; more is not sure to come
    if head.startswith(PROXY_SIGNATURE[:1]):
        return _missing_of_version_2(head)
    if not any(head.startswith(family) or family.startswith(head) for family in PROXY_LINES):
        raise ProxyHeaderError("no header of the PROXY protocol")
    if head.endswith(b"\r\n"):
        return 0
    if b"\n" in head or b"\r" in head[:-1] or len(head) >= LONGEST_LINE:
        raise ProxyHeaderError("a header of the PROXY protocol without an end")
    return max(1 if head.endswith(b"\r") else 2, _SHORTEST_LINE - len(head))


def _missing_of_version_2(head: bytes) -> int:
    if not head.startswith(PROXY_SIGNATURE[: len(head)]):
        raise ProxyHeaderError("no header of the PROXY protocol")
    if len(head) < _FIXED:
        return _FIXED - len(head)
    command, family, length = head[12], head[13], int.from_bytes(head[14:16])
    if command not in (0x20, 0x21):
        raise ProxyHeaderError("a header of the PROXY protocol of another version, or with another command")
    if length > LONGEST or (command == 0x21 and length < _ADDRESSES.get(family, LONGEST + 1)):
        raise ProxyHeaderError("a header of the PROXY protocol with addresses that do not fit")
    return _FIXED + length - len(head)


def source(head: bytes) -> str | None:
    """Return the address that a whole header names as that of the client; None where it names none.

    None are LOCAL and UNSPEC of version 2, UNIX sockets, and UNKNOWN of version 1.  They can be people all the same.
    Raises ProxyHeaderError where an address or a port is none.
    """
    if head.startswith(PROXY_SIGNATURE):
        if head[12] == 0x20 or head[13] not in (0x11, 0x21):
            return None
        return str(IPv4Address(head[16:20]) if head[13] == 0x11 else IPv6Address(head[16:32]))
    if head.startswith(_UNKNOWN):
        return None
    try:
        fields = _LINE.fullmatch(head)
        if fields is None:
            raise ValueError
        version, first, second, *ports = (field.decode() for field in fields.groups())
        addresses = [ip_address(first), ip_address(second)]
        if any(address.version != int(version) for address in addresses) or any(int(port) > 65535 for port in ports):
            raise ValueError
    except ValueError:
        raise ProxyHeaderError("a header of the PROXY protocol with addresses that do not fit") from None
    return str(addresses[0])
