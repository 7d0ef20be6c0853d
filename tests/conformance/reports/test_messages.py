"""The suite's words for a failure: the acts, what came instead, and no more than a person reads."""

import re
from dataclasses import replace

import pytest

from conformance.judging.result import Result
from conformance.judging.verdict import Verdict
from conformance.reports.text import explained
from conformance.text.requirements import find_spec, read_requirements
from conformance.wire.transcript import Transcript, shown
from tests.suite import FAULTY, faulty, suite

LIMITED = FAULTY + " --max-clients {clients} --choose-timeout {seconds}"
PASSWORD = FAULTY + " --password-file {password_file}"


def failure(*arguments: str) -> str:
    """Return what the suite prints of the first failure of a run that has one."""
    done = suite(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout.partition("\n\n")[0]


def word(text: str, label: str) -> str:
    """Return what stands after a label."""
    found = re.search(rf"(?m)^  {label} +(.*)$", text)
    assert found, text
    return found[1]


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"SAID Ann hi \xe2\x80\x94 \xf0\x9f\x90\x9f", '"SAID Ann hi \u2014 \U0001f41f"'),
        (b'a "word" and a \\', r'"a \"word\" and a \\"'),
        (b"\r\t\x00\x1b[31m\n", r'"\r\t\x00\x1b[31m\n"'),
        (b"\xff\xc3 \xe2\x80\xae \xed\xa0\x80", r'"\xff\xc3 \xe2\x80\xae \xed\xa0\x80"'),
        (b"\\xff", r'"\\xff"'),
    ],
)
def test_octets_are_shown_one_to_one_and_without_what_acts_on_a_terminal(octets: bytes, told: str) -> None:
    assert shown(octets) == told


def test_a_signal_and_the_end_of_the_program_are_in_the_transcript() -> None:
    text = failure("--server-cmd", faulty("sigint-dies"), "--select", "OPER-9/sigint-ends-the-server")
    assert word(text, "expected") == 'ann <- "BYE shutdown" as the last line'
    assert word(text, "received") == "ann <- the end of the connection"
    assert word(text, "sent") == "operator -> SIGINT"
    assert len(re.findall(r"(?m)^ +\d+\.\d+ +operator -> SIGINT$", text)) == 1
    assert text.count(" server -- ended with status -2, by SIGINT\n") == 1


def test_what_is_told_as_sent_is_what_was_answered() -> None:
    command = PASSWORD + " --fault password-any-case"
    text = failure("--server-cmd", FAULTY, "--password-server-cmd", command, "--select", "PASS-3")
    sender, _, sent = word(text, "sent").partition(" -> ")
    assert word(text, "received") == f'{sender} <- "ADMITTED"'
    assert sent == '"/password gr\u00fc\u00dfe  aus essen 7\\n"'


def test_a_limit_that_does_not_end_anybody_is_told_with_its_time() -> None:
    command = LIMITED + " --fault idle-missing"
    check = "BYE-7/who-does-not-choose-is-sent-away"
    text = failure("--server-cmd", FAULTY, "--limited-server-cmd", command, "--select", check)
    assert word(text, "expected") == 'busy <- "BYE idle" after the 1 s in which it has to choose'
    assert re.fullmatch(r"busy <- no BYE idle within \d+ s: its lines are answered", word(text, "received"))
    numbers = re.findall(r'busy -> "/ping (\d+)', text)
    assert 3 < int(numbers[-1]) < 40


def test_what_is_found_by_chance_counts_where_it_belongs() -> None:
    text = failure("--server-cmd", faulty("said-doubled-rare"), "--select", "ORDER-1/walk")
    first, second, *_ = text.splitlines()
    assert first.startswith("FAIL  SAY-2  MUST  section 6.3")
    assert second == "  found by  ORDER-1/walk, a check of ORDER-1; the failure is one of SAY-2"


def told(transcript: Transcript, *, expected: str = "", received: str = "", short: bool = False) -> str:
    requirement = read_requirements(find_spec())["SAY-2"]
    result = Result("SAY-2/x", requirement, "x", verdict=Verdict.FAIL, transcript=transcript)
    return explained(replace(result, expected=expected, received=received), ["--server", "x:1"], short=short)


def test_lines_that_matter_are_not_left_out() -> None:
    transcript = Transcript()
    for number in range(40):
        transcript.sent("server", f"SAID Bob {number}\n".encode())
    for number in range(40):
        transcript.event("screen", f"| <Bob> {number}")
    transcript.awaits_answer("server", b"SAID Bob 12\n")
    text = told(transcript, expected='"13" on the screen', received='"<Bob> 17" / "<Bob> 20"', short=True)
    assert '  sent      server -> "SAID Bob 12\\n"\n' in text
    shown = re.findall(r"(?m)^ +(?:\d+\.\d+ +\w+ (?:->|--) (.*)|\((\d+) more\))$", text)
    first, last = [f'"SAID Bob {number}\\n"' for number in range(3)], [f"| <Bob> {number}" for number in range(31, 40)]
    between = ["9", '"SAID Bob 12\\n"', "44", "| <Bob> 17", "2", "| <Bob> 20", "10"]
    assert [line or more for line, more in shown] == [*first, *between, *last]


@pytest.mark.parametrize(
    ("expected", "received", "place"),
    [
        ('bob <- "LEFT Ann moved"', 'bob <- "LEFT Ann exit"', len('bob <- "LEFT Ann ')),
        ('bob <- "LEFT Ann moved"', 'ann <- "LEFT Ann moved"', None),
        ("['a', 'b'] on the screen", "['a', 'c']", None),
        ("the client closes the connection", "the screen shows nothing", None),
    ],
)
def test_the_first_difference_is_marked_where_it_says_something(
    expected: str, received: str, place: int | None
) -> None:
    text = told(Transcript(), expected=expected, received=received)
    found = re.search(r"(?m)^ {12}( *)\^ first difference$", text)
    assert (len(found[1]) if found else None) == place


def test_repeats_in_a_transcript_are_folded() -> None:
    transcript = Transcript()
    for who in ("ann", "bob"):
        for _ in range(39):
            transcript.received(who, b"SAID ann hi")
    transcript.received("bob", b"SAID ann ho")
    transcript.received("bob", b"SAID ann ho")
    text = told(transcript)
    assert text.count("SAID ann hi") == 2
    assert text.count("... 38 more like it\n") == 2
    assert text.count("SAID ann ho") == 2
    assert str(transcript).count("SAID ann hi") == 78


def test_a_long_line_of_a_transcript_is_shortened() -> None:
    transcript = Transcript()
    transcript.received("ann", b"SAID ann " + b"\x00" * 150)
    text = told(transcript)
    assert max(map(len, text.splitlines())) < 160
    assert re.search(r'ann <- "SAID ann [\\x0]+ \.\.\. [\\x0]+"\n', text)
    assert len(str(transcript)) > 600


def test_a_program_that_ends_at_once_is_told_with_its_last_lines() -> None:
    done = suite("--server-cmd", "sh -c 'printf \"one\\ntwo\\n\\nthree\\n  \\nfour\\n\\n\"; exit 7 # {port}'")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.endswith("ended at once, with status 7; its last lines are 'two', 'three', 'four'\n")
    assert done.stderr.count("\n") == 1
