"""The ground of each connection: the greeting, and the barrier."""

import contextlib
import re

from conformance.checks.registry import check
from conformance.checks.server import ground
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.standing import LINES_TOGETHER
from conformance.wire.transcript import shown

_OF_A_GREETING = (b"HELLO", b"NAME", b"INFO", b"ERROR")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


# ---------------- greeting and ping


@check("NET-1", "633bb49a6b72", ground=1)
def several_connections_at_once(t: Stage) -> None:
    """Three connections at once are served, each from the first octet that the client sends."""
    pings_are_answered = True
    for peer in [t.dial(f"client{number}") for number in range(3)]:
        peer.send("/ping first", "/ping second")
        line = peer.receive(info=True, what=f"{peer.label} <- anything")
        while pings_are_answered and line.split(b" ")[0] in _OF_A_GREETING and not peer.ended:
            try:
                line = peer.receive(info=True, what="an answer")
            except Failed:  # that a ping is answered is another's matter
                pings_are_answered = False
        if line == b"PONG second" and not ground.comes_late(t, peer, "PONG first"):
            raise Failed(f'{peer.label} <- "PONG first" and "PONG second"', f"{peer.label} <- {shown(line)} alone")


@check("STATE-1", "3d95ec05d974", ground=1)
def hello(t: Stage) -> None:
    """The first line is HELLO, and comes to a client that sends nothing."""
    line = t.dial("ann").receive(info=True, what='ann <- "HELLO flurfunk/1 ..."')
    if line.split(b" ")[:2] != [b"HELLO", b"flurfunk/1"]:
        raise Failed('ann <- "HELLO flurfunk/1 ..."', f"ann <- {shown(line)}")


@check("STATE-2", "0e595b96ba99", ground=1)
def name(t: Stage) -> None:
    """The second line is NAME with a name."""
    t.connect("ann")


@check("NAME-7", "e2f49478b8c7", ground=1)
def made_up_names(t: Stage) -> None:
    """The names that two clients have from the server have the form of a name, and differ."""
    names = [t.connect(label).name for label in ("ann", "bob")]
    if wrong := [name for name in names if not _NAME.fullmatch(name)]:
        raise Failed("NAME with 1 to 32 letters, digits, - and _", f"NAME {wrong[0]}")
    if names[0].lower() == names[1].lower():
        raise Failed("two names for two clients", f"NAME {names[1]} for both")


@check("CMD-6", "3bf21a51239d", ground=1)
def one_outcome(t: Stage) -> None:
    """Not every line that is carried out is carried out, or answered, twice."""
    ann = t.connect("ann")
    name, other = t.name(), t.name("Anna")
    ann.send(f"/nick {name}", f"/cd {t.room()}", "a", f"/nick {other}", f"/cd {t.room('other')}", "b")
    ground.comes_late(t, ann, f"SAID {other} b")
    received = ann.take()
    answers = (f"NAME {name}", f"ROOM {t.room()}", f"SAID {name} a")
    counts = [count for answer in answers if (count := received.count(answer.encode()))]
    if counts and min(counts) > 1:  # where but one of them comes twice, that is another's matter
        raise Failed(f"ann <- {', '.join(answers)}, each once", f"ann <- {listed(received)}")


@check("ORDER-6", "9a95eef2b109", ground=1)
def pongs_in_each_state(t: Stage) -> None:
    """Where one ping is answered, all are: as the first line, after the choice of a room, and after a move."""
    ann = t.dial("ann")
    pongs = [f"PONG x-{number}" for number in range(3)]
    for pong, line in zip(pongs, (t.room(), f"/cd {t.room('other')}", ""), strict=True):
        ann.send(pong.replace("PONG", "/ping"))
        ground.comes_late(t, ann, pong)  # so that each line has a segment of its own
        if line:
            ann.send(line)
            ground.comes_late(t, ann, f"ROOM {line.removeprefix('/cd ')}")
    unanswered = ground.missing(t, ann, *pongs)
    if len(unanswered) in (1, 2):  # where none is answered it is another's matter
        raise Failed(f"ann <- {', '.join(unanswered)}", f"ann <- {listed(ann.inbox)}")


@check("PING-1", "f0880df9aa03", ground=1)
def pong(t: Stage) -> None:
    """A ping in the lobby is answered with one PONG."""
    ann = t.connect("ann")
    ann.send("/ping x-1")
    _pongs(ann, {b"PONG x-1"})


@check("NET-3", "c221683ea6db", ground=1, fact=LINES_TOGETHER)
def two_lines_in_one_segment(t: Stage) -> None:
    """Two pings in one segment are two lines."""
    t.needs("ORDER-6", "PING-1")
    ann = t.connect("ann")
    ann.send("/ping x-1", "/ping x-2")
    _pongs(ann, {b"PONG x-1", b"PONG x-2"})


