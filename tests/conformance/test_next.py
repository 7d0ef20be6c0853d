"""`next`: the steps, where it stops, what it says, and that it looks again when a file changes."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from conformance.checks.registry import all_checks, client_checks
from conformance.conversations.session import session_checks
from conformance.judging.outcome import CONFORMANT, NOT_CONFORMANT, NOT_PROVEN
from conformance.reports.reached import STEPS, reached
from conformance.text.requirements import TEXT, find_spec, read_requirements
from tests.suite import DEADLINE, FAULTY, ROOT, suite

SPEC = find_spec()
CHECKS = {"server": all_checks() + session_checks(SPEC), "client": client_checks()}
BUILT = range(1, 11)  # how many steps the server of the tests can have


def stepserver(steps: int) -> str:
    """Return the command of a server that has the first steps alone."""
    return f"{sys.executable} -m tests.stepserver {steps} {{port}}"


def said(text: str) -> str:
    """Return which step a run stopped at, and what it says of those before."""
    found = re.match(r"Step (\d+ of \d+): .*?\n\n", text, re.DOTALL)
    assert found, text
    return f"{found[1]}: {found[0].splitlines()[-2].strip()}"


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
    assert (said(ended.stdout), ended.returncode) == (f"{steps + 1} of 15: {hold}", NOT_CONFORMANT)
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
    words = f"{steps} of {steps} steps hold. The {kind} conforms to Flurfunk/1 in all that was looked at."
    assert (ended.stdout.splitlines()[-1], ended.returncode) == (words, CONFORMANT)


def test_what_was_not_looked_at_is_told() -> None:
    ended = suite("next", "--from", "13", "--no-console", "--examples", "1", "--server-cmd", FAULTY)
    *_, console, words = ended.stdout.splitlines()
    assert re.search(
        r"^SKIP .*BYE-4[^(]*\(client-limit: --limited-server-cmd is not given\)", ended.stdout, re.MULTILINE
    )
    assert console == "Step 13 (The operator's console) does not bind this server, or was not looked at."
    assert words == "2 of 15 steps hold. The server conforms to Flurfunk/1 in all that was looked at."
    assert ended.returncode == CONFORMANT


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
    for steps, wanted in (
        (1, "Step 2 of 15: .*Step 1 holds"),
        (3, "Step 4 of 15: .*Steps 1 to 3 still hold"),
        (0, "Step 1 of 15: .*Step 1 held before, and broke"),
    ):
        (tmp_path / "server.py").write_text(SERVER.format(steps=steps))
        watching.expect(f"(?s){wanted}.*Waiting for a change")
    watching.sendintr()
    watching.expect(pexpect.EOF)
    watching.close()
    assert watching.exitstatus == 130
