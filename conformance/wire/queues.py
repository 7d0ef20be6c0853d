"""The octets that operating systems keep of a connection on this machine: sent, and not yet read."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_NOT_ENDED = {"01", "08"}  # states of a connection whose own side has ended nothing


class _End(NamedTuple):
    """One end of a connection, as its system tells of it."""

    here: int  # ports
    there: int
    state: str
    to_send: int  # octets
    to_read: int


def _ends(port: int) -> Iterator[_End]:
    """Yield the ends of connections from and to a port, as far as /proc tells."""
    for table in _TABLES:  # a connection of IPv4 to a server that listens for both has one end in each
        with contextlib.suppress(OSError, ValueError):
            for line in table.read_text(encoding="ascii").splitlines():
                if f":{port:04X} " in line:  # of thousands of connections, those that are of interest
                    words = line.split()
                    here, there = (int(word.split(":")[1], 16) for word in words[1:3])
                    to_send, to_read = (int(word, 16) for word in words[4].split(":"))
                    yield _End(here, there, words[3], to_send, to_read)


class Kept(NamedTuple):
    """The octets that operating systems keep of connections to a port, by the ports of their other ends."""

    octets: dict[int, int]  # on the way to the other end; those count twice that it has already: never too few
    not_ended: set[int]  # those that the program at the port has neither ended nor broken


def kept(port: int) -> Kept:
    """Return it, as it is now; nothing where /proc does not tell."""
    ends = list(_ends(port))
    sending = {(end.here, end.there): end.to_send for end in ends}
    unread = {(end.there, end.here): end.to_read for end in ends}
    ways = sending.keys() & unread.keys()
    octets = {there: sending[here, there] + unread[here, there] for here, there in ways if here == port}
    return Kept(octets, {end.there for end in ends if end.here == port and end.state in _NOT_ENDED})
