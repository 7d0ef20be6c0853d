"""Section 6.1, Commands in general; and 6.5, `/ping`, `/help`, `exit`."""

from conformance.checks.registry import check
from conformance.checks.server.unknown import has_own_features, unknown
from conformance.stage.server import Stage
from conformance.text.vectors import ALLOWED, MAX_LINE
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, is_info, like, listed

UNKNOWN = (
    "/",
    "/ ",
    "/ nick x",
    "//",
    "//cd x",
    "/sayhello",
    "/help\tme",
    "/who\t",
    "/rooms\t",
    "/cd\tmain",
    "/say\thello",
    "/ping\tx",
    "/nick\u00a0x",
    "/\U0001f600 x",
    "/" + "x" * (MAX_LINE - 1),
)
# Words that a server's own feature may have given a meaning [section 15]
OF_OTHERS = (
    "/shrug",
    "/shrug hello",
    "/nicks x",
    "/nic x",
    "/c",
    "/exit",
    "/quit",
    "/announce hi",
    "/kick x",
    "/pings",
    "/\u00e9",
    "/HELLO",
)
OTHER_CASE = (
    "/CD main",
    "/Cd main",
    "/SAY hi",
    "/Say hi",
    "/NICK x",
    "/PING x",
    "/Ping x",
    "/HELP",
    "/Help",
    "/WHO",
    "/ROOMS",
)


@check("CMD-1", "8b9e4ca6c45d")
def unknown_commands(t: Stage) -> None:
    """A word that begins with `/` and is no command is refused, and never said; HTAB does not end a word."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    lines = (unknown(t), f"{unknown(t)} hello", *UNKNOWN, *(() if has_own_features(ann) else OF_OTHERS))
    for client in (ann, cyd):
        t.refused(client, "unknown-command", lines)
    t.nothing(ann, bob, cyd)


@check("CMD-2", "fedd3aaf6b9d")
def words_in_capitals(t: Stage) -> None:
    """Command words with capitals are unknown; `Exit` and `EXIT` are rooms in the lobby, and said in a room."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    for client in (ann, cyd):
        t.refused(client, "unknown-command", OTHER_CASE)
    t.nothing(ann, bob)
    lines = ("Exit", "EXIT")
    others = t.clients("dan", "eve")
    for client, line in zip(others, lines, strict=True):
        client.send(line)
        client.expect("ROOM exit")
    ann.send(*lines)
    for member in (ann, bob):
        member.expect(*(f"SAID {ann.name} {line}" for line in lines))


@check("CMD-3", "58dbe20da78e")
def missing_arguments(t: Stage) -> None:
    """`/cd`, `/say`, `/nick` and `/ping` without an argument, or with an empty one, are refused with bad-argument."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    lines = [word + end for word in ("/cd", "/say", "/nick", "/ping") for end in ("", " ", "\r", " \r")]
    for client in (ann, cyd):
        t.refused(client, "bad-argument", lines)
    t.nothing(ann, bob, cyd)


@check("CMD-3", "58dbe20da78e")
def a_blank_is_an_argument(t: Stage) -> None:
    """After the one blank that ends the word, a further blank is an argument."""
    (ann,) = t.members(t.room(), "ann")
    for line, answer, cites in (
        ("/say  ", f"SAID {ann.name}  ", "SAY-4"),
        ("/ping  ", "PONG  ", "PING-2"),
        ("/cd  ", "ERROR bad-room ...", "NAME-12"),
        ("/nick  ", "ERROR bad-name ...", "NAME-2"),
    ):
        ann.send(line)
        if like(received := ann.receive(what=f"ann <- {answer}"), "ERROR bad-argument ..."):
            raise Failed(f"ann <- {answer}, for {line!r}", f"ann <- {listed([received])}")
        if not like(received, answer):
            raise Failed(f"ann <- {answer}, for {line!r}", f"ann <- {listed([received])}", cites=cites)


@check("CMD-4", "5d397ccc6ab1")
def the_first_error_counts(t: Stage) -> None:
    """Where several errors apply, the one that comes first in the table is the answer."""
    (ann,) = t.members(t.room(), "ann")
    cyd = t.connect("cyd")
    cyd.settled()
    long, word = b"\xff" * (MAX_LINE + 1), unknown(t).encode()
    cases = [
        (long, "too-long"),
        (word + b" " + long, "too-long"),
        (b"/cd " + long, "too-long"),
        (b"a\rb" * MAX_LINE, "too-long"),
        (word + b" \xff", "bad-text"),
        (b"/\x01", "bad-text"),
        (b"/nick \x01", "bad-text"),
        (b"/cd \x7f", "bad-text"),
        (b"/who \xc2\x80", "bad-text"),
        (b"/nick operator\xff", "bad-text"),
        (b"/nick -operator", "bad-name"),
        (b"/nick operator ", "bad-name"),
        (word, "unknown-command"),
    ]
    in_lobby = [(b"/say", "bad-argument"), (b"/say ", "bad-argument"), (b"/say \xff", "bad-text")]
    for client, more in ((ann, []), (cyd, in_lobby)):
        t.answers(client, *((line, f"ERROR {code} ...") for line, code in (*cases, *more)))


@check("CMD-4", "5d397ccc6ab1", needs=("who",))
def an_argument_too_many_before_no_room(t: Stage) -> None:
    """`/who x` in the lobby is a bad argument before it is a missing room."""
    cyd = t.connect("cyd")
    t.refused(cyd, "bad-argument", ["/who x", "/who "])


@check("CMD-5", "fa7a85aa3f54")
def refused_lines_do_nothing_else(t: Stage) -> None:
    """After each kind of ERROR nothing else comes, to nobody, and name and room are what they were."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    (far,) = t.members(t.room("far"), "far")
    cyd = t.connect("cyd")
    lines: list[tuple[str | bytes, str]] = [("/cd", "bad-argument"), ("/say", "bad-argument"), ("/nick -", "bad-name")]
    lines += [(f"{unknown(t)} hello", "unknown-command"), ("/cd far away", "bad-room"), (b"\xffbad", "bad-text")]
    lines += [(f"/nick {far.name}", "name-taken"), ("/nick operator", "name-taken"), (b"x" * 5000, "too-long")]
    lines += [("/who x", "bad-argument") if "who" in ann.features else ("/", "unknown-command")]
    for client, more in ((ann, []), (cyd, [("/say hello", "no-room")])):
        t.answers(client, *((line, f"ERROR {code} ...") for line, code in (*lines, *more)))
        t.nothing(client, ann, bob, far)
    ann.send("unchanged")
    for member in (ann, bob):
        member.expect(f"SAID {ann.name} unchanged")


