"""Says which requirement a difference between the model and a server breaks. No sockets.

A line that the model expects cites its own requirement. A line that came instead, or came although nothing was due,
often says more: an event that a line must not cause breaks the sentence which says so of that line.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from conformance.conversations.world import Client, Expected, World, refusal
from conformance.conversations.world import Past as PastLines
from conformance.wire.standing import of_refusal

_EVENTS = {b"JOINED": "ROOM-2", b"LEFT": "LEFT-2", b"NICK": "NICK-2", b"ANNOUNCE": "OPER-1"}
_CONTIGUOUS = {b"MEMBERS": "WHO-2", b"ROOMS": "LIST-2"}
_ALLOWED = {b"too-long": "LINE-3", b"bad-text": "TEXT-8"}  # what says that a line is accepted, by the ERROR that came
_GRANTED = {b"NAME": "NAME-1", b"ROOM": "NAME-11"}  # where a name is taken for none
_NAME_AT = {b"JOINED": (1,), b"LEFT": (1,), b"SAID": (1,), b"NICK": (1, 2)}  # which words of an event are user names


class Moment(NamedTuple):
    """The world at one moment, and the line that was then done: a client's, or the console's where none is named."""

    world: World
    label: str = ""
    line: bytes = b""


class Past:
    """All moments of a conversation, the first one first."""

    def __init__(self) -> None:
        self._moments: list[Moment] = []

    def note(self, world: World, label: str = "", line: bytes = b"") -> None:
        """Note what is done in a world, before it is done."""
        self._moments.append(Moment(world, label, line))

    def backward(self) -> Iterator[Moment]:
        """Return the moments, the last one first."""
        return reversed(self._moments)

    def has_typed_no_text(self) -> bool:
        """Whether one of the last lines of the console was one that is not announced since it is no text."""
        return any(refusal(one.line)[0] for one in islice(self.backward(), 2) if not one.label)

    def latest_line(self, label: str) -> bytes:
        """Return the last line of a client."""
        return next((one.line for one in self.backward() if one.label == label), b"")


def blamed(
    past: Past, world: World, label: str, expected: Expected | None, received: Sequence[bytes], texts: Collection[bytes]
) -> str:
    """Return the requirement that is broken where a client received something else than it had to.

    `expected`: None where nothing more was due; `received`: what came from there on, INFO lines left out;
    `texts`: all that was said.
    """
    line = received[0] if received else b""
    if expected is None:
        return _of_too_much(past, world, label, line)
    if line == b"BYE exit" and past.latest_line(label).strip().lower().startswith(b"exit"):
        return "EXIT-4" if expected.line != line else expected.cites
    if line.startswith(b"ERROR "):
        return _of_a_refusal(past, world, label, expected, line)
    if expected.past is not None:
        return _of_a_past(expected, expected.past, received)
    if expected.line.split(b" ")[0] in _CONTIGUOUS:
        return _of_a_list(world, expected, received)
    if expected.line == b"ERROR bad-room" and not line.startswith(b"ROOM "):
        return "NAME-12" if past.latest_line(label).startswith(b"/cd") else "STATE-6"
    if line.startswith(b"ANNOUNCE ") and past.has_typed_no_text():
        return "OPER-10"
    if line.startswith(b"ROOM ") and expected.line.startswith(b"ROOM "):
        return "NAME-10" if line.lower() == expected.line.lower() else "NAME-11"
    return _of_another_event(past, expected, line, texts) or expected.cites


def _of_a_refusal(past: Past, world: World, label: str, expected: Expected, line: bytes) -> str:
    """Return what is broken where an ERROR came instead."""
    code = line.split(b" ")[1]
    if code in _ALLOWED or expected.refused:
        return _ALLOWED.get(code) or expected.refused
    if code == b"name-taken" and expected.line.startswith(b"NAME "):
        return _of_a_kept_name(past, world, label, expected.line[5:].decode().lower())
    granted = _GRANTED.get(expected.line.split(b" ")[0], "") if code == b"bad-argument" else of_refusal(line)
    return granted or expected.cites


def _of_a_kept_name(past: Past, world: World, label: str, folded: str) -> str:
    """Return what is broken where a name is not free: another may have given it up."""
    for moment in past.backward():
        for owner in moment.world.clients:
            if owner.name.lower() == folded and owner.label != label:
                now = world.get(owner.label)
                told = moment.line or moment.world.members(owner.room, owner.label)
                return "NAME-8" if now is not None else "NAME-9" if told else "NAME-1"
    return "NAME-1"


def _of_a_list(world: World, expected: Expected, received: Sequence[bytes]) -> str:
    """Return what is broken where a list is not as it has to be."""
    word = expected.line.split(b" ")[0]
    rest = list(received)
    if all(line in rest for line in (*expected.before, expected.line)):
        return _CONTIGUOUS[word]
    if word == b"ROOMS":
        listed = {line.split(b" ")[1] for line in received if line.startswith(b"LIVE ")}
        if listed - {(client.room or "").encode() for client in world.clients}:
            return "LIST-3"
    return expected.cites


def _of_a_past(expected: Expected, past: PastLines, received: Sequence[bytes]) -> str:
    """Return what is broken where an answer to `/history` is not as it has to be."""
    last = next((at for at, line in enumerate(received) if line.startswith(expected.line + b" ")), None)
    if last is None:
        return expected.cites
    events = [line.split(b" ", 2)[2] for line in received[:last] if line.startswith(b"PAST ") and line.count(b" ") > 1]
    if len(events) < last:
        return "HIST-3"
    if not past.least <= len(events) <= past.most:
        return "HIST-4" if len(events) > past.most else "HIST-5"
    return "HIST-2" if not past.is_told(events) else "HIST-1"


def _of_another_event(past: Past, expected: Expected, line: bytes, texts: Collection[bytes]) -> str:
    """Return what is broken where an event tells the same with another text, or of somebody under another name."""
    wanted, got = expected.line.split(b" ", 2), line.split(b" ", 2)
    if wanted[0] != got[0] or wanted[0] not in _NAME_AT:
        return ""
    if wanted[:2] == got[:2] and wanted[0] == b"SAID":
        return "" if b"".join(got[2:]) in texts else "TEXT-5"
    if wanted[2:] != got[2:] or len(got) < 2:
        return ""
    owners = {c.label for one in past.backward() for c in one.world.clients if c.name.encode() == wanted[1]}
    if any(c.label in owners and c.name.encode() == got[1] for one in past.backward() for c in one.world.clients):
        return "NICK-5"
    return "NAME-4" if wanted[1].lower() == got[1].lower() else ""


def _of_too_much(past: Past, world: World, label: str, line: bytes) -> str:
    """Return what is broken where a client receives a line although nothing is due to it."""
    client = world.get(label)
    if client is None:
        return "BYE-2"
    word = line.split(b" ")[0]
    if word == b"SAID" or word in _EVENTS:
        return "STATE-4" if client.room is None else _of_an_event(past, world, client, line)
    if word == b"ERROR" and not past.latest_line(label):
        return "LINE-5"
    if line == b"BYE exit" and past.latest_line(label).strip().lower().startswith(b"exit"):
        return "EXIT-4"
    return "CMD-5"


def _of_an_event(past: Past, world: World, client: Client, line: bytes) -> str:
    word, _, rest = line.partition(b" ")
    about = rest.split(b" ")[0].decode("utf-8", "replace")
    if word == b"SAID":
        return "SAY-2" if about in [member.name for member in world.members(client.room)] else "SAY-3"
    if word == b"ANNOUNCE":
        typed = (one.world.get(client.label) for one in past.backward() if not one.label and one.line == rest)
        return "ORDER-2" if any(then is None or then.room != client.room for then in typed) else "OPER-1"
    for moment in past.backward():
        if cites := forbidden(moment, line):
            return cites
    if about == client.name and word == b"LEFT":
        return "ROOM-3"
    met = any(
        then.room == now.room is not None
        for one in past.backward()
        for then in one.world.clients
        if then.name == about and (now := one.world.get(client.label)) is not None
    )
    if not met and word != b"JOINED" and any(other.name == about for other in world.clients):
        return "OUT-3"
    return _EVENTS[word]


def forbidden(moment: Moment, event: bytes) -> str:
    """Return which requirement says that what was done at a moment does not bring this event; nothing if none does."""
    client = moment.world.get(moment.label)
    if client is None:
        return ""
    word, _, argument = moment.line.partition(b" ")
    name = client.name.encode()
    events = {
        b"/nick": b"NICK %b %b" % (name, argument),
        b"/cd": b"LEFT %b moved" % name,
        b"exit": b"LEFT %b exit" % name,
    }
    if event != events.get(word) and not (word == b"/cd" and event == b"JOINED %b" % name):
        return ""
    after, _ = moment.world.act(moment.label, moment.line)
    now = after.get(moment.label)
    if client.room is None and word != b"/cd":
        return "STATE-5"
    if word == b"/nick" and now == client:
        return "NICK-3" if name == argument else "NICK-4"
    if word == b"/cd" and now == client:
        return "ROOM-5" if client.room == argument.decode("utf-8", "replace").lower() else "ROOM-6"
    return ""
