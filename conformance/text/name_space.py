"""Names from the whole space: what languages and systems take for equal, for reserved, for a letter or for a blank."""

import itertools
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from random import Random

from conformance.text.vectors import FORBIDDEN

MOST = 32  # octets of a name
FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
EACH = 4  # characters of each kind that are drawn
_ALPHABET = FIRST + "-_"

# Different names, of which some languages, or people, take some for one.
GROUPS = (
    ("1", "01", "001", "1e0", "1E00", "0x1", "0b1", "0o1", "1-0", "1_", "10"),
    ("0", "00", "0x0", "0e0", "0-0", "o", "O0"),
    ("255", "0xff", "0377", "2_5_5", "255-"),
    ("1e3", "1000", "1_000", "10e2"),
    ("a-b", "a_b", "ab", "a--b", "a__b", "a-b-", "a_b_"),
    ("l1", "I1", "11"),
    ("true", "1true", "yes", "True-"),
)

# Free names all of them, although languages, systems and other chat servers know them.
WORDS = (
    *("constructor", "prototype", "toString", "valueOf", "hasOwnProperty", "isPrototypeOf", "toJSON", "length", "size"),
    *(
        "null",
        "nil",
        "None",
        "undefined",
        "NaN",
        "Infinity",
        "inf",
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "0",
        "n",
    ),
    *("con", "prn", "aux", "nul", "com1", "com9", "lpt1", "CON", "Nul", "etc", "dev", "tmp", "index", "default"),
    *(
        "guest",
        "guest-77",
        "Guest1",
        "guest_1",
        "user",
        "anonymous",
        "nobody",
        "root",
        "admin",
        "Administrator",
        "system",
    ),
    *("moderator", "console", "host", "bot", "all", "everyone", "here", "me", "you", "self", "this", "unknown", "none"),
    *("help", "cd", "say", "nick", "ping", "who", "rooms", "kick", "password", "quit", "part", "join", "names", "list"),
    *("HELLO", "NAME", "INFO", "ROOM", "JOINED", "LEFT", "SAID", "NICK", "ANNOUNCE", "MEMBER", "MEMBERS", "LIVE"),
    *(
        "ROOMS",
        "PAST",
        "HISTORY",
        "TELL",
        "TOLD",
        "PONG",
        "ADMITTED",
        "ERROR",
        "BYE",
        "flurfunk",
        "flurfunk-1",
        "lobby",
        "main",
        "moved",
        "lost",
        "full",
    ),
    *("removed", "shutdown", "slow", "idle", "denied", "GET", "POST", "HEAD", "PRI", "TRACE", "get", "set", "keys"),
    *("id", "name", "type", "select", "drop", "class", "def", "for", "e", "E", "x", "z", "9", "oper", "operators"),
    *("operator1", "operator-", "operator_", "0perator", "servers", "server-1", "server_", "serve", "x-operator"),
)

BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200c\u200d\u200e\u2060\u2800\u3164\ufe0f\ufeff\uffa0"
# Results of other letters in capitals, in small letters, or in their plain form.
CHANGING = (
    *("\u017f", "\u212a", "\u212b", "\u0131", "\u0130", "\u00df", "\u1e9e", "\u0149", "\u01f0", "\u1e96", "\u1e9a"),
    *("\ufb00", "\ufb01", "\ufb02", "\ufb03", "\ufb04", "\ufb05", "\ufb06", "\u01c4", "\u01c6", "\u2170", "\u216f"),
    *("\uff21", "\uff41", "\uff10", "\uff0d", "\uff3f", "\u2460", "\u24b6", "\u00b2", "\u00bd", "\u00aa", "\u2102"),
    *("\u2010", "\u2011", "\u2013", "\u2212", "\u203f", "\ufe4d", "\u0430", "\u03bf", "\u0561", "\u0660", "\u06f1"),
    *("\U0001d400", "\U0001d7d8", "\U0001f130", "\U000e0061", "\U00010400", "\u0345", "\u00b5", "\u0138", "\u03c2"),
)
# Where Unicode keeps letters and digits that become others, in blocks: the rest of it need not be looked through.
_CHANGING_BLOCKS = (
    *(range(0xA0, 0x250), range(0x2B0, 0x300), range(0x1D2C, 0x1DC0), range(0x1E00, 0x1F00), range(0x2070, 0x20A0)),
    *(range(0x2100, 0x2190), range(0x2460, 0x2500), range(0x2C60, 0x2C80), range(0x3200, 0x3400)),
    *(range(0xA720, 0xA800), range(0xFB00, 0xFB07), range(0xFF00, 0xFF5F), range(0x1D400, 0x1D800)),
)
# The second octets of characters of two that are a letter or a digit in ISO 8859-1 or Windows-1252.
_SECOND = b"\x83\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xaa\xb2\xb3\xb5\xb9\xba\xbc\xbd\xbe"


