"""The ground: one plain check for each thing that the other checks use on their way. They run first.

Each needs as little as it can, looks at the lines that it is about and passes over all others, and stands behind those
checks that it needs. So where one fails, that is what does not hold; and what uses it is not reached.
"""

import contextlib
import re
from collections.abc import Callable
from time import monotonic

from conformance.checks.registry import check
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage, skip
from conformance.text.vectors import MAX_LINE
from conformance.wire.failure import BarrierBrokenError, Failed
from conformance.wire.peer import Peer, is_info, like, listed, octets
from conformance.wire.process import STOP_SECONDS
from conformance.wire.standing import LINES_TOGETHER, ODD_TOKENS
from conformance.wire.transcript import shown

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_EVENTS = (b"JOINED", b"LEFT", b"SAID", b"NICK", b"ANNOUNCE")
_PART = 3  # a line that comes late comes within this part of a deadline, or is taken for one that never comes
_PASSWORD = "open Sesame"
BOM = b"\xef\xbb\xbf"


def _came(peer: Peer, *lines: str | bytes) -> list[bytes]:
    """Send lines; return what came until they are done, INFO lines left out."""
    peer.settled()
    peer.send(*lines)
    return peer.settled()


def _of(received: list[bytes], *words: bytes) -> list[bytes]:
    """Return the lines that begin with one of these words."""
    return [line for line in received if line.split(b" ")[0] in words]


def _no_events(received: list[bytes]) -> list[bytes]:
    """Return the lines that are no events: in the lobby those are another's matter."""
    return [line for line in received if line.split(b" ")[0] not in _EVENTS]


def _is(peer: Peer, received: list[bytes], *wanted: str | bytes) -> None:
    """Raise Failed unless these lines came, and no other."""
    if len(received) != len(wanted) or not all(map(like, received, wanted)):
        told = listed([octets(line) for line in wanted])
        raise Failed(f"{peer.label} <- {told}", f"{peer.label} <- {listed(received)}")


def _brings(peer: Peer, line: str | bytes, wanted: str | bytes) -> None:
    """Raise Failed unless a client's line brings it this one, once."""
    word = octets(wanted).split(b" ")[0]
    _is(peer, _of(_came(peer, line), word, b"ERROR"), wanted)


def _refused(t: Stage, peer: Peer, line: str | bytes, code: str, *, once: bool = False) -> None:
    """Raise Failed unless a client's line brings an ERROR with this code; `once`: and no second one."""
    what = f'{peer.label} <- "ERROR {code} ..."'
    peer.settled()
    peer.send(line)
    pong = peer.ask()
    with contextlib.suppress(Failed):  # what came is looked at
        t.wait_for(peer, lambda: not peer.awaits(pong), what)
    received = peer.take()
    codes = [error.split(b" ")[1:2] for error in _of(received, b"ERROR")]
    if [code.encode()] not in codes or any(other != [code.encode()] for other in codes) or (once and len(codes) > 1):
        raise Failed(what, f"{peer.label} <- {listed(received) if received else peer.ending()}")
    if peer.ended:
        raise Failed(f"{peer.label} is served on, whatever the ERROR", peer.ending(), cites="ERR-2")


def _alone(t: Stage, label: str = "ann") -> Peer:
    """Return a client in a room of its own, whatever the server answers to that."""
    peer = t.connect(label)
    peer.send(t.room(f"of-{label}"))
    peer.settled()
    return peer


def _together(t: Stage, *labels: str) -> list[Peer]:
    """Return clients in one room, whatever they are told of each other."""
    peers = [t.connect(label) for label in labels]
    for peer in peers:
        peer.send(t.room())
        peer.settle()
    for peer in peers:
        peer.settled()
    return peers


def _comes_late(t: Stage, peer: Peer, *wanted: str) -> bytes:
    """Wait for a while whether one of these lines still comes; return it, or nothing."""
    end = monotonic() + t.deadline / _PART
    lines = {line.encode() for line in wanted}
    while lines and not lines.intersection(peer.inbox) and (left := end - monotonic()) > 0 and not peer.ended:
        t.pump(left)
    return next(iter(lines.intersection(peer.inbox)), b"")


def _missing(t: Stage, peer: Peer, *wanted: str) -> list[str]:
    """Wait until all of these lines have come, or a deadline; return those that have not."""
    with contextlib.suppress(Failed):  # what is missing is returned
        t.wait_for(peer, lambda: all(line.encode() in peer.inbox for line in wanted), "all lines")
    return [line for line in wanted if line.encode() not in peer.inbox]


# ---------------------------------------------------------------- greeting and ping


@check("NET-1", "15370e189600", ground=1)
def several_connections_at_once(t: Stage) -> None:
    """Three connections at once are served, each from the first octet that the client sends."""
    for peer in [t.dial(f"client{number}") for number in range(3)]:
        peer.send("/ping first", "/ping second")
        line = peer.receive(info=True, what=f"{peer.label} <- anything")
        while line.split(b" ")[0] in (b"HELLO", b"NAME", b"INFO") and not peer.ended:
            with contextlib.suppress(Failed):  # that a ping is answered is another's matter
                line = peer.receive(info=True, what="an answer")
                continue
            return
        if line == b"PONG second" and not _comes_late(t, peer, "PONG first"):
            raise Failed(f'{peer.label} <- "PONG first" and "PONG second"', f"{peer.label} <- {shown(line)} alone")


@check("STATE-1", "0e5ef6b555cf", ground=1)
def hello(t: Stage) -> None:
    """The first line is HELLO, and comes to a client that sends nothing."""
    line = t.dial("ann").receive(info=True, what='ann <- "HELLO flurfunk/1 ..."')
    if line.split(b" ")[:2] != [b"HELLO", b"flurfunk/1"]:
        raise Failed('ann <- "HELLO flurfunk/1 ..."', f"ann <- {shown(line)}")


