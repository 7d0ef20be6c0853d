"""Members that read slowly what they ask for, so that at any time much waits for one of them, which is seen to read."""

from collections.abc import Callable
from math import inf
from time import monotonic

from conformance.checks.server.s09_long import MUCH, SMALL, pings
from conformance.checks.server.s09_paths import PAUSE, QUIET, read_some
from conformance.stage.server import Stage

READERS = 3


class SlowReaders:
    """They read one after the other, each after PAUSE seconds again."""

    def __init__(self, t: Stage, *rooms: str, label: str = "slow") -> None:
        """Let them come into rooms, one of them into each, or READERS into one; they read everything until `stall`."""
        self._t = t
        rooms = rooms if len(rooms) > 1 else rooms * READERS
        self._peers = [t.connect(f"{label}{number}", receive_buffer=SMALL) for number in range(len(rooms))]
        for peer, room in zip(self._peers, rooms, strict=True):
            t.enter(peer, room)
        self._next = 0  # which of them reads next
        self._looked = inf

    def stall(self) -> None:
        """Let all of them ask for much, and read slowly from now on."""
        for peer in self._peers:
            peer.stall()
            peer.offer(pings(MUCH))
        self._looked = monotonic()

    def close(self) -> None:
        """Let them leave."""
        for peer in self._peers:
            peer.close()

    def pump(self, end: float) -> None:
        """Send and receive something, until a moment at most, and let one read when it is time."""
        due = self._looked + PAUSE / len(self._peers)
        self._t.pump(min(end, due) - monotonic())
        if monotonic() > due:
            read_some(self._t, self._peers[self._next])
            self._next = (self._next + 1) % len(self._peers)
            self._looked = monotonic()


def until_quiet(t: Stage, count: Callable[[], int]) -> None:
    """Return when a number has not changed for a moment."""
    before = -1
    while count() != before:
        before, end = count(), monotonic() + QUIET
        while count() == before and (left := end - monotonic()) > 0:
            t.pump(left)
