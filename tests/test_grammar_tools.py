"""The grammar as other people's tools read it: each says the same of the same lines.

`abnf` of PyPI tries all alternatives; `apg-js` and `abnf` of npm, the package of `abnf_check`, stay with the first that
matches. `tox -e grammar` installs the two of npm; without them, what needs them is left out, visibly.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import abnf
import pytest

from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR
from tests.support import ROOT

SPEC = ROOT / "spec"
CORE = "flurfunk-1-core.abnf"
MATCH = ROOT / "tests" / "grammartools" / "match.mjs"
MODULES = Path(os.environ.get("FLURFUNK_NODE_MODULES", ROOT / ".tox" / "grammar" / "npm" / "node_modules"))
LONGEST = 120.0  # seconds: for a busy machine
ROOTS = ("client-stream", "client-line", "server-stream", "unknown-line")  # what no other rule refers to
LONG = b"abcdefghijklmnopqrstuvwxyz01234"  # 31 octets

needs_npm = pytest.mark.skipif(
    not (shutil.which("node") and all((MODULES / name).is_dir() for name in ("apg-js", "abnf", "peggy"))),
    reason="apg-js and abnf of npm are not installed: tox -e grammar",
)

RIGHT = [
    ("client-record", b"\n"),
    ("client-record", b"\r\n"),
    ("client-record", b"exit\n"),
    ("client-record", b"exit now\n"),  # to say
    ("client-record", b"Exit\r\n"),  # a room, or to say
    ("client-record", b"/cd Main\n"),
    ("client-record", b"/nick " + LONG + b"-\n"),  # 32 octets
    ("client-record", b"/say  \n"),  # says one blank
    ("client-record", b"/say /cd the lounge\r\n"),
    ("client-record", b"/help\n"),
    ("client-record", b"/help \n"),
    ("client-record", "Grüße, Ελλάδα, 東京 🎈\n".encode()),
    ("client-stream", b"\xef\xbb\xbfmain\r\n\n/ping \xef\xbb\xbf\nexit\nexit now\n"),
    ("server-line", b"HELLO flurfunk/1 who x-1"),
    ("server-line", b"SAID Ann /say  "),
    ("server-line", "SAID Ann שלום عليكم".encode()),
    ("server-line", b"ROOM " + LONG + b"_"),  # 32 octets
    ("server-line", b"MEMBERS main 12"),
    ("server-stream", b"HELLO flurfunk/1\nNAME guest-1\nINFO hi\nBYE exit\n"),
    ("unknown-line", b"TOPIC any words"),
]
WRONG = [
    ("client-record", b""),
    ("client-record", b"exit"),
    ("client-record", b"one\rtwo\n"),
    ("client-record", b"/CD main\n"),
    ("client-record", b"/Say hello\n"),
    ("client-record", b"/cd the lounge\n"),
    ("client-record", b"/cd  lounge\n"),
    ("client-record", b"/nick " + LONG + b"-x\n"),  # 33 octets
    ("client-record", b"/say \n"),
    ("client-record", b"/ping\n"),
    ("client-record", b"/helpme\n"),
    ("client-record", "/nick Jürgen\n".encode()),
    ("client-record", b"caf\xe9\n"),  # ISO 8859-1
    ("client-stream", b"main\n\xef\xbb\xbf/cd lounge\n/cd \xef\xbb\xbflounge\n"),
    ("server-line", b"hello flurfunk/1"),
    ("server-line", b"SAID Ann "),
    ("server-line", "NAME Μαρία".encode()),
    ("server-line", b"ROOM " + LONG + b"_x"),  # 33 octets
    ("server-line", b"ROOM Main"),
    ("server-stream", b"HELLO flurfunk/1\r\nNAME guest-1\r\n"),
]
SAMPLES = RIGHT + WRONG


def both_files(folder: Path) -> Path:
    """Return a file with the grammar and the core rules after it."""
    path = folder / "both.abnf"
    path.write_bytes((SPEC / GRAMMAR).read_bytes() + (SPEC / CORE).read_bytes())
    return path


def node(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    command = ["node", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=LONGEST, check=False)


def test_half_of_the_samples_are_wrong() -> None:
    assert len({*RIGHT, *WRONG}) == 40
    assert len(RIGHT) == len(WRONG) == 20


def test_the_suites_own_reading_says_so() -> None:
    grammar = Grammar(SPEC / GRAMMAR)
    assert [one for one in SAMPLES if grammar.matches(*one)] == RIGHT


def test_abnf_of_pypi_reads_the_file_as_it_stands_and_says_so() -> None:
    class Rules(abnf.Rule):
        pass

    Rules.from_file(SPEC / GRAMMAR)

    def matches(rule: str, octets: bytes) -> bool:
        try:
            Rules(rule).parse_all(octets.decode("latin-1"))
        except abnf.ParseError:
            return False
        return True

    assert [one for one in SAMPLES if matches(*one)] == RIGHT


@needs_npm
def test_tools_that_take_the_first_alternative_say_so(tmp_path: Path) -> None:
    given = json.dumps([(rule, octets.hex()) for rule, octets in SAMPLES])
    done = node(MATCH, MODULES, both_files(tmp_path), given=given)
    assert (done.returncode, done.stderr) == (0, "")
    said: dict[str, list[bool]] = json.loads(done.stdout)
    assert sorted(said) == ["abnf", "apg-js"]
    for tool, matched in said.items():
        assert [one for one, yes in zip(SAMPLES, matched, strict=True) if yes] == RIGHT, tool


@needs_npm
def test_abnf_check_finds_nothing_but_the_rules_to_begin_with(tmp_path: Path) -> None:
    done = node(MODULES / "abnf" / "bin" / "abnf_check.js", both_files(tmp_path))
    found = [line.partition(" at ")[0] for line in (done.stdout + done.stderr).splitlines()]
    # It takes the first rule for the only one to begin with, and does not count that.
    assert sorted(found) == sorted(f'Unreferenced rule "{rule.upper()}"' for rule in ROOTS[1:])


def test_a_line_and_a_line_with_its_end_are_told_alike() -> None:
    grammar = Grammar(SPEC / GRAMMAR)
    for rule, octets in SAMPLES:
        if rule == "client-record" and octets.endswith(b"\n"):
            line = octets.removesuffix(b"\n").removesuffix(b"\r")
            assert grammar.matches("client-line", line) == grammar.matches(rule, octets), octets


def test_the_core_rules_that_are_used_stand_in_the_other_file_alone() -> None:
    grammar, core = ((SPEC / name).read_text(encoding="ascii") for name in (GRAMMAR, CORE))
    code = re.sub(r";.*|%s\S+|\"[^\"]*\"|%x\S+", "", grammar)
    defined, used = set(re.findall(r"(?m)^([\w-]+) +=", code)), set(re.findall(r"[A-Za-z][\w-]*", code))
    assert len(defined) > 50
    assert used - defined == set(re.findall(r"(?m)^([\w-]+) +=", core))


def test_nothing_in_the_files_shuts_a_tool_out() -> None:
    for name in (GRAMMAR, CORE):
        lines = (SPEC / name).read_text(encoding="ascii").splitlines()
        assert [line for line in lines if line.strip() == ";" or '""' in line] == []
