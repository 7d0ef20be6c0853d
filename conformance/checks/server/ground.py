"""The ground: one plain check for each thing that the other checks use on their way. They run first.

Each needs as little as it can, and stands behind those that it needs. So where one fails, that is what does not hold;
and what uses it is not reached.
"""

import contextlib
import re

from conformance.checks.registry import check
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.text.vectors import MAX_LINE
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, is_info, like, listed, octets
from conformance.wire.transcript import shown

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_EVENTS = (b"JOINED", b"LEFT", b"SAID", b"NICK", b"ANNOUNCE")
BOM = b"\xef\xbb\xbf"


def _came(peer: Peer, *lines: str | bytes) -> list[bytes]:
    """Send lines; return what came until they are done, INFO lines left out."""
    peer.settled()
    peer.send(*lines)
    return peer.settled()


def _is(peer: Peer, received: list[bytes], *wanted: str | bytes) -> None:
    """Raise Failed unless these lines came, and no other."""
    if len(received) != len(wanted) or not all(map(like, received, wanted)):
        told = listed([octets(line) for line in wanted])
        raise Failed(f"{peer.label} <- {told}", f"{peer.label} <- {listed(received)}")


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


# ---------------------------------------------------------------- greeting and barrier


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
        if line == b"PONG second":
            raise Failed(f'{peer.label} <- "PONG first", then "PONG second"', f"{peer.label} <- {shown(line)}")


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


@check("PING-1", "f0880df9aa03", ground=1)
def pong(t: Stage) -> None:
    """A ping in the lobby is answered with one PONG."""
    ann = t.connect("ann")
    ann.send("/ping x-1")
    while not (line := ann.receive(what='ann <- "PONG x-1"')).startswith(b"PONG"):
        pass
    if line != b"PONG x-1":
        raise Failed('ann <- "PONG x-1"', f"ann <- {shown(line)}")


# ---------------------------------------------------------------- rooms


@check("NAME-11", "e6b5292ebf5a", ground=2)
def any_room(t: Stage) -> None:
    """A room that nobody has entered before can be entered."""
    ann = t.connect("ann")
    if refused := [line for line in _came(ann, f"/cd {t.room()}") if line.startswith(b"ERROR bad-room")]:
        raise Failed(f'ann <- "ROOM {t.room()}"', f"ann <- {shown(refused[0])}")


@check("ROOM-1", "633eee211c03", ground=2)
def room(t: Stage) -> None:
    """Entering a room brings ROOM, at first or later."""
    ann, bob = t.connect("ann"), t.connect("bob")
    first, later = t.room(), t.room("later")
    received = [*_came(ann, first), *_came(bob, f"/cd {first}"), *_came(ann, f"/cd {later}")]
    wanted = [f"ROOM {later}".encode(), f"ROOM {first}".encode()]
    if missing := [line for line in wanted if line not in received]:
        raise Failed(f"ann <- {shown(missing[0])}", listed(received))


@check("STATE-6", "bdcacdf3a788", ground=2)
def a_line_enters_a_room(t: Stage) -> None:
    """A bare line in the lobby enters the room of that name."""
    ann = t.connect("ann")
    _is(ann, _came(ann, t.room()), f"ROOM {t.room()}")


@check("ROOM-4", "3997c232657b", ground=2)
def cd_enters_a_room(t: Stage) -> None:
    """`/cd` in the lobby enters the room of that name."""
    ann = t.connect("ann")
    _is(ann, _came(ann, f"/cd {t.room()}"), f"ROOM {t.room()}")


@check("NAME-10", "52a96a6faf5d", ground=2)
def rooms_are_folded(t: Stage) -> None:
    """A room that is entered in capitals is called in small letters."""
    ann = t.connect("ann")
    _is(ann, _came(ann, f"/cd {t.room().upper()}"), f"ROOM {t.room()}")


@check("SAY-1", "319e3fb9e6fc", ground=2)
def a_line_is_said(t: Stage) -> None:
    """A bare line in a room is not refused."""
    ann = _alone(t)
    if refused := [line for line in _came(ann, "hello there") if line.startswith((b"ERROR", b"ROOM"))]:
        raise Failed(f"ann <- SAID {ann.name} hello there", f"ann <- {shown(refused[0])}")


@check("SAY-2", "288663b7ad91", ground=2)
def said(t: Stage) -> None:
    """What is said comes to the speaker and to another member, once."""
    ann, bob = _together(t, "ann", "bob")
    _is(ann, _came(ann, "hello there"), f"SAID {ann.name} hello there")
    _is(bob, bob.settled(), f"SAID {ann.name} hello there")


