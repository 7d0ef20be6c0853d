"""One connection to a server: its lines in, octets out, never waiting."""

import contextlib
import socket

from reference.wire import MAX_SERVER_LINE, LineSplitter

_PIECE = 65536  # octets taken at once


class Link:
    """A connection that is closed with `close`."""

    def __init__(self, connection: socket.socket) -> None:
        """`connection`: open."""
        self._connection = connection
        self._connection.setblocking(False)
        self._splitter = LineSplitter(MAX_SERVER_LINE)
        self.unsent = bytearray()
        self.sending = True  # no sending has failed

    def fileno(self) -> int:
        """Return what to wait for with select."""
        return self._connection.fileno()

    def receive(self) -> list[bytes | None] | None:
        """Return the lines that have come, as LineSplitter does; None at the end of the connection."""
        try:
            octets = self._connection.recv(_PIECE)
        except BlockingIOError:
            return []
        except OSError:
            return None
        return self._splitter.feed(octets) if octets else None

    @property
    def rest(self) -> bytes:
        """The octets so far of a line whose end has not come."""
        return self._splitter.rest

    def say(self, line: str) -> None:
        """Let a line be sent; after a failure it is dropped."""
        if self.sending:
            self.unsent += line.encode() + b"\n"

    def send(self) -> None:
        """Send of what is unsent as much as can be sent at once."""
        try:
            sent = self._connection.send(self.unsent[:_PIECE])
        except BlockingIOError:
            return
        except OSError:
            # The server's words before it closed are still to be read, its BYE included [CLIENT-7].
            self.sending = False
            self.unsent.clear()
            return
        del self.unsent[:sent]

    def close(self) -> None:
        """Close the connection [CLIENT-8]."""
        with contextlib.suppress(OSError):
            self._connection.close()
