"""When to connect again after the connection was lost, and when to ask a silent server whether it is still there.

Pure.  All times are seconds of a clock that never goes back.
"""

from collections.abc import Callable
from math import inf

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
# A client that was that long in a room has reached a server that works: trying again makes sense.
_LASTING = 10.0


class Retries:
    """Whether and when to connect again."""

    def __init__(self, wanted: bool | None, chance: Callable[[], float]) -> None:
        """`wanted`: whether to try at all; None: once the user was in a room for 10 seconds.

        `chance`: returns numbers from 0 to 1, so that not all clients of a server come back at once.
        """
        self._wanted = wanted
        self._chance = chance
        self._entered = inf
        self._lasting = False
        self._wait = _FIRST_WAIT

    def entered(self, now: float) -> None:
        """Take that the user is in a room."""
        self._entered = min(self._entered, now)

    def lost(self, now: float) -> bool:
        """Take that the connection was lost; return whether to try again."""
        if now - self._entered >= _LASTING:
            self._lasting = True
            self._wait = _FIRST_WAIT
        self._entered = inf
        return self._lasting if self._wanted is None else self._wanted

    def wait(self) -> float:
        """Return after how many seconds to try: from half of what is doubled each time, up to all of it."""
        wait, self._wait = self._wait, min(2 * self._wait, _LONGEST_WAIT)
        return wait * (1 + self._chance()) / 2


class Again:
    """When to ask again for the user's name, which somebody else has."""

    def __init__(self) -> None:
        self._wait = 0.0
        self.due = inf  # when `passed` is to be called

    def want(self, wanted: bool, now: float) -> None:
        """Take whether it is to be asked for."""
        if not wanted:
            self.due = inf
        elif self.due == inf:
            self._wait = _FIRST_WAIT
            self.due = now + self._wait

    def passed(self, now: float) -> None:
        """Take that it is asked for now: the next time is after twice as long, up to a limit."""
        self._wait = min(2 * self._wait, _LONGEST_WAIT)
        self.due = now + self._wait


class Silence:
    """The step to take when nothing comes."""

    def __init__(self, after: float) -> None:
        """`after`: the seconds of silence after which to ask, and half of them to wait for an answer; 0: never."""
        self._after = after or inf
        self._asked = False
        self.due = inf  # when `passed` is to be called

    def begin(self, now: float) -> None:
        """Take that there is a connection, or that something came on it."""
        self._asked = False
        self.due = now + self._after

    def end(self) -> None:
        """Take that there is no connection, or that its end is waited for."""
        self.due = inf

    def passed(self, now: float) -> bool:
        """Return whether the server is to be asked; if not, it has not answered."""
        self.due = now + self._after / 2  # not from when it was due: who was stopped for long asks late
        self._asked = not self._asked
        return self._asked
