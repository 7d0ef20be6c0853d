"""Section 3.2, Text."""

from conformance.checks.registry import check
from conformance.checks.server.tour import tour
from conformance.stage.server import Stage
from conformance.text.vectors import ALLOWED, FORBIDDEN, ILL_FORMED, MAX_LINE, octet_by_octet
from conformance.wire.peer import Peer

CLIENTS = 25  # that are connected at a time
PORTION = 25  # lines that are sent at a time: no paste, which is another section's matter


def _refused(t: Stage, sender: Peer, lines: list[bytes], *others: Peer) -> None:
    """Each line is answered with one `ERROR bad-text`, and has no effect."""
    t.refused(sender, "bad-text", lines)
    t.nothing(sender, *others)


def _placed(bad: bytes) -> list[bytes]:
    """Return lines that have the bad octets at the beginning, in the middle, and at the end."""
    return [bad + b" after", b"before " + bad + b" after", b"before " + bad]


@check("TEXT-1", "ea12580b91e9")
def ill_formed_utf8(t: Stage) -> None:
    """Each kind of ill-formed UTF-8, at the beginning, middle and end of a line, is refused."""
    ann, bob = t.members(t.room(), "ann", "bob")
    _refused(t, ann, [line for bad in ILL_FORMED for line in (bad, *_placed(bad))], bob)


@check("TEXT-1", "ea12580b91e9")
def ill_formed_utf8_in_commands(t: Stage) -> None:
    """Ill-formed UTF-8 in commands, and in the lobby, is refused."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    lines = [word + bad for word in (b"/say ", b"/ping ", b"/nick ", b"/cd ", b"/help ", b"/") for bad in ILL_FORMED]
    _refused(t, ann, lines, bob)
    _refused(t, cyd, [*lines], ann, bob)


@check("TEXT-2", "b1e36cb77925")
def forbidden_characters(t: Stage) -> None:
    """Each forbidden character, at the beginning, middle and end of a line, is refused."""
    ann, bob = t.members(t.room(), "ann", "bob")
    bad = [character.encode() for character in FORBIDDEN]
    _refused(t, ann, [line for one in bad for line in (one, *_placed(one))], bob)


@check("TEXT-2", "b1e36cb77925")
def forbidden_characters_in_commands(t: Stage) -> None:
    """Each forbidden character in each command, and in the lobby, is refused."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    cyd.settled()  # what comes first on a connection is another section's matter
    words = ("/say ", "/ping ", "/nick ", "/cd ", "/help ", "/who", "exit")
    lines = [f"{word}{one}".encode() for word in words for one in FORBIDDEN]
    _refused(t, ann, lines, bob)
    _refused(t, cyd, [*lines, *(one.encode() for one in FORBIDDEN)], ann, bob)


@check("TEXT-2", "b1e36cb77925")
def forbidden_characters_behind_a_byte_order_mark(t: Stage) -> None:
    """A forbidden character right after U+FEFF, 0x16 too, spoils the first line of a connection and nothing else."""
    lines = [f"\ufeff{character} x\n".encode() for character in FORBIDDEN]
    ways = [*([line] for line in lines), octet_by_octet(lines[FORBIDDEN.index("\x16")])]
    for begin in range(0, len(ways), CLIENTS):
        some = ways[begin : begin + CLIENTS]
        clients = t.clients(*(f"client{begin + number}" for number in range(len(some))))
        t.send_in_turn(*zip(clients, some, strict=True))
        for client in clients:
            client.expect_error("bad-text")
        t.nothing(*clients)
        for client in clients:
            client.close()


@check("TEXT-3", "a075142652c3")
def stray_cr(t: Stage) -> None:
    """A CR inside a line, and the first of two at its end, is forbidden and ends nothing."""
    ann, bob = t.members(t.room(), "ann", "bob")
    lines = (b"one\rtwo", b"\rone", b"one\r\r", b"\r\r", b"\r\r\r", b"exit\r\r", b"exit\rexit", b"/ping a\rb")
    t.refused(ann, "bad-text", lines)
    t.nothing(ann, bob)
    clients = t.clients(*(f"client{number}" for number in range(2 * len(lines))))
    ways = [octet_by_octet(line + end) for line in lines for end in (b"\n", b"\r\n")]
    t.send_in_turn(*zip(clients, ways, strict=True))
    for client in clients:
        client.expect_error("bad-text")
    t.nothing(*clients)


