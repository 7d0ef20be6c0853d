"""The one thread's turns: files that are ready and calls that are due, in an order of chance."""

import selectors
import time
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from socket import socket

from tests.contraryserver.whims import Whims

Ready = Callable[[int], None]  # is called with EVENT_READ, EVENT_WRITE or both


class Loop:
    """The things to be done."""

    def __init__(self, whims: Whims) -> None:
        self._whims = whims
        self._selector = selectors.PollSelector()  # takes files and terminals too, and not sockets alone
        self._soon: list[Callable[[], None]] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def soon(self, call: Callable[[], None]) -> None:
        """Call something in the next turn."""
        self._soon.append(call)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call something after some time."""
        heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), call))

    def watch(self, file: socket | int, events: int, ready: Ready) -> None:
        """Call something whenever a file is ready for these events; for none, no more."""
        known = file in self._selector.get_map()
        if not events:
            if known:
                self._selector.unregister(file)
        elif known:
            self._selector.modify(file, events, ready)
        else:
            self._selector.register(file, events, ready)

    def turn(self) -> None:
        """Wait until something is to be done, and do all that is."""
        wait = None if not self._timers else max(self._timers[0][0] - time.monotonic(), 0)
        ready = self._selector.select(0 if self._soon else wait)
        calls, self._soon = self._soon, []
        calls += [partial(key.data, mask) for key, mask in ready]
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            calls.append(heappop(self._timers)[2])
        for call in self._whims.shuffled(calls):
            call()