@check("SAY-4", "38dfd064783b", ground=2)
def say(t: Stage) -> None:
    """`/say` says its argument."""
    ann = _alone(t)
    _is(ann, _came(ann, "/say hello there"), f"SAID {ann.name} hello there")


@check("ROOM-2", "2c44bcc1c07c", ground=2)
def joined(t: Stage) -> None:
    """A member is told once who enters, and the one who enters is not."""
    ann = _alone(t)
    bob = t.connect("bob")
    own = [line for line in _came(bob, t.room("of-ann")) if line.startswith(b"JOINED")]
    _is(ann, ann.settled(), f"JOINED {bob.name}")
    _is(bob, own)


# ---------------------------------------------------------------- for nobody else


def _events(received: list[bytes], *words: bytes) -> list[bytes]:
    return [line for line in received if line.split(b" ")[0] in (words or _EVENTS)]


@check("SAY-3", "cdec0eea1c66", ground=2)
def said_to_no_other_room(t: Stage) -> None:
    """What is said does not come to a member of another room."""
    ann, cyd = _alone(t, "ann"), _alone(t, "cyd")
    cyd.settled()
    _came(ann, "hello there")
    _is(cyd, _events(cyd.settled(), b"SAID"))


@check("OUT-3", "ae124facc889", ground=2)
def no_events_of_another_room(t: Stage) -> None:
    """Who enters, is renamed and leaves is not told to a member of another room."""
    cyd, ann = _alone(t, "cyd"), t.connect("ann")
    cyd.settled()
    _came(ann, t.room(), f"/nick {t.name()}", f"/cd {t.room('other')}")
    _is(cyd, _events(cyd.settled(), b"JOINED", b"LEFT", b"NICK"))


@check("STATE-4", "c3e33b25608b", ground=2)
def no_events_for_the_lobby(t: Stage) -> None:
    """What happens in a room is not told to a client in the lobby."""
    cyd, ann = t.connect("cyd"), t.connect("ann")
    cyd.settled()
    _came(ann, t.room(), "hello there", f"/nick {t.name()}", f"/cd {t.room('other')}")
    _is(cyd, _events(cyd.settled()))


@check("STATE-5", "450604d6bc83", ground=2)
def nothing_of_the_lobby(t: Stage) -> None:
    """Coming to the lobby and being renamed in it is told to nobody."""
    bob = _alone(t, "bob")
    bob.settled()
    ann = t.connect("ann")
    _came(ann, f"/nick {t.name()}")
    _is(bob, _events(bob.settled()))


# ---------------------------------------------------------------- names


@check("NAME-1", "b74ada0bbafe", ground=2)
def a_plain_name(t: Stage) -> None:
    """A plain name that is free is not refused."""
    ann = t.connect("ann")
    if refused := [line for line in _came(ann, f"/nick {t.name()}") if line.startswith(b"ERROR")]:
        raise Failed(f'ann <- "NAME {t.name()}"', f"ann <- {shown(refused[0])}")


@check("NAME-4", "b02d978b08ff", ground=2)
def the_case_of_a_name(t: Stage) -> None:
    """A name comes back in the case in which it was written."""
    ann = t.connect("ann")
    wanted = f"NAME {t.name()}".encode()
    received = [line for line in _came(ann, f"/nick {t.name()}") if line.lower() == wanted.lower()]
    if received and received != [wanted]:
        raise Failed(f"ann <- {shown(wanted)}", f"ann <- {listed(received)}")


@check("NICK-1", "08def3faf2be", ground=2)
def renamed(t: Stage) -> None:
    """`/nick` is answered with NAME, in the lobby and in a room."""
    ann = t.connect("ann")
    _is(ann, _came(ann, f"/nick {t.name()}"), f"NAME {t.name()}")
    _came(ann, t.room())
    _is(ann, _came(ann, f"/nick {t.name('Anna')}"), f"NAME {t.name('Anna')}")


@check("NICK-2", "56ef39c7682a", ground=2)
def nick(t: Stage) -> None:
    """A member is told once who is renamed, and the one who is renamed is not."""
    ann, bob = _together(t, "ann", "bob")
    own = _events(_came(ann, f"/nick {t.name()}"))
    _is(bob, bob.settled(), f"NICK {ann.name} {t.name()}")
    _is(ann, own)


# ---------------------------------------------------------------- leaving


@check("ROOM-3", "70ea22ee6cf2", ground=2)
def moved(t: Stage) -> None:
    """A member is told once who moves, and the one who moves is not."""
    ann, bob = _together(t, "ann", "bob")
    own = _events(_came(ann, f"/cd {t.room('other')}"))
    _is(bob, bob.settled(), f"LEFT {ann.name} moved")
    _is(ann, own)


