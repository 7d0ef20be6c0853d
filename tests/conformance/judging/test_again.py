"""A check that failed by the clock beside others is tried again alone: a busy machine is nobody's fault."""

import threading
from collections.abc import Callable

import pytest

from conformance.judging.check import Check
from conformance.judging.result import Result, Settings
from conformance.judging.server_runner import Runner
from conformance.judging.verdict import Verdict
from conformance.stage.server import Stage
from conformance.stage.server_subject import CommandSubject
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec, read_requirements
from conformance.wire.failure import Failed
from tests.suite import faulty


def results(function: Callable[[Stage], None], *, slow: bool) -> Result:
    """Return the result of a check of SAY-2 that runs beside another."""
    directory = find_spec()
    requirements = read_requirements(directory)
    both = threading.Barrier(2, timeout=60)
    met: set[str] = set()

    def beside(name: str, play: Callable[[Stage], None]) -> Check:
        def run(t: Stage) -> None:
            if name not in met:
                met.add(name)
                both.wait()
            play(t)

        return Check("SAY-2", requirements["SAY-2"].digest, name, "", run, slow=slow)

    subject = CommandSubject(faulty())
    try:
        runner = Runner(subject, requirements, Grammar(directory / GRAMMAR), Settings(frozenset(), jobs=2))
        return runner.run([beside("one", function), beside("other", lambda t: None)])[0]
    finally:
        subject.close()


class Failing:
    """A check that fails so many times, and then holds."""

    def __init__(self, times: int, *, timed: bool) -> None:
        self.times = times
        self.runs = 0
        self._timed = timed

    def __call__(self, t: Stage) -> None:
        self.runs += 1
        if self.runs <= self.times:
            failed = Failed("in time", "too late")
            failed.timed = self._timed
            raise failed


@pytest.mark.parametrize(("slow", "timed"), [(True, False), (False, True)])
@pytest.mark.parametrize("times", [1, 2])
def test_a_check_that_failed_by_the_clock_holds_where_it_holds_alone(times: int, slow: bool, timed: bool) -> None:
    check = Failing(times, timed=timed)
    assert results(check, slow=slow).verdict is Verdict.PASS
    assert check.runs == times + 1


def test_a_check_that_fails_alone_as_well_fails() -> None:
    check = Failing(9, timed=True)
    assert results(check, slow=False).verdict is Verdict.FAIL
    assert check.runs == 3


def test_what_failed_by_no_clock_is_not_taken_for_a_matter_of_time() -> None:
    result = results(Failing(1, timed=False), slow=False)
    assert (result.verdict, result.reason) == (Verdict.FAIL, "failed only while other checks ran; it passed alone")


def test_what_failed_because_of_a_deadline_is_known_to_have() -> None:
    first = Failed("a line", "nothing for 3.0 s")
    first.timed = True
    second = Failed("another", "nothing")
    second.__cause__ = first
    assert second.by_the_clock()
    assert not Failed("a line", "another").by_the_clock()
