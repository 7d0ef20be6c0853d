"""Section 9, for each member of a room: the first, the second, and those after them."""

import time

from conformance.checks.registry import check
from conformance.checks.server.s09_flow import LOAD
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.transcript import shown

LABELS = ("ann", "bob", "cyd", "dan", "eve")
SMALL = 4096  # octets of a receive buffer, so that what is not read waits at the server
WORDS = 700  # that are said to somebody who reads them more slowly


def _members(t: Stage, room: str, *labels: str) -> list[Peer]:
    """Return members of a room, without drawing a conclusion from their pings; what they were told is dropped."""
    peers = t.members(room, *labels)
    for peer in peers:
        peer.round_trip()
        peer.inbox.clear()
    return peers


def _lines(t: Stage, room: str, away: str, label: str, old: str) -> tuple[list[str | bytes], list[str]]:
    """Return lines of all kinds that a member sends, and what they bring it."""
    name = t.name(f"of-{label}-")
    lines: list[str | bytes] = [
        "hello",
        "/ping 1",
        unknown(t),
        "/say there",
        "/ping 2",
        f"/nick {name}",
        "\u20ac",
        b"\xff",
    ]
    lines += ["/ping 3", "/nick operator", f"/cd {away}", "here", "/ping 4", f"/cd {room}", "back", "/cd", "/ping 5"]
    answers = [
        f"SAID {old} hello",
        "PONG 1",
        "ERROR unknown-command ...",
        f"SAID {old} there",
        "PONG 2",
        f"NAME {name}",
    ]
    answers += [f"SAID {name} \u20ac", "ERROR bad-text ...", "PONG 3", "ERROR name-taken ...", f"ROOM {away}"]
    answers += [f"SAID {name} here", "PONG 4", f"ROOM {room}", f"SAID {name} back", "ERROR bad-argument ...", "PONG 5"]
    return lines, answers


@check("ORDER-4", "e471a0c3e3be")
def answers_come_in_order_to_each_member(t: Stage) -> None:
    """Answers and events come in the order of the lines to each member of a room, the first and the fifth."""
    room, away = t.room(), t.room("away")
    members = _members(t, room, *LABELS)
    _members(t, away, "far1", "far2", "far3")
    for member in members:
        member.round_trip()
        member.inbox.clear()  # what the others did
        lines, answers = _lines(t, room, away, member.label, member.name)
        member.send(*lines)
        member.expect(*answers)


@check("ORDER-3", "8fd0e0e439ba")
def each_member_sees_the_order_of_the_lines(t: Stage) -> None:
    """All that the lines of one segment bring others stands in the order of the lines, for each member of a room."""
    room, away = t.room(), t.room("away")
    *members, ann = _members(t, room, *LABELS)
    name = t.name("Anna")
    ann.send("one", f"/nick {name}", "two", f"/cd {away}", "three", f"/cd {room}", "four", f"/nick {ann.name}", "exit")
    events = [f"SAID {ann.name} one", f"NICK {ann.name} {name}", f"SAID {name} two", f"LEFT {name} moved"]
    events += [f"JOINED {name}", f"SAID {name} four", f"NICK {name} {ann.name}", f"LEFT {ann.name} exit"]
    for member in members:
        wanted = [line.encode() for line in events]
        received = [member.receive(what=f"{member.label} <- {listed(wanted)}") for _ in wanted]
        if received != wanted:
            raise Failed(f"{member.label} <- {listed(wanted)}", f"{member.label} <- {listed(received)}")


@check("ORDER-8", "747fd63dede8")
def each_kind_of_event_comes_to_each_member(t: Stage) -> None:
    """All that a member's lines bring has come to each other member when it has the PONG to a ping sent after that."""
    room = t.room()
    members = _members(t, room, *LABELS)
    for member in members:
        name = t.name(f"of-{member.label}-")
        steps = [
            ("hello", f"SAID {member.name} hello"),
            (f"/nick {name}", f"NICK {member.name} {name}"),
            ("/say there", f"SAID {name} there"),
            (f"/cd {t.room('away')}", f"LEFT {name} moved"),
            (f"/cd {room}", f"JOINED {name}"),
        ]
        for line, event in steps:
            member.send(line)
            member.round_trip()
            others = [other for other in members if other is not member]
            for other, pong in [(other, other.ping()) for other in others]:
                other.await_pong(pong)
                if event.encode() not in other.inbox:
                    raise Failed(f"{other.label} <- {event}, before the PONG to a later ping", listed(other.inbox))
                other.inbox.clear()
        member.name = name


@check("ORDER-7", "e5e7cfbfb58c")
def pongs_behind_much_that_waits(t: Stage) -> None:
    """A client that says and asks much and reads later gets each PONG in its place among its words and errors."""
    clients = [t.members(t.room(f"room{n}"), f"ann{n}", receive_buffer=SMALL)[0] for n in range(1, 4)]
    wanted: dict[str, list[str]] = {}
    for number, client in enumerate(clients, 1):
        client.round_trip()
        client.inbox.clear()
        client.stall()
        lines, wanted[client.label] = [], []
        for place in range(1, 241):
            text = f"{place} " + "x" * (3900 - 300 * number)
            pong = f"{number} {place}"
            lines += [text, f"/ping {pong}", *(["/nick ."] if place % 5 == 0 else [])]
            wanted[client.label] += [f"SAID {client.name} {text}", f"PONG {pong}"]
            wanted[client.label] += ["ERROR bad-name ..."] if place % 5 == 0 else []
        client.offer("".join(f"{line}\n" for line in lines).encode())
    helper = t.connect("helper")
    for _ in range(20):  # turns, in which much begins to wait
        helper.round_trip()
    for client in clients:
        client.stall(stalled=False)
    for client in clients:
        for line in wanted[client.label]:
            received = client.receive(what=f"{client.label} <- {shown(line.encode())}")
            if received != line.encode() and not (line.startswith("ERROR") and received.startswith(b"ERROR bad-name ")):
                raise Failed(f"{client.label} <- {shown(line.encode())}", f"{client.label} <- {shown(received)}")


@check("FLOW-1", "150fe71ec5d9", slow=1)
def nothing_is_dropped_for_who_reads_slowly(t: Stage) -> None:
    """A member that reads more slowly than another speaks gets each word, in order, as long as it is served at all."""
    t.share_if_possible(LOAD)
    room = t.room()
    (ann,) = t.members(room, "ann")
    bob = t.connect("bob", receive_buffer=SMALL)
    t.enter(bob, room, ann)
    bob.settled()
    texts = [f"{number} " + "x" * 2000 for number in range(1, WORDS + 1)]
    ann.offer("".join(f"{text}\n" for text in texts).encode())
    came, end = 0, time.monotonic() + t.deadline
    while came < WORDS and not (bob.ended and not bob.inbox):
        bob.stall(stalled=False)
        t.pump(0.01)  # one small piece
        bob.stall()
        t.pump(0)
        for line in bob.take():
            if line == b"BYE slow":
                return
            if line != (said := f"SAID {ann.name} {texts[came]}".encode()):
                raise Failed(f"bob <- {shown(said)}, since it is read", f"bob <- {shown(line)}")
            came, end = came + 1, time.monotonic() + t.deadline
        if time.monotonic() > end:
            raise Failed(f"bob <- all {WORDS} words, since they are read", f"{came} of them, and then nothing")
