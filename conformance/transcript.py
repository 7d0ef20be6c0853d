"""What was sent and received on all connections of one check, with the time of each line."""

import time
from collections import deque
from dataclasses import dataclass

MAX_ENTRIES = 4000  # of a flood, the first half and the last half of so many are kept
_SHOWN = 160  # octets of a line that are shown
_KEPT_AT_END = 40


@dataclass(frozen=True)
class Entry:
    """One thing that happened: seconds since the check began, on whose connection, which way, and which octets."""

    seconds: float
    who: str
    arrow: str
    text: str


class Transcript:
    """The entries of one check, in the order in which they happened."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._entries: list[Entry] = []
        self._last: deque[Entry] = deque(maxlen=MAX_ENTRIES // 2)
        self.count = 0  # all that was noted, kept or not

    def sent(self, who: str, octets: bytes) -> None:
        """Note octets that a client sent."""
        self._add(who, "->", shown(octets))

    def received(self, who: str, line: bytes) -> None:
        """Note a line that a client received, without its LF."""
        self._add(who, "<-", shown(line))

    def event(self, who: str, text: str) -> None:
        """Note anything else, such as the end of a connection."""
        self._add(who, "--", text)

    @property
    def entries(self) -> list[Entry]:
        """What was noted so far."""
        return [*self._entries, *self._last]

    def last_sent(self) -> Entry | None:
        """Return the last thing that was sent and is no ping of the suite's own, if there is one."""
        sent = [entry for entry in self.entries if entry.arrow == "->"]
        return next((entry for entry in reversed(sent) if not entry.text.startswith('"/ping barrier-')), None)

    def __str__(self) -> str:
        lines = [f"{entry.seconds:9.4f}  {entry.who:>10} {entry.arrow} {entry.text}" for entry in self.entries]
        if left_out := self.count - len(lines):
            lines.insert(len(self._entries), f"           ({left_out} more)")
        return "\n".join(lines)

    def _add(self, who: str, arrow: str, text: str) -> None:
        self.count += 1
        kept = self._entries if len(self._entries) < MAX_ENTRIES // 2 else self._last
        kept.append(Entry(time.monotonic() - self._start, who, arrow, text))


def shown(octets: bytes) -> str:
    """Return octets as a quoted string of visible characters; a long one with its middle left out."""
    if len(octets) > _SHOWN:
        head, tail = octets[: _SHOWN - _KEPT_AT_END], octets[-_KEPT_AT_END:]
        return f"{_quoted(head)} ... {_quoted(tail)} ({len(octets)} octets)"
    return _quoted(octets)


def _quoted(octets: bytes) -> str:
    text = octets.decode("utf-8", "backslashreplace")
    escapes = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(escapes.get(c) or (c if c.isprintable() else _escaped(c)) for c in text) + '"'


def _escaped(character: str) -> str:
    return "".join(f"\\x{octet:02x}" for octet in character.encode("utf-8"))
