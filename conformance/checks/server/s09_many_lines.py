"""Section 9.3 for each kind of line: many in one segment."""

from collections.abc import Callable, Sequence
from itertools import pairwise, zip_longest

from conformance.checks.registry import check
from conformance.checks.server.s09_flow import LOAD
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.text.vectors import MAX_LINE
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, like, octets
from conformance.wire.standing import of_receiving
from conformance.wire.transcript import shown

LINES = 300  # in one segment: more than an octet can count

Line = tuple[str | bytes, list[str], list[str]]  # its answers, and what another member is told


def _said(form: str) -> Callable[[Stage, str, str], list[Line]]:
    def lines(_: Stage, __: str, name: str) -> list[Line]:
        texts = [f"text {number}" for number in range(LINES)]
        return [(form.format(text), [said := f"SAID {name} {text}"], [said]) for text in texts]

    return lines


def _moves(t: Stage, room: str, name: str) -> list[Line]:
    away = t.room("away")
    out: Line = (f"/cd {away}", [f"ROOM {away}"], [f"LEFT {name} moved"])
    back: Line = (f"/cd {room.upper()}", [f"ROOM {room}"], [f"JOINED {name}"])
    return [out, back] * (LINES // 2)


def _rooms(t: Stage, _: str, name: str) -> list[Line]:
    rooms = [t.room(f"r{number}") for number in range(LINES)]
    return [(f"/cd {room}", [f"ROOM {room}"], [] if n else [f"LEFT {name} moved"]) for n, room in enumerate(rooms)]


def _named(*names: str) -> Callable[[Stage, str, str], list[Line]]:
    def lines(t: Stage, _: str, old: str) -> list[Line]:
        new = [t.name(names[n % len(names)].format(n)) for n in range(LINES)]
        return [(f"/nick {b}", [f"NAME {b}"], [f"NICK {a} {b}"]) for a, b in pairwise([old, *new])]

    return lines


def _each(line: str | bytes, answer: str) -> Callable[[Stage, str, str], list[Line]]:
    """Return what makes lines that are all alike and are told to nobody; `{room}` and `{name}` are the sender's."""

    def lines(t: Stage, room: str, name: str) -> list[Line]:
        words = {"room": room, "name": name, "unknown": unknown(t)}
        one = line if isinstance(line, bytes) else line.format(**words)
        return [(one, [answer.format(**words)], [])] * LINES

    return lines


def _pings(_: Stage, __: str, ___: str) -> list[Line]:
    return [(f"/ping {number}", [f"PONG {number}"], []) for number in range(LINES)]


_KINDS = {
    "texts": _said("{}"),
    "says": _said("/say {}"),
    "moves": _moves,
    "rooms": _rooms,
    "stays": _each("/cd {room}", "ROOM {room}"),
    "renames": _named("n{}"),
    "cases": _named("ANN", "Ann"),
    "same": _each("/nick {name}", "NAME {name}"),
    "pings": _pings,
    "bad-rooms": _each("/cd -", "ERROR bad-room ..."),
    "bad-names": _each("/nick -", "ERROR bad-name ..."),
    "taken": _each("/nick operator", "ERROR name-taken ..."),
    "missing": _each("/cd", "ERROR bad-argument ..."),
    "unknown": _each("{unknown}", "ERROR unknown-command ..."),
    "bad-texts": _each(b"\xff", "ERROR bad-text ..."),
    "too-long": _each("x" * (MAX_LINE + 1), "ERROR too-long ..."),
}


@check("FLOW-1", "150fe71ec5d9")
def hundreds_of_lines_of_each_kind(t: Stage) -> None:
    """300 lines of one kind in one segment are all answered, and told to another member, whichever kind it is."""
    t.share_if_possible(LOAD)
    played: list[tuple[Peer, Peer, list[Line]]] = []
    for kind, make in _KINDS.items():
        room = t.room(kind)
        actor, witness = t.members(room, kind, f"witness-of-{kind}")
        lines = make(t, room, actor.name)
        actor.offer(b"".join(octets(line) + b"\n" for line, _, _ in lines))
        played.append((actor, witness, lines))
    t.settle(*(actor for actor, _, _ in played))
    for actor, witness, lines in played:
        witness.settle()
        _has(t, actor, [answer for _, answers, _ in lines for answer in answers])
        _has(t, witness, [event for _, _, events in lines for event in events])


def _has(t: Stage, peer: Peer, wanted: Sequence[str]) -> None:
    """A settled peer has received these lines, and nothing else."""
    t.needs(*{one for line in wanted for one in of_receiving(line.encode())})
    for number, (line, want) in enumerate(zip_longest(peer.take(), wanted), 1):
        if line is None or want is None or not like(line, want):
            told = f"{shown(octets(want))}, line {number} of {len(wanted)}" if want else f"{len(wanted)} lines"
            raise Failed(f"{peer.label} <- {told}", f"{peer.label} <- {shown(line) if line else 'nothing more'}")


@check("FLOW-1", "150fe71ec5d9")
def hundreds_of_lists(t: Stage) -> None:
    """300 times `/who`, `/rooms`, `/history` or `/help` in one segment are all answered."""
    (ann,) = t.members(t.room(), "ann")
    kinds = (("who", b"MEMBERS "), ("rooms", b"ROOMS "), ("history 3", b"HISTORY "), ("help", b"INFO "))
    for command, last in kinds:
        if command.split(" ")[0] in (*ann.features, "help"):
            ann.settle()
            ann.inbox.clear()
            ann.send(*[f"/{command}"] * LINES)
            ann.settle()
            if (count := sum(line.startswith(last) for line in ann.inbox)) < LINES:
                raise Failed(f"ann <- {LINES} times {last.decode()}... for /{command}", f"{count} times")
