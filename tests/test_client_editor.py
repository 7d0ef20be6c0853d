"""reference/client/editor.py: keys in, lines and what is to be seen out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.client.editor import Editor
from reference.client.recall import Recall
from reference.client.texts_de import GERMAN
from reference.client.texts_en import ENGLISH
from reference.terminal.cells import visible, width

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"


def new(*history: str, words: tuple[str, ...] = ()) -> Editor:
    """An editor with these lines typed before, that completes to these words."""

    def complete(before: str) -> tuple[int, list[str]]:
        start = before.rfind(" ") + 1
        return start, [word for word in words if word.startswith(before[start:])]

    return Editor(ENGLISH, Recall(history), complete)


def typed(keys: str) -> str:
    editor = new()
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
        ("a\tb\x07\x0c", "a\tb\x07"),  # seen and not lost; Ctrl-L draws
        (f"\x7f{LEFT}{RIGHT}{UP}{DOWN}\x17\x15\x0b", ""),
    ],
)
def test_keys(keys: str, text: str) -> None:
    assert typed(keys) == text


def test_lines_end_with_enter() -> None:
    editor = new()
    assert editor.feed(b"one\rtwo\nthr") == [b"one", b"two"]
    assert editor.feed(b"ee\r\r") == [b"three", b""]
    assert editor.finish() == []


@given(st.binary())
def test_a_line_is_the_octets_that_were_typed(octets: bytes) -> None:
    """[CLIENT-13]: whatever is no key stands in the line as it came, ill-formed UTF-8 too."""
    octets = bytes(octet for octet in octets if octet >= 0x20 and octet != 0x7F)
    editor = new()
    assert editor.feed(octets + "\u00e9\r".encode()) == [octets + "\u00e9".encode()]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 10))
def test_the_pieces_that_octets_come_in_mean_nothing(keys: str, size: int) -> None:
    octets = keys.encode() + b"\r"
    whole, cut = new(), new()
    lines = [line for at in range(0, len(octets), size) for line in cut.feed(octets[at : at + size])]
    assert lines == whole.feed(octets)


def test_ctrl_d_ends_on_an_empty_line_only() -> None:
    """[CLIENT-15]."""
    editor = new()
    editor.feed(b"a\x04")
    assert not editor.ended
    editor.feed(b"\x7f\x04")
    assert editor.ended


def test_history_keeps_the_line_that_is_new() -> None:
    editor = new()
    editor.feed(b"one\rtwo\rtwo\r\rdraft")
    seen = []
    for key in (UP, UP, UP, DOWN, DOWN, DOWN):
        editor.feed(key.encode())
        seen.append(editor.text)
    assert seen == ["two", "one", "one", "two", "draft", "draft"]


def test_history_is_bounded() -> None:
    editor = new()
    editor.feed("".join(f"{number}\r" for number in range(1500)).encode())
    editor.feed(UP.encode() * 2000)
    assert editor.text == "500"


def test_view_shows_the_line_around_the_cursor() -> None:
    editor = new()
    editor.feed(b"0123456789" + LEFT.encode() * 4)
    assert editor.view(20) == ("012345", "6789")
    assert editor.view(8) == ("012345", "67")
    assert editor.view(6) == ("345", "678")


@given(st.text(max_size=60), st.integers(0, 60), st.integers(-3, 30))
def test_view_fits_and_is_harmless(text: str, moves: int, cells: int) -> None:
    editor = new()
    editor.feed(text.encode("utf-8", "surrogateescape" if text.isascii() else "replace") + LEFT.encode() * moves)
    left, right = editor.view(cells)
    assert visible(left + right) == left + right
    assert width(left + right) <= max(cells, 1)


def test_a_secret_is_neither_shown_nor_kept() -> None:
    """[PASS-13]."""
    editor = new()
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


# ---------------------------------------------------------------- searching and completing


def test_searching_what_was_typed() -> None:
    editor = new("first apple", "pear", "second apple", "plum")
    editor.feed(b"draft\x12app")
    assert editor.prompt == "(search: app)> "
    assert editor.text == "second apple"
    editor.feed(b"\x12")
    assert editor.text == "first apple"
    editor.feed(b"\x12")
    assert editor.text == "first apple"
    editor.feed(b"\x7f\x7f")
    assert editor.prompt == "(search: a)> "
    assert editor.feed(b"\r") == [b"first apple"]
    assert editor.prompt == ""


def test_a_search_ends_with_another_key() -> None:
    editor = new("first apple")
    editor.feed(b"\x12app" + LEFT.encode())
    assert (editor.prompt, editor.view(20)) == ("", ("first appl", "e"))
    editor.feed(b"\x05\x12nothing like that")
    assert editor.text == "first apple"
    editor.feed(b"\x07")
    assert (editor.prompt, editor.text) == ("", "")


@pytest.mark.parametrize("needle", ["", "app", "nothing"])
def test_a_search_that_is_given_up_leaves_what_was_there(needle: str) -> None:
    editor = new("an apple")
    editor.feed(f"draft\x12{needle}\x07 goes on".encode())
    assert editor.text == "draft goes on"


def test_passwords_are_not_searched() -> None:
    """[PASS-13]."""
    editor = new("apple")
    editor.conceal(True)
    assert editor.feed(b"\x12app\r") == [b"app"]
    editor.conceal(False)
    editor.feed(b"/password secret\r")
    editor.feed(UP.encode())
    assert editor.text == "apple"


def test_tab_goes_round() -> None:
    editor = new(words=("Bob, ", "Bobby, "))
    seen = []
    for _ in range(4):
        editor.feed(b"Bo\t" if not editor.text else b"\t")
        seen.append(editor.text)
    assert seen == ["Bob, ", "Bobby, ", "Bo", "Bob, "]
    assert editor.feed(b"hello\r") == [b"Bob, hello"]


def test_tab_in_the_middle() -> None:
    editor = new(words=("Bob ",))
    editor.feed(b"hi B!" + LEFT.encode() + b"\t")
    assert editor.view(20) == ("hi Bob ", "!")


def test_tab_completes_no_password() -> None:
    editor = new(words=("Bob ",))
    editor.conceal(True)
    assert editor.feed(b"B\t\r") == [b"B\t"]


# ---------------------------------------------------------------- pasting


def pasted(text: str) -> bytes:
    return f"\x1b[200~{text}\x1b[201~".encode()


def test_one_pasted_line_is_typed() -> None:
    editor = new(words=("tabbed ",))
    assert editor.feed(b"a c" + LEFT.encode() + pasted("b\ttab\x01\r\n")) == []
    assert (editor.text, editor.prompt, editor.news()) == ("a b\ttab\x01c", "", [])


def test_several_pasted_lines_are_asked_about() -> None:
    editor = new()
    assert editor.feed(b"before " + pasted("one\r\ntwo\n\nfour\r")) == []
    assert editor.prompt == "Send 4 lines? (y/n) "
    assert editor.news() == ["before one", "two", "", "four"]
    assert editor.news() == []
    assert editor.feed(b"x\r\x1b[A") == []
    assert editor.feed(b"y") == [b"before one", b"two", b"", b"four"]
    assert (editor.prompt, editor.text) == ("", "")
    editor.feed(UP.encode())
    assert editor.text == "four"


def test_yes_is_yes_in_german_too() -> None:
    editor = Editor(GERMAN, Recall(), lambda _: (0, []))
    editor.feed(pasted("one\rtwo"))
    assert editor.prompt == "2 Zeilen senden? (j/n) "
    assert editor.feed(b"j") == [b"one", b"two"]


@pytest.mark.parametrize("key", ["n", "N", "\x04", "\x07"])
def test_a_refused_paste_can_be_gone_back_to(key: str) -> None:
    editor = new()
    assert editor.feed(pasted("one\rtwo") + key.encode()) == []
    assert (editor.prompt, editor.text, editor.ended) == ("", "", False)
    assert editor.feed((UP + UP).encode() + b"\r") == [b"one"]


def test_a_great_paste_is_not_shown_whole() -> None:
    editor = new()
    editor.feed(pasted("\r".join(map(str, range(100)))))
    shown = editor.news()
    assert len(shown) == 10
    assert (shown[0], shown[-2], shown[-1]) == ("0", "... (91 lines more) ...", "99")
    assert len(editor.feed(b"y")) == 100


def test_a_password_is_pasted_like_typed() -> None:
    editor = new()
    editor.conceal(True)
    assert editor.feed(pasted("secret\r")) == [b"secret"]


def test_a_paste_that_is_asked_about_when_a_password_is_is_kept() -> None:
    editor = new()
    editor.feed(pasted("one\rtwo"))
    editor.conceal(True)
    assert editor.prompt == ""
    editor.conceal(False)
    editor.feed(UP.encode())
    assert editor.text == "two"


def test_a_paste_can_be_gone_back_to_even_if_nobody_answers() -> None:
    remembered: list[str] = []
    editor = Editor(ENGLISH, Recall(remember=remembered.append), lambda _: (0, []))
    editor.feed(pasted("one\rtwo"))
    assert remembered == ["one", "two"]
