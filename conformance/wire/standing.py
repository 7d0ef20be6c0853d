"""The ground of a line: the facts without which it cannot have its effect, or cannot come.

A check about one requirement needs others on its way. Where one of those does not hold, the check was not reached, and
says nothing about its own. Which they are is taken from what is sent and awaited, so no check has to list them.

A fact is a requirement; or a part of one, as words after its identifier say. A check of the ground shows it.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from conformance.text.vectors import MAX_LINE

ALL_HOLD: Mapping[str, str] = MappingProxyType({})  # no fact is known to be broken
GREETING = ("NET-1", "STATE-1", "STATE-2", "NAME-7")  # every conversation with a server begins on them
BARRIER = ("PING-1", "PING-2", "ORDER-6", "ORDER-7", "ORDER-8")
# Where one of them does not hold, lines come to whom they are not for, twice, or in a form that no check knows.
SOUNDNESS = ("CMD-6", "OUT-1", "SAY-3", "OUT-3", "STATE-4", "STATE-5", "ORDER-2")
ALWAYS = (*GREETING, *SOUNDNESS)
FOREIGN = ("NET-7", "NET-8")  # what is sent so ends the connection
LOSS = ("LEFT-1",)  # what ends a connection without `exit`
HALF_CLOSE = ("NET-4", "LEFT-1")
CLOSING = ("NET-6",)  # after BYE, a connection ends
LINES_TOGETHER = "NET-3 for whole lines in one segment"
SEVERAL = (LINES_TOGETHER, "ORDER-3", "ORDER-4", "ORDER-7")  # lines that are sent at once
REFUSED = ("ERR-2", "CMD-5")  # the connection goes on, and nothing else comes of it
ODD_TOKENS = "PING-2 for odd tokens"
CASES = "NICK-2 for a change of case"
PASTE = "FLOW-1"
MANY = 20  # lines that are sent at once: more are a paste

BOM = b"\xef\xbb\xbf"
_NAME = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_HTTP = re.compile(rb"(?:\xef\xbb\xbf)?(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) ")
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN = re.compile(rb"(?=.*[a-z])[a-z0-9.,:!?'_-]+(?: [a-z0-9.,:!?'_-]+)*")
_LINES = re.compile(rb"[1-9][0-9]{0,3}")
_USUAL = 300  # octets: what every server accepts and relays
_RENAMING = ("NICK-1", "NICK-2", "NICK-5", "NAME-1", "NAME-4")
_COMMANDS = {
    b"/who": ("WHO-1",),
    b"/rooms": ("LIST-1",),
    b"/help": ("HELP-1",),
    b"/history": ("HIST-1",),
    b"/tell": ("TELL-1", "TELL-2"),
    b"/password": ("PASS-2",),
}
_TAKES_ARGUMENT = {b"/cd": "ROOM-4", b"/say": "SAY-4", b"/nick": "NICK-1", b"/ping": "PING-1"}
_LISTS = {b"/who": "WHO-4", b"/rooms": "LIST-4"}
_FIRST_WORDS = {
    b"NAME": ("NICK-1",),
    b"ROOM": ("ROOM-1",),
    b"JOINED": ("ROOM-2",),
    b"SAID": ("SAY-2",),
    b"ANNOUNCE": ("OPER-1",),
    b"INFO": ("HELP-1",),
    b"MEMBER": ("WHO-1",),
    b"MEMBERS": ("WHO-1",),
    b"LIVE": ("LIST-1",),
    b"ROOMS": ("LIST-1",),
    b"PAST": ("HIST-1", "HIST-2"),
    b"HISTORY": ("HIST-1",),
    b"TELL": ("TELL-1",),
    b"TOLD": ("TELL-2",),
    b"PONG": ("PING-1", "PING-2"),
    b"ADMITTED": ("PASS-2",),
}
# Not HELLO, which needs no line, nor NAME where it is the second line: nothing was sent that brings it.
_BROUGHT = {b"NAME", b"ROOM", b"JOINED", b"SAID", b"NICK", b"MEMBER", b"MEMBERS", b"LIVE", b"ROOMS", b"PONG", b"ERROR"}
_BROUGHT |= {b"PAST", b"HISTORY", b"TELL", b"TOLD"}
_LEAVING = {b"moved": "ROOM-3", b"exit": "EXIT-2", b"lost": "LEFT-1"}
_ENDS = {b"exit": "EXIT-1", b"full": "BYE-4", b"idle": "BYE-7", b"denied": "PASS-7"}
_CODES = {
    b"unknown-command": ("CMD-1",),
    b"bad-argument": ("CMD-3",),
    b"no-room": ("STATE-7",),
    b"bad-room": ("NAME-12",),
    b"bad-name": ("NAME-2",),
    b"name-taken": ("NAME-3",),
    b"no-user": ("TELL-3",),
    b"too-long": ("LINE-4",),
    b"no-password": ("PASS-4",),
    b"bad-password": ("PASS-3",),
}
# The commands whose answer did not come, where an ERROR did.
_GRANTED = {
    b"name-taken": "NAME-1",
    b"bad-name": "NAME-1",
    b"bad-room": "NAME-11",
    b"bad-text": "TEXT-8",
    b"no-password": "PASS-8",
}


def requirement_of(fact: str) -> str:
    """Return the requirement of which a fact is all, or a part."""
    return fact.partition(" ")[0]


def of_sending(line: bytes, room: bytes) -> tuple[str, ...]:
    """Return what a client's line stands on, its LF left out; `room`: that in which the client is, or nothing."""
    if line.endswith(b"\r"):
        return ("LINE-2", *_of_line(line[:-1], room))
    return _of_line(line, room)


