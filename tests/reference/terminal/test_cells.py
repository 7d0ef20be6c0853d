"""reference/terminal/cells.py: nothing unsafe gets through, nothing is lost between rows."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.terminal.cells import fitting, rows, visible, width

# The list of [CLIENT-9], written down once more.
LISTED = {
    0x00AD,
    0x061C,
    0x180E,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
}
SAFE = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]))


def is_unsafe(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") or ord(char) in LISTED


def test_no_character_that_is_unsafe_gets_through() -> None:
    """[CLIENT-9]: every code point that there is, surrogates included."""
    got_through = [code for code in range(0x110000) if any(map(is_unsafe, visible(chr(code))))]
    assert got_through == []


def test_no_other_character_is_changed() -> None:
    changed = [code for code in range(0x110000) if not is_unsafe(chr(code)) and visible(chr(code)) != chr(code)]
    assert changed == []


@given(st.text())
def test_any_text_becomes_safe_and_can_be_written(text: str) -> None:
    """[CLIENT-9]."""
    shown = visible(text)
    assert not any(map(is_unsafe, shown))
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "<U+001B>[2J"),
        ("a\tb", "a    b"),
        ("\u202eabc", "<U+202E>abc"),
        ("\u200dx\u200c", "x"),
        ("\udcff", "<U+DCFF>"),
        ("\U000e0041", "<U+E0041>"),
        ("grüße 你好 🎉", "grüße 你好 🎉"),
    ],
)
def test_what_unsafe_characters_become(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("é", 1), ("e\u0301", 1), ("你好", 4), ("", 0)])
def test_width(text: str, cells: int) -> None:
    assert width(text) == cells


def test_what_fits() -> None:
    assert [fitting("你好a", cells) for cells in range(-1, 7)] == [0, 0, 0, 1, 1, 2, 3, 3]
    assert fitting("abc", 2) == 2
    assert fitting("abc", -1) == 0


@given(SAFE, st.integers(10, 100))
def test_rows_hold_everything_and_fit(text: str, cells: int) -> None:
    divided = rows(text, cells)
    assert divided[0] + "".join(row.removeprefix("    ") for row in divided[1:]) == text
    assert all(width(row) <= cells for row in divided)
    assert all(row.startswith("    ") for row in divided[1:])


def test_rows_are_divided_at_blanks() -> None:
    assert rows("one two three four", 10) == ["one two ", "    three ", "    four"]
    assert rows("x" * 12, 10) == ["x" * 10, "    xx"]
    assert rows("short", 1) == ["short"]


@pytest.mark.parametrize(
    ("drawn", "cells"),
    [
        ("\u2764\ufe0f", 2),  # a heart that is an emoji
        ("1\ufe0f\u20e3", 2),  # a key with a digit
        ("\U0001f1e9", 2),  # half of a flag
        ("\u0600", 1),  # a format character that is seen
        ("\u4dc0", 2),  # wide since Unicode 16
        ("\U0001ffff", 2),  # not assigned: a later Unicode may say so
    ],
)
def test_no_row_is_wider_than_a_terminal_draws_it(drawn: str, cells: int) -> None:
    """[CLIENT-12]: else the terminal itself would begin a row with what somebody says."""
    divided = rows(drawn * 40, 20)
    assert "".join(row.strip() for row in divided) == drawn * 40
    for row in divided:
        assert row.strip().startswith(drawn)
        assert len(row) - len(row.strip()) + row.count(drawn) * cells <= 20


@pytest.mark.parametrize("char", ["\u00e4", "\u03b1", "\u0436", "\u201c", "e\u0301"])
def test_ordinary_writing_fills_its_rows(char: str) -> None:
    """Characters that only old terminals of East Asia draw wide are narrow: the rows of Greece would be halved."""
    assert rows(char * 20, 20) == [char * 20]


@pytest.mark.parametrize(
    ("text", "divided"),
    [
        ("look at http://a.b/cdefg now", ["look at ", "    http://a.b/cdefg", "     now"]),
        ("look at http://a.b/cdefg", ["look at ", "    http://a.b/cdefg"]),
        ("look at http://a.b/cdefgh now", ["look at http://a.b/cdefgh", "     now"]),
        ("http://a.b/cdefghijklmnopqrstuvwxyz", ["http://a.b/cdefghijklmnopqrstuvwxyz"]),
        (
            "one two three four five six http://a.b/cdefg",
            ["one two three four ", "    five six ", "    http://a.b/cdefg"],
        ),
        ("see http://a.b/ and more", ["see http://a.b/ and ", "    more"]),
        ("http://a.b/c\u00fcdefghijklmnopq", ["http://a.b/c\u00fcdefghij", "    klmnopq"]),
        ("<http://a.b/cdefghijklmno>", ["<http://a.b/cdefghijklmno", "    >"]),
    ],
)
def test_links_are_not_divided(text: str, divided: list[str]) -> None:
    """A character that a link cannot contain ends it: then it can make no row that looks like an event [CLIENT-12]."""
    assert rows(text, 20) == divided
