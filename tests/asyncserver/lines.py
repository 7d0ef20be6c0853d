"""From received octets to lines: framing, the longest line, and the guard against what is not Flurfunk."""

import re

from tests.asyncserver.faults import fault
from tests.asyncserver.text import RefusalError

MAX_LINE = 4096  # octets, terminator excluded ([LINE-3])
_BOM = b"\xef\xbb\xbf"
_HTTP = re.compile(rb"(GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) ")
_HTTP_LONGEST = len(b"CONNECT ")
_HTTP_WORDS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PRI")
_HTTP_WORD_CR = re.compile(rb"(GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI)[ \r]")
_FIRST_BUFFER = 8192  # octets, for a fault only


class ForeignError(Exception):
    """The connection speaks HTTP or TLS ([NET-7], [NET-8])."""


class LineBuffer:
    """Collects the octets of one connection and hands them out line by line, however they were cut ([NET-3])."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._opening = True  # the first octets have not been judged yet
        self._overlong = False  # the beginning of the current line was dropped ([LINE-9])
        self._taken = 0  # lines since the last segment; these four for faults only
        self._count = 0  # lines since the beginning
        self._marked = 0  # octets of a U+FEFF at the start
        self._suspected = 0  # first octets that could be HTTP

    def feed(self, octets: bytes) -> None:
        """Add received octets."""
        self._taken = 0
        if fault("segment-is-line") and not octets.endswith(b"\n"):
            octets += b"\n"
        if fault("segment-is-character"):
            octets = octets.decode(errors="replace").encode()
        if fault("cr-ends-line"):
            octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if fault("commands-first") and octets.endswith(b"\n"):
            lines = [line + b"\n" for line in octets[:-1].split(b"\n")]
            lines.sort(key=_is_speech)
            octets = b"".join(lines)
        if cut := _cut_character(octets):
            octets = octets[:-cut]
        if fault("line-quadratic"):
            self._octets = bytearray(
                bytes(self._octets).decode(errors="surrogateescape").encode(errors="surrogateescape")
            )
        self._octets += octets

    def next(self) -> bytes | None:
        """Return the next complete line without its terminator ([LINE-2], [LINE-7]), None when there is none.

        Raises RefusalError("too-long") in place of a line that is ([LINE-4]), ForeignError for HTTP and TLS.
        """
        if self._opening and not self._judge_opening():
            return None
        if fault("line-per-segment") and self._taken:
            return None
        end = self._octets.find(b"\n")
        if fault("too-long-split") and len(self._octets) > MAX_LINE and not 0 <= end <= MAX_LINE:
            self._octets[MAX_LINE:MAX_LINE] = b"\n"
            end = MAX_LINE
        if self._splits_first() and not 0 <= end <= _FIRST_BUFFER:
            self._octets[_FIRST_BUFFER:_FIRST_BUFFER] = b"\n"
            end = _FIRST_BUFFER
        if end < 0:
            return self._keep_short()
        line = bytes(self._octets[:end])
        del self._octets[: end + 1]
        self._taken += 1
        self._count += 1
        return self._judge(line)

    def _splits_first(self) -> bool:
        """Tell whether the first line is longer than its buffer, for a fault only."""
        return fault("first-line-8192-split") and not self._count and len(self._octets) > _FIRST_BUFFER

    def _keep_short(self) -> bytes | None:
        """Drop the beginning of a line that is too long already ([LINE-9])."""
        if fault("exit-without-lf") and self._octets == b"exit":
            self._octets.clear()
            return b"exit"
        if fault("line-unbounded") or fault("line-quadratic") or fault("too-long-cut"):
            return None
        if fault("first-line-8192-split") and not self._count:
            return None
        if len(self._octets) > MAX_LINE + 1:
            self._octets.clear()
            if not self._overlong and fault("too-long-early"):
                self._overlong = True
                raise RefusalError("too-long")
            self._overlong = True
            if fault("too-long-each-piece"):
                raise RefusalError("too-long")
        return None

    def _judge(self, line: bytes) -> bytes:
        """Return a line without its CR, or raise RefusalError("too-long")."""
        raw = line
        if fault("cr-all-dropped"):
            line = line.rstrip(b"\r")
        elif fault("cr-anywhere-dropped"):
            line = line.replace(b"\r", b"")
        elif not fault("cr-kept"):
            line = line.removesuffix(b"\r")
        overlong, self._overlong = self._overlong, False
        if overlong and fault("too-long-early"):
            return b""
        length = len(raw) if fault("line-cr-counted") else len(line)
        if fault("line-in-characters"):
            length = len(line.decode(errors="replace"))
        limit = MAX_LINE - fault("line-4095") + fault("line-4097")
        if fault("line-512"):
            limit = 512
        if fault("first-line-1024") and self._count == 1:
            limit = 1024
        if fault("mark-counted") and self._count == 1:
            length += self._marked
        if overlong or length > limit:
            if fault("too-long-cut"):
                return line[:MAX_LINE]
            if fault("bad-text-first"):
                raise RefusalError("bad-text") if not _is_utf8(line) else RefusalError("too-long")
            raise RefusalError("too-long")
        return line

    def _judge_opening(self) -> bool:
        """Tell whether the first octets are known; drop a U+FEFF ([LINE-6]); raise ForeignError ([NET-7], [NET-8])."""
        octets = bytes(self._octets)
        begin = octets.removeprefix(_BOM) if fault("bom-then-16-closes") else octets
        if begin.startswith(b"\x16") and not fault("tls-served") and not self._marked:
            self._opening = False
            raise ForeignError
        if not octets or (len(octets) < len(_BOM) and _BOM.startswith(octets)):
            return False
        if fault("marks-in-two-segments") and octets == _BOM:
            self._octets.clear()
            self._marked = len(_BOM)
            return False
        if fault("mark-part-dropped"):
            octets = _without_part(octets)
        if fault("mark-behind-empty-lines"):
            octets = octets.lstrip(b"\r\n") or octets
        rest = octets if fault("http-behind-bom-served") else octets.removeprefix(_BOM)
        if _is_http(rest):
            if fault("http-waits-for-lf") and b"\n" not in rest:
                return False
            self._opening = False
            raise ForeignError
        if len(rest) < _HTTP_LONGEST and b"\n" not in rest and not _decided(octets, rest):
            if any(word.startswith(rest) for word in _HTTP_WORDS):
                self._suspected = len(rest)
            return False
        if fault("http-prefix-line-waits") and rest.endswith(b"\n") and _is_proper_prefix(rest[:-1]):
            return False
        self._opening = False
        if octets.startswith(_BOM):
            self._marked = len(_BOM)
        if fault("http-prefix-dropped"):
            octets = octets[self._suspected :]
        while octets.startswith(_BOM) and not fault("bom-kept"):
            octets = octets.removeprefix(_BOM)
            if not fault("bom-all-dropped"):
                break
        self._octets[:] = octets
        return True

    @property
    def complete(self) -> bool:
        """Whether a whole line is there."""
        return b"\n" in self._octets

    @property
    def mark_alone(self) -> bool:
        """Whether nothing but a U+FEFF has come, for faults only."""
        return bytes(self._octets) == _BOM

    @property
    def beginning(self) -> bytes:
        """The first octets that are there, enough for a command and a name."""
        return bytes(self._octets[:64])

    def begins_with(self, word: bytes) -> bool:
        """Tell whether the next line begins so, for faults only."""
        return self._octets.startswith(word)

    @property
    def too_long(self) -> bool:
        """Whether an unfinished line is too long already, for faults only."""
        return self._overlong

    @property
    def unfinished(self) -> bool:
        """Whether the beginning of a line has come and not its end."""
        mark = _BOM.startswith(self._octets) or fault("hint-not-for-first-octets")
        nothing = self._opening and mark and not fault("hint-for-bom")
        return not self.complete and (self._overlong or bool(self._octets)) and not nothing

    def drop(self) -> bytes:
        """Forget what is there; return it."""
        octets = bytes(self._octets)
        self._octets.clear()
        return octets


def _is_http(octets: bytes) -> bool:
    """Tell whether octets begin like a request of HTTP ([NET-7])."""
    if fault("http-served"):
        return False
    if fault("http-get-post-only"):
        return octets.startswith((b"GET ", b"POST "))
    if fault("http-cut-closes") and octets in _HTTP_WORDS:
        return True
    if fault("http-behind-empty-lines"):
        octets = octets.lstrip(b"\r\n")
    if fault("http-word-cr"):
        return _HTTP_WORD_CR.match(octets) is not None
    if fault("http-any-case"):
        return _HTTP.match(octets.upper()) is not None
    if fault("http-word-alone"):
        return _HTTP.match(octets.replace(b"\n", b" ")) is not None
    return _HTTP.match(octets) is not None


def _decided(octets: bytes, rest: bytes) -> bool:
    """Tell whether the first octets are taken as they are although more could make them HTTP, for a fault only."""
    return fault("http-behind-mark-once") and octets.startswith(_BOM) and bool(rest)


def _is_proper_prefix(line: bytes) -> bool:
    """Tell whether a line is the beginning of a word of HTTP and not the whole of it, for a fault only."""
    return bool(line) and any(word.startswith(line) and word != line for word in _HTTP_WORDS)


def _without_part(octets: bytes) -> bytes:
    """Return octets without a part of a U+FEFF at their beginning, for a fault only."""
    if octets.startswith(_BOM):
        return octets
    return next((octets[size:] for size in (2, 1) if octets.startswith(_BOM[:size])), octets)


def _cut_character(octets: bytes) -> int:
    """Return how many octets of a character of four octets end a segment, where a fault loses them."""
    for name, size in {"character-cut-at-1": 1, "character-cut-at-2": 2, "character-cut-at-3": 3}.items():
        end = octets[-size:]
        if len(end) == size and 0xF0 <= end[0] <= 0xF4 and all(octet & 0xC0 == 0x80 for octet in end[1:]):
            return size * fault(name)
    return 0


def _is_utf8(octets: bytes) -> bool:
    """Tell whether octets are UTF-8."""
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_speech(line: bytes) -> bool:
    """Tell whether a line is no command, for a fault only."""
    return not line.startswith(b"/")
