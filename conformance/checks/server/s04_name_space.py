"""Section 4, Names, from the whole space: nothing is taken for equal, reserved, a letter or a blank that is not."""

import re
from random import Random

from conformance.checks.registry import check
from conformance.checks.server.looks import asks
from conformance.stage.server import Stage
from conformance.text.name_space import GROUPS, WORDS, drawn_names, near, no_names
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer
from conformance.wire.transcript import shown

DRAWN = 12  # names by chance that somebody has
LETTERS = "abcdefghijklmnopqrstuvwxyz"
_EVENTS = (b"SAID", b"JOINED", b"LEFT", b"NICK")


def _held_and_others(t: Stage) -> tuple[list[str], list[str]]:
    """Return names that are held by somebody, and others that are free, since they differ from all of them."""
    drawn = drawn_names(Random(t.seed), DRAWN)
    held = [*(group[0] for group in GROUPS), *drawn]
    others = [name for group in GROUPS for name in group[1:]]
    others += [*WORDS, *(name for one in drawn for name in near(one)), *drawn_names(Random(t.seed + 1), DRAWN)]
    taken = {name.lower() for name in held}
    return held, [name for name in dict.fromkeys(others) if name.lower() not in taken]


def _receives(t: Stage, peer: Peer, line: str, answer: str) -> None:
    """The answer to a line comes; before it only events of strangers, in a room with a usual name."""
    t.transcript.awaits_answer(peer.label, f"{line}\n".encode())
    while (received := peer.receive(what=f'{peer.label} <- "{answer}"')).split(b" ")[0] in _EVENTS:
        if t.subject.can_start:
            break
    if received == answer.encode():
        return
    if t.subject.can_start or not received.startswith(b"ERROR name-taken "):  # by a stranger
        raise Failed(f'{peer.label} <- "{answer}", for {line}', f"{peer.label} <- {shown(received)}")


@check("NAME-1", "b74ada0bbafe")
def names_that_others_take_for_equal(t: Stage) -> None:
    """Names like 01 and 1, a_b and a-b, null, con, guest-77 are free while others have names like them."""
    t.take_turn_if_possible()
    held, others = _held_and_others(t)
    ann, *holders = t.clients("ann", *(f"holder{number}" for number in range(1, len(held) + 1)))
    for number, client in enumerate((ann, *holders)):
        t.rename(client, t.name(f"before{number}"))
    for holder, name in zip(holders, held, strict=True):
        holder.send(f"/nick {name}")
        _receives(t, holder, f"/nick {name}", f"NAME {name}")
    ann.send(*(f"/nick {name}" for name in others))
    for name in others:
        _receives(t, ann, f"/nick {name}", f"NAME {name}")


@check("NAME-11", "a0bc94d16f92")
def rooms_that_others_take_for_equal(t: Stage) -> None:
    """Rooms like 01 and 1, a_b and a-b, null, con are rooms of their own: each can be entered, with /cd or without."""
    t.take_turn_if_possible()
    held, others = _held_and_others(t)
    ann, *holders = t.clients("ann", *(f"holder{number}" for number in range(1, len(held) + 1)))
    for holder, room in zip(holders, held, strict=True):
        holder.send(f"/cd {room}")
        _receives(t, holder, f"/cd {room}", f"ROOM {room.lower()}")
    ann.send(*(f"/cd {room}" for room in others))
    for room in others:
        _receives(t, ann, f"/cd {room}", f"ROOM {room.lower()}")
    if t.subject.can_start:
        t.nothing(ann, *holders)
    rooms = _by_name_alone(t)
    clients = t.clients(*(f"client{number}" for number in range(1, len(rooms) + 1)))
    for client, room in zip(clients, rooms, strict=True):
        client.send(room)
    for client, room in zip(clients, rooms, strict=True):
        _receives(t, client, room, f"ROOM {room}")


