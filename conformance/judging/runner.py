"""Runs checks against a subject, several at a time, and makes a result of each."""

import contextlib
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from conformance.judging.check import Check
from conformance.judging.result import Result, Settings
from conformance.judging.verdict import Verdict
from conformance.stage.scene import Scene
from conformance.text.grammar import Grammar
from conformance.text.requirements import Requirement
from conformance.wire.failure import BarrierBrokenError, Failed, Inconclusive, Skipped
from conformance.wire.process import UnreachableError
from conformance.wire.transcript import Transcript

_UNWEIGHED = "failed beside other checks; the run ended before it was tried alone"
_UNPROVEN = "the barrier does not hold on this server, so nothing can be said"


class CheckRunner(ABC):
    """Runs checks against one subject, whatever it is."""

    def __init__(self, requirements: dict[str, Requirement], grammar: Grammar, settings: Settings) -> None:
        self._requirements = requirements
        self._grammar = grammar
        self._settings = settings
        self._in_passing: dict[str, tuple[str, str, Transcript]] = {}
        self._barrier_holds = True
        self._lock = threading.Lock()
        self._stages: dict[str, Scene] = {}  # of the checks that run now
        self._accompanied: set[str] = set()  # the checks beside which others ran

    def run(
        self,
        checks: Iterable[Check],
        on_result: Callable[[Result], None] = lambda result: None,
        on_begin: Callable[[Check], None] = lambda check: None,
    ) -> list[Result]:
        """Run all checks, those of the barrier first and one by one; return the results in the order of the checks.

        `on_result` is called in this thread, `on_begin` in any. What is raised here, KeyboardInterrupt for instance,
        ends the checks that run.
        """
        checks = list(checks)
        results: dict[str, Result] = {}
        barrier = [check for check in checks if check.barrier]
        others = sorted((check for check in checks if not check.barrier), key=lambda check: not check.slow)
        for part, jobs in ((barrier, 1), (others, self._settings.jobs)):
            doubtful: dict[str, Result] = {}
            outcomes: list[Result] = []
            try:
                for result in self._side_by_side(part, jobs, on_begin):
                    results[result.id] = result
                    if self.doubtful(result):
                        doubtful[result.id] = result
                    else:
                        on_result(result)
                again = [check for check in part if check.id in doubtful]
                outcomes = self.weighed(list(doubtful.values()), again)
                doubtful.clear()
                while outcomes:
                    result = outcomes.pop(0)
                    results[result.id] = result
                    on_result(result)
            except BaseException:
                for result in (*outcomes, *(replace(result, reason=_UNWEIGHED) for result in doubtful.values())):
                    with contextlib.suppress(KeyboardInterrupt):
                        on_result(result)
                raise
            self._barrier_holds = not any(results[check.id].barrier_broken for check in barrier)
        seen = [*(self._seen_in_passing(*item) for item in self._in_passing.items()), *self.afterwards()]
        for result in seen:
            on_result(result)
        return [results[check.id] for check in checks] + seen

    def _side_by_side(self, checks: list[Check], jobs: int, on_begin: Callable[[Check], None]) -> Iterator[Result]:
        """Run checks, so many at a time; yield each result when it is there."""

        def begin(check: Check) -> Result:
            on_begin(check)
            return self.run_one(check)

        pool = ThreadPoolExecutor(jobs)
        try:
            for future in as_completed([pool.submit(begin, check) for check in checks]):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self.cancel()
            pool.shutdown()

    def cancel(self) -> None:
        """End the checks that run now, as soon as they look."""
        with self._lock:
            for stage in self._stages.values():
                stage.cancelled = True

    def run_one(self, check: Check) -> Result:
        """Run one check; whatever happens, there is a result."""
        requirement = self._requirements.get(check.requirement)
        if requirement is None:
            raise KeyError(f"{check.id} cites {check.requirement}, which does not exist")
        stage = self.scene()
        began = time.monotonic()
        with self._lock:
            self._stages[check.id] = stage
            if len(self._stages) > 1:
                self._accompanied.update(self._stages)
        mark = self.mark()
        try:
            result = self._judge(check, Result(check.id, requirement, check.title), stage)
            if result.verdict in (Verdict.FAIL, Verdict.WARN):
                result = self.doubted(result, stage, mark)
        finally:
            with self._lock:
                del self._stages[check.id]
            stage.close()
        for cited, received in stage.violations.items():
            if cited != check.requirement:
                self._in_passing.setdefault(cited, (check.id, received, stage.transcript))
        return replace(result, seconds=time.monotonic() - began, transcript=stage.transcript)

    def _judge(self, check: Check, passed: Result, stage: Scene) -> Result:
        """Run the check's function; return `passed`, or what it becomes by what the function raised."""
        requirement = passed.requirement
        if check.digest != requirement.digest:
            reason = f"the sentence changed: look at the check, then write {requirement.digest} into it"
            return replace(passed, verdict=Verdict.ERROR, reason=reason)
        try:
            self.require(requirement, check.needs)
            check.function(stage)
            if requirement.id in stage.violations:
                raise Failed("lines as the specification has them", stage.violations[requirement.id])
        except Skipped as skipped:
            return replace(passed, verdict=Verdict.SKIP, reason=str(skipped), missing=skipped.missing)
        except (Inconclusive, UnreachableError) as inconclusive:
            return replace(passed, verdict=Verdict.INCONCLUSIVE, reason=str(inconclusive))
        except Failed as failed:
            if stage.barrier_used and not self._barrier_holds:
                return replace(passed, verdict=Verdict.INCONCLUSIVE, reason=_UNPROVEN)
            requirement = self._requirements.get(failed.cites, requirement)
            return replace(
                passed,
                requirement=requirement,
                verdict=Verdict.FAIL if requirement.level == "MUST" else Verdict.WARN,
                reason=failed.note,
                expected=failed.expected,
                received=failed.received,
                barrier_broken=isinstance(failed, BarrierBrokenError),
            )
        except Exception:
            if not stage.violations:
                return replace(passed, verdict=Verdict.ERROR, reason=traceback.format_exc())
            # What a check cannot make sense of is a malformed line, which it was not made for.
            cited, received = next(iter(stage.violations.items()))
            return replace(
                passed,
                requirement=self._requirements[cited],
                verdict=Verdict.FAIL,
                expected="lines as the specification has them",
                received=received,
            )
        if stage.barrier_used and not self._barrier_holds:
            return replace(passed, verdict=Verdict.INCONCLUSIVE, reason=_UNPROVEN)
        return passed

    def _seen_in_passing(self, cited: str, what: tuple[str, str, Transcript]) -> Result:
        """Return a failure of a requirement that every line of every check is held against."""
        where, received, transcript = what
        return Result(
            f"{cited}/every-line",
            self._requirements[cited],
            "Every line that is received, in whichever check",
            verdict=Verdict.FAIL,
            reason=f"seen in {where}",
            expected="lines as the specification has them",
            received=received,
            transcript=transcript,
        )

    @abstractmethod
    def scene(self) -> Scene:
        """Return surroundings for one check."""

    @abstractmethod
    def require(self, requirement: Requirement, needs: tuple[str, ...]) -> None:
        """Raise Skipped unless the subject has what the requirement is conditional on and what the check needs."""

    def doubtful(self, result: Result) -> bool:
        """Return whether a result may be a consequence of what other checks did."""
        return False

    def weighed(self, doubtful: list[Result], checks: list[Check]) -> list[Result]:
        """Return what becomes of doubtful results, those of `checks`."""
        return doubtful

    def mark(self) -> int:
        """Return a place in the run, for `doubted`."""
        return 0

    def doubted(self, result: Result, stage: Scene, mark: int) -> Result:
        """Return a failure as it is, or INCONCLUSIVE where the subject ended since `mark` and other checks ran."""
        return result

    def afterwards(self) -> list[Result]:
        """Return what is to be said once all checks were run."""
        return []
