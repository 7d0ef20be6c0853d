"""Octets to lines to messages: whatever comes, in whatever pieces, and at the limits exactly."""

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reference.wire import (
    BYTE_ORDER_MARK,
    MAX_CLIENT_LINE,
    Bare,
    ErrorCode,
    Exit,
    ForeignProtocolError,
    Help,
    LineSplitter,
    Message,
    Move,
    Password,
    Ping,
    Refused,
    Rename,
    Rooms,
    Say,
    ServerLine,
    Who,
    decode,
    encode,
    fold,
    is_name,
    opening,
    parse,
    parse_server,
)

SMALL = 6  # a limit that random lines reach often

# Written anew from section 3.2, not taken from the module: what a text may consist of.
TEXT_CHARACTER = re.compile("[^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
TEXTS = st.text(
    st.characters(codec="utf-8").filter(lambda character: TEXT_CHARACTER.match(character) is not None), min_size=1
)
OCTETS = st.binary(max_size=60) | st.lists(st.sampled_from([b"\r", b"\n", b"a", b"\xf0\x9f\x90\x9f"])).map(b"".join)


def naive_lines(octets: bytes, limit: int) -> list[bytes | None]:
    """Cut the whole at once, as [LINE-2] and [LINE-4] say it."""
    found = [re.sub(rb"\r\Z", b"", line) for line in octets.split(b"\n")[:-1]]
    return [line if len(line) <= limit else None for line in found]


# ---------------------------------------------------------------- octets to lines


@given(OCTETS, st.lists(st.integers(0, 70)))
@example(b"123456\r\n1234567\r\n", [7, 8])
@example(b"1234567\rx\n", [8])
def test_lines_are_the_same_whatever_the_segments(octets: bytes, cuts: list[int]) -> None:
    """[NET-3] [LINE-2]."""
    splitter = LineSplitter(SMALL)
    places = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    lines = [line for start, end in itertools.pairwise(places) for line in splitter.feed(octets[start:end])]
    assert lines == naive_lines(octets, SMALL)
    tail = octets[octets.rfind(b"\n") + 1 :]
    assert splitter.rest == tail[: SMALL + 2]


def test_unfinished_line_takes_bounded_memory() -> None:
    """[LINE-9]."""
    splitter = LineSplitter(MAX_CLIENT_LINE)
    for _ in range(1000):
        assert splitter.feed(b"x" * 1000) == []
    assert len(splitter.rest) == MAX_CLIENT_LINE + 2
    assert splitter.feed(b"\nnext\n") == [None, b"next"]


FISH = "\U0001f41f".encode()  # four octets


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        (b"x" * 4095, True),
        (b"x" * 4096, True),
        (b"x" * 4097, False),
        (b"x" * 4091 + FISH, True),
        (b"x" * 4092 + FISH, True),
        (b"x" * 4093 + FISH, False),
        (b"x" * 4096 + FISH, False),
        (b"x" * 100_000, False),
    ],
)
@pytest.mark.parametrize("segment", [1, 4095, 4096, 4097, 4098, 200_000])
def test_limit_is_exact(line: bytes, end: bytes, accepted: bool, segment: int) -> None:
    """[LINE-3] [LINE-4]: terminators do not count, octets and not characters do."""
    splitter = LineSplitter(MAX_CLIENT_LINE)
    octets = line + end + b"ok\n"
    found = [got for at in range(0, len(octets), segment) for got in splitter.feed(octets[at : at + segment])]
    assert found == [line if accepted else None, b"ok"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"x" * 4094 + b"\r\r\n", ErrorCode.BAD_TEXT),
        (b"x" * 4095 + b"\r\r\n", ErrorCode.BAD_TEXT),
        (b"x" * 4096 + b"\r\r\n", ErrorCode.TOO_LONG),  # the first CR is the 4097th octet of the line
        (b"\r" * 4096 + b"\n", ErrorCode.BAD_TEXT),
        (b"\r" * 4098 + b"\n", ErrorCode.TOO_LONG),
        (b"\xff" * 4097 + b"\n", ErrorCode.TOO_LONG),  # the first of two errors [CMD-4]
        (b"\xff" * 4096 + b"\n", ErrorCode.BAD_TEXT),
        (b"x" * 4093 + FISH[:3] + b"\n", ErrorCode.BAD_TEXT),
    ],
)
def test_errors_at_the_limit(line: bytes, code: ErrorCode) -> None:
    """[TEXT-3] [CMD-4]."""
    (found,) = LineSplitter(MAX_CLIENT_LINE).feed(line)
    message = parse(found)
    assert isinstance(message, Refused)
    assert message.code is code