@check("STATE-2", "0e595b96ba99", ground=1)
def name(t: Stage) -> None:
    """The second line is NAME with a name."""
    t.connect("ann")


@check("NAME-7", "e25638c62216", ground=1)
def made_up_names(t: Stage) -> None:
    """The names that two clients have from the server have the form of a name, and differ."""
    names = [t.connect(label).name for label in ("ann", "bob")]
    if wrong := [name for name in names if not _NAME.fullmatch(name)]:
        raise Failed("NAME with 1 to 32 letters, digits, - and _", f"NAME {wrong[0]}")
    if names[0].lower() == names[1].lower():
        raise Failed("two names for two clients", f"NAME {names[1]} for both")


@check("CMD-6", "7133da51d6fe", ground=1)
def one_outcome(t: Stage) -> None:
    """Not every line that is carried out is carried out, or answered, twice."""
    ann = t.connect("ann")
    name, other = t.name(), t.name("Anna")
    ann.send(f"/nick {name}", f"/cd {t.room()}", "a", f"/nick {other}", f"/cd {t.room('other')}", "b")
    _comes_late(t, ann, f"SAID {other} b")
    received = ann.take()
    answers = (f"NAME {name}", f"ROOM {t.room()}", f"SAID {name} a")
    counts = [count for answer in answers if (count := received.count(answer.encode()))]
    if counts and min(counts) > 1:  # where but one of them comes twice, that is another's matter
        raise Failed(f"ann <- {', '.join(answers)}, each once", f"ann <- {listed(received)}")


@check("ORDER-6", "478a62ae570b", ground=1)
def pongs_in_each_state(t: Stage) -> None:
    """Where one ping is answered, all are: as the first line, after the choice of a room, and after a move."""
    ann = t.dial("ann")
    unanswered: list[str] = []
    for number, line in enumerate(("", t.room(), f"/cd {t.room('other')}")):
        if line:
            ann.send(line)
            _missing(t, ann, f"ROOM {line.removeprefix('/cd ')}")  # so that the ping has a segment of its own
        ann.send(f"/ping x-{number}")
        unanswered += _missing(t, ann, f"PONG x-{number}")
    if len(unanswered) in (1, 2):  # where none is answered it is another's matter
        raise Failed(f"ann <- {', '.join(unanswered)}", f"ann <- {listed(ann.inbox)}")


@check("PING-1", "f0880df9aa03", ground=1)
def pong(t: Stage) -> None:
    """A ping in the lobby is answered with one PONG."""
    ann = t.connect("ann")
    ann.send("/ping x-1")
    _pongs(ann, {b"PONG x-1"})


@check("NET-3", "1faf8225aff7", ground=1, fact=LINES_TOGETHER)
def two_lines_in_one_segment(t: Stage) -> None:
    """Two pings in one segment are two lines."""
    t.needs("PING-1")
    ann = t.connect("ann")
    ann.send("/ping x-1", "/ping x-2")
    _pongs(ann, {b"PONG x-1", b"PONG x-2"})


def _pongs(ann: Peer, wanted: set[bytes]) -> None:
    """Receive these PONGs; which comes first is another's matter."""
    pongs: list[bytes] = []
    while len(pongs) < len(wanted):
        line = ann.receive(what=f"ann <- {listed(sorted(wanted))}")
        if line.startswith(b"ERROR"):
            raise Failed(f"ann <- {listed(sorted(wanted))}", f"ann <- {shown(line)}")
        pongs += [line] if line.startswith(b"PONG") else []
    if set(pongs) != wanted:
        cites = "" if set(pongs) < wanted else "PING-2"
        raise Failed(f"ann <- {listed(sorted(wanted))}", f"ann <- {listed(pongs)}", cites=cites)


# ---------------------------------------------------------------- the barrier


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


@check("ORDER-3", "f26b59eaddf6", ground=2)
def in_the_order_of_the_lines(t: Stage) -> None:
    """What the lines of one segment bring another member stands in the order of the lines."""
    room, bob = t.room("of-bob"), _alone(t, "bob")
    ann = t.connect("ann")
    bob.settled()
    one, two, three, four = (f"{word} {t.suffix}" for word in ("one", "two", "three", "four"))
    _came(ann, room, one)
    _came(ann, two, f"/nick {t.name()}", three)
    _came(ann, four, f"/cd {t.room('other')}")
    # With which name something is said is not the matter, nor what is missing or comes twice.
    ends = (f"JOINED {ann.name}", one, two, f"NICK {ann.name} {t.name()}", three, four, f"LEFT {t.name()} moved")
    received = bob.settled()
    places = [place for line in received for place, end in enumerate(ends) if line.endswith(end.encode())]
    if places != sorted(places):
        raise Failed(f"bob <- {', '.join(ends)} in this order", f"bob <- {listed(received)}")


@check("ORDER-4", "d4e1a74a28f8", ground=2)
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


@check("ORDER-7", "c9f9d80a5301", ground=2)
def pongs_in_place(t: Stage) -> None:
    """Where lines and pings alternate in one segment, what comes of each line stands between two PONGs."""
    t.needs("PING-1", "PING-2")
    ann, name, room = t.connect("ann"), t.name(), t.room()
    ann.send("/ping x1", f"/nick {name}", "/ping x2", room, "/ping x3", "a", "/ping x4", "/cd", "/ping x5")
    places = {f"NAME {name}": 1, f"ROOM {room}": 2, f"SAID {name} a": 3, "ERROR bad-argument": 4}
    pongs = 0
    while pongs < len(places) + 1:
        line = ann.receive(what=f'ann <- "PONG x{pongs + 1}"')
        place = next((place for answer, place in places.items() if line.startswith(answer.encode())), pongs)
        if place != pongs:  # what is missing altogether is not the matter
            raise Failed(f"ann <- {shown(line)} behind PONG x{place}", f"it comes behind {pongs} PONGs")
        if line.startswith(b"PONG"):
            pongs += 1
            if line != b"PONG x%d" % pongs:
                raise Failed(f'ann <- "PONG x{pongs}"', f"ann <- {shown(line)}")