@check("EXIT-1", "ee5298c68de5", ground=2)
def bye(t: Stage) -> None:
    """`exit` brings BYE exit, and the end of the connection."""
    ann = t.connect("ann")
    ann.settled()
    ann.send("exit")
    ann.expect("BYE exit")
    ann.wait_end()


@check("EXIT-2", "a024b4e2d3ee", ground=2)
def left_by_exit(t: Stage) -> None:
    """A member is told once who leaves by `exit`."""
    ann, bob = _together(t, "ann", "bob")
    ann.send("exit")
    ann.wait_end()
    _is(bob, bob.settled(), f"LEFT {ann.name} exit")


@check("LEFT-1", "65362ae408f1", ground=2)
def left_by_loss(t: Stage) -> None:
    """A member is told once whose connection is closed."""
    ann, bob = _together(t, "ann", "bob")
    ann.close()
    bob.expect(f"LEFT {ann.name} lost")


@check("NET-4", "fac22d318f2a", ground=2)
def half_closed(t: Stage) -> None:
    """A client that ends its sending gets the answers to its lines, and the end."""
    ann = t.connect("ann")
    ann.settled()
    ann.send("/ping x-1")
    ann.half_close()
    ann.expect("PONG x-1")
    ann.wait_end()


# ---------------------------------------------------------------- lines


@check("LINE-2", "2716c0ff5413", ground=2)
def cr_lf(t: Stage) -> None:
    """A line that ends with CR LF is the same line."""
    ann = t.connect("ann")
    _is(ann, _came(ann, "/ping x-1\r"), "PONG x-1")


@check("NET-3", "1faf8225aff7", ground=2)
def a_line_in_pieces(t: Stage) -> None:
    """A line that comes in two pieces is one line, and two lines that come in one piece are two."""
    ann = t.connect("ann")
    ann.settled()
    ann.send_octets(b"/ping x", b"-1\n", b"/ping x-2\n/ping x-3\n")
    _is(ann, ann.settled(), "PONG x-1", "PONG x-2", "PONG x-3")


@check("ORDER-3", "f26b59eaddf6", ground=2)
def in_the_order_of_the_lines(t: Stage) -> None:
    """What the lines of one segment bring another member stands in the order of the lines."""
    room, bob = t.room("of-bob"), _alone(t, "bob")
    ann = t.connect("ann")
    bob.settled()
    _came(ann, room, "one", f"/nick {t.name()}", "two", f"/cd {t.room('other')}")
    said = [f"SAID {ann.name} one", f"NICK {ann.name} {t.name()}", f"SAID {t.name()} two"]
    wanted = [line.encode() for line in (f"JOINED {ann.name}", *said, f"LEFT {t.name()} moved")]
    received = bob.settled()
    if received != [line for line in wanted if line in received]:  # what is missing is another's matter
        raise Failed(f"bob <- {listed(wanted)}", f"bob <- {listed(received)}")


@check("LINE-3", "43b549494d38", ground=2)
def a_long_line(t: Stage) -> None:
    """A line of 4096 octets is not refused."""
    ann = t.connect("ann")
    if refused := [line for line in _came(ann, "/ping ".ljust(MAX_LINE, "x")) if line.startswith(b"ERROR")]:
        raise Failed('ann <- "PONG xxx..."', f"ann <- {shown(refused[0])}")


@check("LINE-4", "7a38a9693e90", ground=2)
def a_line_that_is_too_long(t: Stage) -> None:
    """A line of 5000 octets is answered with ERROR too-long."""
    ann = t.connect("ann")
    _is(ann, _came(ann, "x" * 5000), "ERROR too-long ...")


@check("LINE-5", "fd4daf09087c", ground=2)
def an_empty_line(t: Stage) -> None:
    """An empty line brings nothing."""
    ann = t.connect("ann")
    _is(ann, _came(ann, ""))


@check("LINE-6", "f869c2ea7bdb", ground=2)
def a_mark_at_the_start(t: Stage) -> None:
    """A U+FEFF at the very start does not belong to the first line."""
    ann = t.dial("ann")
    ann.send(BOM + b"/ping x-1")
    t.greet(ann)
    _is(ann, ann.settled(), "PONG x-1")


@check("TEXT-1", "ea12580b91e9", ground=2)
def a_line_that_is_no_utf_8(t: Stage) -> None:
    """A line that is no UTF-8 is answered with ERROR bad-text."""
    ann = t.connect("ann")
    _is(ann, _came(ann, b"caf\xe9"), "ERROR bad-text ...")


@check("TEXT-2", "b1e36cb77925", ground=2)
def a_forbidden_character(t: Stage) -> None:
    """A line with a control character is answered with ERROR bad-text."""
    ann = t.connect("ann")
    _is(ann, _came(ann, b"a\x07b"), "ERROR bad-text ...")


