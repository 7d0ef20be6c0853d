"""The lines typed before: to go back to, and to search.

Pure, but for whom it tells what to remember.
"""

from collections.abc import Callable, Iterable

_MOST = 1000  # lines
_PASSWORD = "/password"  # what begins so is never offered again [PASS-13]


class Recall:
    """Lines, the newest last, and a place among them; at their end: the line that is new."""

    def __init__(self, lines: Iterable[str] = (), remember: Callable[[str], None] = lambda _: None) -> None:
        """`lines`: of earlier.  `remember` is called with each that is added."""
        self._lines = list(lines)[-_MOST:]
        self._remember = remember
        self._place = len(self._lines)
        self._draft = ""

    def add(self, text: str) -> None:
        """Take a line that was typed."""
        if text and not text.startswith(_PASSWORD) and self._lines[-1:] != [text]:
            self._lines = [*self._lines[1 - _MOST :], text]
            self._remember(text)

    def begin(self) -> None:
        """Go to the end, with an empty line."""
        self._place = len(self._lines)
        self._draft = ""

    def go(self, step: int, present: str) -> str:
        """Go so many lines back (less than 0) or on; return the line there; `present`: the one left."""
        if not 0 <= self._place + step <= len(self._lines):
            return present
        if self._place == len(self._lines):
            self._draft = present
        self._place += step
        return self._draft if self._place == len(self._lines) else self._lines[self._place]

    def leave(self, present: str) -> str:
        """Go to the end; return the line that is new; `present`: the one left."""
        if self._place == len(self._lines):
            return present
        self._place = len(self._lines)
        return self._draft

    def find(self, needle: str, present: str, older: bool) -> str:
        """Return the newest line with these words in it, not newer than the place, or older; `present` if none."""
        if self._place == len(self._lines):
            self._draft = present
        for place in range(min(self._place - older, len(self._lines) - 1), -1, -1):
            if needle in self._lines[place]:
                self._place = place
                return self._lines[place]
        return present