@check("ORDER-8", "3e04c9fc0d2a", ground=2)
def pongs_prove(t: Stage) -> None:
    """What a client's lines bring another has come before the PONG to a ping that the other sends behind its own."""
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
            raise Failed(f"ann <- {late} before a PONG", "it comes behind the PONG")
        missing += [] if event.encode() in received else [event]
    if late := _comes_late(t, ann, *missing).decode():
        raise Failed(f"ann <- {late} before a PONG", "it comes behind the PONG")


# ---------------------------------------------------------------- lines as such


@check("OUT-1", "4aa16b9b3de0", ground=3)
def plain_lines_match_the_grammar(t: Stage) -> None:
    """What a plain conversation brings matches the grammar; whether it is what is to come is not the matter."""
    ann, bob = t.connect("ann"), t.connect("bob")
    ann.send(t.room())
    ann.settle()
    lists = [f"/{feature}" for feature in ("who", "rooms") if feature in bob.features]
    for line in (f"/cd {t.room()}", "hello there", f"/nick {t.name()}", *lists, "/help", unknown(t)):
        bob.send(line)
        bob.settle()
    bob.send(f"/cd {t.room('other')}")
    bob.settle()
    ann.settle()


# ---------------------------------------------------------------- rooms


@check("GROW-1", "1472853bd5e7", ground=3)
def a_room_needs_no_feature(t: Stage) -> None:
    """A client that has used no feature enters a room as one that has used all."""
    ann, bob = t.connect("ann"), t.connect("bob")
    _came(bob, *(f"/{feature}" for feature in ("who", "rooms") if feature in bob.features))
    wanted = f"ROOM {t.room()}".encode()
    received = _came(ann, t.room())
    if wanted not in received and wanted in _came(bob, t.room()):  # where both are refused it is another's matter
        raise Failed(f"ann <- {shown(wanted)}, as bob, who has used /who or /rooms", f"ann <- {listed(received)}")


@check("NAME-11", "e6b5292ebf5a", ground=3)
def any_room(t: Stage) -> None:
    """A room that nobody has entered before can be entered."""
    ann = t.connect("ann")
    if refused := [line for line in _came(ann, f"/cd {t.room()}") if line.startswith(b"ERROR bad-room")]:
        raise Failed(f'ann <- "ROOM {t.room()}"', f"ann <- {shown(refused[0])}")


@check("ROOM-1", "633eee211c03", ground=3)
def room(t: Stage) -> None:
    """Who has entered a room, at first or later, so that it can speak there, has got ROOM."""
    ann, bob = t.connect("ann"), t.connect("bob")
    for peer, line, room in (
        (ann, t.room(), t.room()),
        (bob, f"/cd {t.room()}", t.room()),
        (bob, f"/cd {t.room('later')}", t.room("later")),
    ):
        received = _came(peer, line)
        answers = _of(received, b"ROOM", b"ERROR")
        taken_for_text = _of(received, b"SAID")  # by a server that has put the client into some room before
        entered = not answers and not taken_for_text and _of(_came(peer, "/say x"), b"SAID")
        if entered or (len(answers) > 1 and answers[0] == f"ROOM {room}".encode()):
            raise Failed(f'{peer.label} <- "ROOM {room}"', f"{peer.label} <- {listed(received)}")


@check("STATE-6", "bdcacdf3a788", ground=3)
def a_line_enters_a_room(t: Stage) -> None:
    """A bare line in the lobby enters the room of that name."""
    _brings(t.connect("ann"), t.room(), f"ROOM {t.room()}")


@check("ROOM-4", "3997c232657b", ground=3)
def cd_enters_a_room(t: Stage) -> None:
    """`/cd` in the lobby enters the room of that name."""
    _brings(t.connect("ann"), f"/cd {t.room()}", f"ROOM {t.room()}")


@check("ROOM-5", "e193eaf9d5d9", ground=3)
def the_same_room_again(t: Stage) -> None:
    """`/cd` into the room that the client is in brings ROOM."""
    _brings(_alone(t), f"/cd {t.room('of-ann')}", f"ROOM {t.room('of-ann')}")


@check("NAME-10", "52a96a6faf5d", ground=3)
def rooms_are_folded(t: Stage) -> None:
    """A room that is entered in capitals is called in small letters."""
    _brings(t.connect("ann"), f"/cd {t.room().upper()}", f"ROOM {t.room()}")


@check("SAY-1", "319e3fb9e6fc", ground=3)
def a_line_is_said(t: Stage) -> None:
    """A bare line in a room is not refused."""
    ann = _alone(t)
    if refused := _of(_came(ann, "hello there"), b"ERROR", b"ROOM"):
        raise Failed(f"ann <- SAID {ann.name} hello there", f"ann <- {shown(refused[0])}")


@check("SAY-2", "288663b7ad91", ground=3)
def said(t: Stage) -> None:
    """What is said comes to the speaker and to another member, once."""
    ann, bob = _together(t, "ann", "bob")
    said = f"SAID {ann.name} hello there"
    ann.send("hello there")
    for peer in (ann, bob):
        peer.settle()
        _missing(t, peer, said)  # that it is late is another's matter
        _is(peer, _of(peer.take(), b"SAID"), said)


@check("SAY-4", "38dfd064783b", ground=3)
def say(t: Stage) -> None:
    """`/say` says its argument."""
    ann = _alone(t)
    _brings(ann, "/say hello there", f"SAID {ann.name} hello there")


