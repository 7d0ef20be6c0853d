"""Sections 9.3 and 9.4 for each kind of line: those who read slowly, and those who ask and do not read."""

from dataclasses import dataclass
from time import monotonic

from conformance.checks.registry import check
from conformance.checks.server.crowds import crowd
from conformance.checks.server.s09_flow import LOAD
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, octets
from conformance.wire.transcript import shown

MEBI = 1 << 20
SMALL = 4096  # octets of a receive buffer, so that what is not read waits at the server
TEXT = "x" * 3900
FLOOD = 2_000_000  # octets that a room is told: more than the bound that is recommended [section 12]
RENAMINGS = 2  # there and back, before each move: of what brings most octets for a line
PAUSE, MOMENT = 0.6, 0.1  # seconds in which a slow reader does not read, and in which it does
SOME = 98_304  # octets that it reads then, at most
QUIET = 0.25  # seconds without an answer, after which one who floods is read no more
TOO_LONG = 0.9  # seconds without reading, after which a server may take somebody for one who does not read [FLOW-3]
ATTEMPTS = 3
ANSWERS = 20 * MEBI  # octets that are asked for: more than any server lets wait, with what operating systems keep
QUESTIONS = 2 * MEBI  # octets in which it is asked, at most
LISTED = 20  # further members, and rooms
READ_ON = 2.0  # seconds in which a server would read on, and answer more than may wait


@dataclass
class _Flood:
    """A room that one floods, and that another reads slowly."""

    flooder: Peer
    reader: Peer
    octets: bytes
    events: list[bytes]


def _prepared(t: Stage, kind: str, attempt: int) -> _Flood:
    """Return a room for a kind of line that others are told of."""
    room, away = t.room(f"{kind}{attempt}"), t.room(f"away{attempt}")
    (flooder,) = t.members(room, f"{kind}-flooder{attempt}")
    # Long names, so that it takes few lines to flood.
    name, other = (f"{letter}{kind}{attempt}-{t.suffix}".ljust(32, "x") for letter in "ab")
    t.rename(flooder, name)
    reader = t.connect(f"{kind}-reader{attempt}", receive_buffer=SMALL)
    t.enter(reader, room, flooder)
    reader.settled()
    lines, events = {
        "texts": ([TEXT], [f"SAID {name} {TEXT}"]),
        "says": ([f"/say {TEXT}"], [f"SAID {name} {TEXT}"]),
        "moves": (
            [f"/nick {other}", f"/nick {name}"] * RENAMINGS
            + [f"/nick {other}", f"/cd {away}", f"/nick {name}", f"/cd {room}"],
            [f"NICK {name} {other}", f"NICK {other} {name}"] * RENAMINGS
            + [f"NICK {name} {other}", f"LEFT {other} moved", f"JOINED {name}"],
        ),
    }[kind]
    count = FLOOD // sum(len(event) + 1 for event in events)
    octets_of_all = "".join(f"{line}\n" for line in lines).encode() * count
    return _Flood(flooder, reader, octets_of_all, [event.encode() for event in events] * count)


@check("FLOW-7", "483361ff2604", slow=2)
def who_reads_texts_slowly_is_not_removed(t: Stage) -> None:
    """A member that reads slowly in a room that is flooded with texts, or with `/say`, stays, and gets all of them."""
    for kind in ("texts", "says"):  # of lines by turns, those that are held back would hold back the others
        _stays(t, kind)


@check("FLOW-7", "483361ff2604", slow=10)
def who_reads_moves_slowly_is_not_removed(t: Stage) -> None:
    """A member that reads slowly in a room that one leaves, renamed, and enters again and again stays."""
    _stays(t, "moves")


def _stays(t: Stage, kind: str) -> None:
    t.share_if_possible(LOAD)
    for attempt in range(ATTEMPTS):
        flood = _prepared(t, kind, attempt)
        longest = 0.0
        try:
            longest = _read_slowly(t, flood)
            _read_all(flood)
            return
        except Failed:
            if longest < TOO_LONG or attempt == ATTEMPTS - 1:
                raise
        flood.flooder.close()  # on a machine that has too much to do, we may have read too slowly ourselves
        flood.reader.close()


