"""The last words of each room: what is kept of them, for how long, and the answer to `/history`.

Pure: no file, clock or thread.  Times come from outside, and each change is an effect that a `Store` can repeat.
"""

from collections import deque
from collections.abc import Container, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from reference.wire import encode

LEAST = 20  # events that a server keeps of a room with members [HIST-5]
MOST = 9999  # that can be asked for at once [HIST-6]
ANSWER = 128 * 1024  # octets that an answer takes at most, and hence the most that is kept of a room [HIST-4]
ROOMS = 256  # without members, of which something is kept
DAY = 86_400_000  # milliseconds
_STAMP = len(b"PAST 1234567890123 ")  # octets that stand before an event in an answer


class Keep(NamedTuple):
    """An event is kept: its room, number and time in milliseconds since 1970; and which number is now the first."""

    room: str
    number: int
    time: int
    line: bytes
    first: int


class Drop(NamedTuple):
    """The events of a room are dropped that have a lower number than this."""

    room: str
    first: int


class Shelf:
    """The kept events of one room, the oldest first: times and lines; `number` is that of the last one."""

    __slots__ = ("events", "number", "octets")

    def __init__(self, number: int) -> None:
        self.events: deque[tuple[int, bytes]] = deque()
        self.number = number
        self.octets = 0  # that all of them would take in an answer

    @property
    def first(self) -> int:
        """The number of the oldest event, or of the next one where there is none."""
        return self.number - len(self.events) + 1

    def add(self, time: int, line: bytes) -> None:
        """Keep one more."""
        self.number += 1
        self.events.append((time, line))
        self.octets += len(line) + _STAMP

    def drop_first(self) -> None:
        """Drop the oldest."""
        self.octets -= len(self.events.popleft()[1]) + _STAMP


class History:
    """The kept events of all rooms."""

    def __init__(self, lines: int, days: float, *, stored: bool = True) -> None:
        """`lines`: events of a room that are kept at most, `LEAST` at least; `days`: for how long, 0 for no limit.

        `stored`: whether there is a `Store`; without one, nobody is told what `keep` has kept.
        """
        self.lines = lines
        self.days = days
        self._stored = stored
        self._shelves: dict[str, Shelf] = {}  # the room in which nothing was said for longest comes first
        self._highest = 0  # of the numbers that rooms had of which nothing is known any more

    def load(self, kept: Iterable[tuple[str, int, int, bytes]]) -> list[Drop]:
        """Take over what was kept before: room, number, time and line, by room and number; up to a gap, the last.

        Returns what is to be dropped of it, for a `Store`: what is more than is kept now.
        """
        for room, number, time, line in kept:
            shelf = self._shelves.get(room)
            if shelf is None or shelf.number != number - 1:
                shelf = self._shelves[room] = Shelf(number - 1)
            shelf.add(time, line)
            self._trim(shelf)
        by_time = sorted(self._shelves.items(), key=lambda item: item[1].events[-1][0])
        self._shelves = dict(by_time)
        return [Drop(room, shelf.first) for room, shelf in by_time]

    def dump(self) -> dict[str, Any]:
        """Return all of it, as JSON takes it, and `take_over`."""
        shelves = [
            [room, shelf.number, [[time, line.decode()] for time, line in shelf.events]]
            for room, shelf in self._shelves.items()
        ]
        return {"shelves": shelves, "highest": self._highest}

    def take_over(self, state: Mapping[str, Any]) -> None:
        """Take over, where nothing is kept, what another one has dumped."""
        for room, number, events in state["shelves"]:
            shelf = self._shelves[room] = Shelf(number - len(events))
            for time, line in events:
                shelf.add(time, line.encode())
        self._highest = state["highest"]

    def keep(self, room: str, line: bytes, now: int, occupied: Container[str]) -> list[Keep | Drop]:
        """Keep an event at the time `now`; return what changes, for a `Store`.  `occupied`: rooms with members."""
        shelf = self._shelves.pop(room, None)  # every message pays for what is done here: calls are spared
        dropped: list[Drop] = []
        if shelf is None:
            shelf, dropped = self._shelf(room, now, occupied)
        else:
            self._shelves[room] = shelf  # the last one
        events = shelf.events
        time = events[-1][0] if events and events[-1][0] > now else now  # clocks can be set back [HIST-10]
        shelf.add(time, line)
        if len(events) > self.lines or shelf.octets > ANSWER:
            self._trim(shelf)
        if not self._stored:
            return list(dropped)
        return [Keep(room, shelf.number, time, line, shelf.first), *dropped]

    def answer(self, room: str, most: int, now: int, occupied: Container[str]) -> tuple[bytes, list[Drop]]:
        """Return the PAST lines of a room, this many at most, and HISTORY; and what changes, as `keep` does."""
        shelf, dropped = self._shelf(room, now, occupied)
        if self._expire(shelf, now):
            dropped.append(Drop(room, shelf.first))
        count = min(most, len(shelf.events))
        events = islice(shelf.events, len(shelf.events) - count, None)
        lines = [b"PAST %d %b" % event for event in events]
        return b"".join([*lines, encode("HISTORY", room, str(count), str(shelf.number))]), dropped

    def expire(self, now: int) -> list[Drop]:
        """Drop what is too old; return what changes."""
        return [Drop(room, shelf.first) for room, shelf in self._shelves.items() if self._expire(shelf, now)]

    def forget(self, room: str) -> list[Drop]:
        """Drop what is kept of a room; its numbers go on.  Return what changes."""
        shelf = self._shelves.get(room)
        if shelf is None or not shelf.events:
            return []
        shelf.events.clear()
        shelf.octets = 0
        return [Drop(room, shelf.first)]

    @property
    def size(self) -> tuple[int, int, int]:
        """How many events are kept, of how many rooms, and how many octets they are."""
        shelves = [shelf for shelf in self._shelves.values() if shelf.events]
        return sum(len(shelf.events) for shelf in shelves), len(shelves), sum(shelf.octets for shelf in shelves)

    def _shelf(self, room: str, now: int, occupied: Container[str]) -> tuple[Shelf, list[Drop]]:
        """Return the shelf of a room, a new one if need be: no number was used before [HIST-8]; and what goes for it.

        Only a new one can make too many.
        """
        shelf = self._shelves.get(room)
        if shelf is not None:
            return shelf, []
        shelf = self._shelves[room] = Shelf(max(now, self._highest))
        return shelf, self._drop_empty(occupied)

    def _trim(self, shelf: Shelf) -> None:
        while len(shelf.events) > self.lines or shelf.octets > ANSWER:
            shelf.drop_first()

    def _expire(self, shelf: Shelf, now: int) -> bool:
        count = len(shelf.events)
        while self.days and shelf.events and shelf.events[0][0] < now - self.days * DAY:
            shelf.drop_first()
        return len(shelf.events) < count

    def _drop_empty(self, occupied: Container[str]) -> list[Drop]:
        """Forget the rooms without members in which nothing was said for longest, where there are too many."""
        if len(self._shelves) <= ROOMS:
            return []
        empty = [room for room in self._shelves if room not in occupied]
        dropped = []
        for room in empty[: max(0, len(empty) - ROOMS)]:
            shelf = self._shelves.pop(room)
            self._highest = max(self._highest, shelf.number)
            dropped.append(Drop(room, shelf.number + 1))
        return dropped
