"""The operator's console: standard input and output, as bare as section 10 lets it be."""

import os
import selectors
import time
from collections.abc import Callable

from tests.contraryserver.hub import Hub
from tests.contraryserver.lines import LineBuffer, fold

_IN, _OUT = 0, 1
_PIECE = 512  # octets that a pipe takes without waiting, once it is ready
_PORTION = 32768  # characters that are announced until it is asked whether a room keeps up
_MOMENT = 0.8  # seconds for which the operator waits for it then, at most [OPER-13]
_RETRY = 0.01  # seconds between two looks at whether the operator may go on


class Console:
    """The typed lines, and the texts printed because of them."""

    def __init__(self, hub: Hub, stop: Callable[[], None]) -> None:
        """Read from now on; `stop` is called for `exit`."""
        self._hub, self._loop, self._stop = hub, hub.loop, stop
        self._input = LineBuffer(connection=False)
        self._output = bytearray()
        self._announced = 0  # characters, since the operator waited
        self._until = 0.0  # when the waiting ends that is under way, if one is
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
        if self._has_to_wait():
            self._loop.later(_RETRY, self._take_up)
            return
        code, text = self._input.take()
        self._act(code, text)
        self._listen()

    def _has_to_wait(self) -> bool:
        """Return whether the operator, who has announced much, still waits for those that read slowly."""
        if self._announced <= _PORTION:
            return False
        now = time.monotonic()
        self._until = self._until or now + _MOMENT
        if now < self._until and self._hub.is_crowded(*self._hub.rooms):
            return True
        self._announced, self._until = 0, 0.0
        return False

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
            self._announced += len(text)
            self._hub.announce(text)

    def _who(self) -> list[str]:
        clients = self._hub.whims.shuffled(self._hub.clients.values())
        return [f"[{client.room or ''}]{client.name}" for client in clients]
