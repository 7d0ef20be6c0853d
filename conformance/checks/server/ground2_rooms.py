"""The ground of rooms, names and leaving."""

import contextlib
from collections.abc import Callable

from conformance.checks.registry import check
from conformance.checks.server import ground
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed, octets
from conformance.wire.standing import CASES
from conformance.wire.transcript import shown

_ROUNDS = 10  # of two that enter at the same time: not in each do they meet

# ---------------- lines as such


@check("OUT-1", "f21cea9bf525", ground=3)
def plain_lines_match_the_grammar(t: Stage) -> None:
    """All that a plain conversation brings matches the grammar; whether it is right is not the matter."""
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


# ---------------- rooms


@check("GROW-1", "1472853bd5e7", ground=3)
def a_room_needs_no_feature(t: Stage) -> None:
    """A client that has used no feature enters a room as one that has used all."""
    ann, bob = t.connect("ann"), t.connect("bob")
    ground.came(bob, *(f"/{feature}" for feature in ("who", "rooms") if feature in bob.features))
    wanted = f"ROOM {t.room()}".encode()
    received = ground.came(ann, t.room())
    if wanted not in received and wanted in ground.came(bob, t.room()):  # where both are refused it is another's matter
        raise Failed(f"ann <- {shown(wanted)}, as bob, who has used /who or /rooms", f"ann <- {listed(received)}")


@check("NAME-11", "a0bc94d16f92", ground=3)
def any_room(t: Stage) -> None:
    """A room that nobody has entered before can be entered."""
    ann = t.connect("ann")
    if refused := [line for line in ground.came(ann, f"/cd {t.room()}") if line.startswith(b"ERROR bad-room")]:
        raise Failed(f'ann <- "ROOM {t.room()}"', f"ann <- {shown(refused[0])}")


@check("ROOM-1", "633eee211c03", ground=3)
def room(t: Stage) -> None:
    """A client that has entered a room, at first or later, so that it can speak there, has got ROOM."""
    ann, bob = t.connect("ann"), t.connect("bob")
    for peer, line, room in (
        (ann, t.room(), t.room()),
        (bob, f"/cd {t.room()}", t.room()),
        (bob, f"/cd {t.room('later')}", t.room("later")),
    ):
        received = ground.came(peer, line)
        answers = ground.of(received, b"ROOM", b"ERROR")
        taken_for_text = ground.of(received, b"SAID")  # by a server that has put the client into some room before
        entered = not answers and not taken_for_text and ground.of(ground.came(peer, "/say x"), b"SAID")
        if entered or (len(answers) > 1 and answers[0] == f"ROOM {room}".encode()):
            raise Failed(f'{peer.label} <- "ROOM {room}"', f"{peer.label} <- {listed(received)}")


@check("STATE-6", "565e79a88776", ground=3)
def a_line_enters_a_room(t: Stage) -> None:
    """A bare line in the lobby enters the room of that name."""
    ground.brings(t.connect("ann"), t.room(), f"ROOM {t.room()}")


@check("ROOM-4", "1396b1391634", ground=3)
def cd_enters_a_room(t: Stage) -> None:
    """`/cd` in the lobby enters the room of that name."""
    ground.brings(t.connect("ann"), f"/cd {t.room()}", f"ROOM {t.room()}")


@check("ROOM-5", "e193eaf9d5d9", ground=3)
def the_same_room_again(t: Stage) -> None:
    """`/cd` into the room that the client is in brings ROOM."""
    ground.brings(ground.alone(t), f"/cd {t.room('of-ann')}", f"ROOM {t.room('of-ann')}")


@check("NAME-10", "8d288089fb9d", ground=3)
def rooms_are_folded(t: Stage) -> None:
    """A room that is entered in capitals is called in small letters."""
    ground.brings(t.connect("ann"), f"/cd {t.room().upper()}", f"ROOM {t.room()}")


@check("SAY-1", "319e3fb9e6fc", ground=3)
def a_line_is_said(t: Stage) -> None:
    """A bare line in a room is not refused."""
    ann = ground.alone(t)
    if refused := ground.of(ground.came(ann, "hello there"), b"ERROR", b"ROOM"):
        raise Failed(f"ann <- SAID {ann.name} hello there", f"ann <- {shown(refused[0])}")


@check("SAY-2", "d9c0e72d5798", ground=3)
def said(t: Stage) -> None:
    """All that is said comes to the speaker and to another member, once."""
    ann, bob = ground.together(t, "ann", "bob")
    said = f"SAID {ann.name} hello there"
    ann.send("hello there")
    for peer in (ann, bob):
        peer.settle()
        ground.missing(t, peer, said)  # that it is late is another's matter
        ground.only(peer, ground.of(peer.take(), b"SAID"), said)


