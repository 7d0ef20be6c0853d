"""The suite's terminal goes on whatever a client prints, answers what terminals answer, and keeps within bounds."""

import os
import selectors
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from conformance.stage.screen import Screen, Stream
from conformance.stage.terminal import Terminal
from conformance.wire.transcript import Transcript
from tests.suite import DEADLINE


def played(*pieces: bytes, columns: int = 20, rows: int = 5) -> tuple[list[str], bytes]:
    """Return the rows that are not empty after these octets, and what the terminal answered."""
    screen, answers = Screen(columns, rows), bytearray()
    stream = Stream(screen, answers.extend)
    for piece in pieces:
        stream.feed(piece)
    return [*screen.gone, *filter(None, screen.text)], bytes(answers)


ODD = [
    b"\x1b[?4m",  # asks for the state of modifyOtherKeys
    b"\x1b[>4;2m",
    b"\x1b[1;2;3;4H",
    b"\x1b[?1;2r",
    b"\x1b[99999999999999999999A",
    b"\x1b[4:3m",
    b"\x1b[58:2::255:0:0m",
    b"\x1b[38;5m",
    b"\x1b[m",
    b"\x1b[?25;;;;h",
    b"\x1b[ q",
    b"\x1b[!p",
    b"\x1b[>c\x1b[=c\x1b[>q",
    b"\x1b[?u\x1b[>1u\x1b[<u\x1b[=1;1u",
    b"\x1b[?2026$p",
    b"\x1b[?2004h\x1b[?2004l",
    b"\x1b[22;0;0t\x1b[23;0;0t",
    b"\x1b]0;title\x07",
    b"\x1b]8;;https://example.org\x1b\\",
    b"\x1b]52;c;?\x07",
    b"\x1b]133;A\x1b\\",
    b"\x1bP1;2|00/00\x1b\\",
    b"\x1bPq" + b"~" * 100_000 + b"\x1b\\",
    b"\x1b_Ga=q,i=1;AAAA\x1b\\",
    b"\x1b^private\x1b\\",
    b"\x1bXstart\x1b\\",
    b"\x1b(0\x1b(B\x1b)B\x1b%G\x1b%@\x1b#3",
    b"\x1b=\x1b>\x1bl\x1bm\x1bN\x1bO",
    b"\x1b[1\x1b[0m",
    b"\x1b\x1b",
    b"\x9b31m\xc2\x9b",
    b"\x0e\x0f\x05\x7f\x00",
]


@pytest.mark.parametrize("octets", ODD, ids=[repr(one[:20]) for one in ODD])
def test_no_sequence_ends_the_terminal_or_hides_what_comes_after(octets: bytes) -> None:
    rows, _ = played(b"\r\n\r\n" + octets + b"\x1b[0m\x1b[H\x1b[2Kbefore \xe2\x82\xac after")
    assert rows[0].replace("31m", "") == "before € after"
    cut = [(octets + b"\x1b[0m\x1b[H\x1b[2Kafter")[at : at + 1] for at in range(len(octets) + 16)]
    if len(octets) < 1000:
        assert "after" in "".join(played(b"\r\n\r\n", *cut)[0])


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (b"\x1b[6n", b"\x1b[1;4R"),
        (b"\x1b[?6n", b"\x1b[?1;4R"),
        (b"\x1b[5n", b"\x1b[0n"),
        (b"\x1b[c", b"\x1b[?6c"),
        (b"\x1b[0c", b"\x1b[?6c"),
        (b"\x1bZ", b"\x1b[?6c"),
        (b"\x1b[>c", b"\x1b[>0;0;0c"),
        (b"\x1b[18t", b"\x1b[8;5;20t"),
        (b"\x1b]11;?\x07", b"\x1b]11;rgb:0000/0000/0000\x07"),
        (b"\x1b]10;?\x1b\\", b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\"),
        (b"\x1b]4;1;?\x07", b"\x1b]4;1;rgb:8080/8080/8080\x07"),
        (b"\x1bP$qm\x1b\\", b"\x1bP0$r\x1b\\"),
        (b"\x1bP+q544e\x1b\\", b"\x1bP0+r\x1b\\"),
        (b"\x1b[?2004$p", b"\x1b[?2004;2$y"),
        (b"\x1b[?2004h\x1b[?2004$p", b"\x1b[?2004;1$y"),
        (b"\x1b[?2026$p", b"\x1b[?2026;0$y"),
        (b"\x1b[?u", b""),  # a terminal without that protocol of keys is silent
        (b"\x1b]52;c;?\x07", b""),
    ],
)
def test_questions_are_answered_as_terminals_do(asked: bytes, answer: bytes) -> None:
    assert played(b"one" + asked) == (["one"], answer)
    assert played(b"one", *(asked[at : at + 1] for at in range(len(asked)))) == (["one"], answer)


