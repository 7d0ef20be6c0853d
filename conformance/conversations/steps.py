"""The acts of clients, as data: steps that are drawn by chance, played, shrunk, and written into session files.

Names and rooms stand in a step as plain words (`Ann`, `main`); whoever plays it makes them unique, as with session
files. `{ann}` stands for the name that the server made up for ann, `{32}` for a name of so many octets.
"""

import re
from dataclasses import dataclass

from conformance.conversations.session import replacement

LATE = "lee"  # who has a small receive buffer, so that what this client does not read waits at the server
LABELS = ("ann", "bob", "cyd", "dan", "eve", LATE)
GUESTS = ("gus", "hal")  # whose first octets on a connection are drawn
LOOKER = "pry"  # who stays in the lobby, and looks whether names and rooms are as they have to be
ROOMS = ("main", "lounge", "attic")
_USERS = ("Ann", "Bob", "Cyd", "Dan", "Eve", "Fay", "Lee", "Pry")
NAMES = (*_USERS, *map(str.upper, _USERS), *map(str.lower, _USERS), *map(str.swapcase, _USERS))
_PLACEHOLDER = re.compile(rb"\{([a-z]+|[0-9]+)\}")


@dataclass(frozen=True)
class Step:
    """One thing that somebody does.

    `verb`: connects (`line` is sent to enter a room, after the client has taken its own name; `octets` are its very
    first octets), sends (`octets`, whole lines, in segments that end at `cuts`), stalls (reads nothing from here on),
    reads (again), half-closes, closes, resets (`octets` are sent right before, without whole lines unless it
    half-closes), types (the operator), ends (the operator ends the server, with the signal `line` where it names one),
    together (`parts`, all of them sends).
    """

    verb: str
    who: str = ""
    octets: bytes = b""
    cuts: tuple[int, ...] = ()
    line: str = ""
    parts: tuple["Step", ...] = ()

    @property
    def commands(self) -> int:
        """How many things it is: connecting, leaving, each line sent, each line typed."""
        if self.verb == "together":
            return sum(part.commands for part in self.parts)
        return max(self.octets.count(b"\n"), 1) if self.verb == "sends" else 1

    def __str__(self) -> str:
        if self.verb == "together":
            return "at the same time: " + "; ".join(map(str, self.parts))
        told = [repr(self.octets)[1:] if len(self.octets) < 60 else f"{len(self.octets)} octets"] if self.octets else []
        where = [f"with {self.line!r}"] if self.verb == "connects" and self.line else [self.line] if self.line else []
        return " ".join([self.who or "operator", self.verb, *where, *told])


def commands(steps: tuple[Step, ...]) -> int:
    """Return how many things the steps are, together."""
    return sum(step.commands for step in steps)


class Rendering:
    """Makes real octets of a step's octets."""

    def __init__(self, suffix: str) -> None:
        """`suffix`: what names and rooms get after them, with a `-`; nothing where it is empty."""
        self.suffix = suffix
        self.made_up: dict[str, str] = {}  # the name that the server made up, by label
        self._words = replacement(NAMES, ROOMS, f"-{suffix}" if suffix else "")

    def octets(self, octets: bytes) -> bytes:
        """Return octets with names and rooms replaced."""
        return self._words(_PLACEHOLDER.sub(self._placeholder, octets))

    def text(self, text: str) -> str:
        """Return a text with names and rooms replaced."""
        return self.octets(text.encode()).decode()

    def _placeholder(self, match: re.Match[bytes]) -> bytes:
        word = match[1].decode()
        if word.isdigit():
            return f"L{self.suffix}".ljust(int(word), "x").encode()
        return self.made_up.get(word, f"{{{word}}}").encode()