def _pongs(ann: Peer, wanted: set[bytes]) -> None:
    """Receive these PONGs; which comes first is another's matter."""
    pongs: list[bytes] = []
    while len(pongs) < len(wanted):
        line = ann.receive(what=f"ann <- {listed(sorted(wanted))}")
        answer = line.startswith(b"ERROR") or any(line.endswith(pong[5:]) for pong in wanted)  # ROOM x-1, for instance
        if answer and not line.startswith(b"PONG"):
            raise Failed(f"ann <- {listed(sorted(wanted))}", f"ann <- {shown(line)}")
        pongs += [line] if line.startswith(b"PONG") else []
    if set(pongs) != wanted:
        cites = "" if set(pongs) < wanted else "PING-2"
        raise Failed(f"ann <- {listed(sorted(wanted))}", f"ann <- {listed(pongs)}", cites=cites)


# ---------------- the barrier


@check("ERR-2", "a450d1ae1491", ground=2)
def served_after_an_error(t: Stage) -> None:
    """The connection of a client that sent a command that no server knows does not end."""
    ann = t.connect("ann")
    ann.send(unknown(t))
    pong = ann.ask()
    with contextlib.suppress(Failed):  # that a ping is answered is another's matter
        t.wait_for(ann, lambda: not ann.awaits(pong), f"ann <- {shown(pong)}")
    if ann.ended:
        raise Failed(f"ann <- {shown(pong)}", ann.ending())


@check("ORDER-3", "8fd0e0e439ba", ground=2)
def in_the_order_of_the_lines(t: Stage) -> None:
    """All that the lines of one segment bring another member stands in the order of the lines."""
    room, bob = t.room("of-bob"), ground.alone(t, "bob")
    ann = t.connect("ann")
    bob.settled()
    one, two, three, four = (f"{word} {t.suffix}" for word in ("one", "two", "three", "four"))
    ground.came(ann, room, one)
    ground.came(ann, two, f"/nick {t.name()}", three)
    ground.came(ann, four, f"/cd {t.room('other')}")
    # With which name something is said is not the matter, nor what is missing or comes twice.
    ends = (f"JOINED {ann.name}", one, two, f"NICK {ann.name} {t.name()}", three, four, f"LEFT {t.name()} moved")
    received = bob.settled()
    places = [place for line in received for place, end in enumerate(ends) if line.endswith(end.encode())]
    if places != sorted(places):
        raise Failed(f"bob <- {', '.join(ends)} in this order", f"bob <- {listed(received)}")


@check("ORDER-4", "e471a0c3e3be", ground=2)
def answers_in_order(t: Stage) -> None:
    """The answers to several lines in one segment come in the order of the lines."""
    ann, name, room = t.connect("ann"), t.name(), t.room()
    ann.round_trip()
    ann.take()
    ann.send(f"/nick {name}", room, "a", "/cd")
    ann.round_trip()
    answers = [f"NAME {name}", f"ROOM {room}", f"SAID {name} a", "ERROR bad-argument"]
    received = ann.take()
    places = [place for line in received for place, one in enumerate(answers) if line.startswith(one.encode())]
    if places != sorted(places):  # what is missing altogether is not the matter
        raise Failed(f"ann <- {', '.join(answers)} in this order", f"ann <- {listed(received)}")


@check("ORDER-7", "e5e7cfbfb58c", ground=2)
def pongs_in_place(t: Stage) -> None:
    """Where lines and pings alternate in one segment, what comes of each line stands between two PONGs."""
    t.needs("ORDER-6", "PING-1", "PING-2")
    ann, name, room = t.connect("ann"), t.name(), t.room()
    ann.send("/ping x1", f"/nick {name}", "/ping x2", room, "/ping x3", "a", "/ping x4", "/cd", "/ping x5")
    places = {f"NAME {name}": 1, f"ROOM {room}": 2, f"SAID {name} a": 3, "ERROR bad-argument": 4}
    pongs = 0
    while pongs < len(places) + 1:
        line = ann.receive(what=f'ann <- "PONG x{pongs + 1}"')
        place = next((place for answer, place in places.items() if line.startswith(answer.encode())), pongs)
        if place != pongs:  # what is missing altogether is not the matter
            raise Failed(f"ann <- {shown(line)} after PONG x{place}", f"it comes after {pongs} PONGs")
        if line.startswith(b"PONG"):
            pongs += 1
            if line != b"PONG x%d" % pongs:
                raise Failed(f'ann <- "PONG x{pongs}"', f"ann <- {shown(line)}")


@check("ORDER-8", "747fd63dede8", ground=2)
def pongs_prove(t: Stage) -> None:
    """All that a client's lines bring another has come before the PONG to a ping that the other sends after its own."""
    ann, bob = t.connect("ann"), t.connect("bob")
    name, old = t.name("Bob"), bob.name
    ann.send(t.room())
    ann.round_trip()
    steps = {f"/cd {t.room()}": f"JOINED {old}", "hello": f"SAID {old} hello", f"/nick {name}": f"NICK {old} {name}"}
    steps[f"/cd {t.room('other')}"] = f"LEFT {name} moved"
    missing: list[str] = []
    ann.take()
    for line, event in steps.items():
        bob.send(line)
        bob.round_trip()
        ann.round_trip()
        received = ann.take()
        if late := next((one for one in missing if one.encode() in received), ""):
            raise Failed(f"ann <- {late} before a PONG", "it comes after the PONG")
        missing += [] if event.encode() in received else [event]
    if late := ground.comes_late(t, ann, *missing).decode():
        raise Failed(f"ann <- {late} before a PONG", "it comes after the PONG")
