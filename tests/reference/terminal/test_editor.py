"""reference/terminal/editor.py: keys in, lines and what is to be seen out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.terminal.cells import visible, width
from reference.terminal.editor import Editor

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"


def typed(keys: str) -> str:
    editor = Editor()
    editor.feed(keys.encode())
    return editor.text


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("abc", "abc"),
        ("abc\x7f\x08", "a"),
        (f"abc{LEFT}{LEFT}x{RIGHT}y", "axbyc"),
        ("abc\x02\x02\x06x", "abxc"),
        ("bc\x01a\x05d", "abcd"),
        ("bc\x1b[Ha\x1b[Fd", "abcd"),
        ("bc\x1bOHa\x1bOFd", "abcd"),
        ("bc\x1b[1~a\x1b[4~d", "abcd"),
        ("abc\x01\x1b[3~\x04", "c"),
        ("abc\x02\x15", "c"),
        ("abc\x01\x06\x0b", "a"),
        ("one two \x17", "one "),
        ("one two\x01\x17", "one two"),
        ("ab\x1b[1;5Dc", "acb"),
        ("a\x1b[15~b\x1b[Zc", "abc"),  # keys without a meaning
        ("a\x1bbc", "abc"),  # Alt-b
        ("a\x1b\x1b[Db", "ba"),
        ("ü你\x7fx", "üx"),
        ("a\tb\x07\x0c", "ab\x07"),  # Tab is a key; others are seen and not lost; Ctrl-L draws
        (f"\x7f{LEFT}{RIGHT}{UP}{DOWN}\x17\x15\x0b", ""),
    ],
)
def test_keys(keys: str, text: str) -> None:
    assert typed(keys) == text


def test_lines_end_with_enter() -> None:
    editor = Editor()
    assert editor.feed(b"one\rtwo\nthr") == [b"one", b"two"]
    assert editor.feed(b"ee\r\r") == [b"three", b""]
    assert editor.finish() == []


@given(st.binary())
def test_a_line_is_the_octets_that_were_typed(octets: bytes) -> None:
    """[CLIENT-13]: whatever is no key stands in the line as it came, ill-formed UTF-8 too."""
    octets = bytes(octet for octet in octets if octet >= 0x20 and octet != 0x7F)
    editor = Editor()
    assert editor.feed(octets + "\u00e9\r".encode()) == [octets + "\u00e9".encode()]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 10))
def test_the_pieces_that_octets_come_in_mean_nothing(keys: str, size: int) -> None:
    octets = keys.encode() + b"\r"
    whole, cut = Editor(), Editor()
    lines = [line for at in range(0, len(octets), size) for line in cut.feed(octets[at : at + size])]
    assert lines == whole.feed(octets)


def test_ctrl_d_ends_on_an_empty_line_only() -> None:
    """[CLIENT-15]."""
    editor = Editor()
    editor.feed(b"a\x04")
    assert not editor.ended
    editor.feed(b"\x7f\x04")
    assert editor.ended


def test_history_keeps_the_line_that_is_new() -> None:
    editor = Editor()
    editor.feed(b"one\rtwo\rtwo\r\rdraft")
    seen = []
    for key in (UP, UP, UP, DOWN, DOWN, DOWN):
        editor.feed(key.encode())
        seen.append(editor.text)
    assert seen == ["two", "one", "one", "two", "draft", "draft"]


def test_history_is_bounded() -> None:
    editor = Editor()
    editor.feed("".join(f"{number}\r" for number in range(1500)).encode())
    editor.feed(UP.encode() * 2000)
    assert editor.text == "500"


def test_view_shows_the_line_around_the_cursor() -> None:
    editor = Editor()
    editor.feed(b"0123456789" + LEFT.encode() * 4)
    assert editor.view(20) == ("012345", "6789")
    assert editor.view(8) == ("012345", "67")
    assert editor.view(6) == ("345", "678")


@given(st.text(max_size=60), st.integers(0, 60), st.integers(-3, 30))
def test_view_fits_and_is_harmless(text: str, moves: int, cells: int) -> None:
    editor = Editor()
    editor.feed(text.encode("utf-8", "surrogateescape" if text.isascii() else "replace") + LEFT.encode() * moves)
    left, right = editor.view(cells)
    assert visible(left + right) == left + right
    assert width(left + right) <= max(cells, 1)


def test_a_secret_is_neither_shown_nor_kept() -> None:
    """[PASS-13]."""
    editor = Editor()
    editor.conceal(True)
    assert editor.feed(b"secret\rsecre") == [b"secret"]
    assert editor.view(20) == ("", "")
    editor.conceal(True)
    assert editor.feed(b"t\rhalf" + UP.encode()) == [b"secret"]
    editor.conceal(False)
    assert editor.view(20) == ("", "")
    for key in (UP, DOWN, UP):
        editor.feed(key.encode())
        assert editor.text == ""
    assert editor.feed(b"plain\r") == [b"plain"]
    editor.feed(UP.encode())
    assert editor.text == "plain"


def completed(keys: str, *words: str) -> tuple[str, list[str]]:
    """Return the text, and the choices shown, where these words can be completed after a slash."""

    def complete(text: str) -> list[str] | None:
        last = text.split(" ")[-1].lower()
        return [word for word in words if word.lower().startswith(last)] if text.startswith("/") else None

    editor = Editor(complete)
    editor.feed(keys.encode())
    return editor.text, list(editor.choices)


@pytest.mark.parametrize(
    ("keys", "text", "choices"),
    [
        ("/kick b\t", "/kick Bob ", []),
        ("/kick x\t", "/kick x", []),
        ("/kick a\t", "/kick Ann", []),  # as far as both go
        ("/kick a\t\t", "/kick Ann", ["Ann", "Anna"]),
        ("/kick \t", "/kick ", ["Ann", "Anna", "Bob"]),
        (f"/kick b!{LEFT}\t", "/kick Bob !", []),
        ("\tb\t", "b", []),
    ],
)
def test_completion(keys: str, text: str, choices: list[str]) -> None:
    assert completed(keys, "Ann", "Anna", "Bob") == (text, choices)


def test_choices_are_forgotten_with_the_next_keys() -> None:
    editor = Editor(lambda text: ["one", "two"])
    editor.feed(b"\t")
    assert editor.choices == ["one", "two"]
    editor.feed(b"x")
    assert not editor.choices


def test_a_password_is_not_completed() -> None:
    editor = Editor(lambda text: ["one"])
    editor.conceal(True)
    editor.feed(b"\t")
    assert editor.text == ""
