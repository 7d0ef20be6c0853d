"""What the guide for implementers shows is what happens."""

import re
import shlex
from pathlib import Path

import pytest

from conformance.cli import _parser, main
from conformance.matrix import main as matrix
from conformance.outcome import Conclusion
from conformance.subjectfile import read_subject_file
from conformance.verdict import Verdict
from tests.suite import ROOT, faulty, suite

GUIDE = (ROOT / "docs" / "implementers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    shlex.split(line[line.index("flurfunk-conformance") :], comments=True)[1:]
    for kind, block in BLOCKS
    if kind in ("sh", "yaml")
    for line in block.splitlines()
    if "flurfunk-conformance" in line
]


def block(kind: str) -> str:
    (found,) = [str(text) for name, text in BLOCKS if name == kind]
    return found


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] != "matrix"], ids=" ".join)
def test_commands_are_understood(words: list[str]) -> None:
    _parser().parse_args(words)


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] == "matrix"], ids=" ".join)
def test_matrices_are_understood(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix(words[1:]) == 2  # there are no such reports
    assert "report.json" in capsys.readouterr().err


def test_options_of_the_table_exist() -> None:
    options = re.findall(r"^\| `(--[a-z-]+)", GUIDE, re.MULTILINE)
    assert len(options) >= 6
    helped = _parser().format_help()
    assert [option for option in options if option not in helped] == []


def test_the_file_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "subject.toml"
    path.write_text(block("toml"))
    file = read_subject_file(path)
    assert (file.name, file.features, len(file.expected_failures)) == ("my-server", ("who", "rooms"), 2)
    assert main(["--subject", str(path), "--list"]) == 0  # all that is expected to fail exists
    assert "ROOM-3/moving-is-told" in capsys.readouterr().out


def test_the_failure_is_what_is_printed() -> None:
    done = suite("--server-cmd", faulty("moved-as-exit"), "--select", "ROOM-3/moving-is-told")
    assert done.returncode == 1
    assert generalised(block("text")) == generalised(done.stdout)[: len(generalised(block("text")))]


def generalised(text: str) -> list[str]:
    """Return lines without what differs from run to run: the names that nobody else uses."""
    told = text.partition("  transcript")[0]
    return re.sub(r"(new-|guest-)\w+|^ +\^", r"\1", told, flags=re.MULTILINE).splitlines()


def test_all_verdicts_and_exit_statuses_are_explained() -> None:
    assert set(re.findall(r"^\| ([A-Z]+) \|", GUIDE, re.MULTILINE)) == set(Verdict)
    assert len(re.findall(r"^\| \d+ \|", GUIDE, re.MULTILINE)) == len(Conclusion) - 2  # three conclusions are status 0


def test_files_that_are_named_exist() -> None:
    named = set(re.findall(r"\]\(([^)#:]+)\)", GUIDE))
    assert len(named) >= 2
    assert [name for name in named if not (ROOT / "docs" / name).exists()] == []
