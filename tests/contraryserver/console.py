"""The operator's console: standard input and output, as bare as section 10 lets it be."""

import os
import selectors
from collections.abc import Callable

from tests.contraryserver.hub import Hub
from tests.contraryserver.lines import LineBuffer, fold

_IN, _OUT = 0, 1
_PIECE = 512  # octets that a pipe takes without waiting, once it is ready
_RETRY = 0.01  # seconds between two looks at whether the operator may go on


class Console:
    """What is typed, and what is printed because of it."""

    def __init__(self, hub: Hub, stop: Callable[[], None]) -> None:
        """Read from now on; `stop` is called for `exit`."""
        self._hub, self._loop, self._stop = hub, hub.loop, stop
        self._input = LineBuffer(connection=False)
        self._output = bytearray()
        self._listen()

    def print(self, *lines: str) -> None:
        """Print lines, as soon as they are taken."""
        self._output += "".join(f"{line}\n" for line in lines).encode()
        self._loop.watch(_OUT, selectors.EVENT_WRITE if self._output else 0, self._write)

    def _write(self, _: int) -> None:
        try:
            taken = os.write(_OUT, self._output[:_PIECE])
        except OSError:  # nobody reads it any more
            taken = len(self._output)
        del self._output[:taken]
        self.print()

    def _listen(self) -> None:
        """Read where no line is there; else deal with it in the next turn."""
        self._loop.watch(_IN, 0 if self._input.ready else selectors.EVENT_READ, self._read)
        if self._input.ready:
            self._loop.soon(self._take_up)

    def _read(self, _: int) -> None:
        try:
            octets = os.read(_IN, self._hub.whims.read_size())
        except OSError:
            octets = b""
        if octets:
            self._input.feed(octets)
            self._listen()
        else:  # [OPER-8]
            self._loop.watch(_IN, 0, self._read)

    def _take_up(self) -> None:
        if self._hub.is_crowded(*self._hub.rooms):
            self._loop.later(_RETRY, self._take_up)
            return
        code, text = self._input.take()
        self._act(code, text)
        self._listen()

    def _act(self, code: str, text: str) -> None:
        word, _, argument = text.partition(" ")
        client = self._hub.clients.get(fold(argument))
        if text == "exit":
            self._stop()
        elif text == "/who":
            self.print(*self._who())
        elif text == "/rooms":
            rooms = self._hub.whims.shuffled(self._hub.rooms.items())
            self.print(*(f"{len(members)}*{room}" for room, members in rooms))
        elif text == "/help":
            self.print("exit/help/kick/rooms/who".replace("/", " /"))
        elif word == "/kick" and client:
            self._hub.bye(client, "removed")
        elif code or text.startswith("/"):
            self.print(self._hub.whims.console())
        elif text:
            self._hub.announce(text)

    def _who(self) -> list[str]:
        clients = self._hub.whims.shuffled(self._hub.clients.values())
        return [f"[{client.room or ''}]{client.name}" for client in clients]
