"""From octets to lines, and what a line and a name may be: sections 3 and 4."""

import re

MAX_LINE = 4096  # octets of a client's line, terminator excluded [LINE-3]
_BOM = b"\xef\xbb\xbf"
_FOREIGN = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) ")
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_FOLDED = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
RESERVED = frozenset({"operator", "server"})  # [NAME-6]


def is_name(text: str) -> bool:
    """Return whether a user or a room can have this name."""
    return _NAME.fullmatch(text) is not None


def fold(name: str) -> str:
    """Return a name with a to z for A to Z."""
    return name.translate(_FOLDED)


class LineBuffer:
    """Octets that have come and are not yet dealt with. Its user feeds it only where no line is `ready` [LINE-9]."""

    def __init__(self, *, connection: bool = True) -> None:
        """`connection`: whether it is one of a client, and not what the operator types."""
        self.foreign = False  # the first octets are those of another protocol [NET-7, NET-8]
        self._octets = bytearray()
        self._at_start = connection  # a U+FEFF can still come [LINE-6]
        self._in_first = connection  # so can the words of another protocol
        self._too_long = False  # the octets of the line under way have been dropped

    @property
    def ready(self) -> bool:
        """Whether a whole line is there."""
        return b"\n" in self._octets

    @property
    def begun(self) -> bool:
        """Whether the beginning of a line is there and its end is not [LINE-10]."""
        return not self.ready and not self._at_start and bool(self._octets or self._too_long)

    def feed(self, octets: bytes) -> None:
        """Take what has come."""
        self._octets += octets
        if self._at_start:
            self.foreign = self._octets.startswith(b"\x16")
            self._at_start = _BOM.startswith(self._octets) and self._octets != _BOM
            if self._octets.startswith(_BOM):
                del self._octets[: len(_BOM)]
        if self._in_first and _FOREIGN.match(self._octets):
            self.foreign = True
        if not self.ready and len(self._octets) > MAX_LINE + 1:  # one more is a CR, perhaps
            self._octets.clear()
            self._too_long, self._in_first = True, False

    def peek(self) -> bytes:
        """Return the octets of the next line, as far as they are kept."""
        return bytes(self._octets[: self._octets.index(b"\n")])

    def take(self) -> tuple[str, str]:
        """Remove the next line; return the code of its refusal, or nothing, and its text."""
        line = self.peek()
        del self._octets[: len(line) + 1]
        too_long, self._too_long = self._too_long, False
        self._in_first = self._at_start = False
        line = line.removesuffix(b"\r")
        if too_long or len(line) > MAX_LINE:
            return "too-long", ""
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return "bad-text", ""
        return ("bad-text", "") if _FORBIDDEN.search(text) else ("", text)