def _by_name_alone(t: Stage) -> list[str]:
    """Return rooms that are entered without a command."""
    always = ["con", "constructor", "0", "01", "help", "nick", "guest-77"]
    drawn = Random(t.seed).sample([*WORDS, *(name for group in GROUPS for name in group)], 2 * DRAWN)
    return list(dict.fromkeys(room.lower() for room in (*always, *drawn)))


@check("NAME-3", "0e051c01317d")
def each_letter_is_folded(t: Stage) -> None:
    """A name that differs from another's in the case of any letters, all 26 of them, is taken."""
    ann, bob = t.clients("ann", "bob")
    t.rename(ann, f"{LETTERS}{t.suffix}"[:32])
    t.rename(bob, t.name("Bob"))
    asks(t, bob, ((f"/nick {name}", "ERROR name-taken ...") for name in _in_other_cases(ann.name)))


@check("NAME-10", "8d288089fb9d")
def each_letter_of_a_room_is_folded(t: Stage) -> None:
    """Rooms whose names differ in the case of any letters, all 26 of them, are one."""
    room = f"{LETTERS}{t.suffix}"[:32]
    ann, bob = t.members(room, "ann", "bob")
    asks(t, ann, ((f"/cd {name}", f"ROOM {room}") for name in _in_other_cases(room)))
    t.nothing(ann, bob)


def _in_other_cases(name: str) -> list[str]:
    """Return a name in capitals, in small letters, and with each letter alone in the other case."""
    letters = [match.start() for match in re.finditer("[A-Za-z]", name)]
    ones = [name[:place] + name[place].swapcase() + name[place + 1 :] for place in letters]
    return [name.upper(), name.lower(), name.swapcase(), name.title(), *ones]


@check("NAME-2", "375ecb10907b")
def names_beyond_the_form(t: Stage) -> None:
    """Names with any character beyond ASCII, any blank, any sign, or too many octets are refused with bad-name."""
    ann, cyd = t.members(t.room(), "ann")[0], t.connect("cyd")
    texts = no_names(Random(t.seed))
    for client in (ann, cyd):
        asks(t, client, ((f"/nick {text}", "ERROR bad-name ...") for text in texts))
        texts = texts[:: len(texts) // 50]  # in the lobby, a few of them
    t.nothing(ann, cyd)


@check("NAME-12", "f264fb3829fc")
def rooms_beyond_the_form(t: Stage) -> None:
    """Rooms with any character beyond ASCII, any blank, any sign, or too many octets are refused with bad-room."""
    ann, cyd = t.members(t.room(), "ann")[0], t.connect("cyd")
    texts = no_names(Random(t.seed))
    asks(t, ann, ((f"/cd {text}", "ERROR bad-room ...") for text in texts))
    asks(t, cyd, ((text, "ERROR bad-room ...") for text in texts))
    t.nothing(ann, cyd)
    t.nothing(cyd, ann)


@check("PING-2", "15b5aaa59c63")
def tokens_that_others_take_for_none(t: Stage) -> None:
    """Tokens like 0, false, null and 1e0 come back as they were."""
    ann = t.connect("ann")
    asks(t, ann, ((f"/ping {token}", f"PONG {token}") for token in _words()))


@check("SAY-4", "38dfd064783b")
def arguments_that_others_take_for_none(t: Stage) -> None:
    """`/say` says texts like 0, false, null and 1e0 as they are."""
    (ann,) = t.members(t.room(), "ann")
    asks(t, ann, ((f"/say {text}", f"SAID {ann.name} {text}") for text in _words()))


@check("SAY-1", "319e3fb9e6fc")
def texts_that_others_take_for_none(t: Stage) -> None:
    """Lines like 0, false, null and 1e0 are said as they are."""
    (ann,) = t.members(t.room(), "ann")
    asks(t, ann, ((text, f"SAID {ann.name} {text}") for text in _words()))


def _words() -> list[str]:
    """Return words, numbers, and texts that look like values of a language."""
    values = ["-0", "0.0", "+0", "-1", "[]", "{}", '""', "''", "()", "\\0", "%", "%s", "$0", "#", ";", "?", "NULL"]
    return [*WORDS, *(name for group in GROUPS for name in group), *values]
