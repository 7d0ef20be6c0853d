"""Section 8, Errors and ends."""

import time

from conformance.checks.registry import check
from conformance.checks.server.times import took
from conformance.checks.server.tour import tour
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.transcript import shown

ROUNDS = 10
CHOOSE_SECONDS = 1  # that a client has, where there is a limit
PAUSE_SECONDS = 0.4  # between two lines of who is busy
CODES = ("too-long", "bad-text", "unknown-command", "bad-argument", "no-room", "bad-room", "bad-name", "name-taken")


@check("ERR-1", "476de9169469")
def errors_have_the_codes_of_the_table(t: Stage) -> None:
    """Each kind of refused line is answered with its code of the table."""
    cyd, dan = t.clients("cyd", "dan")
    lines: list[tuple[str | bytes, str]] = [
        ("x" * 4097, "too-long"),
        (b"\xff", "bad-text"),
        (b"\x00", "bad-text"),
        (unknown(t), "unknown-command"),
        ("/ping", "bad-argument"),
        ("/say hi", "no-room"),
        ("no room", "bad-room"),
        ("/cd no room", "bad-room"),
        ("/nick B.B.", "bad-name"),
        (f"/nick {dan.name}", "name-taken"),
        ("/nick operator", "name-taken"),
    ]
    t.answers(cyd, *((line, f"ERROR {code} ...") for line, code in lines))


@check("ERR-1", "476de9169469")
def no_other_codes(t: Stage) -> None:
    """A tour through right and wrong lines brings no code that the table does not have."""
    t.needs("FEAT-1")
    for peer in (*tour(t), *tour(t)):
        errors = [line for line in peer.inbox if line.startswith(b"ERROR")]
        codes = {line.decode("utf-8", "replace").split(" ")[1] for line in errors if b" " in line}
        known = [*CODES, *(["no-user"] if "tell" in peer.features else [])]
        if strange := codes.difference(known):
            raise Failed(f"the codes {', '.join(known)}", ", ".join(sorted(strange)))


@check("ERR-2", "a450d1ae1491")
def the_connection_survives_errors(t: Stage) -> None:
    """After each kind of ERROR, 20 times, the connection is served as before."""
    ann, bob = t.members(t.room(), "ann", "bob")
    lines: list[tuple[str | bytes, str]] = [("x" * 4097, "too-long"), (b"\xff", "bad-text"), ("/ping", "bad-argument")]
    lines += [(unknown(t), "unknown-command"), ("/cd no room", "bad-room"), ("/nick B.B.", "bad-name")]
    lines += [("/nick operator", "name-taken")]
    for number in range(20):
        ann.send(*(line for line, _ in lines), f"on {number}")
        ann.expect(*(f"ERROR {code} ..." for _, code in lines))
        for member in (ann, bob):
            member.expect(f"SAID {ann.name} on {number}")
    cyd = t.connect("cyd")
    others = (("/say x", "no-room"), ("no room", "bad-room"), ("/nick -", "bad-name"), (unknown(t), "unknown-command"))
    t.answers(cyd, *((line, f"ERROR {code} ...") for line, code in others))


@check("BYE-1", "fb4804265c53")
def bye_before_the_end(t: Stage) -> None:
    """The server closes after `exit` with BYE, at a client that reads it later as well."""
    for room in ("", t.room()):
        ann = t.connect("ann")
        if room:
            t.enter(ann, room)
        ann.stall()
        ann.send("/ping 1", "exit")
        t.give_turn()
        ann.stall(stalled=False)
        ann.expect("PONG 1", "BYE exit")
        ann.expect_end()


@check("BYE-1", "fb4804265c53", needs=("console",))
def bye_before_the_operator_ends_it(t: Stage) -> None:
    """A removed client, in a room or in the lobby, gets BYE removed; at the end of the server all get BYE shutdown."""
    server = t.start()
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd, dan = t.clients("cyd", "dan")
    for client in (bob, cyd):
        server.say(f"/kick {client.name}")
        client.expect("BYE removed")
        client.expect_end()
    ann.expect(f"LEFT {bob.name} removed")
    server.say("exit")
    for client in (ann, dan):
        client.expect("BYE shutdown")
        client.expect_end()


