"""What operating systems keep of a connection on this machine: sent, and not yet read."""

import contextlib
from pathlib import Path

_TABLE = Path("/proc/net/tcp")


def kept(port: int) -> dict[int, int]:
    """Return the octets that are on the way from a port to others, by these; nothing where /proc does not tell.

    They count more than once where the other side has them already: there are never more than it says.
    """
    sending: dict[tuple[int, int], int] = {}
    unread: dict[tuple[int, int], int] = {}
    with contextlib.suppress(OSError, ValueError):
        for line in _TABLE.read_text(encoding="ascii").splitlines():
            if f":{port:04X} " in line:  # of thousands of connections, those that are of interest
                words = line.split()
                here, there = (int(word.split(":")[1], 16) for word in words[1:3])
                to_send, to_read = (int(word, 16) for word in words[4].split(":"))
                sending[here, there] = to_send
                unread[there, here] = to_read
    ways = sending.keys() & unread.keys()
    return {there: sending[here, there] + unread[here, there] for here, there in ways if here == port}
