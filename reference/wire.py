"""Octets to lines to messages and back: the grammar of spec/flurfunk-1.abnf, for server and client.

Pure: no socket, no clock, no thread.  No line that a peer sends makes anything here raise: it is a message, or
it is `Refused` with the code of the ERROR that answers it.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

PROTOCOL = "flurfunk/1"
MAX_CLIENT_LINE = 4096  # octets, terminator excluded [LINE-3]
MAX_SERVER_LINE = 8192  # octets: any prefix and any accepted text fit [LINE-8]
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# name = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
# The characters that text-char leaves out: C0 but HTAB, DEL, C1, and the two line ends of Unicode (section 3.2).
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# The beginning of an HTTP request, as far as [NET-7] names it.
_HTTP_OPENINGS = tuple(
    method + b" "
    for method in (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PRI")
)
_TLS_HANDSHAKE = b"\x16"
# How a header of the PROXY protocol begins, in version 1 and 2; a server that expects none may refuse it [NET-11].
PROXY_LINES = (b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN")
PROXY_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_UNDECIDED = _HTTP_OPENINGS + PROXY_LINES  # not the signature: it begins like empty lines, and comes whole


class ErrorCode(StrEnum):
    """The closed registry of section 8.1, in its order of precedence [CMD-4]."""

    TOO_LONG = "too-long"
    BAD_TEXT = "bad-text"
    NO_PASSWORD = "no-password"
    BAD_PASSWORD = "bad-password"
    UNKNOWN_COMMAND = "unknown-command"
    BAD_ARGUMENT = "bad-argument"
    NO_ROOM = "no-room"
    BAD_ROOM = "bad-room"
    BAD_NAME = "bad-name"
    NAME_TAKEN = "name-taken"
    NO_USER = "no-user"


class LeftReason(StrEnum):
    """Why a member left (section 7.1)."""

    MOVED = "moved"
    EXIT = "exit"
    LOST = "lost"
    REMOVED = "removed"


class ByeReason(StrEnum):
    """Why a server closes a connection (section 8.2)."""

    EXIT = "exit"
    SHUTDOWN = "shutdown"
    REMOVED = "removed"
    SLOW = "slow"
    FULL = "full"
    IDLE = "idle"
    DENIED = "denied"


# ---------------------------------------------------------------- messages: what a client's line asks for


class Bare(NamedTuple):
    """A line that is no command: a room to enter in the lobby, a text to say in a room."""

    text: str


class Say(NamedTuple):
    """`/say TEXT`."""

    text: str


class Move(NamedTuple):
    """`/cd ROOM`; the room is not yet checked."""

    room: str


class Rename(NamedTuple):
    """`/nick NAME`; the name is not yet checked."""

    name: str


class Ping(NamedTuple):
    """`/ping TOKEN`."""

    token: str


class Help(NamedTuple):
    """`/help`."""


class Who(NamedTuple):
    """`/who`."""


class Rooms(NamedTuple):
    """`/rooms`."""


class Past(NamedTuple):
    """`/history N`; the number is not yet checked, since a server without the feature does not know the command."""

    number: str


class Whisper(NamedTuple):
    """`/tell NAME TEXT`; one of them is empty where it is missing, and the name is not yet checked."""

    name: str
    text: str


class Password(NamedTuple):
    """`/password WORDS`; no words where they are missing, since what that means depends on the server [PASS-4]."""

    words: str


class Exit(NamedTuple):
    """`exit`."""


class Refused(NamedTuple):
    """A line that is answered with ERROR: the code, and words for people."""

    code: ErrorCode
    text: str


Message = Bare | Say | Move | Rename | Ping | Help | Who | Rooms | Past | Whisper | Password | Exit | Refused

UNKNOWN_COMMAND = Refused(
    ErrorCode.UNKNOWN_COMMAND, "There is no such command. /help lists the commands, and /say says any text."
)

_WITH_ARGUMENT: dict[str, Callable[[str], Message]] = {"/cd": Move, "/say": Say, "/nick": Rename, "/ping": Ping}
_WITHOUT_ARGUMENT: dict[str, Message] = {"/who": Who(), "/rooms": Rooms()}


# ---------------------------------------------------------------- octets to lines


class LineSplitter:
    """Cuts a stream of octets into lines, however it is divided into segments [NET-3].

    It holds at most `limit` + 2 octets of a line that has not ended [LINE-9].
    """

    __slots__ = ("_limit", "_rest")

    def __init__(self, limit: int) -> None:
        """`limit`: the most octets that a line can have, terminator excluded."""
        self._limit = limit
        self._rest = b""

    def feed(self, octets: bytes) -> list[bytes | None]:
        """Take octets as they came; return the lines that they end, without terminators; None: one that is too long."""
        pieces = octets.split(b"\n")
        pieces[0] = self._rest + pieces[0]
        # Two octets over the limit are too long even if the last should be the terminator's CR.
        self._rest = pieces.pop()[: self._limit + 2]
        return [self._line(piece) for piece in pieces]

    @property
    def rest(self) -> bytes:
        """The beginning of a line that has not ended; at most `limit` + 2 octets of it."""
        return self._rest

    def _line(self, piece: bytes) -> bytes | None:
        line = piece[:-1] if piece.endswith(b"\r") else piece  # [LINE-2]
        return line if len(line) <= self._limit else None


class ForeignProtocolError(ValueError):
    """A connection that opens HTTP or TLS."""


def opening(octets: bytes, *, inside_tls: bool = False) -> bytes | None:
    """Return the first octets of a connection without a byte order mark [LINE-6]; None while more are needed to judge.

    Raises ForeignProtocolError where they open an HTTP request, a TLS handshake, or a header of the PROXY protocol
    [NET-7] [NET-8] [NET-11].
    """
    if octets.startswith(_TLS_HANDSHAKE) and not inside_tls:
        raise ForeignProtocolError("TLS")
    start = octets.removeprefix(BYTE_ORDER_MARK)
    if start.startswith(_HTTP_OPENINGS):
        raise ForeignProtocolError("HTTP")
    if start.startswith((*PROXY_LINES, PROXY_SIGNATURE)):
        raise ForeignProtocolError("the PROXY protocol; --proxy-protocol expects that")
    undecided = start == octets and BYTE_ORDER_MARK.startswith(octets)
    return None if undecided or any(word.startswith(start) for word in _UNDECIDED) else start


# ---------------------------------------------------------------- lines to messages


def decode(line: bytes) -> str | None:
    """Return the text of a line; None where it is ill-formed UTF-8 or has a forbidden character [TEXT-1] [TEXT-2]."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return None
    # Most lines are printable throughout, which is found out in no time.
    return text if text.isprintable() or not _FORBIDDEN.search(text) else None