@check("ROOM-2", "2c44bcc1c07c", ground=3)
def joined(t: Stage) -> None:
    """A member is told once who enters, and the one who enters is not."""
    ann = _alone(t)
    bob = t.connect("bob")
    joined = f"JOINED {bob.name}".encode()
    ann.settled()
    own = _came(bob, t.room("of-ann"))
    received = _of(ann.settled(), b"JOINED")
    if received.count(joined) != 1:  # whether others are told of, too, is another's matter
        _is(ann, received, joined)
    if joined in own:
        raise Failed(f"bob <- no {shown(joined)}", f"bob <- {listed(own)}")


# ---------------------------------------------------------------- for nobody else


@check("ORDER-2", "18685e5e8cc1", ground=3)
def nothing_of_before(t: Stage) -> None:
    """Who enters a room is told nothing of what happened before, there or in the room that it comes from."""
    ann, bob, cyd = _alone(t), _alone(t, "bob"), t.connect("cyd")
    _came(ann, "hello there")
    _came(bob, "anybody here?")
    for peer in (cyd, bob):  # first who comes from the lobby
        received = _came(peer, f"/cd {t.room('of-ann')}")
        _is(peer, [line for line in _of(received, *_EVENTS) if line != f"LEFT {peer.name} moved".encode()])


@check("SAY-3", "cdec0eea1c66", ground=3)
def said_to_no_other_room(t: Stage) -> None:
    """What is said does not come to a member of another room."""
    ann, cyd = _alone(t, "ann"), _alone(t, "cyd")
    cyd.settled()
    _came(ann, "hello there")
    _is(cyd, _of(cyd.settled(), b"SAID"))


@check("OUT-3", "ae124facc889", ground=3)
def no_events_of_another_room(t: Stage) -> None:
    """Who enters, is renamed and leaves is not told to a member of another room."""
    cyd, ann = _alone(t, "cyd"), t.connect("ann")
    cyd.settled()
    _came(ann, t.room(), f"/nick {t.name()}", f"/cd {t.room('other')}")
    _is(cyd, _of(cyd.settled(), b"JOINED", b"LEFT", b"NICK"))


@check("STATE-4", "c3e33b25608b", ground=3)
def no_events_for_the_lobby(t: Stage) -> None:
    """What happens in a room is not told to a client in the lobby."""
    cyd, ann = t.connect("cyd"), t.connect("ann")
    cyd.settled()
    _came(ann, t.room(), "hello there", f"/nick {t.name()}", f"/cd {t.room('other')}")
    _is(cyd, _of(cyd.settled(), *_EVENTS))


@check("STATE-5", "450604d6bc83", ground=3)
def nothing_of_the_lobby(t: Stage) -> None:
    """Coming to the lobby and being renamed in it is told to nobody."""
    bob = _alone(t, "bob")
    bob.settled()
    ann = t.connect("ann")
    _came(ann, f"/nick {t.name()}")
    _is(bob, _of(bob.settled(), *_EVENTS))


# ---------------------------------------------------------------- names


@check("NAME-1", "b74ada0bbafe", ground=3)
def a_plain_name(t: Stage) -> None:
    """A plain name that is free is taken for one that a user can have, and for free."""
    ann = t.connect("ann")
    if refused := [line for line in _came(ann, f"/nick {t.name()}") if line.startswith((b"ERROR bad-", b"ERROR name"))]:
        raise Failed(f'ann <- "NAME {t.name()}"', f"ann <- {shown(refused[0])}")


@check("NAME-4", "b02d978b08ff", ground=3)
def the_case_of_a_name(t: Stage) -> None:
    """A name comes back in the case in which it was written."""
    ann = t.connect("ann")
    wanted = f"NAME {t.name()}".encode()
    received = [line for line in _came(ann, f"/nick {t.name()}") if line.lower() == wanted.lower()]
    if received and received != [wanted]:
        raise Failed(f"ann <- {shown(wanted)}", f"ann <- {listed(received)}")


@check("NICK-1", "08def3faf2be", ground=3)
def renamed(t: Stage) -> None:
    """`/nick` is answered with NAME, in the lobby and in a room."""
    ann = t.connect("ann")
    _brings(ann, f"/nick {t.name()}", f"NAME {t.name()}")
    _came(ann, t.room())
    _brings(ann, f"/nick {t.name('Anna')}", f"NAME {t.name('Anna')}")


@check("NICK-2", "56ef39c7682a", ground=3)
def nick(t: Stage) -> None:
    """A member is told once who is renamed, and the one who is renamed is not."""
    ann, bob = _together(t, "ann", "bob")
    own = _of(_came(ann, f"/nick {t.name()}"), b"NICK")
    _is(bob, _of(bob.settled(), b"NICK"), f"NICK {ann.name} {t.name()}")
    _is(ann, own)


@check("NICK-5", "2b998b99982b", ground=3)
def the_new_name_is_used(t: Stage) -> None:
    """Of somebody who was renamed, words and leaving are told with the new name."""
    ann, bob = _together(t, "ann", "bob")
    old = ann.name.encode()
    _came(ann, f"/nick {t.name()}")
    bob.settled()
    _came(ann, "hello there", f"/cd {t.room('other')}")
    if wrong := [line for line in bob.settled() if line.split(b" ")[1:2] == [old]]:
        raise Failed(f"bob <- nothing of {ann.name}, who is called {t.name()} now", f"bob <- {listed(wrong)}")