@check("SAY-4", "38dfd064783b", ground=3)
def say(t: Stage) -> None:
    """`/say` says its argument."""
    ann = ground.alone(t)
    ground.brings(ann, "/say hello there", f"SAID {ann.name} hello there")


@check("ROOM-2", "d56f52ed3b48", ground=3)
def joined(t: Stage) -> None:
    """A member is told once who enters, and the one who enters is not."""
    ann = ground.alone(t)
    bob = t.connect("bob")
    joined = f"JOINED {bob.name}".encode()
    ann.settled()
    own = ground.came(bob, t.room("of-ann"))
    ground.once(ann, ground.of(ann.settled(), b"JOINED"), joined)
    if joined in own:
        raise Failed(f"bob <- no {shown(joined)}", f"bob <- {listed(own)}")


# ---------------- for nobody else


@check("ORDER-2", "a76544cbc7a9", ground=3)
def nothing_of_before(t: Stage) -> None:
    """A client that enters a room is told nothing of what happened before, there or in the room that it comes from."""
    ann, bob, cyd = ground.alone(t), ground.alone(t, "bob"), t.connect("cyd")
    ground.came(ann, "hello there")
    ground.came(bob, "anybody here?")
    for peer in (cyd, bob):  # first who comes from the lobby
        received = ground.came(peer, f"/cd {t.room('of-ann')}")
        ground.only(
            peer, [line for line in ground.of(received, *ground.EVENTS) if line != f"LEFT {peer.name} moved".encode()]
        )


@check("SAY-3", "41e4b7ccde1e", ground=3)
def said_to_no_other_room(t: Stage) -> None:
    """All that is said does not come to a member of another room."""
    ann, cyd = ground.alone(t, "ann"), ground.alone(t, "cyd")
    cyd.settled()
    ground.came(ann, "hello there")
    ground.only(cyd, ground.of(cyd.settled(), b"SAID"))


@check("OUT-3", "ae124facc889", ground=3)
def no_events_of_another_room(t: Stage) -> None:
    """A client that enters, is renamed and leaves is not told to a member of another room."""
    cyd, ann = ground.alone(t, "cyd"), t.connect("ann")
    cyd.settled()
    ground.came(ann, t.room(), f"/nick {t.name()}", f"/cd {t.room('other')}")
    ground.only(cyd, ground.of(cyd.settled(), b"JOINED", b"LEFT", b"NICK"))


@check("STATE-4", "c3e33b25608b", ground=3)
def no_events_for_the_lobby(t: Stage) -> None:
    """All that happens in a room is not told to a client in the lobby."""
    cyd, ann = t.connect("cyd"), t.connect("ann")
    cyd.settled()
    ground.came(ann, t.room(), "hello there", f"/nick {t.name()}", f"/cd {t.room('other')}")
    ground.only(cyd, ground.of(cyd.settled(), *ground.EVENTS))


@check("STATE-5", "450604d6bc83", ground=3)
def nothing_of_the_lobby(t: Stage) -> None:
    """Coming to the lobby and being renamed in it is told to nobody."""
    bob = ground.alone(t, "bob")
    bob.settled()
    ann = t.connect("ann")
    ground.came(ann, f"/nick {t.name()}")
    ground.only(bob, ground.of(bob.settled(), *ground.EVENTS))


# ---------------- names


@check("ORDER-2", "a76544cbc7a9", ground=3)
def one_of_two_is_told(t: Stage) -> None:
    """Of two that enter a room at the same time, the second is not told that the first entered."""
    ann, bob = t.clients("ann", "bob")
    for number in range(_ROUNDS):
        for peer in (ann, bob):
            peer.send(f"/cd {t.room(f'both{number}')}")
        for peer in (ann, bob):
            peer.settle()
        told = {peer.label: peer.settled() for peer in (ann, bob)}
        if f"JOINED {bob.name}".encode() in told["ann"] and f"JOINED {ann.name}".encode() in told["bob"]:
            raise Failed("ann or bob <- JOINED of the other", f"both: ann <- {listed(told['ann'])}")


@check("NAME-1", "b74ada0bbafe", ground=3)
def a_plain_name(t: Stage) -> None:
    """A plain name that is free is taken for one that a user can have, and for free."""
    ann = t.connect("ann")
    if refused := [
        line for line in ground.came(ann, f"/nick {t.name()}") if line.startswith((b"ERROR bad-", b"ERROR name"))
    ]:
        raise Failed(f'ann <- "NAME {t.name()}"', f"ann <- {shown(refused[0])}")


