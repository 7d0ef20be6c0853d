"""Expected failures, and the file in which they stand."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.judging.expected import Expectation, Expectations
from conformance.judging.outcome import Conclusion, conclusion, exit_status, in_words
from conformance.judging.result import Result
from conformance.judging.verdict import Verdict
from conformance.subjectfile import SubjectFile, read_subject_file
from conformance.text.requirements import Requirement
from tests.suite import faulty, suite

TODAY = date(2027, 1, 31)
ROOM = Requirement("ROOM-3", "6.2", "Moving", "MUST", "server", None, "A server MUST tell it.")
FAILED = Result("ROOM-3/told", ROOM, "It is told.", verdict=Verdict.FAIL, expected="LEFT Ann moved", received="nothing")
PASSED = Result("ROOM-3/told", ROOM, "It is told.")
OTHER = Result("ROOM-3/once", ROOM, "It is told once.")
KNOWN = {"ROOM-3/told", "ROOM-3/once"}


def judged(result: Result, expectation: Expectation) -> Result:
    return Expectations([expectation], TODAY).judge(result)


@pytest.mark.parametrize("what", ["ROOM-3/told", "ROOM-3"])
@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.WARN])
def test_what_is_expected_to_fail_and_fails_is_xfail(what: str, verdict: Verdict) -> None:
    result = judged(replace(FAILED, verdict=verdict), Expectation(what, "not done yet"))
    assert (result.verdict, result.reason) == (Verdict.XFAIL, "expected: not done yet")
    assert (result.expected, result.received) == (FAILED.expected, FAILED.received)
    assert exit_status([result]) == 0
    assert conclusion(0, [result], partial=False) is Conclusion.CONFORMANT_BUT
    assert in_words(Conclusion.CONFORMANT_BUT, [result]).endswith("conforms to Flurfunk/1, but for 1 expected failure.")


@pytest.mark.parametrize("what", ["ROOM-3/other", "ROOM-30", "ROOM"])
def test_other_failures_stay_failures(what: str) -> None:
    assert judged(FAILED, Expectation(what, "not done yet")) == FAILED


@pytest.mark.parametrize("verdict", [Verdict.SKIP, Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_what_neither_fails_nor_passes_stays_as_it_is(verdict: Verdict) -> None:
    result = replace(FAILED, verdict=verdict)
    assert judged(result, Expectation("ROOM-3/told", "not done yet")) == result


def test_a_failure_of_another_kind_is_a_failure() -> None:
    expectation = Expectation("ROOM-3", "not done yet", match="LEFT Ann")
    assert judged(FAILED, expectation).verdict is Verdict.XFAIL
    result = judged(replace(FAILED, expected="ROOM main"), expectation)
    assert result.verdict is Verdict.FAIL
    assert "'LEFT Ann' does not occur" in result.reason


def test_an_expectation_ends_with_its_last_day() -> None:
    assert judged(FAILED, Expectation("ROOM-3", "soon", until=TODAY)).verdict is Verdict.XFAIL
    result = judged(FAILED, Expectation("ROOM-3", "soon", until=date(2027, 1, 30)))
    assert result.verdict is Verdict.FAIL
    assert result.reason == "expected to fail until 2027-01-30 only: soon"


def test_the_more_exact_expectation_counts() -> None:
    both = [Expectation("ROOM-3", "all of it"), Expectation("ROOM-3/told", "this one", match="else")]
    assert Expectations(both, TODAY).judge(FAILED).verdict is Verdict.FAIL


def test_a_check_that_is_expected_to_fail_and_passes_is_xpass() -> None:
    result = judged(PASSED, Expectation("ROOM-3/told", "not done yet"))
    assert result.verdict is Verdict.XPASS
    assert "take ROOM-3/told out" in result.reason
    assert exit_status([result]) == 1
    assert "bring the list" in in_words(Conclusion.NOT_CONFORMANT, [result])


def test_a_requirement_is_xpass_when_all_its_checks_pass() -> None:
    expectations = Expectations([Expectation("ROOM-3", "not done yet")], TODAY)
    assert expectations.judge(PASSED) == PASSED
    assert [result.verdict for result in expectations.finish([PASSED, OTHER], KNOWN)] == [Verdict.XPASS] * 2
    for other in (replace(OTHER, verdict=Verdict.XFAIL), replace(OTHER, verdict=Verdict.INCONCLUSIVE)):
        assert expectations.finish([PASSED, other], KNOWN) == [PASSED, other]


def test_nothing_is_said_of_a_requirement_of_which_some_checks_did_not_run() -> None:
    expectations = Expectations([Expectation("ROOM-3", "not done yet")], TODAY)
    assert expectations.finish([PASSED], KNOWN) == [PASSED]


WHOLE = """
[implementation]
name = "my-server"
version = "0.3.0"
[server]
command = "./my-server --port {port}"
limited-command = "./my-server --port {port} --max {clients} --choose {seconds}"
password-command = "./my-server --port {port} --password {password_file}"
console = false
features = ["who", "rooms"]
[client]
command = "./my-client {host} {port}"
[[expected-failure]]
check = "ROOM-3/told"
reason = "not done yet"
match = "LEFT"
until = 2027-01-31
[[expected-failure]]
requirement = "WHO-1"
reason = "never"
"""


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "subject.toml"
    path.write_text(WHOLE)
    assert read_subject_file(path) == SubjectFile(
        name="my-server",
        version="0.3.0",
        server_command="./my-server --port {port}",
        limited_server_command="./my-server --port {port} --max {clients} --choose {seconds}",
        password_server_command="./my-server --port {port} --password {password_file}",
        console=False,
        features=("who", "rooms"),
        client_command="./my-client {host} {port}",
        expected_failures=(
            Expectation("ROOM-3/told", "not done yet", "LEFT", date(2027, 1, 31)),
            Expectation("WHO-1", "never"),
        ),
    )


MISTAKES = {
    "[server": "Expected",
    "[sever]": "[sever] means nothing; known are implementation, server, client, expected-failure",
    "server = 1": "server has to be a table",
    "[server]\ncomand = 'x'": "[server] comand: means nothing; known are command",
    "[server]\nconsole = 1": "console: has to be true or false",
    "[server]\nfeatures = 'who'": "features: has to be a list of texts",
    "[server]\nfeatures = [1]": "features: has to be a list of texts",
    "[server]\ncommand = 'x {port}'\naddress = '127.0.0.1:1'": "a command and an address",
    "[server]\ncommand = './my-server'": "{port} is missing in the command",
    "[server]\naddress = '127.0.0.1'": "is not HOST:PORT",
    "[server]\nfeatures = ['password']": "say password-command instead",
    "[server]\npassword-command = 'x {port}'": "{password_file} is missing in the command",
    "expected-failure = 1": "has to be a list of tables",
    "expected-failure = [1]": "number 1: has to be a table",
    "[[expected-failure]]\nreason = 'x'": "has to have either check or requirement",
    "[[expected-failure]]\ncheck = 'ROOM-3'\nreason = 'x'": "'ROOM-3' is no check",
    "[[expected-failure]]\nrequirement = 'ROOM-3/x'\nreason = 'x'": "'ROOM-3/x' is no requirement",
    "[[expected-failure]]\nrequirement = 'ROOM-3'": "(ROOM-3): has no reason",
    "[[expected-failure]]\nrequirement = 'ROOM-3'\nreason = ' '": "(ROOM-3): has no reason",
    "[[expected-failure]]\nrequirement = 'ROOM-3'\nreason = 'x'\nuntil = '2027'": "until: has to be a date",
    "[[expected-failure]]\nrequirement = 'ROOM-3'\nreason = 'x'\n" * 2: "number 2: ROOM-3 stands twice",
    "[[expected-failure]]\nrequirement = 'ROOM-300'\nreason = 'x'": "ROOM-300 is expected to fail, but does not exist",
    "[[expected-failure]]\ncheck = 'ROOM-3/x'\nreason = 'x'": "ROOM-3/x is expected to fail, but does not exist",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_are_told_in_one_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "subject.toml"
    path.write_text(text)
    assert main(["--subject", str(path), "--list"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"flurfunk-conformance: {path}: ")
    assert printed.err.count("\n") == 1
    assert MISTAKES[text] in printed.err


@pytest.mark.parametrize("name", ["missing.toml", "latin1.toml"])
def test_files_that_cannot_be_read_are_told_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "latin1.toml").write_bytes(b"# caf\xe9\n")
    assert main(["--subject", str(tmp_path / name), "--list"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1


def run_with(tmp_path: Path, *faults: str, rest: str) -> tuple[int, str]:
    path = tmp_path / "subject.toml"
    path.write_text(f"[server]\ncommand = '{faulty(*faults)}'\n{rest}")
    done = suite("--subject", path, "--select", "SAY-2", "--select", "LINE-5")
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_run_with_expected_failures_alone_ends_well(tmp_path: Path) -> None:
    listed = "[[expected-failure]]\nrequirement = 'SAY-2'\nreason = 'says all twice'\n"
    status, printed = run_with(tmp_path, "said-doubled", rest=listed)
    assert status == 0
    assert "XFAIL" in printed
    assert "All selected checks hold, but for" in printed
    assert "\nFAIL" not in printed


def test_a_run_with_an_unexpected_pass_fails(tmp_path: Path) -> None:
    listed = "[[expected-failure]]\nrequirement = 'SAY-2'\nreason = 'says all twice'\n"
    status, printed = run_with(tmp_path, rest=listed)
    assert status == 1
    assert "take SAY-2 out of the file" in printed


def test_a_feature_that_is_declared_and_not_advertised_fails(tmp_path: Path) -> None:
    status, printed = run_with(tmp_path, rest="features = ['who', 'x-files']\n")
    assert status == 1
    assert "FAIL  OUT-2/declared-features" in printed
    assert "HELLO with x-files" in printed