def parse(line: bytes | None) -> Message | None:
    """Return what a client's line asks for; None for an empty line, which asks for nothing [LINE-5].

    `line`: its octets without terminator, or None for one that was too long.
    """
    if line is None:
        return Refused(
            ErrorCode.TOO_LONG, f"That line has more than {MAX_CLIENT_LINE} octets. The server used nothing of it."
        )
    text = decode(line)
    if text is None:
        return Refused(ErrorCode.BAD_TEXT, "That line is not UTF-8, or it has control characters.")
    if not text:
        return None
    if not text.startswith("/"):
        return Exit() if text == "exit" else Bare(text)
    word, blank, argument = text.partition(" ")
    if word == "/help":
        return Help()
    if word == "/password":
        return Password(argument)
    if word == "/history":
        return Past(argument)
    if word == "/tell":
        name, _, text = argument.partition(" ")
        return Whisper(name, text)
    if word in _WITH_ARGUMENT:
        if not argument:
            return Refused(ErrorCode.BAD_ARGUMENT, f"{word} needs something after it: {word} ...")
        return _WITH_ARGUMENT[word](argument)
    if word in _WITHOUT_ARGUMENT:
        if blank:
            return Refused(ErrorCode.BAD_ARGUMENT, f"{word} stands alone, with nothing after it.")
        return _WITHOUT_ARGUMENT[word]
    return UNKNOWN_COMMAND


def is_name(text: str) -> bool:
    """Whether the text has the form of a name of a user or a room (section 4)."""
    return _NAME.fullmatch(text) is not None


def fold(name: str) -> str:
    """Return the name with A to Z as a to z, as names are compared and rooms are written [NAME-3] [NAME-10].

    `name` has the form of a name, hence is ASCII, where lower() does just that.
    """
    return name.lower()


# ---------------------------------------------------------------- lines that a server sends


def encode(*words: str) -> bytes:
    """Return a server's line with its LF, from its words, the last of which may be text with blanks [LINE-1]."""
    return (" ".join(words) + "\n").encode()


class ServerLine(NamedTuple):
    """A server's line as a client reads it: the first word, and what stands after it."""

    kind: str
    words: tuple[str, ...]


# How many words stand after the first; the last takes all that is left, blanks included.
_SHAPES = {
    "HELLO": 2,
    "NAME": 1,
    "INFO": 1,
    "ROOM": 1,
    "JOINED": 1,
    "LEFT": 2,
    "SAID": 2,
    "NICK": 2,
    "ANNOUNCE": 1,
    "MEMBER": 1,
    "MEMBERS": 2,
    "LIVE": 2,
    "ROOMS": 1,
    "PAST": 2,
    "HISTORY": 3,
    "TELL": 2,
    "TOLD": 2,
    "PONG": 1,
    "ADMITTED": 0,
    "ERROR": 2,
    "BYE": 1,
}


def parse_server(line: bytes | None) -> ServerLine | None:
    """Return a server's line split into its words; None for one that a client passes over [CLIENT-1].

    Lenient, as a client must be: forbidden characters and ill-formed UTF-8 do not make it fail, since what is
    shown is made harmless when it is shown [CLIENT-9].  A line that lacks words is passed over.
    HELLO without features has an empty second word.
    """
    if line is None:
        return None
    kind, _, rest = line.decode("utf-8", "replace").partition(" ")
    count = _SHAPES.get(kind)
    if count is None:
        return None
    words = tuple(rest.split(" ", count - 1)) if count else ()
    if kind == "HELLO" and len(words) == 1:
        words = (*words, "")
    return ServerLine(kind, words) if len(words) == count and (not words or words[0]) else None