@check("NAME-4", "b02d978b08ff", ground=3)
def the_case_of_a_name(t: Stage) -> None:
    """A name comes back in the case in which it was written."""
    ann = t.connect("ann")
    wanted = f"NAME {t.name()}".encode()
    received = [line for line in ground.came(ann, f"/nick {t.name()}") if line.lower() == wanted.lower()]
    if received and received != [wanted]:
        raise Failed(f"ann <- {shown(wanted)}", f"ann <- {listed(received)}")


@check("NICK-1", "08def3faf2be", ground=3)
def renamed(t: Stage) -> None:
    """`/nick` is answered with NAME, in the lobby and in a room."""
    ann = t.connect("ann")
    ground.brings(ann, f"/nick {t.name()}", f"NAME {t.name()}")
    ground.came(ann, t.room())
    ground.brings(ann, f"/nick {t.name('Anna')}", f"NAME {t.name('Anna')}")


@check("NICK-2", "5755ae80dcd9", ground=3)
def nick(t: Stage) -> None:
    """A member is told once who is renamed, and the one who is renamed is not."""
    ann, bob = ground.together(t, "ann", "bob")
    own = ground.of(ground.came(ann, f"/nick {t.name()}"), b"NICK")
    ground.only(bob, ground.of(bob.settled(), b"NICK"), f"NICK {ann.name} {t.name()}")
    ground.only(ann, own)


@check("NICK-2", "5755ae80dcd9", ground=3, fact=CASES)
def a_change_of_case(t: Stage) -> None:
    """A member is told once of another whose name has other cases of letters now."""
    ann, bob = ground.together(t, "ann", "bob")
    ground.came(ann, f"/nick {t.name('ann')}")
    bob.settled()
    ground.came(ann, f"/nick {t.name('ANN')}")
    ground.only(bob, ground.of(bob.settled(), b"NICK"), f"NICK {t.name('ann')} {t.name('ANN')}")


@check("NICK-5", "dff43ae24f5f", ground=3)
def the_new_name_is_used(t: Stage) -> None:
    """Of somebody who was renamed, words and leaving are told with the new name."""
    ann, bob = ground.together(t, "ann", "bob")
    old = ann.name.encode()
    ground.came(ann, f"/nick {t.name()}")
    bob.settled()
    ground.came(ann, "hello there", f"/cd {t.room('other')}")
    if wrong := [line for line in bob.settled() if line.split(b" ")[1:2] == [old]]:
        raise Failed(f"bob <- nothing of {ann.name}, who is called {t.name()} now", f"bob <- {listed(wrong)}")


@check("NAME-8", "c20b3cb785fe", ground=3)
def a_given_up_name(t: Stage) -> None:
    """A name that a client gave up for another is not refused to others."""
    ann, bob = t.connect("ann"), t.connect("bob")
    given_up = f"NAME {t.name()}".encode() in ground.came(ann, f"/nick {t.name()}", f"/nick {t.name('Anna')}")
    received = ground.came(bob, f"/nick {t.name()}")
    if given_up and any(line.startswith(b"ERROR name-taken") for line in received):
        raise Failed(f'bob <- "NAME {t.name()}"', f"bob <- {listed(received)}")


# ---------------- leaving


@check("ROOM-3", "c1263cf36379", ground=3)
def moved(t: Stage) -> None:
    """A member is told once who moves, and the one who moves is not."""
    ann, bob = ground.together(t, "ann", "bob")
    own = ground.of(ground.came(ann, f"/cd {t.room('other')}"), b"LEFT")
    ground.once(bob, ground.of(bob.settled(), b"LEFT"), f"LEFT {ann.name} moved".encode())
    ground.only(ann, own)


@check("NET-6", "5ccc8e33d878", ground=3)
def the_end_after_bye(t: Stage) -> None:
    """After BYE, the server ends its sending, while the client keeps its side open."""
    ann = t.connect("ann")
    ann.send("exit")
    with contextlib.suppress(Failed):  # that BYE comes is another's matter
        t.wait_for(ann, lambda: b"BYE exit" in ann.inbox, 'ann <- "BYE exit"')
    if b"BYE exit" in ann.inbox:
        ann.wait_end()


