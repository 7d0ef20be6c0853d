"""Sections 2 and 3 as far as they bind clients: segments, lines and text."""

import re

from conformance.checks.client.plays import SOME_LINES, come_to_an_end, leave_a_room
from conformance.checks.registry import client_check
from conformance.stage.client import ClientScene
from conformance.text.vectors import MAX_LINE, lines_of, segmentations
from conformance.wire import client_standing as standing
from conformance.wire.failure import Failed

MAX_SERVER_LINE = 8192  # [LINE-12]
# Line ends of some libraries, besides LF. All are forbidden on the wire, so that to end is allowed too.
_NO_ENDS = ("\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")


@client_check("NET-3", "c221683ea6db")
def client_segments_mean_nothing(t: ClientScene) -> None:
    """All that is shown does not depend on how it was cut, from the first octet of the greeting on."""
    t.needs(*standing.GREETED, *standing.FEATURES, *standing.SEVERAL, *standing.CR_LF)
    for way in segmentations(b""):
        t.start()
        t.transcript.event("server", f"sends {way}")
        said = [f"{t.word()} \u20ac\u00e9\U0001f600", t.word(), t.word()]
        greeting = ["HELLO flurfunk/1 who rooms", "NAME Guest", "INFO Welcome."]
        t.send_cut(segmentations("".join(f"{line}\r\n" for line in greeting).encode())[way])
        t.choose_room()
        lines = [*(f"SAID Bob {text}" for text in said), "LEFT Bob exit"]
        t.send_cut(segmentations("".join(f"{line}\r\n" for line in lines).encode())[way])
        t.until_shown(*(text.split()[0] for text in said))
        t.settle_screen()
        if not t.shows(said[0]):
            raise Failed(f'"{said[0]}" on the screen', t.told_rows(said[0].split()[0]), way)


@client_check("NET-3", "c221683ea6db")
def client_takes_all_in_one_segment(t: ClientScene) -> None:
    """A room, what is said there, and the BYE, come in one segment: all is shown."""
    t.lobby()
    t.type_room()
    words = [t.word() for _ in range(10)]
    lines = ["ROOM main", *(f"SAID Bob {word}" for word in words), "BYE removed"]
    t.wire.send_octets("".join(f"{line}\n" for line in lines).encode())
    t.until_shown(*words)


@client_check("NET-3", "c221683ea6db")
def half_a_line_is_not_shown(t: ClientScene) -> None:
    """All that comes before its LF is not taken for a line."""
    t.in_room()
    t.wire.send_octets(b"SAID Bob ", b"one ", b"BYE removed")
    t.give_turn()
    word = t.word()
    t.wire.send_octets(f" {word}\n".encode())
    t.until_shown(f"one BYE removed {word}")
    t.settle_wire()


@client_check("LINE-1", "3648c3f576c5", plays=(leave_a_room,))
def client_lines_end_with_lf(t: ClientScene) -> None:
    """Each line that the client sends ends with LF and no CR, its exit too."""
    t.in_room()
    for line in SOME_LINES:
        t.type(line)
    t.pass_over_lines()
    t.type("exit")
    t.until(lambda: bool(t.wire.inbox or t.wire.ended), "exit with its LF, or the end of the connection")
    if t.wire.ended:
        t.wire.wait_end()  # which notes half a line before it


@client_check("LINE-2", "2716c0ff5413")
def client_takes_cr_lf(t: ClientScene) -> None:
    """A server whose lines end with CR LF is understood, and no CR is taken for a part of a line."""
    t.needs(*standing.GREETED, *standing.SEVERAL)
    t.start()
    t.wire.send_octets(b"HELLO flurfunk/1\r\nNAME Guest\r\n")
    t.type_room()
    word = t.word()
    t.wire.send_octets(b"ROOM main\r\n", f"SAID Bob {word}\r".encode(), b"\n")
    t.until_shown(word)
    t.settle_screen()  # the rest of the row may come after the word
    seen = _between(t, word, "\n")
    if re.search(r"(?i)\\r|\^M|U\+?000D|\\x0d|\u240d|\ufffd", seen):
        raise Failed(f'"{word}" and no sign of a CR', f'"{seen}"')
    t.settle_wire()


@client_check("LINE-2", "2716c0ff5413")
def only_lf_ends_a_line(t: ClientScene) -> None:
    """A CR, VT, FF, NEL, U+2028 or the like inside a line ends no line."""
    t.needs(*standing.ENTERING)
    for end in _NO_ENDS:
        if not t.connected:
            t.in_room()
        true, forged = t.word(), t.word()
        t.send(f"JOINED {true}")
        t.until_shown(true)
        row = t.rows_with(true)[0]
        t.send(f"SAID Bob hi{end}JOINED {forged}")
        t.settle_screen(or_closed=True)
        if not t.connected:
            come_to_an_end(t)  # it may show what came after it has closed
        if row.replace(true, forged) in t.rows_with(forged):
            raise Failed("no sign that somebody entered", f'"{row.replace(true, forged)}"', f"after U+{ord(end):04X}")


@client_check("LINE-11", "5118bcbe1e76")
def client_sends_no_longer_line(t: ClientScene) -> None:
    """Typed lines of more than 4096 octets are not sent."""
    t.in_room()
    for length in (MAX_LINE + 1, MAX_LINE + 2, 3 * MAX_LINE):
        for line in lines_of(length):
            t.type(line)
            t.give_turn()  # what is typed next is no part of a paste
        t.pass_over_lines()


@client_check("LINE-12", "e1fa1f6c6a2b")
def client_takes_long_lines(t: ClientScene) -> None:
    """A server's line of 8192 octets is shown whole, of characters of 1 to 4 octets."""
    t.in_room()
    for character in ("", "\u00e9", "\u20ac", "\U0001f600"):
        words = [t.word() + character for _ in range(1300)]
        line = f"SAID Bob {' '.join(words)}".encode()[:MAX_SERVER_LINE].decode("utf-8", "ignore").rpartition(" ")[0]
        line += "-" * (MAX_SERVER_LINE - len(line.encode()))
        t.send(line)
        t.settle_screen()
        seen, place = re.sub(r"\s", "", "".join(t.terminal.rows)), 0
        for word in line.rstrip("-").split(" ")[2:]:
            place = seen.find(word, place)
            if place < 0:
                raise Failed("the line of 8192 octets on the screen, with all its words", f'"{word}" is not there')


@client_check("TEXT-7", "f614c0a27833")
def client_sends_no_forbidden_text(t: ClientScene) -> None:
    """Typed lines that are no UTF-8, or have a forbidden character in them, are not sent."""
    t.in_room()
    for bad in ("\x85", "\x9b31m", "\u2028", "\u2029"):
        for line in (f"a{bad}b", bad, f"/say {bad}"):
            t.type(line)
            t.give_turn()  # what is typed next is no part of a paste
        t.pass_over_lines()
    for octets in (b"a\xffb", b"caf\xe9", b"\xc3(", b"\xed\xa0\x80", b"\xe2\x82", b"\xc0\xaf"):
        t.type(octets)
        t.give_turn()
        t.pass_over_lines()


def _between(t: ClientScene, before: str, behind: str) -> str:
    """Return what was written to the terminal between two texts."""
    written = t.terminal.output.decode("utf-8", "replace")
    return written.rpartition(before)[2].partition(behind)[0]
