"""`next`: the steps, where it stops, what it says, and that it looks again when a file changes."""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pexpect
import pytest

from conformance.checks.registry import all_checks, client_checks
from conformance.conversations.session import session_checks
from conformance.judging.check import Check
from conformance.judging.outcome import CONFORMANT, NOT_CONFORMANT, NOT_PROVEN
from conformance.judging.result import Result, Settings
from conformance.judging.server_runner import Runner
from conformance.judging.verdict import Verdict
from conformance.next import Course, Pace, Stop, Watch, tell, walk
from conformance.reports.reached import STEPS, reached
from conformance.stage.server_subject import CommandSubject
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, TEXT, find_spec, read_requirements
from tests.suite import DEADLINE, FAULTY, ROOT, faulty, suite

SPEC = find_spec()
CHECKS = {"server": all_checks() + session_checks(SPEC), "client": client_checks()}
BUILT = range(1, 11)  # how many steps the server of the tests can have


def stepserver(steps: int) -> str:
    """Return the command of a server that has the first steps alone."""
    return f"{sys.executable} -m tests.stepserver {steps} {{port}}"


def said(text: str) -> str:
    """Return which step a run stopped at, and what it says of those before."""
    found = re.match(r"Step (\d+ of \d+): .*?\n  Read [^\n]*\n  ([^\n]*)\n", text, re.DOTALL)
    assert found, text
    return f"{found[1]}: {found[2]}"


@pytest.mark.parametrize("kind", STEPS)
def test_each_check_is_in_one_step(kind: str) -> None:
    counted = Counter(check for step in STEPS[kind] for check in step.checks)
    assert set(counted) == {check.id for check in CHECKS[kind]}
    assert {check for check, count in counted.items() if count > 1} == set()


@pytest.mark.parametrize("kind", STEPS)
def test_each_must_is_in_a_step(kind: str) -> None:
    requirements = read_requirements(SPEC).values()
    asked = {one.id for one in requirements if one.level == "MUST" and one.concerns(kind)}
    assert asked <= {check.partition("/")[0] for step in STEPS[kind] for check in step.checks}


@pytest.mark.parametrize("kind", STEPS)
def test_what_a_step_says_is_short_and_right(kind: str) -> None:
    sections = set(re.findall(r"^#+ ([\d.]+?)\.? ", (SPEC / TEXT).read_text(), re.MULTILINE))
    for step in STEPS[kind]:
        assert step.build.count(". ") == 1, step.id
        assert set(step.sections) <= sections, step.id
    assert len({step.id for step in STEPS[kind]}) == len(STEPS[kind])


@pytest.mark.parametrize("steps", BUILT)
def test_a_server_with_some_steps_stops_at_the_next(steps: int) -> None:
    ended = suite("next", "--no-console", "--server-cmd", stepserver(steps))
    hold = "Step 1 holds." if steps == 1 else f"Steps 1 to {steps} hold."
    assert (said(ended.stdout), ended.returncode) == (f"{steps + 1} of 15: {hold}", NOT_CONFORMANT), ended.stdout
    assert len(ended.stdout.splitlines()) < 50


def test_a_report_says_how_far_a_server_is(tmp_path: Path) -> None:
    selected = [f"--select={check}" for step in STEPS["server"][:5] for check in step.checks]
    suite("--no-console", "--server-cmd", stepserver(4), "--report", tmp_path, *selected)
    far = reached(json.loads((tmp_path / "report.json").read_text()))
    assert str(far) == "step 5 of 15: Move and leave, EXIT-1"