@check("CMD-5", "fa7a85aa3f54")
def what_is_refused_is_not_done(t: Stage) -> None:
    """Lines that should be carried out bring, if they are refused nevertheless, one ERROR and nothing else."""
    room, other = t.room(), t.room("other")
    ann, bob = t.members(room, "ann", "bob")
    (far,) = t.members(other, "far")
    t.quiet(ann, bob)
    lines = [f"/cd {other}", f"/cd {room.upper()}", f"/nick {t.name()}", f"/nick {t.name('ANN')}", "/say exit", "hello"]
    for line in (*lines, "/ping x", "/help me", "/who", "/rooms", f"/cd {other.upper()}", f"/cd {room}"):
        ann.send(line)
        own = ann.settled()
        t.settle(bob, far)
        others = [*bob.take(), *far.take()]
        refused = any(received.startswith(b"ERROR ") for received in own)
        if refused and len(own) + len(others) != 1:
            raise Failed(f"one ERROR for {line!r}, or its effect", listed([*own, *others]))


@check("CMD-6", "3bf21a51239d")
def every_line_has_one_outcome(t: Stage) -> None:
    """Each kind of line has its answer or one ERROR, in the lobby and in a room: none passes silently."""
    room = t.room()
    (ann,) = t.members(room, "ann")
    cyd = t.connect("cyd")
    t.quiet(ann, cyd)
    for client, here in ((cyd, ""), (ann, room)):
        wanted = _outcomes(t, client, here)
        brought = t.outcomes(client, [line for line, _ in wanted])
        for (line, outcome), (_, came) in zip(wanted, brought, strict=True):
            helps = outcome.startswith("INFO")  # the one answer that can have several lines
            lines = [received for received in came if helps or not is_info(received)]
            if not lines or (len(lines) > 1 and not helps) or not all(like(received, outcome) for received in lines):
                raise Failed(f"{client.label} <- {outcome}, for {line!r}", f"{client.label} <- {listed(lines)}")


def _outcomes(t: Stage, client: Peer, room: str) -> list[tuple[str | bytes, str]]:
    """Return lines, each with the one line that it brings a client that is in this room alone, or in the lobby."""
    name, other = t.name(f"of-{client.label}-"), t.room(f"of-{client.label}-")
    everywhere: list[tuple[str | bytes, str]] = [
        ("x" * (MAX_LINE + 1), "ERROR too-long ..."),
        (b"\xff", "ERROR bad-text ..."),
        (b"\x07", "ERROR bad-text ..."),
        ("/", "ERROR unknown-command ..."),
        (unknown(t), "ERROR unknown-command ..."),
        ("/cd", "ERROR bad-argument ..."),
        ("/say ", "ERROR bad-argument ..."),
        ("/nick", "ERROR bad-argument ..."),
        ("/ping ", "ERROR bad-argument ..."),
        ("/cd no room", "ERROR bad-room ..."),
        ("/nick no.name", "ERROR bad-name ..."),
        ("/nick operator", "ERROR name-taken ..."),
        (f"/nick {client.name}", f"NAME {client.name}"),
        (f"/nick {name}", f"NAME {name}"),
        ("/ping a b", "PONG a b"),
        ("/help", "INFO ..."),
    ]
    if room:
        said = [("hello", f"SAID {name} hello"), ("/say exit", f"SAID {name} exit"), (" ", f"SAID {name}  ")]
        return [*everywhere, *said, (f"/cd {room}", f"ROOM {room}"), (f"/cd {other}", f"ROOM {other}")]
    return [*everywhere, ("/say x", "ERROR no-room ..."), ("no room", "ERROR bad-room ..."), (other, f"ROOM {other}")]


