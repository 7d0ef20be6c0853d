"""The words of rooms: section 11.4, kept for as long, and told as, the specification lets a server choose."""

import time

from tests.contraryserver.whims import Whims

_LEAST = 20  # [HIST-5]


class Past:
    """The last events of all rooms."""

    def __init__(self, whims: Whims) -> None:
        self._whims = whims
        self._most = whims.one((_LEAST, 21, 47, 300))  # events of a room
        self._events: dict[str, list[tuple[int, str]]] = {}
        self._numbers: dict[str, int] = {}  # of the last event of each room, of empty rooms too [HIST-8]

    @property
    def notice(self) -> str:
        """The words that tell what is kept, and for how long [HIST-9]."""
        return f"Up to {self._most} lines of a room are kept until the room is empty, or the server ends."

    def add(self, room: str, event: str) -> None:
        """Keep an event SAID or ANNOUNCE."""
        events = self._events.setdefault(room, [])
        now = time.time_ns() // 1_000_000
        events.append((max(now, events[-1][0]) if events else now, event))
        del events[: -self._most]
        self._numbers[room] = self._number(room) + 1

    def empty(self, room: str) -> None:
        """Forget, or not, a room that has no members any more, and let its numbers jump."""
        if room in self._events and self._whims.happens(0.5):
            del self._events[room]
            self._numbers[room] += self._whims.one((0, 1, 1000))

    def answer(self, room: str, count: int) -> list[str]:
        """Return the lines that answer `/history` [HIST-1]; now and then no more than a server has to send."""
        most = self._whims.one((_LEAST, self._most))
        events = self._events.get(room, [])[-min(count, most) :]
        lines = [f"PAST {at} {event}" for at, event in events]
        return [*lines, f"HISTORY {room} {len(lines)} {self._number(room)}"]

    def _number(self, room: str) -> int:
        return self._numbers.setdefault(room, self._whims.one((0, 7, 123456789012)))


def number_of(argument: str) -> int | None:
    """Return how many lines are asked for; None where the argument is no such number [HIST-6]."""
    digits = argument.isascii() and argument.isdigit() and not argument.startswith("0")
    return int(argument) if digits and len(argument) <= 4 else None