@pytest.mark.parametrize(
    ("octets", "rows"),
    [
        (b"one\r\ntwo\x1b[S", ["one", "two"]),
        (b"one\r\ntwo\x1b[T", ["one", "two"]),
        (b"a\x1b[4b", ["aaaaa"]),
        (b"\tx\x1b[2Zy", ["y       x"]),
        (b"ab\x1b[s\r\nc\x1b[ud", ["abd", "c"]),
    ],
)
def test_what_term_promises_is_carried_out(octets: bytes, rows: list[str]) -> None:
    assert played(octets)[0] == rows


def test_rows_that_scroll_up_by_a_sequence_are_kept_once() -> None:
    screen = Screen(20, 5)
    Stream(screen).feed(b"one\r\ntwo\r\nthree\x1b[2S")
    assert list(screen.gone) == ["one", "two"]
    assert screen.text[0] == "three"


TEXTS = {
    "flag": "🇩🇪",
    "family": "👨‍👩‍👧",
    "keycap": "1️⃣",
    "jamo": "한",
    "emoji style": "❤️",
    "text style": "⌚︎",
    "Devanagari": "हिन्दी",
    "plane 2": "\U0002fffd",
    "Arabic": "السَّلام",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_character_of_no_width_hides_nothing(text: str) -> None:
    (row,) = played(f"<{text}> and more".encode(), columns=60)[0]
    assert "and more" in row
    assert f"<{text}>" in row


@contextmanager
def program(*words: str) -> Iterator[tuple[Terminal, selectors.BaseSelector]]:
    selector = selectors.DefaultSelector()
    terminal = Terminal([sys.executable, "-c", *words], Transcript(), selector)
    try:
        yield terminal, selector
    finally:
        terminal.close()
        selector.close()


def until_ended(terminal: Terminal, selector: selectors.BaseSelector) -> None:
    end = time.monotonic() + DEADLINE
    while not terminal.ended:
        assert time.monotonic() < end
        for key, mask in selector.select(1):
            key.data.on_ready(mask)


def test_a_program_gets_the_answer_to_its_question() -> None:
    asks = (
        "import os, tty; tty.setraw(0); os.write(1, b'\\x1b[6n'); got = b''\n"
        "while not got.endswith(b'R'): got += os.read(0, 1)\n"
        "print('got', got[1:])"
    )
    with program(asks) as (terminal, selector):
        until_ended(terminal, selector)
        assert terminal.rows == ["got b'[1;1R'"]


def test_of_what_a_program_prints_no_more_than_a_bound_is_kept() -> None:
    prints = "import os; line = b'x' * 79 + b'\\r\\n'; [os.write(1, line * 50) for _ in range(2500)]; print('end')"
    with program(prints) as (terminal, selector):
        until_ended(terminal, selector)
        assert terminal.received > 10_000_000
        assert len(terminal.output) <= 8 << 20
        assert len(terminal.screen.gone) == 10_000
        assert terminal.rows[-1] == "end"


def test_the_end_of_a_terminal_lets_a_wrapper_end_what_it_started() -> None:
    """As a container's command line does, whose program is in another session."""
    wraps = (
        "import signal, subprocess, sys\n"
        "inner = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "def on_end(action):\n"
        "    for number in (signal.SIGHUP, signal.SIGTERM): signal.signal(number, action)\n"
        "def end(*_): on_end(signal.SIG_IGN); inner.terminate(); inner.wait(); sys.exit()\n"
        "on_end(end)\n"
        "print('inner', inner.pid, 'runs', flush=True)\n"
        "while True: signal.pause()"
    )
    with program(wraps) as (terminal, selector):
        while not any("runs" in row for row in terminal.rows):
            for key, mask in selector.select(1):
                key.data.on_ready(mask)
        pid = int(terminal.rows[0].split()[1])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    ("octets", "alike"),
    [
        (b"\x1b[2ma\x1b[0mb", False),
        (b"\x1b[2ma\x1b[mb", False),
        (b"\x1b[2ma\x1b[22mb", False),
        (b"\x1b[2;31ma\x1b[0;31mb", False),
        (b"\x1b[2;31ma\x1b[0;31;2mb", True),
        (b"\x1b[2ma\x1b[31;39mb", True),
        (b"\x1b[31ma\x1b[38;5;2mb\x1b[0;38;5;2mc", False),
        (b"\x1b[38;2;2;2;2ma\x1b[0;38;2;2;2;2mb", True),
        (b"\x1b[48;5;2ma\x1b[0;2;48;5;2mb", False),
        (b"\x1b[2m\x1bca\x1b[0mb", True),
    ],
)
def test_faint_is_a_look_of_its_own(octets: bytes, alike: bool) -> None:
    screen = Screen(20, 5)
    Stream(screen).feed(octets)
    first, second = (screen.buffer[0][column]._replace(data="") for column in range(2))
    assert (first == second) == alike