@check("TEXT-3", "e31e5c0e7f24", ground=2)
def a_cr_within_a_line(t: Stage) -> None:
    """A line with a CR in its middle is answered with ERROR bad-text."""
    ann = t.connect("ann")
    _is(ann, _came(ann, b"one\rtwo"), "ERROR bad-text ...")


# ---------------------------------------------------------------- refusals


@check("CMD-1", "8b9e4ca6c45d", ground=2)
def an_unknown_command(t: Stage) -> None:
    """A command that no server knows is answered with ERROR unknown-command."""
    ann = t.connect("ann")
    _is(ann, _came(ann, unknown(t)), "ERROR unknown-command ...")


@check("CMD-3", "58dbe20da78e", ground=2)
def a_missing_argument(t: Stage) -> None:
    """`/nick` without an argument is answered with ERROR bad-argument."""
    ann = t.connect("ann")
    _is(ann, _came(ann, "/nick"), "ERROR bad-argument ...")


@check("STATE-7", "eb33915a9894", ground=2)
def nothing_is_said_in_the_lobby(t: Stage) -> None:
    """`/say` in the lobby is answered with ERROR no-room."""
    ann = t.connect("ann")
    _is(ann, _came(ann, "/say hello"), "ERROR no-room ...")


@check("NAME-12", "f264fb3829fc", ground=2)
def a_bad_room(t: Stage) -> None:
    """A room whose name has a blank is answered with ERROR bad-room."""
    ann = t.connect("ann")
    _is(ann, _came(ann, "/cd no room"), "ERROR bad-room ...")


@check("NAME-2", "375ecb10907b", ground=2)
def a_bad_name(t: Stage) -> None:
    """A name with a dot is answered with ERROR bad-name."""
    ann = t.connect("ann")
    _is(ann, _came(ann, "/nick a.b"), "ERROR bad-name ...")


@check("NAME-3", "0e051c01317d", ground=2)
def a_taken_name(t: Stage) -> None:
    """A name that another client has is answered with ERROR name-taken."""
    ann, bob = t.connect("ann"), t.connect("bob")
    _is(bob, _came(bob, f"/nick {ann.name}"), "ERROR name-taken ...")


@check("NAME-6", "eac254f56b2a", ground=2)
def a_reserved_name(t: Stage) -> None:
    """The name `operator` is answered with ERROR name-taken."""
    ann = t.connect("ann")
    _is(ann, _came(ann, "/nick operator"), "ERROR name-taken ...")


# ---------------------------------------------------------------- help and lists


@check("HELP-1", "076bdd80ba2e", ground=2)
def help_is_given(t: Stage) -> None:
    """`/help` brings INFO."""
    ann = t.connect("ann")
    ann.settle()
    ann.inbox.clear()
    ann.send("/help")
    ann.settle()
    if not any(map(is_info, ann.inbox)):
        raise Failed('ann <- "INFO ..."', f"ann <- {listed(ann.inbox)}")


@check("WHO-1", "9a3c4ec212d6", ground=2)
def who(t: Stage) -> None:
    """`/who` names all members, and counts them."""
    ann, bob = _together(t, "ann", "bob")
    received = _came(ann, "/who")
    wanted = [*sorted(f"MEMBER {peer.name}".encode() for peer in (ann, bob)), f"MEMBERS {t.room()} 2".encode()]
    _is(ann, [*sorted(received[:-1]), *received[-1:]], *wanted)


@check("WHO-4", "3856099a8716", ground=2)
def who_with_an_argument(t: Stage) -> None:
    """`/who x` is answered with ERROR bad-argument."""
    ann = _alone(t)
    _is(ann, _came(ann, "/who x"), "ERROR bad-argument ...")


@check("LIST-1", "1f7830676a92", ground=2)
def rooms(t: Stage) -> None:
    """`/rooms` lists a room that has a member, and counts the lines."""
    ann = _alone(t)
    received = _came(ann, "/rooms")
    if f"LIVE {t.room('of-ann')} 1".encode() not in received or received[-1] != b"ROOMS %d" % (len(received) - 1):
        raise Failed(
            f"ann <- LIVE {t.room('of-ann')} 1, and ROOMS with the number of lines", f"ann <- {listed(received)}"
        )


@check("LIST-4", "b8a390437f6b", ground=2)
def rooms_with_an_argument(t: Stage) -> None:
    """`/rooms x` is answered with ERROR bad-argument."""
    ann = t.connect("ann")
    _is(ann, _came(ann, "/rooms x"), "ERROR bad-argument ...")