@check("NAME-8", "5bc9d33fdbd5", ground=3)
def a_given_up_name(t: Stage) -> None:
    """A name that a client gave up for another is not refused to others."""
    ann, bob = t.connect("ann"), t.connect("bob")
    given_up = f"NAME {t.name()}".encode() in _came(ann, f"/nick {t.name()}", f"/nick {t.name('Anna')}")
    received = _came(bob, f"/nick {t.name()}")
    if given_up and any(line.startswith(b"ERROR name-taken") for line in received):
        raise Failed(f'bob <- "NAME {t.name()}"', f"bob <- {listed(received)}")


# ---------------------------------------------------------------- leaving


@check("ROOM-3", "70ea22ee6cf2", ground=3)
def moved(t: Stage) -> None:
    """A member is told once who moves, and the one who moves is not."""
    ann, bob = _together(t, "ann", "bob")
    own = _of(_came(ann, f"/cd {t.room('other')}"), b"LEFT")
    left = f"LEFT {ann.name} moved"
    received = _of(bob.settled(), b"LEFT")
    if received.count(left.encode()) != 1:
        _is(bob, received, left)
    _is(ann, own)


@check("NET-6", "951108a5cf47", ground=3)
def the_end_behind_bye(t: Stage) -> None:
    """Behind BYE, the server ends its sending, while the client keeps its side open."""
    ann = t.connect("ann")
    ann.send("exit")
    with contextlib.suppress(Failed):  # that BYE comes is another's matter
        t.wait_for(ann, lambda: b"BYE exit" in ann.inbox, 'ann <- "BYE exit"')
    if b"BYE exit" in ann.inbox:
        ann.wait_end()


@check("BYE-1", "fde97effd30d", ground=3)
def bye_comes_before_the_end(t: Stage) -> None:
    """A connection that the server ends after `exit` has got BYE."""
    ann = t.connect("ann")
    ann.settled()
    ann.send("exit")
    with contextlib.suppress(Failed):  # that it ends at all is another's matter
        ann.wait_end()
    if ann.ended == "end" and not _of(ann.take(), b"BYE"):  # a reset can have destroyed it
        raise Failed('ann <- "BYE exit"', f"ann <- {ann.ending()}")


@check("EXIT-1", "ee5298c68de5", ground=3)
def bye(t: Stage) -> None:
    """`exit` brings BYE exit, and the end of the connection."""
    ann = t.connect("ann")
    ann.settled()
    ann.send("exit")
    ann.expect("BYE exit")
    ann.wait_end()


@check("NAME-9", "747d7fbe9612", ground=3)
def the_name_of_who_left(t: Stage) -> None:
    """The name of a client that has got BYE exit is not refused to others."""
    ann, bob = t.connect("ann"), t.connect("bob")
    _came(ann, f"/nick {t.name()}")
    ann.send("exit")
    ann.wait_end()
    received = _came(bob, f"/nick {t.name()}")
    if any(line.startswith(b"ERROR name-taken") for line in received):
        raise Failed(f'bob <- "NAME {t.name()}"', f"bob <- {listed(received)}")


@check("ORDER-9", "9e4b7b93e1e5", ground=3)
def bye_proves(t: Stage) -> None:
    """What `exit` brings another has come before the PONG to a ping that the other sends behind BYE."""
    ann, bob = _together(t, "ann", "bob")
    ann.send("exit")
    ann.wait_end()
    left = f"LEFT {ann.name} exit"
    if left.encode() not in bob.settled() and _comes_late(t, bob, left):
        raise Failed(f"bob <- {shown(octets(left))} before a PONG", "it comes behind the PONG")


@check("EXIT-2", "a024b4e2d3ee", ground=3)
def left_by_exit(t: Stage) -> None:
    """A member is told once who leaves by `exit`."""
    ann, bob = _together(t, "ann", "bob")
    ann.send("exit")
    ann.wait_end()
    left = f"LEFT {ann.name} exit"
    received = _of(bob.settled(), b"LEFT")
    if received.count(left.encode()) != 1:
        _is(bob, received, left)


@check("NET-4", "fac22d318f2a", ground=3)
def half_closed(t: Stage) -> None:
    """A client that ends its sending gets the answers to its lines, and the end."""
    ann = t.connect("ann")
    ann.settled()
    ann.send("/ping x-1")
    ann.half_close()
    ann.expect("PONG x-1")
    ann.wait_end()


@check("LEFT-1", "65362ae408f1", ground=3)
def left_by_loss(t: Stage) -> None:
    """A member is told whose connection is closed or reset."""
    _told_of_the_lost(t, Peer.close, Peer.reset)


@check("LEFT-1", "65362ae408f1", ground=3)
def left_by_half_closing(t: Stage) -> None:
    """A member is told who ends its sending."""
    _told_of_the_lost(t, Peer.half_close)


def _told_of_the_lost(t: Stage, *ways: Callable[[Peer], None]) -> None:
    """Let a member leave in each of these ways; raise Failed unless another is told."""
    ann, *others = _together(t, "ann", *("bob", "cyd")[: len(ways)])
    for other, leave in zip(others, ways, strict=True):
        leave(other)
    wanted = [f"LEFT {other.name} lost".encode() for other in others]
    t.wait_for(ann, lambda: set(wanted) <= set(ann.inbox), f"ann <- {listed(wanted)}, in any order")


@check("LEFT-2", "219063172685", ground=3)
def left_once(t: Stage) -> None:
    """A member is told at most once of each who moves, exits or is lost."""
    ann, bob, cyd, dan = _together(t, "ann", "bob", "cyd", "dan")
    _came(bob, f"/cd {t.room('other')}")
    cyd.send("exit")
    cyd.wait_end()
    dan.close()
    with contextlib.suppress(Failed):  # that it comes at all is another's matter
        t.wait_for(ann, lambda: f"LEFT {dan.name} lost".encode() in ann.inbox, "ann <- LEFT")
    left = [line.split(b" ")[1] for line in _of(ann.settled(), b"LEFT")]
    if twice := [one for one in (bob, cyd, dan) if left.count(one.name.encode()) > 1]:
        raise Failed(f"ann <- one LEFT of {twice[0].name}", f"ann <- {left.count(twice[0].name.encode())}")