@check("PING-1", "f0880df9aa03")
def ping_is_answered(t: Stage) -> None:
    """`/ping` is answered with one PONG in the lobby and in a room, many in a row too, and no other gets it."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    for client in (cyd, ann):
        client.round_trip()
        client.take()
        client.send(*(f"/ping {number}" for number in range(1, 101)))
        client.expect(*(f"PONG {number}" for number in range(1, 101)))
    bob.send("/ping bob")
    bob.expect("PONG bob")


@check("PING-2", "15b5aaa59c63")
def the_token_comes_back(t: Stage) -> None:
    """PONG repeats the token octet by octet: blanks, case, other scripts, up to the longest."""
    (ann,) = t.members(t.room(), "ann")
    longest = ["x" * (MAX_LINE - 6), "\u00e9" * ((MAX_LINE - 6) // 2), "\U0001f600" * ((MAX_LINE - 6) // 4)]
    cyd = t.connect("cyd")
    tokens = (*ALLOWED, "A b  C", " x", "x ", "/ping y", "PONG", *longest)
    for client in (ann, cyd):
        client.round_trip()
        client.take()
        client.send(*(f"/ping {token}" for token in tokens))
        client.expect(*(f"PONG {token}" for token in tokens))


@check("HELP-1", "076bdd80ba2e")
def help_is_answered(t: Stage) -> None:
    """`/help`, with or without an argument, is answered with INFO lines, in the lobby and in a room."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    t.settle(ann, cyd)
    for client in (cyd, ann):
        client.inbox.clear()
        for line, lines in t.outcomes(client, ("/help", "/help ", "/help me", "/help /cd", "/help  \u00e9")):
            if not lines or not all(map(is_info, lines)):
                raise Failed(f"one INFO line at least, for {line!r}", listed(lines))
    bob.expect_nothing()


@check("EXIT-1", "ee5298c68de5")
def exit_is_answered(t: Stage) -> None:
    """`exit` in the lobby, in a room, and as the very first line brings BYE exit and the end."""
    (ann,) = t.members(t.room(), "ann")
    cyd, dan = t.connect("cyd"), t.dial("dan")
    for client in (ann, cyd, dan):
        client.send("exit")
    t.greet(dan)
    for client in (ann, cyd, dan):
        client.expect("BYE exit")
        client.expect_end()


@check("EXIT-2", "b427fc1d394c")
def exit_is_told(t: Stage) -> None:
    """The others in the room get LEFT with the reason exit, those in other rooms and the lobby nothing."""
    ann, bob, cyd = t.members(t.room(), "ann", "bob", "cyd")
    (far,) = t.members(t.room("far"), "far")
    t.quiet(ann, bob)
    cyd.send("exit")
    cyd.expect("BYE exit")
    for member in (ann, bob):
        member.expect(f"LEFT {cyd.name} exit")
    t.nothing(ann, bob, far)


@check("EXIT-3", "543ab38649ff")
def nothing_behind_exit(t: Stage) -> None:
    """All that comes after `exit`, in the same segment or later, has neither effect nor answer."""
    room = t.room()
    (bob,) = t.members(room, "bob")
    behind = ["more words", "/ping x", "/nick " + t.name(), "/cd " + t.room("away"), "/help", unknown(t), "exit", room]
    for pieces in ([["exit", *behind]], [["exit"], *([line] for line in behind)]):
        ann = t.connect("ann")
        t.enter(ann, room, bob)
        for piece in pieces:
            ann.send(*piece)
        ann.expect("BYE exit")
        ann.expect_end()
        bob.expect(f"LEFT {ann.name} exit")
        bob.expect_nothing()
    cyd = t.connect("cyd")
    cyd.send("exit", room, "hello")
    cyd.expect("BYE exit")
    cyd.expect_end()
    bob.expect_nothing()


@check("EXIT-4", "c70709136e03")
def exit_is_the_whole_line(t: Stage) -> None:
    """A line that only begins or ends with exit, or has capitals, is said in a room."""
    ann, bob = t.members(t.room(), "ann", "bob")
    texts = (
        "exit now",
        "exit ",
        " exit",
        "exit\t",
        "Exit",
        "EXIT",
        "exits",
        "/exit"[1:] + ".",
        "please exit",
        "exit exit",
    )
    ann.send(*texts)
    for member in (ann, bob):
        member.expect(*(f"SAID {ann.name} {text}" for text in texts))
