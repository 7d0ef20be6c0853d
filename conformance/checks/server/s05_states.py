"""Section 5, States of a connection."""

from conformance.checks.registry import check
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import is_info, listed
from conformance.wire.transcript import shown


@check("STATE-1", "3d95ec05d974")
def hello_comes_first(t: Stage) -> None:
    """HELLO is the first line, and comes to a client that sends nothing."""
    for ann in [t.dial(f"ann{number}") for number in range(5)]:
        line = ann.receive(info=True, what="HELLO, without waiting for anything")
        if line.split(b" ")[:2] != [b"HELLO", b"flurfunk/1"]:
            raise Failed("HELLO flurfunk/1 as the first line", shown(line))


@check("STATE-1", "3d95ec05d974")
def hello_comes_once(t: Stage) -> None:
    """HELLO comes once, whatever the client sends."""
    (ann,) = t.members(t.room(), "ann")
    ann.send("hello", "/help", f"/nick {t.name()}", "HELLO flurfunk/1")
    lines = ann.settled()
    if again := [line for line in lines if line.startswith(b"HELLO")]:
        raise Failed("HELLO as the first line, once", listed(again))


@check("STATE-2", "0e595b96ba99")
def name_comes_second(t: Stage) -> None:
    """NAME is the second line, and the name in it is the one by which others know the client."""
    room = t.room()
    (bob,) = t.members(room, "bob")
    ann = t.dial("ann")
    ann.receive(info=True, what="HELLO")
    line = ann.receive(info=True, what="NAME as the second line")
    if not line.startswith(b"NAME ") or not t.grammar.matches("name-line", line):
        raise Failed("NAME and a name as the second line", shown(line))
    name = line.decode().removeprefix("NAME ")
    ann.send(f"/cd {room}", "hello")
    bob.expect(f"JOINED {name}", f"SAID {name} hello")
    ann.expect(f"ROOM {room}", f"SAID {name} hello")


@check("STATE-3", "70c27a60e384")
def words_for_people(t: Stage) -> None:
    """INFO lines follow, before the client has sent anything."""
    ann = t.connect("ann")
    line = ann.receive(info=True, what="INFO")
    if not is_info(line):
        raise Failed("INFO as the third line", shown(line))


@check("STATE-4", "c3e33b25608b")
def no_events_in_the_lobby(t: Stage) -> None:
    """A client in the lobby receives nothing of what happens in rooms."""
    cyd, dan = t.clients("cyd", "dan")
    dan.send(f"/nick {t.name('Dan')}", "/say x", "no room")
    dan.settled()
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    ann.send("hello", f"/nick {t.name()}", f"/cd {t.room('other')}", f"/cd {room}", "again")
    bob.send("hi", "/nick " + t.name("Bob"), "exit")
    bob.wait_end()
    t.quiet(ann)
    t.nothing(cyd, dan)
    ann.close()
    t.give_turn()
    cyd.expect_nothing()


@check("STATE-4", "c3e33b25608b", needs=("console",))
def no_announcements_in_the_lobby(t: Stage) -> None:
    """A client in the lobby receives no ANNOUNCE, nor that of a client that the operator removes."""
    server = t.take_turn()
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    server.say("lunch")
    server.say(f"/kick {bob.name}")
    ann.expect("ANNOUNCE lunch", f"LEFT {bob.name} removed")
    t.nothing(ann, cyd)


@check("STATE-5", "450604d6bc83")
def the_lobby_is_told_to_nobody(t: Stage) -> None:
    """Coming to the lobby, being renamed in it and leaving it, in every way, is told to nobody."""
    (ann,) = t.members(t.room(), "ann")
    eve, *clients = t.clients("eve", *(f"cyd{number}" for number in range(4)))
    for number, (how, cyd) in enumerate(zip(("exit", "close", "reset", "half-close"), clients, strict=True)):
        cyd.send(f"/nick {t.name(f'Cyd{number}-')}", "/ping x")
        cyd.expect(f"NAME {t.name(f'Cyd{number}-')}", "PONG x")
        if how == "exit":
            cyd.send("exit")
            cyd.expect("BYE exit")
            cyd.expect_end()
        elif how == "half-close":
            cyd.half_close()
            cyd.expect_end()
        else:
            {"close": cyd.close, "reset": cyd.reset}[how]()
        t.give_turn()
        t.nothing(ann, eve)


@check("STATE-6", "565e79a88776")
def a_line_in_the_lobby_is_a_room(t: Stage) -> None:
    """A line in the lobby is a room's name, whatever it looks like; one that cannot be is refused, and one stays."""
    room = t.room()
    rooms = (room, t.room("help"), t.room("exit"), t.room("get"), t.room("nick"))
    others = (
        "coffee break",
        " main",
        "main ",
        "hello there!",
        "exit now",
        "exit ",
        " exit",
        "SAID x y",
        "get x",
        ".",
    )
    clients = t.clients(*(f"ann{number}" for number in range(len(rooms) + len(others))))
    for ann, line in zip(clients, (*rooms, *others), strict=True):
        ann.send(line)
    for ann, line in zip(clients, rooms, strict=False):
        ann.expect(f"ROOM {line}")
    stay = t.room("stay")
    for number, ann in enumerate(clients[len(rooms) :]):
        ann.expect_error("bad-room")
        ann.send(f"{stay}{number}")
    for number, ann in enumerate(clients[len(rooms) :]):
        ann.expect(f"ROOM {stay}{number}")


@check("STATE-6", "565e79a88776")
def http_words_behind_the_first_octets(t: Stage) -> None:
    """A word of HTTP is, as a later line or without its blank, a room's name or none."""
    firsts = ("get /", "GETX /", "Post ", "PRIX ")
    ann, bob, *others = t.clients("ann", "bob", *(f"cyd{number}" for number in range(len(firsts))))
    ann.send("/ping 1", "GET / HTTP/1.1", "get x", "GETX x")
    bob.send("GET")
    for cyd, first in zip(others, firsts, strict=True):
        cyd.send(first)
    ann.expect("PONG 1", *["ERROR bad-room ..."] * 3)
    bob.expect("ROOM get")
    for cyd in others:
        cyd.expect_error("bad-room")


@check("STATE-7", "eb33915a9894")
def say_in_the_lobby(t: Stage) -> None:
    """`/say` with a text is refused with no-room in the lobby, and nobody gets it."""
    (ann,) = t.members(t.room(), "ann")
    cyd, dan = t.clients("cyd", "dan")
    t.refused(cyd, "no-room", [f"/say {text}" for text in ("hello", "exit", "  ", " ", "/cd x", t.room())])
    t.nothing(cyd, ann, dan)