# ---------------------------------------------------------------- the beginning of a connection


def judge(octets: bytes, cuts: list[int]) -> bytes | str:
    """Give a connection's first octets piece by piece; return what it begins with, or what it speaks."""
    for end in [*sorted(min(cut, len(octets)) for cut in cuts), len(octets)]:
        try:
            start = opening(octets[:end])
        except ForeignProtocolError as protocol:
            return str(protocol)
        if start is not None:
            return start + octets[end:]
    return b"undecided"


CUTS = st.lists(st.integers(1, 20), max_size=5)


@pytest.mark.parametrize("mark", [b"", BYTE_ORDER_MARK])
@pytest.mark.parametrize(
    "method", [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PRI"]
)
@given(cuts=CUTS)
def test_http_is_refused_before_its_line_ends(method: bytes, mark: bytes, cuts: list[int]) -> None:
    """[NET-7]."""
    assert judge(mark + method + b" ", cuts) == "HTTP"


@given(st.binary(max_size=10), CUTS)
def test_tls_is_refused_by_its_first_octet(rest: bytes, cuts: list[int]) -> None:
    """[NET-8]."""
    assert opening(b"") is None
    assert judge(b"\x16" + rest, cuts) == "TLS"


@pytest.mark.parametrize("mark", [b"", BYTE_ORDER_MARK])
@pytest.mark.parametrize(
    "line", [b"get x\n", b"GET\n", b"GETX \n", b"PR\n", b"P\n", b"/say GET \n", b"\n", b"PRI\tx\n", b"\r\n", b" GET \n"]
)
@given(cuts=CUTS)
def test_other_openings_are_taken_whole(line: bytes, mark: bytes, cuts: list[int]) -> None:
    """[NET-7] [LINE-6]: a room can be called GET, and a byte order mark belongs to no line."""
    assert judge(mark + line, cuts) == line


def test_only_one_byte_order_mark_is_ignored() -> None:
    assert judge(BYTE_ORDER_MARK * 2 + b"\n", [1, 2, 3, 4]) == BYTE_ORDER_MARK + b"\n"
    assert judge(BYTE_ORDER_MARK[:2] + b"x\n", [1, 2]) == BYTE_ORDER_MARK[:2] + b"x\n"


# ---------------------------------------------------------------- lines to messages


@given(st.binary())
def test_parse_never_raises_and_refuses_what_is_no_text(line: bytes) -> None:
    """[TEXT-1] [TEXT-2]."""
    message = parse(line)
    try:
        text = line.decode()
        fine = all(TEXT_CHARACTER.match(character) for character in text)
    except UnicodeDecodeError:
        fine = False
    refused = isinstance(message, Refused) and message.code is ErrorCode.BAD_TEXT
    assert refused is not fine


@given(TEXTS)
def test_accepted_text_comes_back_octet_for_octet(text: str) -> None:
    """[TEXT-5] [PING-2]."""
    assert parse(f"/say {text}".encode()) == Say(text)
    assert parse(f"/ping {text}".encode()) == Ping(text)
    said = encode("SAID", "Ann", text)
    assert said == b"SAID Ann " + text.encode() + b"\n"
    assert parse_server(said[:-1]) == ServerLine("SAID", ("Ann", text))


@pytest.mark.parametrize("number", [*range(9), *range(0x0A, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029])
def test_forbidden_characters(number: int) -> None:
    """[TEXT-2], each of section 3.2."""
    for text in (chr(number), f"a{chr(number)}", f"/ping {chr(number)}b"):
        assert decode(text.encode()) is None


@pytest.mark.parametrize("number", [0x09, 0x20, 0x7E, 0xA0, 0xAD, 0x2027, 0x202A, 0xD7FF, 0xE000, 0xFEFF, 0xFFFF])
def test_neighbours_of_forbidden_characters_are_text(number: int) -> None:
    assert decode(chr(number).encode()) == chr(number)
    assert decode("\U0010ffff".encode()) == "\U0010ffff"


@pytest.mark.parametrize(
    "line", [b"\xc0\x80", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xc3", b"\xf0\x9f\x90"]
)
def test_ill_formed_text(line: bytes) -> None:
    """[TEXT-1]: overlong, surrogates, beyond U+10FFFF, lone and missing pieces."""
    assert decode(line) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", None),
        ("main", Bare("main")),
        (" /cd x", Bare(" /cd x")),
        ("exit", Exit()),
        ("Exit", Bare("Exit")),
        ("exit ", Bare("exit ")),
        ("/cd main", Move("main")),
        ("/cd  main", Move(" main")),
        ("/say   two", Say("  two")),
        ("/say  ", Say(" ")),
        ("/nick Ann", Rename("Ann")),
        ("/ping 1 2 ", Ping("1 2 ")),
        ("/help", Help()),
        ("/help me", Help()),
        ("/who", Who()),
        ("/rooms", Rooms()),
        ("/password Open  sesame ", Password("Open  sesame ")),
        ("/password ", Password("")),
        ("/password", Password("")),
    ],
)
def test_messages(line: str, message: Message | None) -> None:
    assert parse(line.encode()) == message


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("/", ErrorCode.UNKNOWN_COMMAND),
        ("//", ErrorCode.UNKNOWN_COMMAND),
        ("/CD main", ErrorCode.UNKNOWN_COMMAND),
        ("/Password x", ErrorCode.UNKNOWN_COMMAND),
        ("/passwords x", ErrorCode.UNKNOWN_COMMAND),
        ("/cd\tmain", ErrorCode.UNKNOWN_COMMAND),
        ("/exit", ErrorCode.UNKNOWN_COMMAND),
        ("/ cd main", ErrorCode.UNKNOWN_COMMAND),
        *((f"/{word}", ErrorCode.BAD_ARGUMENT) for word in ("cd", "say", "nick", "ping")),
        *((f"/{word} ", ErrorCode.BAD_ARGUMENT) for word in ("cd", "say", "nick", "ping", "who", "rooms")),
        ("/who x", ErrorCode.BAD_ARGUMENT),
    ],
)
def test_refused_commands(line: str, code: ErrorCode) -> None:
    """[CMD-1] [CMD-2] [CMD-3] [WHO-4] [LIST-4]."""
    message = parse(line.encode())
    assert isinstance(message, Refused)
    assert message.code is code
    assert message.text


