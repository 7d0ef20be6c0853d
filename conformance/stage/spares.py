"""Clients that a check has left in a room, for others to go on with; and how many are started at the same time."""

import contextlib
import os
import selectors
import socket
import threading
from dataclasses import dataclass

from conformance.stage.terminal import Terminal
from conformance.wire.tls import Connection

_AT_ONCE = max(2, os.cpu_count() or 1)  # more would only make each start slower


class Door:
    """A listening socket as the scene's selector needs it."""

    ended = False

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.come: list[socket.socket] = []

    def on_ready(self, mask: int) -> None:
        """Accept a connection."""
        self.come.append(self.socket.accept()[0])

    def turn_away(self) -> None:
        """Close the connections of a client that has ended: one that was lost may have come again."""
        with contextlib.suppress(OSError):
            while True:
                self.on_ready(selectors.EVENT_READ)
        while self.come:
            self.come.pop().close()

    def close(self) -> None:
        """Accept no more connections."""
        self.turn_away()
        self.socket.close()


@dataclass(frozen=True)
class Spare:
    """A client in a room, in order, with which nobody plays."""

    door: Door
    terminal: Terminal
    connection: socket.socket
    channel: Connection  # the connection, or what is inside TLS on it
    me: str

    def close(self) -> None:
        """End it."""
        self.terminal.close()
        self.channel.close()
        self.door.close()


class Clients:
    """The spare clients of all checks; used by several threads."""

    def __init__(self) -> None:
        self._spares: list[Spare] = []
        self._starting = 0
        self.show_info = True  # the clients, that is, as far as is known
        self._changed = threading.Condition()

    def leave(self, spare: Spare) -> None:
        """Leave a client to whoever wants one."""
        with self._changed:
            self._spares.append(spare)
            self._changed.notify_all()

    def take(self, *, new: bool) -> Spare | None:
        """Return a spare client; None when one is to be started, which is all that happens where a `new` one is wanted.

        In that case `started` has to be called.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._starting < _AT_ONCE or (self._spares and not new))
            if self._spares and not new:
                return self._spares.pop()
            self._starting += 1
            return None

    def started(self) -> None:
        """Let others start a client: one has started, or could not."""
        with self._changed:
            self._starting -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """End the spare clients."""
        while self._spares:
            self._spares.pop().close()
