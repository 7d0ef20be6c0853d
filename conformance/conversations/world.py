"""The plain model of a server: who is in which room under which name, and what each line brings to whom. No sockets."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from conformance.text.vectors import MAX_LINE

BOM = b"\xef\xbb\xbf"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_HTTP = re.compile(rb"(?:\xef\xbb\xbf)?(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) ")
_NEEDS_ARGUMENT = ("/cd", "/say", "/nick", "/ping")
_RESERVED = ("operator", "server")
_FEATURES = {"who", "rooms", "history", "tell"}
_LINES = re.compile(r"[1-9][0-9]{0,3}")
_PAST = re.compile(rb"PAST [0-9]{1,15} (.*)", re.DOTALL)
_KNOWN = 20  # events of a room: so many a server keeps at least [HIST-5]


@dataclass(frozen=True)
class Past:
    """The events that have to come as PAST lines: of the known ones the last, `least` to `most` of them."""

    known: tuple[bytes, ...]
    least: int
    most: int
    older: bool  # whether others, of which nothing is known, can stand before all that are known

    def is_told(self, lines: Sequence[bytes]) -> bool:
        """Whether these events are as they have to be."""
        if not self.least <= len(lines) <= self.most:
            return False
        unknown = max(0, len(lines) - len(self.known))
        last = self.known[len(self.known) - len(lines) + unknown :]
        return (self.older or not unknown) and tuple(lines[unknown:]) == last


@dataclass(frozen=True)
class Expected:
    """A line that a client has to receive, and the requirement that says so."""

    line: bytes
    cites: str
    before: tuple[bytes, ...] = ()  # lines that stand right before it, in any order
    open: bool = False  # any text can stand after it
    late: bool = False  # an answer whose place among the events of others is not promised
    refused: str = ""  # the requirement that is broken where an ERROR comes instead, if it is another one
    past: "Past | None" = None  # the PAST lines that stand right before it

    def matches(self, line: bytes) -> bool:
        """Whether a received line is this one."""
        return line.startswith(self.line + b" ") if self.open else line == self.line


Effect = tuple[str, Expected]  # the label of who receives it


@dataclass(frozen=True)
class Client:
    """A client that is served: what the player calls it, its user name, and its room if it has chosen one."""

    label: str
    name: str
    room: str | None = None


@dataclass(frozen=True)
class Happened:
    """The events SAID and ANNOUNCE of a room, and how many of them a server has to keep: those since it was empty."""

    room: str
    events: tuple[bytes, ...] = ()
    kept: int = 0


@dataclass(frozen=True)
class World:
    """All clients at one moment; never changed, so that a search can try several futures."""

    clients: tuple[Client, ...] = ()
    features: frozenset[str] = frozenset()
    fresh: str = ""  # a part of the names of rooms in which nothing was said before
    happened: tuple["Happened", ...] = ()  # in the rooms in which something was said

    def get(self, label: str) -> Client | None:
        """Return the client of this label, None where it is not connected."""
        return next((client for client in self.clients if client.label == label), None)

    def members(self, room: str | None, but: str = "") -> list[Client]:
        """Return the members of a room, without one; nobody is a member of the lobby."""
        return [client for client in self.clients if room and client.room == room and client.label != but]

    def connect(self, label: str, name: str) -> "World":
        """Return the world with a new client in the lobby."""
        return replace(self, clients=(*self.clients, Client(label, name)))

    def leave(self, label: str, reason: str) -> tuple["World", list[Effect]]:
        """Return the world without a client, and what its room is told [EXIT-2, LEFT-1, OPER-4]."""
        client = self._client(label)
        cites = {"exit": "EXIT-2", "lost": "LEFT-1", "removed": "OPER-4"}[reason]
        told = self._tell(client, f"LEFT {client.name} {reason}", cites)
        world = replace(self, clients=tuple(other for other in self.clients if other != client))
        return world._without_empty(client.room), told

    def announce(self, text: str) -> list[Effect]:
        """Return what the operator's words bring [OPER-1]."""
        return [(client.label, _line(f"ANNOUNCE {text}", "OPER-1")) for client in self.clients if client.room]

    def command(self, octets: bytes) -> tuple["World", list[Effect], str]:
        """Return the world after a line of the console that ends nothing, its effects, and whom it removed."""
        if refusal(octets)[0]:
            return self, [], ""
        text = octets.decode()
        name = text.removeprefix("/kick ").lower() if text.startswith("/kick ") else ""
        client = next((client for client in self.clients if client.name.lower() == name), None)
        if client is not None:
            world, told = self.leave(client.label, "removed")
            return world, [(client.label, Expected(b"BYE removed", "OPER-4")), *told], client.label
        if not text or text.startswith("/"):
            return self, [], ""
        world = self
        for room in sorted({client.room for client in self.clients if client.room}):
            world = world._happen(room, f"ANNOUNCE {text}")
        return world, self.announce(text), ""

    def act(self, label: str, octets: bytes) -> tuple["World", list[Effect]]:
        """Return the world after one line of a client (without its end), and what everybody receives for it."""
        code, cites = refusal(octets)
        if code:
            return self, [_error(label, code, cites)]
        text = octets.decode()
        if not text:
            return self, []
        if text == "exit":
            world, told = self.leave(label, "exit")
            return world, [*told, (label, _line("BYE exit", "EXIT-1"))]
        if text.startswith("/"):
            return self._command(label, text)
        if self._client(label).room is None:
            return self._enter(label, text, "STATE-6")
        return self._say(label, text, "EXIT-4" if text.strip().lower().startswith("exit") else "SAY-2")

    # ------------------------------------------------------------ inside

    def _client(self, label: str) -> Client:
        return next(client for client in self.clients if client.label == label)

    def _of(self, room: str | None) -> Happened:
        """Return what happened in a room."""
        return next((one for one in self.happened if one.room == room), Happened(room or ""))

    def _happen(self, room: str | None, event: str) -> "World":
        """Return the world after one more event that a server with `history` keeps."""
        if "history" not in self.features:
            return self
        before = self._of(room)
        now = Happened(before.room, (*before.events, event.encode())[-_KNOWN:], before.kept + 1)
        return replace(self, happened=(*(one for one in self.happened if one != before), now))

    def _without_empty(self, room: str | None) -> "World":
        """Return the world where nothing has to be kept of a room, if it has no members any more."""
        before = self._of(room)
        if not before.kept or self.members(room):
            return self
        now = replace(before, kept=0)
        return replace(self, happened=(*(one for one in self.happened if one != before), now))

    def _with(self, old: Client, new: Client) -> "World":
        return replace(self, clients=tuple(new if client == old else client for client in self.clients))

    def _tell(self, client: Client, line: str, cites: str) -> list[Effect]:
        return [(other.label, _line(line, cites)) for other in self.members(client.room, client.label)]

    def _command(self, label: str, text: str) -> tuple["World", list[Effect]]:
        word, blank, argument = text.partition(" ")
        if word not in (*_NEEDS_ARGUMENT, "/help", *(f"/{feature}" for feature in self.features & _FEATURES)):
            cites = "FEAT-1" if word[1:] in (*_FEATURES, "password") else "CMD-1"
            return self, [_error(label, "unknown-command", cites)]
        if word in _NEEDS_ARGUMENT and not argument:
            return self, [_error(label, "bad-argument", "CMD-3")]
        if word in ("/who", "/rooms") and blank:
            return self, [_error(label, "bad-argument", "WHO-4" if word == "/who" else "LIST-4")]
        if word == "/history" and not _LINES.fullmatch(argument):
            return self, [_error(label, "bad-argument", "HIST-6")]
        if word == "/tell":
            return self, self._whisper(label, argument)
        if word == "/cd":
            return self._enter(label, argument, "ROOM-4")
        if word == "/nick":
            return self._rename(label, argument)
        if word == "/say":
            return self._say(label, argument, "SAY-4" if _is_odd(argument) else "SAY-2", refused="SAY-4")
        return self, [(label, self._answer(label, word, argument))]

    def _answer(self, label: str, word: str, argument: str) -> Expected:
        """Return the answer to a command that changes nothing."""
        room = self._client(label).room
        if word == "/ping":
            return _line(f"PONG {argument}", "PING-2")
        if word == "/help":
            return Expected(b"INFO", "HELP-1", open=True)
        if word == "/who" and room is None:
            return _error(label, "no-room", "WHO-3")[1]
        if word == "/history" and room is None:
            return _error(label, "no-room", "HIST-7")[1]
        if word == "/history":
            return self._past(str(room), int(argument))
        if word == "/who":
            names = [f"MEMBER {member.name}".encode() for member in self.members(room)]
            return Expected(f"MEMBERS {room} {len(names)}".encode(), "WHO-1", tuple(sorted(names)))
        rooms = {client.room for client in self.clients if client.room}
        live = [f"LIVE {name} {len(self.members(name))}".encode() for name in rooms]
        return Expected(b"ROOMS %d" % len(live), "LIST-1", tuple(sorted(live)), late=True)

    def _past(self, room: str, count: int) -> Expected:
        """Return the answer to `/history`, which can have more lines than a server has to keep."""
        happened = self._of(room)
        older = not self.fresh or self.fresh not in room
        known = happened.events
        past = Past(known, min(count, happened.kept, _KNOWN), count, older=older or len(known) == _KNOWN)
        return Expected(f"HISTORY {room}".encode(), "HIST-1", open=True, past=past)

    def _whisper(self, label: str, argument: str) -> list[Effect]:
        """Return what `/tell` brings."""
        name, _, text = argument.partition(" ")
        if not name or not text:
            return [_error(label, "bad-argument", "TELL-4")]
        told = next((client for client in self.clients if client.name.lower() == name.lower()), None)
        if told is None:
            return [_error(label, "no-user", "TELL-3", late=True)]
        receipt = Expected(f"TOLD {told.name} {text}".encode(), "TELL-2", late=True)
        return [(told.label, _line(f"TELL {self._client(label).name} {text}", "TELL-1")), (label, receipt)]

    def _enter(self, label: str, name: str, cites: str) -> tuple["World", list[Effect]]:
        if not NAME.fullmatch(name):
            return self, [_error(label, "bad-room", "NAME-12")]
        client, room = self._client(label), name.lower()
        if room == client.room:
            return self, [(label, Expected(f"ROOM {room}".encode(), "ROOM-5", refused="ROOM-5"))]
        left = self._tell(client, f"LEFT {client.name} moved", "ROOM-3")
        moved = replace(client, room=room)
        world = self._with(client, moved)._without_empty(client.room)
        answer = (label, _line(f"ROOM {room}", cites if client.room is None else "ROOM-1"))
        return world, [*left, answer, *world._tell(moved, f"JOINED {client.name}", "ROOM-2")]

    def _say(self, label: str, text: str, cites: str, refused: str = "") -> tuple["World", list[Effect]]:
        """Say a text; what asks for it to be said, where the speaker does not get it, or an ERROR."""
        client = self._client(label)
        if client.room is None:
            return self, [_error(label, "no-room", "STATE-7")]
        said = f"SAID {client.name} {text}".encode()
        own, others = Expected(said, cites, refused=refused), Expected(said, "SAY-2")
        told = [(member.label, own if member == client else others) for member in self.members(client.room)]
        return self._happen(client.room, said.decode()), told

    def _rename(self, label: str, name: str) -> tuple["World", list[Effect]]:
        client = self._client(label)
        if not NAME.fullmatch(name):
            return self, [_error(label, "bad-name", "NAME-2")]
        if name.lower() in _RESERVED:
            return self, [_error(label, "name-taken", "NAME-6")]
        if any(other.name.lower() == name.lower() for other in self.clients if other != client):
            return self, [_error(label, "name-taken", "NAME-3", late=True)]
        told = self._tell(client, f"NICK {client.name} {name}", "NICK-2") if name != client.name else []
        own = "" if name.lower() != client.name.lower() else "NICK-3" if name == client.name else "NAME-5"
        answer = Expected(f"NAME {name}".encode(), "NICK-1", late=True, refused=own)
        return self._with(client, replace(client, name=name)), [(label, answer), *told]