@pytest.mark.parametrize("name", ["a", "0", "A-_", "x" * 32, "9lives"])
def test_names(name: str) -> None:
    """Section 4."""
    assert is_name(name)
    assert fold(name) == name.translate(str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"))


@pytest.mark.parametrize("name", ["", "-a", "_", "x" * 33, "a b", "é", "a\n", "a.", "\u0661", "\u212a", "a\x00"])
def test_no_names(name: str) -> None:
    assert not is_name(name)


# ---------------------------------------------------------------- lines that a server sends


@given(st.binary())
def test_client_never_fails_on_a_line(line: bytes) -> None:
    """[CLIENT-1]."""
    parse_server(line)
    for kind in (b"HELLO ", b"SAID Ann ", b"LEFT ", b"ERROR "):
        parse_server(kind + line)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("HELLO flurfunk/1", ("flurfunk/1", "")),
        ("HELLO flurfunk/1 who rooms", ("flurfunk/1", "who rooms")),
        ("NAME Ann", ("Ann",)),
        ("SAID Ann  two  blanks ", ("Ann", " two  blanks ")),
        ("LEFT Ann moved", ("Ann", "moved")),
        ("ANNOUNCE at noon", ("at noon",)),
        ("BYE exit", ("exit",)),
        ("ADMITTED", ()),
    ],
)
def test_words_of_server_lines(line: str, words: tuple[str, ...]) -> None:
    assert parse_server(line.encode()) == ServerLine(line.partition(" ")[0], words)


@pytest.mark.parametrize(
    "line", [None, b"", b"said Ann x", b"SAIDX Ann x", b"WEATHER fine", b"SAID Ann", b"NAME", b"NAME "]
)
def test_client_passes_over_what_it_does_not_know(line: bytes | None) -> None:
    """[CLIENT-1]."""
    assert parse_server(line) is None