def test_it_begins_where_it_is_told_to() -> None:
    ended = suite("next", "--no-console", "--server-cmd", stepserver(1), "--from", "3")
    assert (said(ended.stdout), ended.returncode) == (
        "3 of 15: Steps 1 to 2 were not looked at: --from 3.",
        NOT_CONFORMANT,
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--from", "16", "--server-cmd", stepserver(1)], "--from 16: there are 15 steps"),
        (["--from", "9", "--client"], "--from 9: there are 8 steps"),
        (["--from", "0"], "has to be at least 1"),
        (["--client", "--server-cmd", stepserver(1)], "next leads to a server or to a client: name one of them"),
        (["--select", "PING"], "unrecognized arguments: --select PING"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str) -> None:
    ended = suite("next", *arguments)
    assert (ended.returncode, ended.stdout) == (NOT_PROVEN, "")
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(("kind", "steps"), [("server", 15), ("client", 8)])
def test_the_reference_has_all_steps(kind: str, steps: int) -> None:
    ended = suite("next", *(["--client"] if kind == "client" else []))
    words = f"All {steps} steps hold. The {kind} conforms to Flurfunk/1 in all that was looked at."
    assert (ended.stdout.splitlines()[-1], ended.returncode) == (words, CONFORMANT)


def test_those_before_the_first_have_to_hold_in_the_end() -> None:
    command = faulty("help-argument-refused")
    ended = suite("next", "--from", "13", "--no-console", "--examples", "1", "--server-cmd", command)
    told = "2 of 15: Steps 13 to 15 hold. Step 1 holds."
    assert (said(ended.stdout), ended.returncode) == (told, NOT_CONFORMANT)


def test_what_was_not_looked_at_is_told() -> None:
    ended = suite("next", "--from", "13", "--no-console", "--examples", "1", "--server-cmd", FAULTY)
    words = ended.stdout.splitlines()[-1]
    assert re.search(
        r"^SKIP .*BYE-4[^(]*\(client-limit: --limited-server-cmd is not given\)", ended.stdout, re.MULTILINE
    )
    told = " ".join(ended.stdout.split())
    assert "Step 13 (The operator's console): passed over " in told
    assert "(the server is said to have no console). Read sections 10 and 12. Step 14 " in told
    assert words == "All 15 steps hold. The server conforms to Flurfunk/1 in all that was looked at."
    assert ended.returncode == CONFORMANT


@pytest.mark.parametrize(("busy", "stops"), [(True, 5), (False, 1)])
def test_what_failed_by_the_clock_is_looked_at_again_on_a_busy_machine(*, busy: bool, stops: int) -> None:
    subject = CommandSubject(stepserver(4))
    grammar = Grammar(SPEC / GRAMMAR)

    def begin(some: list[Check], pace: Pace) -> Runner:
        """Return a runner in such a hurry that nothing can come in time."""
        deadline = 1e-6 if pace is Pace.HURRIED else 3.0
        return Runner(subject, read_requirements(SPEC), grammar, Settings(frozenset(), deadline, jobs=1))

    with closing(subject):
        course = Course("server", STEPS["server"], {one.id: one for one in CHECKS["server"]}, begin, TEXT)
        stop, _ = walk(replace(course, is_busy=lambda: busy), 1)
    assert stop is not None
    assert stop.number == stops


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[pexpect.spawn]:
    """`next --watch` in a folder with a server that has one step."""
    (tmp_path / "server.py").write_text(SERVER.format(steps=1))
    arguments = ["-m", "conformance", "next", "--no-console", "--watch", "--server-cmd", "{python} server.py {port}"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    child = pexpect.spawn(
        sys.executable, arguments, cwd=str(tmp_path), env=environment, timeout=DEADLINE, encoding="utf-8"
    )
    yield child
    child.close(force=True)


# It writes a file of its own, which is no reason to look again.
SERVER = """\
import sys
from tests import stepserver
open("log", "a").write("started")
sys.argv[1:1] = ["{steps}"]
stepserver.main()
"""


def test_it_looks_again_when_a_file_changes(watching: pexpect.spawn, tmp_path: Path) -> None:
    watching.expect("(?s)Step 2 of 15: .*Step 1 holds.*Waiting for a change")
    for steps, wanted in (
        (3, "Step 4 of 15: .*Steps 1 to 3 still hold"),
        (0, "Step 1 of 15: .*Step 1 held before, and broke"),
    ):
        (tmp_path / ".new").write_text(SERVER.format(steps=steps))
        (tmp_path / ".new").replace(tmp_path / "server.py")  # at once: a look could meet a file that is half written
        watching.expect(f"(?s){wanted}.*Waiting for a change")
    watching.sendintr()
    watching.expect(pexpect.EOF)
    watching.close()
    assert watching.exitstatus == 130


def test_libraries_are_not_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are many files, which nobody writes by hand."""
    monkeypatch.chdir(tmp_path)
    libraries = tmp_path / "env" / "lib"
    libraries.mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    watch = Watch()
    (libraries / "json.py").touch()
    (tmp_path / "server.py").touch()
    watch.await_change()
    assert "\nserver.py changed.\n" in capsys.readouterr().out


def test_what_somebody_edits_during_two_looks_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is taken for written by the program no sooner than what changes in each look."""
    monkeypatch.chdir(tmp_path)
    watch = Watch()
    for look, edited in enumerate(("server.py", "server.py", "table.py", "server.py"), 1):
        for name in ("a-log", edited):
            (tmp_path / name).write_text(f"{look}")
            os.utime(tmp_path / name, (look, look))
        watch.await_change()
        told = "a-log" if look < 3 else edited
        assert f"\n{told} changed.\n" in capsys.readouterr().out


GREETS = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
kept = []
while True:
    kept.append(server.accept()[0])
    TALKS
"""
# The fifth client ends it: after the suite's first looks, the last of three that one check connects.
ENDS_AT_THE_FIFTH = """kept[-1].sendall(b"HELLO flurfunk/1\\nNAME guest-%d\\n" % len(kept))
    if len(kept) == 5: raise ValueError("too many")"""


def led_by_program(talks: str, tmp_path: Path) -> str:
    program = tmp_path / "server.py"
    program.write_text(GREETS.replace("TALKS", talks), encoding="utf-8")
    done = suite("next", "--no-console", "--server-cmd", f"{{python}} {program} {{port}}")
    assert (done.returncode, done.stderr) == (1, "")
    return done.stdout


def test_a_server_that_ends_after_a_check_that_passed_is_told_with_that_check(tmp_path: Path) -> None:
    printed = led_by_program(ENDS_AT_THE_FIFTH, tmp_path)
    assert "  reason    it ended in NET-1/several-connections-at-once, or right after it\n" in printed
    assert '  sent      client2 -> "/ping first\\n/ping second\\n"\n' in printed
    assert "Its console showed: ValueError: too many\n" in printed
    assert "--select NET-1/several-connections-at-once\n" in printed
    passed_over = printed.partition("  unseen    ")[2].partition("  next ")[0]
    named = re.findall(r"[A-Z]+-\d+/[\w-]+", passed_over)
    assert "NAME-7/made-up-names-have-the-form" in named  # another may have been tried before that was noticed
    assert set(named) < set(STEPS["server"][0].checks)
    assert " ".join(passed_over.split()).endswith(" were passed over after that.")


def test_a_server_that_ends_at_the_first_client_is_not_said_to_be_missing(tmp_path: Path) -> None:
    printed = led_by_program('kept[-1].sendall("HELLO")', tmp_path)
    assert "ended as soon as a client had connected, with status 1; its last lines are " in printed
    assert "TypeError: a bytes-like object is required" in printed.partition("  hint ")[2]
    assert "Connection refused" not in printed


def test_no_more_than_four_sections_are_to_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    """That of what failed is always among them."""
    spec = read_requirements(find_spec(None))
    for one in STEPS["server"]:
        for requirement in (spec["SEC-1"], spec["LINE-1"], spec["TEXT-1"]):
            failure = Result("X-1/x", requirement, "", verdict=Verdict.FAIL)
            course = Course(
                "server", [one], {}, lambda checks, together: pytest.fail("runs nothing"), "spec/flurfunk-1.md"
            )
            tell(course, 1, Stop(1, failure), {}, [])
            told = re.search(r"  Read sections? (.*) of spec/flurfunk-1.md", capsys.readouterr().out)
            assert told
            sections = re.findall(r"[\d.]+\d|\d", told[1])
            assert len(sections) <= 4
            assert any(f"{requirement.section}.".startswith(f"{section}.") for section in sections)