def refusal(octets: bytes) -> tuple[str, str]:
    """Return the error code of a line that is no text, and the requirement; two empty texts for one that is."""
    if len(octets) > MAX_LINE:
        return "too-long", "LINE-4"
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return "bad-text", "TEXT-1"
    if _FORBIDDEN.search(text):
        return "bad-text", "TEXT-3" if "\r" in text else "TEXT-2"
    return "", ""


def lines_of(octets: bytes) -> list[bytes]:
    """Return the complete lines of a stream without their ends; what stands after the last LF is dropped [LINE-2]."""
    return [line.removesuffix(b"\r") for line in octets.split(b"\n")[:-1]]


def is_foreign(octets: bytes, *, inside_tls: bool = False) -> bool:
    """Whether the first octets of a connection end it, since they are HTTP, or TLS and not in it [NET-7, NET-8]."""
    return _HTTP.match(octets) is not None or (octets.startswith(b"\x16") and not inside_tls)


def take(received: Sequence[bytes], position: int, wanted: Expected) -> int | None:
    """Return the position after what is wanted, or None where something else stands there.

    INFO lines are passed over where none is wanted, but not within lines that have to be contiguous.
    """
    if wanted.line != b"INFO":
        position = skip_info(received, position)
    if wanted.past is not None:
        return _take_past(received, position, wanted, wanted.past)
    end = position + len(wanted.before)
    if tuple(sorted(received[position:end])) != tuple(sorted(wanted.before)):
        return None
    return end + 1 if end < len(received) and wanted.matches(received[end]) else None