@check("BYE-1", "fb4804265c53", ground=3)
def bye_comes_before_the_end(t: Stage) -> None:
    """A connection that the server ends after `exit` has got BYE."""
    ann = t.connect("ann")
    ann.settled()
    ann.send("exit")
    with contextlib.suppress(Failed):  # that it ends at all is another's matter
        ann.wait_end()
    if ann.ended == "end" and not ground.of(ann.take(), b"BYE"):  # a reset can have destroyed it
        raise Failed('ann <- "BYE exit"', f"ann <- {ann.ending()}")


@check("EXIT-1", "ee5298c68de5", ground=3)
def bye(t: Stage) -> None:
    """`exit` brings BYE exit, and the end of the connection."""
    ann = t.connect("ann")
    ann.settled()
    ann.send("exit")
    ann.expect("BYE exit")
    ann.wait_end()


@check("NAME-9", "8eec46f742bc", ground=3)
def the_name_of_who_left(t: Stage) -> None:
    """The name of a client that has got BYE exit is not refused to others."""
    ann, bob = t.connect("ann"), t.connect("bob")
    ground.came(ann, f"/nick {t.name()}")
    ann.send("exit")
    ann.wait_end()
    received = ground.came(bob, f"/nick {t.name()}")
    if any(line.startswith(b"ERROR name-taken") for line in received):
        raise Failed(f'bob <- "NAME {t.name()}"', f"bob <- {listed(received)}")


@check("ORDER-9", "953e011217e2", ground=3)
def bye_proves(t: Stage) -> None:
    """All that `exit` brings another has come before the PONG to a ping that the other sends after BYE."""
    bob, left = _member_and_exit(t)
    if left.encode() not in bob.settled() and ground.comes_late(t, bob, left):
        raise Failed(f"bob <- {shown(octets(left))} before a PONG", "it comes after the PONG")


def _member_and_exit(t: Stage) -> tuple[Peer, str]:
    """Let one of two members exit; return the other, and what it is to be told."""
    ann, bob = ground.together(t, "ann", "bob")
    ann.send("exit")
    ann.wait_end()
    return bob, f"LEFT {ann.name} exit"


@check("EXIT-2", "b427fc1d394c", ground=3)
def left_by_exit(t: Stage) -> None:
    """A member is told once who leaves by `exit`."""
    bob, left = _member_and_exit(t)
    ground.once(bob, ground.of(bob.settled(), b"LEFT"), left.encode())


@check("NET-4", "c801f388b0c9", ground=3)
def half_closed(t: Stage) -> None:
    """A client that ends its sending gets the answers to its lines, and the end."""
    ann = t.connect("ann")
    ann.settled()
    ann.send("/ping x-1")
    ann.half_close()
    ann.expect("PONG x-1")
    ann.wait_end()


@check("LEFT-1", "65126010fee5", ground=3)
def left_by_loss(t: Stage) -> None:
    """A member is told whose connection is closed or reset."""
    _told_of_the_lost(t, Peer.close, Peer.reset)


@check("LEFT-1", "65126010fee5", ground=3)
def left_by_half_closing(t: Stage) -> None:
    """A member is told who ends its sending."""
    _told_of_the_lost(t, Peer.half_close)


def _told_of_the_lost(t: Stage, *ways: Callable[[Peer], None]) -> None:
    """Let a member leave in each of these ways; raise Failed unless another is told."""
    ann, *others = ground.together(t, "ann", *("bob", "cyd")[: len(ways)])
    for other, leave in zip(others, ways, strict=True):
        leave(other)
    wanted = [f"LEFT {other.name} lost".encode() for other in others]
    t.wait_for(ann, lambda: set(wanted) <= set(ann.inbox), f"ann <- {listed(wanted)}, in any order")


@check("LEFT-2", "d952468ab7bc", ground=3)
def left_once(t: Stage) -> None:
    """A member is told at most once of each who moves, exits or is lost."""
    ann, bob, cyd, dan = ground.together(t, "ann", "bob", "cyd", "dan")
    ground.came(bob, f"/cd {t.room('other')}")
    cyd.send("exit")
    cyd.wait_end()
    dan.close()
    with contextlib.suppress(Failed):  # that it comes at all is another's matter
        t.wait_for(ann, lambda: f"LEFT {dan.name} lost".encode() in ann.inbox, "ann <- LEFT")
    left = [line.split(b" ")[1] for line in ground.of(ann.settled(), b"LEFT")]
    if twice := [one for one in (bob, cyd, dan) if left.count(one.name.encode()) > 1]:
        raise Failed(f"ann <- one LEFT of {twice[0].name}", f"ann <- {left.count(twice[0].name.encode())}")