# ---------------------------------------------------------------- lines


@check("LINE-2", "2716c0ff5413", ground=3)
def cr_lf(t: Stage) -> None:
    """A line that ends with CR LF is the same line."""
    _brings(t.connect("ann"), "/ping x-1\r", "PONG x-1")


@check("NET-3", "1faf8225aff7", ground=3)
def a_line_in_pieces(t: Stage) -> None:
    """A line that comes in two pieces is one line, and two lines that come in one piece are two."""
    ann = t.connect("ann")
    ann.settled()
    ann.send_octets(b"/ping x", b"-1\n", b"/ping x-2\n/ping x-3\n")
    _is(ann, _of(ann.settled(), b"PONG", b"ERROR"), "PONG x-1", "PONG x-2", "PONG x-3")


@check("FLOW-1", "9d309c3a1134", ground=3)
def a_plain_paste(t: Stage) -> None:
    """Of 200 lines in one segment none is lost."""
    ann = _alone(t)
    texts = [f"line {number}" for number in range(200)]
    wanted = [f"SAID {ann.name} {text}" for text in texts]
    ann.send(*texts)
    if missing := _missing(t, ann, *wanted):
        ann.take()
        for text in texts:
            ann.send(text)
            ann.settle()
        if lost := _missing(t, ann, *wanted):  # it does not take a flood
            raise Failed(f"ann <- {lost[0]}, and all other lines", f"ann <- all but {len(lost)}", cites="SAY-2")
        raise Failed(f"ann <- {missing[0]}, and all other lines of a paste", f"ann <- all but {len(missing)}")


@check("LINE-3", "43b549494d38", ground=3)
def a_long_line(t: Stage) -> None:
    """A line of 4096 octets is not refused."""
    ann = t.connect("ann")
    if refused := _of(_came(ann, "/ping ".ljust(MAX_LINE, "x")), b"ERROR"):
        raise Failed('ann <- "PONG xxx..."', f"ann <- {shown(refused[0])}")


@check("LINE-5", "fd4daf09087c", ground=3)
def an_empty_line(t: Stage) -> None:
    """An empty line brings nothing."""
    ann = t.connect("ann")
    _is(ann, _no_events(_came(ann, "")))


@check("LINE-6", "f869c2ea7bdb", ground=3)
def a_mark_at_the_start(t: Stage) -> None:
    """A U+FEFF at the very start does not belong to the first line."""
    ann = t.dial("ann")
    ann.send(BOM + b"/ping x-1")
    t.greet(ann)
    _is(ann, _of(ann.settled(), b"PONG", b"ERROR"), "PONG x-1")


@check("TEXT-5", "30e6b87a0e5d", ground=3)
def odd_texts_are_relayed(t: Stage) -> None:
    """Texts with blanks around them, with tabs, marks and letters of all kinds come back as they are."""
    ann = _alone(t)
    for text in (
        " a  b ",
        "a\tb",
        "A caf\u00e9, a cafe\u0301 \U0001f600",
        "\ufeff\u200b\u202e\uffff",
        "<b>&amp;</b>",
        "\u00e9x" * 300,
    ):
        received = _came(ann, text)  # as a bare line: what `/say` makes of its argument is another's matter
        if refused := _of(received, b"ERROR"):
            raise Failed(f"ann <- SAID {ann.name} {text}", f"ann <- {shown(refused[0])}", cites="TEXT-8")
        if received and received != [f"SAID {ann.name} {text}".encode()]:
            raise Failed(f"ann <- SAID {ann.name} {text}", f"ann <- {listed(received)}")


@check("PING-2", "cb5fbb18e41d", ground=3, fact=ODD_TOKENS)
def odd_tokens_come_back(t: Stage) -> None:
    """A token with blanks around it, in capitals, in other letters and of many octets comes back as it is."""
    ann = t.connect("ann")
    for token in (" a  b ", "A B", "\u00e9 \u20ac", "0", "x" * 2000):
        _is(ann, _of(_came(ann, f"/ping {token}"), b"PONG", b"ERROR"), f"PONG {token}")


# ---------------------------------------------------------------- refusals


@check("ERR-1", "476de9169469", ground=3)
def a_code_of_the_table(t: Stage) -> None:
    """The ERROR to a command that no server knows has a code of the table: every line is held against that."""
    _came(t.connect("ann"), unknown(t))


@check("CMD-1", "8b9e4ca6c45d", ground=3)
def an_unknown_command(t: Stage) -> None:
    """A command that no server knows is answered with ERROR unknown-command."""
    _refused(t, t.connect("ann"), unknown(t), "unknown-command")


@check("CMD-5", "e56d789d0385", ground=3)
def an_error_comes_alone(t: Stage) -> None:
    """A line that is refused brings nothing but its ERROR."""
    ann = t.connect("ann")
    received = _no_events(_came(ann, unknown(t)))
    if len(received) > 1 and _of(received, b"ERROR"):
        raise Failed('ann <- "ERROR unknown-command ..." alone', f"ann <- {listed(received)}")


@check("TEXT-6", "81b21a354e9a", ground=3)
def served_after_a_line_that_is_none(t: Stage) -> None:
    """A line of 5000 octets, and one that is no UTF-8, does not end the connection."""
    for line in (b"x" * 5000, b"caf\xe9"):
        ann = t.connect("ann")
        ann.send(line)
        pong = ann.ask()
        with contextlib.suppress(Failed):  # that a ping is answered is another's matter
            t.wait_for(ann, lambda ann=ann, pong=pong: not ann.awaits(pong), shown(pong))  # type: ignore[misc]
        if ann.ended:
            raise Failed(f"ann <- {shown(pong)}", ann.ending())


