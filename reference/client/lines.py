"""The user's octets to lines, where they come from no keys."""

import os
import socket
import threading
from collections.abc import Sequence
from typing import Protocol

from reference.wire import LineSplitter

_PIECE = 65536  # octets taken at once


class Lines(Protocol):
    """Makers of lines from the user's octets: an editor of keys, or a splitter."""

    @property
    def ended(self) -> bool:
        """Whether the user ended the input by a key."""

    def feed(self, octets: bytes) -> Sequence[bytes | None]:
        """Take octets; return the lines that they end, without terminators; None: one that is too long."""

    def finish(self) -> Sequence[bytes | None]:
        """Take the end of the input; return the lines that it ends."""

    def news(self) -> Sequence[str]:
        """Return what the user is to be shown of what was read, once."""

    def conceal(self, secret: bool) -> None:
        """Neither show nor remember what is typed from here on, or do."""


class PipedLines:
    """Lines of a pipe, a file, or a terminal that ends lines itself."""

    ended = False

    def __init__(self, limit: int) -> None:
        """`limit`: the most octets that a line can have."""
        self._splitter = LineSplitter(limit)

    def feed(self, octets: bytes) -> Sequence[bytes | None]:
        """See Lines."""
        return self._splitter.feed(octets)

    def finish(self) -> Sequence[bytes | None]:
        """A last line without its LF is a line: nobody takes back what stands in a pipe."""
        return self._splitter.feed(b"\n") if self._splitter.rest else []

    def news(self) -> Sequence[str]:
        """Nothing."""
        return ()

    def conceal(self, secret: bool) -> None:
        """Nothing: where these lines come from, no password is asked for."""


def as_socket(fileno: int) -> socket.socket:
    """Return a socket that yields what a file descriptor does, where select takes nothing but sockets (Windows)."""
    here, there = socket.socketpair()

    def carry() -> None:
        with there:
            while octets := os.read(fileno, _PIECE):
                there.sendall(octets)

    threading.Thread(target=carry, name="input", daemon=True).start()
    return here