def _take_past(received: Sequence[bytes], position: int, wanted: Expected, past: Past) -> int | None:
    """Return the position after an answer to `/history`, or None where another one stands there, or nothing."""
    lines: list[bytes] = []
    while position < len(received) and (match := _PAST.fullmatch(received[position])):
        lines.append(match[1])
        position += 1
    counted = wanted.line + b" %d " % len(lines)
    if not past.is_told(lines) or position == len(received) or not received[position].startswith(counted):
        return None
    return position + 1


def skip_info(received: Sequence[bytes], position: int) -> int:
    """Return the position of the next line that is no INFO line."""
    while position < len(received) and received[position].startswith(b"INFO "):
        position += 1
    return position


def without_foreign_rooms(received: Iterable[bytes], own: Collection[bytes]) -> list[bytes]:
    """Return received lines without LIVE lines of rooms of others, and each ROOMS with the number of those left.

    A ROOMS line whose number is not that of the LIVE lines right before it stays as it is.
    """
    result: list[bytes] = []
    live: list[bytes] = []
    for line in received:
        if line.startswith(b"LIVE "):
            live.append(line)
            continue
        mine = [one for one in live if one.split(b" ")[1] in own]
        counted = line == b"ROOMS %d" % len(live)
        result += [*mine, b"ROOMS %d" % len(mine) if counted else line]
        live = []
    return result + live


def _is_odd(text: str) -> bool:
    """Whether a text to say looks like something else, or like nothing."""
    return text.startswith(("/", " ", "exit")) or text == "0"


def _line(text: str, cites: str, *, late: bool = False) -> Expected:
    return Expected(text.encode(), cites, late=late)


def _error(label: str, code: str, cites: str, *, late: bool = False) -> Effect:
    return label, Expected(f"ERROR {code}".encode(), cites, open=True, late=late)