@check("LINE-4", "7a38a9693e90", ground=3)
def a_line_that_is_too_long(t: Stage) -> None:
    """A line of 5000 octets is answered with one ERROR too-long."""
    _refused(t, t.connect("ann"), "x" * 5000, "too-long", once=True)


@check("TEXT-1", "ea12580b91e9", ground=3)
def a_line_that_is_no_utf_8(t: Stage) -> None:
    """A line that is no UTF-8 is answered with one ERROR bad-text."""
    _refused(t, t.connect("ann"), b"caf\xe9", "bad-text", once=True)


@check("TEXT-2", "b1e36cb77925", ground=3)
def a_forbidden_character(t: Stage) -> None:
    """A line with a control character is answered with one ERROR bad-text."""
    _refused(t, t.connect("ann"), b"a\x07b", "bad-text", once=True)


@check("TEXT-3", "e31e5c0e7f24", ground=3)
def a_cr_within_a_line(t: Stage) -> None:
    """A line with a CR in its middle is answered with ERROR bad-text."""
    _refused(t, t.connect("ann"), b"one\rtwo", "bad-text")


@check("CMD-3", "58dbe20da78e", ground=3)
def a_missing_argument(t: Stage) -> None:
    """`/ping` and `/cd` without an argument are answered with ERROR bad-argument."""
    ann = t.connect("ann")
    for line in ("/ping", "/cd"):
        _refused(t, ann, line, "bad-argument")


@check("STATE-7", "eb33915a9894", ground=3)
def nothing_is_said_in_the_lobby(t: Stage) -> None:
    """`/say` in the lobby is answered with ERROR no-room."""
    _refused(t, t.connect("ann"), "/say hello", "no-room")


@check("NAME-12", "f264fb3829fc", ground=3)
def a_bad_room(t: Stage) -> None:
    """A room whose name has a blank is answered with ERROR bad-room."""
    _refused(t, t.connect("ann"), "/cd no room", "bad-room")


@check("NAME-2", "375ecb10907b", ground=3)
def a_bad_name(t: Stage) -> None:
    """A name with a dot is answered with ERROR bad-name."""
    _refused(t, t.connect("ann"), "/nick a.b", "bad-name")


@check("NAME-3", "0e051c01317d", ground=3)
def a_taken_name(t: Stage) -> None:
    """A name that another client has is answered with ERROR name-taken."""
    ann, bob = t.connect("ann"), t.connect("bob")
    _refused(t, bob, f"/nick {ann.name}", "name-taken")


@check("NAME-6", "eac254f56b2a", ground=3)
def a_reserved_name(t: Stage) -> None:
    """The name `operator` is answered with ERROR name-taken."""
    _refused(t, t.connect("ann"), "/nick operator", "name-taken")


# ---------------------------------------------------------------- foreign protocols


@check("NET-7", "a8a38e952f8b", ground=3)
def http(t: Stage) -> None:
    """A request of HTTP ends the connection."""
    ann = t.dial("ann")
    ann.send_octets(b"GET / HTTP/1.1\r\n\r\n")
    ann.wait_end()


@check("NET-8", "8dd6fbaaefd6", ground=3)
def tls(t: Stage) -> None:
    """The octet 0x16 ends the connection."""
    if t.subject.tls:
        raise skip("is about a port without TLS, and with --tls-ca all connections are inside it")
    ann = t.dial("ann")
    ann.send_octets(b"\x16")
    ann.wait_end()


# ---------------------------------------------------------------- help and lists


@check("HELP-1", "076bdd80ba2e", ground=3)
def help_is_given(t: Stage) -> None:
    """`/help` brings INFO, with an argument too."""
    ann = t.connect("ann")
    for line in ("/help", "/help me"):
        ann.settle()
        ann.inbox.clear()
        ann.send(line)
        ann.settle()
        if not any(map(is_info, ann.inbox)):
            raise Failed(f'ann <- "INFO ...", for {line!r}', f"ann <- {listed(ann.inbox)}")


@check("OUT-2", "22573eb5f426", ground=3)
def named_features_are_known(t: Stage) -> None:
    """`/who` and `/rooms` are no unknown commands to a server that names the features."""
    ann = _alone(t)
    for feature in ("who", "rooms"):
        received = _came(ann, f"/{feature}") if feature in ann.features else []
        if refused := [line for line in received if line.startswith(b"ERROR unknown-command")]:
            raise Failed(f"ann <- the answer to /{feature}", f"ann <- {shown(refused[0])}")


@check("WHO-1", "9a3c4ec212d6", ground=3)
def who(t: Stage) -> None:
    """`/who` names all members, and counts them."""
    ann, bob = _together(t, "ann", "bob")
    received = _came(ann, "/who")
    wanted = [*sorted(f"MEMBER {peer.name}".encode() for peer in (ann, bob)), f"MEMBERS {t.room()} 2".encode()]
    _is(ann, [*sorted(received[:-1]), *received[-1:]], *wanted)


@check("WHO-4", "3856099a8716", ground=3)
def who_with_an_argument(t: Stage) -> None:
    """`/who x` is answered with ERROR bad-argument."""
    _refused(t, _alone(t), "/who x", "bad-argument")


@check("LIST-1", "1f7830676a92", ground=3)
def rooms(t: Stage) -> None:
    """`/rooms` lists a room that has a member, and counts the lines."""
    ann = _alone(t)
    received = _came(ann, "/rooms")
    live = f"LIVE {t.room('of-ann')} 1"
    if live.encode() not in received or received[-1] != b"ROOMS %d" % (len(received) - 1):
        raise Failed(f"ann <- {live}, and ROOMS with the number of lines", f"ann <- {listed(received)}")


