"""Octets that several checks use: ill-formed, forbidden and allowed texts, names, and ways to cut a stream."""

from collections.abc import Iterator

MAX_LINE = 4096  # octets of a client's line, terminator excluded [LINE-3]

ILL_FORMED = (
    b"\x80",  # a tail alone
    b"\xbf",
    b"\xc3",  # a character cut short
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xc3(",
    b"\xc0\x80",  # longer than need be
    b"\xc0\xaf",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    b"\xed\xa0\x80",  # surrogates, alone and as a pair
    b"\xed\xbf\xbf",
    b"\xed\xa0\xbd\xed\xb8\x80",
    b"\xf4\x90\x80\x80",  # beyond U+10FFFF
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xfe",
    b"\xff",
)

# All but CR, which is [TEXT-3]'s, and LF, which ends the line.
FORBIDDEN = tuple(
    chr(code) for code in (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
)

ALLOWED = (
    "plain",
    " ",
    "  leading and trailing blanks  ",
    "\ttab\tand\ttab\t",
    "two  blanks",
    "caf\u00e9",
    "cafe\u0301",  # not the same, and not to be made the same
    "\u00c5 \u212b A\u030a",
    "\ufb01 \u2460 \uff21",  # compatibility characters
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u00a0no-break\u00a0",
    "\u3000ideographic\u3000",
    "\u2027 \u202a\u202e\u2066",  # next to the forbidden U+2028; bidirectional controls
    "\ufeffmark\ufeff",
    "\ufffd\ufffe\uffff\U0010ffff",  # replacement character, noncharacters
    "\ue000\U000f0000",  # private use
    "\U000e0001\U000e007f",
    "\u0378",  # unassigned
    "\ud7ff\u07ff\u0800\U00010000",  # the borders of UTF-8
    "<b>&amp;</b> %s %d {0} $HOME `ls` ' \" \\ \\n",
    "HELLO flurfunk/1",
    "SAID Bob hi",
    "BYE exit",
    "PONG x",
    "GET / HTTP/1.1",
    "\u0130\u0131 \u00df \u017f",  # what case folding can change
)

BAD_NAMES = (
    "-a",
    "_a",
    "a b",
    "a ",
    " a",
    "a.b",
    "a/b",
    "a:b",
    "@a",
    "#a",
    "a!",
    "a\tb",
    "a" * 33,
    "a" * 64,
    "a" * 4000,
    "\u00e4",
    "a\u00e9",
    "\uff21",
    "\u0661",  # a digit, but not an ASCII one
    "\u212a",  # KELVIN SIGN, which lower() makes a k
    "a\u200b",
    "~",
    " ",
)

NAMES = ("a", "Z", "0", "9z", "a-", "a_", "a--b", "A_B-C", "x" * 32, "7" * 32, "a" + "-" * 31, "Q" + "_" * 31)


def lines_of(length: int) -> Iterator[bytes]:
    """Return lines of so many octets, of characters of 1 to 4 octets, none of them a command."""
    for character in ("x", "\u00e9", "\u20ac", "\U0001f600"):
        encoded = character.encode()
        yield encoded * (length // len(encoded)) + b"y" * (length % len(encoded))


def octet_by_octet(data: bytes) -> list[bytes]:
    """Return a stream cut between all octets."""
    return [data[n : n + 1] for n in range(len(data))]


def segmentations(data: bytes) -> dict[str, list[bytes]]:
    """Return a stream cut in several ways, each with its name."""
    in_end = [n for n in range(1, len(data)) if data[n - 1 : n + 1] == b"\r\n"]
    in_character = [n for n in range(1, len(data)) if data[n] & 0xC0 == 0x80]
    behind_end = [n for n in range(1, len(data)) if data[n - 1] == 0x0A]
    return {
        "whole": [data],
        "octet by octet": octet_by_octet(data),
        "inside CR LF": _cut(data, in_end),
        "inside characters": _cut(data, in_character),
        "line by line": _cut(data, behind_end),
        "after the first octet": _cut(data, [1]),
        "before the last octet": _cut(data, [len(data) - 1]),
    }


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    return [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]
