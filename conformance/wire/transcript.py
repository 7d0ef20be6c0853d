"""The lines sent and received on all connections of one check, with the time of each line."""

import time
from collections import deque
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

MAX_ENTRIES = 4000  # of a flood, the first half and the last half of so many are kept
SECONDS_WIDTH = 9  # characters, of the seconds at the beginning of each line of it as text
_HALF = MAX_ENTRIES // 2
_SHOWN = 160  # octets of a line that are shown
_KEPT_AT_END = 40
MAX_RECORDED = 1 << 22  # octets that are kept to be sent again
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_DEEDS = {"connects": "connects", "ends its sending": "half-closes", "closes": "closes", "resets": "resets"}


class Entry(NamedTuple):
    """One thing that happened: seconds since the check began, on whose connection, which way, and what.

    `what`: words, or octets, of long ones the beginning and the end alone; `size`: how many octets these were.  They
    are put into words when somebody reads them, for few of all that are noted are ever read.
    """

    seconds: float
    who: str
    arrow: str
    what: str | bytes
    size: int = 0

    @property
    def text(self) -> str:
        """The event, in visible characters."""
        return self.what if isinstance(self.what, str) else _shown(self.what, self.size)


@dataclass(frozen=True)
class Act:
    """One act of somebody, whole, so that it can be done again.

    `verb`: connects, sends (`octets`; `waits`: nobody else acts before this has taken effect), half-closes, closes,
    resets, types (the operator, at the console), or is called (`octets`: the name that the server made up).
    """

    who: str
    verb: str
    octets: bytes = b""
    waits: bool = True


class Transcript:
    """The entries of one check, in the order in which they happened; and what was done, to be done again."""

    def __init__(self, suffix: str = "") -> None:
        """`suffix`: what stands after names and rooms, with a `-`, so that nobody else uses them."""
        self.suffix = suffix
        self.inside_tls = False  # whether the connections are
        self.port = 0  # of the server to which a client connected last
        self.acts: list[Act] = []
        self.features: set[str] = set()  # that a server advertised
        self._recorded = 0  # octets
        self._finished = False
        self._answered: Entry | None = None
        self.began = time.monotonic()
        # As tuples that become entries when somebody reads them: of a flood, most are never read.
        self._first: list[tuple[float, str, str, str | bytes, int]] = []
        self._last: deque[tuple[float, str, str, str | bytes, int]] = deque(maxlen=_HALF)
        self.count = 0  # all that was noted, kept or not

    def sent(self, who: str, octets: bytes, *, waits: bool = True) -> None:
        """Note octets that a client sent; `waits`: nobody else acts before they have taken effect."""
        self._answered = None
        self._add(who, "->", octets)
        self._act(Act(who, "sends", octets, waits))

    def awaits_answer(self, who: str, octets: bytes) -> None:
        """Note that these octets are answered next, or are judged, although more was sent after them."""
        self._answered = Entry(time.monotonic() - self.began, who, "->", _shortened(octets), len(octets))

    def typed(self, octets: bytes) -> None:
        """Note what was typed at the server's console."""
        self._answered = None
        self._add("operator", "->", octets)
        self._act(Act("operator", "types", octets))

    def signalled(self, name: str) -> None:
        """Note a signal that the server's process got."""
        self._answered = None
        self._add("operator", "->", name)

    def received(self, who: str, line: bytes) -> None:
        """Note a line that a client received, without its LF."""
        self._add(who, "<-", line)
        word = line[:5]
        if word == b"NAME ":
            self._act(Act(who, "is called", line.removeprefix(b"NAME ")))
        elif word == b"HELLO":
            self.features.update(line.decode("utf-8", "replace").split(" ")[2:])

    def event(self, who: str, text: str) -> None:
        """Note anything else, such as the end of a connection."""
        self._add(who, "--", text)
        if text in _DEEDS:
            self._act(Act(who, _DEEDS[text]))

    def finish(self) -> None:
        """Events from here on belong to the check no more: they are not noted, and not done again."""
        self._recorded = MAX_RECORDED
        self._finished = True

    @property
    def entries(self) -> list[Entry]:
        """The events noted so far."""
        return [Entry._make(entry) for entry in (*self._first, *self._last)]

    def last_sent(self) -> Entry | None:
        """Return what is answered next, or else the last thing that was sent and is no ping of the suite's own."""
        if self._answered:
            return self._answered
        latest = map(Entry._make, chain(reversed(self._last), reversed(self._first)))
        sent = (entry for entry in latest if entry.arrow == "->")
        return next((entry for entry in sent if not entry.text.startswith('"/ping barrier-')), None)

    def __str__(self) -> str:
        lines = [
            f"{entry.seconds:{SECONDS_WIDTH}.4f}  {entry.who:>10} {entry.arrow} {entry.text}" for entry in self.entries
        ]
        if left_out := self.count - len(lines):
            lines.insert(len(self._first), f"           ({left_out} more)")
        return "\n".join(lines)

    def _act(self, act: Act) -> None:
        self._recorded += len(act.octets)
        if self._recorded < MAX_RECORDED:
            self.acts.append(act)

    def _add(self, who: str, arrow: str, what: str | bytes) -> None:
        if self._finished:
            return
        self.count += 1
        size = len(what)
        if size > _SHOWN and isinstance(what, bytes):
            what = _shortened(what)
        kept = self._first if self.count <= _HALF else self._last
        kept.append((time.monotonic() - self.began, who, arrow, what, size))


def shown(octets: bytes) -> str:
    """Return octets as a quoted string of visible characters; a long one with its middle left out."""
    return _shown(_shortened(octets), len(octets))


def _shortened(octets: bytes) -> bytes:
    """Return octets, of long ones the beginning and the end alone."""
    return octets if len(octets) <= _SHOWN else octets[: _SHOWN - _KEPT_AT_END] + octets[-_KEPT_AT_END:]


def _shown(shortened: bytes, size: int) -> str:
    if size <= _SHOWN:
        return _quoted(shortened)
    head, tail = shortened[:-_KEPT_AT_END], shortened[-_KEPT_AT_END:]
    return f"{_quoted(head)} ... {_quoted(tail)} ({size} octets)"


def _quoted(octets: bytes) -> str:
    text = octets.decode("utf-8", "surrogateescape").replace("\\", "\\\\").replace('"', '\\"')
    if not text.isprintable():  # few lines: to look at each character of all would take most of a run
        text = "".join(c if c.isprintable() else _NAMED.get(c) or _escaped(c) for c in text)
    return f'"{text}"'


def _escaped(character: str) -> str:
    return "".join(f"\\x{octet:02x}" for octet in character.encode("utf-8", "surrogateescape"))
