"""The last events of each room: section 11.4."""

import time
from collections import deque

from tests.asyncserver.faults import fault
from tests.asyncserver.text import RefusalError

KEPT = 50  # events of a room ([HIST-5])
_TOLD = f"INFO The last {KEPT} lines of a room are kept as long as somebody is in it; /history 20 shows some."


class Past:
    """The kept events of all rooms that have members; a room that is left by all is forgotten."""

    def __init__(self) -> None:
        self._events: dict[str, deque[tuple[int, str]]] = {}
        self._numbers: dict[str, int] = {}  # of the last event of each room
        self._highest = 0  # of all numbers so far ([HIST-8])

    def note(self, room: str, event: str) -> None:
        """Keep SAID and ANNOUNCE ([HIST-2])."""
        if not event.startswith(("SAID ", "ANNOUNCE ")) and not (fault("history-joined") and event[:6] == "JOINED"):
            return
        events = self._events.setdefault(room, deque(maxlen=10 if fault("history-ten") else KEPT))
        now = int(time.time() * (1 if fault("history-seconds") else 1000))
        events.append((max(now, events[-1][0]) if events else now, event))
        self._numbers[room] = self._number(room) + 1
        self._highest = max(self._highest, self._numbers[room])

    def _number(self, room: str) -> int:
        """Return the number of a room's last event: a new room begins where no number was used before ([HIST-8])."""
        if fault("history-from-zero"):
            return self._numbers.setdefault(room, 0)
        return self._numbers.setdefault(room, max(int(time.time() * 1000), self._highest))

    def forget(self, room: str) -> None:
        """Forget a room that has no members any more."""
        self._events.pop(room, None)
        self._numbers.pop(room, None)

    def told(self) -> list[str]:
        """Return what people are told in the greeting ([HIST-9])."""
        return [_TOLD]

    def answer(self, room: str, count: int) -> list[str]:
        """Return the answer to `/history` ([HIST-1] to [HIST-4])."""
        events = list(self._events.get(room, ()))
        if fault("history-all-rooms"):
            events = sorted(event for kept in self._events.values() for event in kept)
        count += fault("history-one-more")
        if fault("history-last-missing"):
            events = events[:-1]
        events = events[-count:]
        if fault("history-newest-first"):
            events.reverse()
        if fault("history-asked-time"):
            events = [(int(time.time() * 1000), event) for _, event in events]
        lines = [f"PAST {at} {event}" for at, event in events]
        number = len(self._events.get(room, ())) if fault("history-number-counts") else self._number(room)
        if fault("history-interrupted"):
            lines.insert(1, "INFO These were the words:")
        if fault("history-without-end"):
            return lines
        return [*lines, f"HISTORY {room} {len(events) + fault('history-miscounted')} {number}"]

    def rename(self, old: str, new: str) -> None:
        """Give the speakers of kept events their new name, for a fault only."""
        for room, events in self._events.items():
            changed = ((at, event.replace(f"SAID {old} ", f"SAID {new} ", 1)) for at, event in events)
            self._events[room] = deque(changed, maxlen=KEPT)


def number_of(argument: str) -> int:
    """Return the number that `/history` asks for; raise RefusalError where it is none ([HIST-6])."""
    if fault("history-loose"):
        argument = argument.strip()
        if not argument.isdigit():
            raise RefusalError("bad-argument")
        return int(argument) or KEPT
    if not (argument.isascii() and argument.isdigit()) or argument.startswith("0") or len(argument) > 4:
        raise RefusalError("bad-argument")
    return int(argument)
