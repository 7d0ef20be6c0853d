"""The suite blames what is broken, and nothing else: a conforming client from which one thing was taken out."""

import re

import pytest

from conformance.checks.registry import client_checks
from conformance.judging.client_runner import ClientRunner
from conformance.judging.result import Result, Settings
from conformance.judging.verdict import Verdict
from conformance.stage.client_subject import ClientSubject, look
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec, read_requirements
from conformance.wire.process import UnreachableError
from tests.conformance.checks.test_faulty_clients import PLAIN
from tests.plainclient.faults import LACKS

SPEC = find_spec()
AT_ONCE = 16  # checks: most of the time goes by in waiting
TIME_FACTOR = 0.5
UNREACHABLE = {"no-connection"}
FAILURES = (Verdict.FAIL, Verdict.WARN)


def judged(client: str) -> list[Result]:
    """Return the results of all checks of a client."""
    subject, grammar, checks = ClientSubject(client), Grammar(SPEC / GRAMMAR), client_checks()
    settings = Settings(frozenset(), look(subject, grammar, time_factor=TIME_FACTOR), AT_ONCE)
    ground = [check for check in checks if check.ground]
    return ClientRunner(subject, read_requirements(SPEC), grammar, settings, ground).run(checks)


@pytest.mark.parametrize("lack", sorted(LACKS.keys() - UNREACHABLE))
def test_what_is_broken_is_blamed_and_nothing_else(lack: str) -> None:
    broken = set(LACKS[lack].breaks)
    results = judged(f"{PLAIN} --fault {lack}")
    failed = {
        one.requirement.id: f"{one.id}: {one.expected}, {one.received}" for one in results if one.verdict in FAILURES
    }
    assert {blamed: why for blamed, why in failed.items() if blamed not in broken} == {}
    assert bool(failed) == bool(broken)
    unreached = [one for one in results if one.verdict is Verdict.INCONCLUSIVE]
    assert [f"{one.id}: {one.reason}" for one in unreached if one.because not in failed] == []
    assert [f"{one.id}: {one.reason}" for one in results if one.verdict is Verdict.ERROR] == []


@pytest.mark.parametrize("lack", sorted(UNREACHABLE))
def test_a_client_that_does_not_connect_is_not_judged(lack: str) -> None:
    with pytest.raises(
        UnreachableError, match=re.escape("is no Flurfunk/1 client in a terminal: expected the client connects")
    ):
        judged(f"{PLAIN} --fault {lack}")
