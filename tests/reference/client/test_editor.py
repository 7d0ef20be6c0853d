"""reference/client/editor.py: searching, completing and pasting; test_terminal_editor.py has all other keys."""

import pytest

from reference.client.editor import Editor
from reference.client.texts_de import GERMAN
from reference.client.texts_en import ENGLISH
from reference.terminal.recall import Recall

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"


def new(*history: str, words: tuple[str, ...] = ()) -> Editor:
    """An editor with these lines typed before, that completes to these words."""

    def complete(before: str) -> tuple[int, list[str]]:
        start = before.rfind(" ") + 1
        return start, [word for word in words if word.startswith(before[start:])]

    return Editor(ENGLISH, Recall(history), complete)


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
    assert editor.feed(b"B\t\r") == [b"B"]


def test_tab_is_never_part_of_a_line() -> None:
    editor = new()
    assert editor.feed(b"\tx\t\ty\r") == [b"xy"]


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
    assert editor.feed(pasted("sec\tret\r")) == [b"sec\tret"]
    assert editor.feed(b"left" + LEFT.encode() + pasted("1\r\n2") + b"\r") == [b"lef1t", b"2"]


def test_a_paste_that_has_not_ended_when_a_password_is_right_is_dropped() -> None:
    """[PASS-15]."""
    editor = new()
    editor.conceal(True)
    editor.feed(pasted("secret")[:-6])
    editor.conceal(False)
    assert editor.feed(b"ret\rmore" + pasted("")[-6:] + b"hello\r") == [b"hello"]


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
