"""Addresses of servers: names and numbers, of IPv4 and IPv6, and how they are written."""

import ipaddress
import re
import socket
from typing import Any

Address = tuple[str, int]  # a host, as a number or a name and without brackets, and a port

_WRITTEN = re.compile(r"(?:\[([^\[\]]+)\]|([^\[\]]+)):([0-9]{1,5})")


def parsed(text: str) -> Address:
    """Return what HOST:PORT means; an address of IPv6 can stand in brackets. Raises ValueError."""
    match = _WRITTEN.fullmatch(text)
    if not match or not 0 < int(match[3]) < 65536:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return match[1] or match[2], int(match[3])


def written(address: Address) -> str:
    """Return an address as HOST:PORT, an address of IPv6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def endpoint(address: Address) -> tuple[socket.AddressFamily, Any]:
    """Return the family of a host that is a number, and what `connect` needs. Raises OSError."""
    family, _, _, _, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
    return family, place


def answering(address: Address, seconds: float) -> Address:
    """Return the first of the addresses that a name has at which somebody accepts connections, as a number.

    Each has so many seconds. Raises OSError, that of the first address, where nobody does.
    """
    if _is_number(address[0]):
        return address
    try:
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{address[0]!r} is no name of a host") from error
    errors: list[OSError] = []
    for family, kind, _, _, place in found:
        try:
            with socket.socket(family, kind) as probe:
                probe.settimeout(seconds)
                probe.connect(place)
        except OSError as error:
            errors.append(error)
            continue
        return socket.getnameinfo(place, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0], address[1]
    raise errors[0]


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