def _read_slowly(t: Stage, flood: _Flood) -> float:
    """Let one flood, and the other read a little, time after time, until who floods is not answered meanwhile.

    Returns the longest time in seconds in which nothing was read.
    """
    flooder, reader = flood.flooder, flood.reader
    reader.stall()
    flooder.offer(flood.octets)
    longest, looked, before = 0.0, monotonic(), -1
    while flooder.octets_received != before:
        before, end = flooder.octets_received, monotonic() + QUIET
        while flooder.octets_received == before and (left := end - monotonic()) > 0:
            t.pump(left)
        if monotonic() > looked + PAUSE:
            longest = max(longest, monotonic() - looked)
            read_some(t, reader)
            looked = monotonic()
    return max(longest, monotonic() - looked)


def read_some(t: Stage, reader: Peer) -> None:
    """Read for a moment, so much at most that the server's operating system takes more for it."""
    most, end = reader.octets_received + SOME, monotonic() + MOMENT
    reader.stall(stalled=False)
    while reader.octets_received < most and not reader.ended and (left := end - monotonic()) > 0:
        t.pump(left)
    if not reader.ended:
        reader.stall()


def _read_all(flood: _Flood) -> None:
    """Let the slow reader read everything, and compare."""
    flood.reader.stall(stalled=False)
    for number, event in enumerate(flood.events, 1):
        if flood.reader.inbox and flood.reader.inbox[0] == event:
            flood.reader.inbox.popleft()
            continue
        told = f"{flood.reader.label} <- {shown(event)}, event {number} of {len(flood.events)}"
        try:
            line = flood.reader.receive(what=told)
        except Failed as failed:
            failed.cites = "FLOW-7" if flood.reader.ended else "FLOW-1"
            raise
        if line != event:
            cites = "FLOW-7" if line.startswith(b"BYE ") else "FLOW-1"
            raise Failed(told, f"{flood.reader.label} <- {shown(line)}", cites=cites)


@check("FLOW-2", "6b254b58f7a9", slow=3)
def whatever_is_asked_and_not_read_is_not_collected(t: Stage) -> None:
    """A client that asks for much and does not read is read no more after a while, and not removed."""
    t.share_if_possible(LOAD)
    room = t.room()
    (helper,) = t.members(room, "helper")
    listed = crowd(t, *[room] * LISTED, *(t.room(f"r{number}").ljust(32, "x") for number in range(LISTED)))
    for number, peer in enumerate(listed):
        peer.send(f"/nick {t.name(f'L{number}').ljust(32, 'x')}")  # so that lists are long
    t.quiet(helper, *listed)
    asked: list[tuple[Peer, bytes]] = []
    for label, text in _questions(t, room, helper).items():
        asker = t.connect(label, receive_buffer=SMALL)
        t.enter(asker, room, helper)
        asker.settle()
        asker.inbox.clear()
        asker.send(line := octets(text))
        asker.settle()
        size = sum(len(answer) + 1 for answer in asker.inbox)
        asked.append((asker, (line + b"\n") * min(ANSWERS // max(size, 1), QUESTIONS // (len(line) + 1))))
    helper.settled()
    askers = [asker for asker, _ in asked]
    for asker, questions in asked:
        asker.stall()
        asker.offer(questions)
    _stay(t, helper, askers, READ_ON)
    for asker in askers:
        asker.offer(b"\n")  # who has been removed is told by that
    t.give_turn()
    _stay(t, helper, askers, 0)


def _questions(t: Stage, room: str, client: Peer) -> dict[str, str | bytes]:
    lists: dict[str, str | bytes] = {word: f"/{word}" for word in ("who", "rooms") if word in client.features}
    return {
        **lists,
        "help": "/help",
        "ping": f"/ping {TEXT}",
        "stays": f"/cd {room}",
        "bad-room": "/cd -",
        "missing": "/say",
        "unknown": unknown(t),
        "bad-text": b"\xff",
    }


def _stay(t: Stage, helper: Peer, askers: list[Peer], seconds: float) -> None:
    """For some seconds, nobody is removed."""
    end = monotonic() + seconds
    while True:
        gone = [asker.label for asker in askers if asker.ended or asker.refused]
        left = [line for line in helper.inbox if line.startswith(b"LEFT ")]
        if gone or left:
            received = f"helper <- {shown(left[0])}" if left else f"that of {gone[0]} is ended"
            raise Failed("the connection of a client that asks much, and does not read, goes on", received)
        if (rest := end - monotonic()) <= 0:
            return
        t.pump(rest)
