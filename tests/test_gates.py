"""Gates between the specification and the suite: neither can change without the other being looked at."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from conformance.checks.registry import all_checks, client_checks
from conformance.conversations.session import read_session, session_checks
from conformance.judging.check import Check
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, SESSIONS, TEXT, find_spec, parse_requirements

ROOT = Path(__file__).resolve().parents[1]
SPEC = find_spec(ROOT / "spec")
WORDS = (SPEC / TEXT).read_text(encoding="utf-8")
REQUIREMENTS = parse_requirements(WORDS)
SERVER_CHECKS = [*all_checks(), *session_checks(SPEC)]
CHECKS = [*SERVER_CHECKS, *client_checks()]
SUITE = sorted((ROOT / "conformance").rglob("*.py"))
SESSION_FILES = sorted((SPEC / SESSIONS).glob("*.session"))

KEYWORDS = re.compile(r"\b(?:MUST(?: NOT)?|SHOULD(?: NOT)?|MAY|SHALL(?: NOT)?|REQUIRED|RECOMMENDED|OPTIONAL)\b")
# Where the key words are explained or named, and not used.
EXPLAINING = ("1.2", "1.3", "17")


def _cited(checks: list[Check]) -> set[str]:
    return {check.requirement for check in checks}


def test_there_is_something_to_hold_against_each_other() -> None:
    assert len(REQUIREMENTS) > 140
    assert len(SERVER_CHECKS) > 180
    assert len(SESSION_FILES) > 15
    assert len(SUITE) > 20


@pytest.mark.parametrize(("kind", "checks"), [("server", SERVER_CHECKS), ("client", client_checks())])
def test_every_must_has_a_check(kind: str, checks: list[Check]) -> None:
    required = [one.id for one in REQUIREMENTS if one.level == "MUST" and one.concerns(kind)]
    assert len(required) > 20
    assert [identifier for identifier in required if identifier not in _cited(checks)] == []


def test_no_check_cites_what_does_not_exist() -> None:
    assert _cited(CHECKS) - {requirement.id for requirement in REQUIREMENTS} == set()


def test_no_check_is_older_than_its_sentence() -> None:
    digests = {requirement.id: requirement.digest for requirement in REQUIREMENTS}
    assert [check.id for check in CHECKS if check.digest != digests[check.requirement]] == []


def test_checks_cite_what_binds_their_subject() -> None:
    binds = {requirement.id: requirement.binds for requirement in REQUIREMENTS}
    assert [check.id for check in SERVER_CHECKS if binds[check.requirement] == "client"] == []
    assert [check.id for check in client_checks() if binds[check.requirement] == "server"] == []


@pytest.mark.parametrize("checks", [SERVER_CHECKS, client_checks()], ids=["server", "client"])
def test_checks_have_names_of_their_own(checks: list[Check]) -> None:
    assert [name for name, count in Counter(check.id for check in checks).items() if count > 1] == []


def test_identifiers_are_used_once() -> None:
    assert [name for name, count in Counter(one.id for one in REQUIREMENTS).items() if count > 1] == []


def test_every_identifier_in_the_text_exists() -> None:
    named = set(re.findall(r"\[([A-Z]+-\d+)\]", WORDS))
    assert named - {requirement.id for requirement in REQUIREMENTS} == set()


def test_every_list_item_with_an_identifier_was_read() -> None:
    assert len(re.findall(r"(?m)^- \*\*\[", WORDS)) == len(REQUIREMENTS)


def test_labels_say_what_sentences_say() -> None:
    wrong = []
    for requirement in REQUIREMENTS:
        used = {word.removesuffix(" NOT") for word in KEYWORDS.findall(_without_code(requirement.text))}
        if used != {requirement.level}:
            wrong.append((requirement.id, requirement.level, sorted(used)))
    assert wrong == []


def test_conditions_are_in_the_table() -> None:
    known = set(re.findall(r"(?m)^\| `([a-z-]+)` \| a (?:server|client)", WORDS))
    assert {requirement.condition for requirement in REQUIREMENTS} - {None} == known


def test_key_words_stand_in_numbered_sentences_only() -> None:
    section, in_item, fenced, strays = "", False, False, []
    for number, line in enumerate(WORDS.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        if heading := re.match(r"#+ (\d+(?:\.\d+)*)\.", line):
            section = heading[1]
        in_item = line.startswith("- **[") or (in_item and line.startswith("  "))
        if not in_item and not fenced and section not in EXPLAINING and KEYWORDS.search(_without_code(line)):
            strays.append(f"{number}: {line}")
    assert strays == []


def _without_code(text: str) -> str:
    return re.sub(r"`[^`]*`", "", text)


# ---------------------------------------------------------------- the grammar


def test_grammar_is_complete() -> None:
    grammar = Grammar(SPEC / GRAMMAR)
    names = grammar.rule_names()
    reachable = grammar.reachable("client-stream", "client-line", "server-stream", "unknown-line")
    assert len(names) > 50
    assert {name.lower() for name in names} - {name.lower() for name in reachable} == set()


@pytest.mark.parametrize(
    ("heading", "rule", "others"),
    [
        ("### 7.1. How leaving is told", "left-reason", ("lost!", "left", "shutdown")),
        ("### 8.1. Error codes", "error-code", ("too-short", "denied")),
        ("### 8.2. BYE", "bye-reason", ("lost", "error")),
    ],
)
def test_tables_are_those_of_the_grammar(heading: str, rule: str, others: tuple[str, ...]) -> None:
    table = WORDS.split(heading + "\n")[1].strip().split("\n\n")
    rows = next(part for part in table if part.startswith("| ")).splitlines()[2:]
    words = [re.findall(r"`([a-z-]+)`", row)[0] for row in rows]
    source = " ".join(line.split(";")[0] for line in (SPEC / GRAMMAR).read_text(encoding="ascii").splitlines())
    definition = re.search(rf"\b{rule}\s+=((?:\s*/?\s*%s\"[a-z-]+\")+)", source)
    assert definition
    assert words == re.findall(r'%s"([a-z-]+)"', definition[1])
    grammar = Grammar(SPEC / GRAMMAR)
    assert all(grammar.matches(rule, word.encode()) for word in words)
    assert not any(grammar.matches(rule, word.encode()) for word in others)


# ---------------------------------------------------------------- the example conversations


@pytest.mark.parametrize("path", SESSION_FILES, ids=lambda path: path.stem)
def test_sessions_cite_what_exists(path: Path) -> None:
    session = read_session(path)
    assert session.title
    assert session.shows
    assert set(session.shows) - {requirement.id for requirement in REQUIREMENTS} == set()
    assert set(session.needs) <= {"who", "rooms", "password", "history", "tell", "console"}


EXAMPLES = re.findall(r"(?ms)^```session (\S+)\n(.*?)^```$", WORDS)


def test_the_text_has_examples() -> None:
    assert len(EXAMPLES) > 10


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_examples_are_part_of_their_session(name: str, example: str) -> None:
    lines = (SPEC / SESSIONS / f"{name}.session").read_text(encoding="utf-8").splitlines()
    body = [line for line in lines[lines.index("") :] if line and not line.startswith("#")]
    wanted = [line for line in example.splitlines() if line and not line.startswith("#")]
    assert wanted
    assert any(body[start : start + len(wanted)] == wanted for start in range(len(body)))


# ---------------------------------------------------------------- the suite's own source


@pytest.mark.parametrize("path", SUITE, ids=lambda path: str(path.relative_to(ROOT)))
def test_suite_imports_nothing_of_the_project_but_itself(path: Path) -> None:
    imported = {name.split(".")[0] for name in _imports(ast.parse(path.read_text(encoding="utf-8")))}
    assert imported & {"reference", "tests"} == set()


@pytest.mark.parametrize("path", SUITE, ids=lambda path: str(path.relative_to(ROOT)))
def test_suite_does_not_sleep(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in called]
    assert [name for name in names if name in ("sleep", "usleep")] == []
    assert "time.sleep" not in _imports(tree)


def _imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.update([node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)])
    return names
