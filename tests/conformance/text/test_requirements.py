"""Reading the specification: requirements, grammar, and where both are found."""

from pathlib import Path

import pytest

from conformance.text.grammar import Grammar
from conformance.text.requirements import (
    GRAMMAR,
    TEXT,
    SpecNotFoundError,
    find_spec,
    parse_requirements,
    read_requirements,
)

SECTION = """\
## 3. Lines

### 3.1. Their ends

Prose that MUST NOT be read.

- **[LINE-1]** *(MUST, both)* A sender MUST end each line
  with LF.
- **[OPER-2]** *(SHOULD, server, console)* A server SHOULD `exit`.

## 4. Names

- **[NAME-3]** *(MAY, client)* A client MAY.
"""


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return Grammar(find_spec() / GRAMMAR)


def test_a_requirement_is_read_with_all_that_it_says() -> None:
    first, second, third = parse_requirements(SECTION)
    assert (first.id, first.level, first.binds, first.condition) == ("LINE-1", "MUST", "both", None)
    assert (first.section, first.title) == ("3.1", "Their ends")
    assert first.text == "A sender MUST end each line with LF."
    assert (second.level, second.binds, second.condition) == ("SHOULD", "server", "console")
    assert (third.id, third.section, third.title) == ("NAME-3", "4", "Names")


def test_a_digest_changes_with_the_words_and_not_with_their_layout() -> None:
    [first, *_] = parse_requirements(SECTION)
    [moved, *_] = parse_requirements(SECTION.replace("end each line\n  with", "end\n  each line with"))
    [edited, *_] = parse_requirements(SECTION.replace("LF", "CR"))
    assert len(first.digest) == 12
    assert first.digest == moved.digest
    assert first.digest != edited.digest


def test_an_identifier_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / TEXT).write_text(SECTION + SECTION, encoding="utf-8")
    with pytest.raises(ValueError, match="LINE-1 stands twice"):
        read_requirements(tmp_path)


def test_whom_a_requirement_concerns() -> None:
    both, server, client = parse_requirements(SECTION)
    assert [one.concerns("server") for one in (both, server, client)] == [True, True, False]
    assert [one.concerns("client") for one in (both, server, client)] == [True, False, True]


def test_a_directory_that_is_named_is_the_only_one_looked_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (find_spec() / TEXT).is_file()
    with pytest.raises(SpecNotFoundError, match="--spec"):
        find_spec(tmp_path)
    monkeypatch.setenv("FLURFUNK_SPEC", str(tmp_path))
    with pytest.raises(SpecNotFoundError):
        find_spec()


@pytest.mark.parametrize(
    ("rule", "octets"),
    [
        ("server-line", b"HELLO flurfunk/1"),
        ("server-line", b"HELLO flurfunk/1 who x-1"),
        ("server-line", b"SAID Ann caf\xc3\xa9 \xf0\x9f\x98\x80"),
        ("server-line", b"SAID Ann  "),
        ("server-line", b"LEFT a-_ moved"),
        ("server-line", b"MEMBERS main 12"),
        ("server-line", b"ERROR bad-text no"),
        ("server-line", b"PONG " + b"x" * 8000),
        ("client-line", b""),
        ("client-line", b"/cd Main"),
        ("name", b"A" * 32),
        ("text", b"\t \xe2\x80\xa7\xe2\x80\xaa"),
        ("text", b"\xc2\xa0\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"),
    ],
)
def test_what_the_grammar_allows(grammar: Grammar, rule: str, octets: bytes) -> None:
    assert grammar.matches(rule, octets)


@pytest.mark.parametrize(
    ("rule", "octets"),
    [
        ("server-line", b""),
        ("server-line", b"hello flurfunk/1"),
        ("server-line", b"HELLO flurfunk/1 "),
        ("server-line", b"SAID Ann "),
        ("server-line", b"SAID Ann x\r"),
        ("server-line", b"SAID Ann x\n"),
        ("server-line", b"ROOM Main"),
        ("server-line", b"ROOM main x"),
        ("server-line", b"LEFT Ann gone"),
        ("server-line", b"ROOMS 01"),
        ("server-line", b"TOPIC x"),
        ("name", b"A" * 33),
        ("name", b"-a"),
        ("name", b""),
        ("text", b"\x1b"),
        ("text", b"\x7f"),
        ("text", b"\xc2\x80"),
        ("text", b"\xe2\x80\xa8"),
        ("text", b"\xe2\x80\xa9"),
        ("text", b"\xed\xa0\x80"),
        ("text", b"\xc0\x80"),
        ("text", b"\xf4\x90\x80\x80"),
        ("text", b"\xff"),
    ],
)
def test_what_the_grammar_forbids(grammar: Grammar, rule: str, octets: bytes) -> None:
    assert not grammar.matches(rule, octets)


def test_text_of_the_grammar_is_that_of_section_3_2(grammar: Grammar) -> None:
    """Every scalar value is allowed but those that the text names."""
    forbidden = {*range(0x09), *range(0x0A, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029}
    allowed = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000 and code not in forbidden]
    assert len(allowed) == 0x110000 - 0x800 - len(forbidden)
    assert grammar.matches("text", "".join(map(chr, allowed)).encode())
    assert not any(grammar.matches("text", chr(code).encode()) for code in forbidden)


def test_a_rule_that_is_not_there_is_told(grammar: Grammar) -> None:
    with pytest.raises(KeyError):
        grammar.matches("no-such-rule", b"")


def test_a_broken_grammar_is_told(tmp_path: Path) -> None:
    path = tmp_path / GRAMMAR
    path.write_text('a = "x" / \n', encoding="ascii")
    with pytest.raises(ValueError, match="not well-formed"):
        Grammar(path)


def test_a_rule_that_is_not_defined_is_told(tmp_path: Path) -> None:
    path = tmp_path / GRAMMAR
    path.write_text("a = b\n", encoding="ascii")
    grammar = Grammar(path)
    with pytest.raises(KeyError, match="b"):
        grammar.reachable("a")
    with pytest.raises(KeyError, match="b"):
        grammar.matches("a", b"x")


def test_strings_without_mark_are_compared_without_case(tmp_path: Path) -> None:
    path = tmp_path / GRAMMAR
    path.write_text('a = "Ab" / %s"Cd" / %x65.66\nb = 2*3"x" ["-"]\n', encoding="ascii")
    grammar = Grammar(path)
    assert [text for text in (b"ab", b"AB", b"Cd", b"cd", b"ef", b"EF") if grammar.matches("a", text)] == [
        b"ab",
        b"AB",
        b"Cd",
        b"ef",
    ]
    assert [text for text in (b"x", b"xx", b"xxx-", b"xxxx") if grammar.matches("b", text)] == [b"xx", b"xxx-"]
