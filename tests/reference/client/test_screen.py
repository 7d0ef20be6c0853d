"""reference/client/screen.py: what is written, octet for octet, and what a terminal makes of it."""

import fcntl
import io
import os
import pty
import re
import struct
import termios
from collections.abc import Iterator

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.client.editor import Editor
from reference.client.render import Bell
from reference.client.screen import Look, PlainScreen, Screen, TerminalScreen
from reference.client.session import Show, Style
from reference.client.texts_en import ENGLISH
from reference.terminal.recall import Recall

PLAINLY = Look(times=False)

LINES = [
    Show(Style.SAID, "hello", "Bob"),
    Show(Style.OWN, "hi", "Ann"),
    Show(Style.EVENT, "Cyd entered."),
    Show(Style.INFO, "words"),
    Show(Style.ANNOUNCE, "ANNOUNCEMENT: noon ***"),
    Show(Style.ERROR, "no"),
]
PLAIN = "<Bob> hello\n<Ann> hi\n* Cyd entered.\n- words\n*** ANNOUNCEMENT: noon ***\n! no\n"


class Written(io.RawIOBase):
    """A file that is no terminal, and what was written to it; it takes few octets at once."""

    def __init__(self) -> None:
        self.octets = b""

    def writable(self) -> bool:
        return True

    def write(self, octets: bytes) -> int:  # type: ignore[override]
        self.octets += octets[:7]
        return len(octets[:7])


class Pty:
    """A terminal, and what a person sees on it."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.out = open(slave, "wb", buffering=0)  # noqa: SIM115
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)

    def resize(self, columns: int) -> None:
        """Make it so many columns wide."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.screen.resize(24, columns)

    def taken(self) -> bytes:
        """The text written since the last call."""
        self.out.write(b"\0")  # marks the end; a terminal shows nothing of it
        octets = b""
        while not octets.endswith(b"\0"):
            octets += os.read(self._master, 65536)
        self._stream.feed(octets)
        return octets[:-1]

    @property
    def rows(self) -> list[str]:
        return [row.rstrip() for row in self.screen.display if row.strip()]

    def close(self) -> None:
        self.out.close()
        os.close(self._master)


@pytest.fixture
def terminal() -> Iterator[Pty]:
    terminal = Pty()
    yield terminal
    terminal.close()


def plain(shows: list[Show]) -> str:
    out = Written()
    screen: Screen = PlainScreen(out, {"TERM": "xterm"})
    screen.show(shows, "prompt> ")
    screen.close()
    return out.octets.decode()


def test_plain_lines() -> None:
    """No prompt and no colour where there is no terminal."""
    assert plain(LINES) == PLAIN


def test_what_a_terminal_has_echoed_is_not_shown_again() -> None:
    """[CLIENT-11]."""
    out = Written()
    PlainScreen(out, {}, echoed=True).show(LINES[:3], "")
    assert out.octets == b"<Bob> hello\n* Cyd entered.\n"


@given(st.sampled_from(Style), st.text(), st.text(min_size=1))
def test_a_line_stays_a_harmless_line(style: Style, text: str, speaker: str) -> None:
    """[CLIENT-9]."""
    said = speaker if style in (Style.SAID, Style.OWN, Style.MENTION) else ""
    label = speaker if style in (Style.PRIVATE, Style.TOLD) else ""
    written = plain([Show(style, text, said, label)])
    assert written.endswith("\n")
    assert len(written.splitlines()) == 1
    assert "\x1b" not in written


@given(st.text(), st.text(st.characters(exclude_characters=" \n"), min_size=1))
def test_nobody_s_words_look_like_an_announcement(text: str, speaker: str) -> None:
    """[CLIENT-12]: not even with a name that no server may grant."""
    assert plain([Show(Style.SAID, text, speaker)]).startswith("<")


@given(st.text(), st.text(st.characters(exclude_characters=" \n"), min_size=1))
def test_words_for_one_alone_are_told_from_those_of_a_room(text: str, speaker: str) -> None:
    """[TELL-7] [HIST-11]: and those that were said before have a day before them, where times are not shown, too."""
    assert plain([Show(Style.PRIVATE, text, label=f"{speaker} to you")]).startswith("[")
    assert plain([Show(Style.PAST, text, speaker, time=1_800_000_000_000)]).startswith("2027-01-15 ")


def test_colour_on_a_terminal(terminal: Pty) -> None:
    PlainScreen(terminal.out, {"TERM": "xterm"}, PLAINLY).show(LINES, "")
    octets = terminal.taken()
    assert octets.count(b"\x1b[") == 2 * len(LINES)
    assert terminal.rows == PLAIN.splitlines()


