"""Sections 14 and 15: security considerations, and how the protocol grows."""

import random

from conformance.checks.registry import check
from conformance.checks.server.tour import tour
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer
from conformance.wire.process import STOP_SECONDS

SQUALL = 6  # kinds of garbage that come before somebody speaks


@check("SEC-1", "1f59bc200bf4")
def others_are_served_whatever_comes(t: Stage) -> None:
    """Through a storm of connections, garbage, resets, half lines and silence, two members are served."""
    t.start_if_possible()
    ann, bob = t.members(t.room(), "ann", "bob")
    chance = random.Random(t.seed)
    garbage = [chance.randbytes(chance.randrange(1, 3000)) for _ in range(60)]
    first: tuple[bytes, ...] = (
        b"",
        b"half a line",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01",
        b"\xff" * 9000,
        b"\n" * 99,
    )
    for number, octets in enumerate((b"half a line", b"\xf0\x9f", b"\xef\xbb", b"GET", b"/say ", b"x" * 5000)):
        t.dial(f"holder{number}").send_octets(octets)
    pieces = [*first, *garbage]
    for begin in range(0, len(pieces), SQUALL):
        for octets in pieces[begin : begin + SQUALL]:
            for how in (Peer.close, Peer.reset, Peer.half_close):
                client = t.dial("client")
                client.offer(octets)
                how(client)
        for number, silent in enumerate(t.clients(*(f"silent{begin + number}" for number in range(SQUALL)))):
            silent.stall()
            if number % 2:
                silent.send(t.room("storm"), "words that nobody reads", *["/help"] * 5)
                silent.reset()
        ann.send(f"after {begin}")
        for member in (ann, bob):
            member.expect(f"SAID {ann.name} after {begin}")
    cyd = t.connect("cyd")
    cyd.send("/ping x")
    cyd.expect("PONG x")


@check("SEC-1", "1f59bc200bf4")
def a_reset_right_after_connecting(t: Stage) -> None:
    """A hundred connections that are reset before, or while, they are greeted do no harm."""
    t.start_if_possible()
    ann, bob = t.members(t.room(), "ann", "bob")
    for number in range(100):
        t.dial("passer-by").reset()
        if number % 10 == 0:
            ann.send(f"after {number}")
            for member in (ann, bob):
                member.expect(f"SAID {ann.name} after {number}")
    ann.settle()
    t.connect("cyd")


@check("SEC-2", "3a108a26f7e6", needs=("console",), slow=2)
def nothing_raw_on_the_console(t: Stage) -> None:
    """Control characters and ill-formed octets that clients send do not reach the console as they are."""
    server = t.start()
    (ann,) = t.members(t.room(), "ann")
    mark = t.suffix.encode()
    raw = [
        b"\x1b]0;" + mark,
        b"\x1b[5m" + mark,
        b"\x07" + mark,
        b"\xff\xfe" + mark,
        b"\xc2\x9b" + mark,
        b"\x08\x08" + mark,
    ]
    words = (b"", b"/nick ", b"/cd ", b"/say ", b"/", b"/who ")
    t.refused(ann, "bad-text", [before + bad for bad in raw for before in words])
    strangers: list[Peer] = []
    for octets in (first + bad for bad in raw for first in (b"GET /", b"\x16", b"")):
        strangers.append(t.dial(f"stranger{len(strangers)}"))
        strangers[-1].offer(octets + b"\r\n\r\n")
        strangers[-1].half_close()
    for stranger in strangers:
        stranger.wait_end()
    t.give_turn()
    server.say("/who")
    server.say("exit")
    ann.wait_end()
    ann.close()
    server.wait(STOP_SECONDS)
    output = server.output
    if found := [bad for bad in raw if bad in output]:
        raise Failed("no control characters of clients on the console", repr(found[0]))


@check("SEC-3", "794e35a86133", needs=("console",))
def what_is_said_is_not_logged(t: Stage) -> None:
    """All that is said does not stand in what the server prints."""
    server = t.start()
    ann, bob = t.members(t.room(), "ann", "bob")
    secret = f"secret-{t.suffix}"
    ann.send(secret, f"/say {secret}")
    bob.expect(f"SAID {ann.name} {secret}", f"SAID {ann.name} {secret}")
    server.say("exit")
    for client in (ann, bob):
        client.wait_end()
        client.close()
    server.wait(STOP_SECONDS)
    if secret.encode() in server.output:
        raise Failed("nothing of what is said on the console", "the words of a client")


@check("GROW-1", "1472853bd5e7")
def the_plainest_client(t: Stage) -> None:
    """A client that sends a room, a text and exit at once, and looks at nothing first, is served."""
    room = t.room()
    ann = t.dial("ann")
    ann.send(room, "hello", f"/cd {t.room('other')}", "exit")
    t.greet(ann)
    ann.expect(f"ROOM {room}", f"SAID {ann.name} hello", f"ROOM {t.room('other')}", "BYE exit")
    ann.expect_end()


@check("GROW-2", "b588478bc175")
def no_further_words(t: Stage) -> None:
    """No line has more words than section 7 gives it, whatever clients do."""
    _, visitor = tour(t)
    room, away = t.room("grow"), t.room("away")
    ann, bob = t.members(room, "ann", "bob")
    name = t.name("Grow")
    ann.send("hello there", f"/nick {name}", "/ping a b", f"/cd {away}", f"/cd {room}", "exit")
    ann.expect(f"SAID {ann.name} hello there", f"NAME {name}", "PONG a b", f"ROOM {away}", f"ROOM {room}", "BYE exit")
    bob.expect(f"SAID {ann.name} hello there", f"NICK {ann.name} {name}", f"LEFT {name} moved")
    bob.expect(f"JOINED {name}", f"LEFT {name} exit")
    for peer in (bob, visitor):
        peer.settled()
