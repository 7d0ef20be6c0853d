"""The empty world: no client, no room, nobody in a room; and what holds when somebody comes then."""

import signal

from conformance.checks.registry import check
from conformance.checks.server.looks import citing
from conformance.checks.server.s02_ends import WAYS, until
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage, skip
from conformance.text.vectors import MAX_LINE
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.process import STOP_SECONDS, Running


def _rooms_are(watcher: Peer, *wanted: str) -> bool:
    """Ask for the rooms; whether the answer is this."""
    watcher.settled()
    watcher.send("/rooms")
    return watcher.settled() == [line.encode() for line in wanted]


def _no_rooms(t: Stage, watcher: Peer) -> None:
    """The answer to `/rooms` becomes ROOMS 0: nothing tells when a lost client has left its room."""
    if not until(t, lambda: _rooms_are(watcher, "ROOMS 0")):
        watcher.send("/rooms")
        raise Failed(f"{watcher.label} <- ROOMS 0", f"{watcher.label} <- {listed(watcher.settled())}")


def _alone(t: Stage) -> None:
    """Raise Skipped where there is no server where nobody else is."""
    if not t.subject.can_start:
        raise skip("needs a server where nobody else is")


@check("LIST-1", "1f7830676a92")
def rooms_before_the_first(t: Stage) -> None:
    """`/rooms` is answered with ROOMS 0 alone when nobody has been in a room yet, several times too."""
    _alone(t)
    t.start(terminal=False)
    ann = t.connect("ann")
    ann.settled()
    ann.send("/rooms", "/rooms", "/ping x", "/rooms")
    ann.expect("ROOMS 0", "ROOMS 0", "PONG x", "ROOMS 0")


@check("LIST-3", "30248024bf4d")
def rooms_after_the_last(t: Stage) -> None:
    """When the last member of the last room has left, in each way, `/rooms` is answered with ROOMS 0 alone."""
    _alone(t)
    t.take_turn(terminal=False)
    watcher = t.connect("watcher")
    for way in ("exit", *WAYS):
        ann = t.connect(f"ann-{way}")
        t.enter(ann, t.room())
        if not _rooms_are(watcher, f"LIVE {t.room()} 1", "ROOMS 1"):
            raise Failed("watcher <- LIVE and ROOMS 1, for one room", "something else", cites="LIST-1")
        if way == "exit":
            ann.send("exit")
            ann.expect("BYE exit")
        else:
            WAYS[way](ann)
        _no_rooms(t, watcher)


@check("ROOM-2", "d56f52ed3b48")
def a_room_that_was_left_begins_anew(t: Stage) -> None:
    """A room that all have left, in each way, is a room like others when it is entered again, and has no past."""
    bob, cyd = t.clients("bob", "cyd")
    for number, way in enumerate(("moved", "exit", *WAYS), 1):
        room = t.room(f"room{number}")
        ann = t.connect(f"ann-{way}")
        ann.send(room, "/say of old", "/cd " + (t.room("away") if way == "moved" else room))
        ann.settled()
        if way == "exit":
            ann.send("exit")
            ann.expect("BYE exit")
        elif way != "moved":
            WAYS[way](ann)
            t.give_turn()
        t.quiet(bob, cyd)
        bob.send(f"/cd {room}")
        bob.expect(f"ROOM {room}")
        with citing("ORDER-2"):
            bob.settle()
            if told := [line for line in bob.take() if line != f"LEFT {ann.name} lost".encode()]:
                raise Failed(f"bob <- ROOM {room}, and nothing else", f"bob <- {listed(told)}")
        cyd.send(f"/cd {room}", "hello")
        cyd.expect(f"ROOM {room}", f"SAID {cyd.name} hello")
        bob.settle()
        told = [line for line in bob.take() if line != f"LEFT {ann.name} lost".encode()]
        if told != (wanted := [f"JOINED {cyd.name}".encode(), f"SAID {cyd.name} hello".encode()]):
            raise Failed(f"bob <- {listed(wanted)}", f"bob <- {listed(told)}")
        bob.send(f"/cd {t.room('away')}-2")
        bob.settle()
        cyd.settled()