def _of_line(line: bytes, room: bytes) -> tuple[str, ...]:
    if len(line) > MAX_LINE:
        return ("LINE-4", *REFUSED)
    long = ("LINE-3",) if len(line) > _USUAL else ()
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return (*long, "TEXT-1", *REFUSED)
    if not text.isprintable() and _FORBIDDEN.search(text):  # the first is much faster
        return (*long, *(("TEXT-2", "TEXT-3") if "\r" in text else ("TEXT-2",)), *REFUSED)
    if not line:
        return ("LINE-5",)
    if line == b"exit":
        return ("EXIT-1", "EXIT-2", "ORDER-9") if room else ("EXIT-1",)
    if line.startswith(b"/"):
        return (*long, *_of_command(line, room))
    return (*long, "SAY-1", *_of_saying(line)) if room else _of_entering(line, room, "STATE-6")


def room_behind(line: bytes, room: bytes) -> bytes:
    """Return the room in which a client is that was in `room`, or in none, after a line that it sends."""
    line = line.removesuffix(b"\r")
    name = line.removeprefix(b"/cd ") if room or line.startswith(b"/cd ") else line
    entered = name != line or not room
    return name.lower() if entered and line != b"exit" and _NAME.fullmatch(name) else room


def of_opening(octets: bytes) -> tuple[str, ...]:
    """Return what the first octets of a connection stand on, besides the lines in them."""
    if _HTTP.match(octets):
        return ("NET-7",)
    if octets.startswith(b"\x16"):
        return ("NET-8",)
    return ("LINE-6",) if octets.startswith(BOM) else ()


def of_receiving(line: bytes) -> tuple[str, ...]:
    """Return what a line of the server stands on; `...` at its end stands for any words."""
    word, _, rest = line.partition(b" ")
    if word == b"LEFT":
        reason = _LEAVING.get(rest.rpartition(b" ")[2])
        return (reason,) if reason else ()
    if word == b"NICK":
        old, _, new = rest.lower().partition(b" ")
        return ("NICK-2", CASES) if old == new else ("NICK-2",)
    if word == b"ERROR":
        return (*_CODES.get(rest.partition(b" ")[0], ()), *REFUSED)
    if word == b"BYE":
        return (_ENDS[rest],) if rest in _ENDS else ()
    return _FIRST_WORDS.get(word, ())


def of_typing(line: bytes) -> tuple[str, ...]:
    """Return what a line of the console stands on."""
    if line == b"exit":
        return ("OPER-2",)
    if line.startswith(b"/"):
        return ("OPER-4",) if line.startswith(b"/kick ") else ()
    return ("OPER-1",) if line else ()


def of_refusal(line: bytes) -> str:
    """Return which requirement asks for another answer than this line, if it is an ERROR; nothing else."""
    word, _, rest = line.partition(b" ")
    return _GRANTED.get(rest.partition(b" ")[0], "") if word == b"ERROR" else ""


def is_brought(line: bytes) -> bool:
    """Whether it is a client's line that brings this one, and neither time, the operator, nor how a connection ends."""
    word, _, rest = line.partition(b" ")
    return word in _BROUGHT or (word == b"LEFT" and rest.endswith((b" moved", b" exit")))


def is_told(line: bytes) -> bool:
    """Whether it tells a member of what another did, who has its own answer."""
    return is_brought(line) and line.split(b" ")[0] in (b"JOINED", b"NICK", b"LEFT")


def _of_command(line: bytes, room: bytes) -> tuple[str, ...]:
    word, blank, argument = line.partition(b" ")
    if word in _TAKES_ARGUMENT and not argument:
        return ("CMD-3", _TAKES_ARGUMENT[word], *REFUSED)
    if word in _LISTS and blank:
        return (_LISTS[word], *_COMMANDS[word], *REFUSED)
    if word == b"/who" and not room:
        return ("WHO-1", *REFUSED)
    if word == b"/history":
        if not _LINES.fullmatch(argument):
            return ("HIST-6", "HIST-1", *REFUSED)
        return ("HIST-1",) if room else ("HIST-1", *REFUSED)
    if word == b"/tell":
        name, _, text = argument.partition(b" ")
        return _COMMANDS[word] if name and text else ("TELL-4", *_COMMANDS[word], *REFUSED)
    if word == b"/cd":
        return _of_entering(argument, room, "ROOM-4")
    if word == b"/nick":
        if not _NAME.fullmatch(argument):
            return ("NAME-2", "NICK-1", *REFUSED)
        return ("NAME-6", "NICK-1", *REFUSED) if argument.lower() in (b"operator", b"server") else _RENAMING
    if word == b"/say":
        return ("SAY-4", *_of_saying(argument)) if room else ("STATE-7", "SAY-4", *REFUSED)
    if word == b"/ping":
        return ("PING-1",) if len(argument) <= _USUAL and _PLAIN.fullmatch(argument) else ("PING-1", ODD_TOKENS)
    return _COMMANDS.get(word, ("CMD-1", *REFUSED))


def _of_saying(text: bytes) -> tuple[str, ...]:
    return ("SAY-2",) if len(text) <= _USUAL and _PLAIN.fullmatch(text) else ("SAY-2", "TEXT-5", "TEXT-8")


def _of_entering(name: bytes, room: bytes, cites: str) -> tuple[str, ...]:
    if not _NAME.fullmatch(name):
        return ("NAME-12", cites, *REFUSED)
    folded = ("NAME-10",) if name != name.lower() else ()
    if name.lower() == room:
        return (cites, "ROOM-5", *folded)
    return (cites, "GROW-1", "NAME-11", "ROOM-1", "ROOM-2", *(("ROOM-3",) if room else ()), *folded)
