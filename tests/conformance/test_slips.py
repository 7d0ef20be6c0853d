"""Classic slips are told by name where they are proved, and not where something else is the cause.

The whole output of `next` for each server of `tests.slips` stands in the folder `slips` beside this file.
"""

import re
from pathlib import Path

import pytest

from conformance.checks.registry import all_checks
from conformance.checks.steps import step
from conformance.judging.check import Check
from conformance.judging.result import Settings
from conformance.judging.runner import CheckRunner
from conformance.judging.server_runner import Runner
from conformance.next import Course, Pace, Stop, tell, walk
from conformance.slips import slip
from conformance.stage.server_subject import CommandSubject
from conformance.text.exceptions import exceptions
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec, read_requirements
from tests.suite import faulty, suite

KEPT = Path(__file__).parent / "slips"
TOLD = (
    "another-address",
    "another-port",
    "cr-lf",
    "crashes",
    "ends",
    "ends-by-exception",
    "folded",
    "greets-late",
    "in-use",
    "no-lf",
    "no-lf-after-pong",
    "no-module",
    "not-flushed",
    "not-flushed-later",
    "nowhere",
    "on-the-console",
    "one-at-a-time",
    "returns",
    "throws",
    "throws-at-once",
    "two-for-one",
)
NOT_TOLD = ("answers-late", "complains", "mute", "resets", "slow", "two-ports", "verbose", "web")


def steady(output: str) -> str:
    """Return an output of `next` without what differs from run to run."""
    for pattern, instead in (
        (r"\n {12}(?=[^ ^])", " "),  # wrapped lines
        (r"-[0-9a-f]{4}\d+\b", "-SUFFIX"),
        (r"\bguest-\d+", "guest-N"),
        (r"(127\.0\.0\.1:|', |port |\{port\} = )\d+", r"\1PORT"),
        (r'File "[^"]*/([\w.]+)", line \d+', r'File "\1", line N'),
        (r"\d+\.\d+( s\b)", r"N\1"),
        (r"(?m)^ +\d+\.\d+ +", "   SECONDS  "),
        (r"(?m)^(.*\|.*|    +\(.*\)|  +\w+ +(\w+ +)*server)$", lambda line: re.sub(r"([-. ])\1+", r"\1\1", line[0])),
        # It comes before or after what is on another connection.
        (r"(?m)^  \|<-- PONG second --\|\n", ""),
    ):
        output = re.sub(pattern, instead, output)
    return output


def led(name: str) -> str:
    ended = suite("next", "--no-console", "--jobs", "1", "--server-cmd", f"{{python}} -m tests.slips {name} {{port}}")
    assert ended.stderr == ""
    return steady(ended.stdout)


@pytest.mark.parametrize("name", [*TOLD, *NOT_TOLD])
def test_next_tells_a_slip_that_is_proved(name: str) -> None:
    output = led(name)
    assert output == (KEPT / f"{name}.txt").read_text(encoding="utf-8")
    assert ("\n  hint      " in output) == (name in TOLD)


def led_by(check: str, command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the output of `next` where this check is all there is, without the rows of its drawing."""
    spec = find_spec(None)
    requirements = read_requirements(spec)
    subject = CommandSubject(command, console=False)

    def begin(checks: list[Check], pace: Pace) -> CheckRunner:
        settings = Settings(frozenset(), 1.0, 1)
        return Runner(subject, requirements, Grammar(spec / GRAMMAR), settings)

    only = step("only", "The only step", "Build it.", sections="1", checks=check)
    checks = {one.id: one for one in all_checks()}

    def advise(stop: Stop) -> str:
        return slip(subject, stop.failure, stop.reason)

    course = Course("server", [only], checks, begin, "spec/flurfunk-1.md", advise)
    try:
        tell(course, 1, *walk(course, 1), ["--server-cmd", command])
    finally:
        subject.close()
    # Without the drawing's rows: in which order several clients get their lines can differ.
    return re.sub(r"(?m)^  (?:[|!]|  \.\.\.).*\n", "", steady(capsys.readouterr().out))


@pytest.mark.parametrize(
    ("check", "name", "kept"),
    [
        ("FLOW-3/a-stalled-reader-delays-nobody", "waits", True),
        ("ROOM-2/joined", "no-lf-after-joined", True),
        ("NAME-5/own-name-in-another-case", "old-case", True),
        ("NET-3/two-lines-in-one-segment", "one-pong", False),
        ("NET-1/several-connections-at-once", "one-only", False),
    ],
)
def test_one_check_tells_a_slip_that_is_proved(
    check: str, name: str, kept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    output = led_by(check, f"{{python}} -m tests.slips {name} {{port}}", capsys)
    assert output == (KEPT / f"{name}.txt").read_text(encoding="utf-8")
    assert ("\n  hint      " in output) == kept


def test_a_server_that_queues_for_each_reader_waits_for_none(capsys: pytest.CaptureFixture[str]) -> None:
    output = led_by("FLOW-3/a-stalled-reader-delays-nobody", faulty("slow-left-lost"), capsys)
    assert "\n  hint      " not in output  # whether it was quick enough for the check is another matter


@pytest.mark.parametrize(
    ("console", "told"),
    [
        (
            'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    x\nNameError: no x\nready\n',
            ["NameError: no x"],
        ),
        (
            "Never retrieved\nTraceback (most recent call last):\n  File\nasyncio.exceptions.CancelledError\n",
            ["asyncio.exceptions.CancelledError"],
        ),
        (
            'Exception in thread "main" java.lang.NullPointerException: it is null\n\tat Server.main(Server.java:3)\n',
            ["java.lang.NullPointerException: it is null"],
        ),
        (
            "/s.js:3\n  x.y\n    ^\n\nTypeError: x is undefined\n    at main (/s.js:3:5)\n",
            ["TypeError: x is undefined"],
        ),
        (
            "panic: runtime error: index out of range [5]\n\ngoroutine 1 [running]:\n",
            ["panic: runtime error: index out of range [5]"],
        ),
        (
            "fatal error: all goroutines are asleep\n",
            ["fatal error: all goroutines are asleep"],
        ),
        (
            "thread 'main' panicked at src/main.rs:5:9:\nindex out of bounds\nnote: run with RUST_BACKTRACE=1\n",
            ["index out of bounds"],
        ),
        ("thread 'main' panicked at 'no port', src/main.rs:5:9\n", ["no port"]),
        (
            "s.rb:3:in `x': undefined method `y' for nil (NoMethodError)\n",
            ["s.rb:3:in `x': undefined method `y' for nil (NoMethodError)"],
        ),
        (
            "PHP Fatal error:  Uncaught TypeError: no in s.php:3\n",
            ["PHP Fatal error:  Uncaught TypeError: no in s.php:3"],
        ),
        ("listening\nError handling is on\nann: what a TypeError: she said\nat home\n", []),
        ("", []),
    ],
)
def test_the_line_of_an_exception_that_tells_most_is_found(console: str, told: list[str]) -> None:
    assert exceptions(console) == told
