"""The words of a room that were said before: when to ask for them, and which of them the user has not seen.

Pure.  The server counts the events of a room that it keeps, and tells the number of the last one [HIST-8].  So what
came since then is counted, and nothing is shown twice.
"""

from collections import deque
from typing import NamedTuple

USUAL = 20  # lines shown where a room is entered
MISSED = 500  # lines that are asked for after a lost connection, in which much may have been said
_KEPT = ("SAID", "ANNOUNCE")


class Event(NamedTuple):
    """An event of a room: its time in milliseconds since 1970; the server's line, without the time."""

    time: int
    line: bytes


class Found(NamedTuple):
    """An answer to `/history`: the events to show; `gap`: others that were missed are not among them."""

    events: list[Event]
    typed: bool  # the user asked
    gap: bool


class Past:
    """The counted events of all rooms that the user was in."""

    def __init__(self, lines: int) -> None:
        """`lines`: how many are shown where a room is entered; 0: none."""
        self._lines = lines
        self._offered = False  # the server has the feature `history`
        self._room = ""
        self._seen: dict[str, int] = {}  # by room: the number of the last event that the user has seen
        self._since = 0  # events of the room since it was entered, while their number is not known
        self._asked: deque[bool] = deque()  # for each question without an answer: the user typed it
        self._events: list[Event] = []  # of an answer whose end has not come

    def greeted(self, *, offered: bool) -> None:
        """Begin a connection to a server that has the feature, or has not."""
        self._offered = offered
        self._room = ""
        self._asked.clear()
        self._events.clear()

    def entered(self, room: str, *, back: bool) -> list[str]:
        """Take that a room is entered, or that the user is `back` there; return the lines to send."""
        if room == self._room:
            return []
        self._room, self._since = room, 0
        if not (self._offered and self._lines):
            return []
        self._asked.append(False)
        return [f"/history {max(self._lines, MISSED) if back and room in self._seen else self._lines}"]

    def typed(self, text: str) -> None:
        """Take a line of the user that is sent."""
        word, _, number = text.partition(" ")
        if word == "/history" and number.isascii() and number.isdigit() and number[0] != "0" and len(number) <= 4:
            self._asked.append(True)

    def refused(self) -> None:
        """Take that a question was refused since it needs a room: none is asked from the lobby but by the user."""
        if self._asked and self._asked[0]:
            self._asked.popleft()

    def happened(self, kind: str) -> None:
        """Take an event of the room."""
        if kind in _KEPT:
            self._since += 1
            if self._room in self._seen and not self._waits:
                self._seen[self._room] += 1

    @property
    def _waits(self) -> bool:
        """Whether the number of the room's last event is still to come."""
        return False in self._asked

    def told(self, time: str, line: str) -> None:
        """Take a PAST line."""
        if time.isascii() and time.isdigit() and len(time) <= 15:
            self._events.append(Event(int(time), line.encode()))

    def ended(self, room: str, number: str) -> Found:
        """Take HISTORY; return what is to be shown."""
        events, self._events = self._events, []
        typed = self._asked.popleft() if self._asked else True
        last = int(number) if number.isascii() and number.isdigit() and len(number) <= 15 else 0
        seen, self._seen[room] = self._seen.get(room, 0), last
        if typed:
            return Found(events, typed=True, gap=False)
        first = last - len(events) + 1
        known = seen if seen <= last else 0  # else the server has begun anew
        new = [event for number, event in enumerate(events, first) if known < number <= last - self._since]
        return Found(new, typed=False, gap=bool(known) and known + 1 < first)
