"""The guide for implementers shows the truth: its examples are run."""

import re
import shlex
from collections import Counter
from pathlib import Path

import pytest

from conformance.checks.registry import all_checks
from conformance.cli import _parser, main
from conformance.conversations.session import session_checks
from conformance.judging.outcome import Conclusion
from conformance.judging.verdict import Verdict
from conformance.reports.matrix import main as matrix
from conformance.subjectfile import read_subject_file
from conformance.text.requirements import Requirement, find_spec, read_requirements
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
    leads = words[0] == "next"
    _parser(leads=leads).parse_args(words[leads:])


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] == "matrix"], ids=" ".join)
def test_matrices_are_understood(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix(words[1:]) == 2  # there are no such reports
    assert "report.json" in capsys.readouterr().err


def test_options_of_the_table_exist() -> None:
    options = re.findall(r"^\| `(--[a-z-]+)", GUIDE, re.MULTILINE)
    assert len(options) >= 6
    helped = _parser().format_help()
    assert [option for option in options if option not in helped] == []


def told(option: str) -> list[str]:
    """Return what the help and the guide say of an option, on one line each."""
    (helped,) = re.findall(rf"^  {option} \S+\s+(.*?)(?=^  -)", _parser().format_help(), re.MULTILINE | re.DOTALL)
    (guided,) = re.findall(rf"^\| `{option} .*$", GUIDE, re.MULTILINE)
    return [" ".join(re.sub(r"-\n +", "-", helped).split()), guided.replace("`", "")]


def test_what_is_skipped_without_further_commands_is_told() -> None:
    requirements = read_requirements(find_spec())
    checks = [*all_checks(), *session_checks(find_spec())]
    of = Counter(check.requirement for check in checks)
    needed = {
        "--limited-server-cmd": {"client-limit", "choose-limit", "stall-limit"},
        "--password-server-cmd": {"password"},
    }
    for option, conditions in needed.items():
        needing = [one for one in checks if conditions & {requirements[one.requirement].condition, *one.needs}]
        skipped = Counter(check.requirement for check in needing)
        assert len(skipped) > 5
        for text in told("--server-cmd"):
            (named,) = re.findall(rf"{option} \(([^)]*)\)", text)
            *parts, others = named.split(", ")
            whole = {one for one in of if any(is_meant(requirements[one], part) for part in parts)}
            assert {one for one, count in skipped.items() if count == of[one]} == whole
            assert others == "and some others"
            assert any(count < of[one] for one, count in skipped.items())


def is_meant(requirement: Requirement, words: str) -> bool:
    """Whether words such as `section 11.3`, `FLOW-10` or `BYE-4 to BYE-8` mean a requirement."""
    if words.startswith("section "):
        return words == f"section {requirement.section}"
    if " to " not in words:
        return words == requirement.id
    first, last = (int(number) for number in re.findall(r"BYE-(\d+)", words))
    return requirement.id in [f"BYE-{number}" for number in range(first, last + 1)]


def test_limits_are_as_they_are_told(tmp_path: Path) -> None:
    got = tmp_path / "got"
    limits = "--max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}"
    command = f"sh -c 'echo {limits} >>{got}; exec {faulty()} {limits}'"
    done = suite("--server-cmd", faulty(), "--limited-server-cmd", command, "--select", "8.2", "--select", "FLOW-5")
    assert done.returncode == 0, done.stdout
    lines = [line.split()[1::2] for line in got.read_text().splitlines()]
    assert len(lines) >= 5
    values = [sorted({int(line[column]) for line in lines}) for column in range(3)]
    for text in told("--limited-server-cmd"):
        numbers = re.findall(r"\{(\w+)\}[^(|]*\(([^)]*)\)", text)
        assert [name for name, _ in numbers] == ["clients", "seconds", "stall"]
        assert [sorted(map(int, re.findall(r"\d+", words))) for _, words in numbers] == values


def test_a_password_stands_in_its_file_as_it_is_told(tmp_path: Path) -> None:
    got = tmp_path / "got"
    command = f"sh -c 'cat {{password_file}} >>{got}; exec {faulty()} --password-file {{password_file}}'"
    done = suite("--server-cmd", faulty(), "--password-server-cmd", command, "--select", "PASS-1")
    assert done.returncode == 0, done.stdout
    assert re.fullmatch(r"(.+\n)+", got.read_text(encoding="utf-8"))
    for text in told("--password-server-cmd"):
        assert re.search(r"first line, as UTF-8,? (which ends|and ending) in LF", text)


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