@check("LIST-4", "b8a390437f6b", ground=3)
def rooms_with_an_argument(t: Stage) -> None:
    """`/rooms x` is answered with ERROR bad-argument."""
    _refused(t, t.connect("ann"), "/rooms x", "bad-argument")


# ---------------------------------------------------------------- the barrier, for each member


def _four(t: Stage) -> list[Peer]:
    """Return four members of a room, whatever they were told of each other."""
    peers = [t.connect(label) for label in ("ann", "bob", "cyd", "dan")]
    for peer in peers:
        peer.send(t.room())
        peer.round_trip()
    for peer in peers:
        peer.round_trip()
        peer.inbox.clear()
    return peers


def _member_hears_late(t: Stage, peer: Peer, event: bytes, before: str) -> None:
    """Raise BarrierBrokenError where an event comes too late; that it never comes is another's matter."""
    try:
        t.wait_for(peer, lambda: event in peer.inbox, shown(event))
    except Failed as failed:
        failed.asks, failed.preparing = "SAY-2", True
        raise
    raise BarrierBrokenError(f"{peer.label} <- {shown(event)} before {before}", "it came after it")


@check("ORDER-7", "c9f9d80a5301", ground=3)
def pong_for_each_member(t: Stage) -> None:
    """What a member says comes to it before the PONG to its next line, to the first member and to the fourth."""
    for peer in _four(t):
        said, pong = f"SAID {peer.name} hello there".encode(), f"PONG of-{peer.label}".encode()
        peer.send("hello there", f"/ping of-{peer.label}")
        t.wait_for(peer, lambda peer=peer, pong=pong: pong in peer.inbox, shown(pong))  # type: ignore[misc]
        came = list(peer.inbox)
        if pong in came and said not in came[: came.index(pong)]:
            _member_hears_late(t, peer, said, f"its {shown(pong)}")


@check("ORDER-8", "3e04c9fc0d2a", ground=3)
def events_for_each_member(t: Stage) -> None:
    """What a member has said before its PONG comes to each other before the PONG to a later ping: to all four."""
    peers = _four(t)
    for number, peer in enumerate(peers):
        said = f"SAID {peer.name} from {peer.label}".encode()
        peer.send(f"from {peer.label}")
        peer.round_trip()
        for other in (*peers[:number], *peers[number + 1 :]):
            other.round_trip()
            if said not in other.inbox:
                _member_hears_late(t, other, said, "the PONG to a later ping")


# ---------------------------------------------------------------- on a server of their own


@check("OPER-1", "17730eb608f2", ground=4)
def announced(t: Stage) -> None:
    """What is typed on the console comes to a member, and not to a client in the lobby."""
    server = t.take_turn()
    (ann,) = _together(t, "ann")
    cyd = t.connect("cyd")
    server.say("lunch is ready")
    ann.expect("ANNOUNCE lunch is ready")
    if told := _of(cyd.settled(), b"ANNOUNCE"):
        raise Failed("cyd <- no ANNOUNCE", f"cyd <- {listed(told)}", cites="STATE-4")


@check("OPER-2", "90234c50fb91", ground=4)
def ended_by_exit(t: Stage) -> None:
    """`exit` on the console sends BYE shutdown, and ends the program with status 0."""
    server = t.start()
    ann = t.connect("ann")
    server.say("exit")
    ann.expect("BYE shutdown")
    ann.close()
    if (status := server.wait(STOP_SECONDS + t.deadline / 3)) != 0:
        raise Failed("the program ends with exit status 0", f"exit status {status}")


@check("OPER-4", "44c9a7471a84", ground=4)
def kicked(t: Stage) -> None:
    """`/kick NAME` sends BYE removed, ends the connection, and is told with LEFT removed."""
    server = t.take_turn()
    ann, bob = _together(t, "ann", "bob")
    server.say(f"/kick {bob.name}")
    bob.expect("BYE removed")
    bob.wait_end()
    ann.expect(f"LEFT {bob.name} removed")


@check("BYE-4", "24e272c70a11", ground=4)
def full(t: Stage) -> None:
    """A second client of a server that serves one gets HELLO, BYE full, and the end."""
    t.take_turn(clients=1)
    t.connect("ann")
    late = t.dial("late")
    late.receive(info=True, what="late <- HELLO")
    late.expect("BYE full")
    late.wait_end()


@check("BYE-5", "d1c1d43b1b86", ground=4)
def a_place_again(t: Stage) -> None:
    """When the one client of a server that serves one has left, another is served."""
    t.take_turn(clients=1)
    ann = t.connect("ann")
    ann.send("exit")
    ann.wait_end()
    ann.close()
    t.connect("bob")


@check("BYE-7", "9a18a80dd09b", ground=4)
def idle(t: Stage) -> None:
    """A client that does not choose a room in its second gets BYE idle."""
    t.share(seconds=1)
    t.deadline += 1
    t.connect("ann").expect("BYE idle")


@check("PASS-2", "ae9c5a16d2bf", ground=4)
def admitted(t: Stage) -> None:
    """The password is answered with ADMITTED."""
    t.share(password=_PASSWORD)
    _brings(t.connect("ann"), f"/password {_PASSWORD}", "ADMITTED")


@check("PASS-4", "128c4cdd4f3b", ground=4)
def not_admitted(t: Stage) -> None:
    """The name of a room, of a client that is not admitted, is answered with ERROR no-password."""
    t.share(password=_PASSWORD)
    _refused(t, t.connect("ann"), t.room(), "no-password")


@check("PASS-3", "a9c31c7be219", ground=4)
def a_wrong_password(t: Stage) -> None:
    """Other words than the password are answered with ERROR bad-password."""
    t.share(password=_PASSWORD)
    _refused(t, t.connect("ann"), "/password sesame", "bad-password")
