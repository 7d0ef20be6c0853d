"""Reading session files, and making their names unique."""

import pytest

from conformance.conversations.session import SessionSyntaxError, parse_octets, parse_session, replacement
from conformance.wire.peer import like

TEXT = """\
title: Two meet
shows: ROOM-1 SAY-2
names: Ann
rooms: main
needs: who console

# a comment
ann connects
bob connects as Bob in main

ann -> /nick Ann
ann => "a\\n" "b" * 2
bob <- JOINED Ann
bob <~ MEMBER Ann
ann <- nothing
bob half-closes
ann resets
operator ->
operator <- end
"""


def test_a_session_is_read() -> None:
    session = parse_session("meet", TEXT)
    assert (session.name, session.title) == ("meet", "Two meet")
    assert (session.shows, session.names, session.rooms, session.needs) == (
        ("ROOM-1", "SAY-2"),
        ("Ann",),
        ("main",),
        ("who", "console"),
    )
    assert [(step.who, step.verb, step.what) for step in session.steps[2:]] == [
        ("ann", "->", "/nick Ann"),
        ("ann", "=>", '"a\\n" "b" * 2'),
        ("bob", "<-", "JOINED Ann"),
        ("bob", "<~", "MEMBER Ann"),
        ("ann", "<-", "nothing"),
        ("bob", "half-closes", ""),
        ("ann", "resets", ""),
        ("operator", "->", ""),
        ("operator", "<-", "end"),
    ]
    first, second = session.steps[:2]
    assert (first.verb, first.name, first.room) == ("connects", "", "")
    assert (second.verb, second.name, second.room) == ("connects", "Bob", "main")
    assert first.number == TEXT.splitlines().index("ann connects") + 1


def test_a_session_with_a_password_is_read() -> None:
    session = parse_session("x", "title: x\nneeds: who password\npassword: Open  sesame \n\n")
    assert (session.needs, session.password) == (("who", "password"), "Open  sesame ")
    for head in ("needs: password\n", "password: x\n", "needs: password\npassword:\n", "needs: who\npassword: x\n"):
        with pytest.raises(SessionSyntaxError, match="a password"):
            parse_session("x", head + "\n")


def test_blanks_at_the_end_of_a_line_count() -> None:
    _, step = parse_session("x", "title: x\n\nann connects\nann -> two  \n").steps
    assert step.what == "two  "


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("titel: x\n\nann connects\n", "x.session:1"),
        ("title: x\n\nann says hello\n", "x.session:3"),
        ("title: x\n\nann connects in main\n", "x.session:3"),
        ("title: x\n\nAnn -> hello\n", "x.session:3"),
        ('title: x\n\nann connects\nann => "a\\qb"\n', "x.session:4"),
        ("title: x\n\nann connects\nbob -> hello\n", "x.session:4: bob has not connected"),
        ("title: x\n\noperator -> hello\n", "x.session:3: the head does not say"),
        ("title: x\nneeds: console\n\noperator closes\n", "x.session:4: the operator cannot"),
    ],
)
def test_what_is_no_session_is_told_with_its_line(text: str, line: str) -> None:
    with pytest.raises(SessionSyntaxError, match=line):
        parse_session("x", text)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ('"hi\\n"', b"hi\n"),
        ('"\\xff\\x00\\r\\t\\"\\\\"', b'\xff\x00\r\t"\\'),
        ('"caf\\xc3 ol\u00e9"', b"caf\xc3 ol\xc3\xa9"),
        ('"x" * 4097 "\\n"', b"x" * 4097 + b"\n"),
        ('"ab" * 2"c"', b"ababc"),
        ('""', b""),
    ],
)
def test_octets(text: str, octets: bytes) -> None:
    assert parse_octets(text) == octets


@pytest.mark.parametrize("text", ["hi", '"hi', '"\\q"', '"a" * b', '"a" x'])
def test_what_is_no_octets_is_told(text: str) -> None:
    with pytest.raises(SessionSyntaxError):
        parse_octets(text)


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("/nick Ann", "/nick Ann-1"),
        ("SAID Ann Ann, Anna, ann and Ann-2", "SAID Ann-1 Ann-1, Anna, ann and Ann-2"),
        ("/cd Main", "/cd Main-1"),
        ("ROOM main", "ROOM main-1"),
        ("main\n", "main-1\n"),
        ("domain mainly main_", "domain mainly main_"),
    ],
)
def test_names_are_replaced_as_whole_words(text: str, replaced: str) -> None:
    replace = replacement(["Ann"], ["main"], "-1")
    assert replace(text.encode()) == replaced.encode()


@pytest.mark.parametrize(
    ("line", "right"),
    [
        (b"PAST 17 SAID Ann hi", True),
        (b"PAST 17 SAID Ann ho", False),
        (b"PAST x SAID Ann hi", False),
        (b"PAST  SAID Ann hi", False),
        (b"PAST 17 18 SAID Ann hi", False),
        (b"PAST {time} SAID Ann hi", False),
        (b"PAST", False),
    ],
)
def test_a_time_stands_for_digits(line: bytes, right: bool) -> None:
    assert like(line, "PAST {time} SAID Ann hi") is right