@check("TEXT-4", "6f40eb964799")
def refused_text_does_not_come_back(t: Stage) -> None:
    """Answers to bad lines are well-formed and without forbidden characters, whatever they quote."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    lines: list[str | bytes] = []
    for bad in (*ILL_FORMED, *(character.encode() for character in FORBIDDEN), b"a\rb", b"\x1b]0;title\x07"):
        for before in (b"", b"/", b"/nick ", b"/cd ", b"/who ", b"/rooms ", b"/say ", b"/ping "):
            lines.append(before + bad)
    for length in range(2, 130):  # a quotation that is cut at some octet cuts a character
        lines.append("/" + "\U0001f600" * length)
    for word in ("/", "/nick ", "/cd ", "/who "):
        lines += (word + "\U0001f600" * 1000, word + "y" + "\U0001f600" * 1000, word + "\u20ac" * 1300)
    for begin in range(0, len(lines), PORTION):
        ann.send(*lines[begin : begin + PORTION])
        ann.settle()
    tour(t)
    t.quiet(ann, bob)


@check("TEXT-5", "30e6b87a0e5d")
def texts_are_relayed_octet_for_octet(t: Stage) -> None:
    """Blanks, tabs, unusual characters and long texts arrive as they were sent, at all members."""
    ann, bob = t.members(t.room(), "ann", "bob")
    long = ["x" * MAX_LINE, " " * MAX_LINE, "\u00e9" * (MAX_LINE // 2), "\U0001f600" * (MAX_LINE // 4)]
    for texts, command in (((*ALLOWED, *long), ""), (ALLOWED, "/say ")):
        ann.send(*(command + text for text in texts))
        for member in (ann, bob):
            member.expect(*(f"SAID {ann.name} {text}" for text in texts))


@check("TEXT-6", "563e485999f1")
def refused_lines_cost_nothing_else(t: Stage) -> None:
    """Good lines between refused ones, all in one segment, take effect, and the connection lives."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    refused = {"bad-text": [b"\xff", b"\xf0\x9f", b"\x00", b"a\rb"], "too-long": [b"x" * 4097, b"\xff" * 70000]}
    for code, lines in refused.items():
        for line in lines:
            ann.send(b"before", line, b"behind", line, line, b"/ping on")
            ann.expect(f"SAID {ann.name} before")
            ann.expect_error(code)
            ann.expect(f"SAID {ann.name} behind")
            ann.expect_error(code)
            ann.expect_error(code)
            ann.expect("PONG on")
            bob.expect(f"SAID {ann.name} before", f"SAID {ann.name} behind")
    t.nothing(ann, bob)


@check("TEXT-6", "563e485999f1")
def many_refused_lines(t: Stage) -> None:
    """A hundred refused lines in a row do not end the connection, nor move the client."""
    ann, bob = t.members(t.room(), "ann", "bob")
    for _ in range(100):
        ann.send(b"\xff", b"y" * 4097)
    for _ in range(100):
        ann.expect_error("bad-text")
        ann.expect_error("too-long")
    ann.send("still here")
    for member in (ann, bob):
        member.expect(f"SAID {ann.name} still here")


@check("TEXT-8", "542dfe1b3f0d")
def no_other_character_is_refused(t: Stage) -> None:
    """Noncharacters, unassigned, private, combining, bidirectional and invisible characters bring no ERROR."""
    (ann,) = t.members(t.room(), "ann")
    texts = [
        f"a{character}b"
        for character in ("\t", "\u00ad", "\u0301", "\u061c", "\u200b", "\u202e", "\u2066", "\u0378", *BEYOND)
    ]
    ann.send(*texts)
    ann.expect(*(f"SAID {ann.name} {text}" for text in texts))


# U+FEFF within a text, specials, noncharacters, private use, and the last scalar value
BEYOND = ("\ufeff", "\ufffd", "\ufffe", "\uffff", "\ufdd0", "\ue000", "\U000e0001", "\U0001fffe", "\U0010ffff")
