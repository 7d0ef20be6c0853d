"""What a line stands on: the requirements without which it cannot have its effect, or cannot come.

A check about one requirement needs others on its way. Where one of those does not hold, the check was not reached, and
says nothing about its own. Which they are is taken from what is sent and awaited, so no check has to list them.
"""

import re

from conformance.text.vectors import MAX_LINE

GREETING = ("NET-1", "STATE-1", "STATE-2", "NAME-7")  # every conversation with a server begins on them
BARRIER = ("PING-1", "PING-2", "ORDER-6", "ORDER-7", "ORDER-8")
# Where one of them does not hold, lines come to whom they are not for, in whichever check.
ISOLATION = ("SAY-3", "OUT-3", "STATE-4", "STATE-5")
FOREIGN = ("NET-7", "NET-8")  # what is sent so ends the connection
ENTERING = ("STATE-6", "ROOM-1")
LOSS = "LEFT-1"  # what ends a connection without `exit`

_BOM = b"\xef\xbb\xbf"
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_HTTP = re.compile(rb"(?:\xef\xbb\xbf)?(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) ")
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_USUAL = 512  # octets: what every server accepts
_RENAMING = ("NICK-1", "NICK-2", "NAME-1", "NAME-4")
_COMMANDS = {
    b"/say": ("SAY-4", "SAY-2"),
    b"/who": ("WHO-1",),
    b"/rooms": ("LIST-1",),
    b"/help": ("HELP-1",),
    b"/ping": ("PING-1",),
    b"/password": ("PASS-2",),
}
_TAKES_ARGUMENT = (b"/cd", b"/say", b"/nick", b"/ping")
_LISTS = {b"/who": "WHO-4", b"/rooms": "LIST-4"}
_FIRST_WORDS = {
    b"NAME": ("NICK-1",),
    b"ROOM": ("ROOM-1",),
    b"JOINED": ("ROOM-2",),
    b"SAID": ("SAY-2",),
    b"NICK": ("NICK-2",),
    b"ANNOUNCE": ("OPER-1",),
    b"INFO": ("HELP-1",),
    b"MEMBER": ("WHO-1",),
    b"MEMBERS": ("WHO-1",),
    b"LIVE": ("LIST-1",),
    b"ROOMS": ("LIST-1",),
    b"PONG": ("PING-1", "PING-2"),
    b"ADMITTED": ("PASS-2",),
}
# Not HELLO, which needs no line, nor NAME where it is the second line: nothing was sent that brings it.
_BROUGHT = {b"NAME", b"ROOM", b"JOINED", b"SAID", b"NICK", b"MEMBER", b"MEMBERS", b"LIVE", b"ROOMS", b"PONG", b"ERROR"}
_LEAVING = {b"moved": "ROOM-3", b"exit": "EXIT-2", b"lost": "LEFT-1"}
_CODES = {
    b"unknown-command": ("CMD-1",),
    b"bad-argument": ("CMD-3",),
    b"no-room": ("STATE-7",),
    b"bad-room": ("NAME-12",),
    b"bad-name": ("NAME-2",),
    b"name-taken": ("NAME-3",),
    b"too-long": ("LINE-4",),
    b"no-password": ("PASS-4",),
    b"bad-password": ("PASS-3",),
}


def of_sending(line: bytes, *, lobby: bool) -> tuple[str, ...]:
    """Return what a client's line stands on, its LF left out; `lobby`: the client is in no room."""
    if line.endswith(b"\r"):
        return ("LINE-2", *of_sending(line[:-1], lobby=lobby))
    if len(line) > MAX_LINE:
        return ("LINE-4",)
    long = ("LINE-3",) if len(line) > _USUAL else ()
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return (*long, "TEXT-1")
    if _FORBIDDEN.search(text):
        return (*long, "TEXT-3" if "\r" in text else "TEXT-2")
    if not line:
        return ("LINE-5",)
    if line == b"exit":
        return ("EXIT-1", "EXIT-2")
    if line.startswith(b"/"):
        return (*long, *_of_command(line))
    return _of_entering(line, "STATE-6") if lobby else (*long, "SAY-1", "SAY-2")


def of_opening(octets: bytes) -> tuple[str, ...]:
    """Return what the first octets of a connection stand on, besides the lines in them."""
    if _HTTP.match(octets):
        return ("NET-7",)
    if octets.startswith(b"\x16"):
        return ("NET-8",)
    return ("LINE-6",) if octets.startswith(_BOM) else ()


def of_receiving(line: bytes) -> tuple[str, ...]:
    """Return what a line of the server stands on; `...` at its end stands for any words."""
    word, _, rest = line.partition(b" ")
    if word == b"LEFT":
        reason = _LEAVING.get(rest.rpartition(b" ")[2])
        return (reason,) if reason else ()
    if word == b"ERROR":
        return _CODES.get(rest.partition(b" ")[0], ())
    if word == b"BYE":
        return ("EXIT-1",) if rest == b"exit" else ()
    return _FIRST_WORDS.get(word, ())


def is_brought(line: bytes) -> bool:
    """Whether it is a client's line that brings this one, and neither time, the operator, nor how a connection ends."""
    word, _, rest = line.partition(b" ")
    return word in _BROUGHT or (word == b"LEFT" and rest.endswith((b" moved", b" exit")))


def _of_command(line: bytes) -> tuple[str, ...]:
    word, blank, argument = line.partition(b" ")
    if word in _TAKES_ARGUMENT and not argument:
        return ("CMD-3",)
    if word in _LISTS and blank:
        return (_LISTS[word],)
    if word == b"/cd":
        return _of_entering(argument, "ROOM-1")
    if word == b"/nick":
        if not _NAME.fullmatch(argument):
            return ("NAME-2",)
        return ("NAME-6",) if argument.lower() in (b"operator", b"server") else _RENAMING
    return _COMMANDS.get(word, ("CMD-1",))


def _of_entering(room: bytes, cites: str) -> tuple[str, ...]:
    if not _NAME.fullmatch(room):
        return ("NAME-12",)
    return (cites, "NAME-11", "ROOM-1", "ROOM-2", "ROOM-3", *(("NAME-10",) if room != room.lower() else ()))