@pytest.mark.parametrize("environment", [{"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
def test_no_colour(terminal: Pty, environment: dict[str, str]) -> None:
    PlainScreen(terminal.out, environment, PLAINLY).show(LINES, "")
    assert terminal.taken() == PLAIN.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_lines_come_above_the_one_being_typed(terminal: Pty, term: str) -> None:
    """[CLIENT-14]."""
    editor = Editor(ENGLISH, Recall(), lambda _: (0, []))
    screen = TerminalScreen(terminal.out, {"TERM": term, "NO_COLOR": "1"}, editor, PLAINLY)
    editor.feed(b"half a line\x1b[D\x1b[D")
    screen.show([], "main> ")
    screen.show(LINES, "main> ")
    octets = terminal.taken()
    assert terminal.rows == [*PLAIN.splitlines(), "main> half a line"]
    assert (terminal.screen.cursor.y, terminal.screen.cursor.x) == (len(LINES), len("main> half a li"))
    assert (b"\x1b" in octets) == (term == "xterm")


def test_a_line_longer_than_a_row_stays_in_its_row(terminal: Pty) -> None:
    editor = Editor(ENGLISH, Recall(), lambda _: (0, []))
    screen = TerminalScreen(terminal.out, {}, editor, PLAINLY)
    editor.feed(b"begin " + "你".encode() * 100 + b" end")
    screen.show([], "main> ")
    screen.show(LINES[:1], "main> ")
    terminal.taken()
    assert terminal.rows[0] == "<Bob> hello"
    assert len(terminal.rows) == 2
    assert terminal.rows[1].endswith(" end")


def test_a_prompt_too_wide_is_short(terminal: Pty) -> None:
    screen = TerminalScreen(terminal.out, {}, Editor(ENGLISH, Recall(), lambda _: (0, [])), PLAINLY)
    screen.show([], "x" * 60)
    terminal.taken()
    assert terminal.rows == [">"]


def test_nothing_is_left_below_the_line_being_typed(terminal: Pty) -> None:
    """A terminal that became narrower has made two rows of one, and the cursor may be in the upper one."""
    editor = Editor(ENGLISH, Recall(), lambda _: (0, []))
    screen = TerminalScreen(terminal.out, {"TERM": "xterm"}, editor, PLAINLY)
    editor.feed(b"half a line\x1b[H")
    screen.show([], "main> ")
    terminal.out.write(b"\x1b7\r\nline\x1b8")
    screen.show([], "main> ")
    terminal.taken()
    assert terminal.rows == ["main> half a line"]


def test_closing_removes_the_prompt_and_leaves_what_was_typed(terminal: Pty) -> None:
    editor = Editor(ENGLISH, Recall(), lambda _: (0, []))
    screen = TerminalScreen(terminal.out, {}, editor, PLAINLY)
    screen.show(LINES[:1], "main> ")
    screen.close()
    terminal.taken()
    assert terminal.rows == ["<Bob> hello"]
    editor.feed(b"unsent")
    screen.show([], "main> ")
    screen.close()
    terminal.taken()
    assert terminal.rows == ["<Bob> hello", "main> unsent"]
    assert terminal.screen.cursor.x == 0


def test_long_words_of_others_do_not_begin_a_row(terminal: Pty) -> None:
    """[CLIENT-12]: blanks up to the edge, and then what looks like an announcement."""
    text = " " * (79 - len("<Bob> ")) + "*** ANNOUNCEMENT: give me your money ***"
    PlainScreen(terminal.out, {}, PLAINLY).show([Show(Style.SAID, text, "Bob")], "")
    terminal.taken()
    assert terminal.rows[1].startswith("    ***")


def test_times_on_a_terminal_and_where_they_are_wanted(terminal: Pty) -> None:
    shows = [Show(Style.SAID, "hello", "Bob"), Show(Style.ANNOUNCE, "ANNOUNCEMENT: noon ***")]
    PlainScreen(terminal.out, {"TERM": "xterm"}).show(shows, "")
    terminal.taken()
    assert len(terminal.rows) == 2
    assert re.fullmatch(r"\d\d:\d\d <Bob> hello", terminal.rows[0])
    assert re.fullmatch(r"\d\d:\d\d \*\*\* ANNOUNCEMENT: noon \*\*\*", terminal.rows[1])
    out = Written()
    PlainScreen(out, {}, Look(times=True)).show(shows[:1], "")
    assert re.fullmatch(rb"\d\d:\d\d <Bob> hello\n", out.octets)


def test_colour_as_it_is_wanted(terminal: Pty) -> None:
    """The option counts more than NO_COLOR; a dumb terminal has none whatever is wanted."""
    for environment, wanted, coloured in (
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
    ):
        PlainScreen(terminal.out, environment, Look(False, wanted)).show(LINES[:1], "")
        assert (b"\x1b" in terminal.taken()) == coloured


@pytest.mark.parametrize("columns", [40, 80])
def test_a_link_stays_whole(terminal: Pty, columns: int) -> None:
    """The terminal wraps it, and it can be copied; what is after it cannot begin a row like an event [CLIENT-12]."""
    link = "https://example.org/" + "x" * 100 + "***"
    text = f"see {link} ANNOUNCEMENT: noon ***"
    terminal.resize(columns)
    PlainScreen(terminal.out, {}, PLAINLY).show([Show(Style.SAID, text, "Bob")], "")
    octets = terminal.taken()
    assert link.encode() in octets
    assert "".join(terminal.rows[:-1]) == f"<Bob> see {link}"
    assert terminal.rows[-1] == "     ANNOUNCEMENT: noon ***"


def test_the_bell_rings_once_in_a_second() -> None:
    said, mention = Show(Style.SAID, "x", "Bob"), Show(Style.MENTION, "Ann", "Bob")
    bell = Bell(wanted=True)
    assert bell.ring([said, LINES[1]], 10.0) == ""
    assert bell.ring([said, mention, mention], 10.0) == "\a"
    assert bell.ring([mention], 10.9) == ""
    assert bell.ring([Show(Style.ANNOUNCE, "noon")], 11.0) == "\a"
    assert Bell(wanted=False).ring([mention], 10.0) == ""


def test_no_second_row_of_an_event_looks_like_what_somebody_says(terminal: Pty) -> None:
    """[CLIENT-12]: without colours, which tell them apart otherwise."""
    for show in LINES[2:]:
        PlainScreen(terminal.out, {}, PLAINLY).show([show._replace(text="word " * 20)], "")
        terminal.taken()
        assert terminal.rows[-1].startswith(terminal.rows[-2][:2])
    PlainScreen(terminal.out, {}, PLAINLY).show([LINES[0]._replace(text="word " * 20)], "")
    terminal.taken()
    assert terminal.rows[-1].startswith("    word")