@check("BYE-2", "cb90f04ea034")
def nothing_behind_bye(t: Stage) -> None:
    """In a room where others speak without pause, nothing follows the BYE of one who leaves."""
    pairs = t.groups([t.room(f"main{number}") for number in range(ROUNDS)], "ann", "bob")
    for ann, bob in pairs:
        bob.offer(b"chatter\n" * 100)
        ann.offer(b"exit\n")
        bob.offer(b"chatter\n" * 100)
    for ann, _ in pairs:
        ann.wait_end()
        lines = list(ann.inbox)  # INFO lines too
        behind = lines[lines.index(b"BYE exit") + 1 :] if b"BYE exit" in lines else lines[-1:]
        if behind or b"BYE exit" not in lines:
            raise Failed("BYE exit as the last line", listed(behind))


@check("BYE-3", "6e1fdc39ea41")
def nothing_is_done_after_bye(t: Stage) -> None:
    """All that a client sends after it received BYE, in however many segments, has no effect and no answer."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    ann.send("exit")
    ann.expect("BYE exit")
    for line in ("hello", "/ping x", f"/cd {t.room('other')}", "/nick " + t.name(), "exit"):
        ann.offer(line.encode() + b"\n")
        t.give_turn()
    ann.expect_end()
    bob.expect(f"LEFT {ann.name} exit")
    bob.expect_nothing()


@check("BYE-3", "6e1fdc39ea41", needs=("console",))
def nothing_is_done_after_kick(t: Stage) -> None:
    """A client that goes on sending while the operator removes it is not heard after its LEFT, nor answered."""
    pairs = t.groups([t.room(f"main{number}") for number in range(ROUNDS)], "ann", "bob")
    for ann, _ in pairs:
        ann.offer(b"chatter\n" * 200)
        t.kick(ann.name)
        ann.offer(b"chatter\n" * 200)
    for ann, _ in pairs:
        ann.wait_end()
        if (last := ann.take()[-1:]) != [b"BYE removed"]:
            raise Failed("BYE removed as the last line", listed(last))
    t.settle(*(bob for _, bob in pairs))
    for ann, bob in pairs:
        while not (line := bob.receive(what=f"bob <- LEFT {ann.name} removed")).startswith(b"LEFT "):
            if line != f"SAID {ann.name} chatter".encode():
                raise Failed(f"bob <- LEFT {ann.name} removed", listed([line]))
    t.nothing(*(bob for _, bob in pairs))


@check("BYE-4", "992d5ec8bb1c")
def a_full_server_says_so(t: Stage) -> None:
    """With two clients served and two allowed, further connections get HELLO and BYE full, and the two are served."""
    t.take_turn(clients=2)
    ann, bob = t.members(t.room(), "ann", "bob")
    for late in [t.dial(f"late{number}") for number in range(5)]:
        hello = late.receive(info=True)
        bye = late.receive(info=True)
        if not hello.startswith(b"HELLO flurfunk/1") or bye != b"BYE full":
            raise Failed("HELLO flurfunk/1 ..., BYE full", listed([hello, bye]))
        late.expect_end()
    ann.send("hello")
    for member in (ann, bob):
        member.expect(f"SAID {ann.name} hello")


@check("BYE-3", "6e1fdc39ea41", needs=("client-limit",))
def who_is_not_served_is_not_heard(t: Stage) -> None:
    """All that a client that gets BYE full sends has no effect."""
    t.take_turn(clients=1)
    room = t.room()
    (ann,) = t.members(room, "ann")
    late = t.dial("late")
    late.send(room, "hello", "/ping x")
    late.receive(info=True)
    late.expect("BYE full")
    late.expect_end()
    ann.expect_nothing()


@check("BYE-5", "9b613546255d")
def a_place_is_free_again(t: Stage) -> None:
    """After a client left, by exit, end of stream or reset, a new one is served in its place."""
    t.take_turn(clients=2)
    room = t.room()
    (bob,) = t.members(room, "bob")
    ann = t.connect("ann")
    for how in ("exit", Peer.close, Peer.reset):
        t.enter(ann, room, bob)
        if how == "exit":
            ann.send("exit")
            ann.expect("BYE exit")
            ann.expect_end()
            ann.close()
            bob.expect(f"LEFT {ann.name} exit")
        else:
            assert callable(how)
            how(ann)
            bob.expect(f"LEFT {ann.name} lost")
        ann = _served_soon(t, bob)


def _served_soon(t: Stage, bob: Peer) -> Peer:
    """Connect until one is served; between two attempts the server has turns. Raises Failed after very many."""
    for _ in range(200):
        new = t.dial("new")
        new.receive(info=True)
        line = new.receive(info=True)
        if line.startswith(b"NAME "):
            new.name = line.decode().removeprefix("NAME ")
            return new
        new.close()
        bob.round_trip()
    raise Failed("NAME for a new client, as soon as a place is free", listed([line]))


@check("BYE-6", "6bee70e5864a", needs=("choose-limit",))
@check("BYE-7", "182ed106ca61", slow=1)
def who_does_not_choose_is_sent_away(t: Stage) -> None:
    """A client in the lobby for longer than the limit gets BYE idle, whether silent or busy with other lines."""
    t.share(seconds=CHOOSE_SECONDS)
    silent, busy = t.clients("silent", "busy")
    t.deadline += CHOOSE_SECONDS
    end = time.monotonic() + t.deadline
    number = 0
    while not busy.ended and b"BYE idle" not in busy.inbox:
        number += 1
        if time.monotonic() > end:
            raise Failed(
                f'busy <- "BYE idle" after the {CHOOSE_SECONDS} s in which it has to choose',
                f"busy <- no BYE idle within {t.deadline:.0f} s: its lines are answered",
            )
        busy.send(f"/ping {number}", "/help" if number % 2 else "no room")
        while not busy.ended and not {b"PONG %d" % number, b"BYE idle"}.intersection(busy.inbox):
            if not t.pump(t.deadline):
                raise Failed(f"PONG {number} or BYE idle", "nothing")
        _breathe(t, busy)
    for client in (silent, busy):
        client.expect_last("BYE idle")


@check("BYE-7", "182ed106ca61", slow=2)
def nobody_is_sent_away_before(t: Stage) -> None:
    """A client in the lobby gets BYE idle no sooner than its time is over, whether it has said something or not."""
    t.share(seconds=CHOOSE_SECONDS)
    t.deadline += CHOOSE_SECONDS
    for label, lines in (("silent", []), ("talks", ["no room"])):
        began = time.monotonic()
        client = t.connect(label)
        client.send(*lines)
        for _ in lines:
            client.expect_error("bad-room")
        bye = client.receive(what=f'{label} <- "BYE idle" after the {CHOOSE_SECONDS} s in which it has to choose')
        took(began, CHOOSE_SECONDS, f"{label} <- BYE idle")
        if bye != b"BYE idle":
            raise Failed(f'{label} <- "BYE idle"', f"{label} <- {shown(bye)}")


def _breathe(t: Stage, client: Peer) -> None:
    """Read for a while, or until the client's connection ends: a few lines a second are busy enough."""
    end = time.monotonic() + PAUSE_SECONDS
    while not client.ended and (left := end - time.monotonic()) > 0:
        t.pump(left)


@check("BYE-8", "30a7523d1e4e", slow=2)
def who_has_chosen_may_stay(t: Stage) -> None:
    """A client that entered a room is served on when one who came later has been sent away for not choosing."""
    t.share(seconds=CHOOSE_SECONDS)
    (ann,) = t.members(t.room(), "ann")
    for number in range(2):
        cyd = t.connect(f"cyd{number}")
        t.deadline += CHOOSE_SECONDS
        cyd.expect("BYE idle")
        ann.send("still here")
        ann.expect(f"SAID {ann.name} still here")