def drawn_names(chance: Random, count: int) -> list[str]:
    """Return names of every length, drawn by chance."""
    return [
        chance.choice(FIRST) + "".join(chance.choices(_ALPHABET, k=length - 1))
        for length in (chance.randint(2, MOST) for _ in range(count))
    ]


def near(name: str) -> list[str]:
    """Return names that differ from one in little, and are not the same folded."""
    longest = name + "x" * (MOST - len(name))
    others = [name[:-1], f"0{name}", f"{name}-", f"{name}_", f"{name}0", name.replace("-", "_"), name.replace("_", "-")]
    others += [name[::-1], name.replace("-", ""), name[1:], longest, longest[:-1] + "y", longest[:-1]]
    return [
        other
        for other in dict.fromkeys(others)
        if other.lower() != name.lower() and is_name(other) and not _kept(other)
    ]


def is_name(text: str) -> bool:
    """Whether a text has the form of a name."""
    return 0 < len(text) <= MOST and text[0] in FIRST and all(character in _ALPHABET for character in text)


def no_names(chance: Random) -> list[str]:
    """Return texts that are no names, drawn from the whole space: one character beyond ASCII, or a sign, in a name."""
    characters = [*CHANGING, *BLANKS, *INVISIBLE, *_of_each_category(chance), *_pairs(chance), *_becoming_ascii(chance)]
    characters = [one for one in dict.fromkeys(characters) if one not in FORBIDDEN]
    texts = [text for one in characters for text in (one, chance.choice((f"{one}na", f"a{one}n", f"an{one}")))]
    texts += [text for one in (*BLANKS, *INVISIBLE, "\t", " ") for text in (f"{one}ann", f"ann{one}", f"{one}ann{one}")]
    signs = [chr(code) for code in range(0x21, 0x7F) if chr(code) not in _ALPHABET and chr(code) != "/"]
    texts += [text for one in signs for text in (one, f"{one}a", f"a{one}a", f"a{one}")]
    texts += [
        "-",
        "_",
        "-a",
        "_a",
        "--",
        "__proto__",
        "-1",
        "_1",
        "a/b",
        "a/",
        "a b",
        "e\u0301",
        "e\u0301e",
        "1.0",
        "+1",
    ]
    texts += ["a" * length for length in (33, 34, 63, 64, 65, 127, 128, 255, 256, 257, 511, 1025, 4090)]
    texts += ["\u00e9" * 16, "\u00e9" * 32, "\U0001f600" * 8, "\U0001f600" * 32, "x" * 31 + "\u00e9", "x" * 32 + " "]
    return texts


def _kept(name: str) -> bool:
    return name.lower() in ("operator", "server")


def _of_each_category(chance: Random) -> list[str]:
    """Return characters beyond ASCII of each general category."""
    found = {category: list(some) for category, some in _categories().items()}
    for code in chance.sample(range(0x10000, sys.maxunicode + 1), 2000):
        found.setdefault(unicodedata.category(chr(code)), []).append(chr(code))
    return [one for some in found.values() for one in chance.sample(some, min(EACH, len(some)))]


@cache
def _categories() -> dict[str, str]:
    """Return the characters beyond ASCII of the first plane, by general category."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for code in (*range(0xA0, 0xD800), *range(0xE000, 0x10000)):
        found[unicodedata.category(chr(code))].append(chr(code))
    return {category: "".join(some) for category, some in found.items()}


def _pairs(chance: Random) -> Iterable[str]:
    """Return characters of two octets, each of which is a letter in a coding of one octet for each."""
    pairs = [bytes((first, second)).decode() for first in range(0xC3, 0xE0) for second in _SECOND]
    return ["\u00fa", "\u00ea", "\u00f5", *chance.sample(pairs, 6 * EACH)]


def _becoming_ascii(chance: Random) -> Iterable[str]:
    """Return characters beyond ASCII that become letters and digits of ASCII when they are folded or normalised."""
    return chance.sample(_all_becoming_ascii(), 10 * EACH)


@cache
def _all_becoming_ascii() -> list[str]:
    found = []
    for code in itertools.chain.from_iterable(_CHANGING_BLOCKS):
        one = chr(code)
        ways = (one.upper(), one.lower(), unicodedata.normalize("NFKC", one), unicodedata.normalize("NFKD", one)[0])
        if any(map(is_name, ways)):
            found.append(one)
    return found