# ---------------------------------------------------------------- the console


def _type(t: Stage, server: Running, octets: bytes) -> None:
    """Type a line, and `/help`, which is answered when the line has been dealt with, if the console is not deaf."""
    since = server.mark()
    server.write(octets + b"\n/help\n")
    server.shows(lambda text: "/kick" in text, since, t.deadline)


@check("OPER-1", "297da2fc6825")
def announcements_after_lines_to_nobody(t: Stage) -> None:
    """After each kind of line that is typed when nobody is there, or nobody in a room, announcements arrive."""
    server = t.take_turn(terminal=False)
    lines = [b"anybody?", b"/kick Ann", b"/kick", b"/who", b"/rooms", b"/help", b"/who x", b"", b"caf\xe9", b"x" * 9000]
    lines += [unknown(t).encode(), b"/kick " + b"x" * MAX_LINE]
    for number, line in enumerate([*lines, *lines], 1):
        lobby = t.connect(f"lobby{number}") if number > len(lines) else None
        _type(t, server, line)
        ann = t.connect(f"ann{number}")
        t.enter(ann, t.room())
        server.say(f"attention {number}")
        while (received := ann.receive(what=f"{ann.label} <- ANNOUNCE attention {number}")).startswith(b"ANNOUNCE any"):
            pass  # what was typed to nobody comes too late, which is another's matter
        if received != f"ANNOUNCE attention {number}".encode():
            raise Failed(f"{ann.label} <- ANNOUNCE attention {number}", f"{ann.label} <- {listed([received])}")
        for client in filter(None, (ann, lobby)):
            client.send("exit")
            client.expect("BYE exit")
            client.close()


@check("ORDER-2", "a76544cbc7a9", needs=("console",))
def announcements_to_nobody_are_not_kept(t: Stage) -> None:
    """All that is announced while nobody is in a room reaches nobody who enters one later, the first or the second."""
    server = t.take_turn(terminal=False)
    for way in ("nobody", "lobby"):
        waiting = [t.connect("waiting")] if way == "lobby" else []
        _type(t, server, b"anybody?")
        for label in ("ann", "bob"):
            client = t.connect(f"{label}-{way}")
            t.enter(client, t.room(label))
            client.expect_nothing()
            client.send("exit")
            client.expect("BYE exit")
        for client in waiting:
            t.enter(client, t.room("waiting"))
            client.expect_nothing()


def _ends_alone(server: Running) -> None:
    with server.ending_by_signal():
        if (status := server.wait(STOP_SECONDS)) != 0:
            raise Failed("the program ends with exit status 0, when nobody is there", f"exit status {status}")


def _come_and_go(t: Stage) -> None:
    """Let a client come, enter, and leave."""
    (ann,) = t.members(t.room(), "ann")
    ann.send("exit")
    ann.expect("BYE exit")
    ann.expect_end()
    ann.close()
    t.dismiss_pacer()


@check("OPER-2", "4942691d9e55")
def exit_when_nobody_has_come(t: Stage) -> None:
    """`exit` on the console ends the server with status 0 also when no client is there, nor was."""
    server = t.start(terminal=False)
    server.say("exit")
    _ends_alone(server)


@check("OPER-2", "4942691d9e55")
def exit_when_all_have_left(t: Stage) -> None:
    """`exit` on the console ends the server with status 0 also when all clients have left."""
    server = t.start()
    _come_and_go(t)
    server.say("exit")
    _ends_alone(server)


@check("OPER-9", "dbef475a1e69")
def sigterm_when_nobody_has_come(t: Stage) -> None:
    """SIGTERM ends the server with status 0 also when no client is there, nor was."""
    server = t.start(terminal=False)
    server.signal(signal.SIGTERM)
    _ends_alone(server)


@check("OPER-9", "dbef475a1e69")
def sigint_when_all_have_left(t: Stage) -> None:
    """SIGINT ends the server with status 0 also when all clients have left, and the console's input has ended."""
    server = t.start(terminal=False)
    _come_and_go(t)
    server.end_input()
    server.signal(signal.SIGINT, group=True)
    _ends_alone(server)
