"""Where the programs that the suite starts listen, as far as Linux tells that."""

import contextlib
import os
import re
import socket
import sys
from collections.abc import Iterator

from conformance.wire.address import Address

_LISTENS = "0A"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_HERE = ("127.0.0.1", "0.0.0.0", "::")  # what serves a client that connects to 127.0.0.1


def listening(group: int) -> list[Address]:
    """Return the addresses at which the processes of a group listen for TCP; nothing where there is no /proc."""
    mine = set(_sockets(group))
    return sorted({address for inode, address in _listeners() if inode in mine})


def in_words(places: list[Address], told: Address) -> str:
    """Say that a program listens at these places alone; nothing where it was told is one of them, or there are none."""
    if not places or any(host in _HERE and port == told[1] for host, port in places):
        return ""
    if all(port == told[1] for _, port in places):
        return f"listens at {places[0][0]}, and the suite connects to {told[0]} (port {told[1]})"
    return f"listens at port {places[0][1]}, and was told {{port}} = {told[1]}"


def _sockets(group: int) -> Iterator[str]:
    """Yield the inodes of the sockets that the processes of a group have."""
    for process in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        with contextlib.suppress(OSError):  # it has ended, or is not ours
            if process.isdigit() and os.getpgid(int(process)) == group:
                for descriptor in os.scandir(f"/proc/{process}/fd"):
                    with contextlib.suppress(OSError):
                        if match := _SOCKET.fullmatch(os.readlink(descriptor.path)):
                            yield match[1]


def _listeners() -> Iterator[tuple[str, Address]]:
    """Yield the inode and the address of each socket of TCP that listens."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/net/{table}", encoding="ascii") as file:
            for line in file.readlines()[1:]:
                words = line.split()
                if words[3] == _LISTENS:
                    host, port = words[1].split(":")
                    yield words[9], (_host(bytes.fromhex(host)), int(port, 16))


def _host(octets: bytes) -> str:
    """Return an address that the kernel shows as words of its own order of octets (little-endian, mostly)."""
    words = [int.from_bytes(octets[at : at + 4], "big").to_bytes(4, sys.byteorder) for at in range(0, len(octets), 4)]
    return socket.inet_ntop(socket.AF_INET if len(octets) == 4 else socket.AF_INET6, b"".join(words))
