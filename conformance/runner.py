"""Runs checks against a subject, several at a time, and makes a result of each."""

import contextlib
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import KW_ONLY, dataclass, field, replace

from conformance.grammar import Grammar
from conformance.process import UnreachableError
from conformance.registry import Check
from conformance.scene import Scene
from conformance.spec import Requirement
from conformance.stage import Stage
from conformance.subject import Subject
from conformance.transcript import Transcript
from conformance.verdict import BarrierBrokenError, Failed, Inconclusive, Skipped, Verdict

SYNTHETIC = ("every-line", "whole-run", "declared-features")  # results that come from no check of their own
_ENDED = "the server ended while this check and others ran: see SEC-1/whole-run"
_BESIDE = "fails beside other checks only, and holds alone"
_UNWEIGHED = "failed beside other checks; the run ended before it was tried alone"
_UNPROVEN = "the barrier does not hold on this server, so nothing can be said"


@dataclass(frozen=True)
class Result:
    """What came out of one check."""

    id: str
    requirement: Requirement
    title: str
    _: KW_ONLY
    kind: str = "server"  # or "client": what was checked
    verdict: Verdict = Verdict.PASS
    reason: str = ""
    expected: str = ""
    received: str = ""
    missing: bool = False  # not run, although the requirement holds for the subject
    barrier_broken: bool = False
    seconds: float = 0.0
    transcript: Transcript = field(default_factory=Transcript)


@dataclass
class Settings:
    """How checks are run."""

    features: frozenset[str]  # that the server advertises
    deadline: float = 3.0
    jobs: int = 4
    seed: int = 1
    declared: frozenset[str] = frozenset()  # features that it is said to have
    examples: int = 100  # conversations by chance


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


class Runner(CheckRunner):
    """Runs checks against a server."""

    def __init__(
        self, subject: Subject, requirements: dict[str, Requirement], grammar: Grammar, settings: Settings
    ) -> None:
        super().__init__(requirements, grammar, settings)
        self._subject = subject
        self._by_itself: set[str] = set()  # the checks that failed on a server of their own
        self._alone: set[Runner] = set()  # of the checks that are tried again

    def scene(self) -> Scene:
        chosen = self._settings
        return Stage(self._subject, self._grammar, deadline=chosen.deadline, seed=chosen.seed, examples=chosen.examples)

    def doubtful(self, result: Result) -> bool:
        shared = self._subject.can_start and result.id in self._accompanied and result.id not in self._by_itself
        return shared and result.verdict in (Verdict.FAIL, Verdict.WARN)

    def weighed(self, doubtful: list[Result], checks: list[Check]) -> list[Result]:
        """Run each check again, on a server that no other uses.

        One that fails there too is what it is. One that holds there is taken for a consequence of what the others
        show, and INCONCLUSIVE; unless nothing fails alone: then it is the only sign of what is wrong.
        """
        pool = ThreadPoolExecutor(self._settings.jobs)
        try:
            alone = {result.id: result for result in pool.map(self._run_alone, checks)}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for runner in tuple(self._alone):
                runner.cancel()
            pool.shutdown()
        failed = {id for id, result in alone.items() if result.verdict in (Verdict.FAIL, Verdict.WARN)}
        return [
            alone[result.id]
            if result.id in failed
            else replace(result, verdict=Verdict.INCONCLUSIVE if failed else result.verdict, reason=_BESIDE)
            for result in doubtful
        ]

    def _run_alone(self, check: Check) -> Result:
        subject = self._subject.another()
        runner = Runner(subject, self._requirements, self._grammar, self._settings)
        self._alone.add(runner)
        try:
            return runner.run_one(check)
        finally:
            self._alone.discard(runner)
            subject.close()

    def require(self, requirement: Requirement, needs: tuple[str, ...]) -> None:
        for need in (*([requirement.condition] if requirement.condition else []), *needs):
            if need == "console":
                if self._subject.console != "yes":
                    out_of_reach = self._subject.console != "none"
                    reason = "the console is out of reach" if out_of_reach else "the server is said to have no console"
                    raise Skipped(reason, missing=out_of_reach)
            elif need in ("client-limit", "choose-limit"):
                if not self._subject.has_limits:
                    raise Skipped(f"{need}: --limited-server-cmd is not given", missing=False)
            elif need == "stall-limit":
                if not self._subject.has_stall_limit:
                    raise Skipped("no {stall} in --limited-server-cmd", missing=False)
            elif need == "password":
                if not self._subject.has_password:
                    raise Skipped("password: --password-server-cmd is not given", missing=False)
            elif need not in self._settings.features:
                raise Skipped(f"the feature {need} is not advertised", missing=False)

    def afterwards(self) -> list[Result]:
        deaths = self._subject.deaths()
        undeclared = sorted(self._settings.declared - self._settings.features)
        return [
            *([self._death(deaths)] if deaths else []),
            *([self._not_advertised(undeclared)] if undeclared else []),
        ]

    def mark(self) -> int:
        return len(self._subject.deaths())

    def doubted(self, result: Result, stage: Scene, mark: int) -> Result:
        if isinstance(stage, Stage) and stage.alone:
            self._by_itself.add(result.id)
            return result
        self._subject.look_again(2 * self._settings.deadline)
        new = self._subject.deaths()[mark:]
        if not new:
            return result
        if result.id not in self._accompanied:
            return replace(result, reason=new[0])
        return replace(result, verdict=Verdict.INCONCLUSIVE, reason=_ENDED)

    def _death(self, deaths: tuple[str, ...]) -> Result:
        """Return that the server ended: a failure where it is ours, and nobody else can have ended it."""
        return Result(
            "SEC-1/whole-run",
            self._requirements["SEC-1"],
            "The server serves as long as it is not told to end",
            verdict=Verdict.FAIL if self._subject.can_start else Verdict.INCONCLUSIVE,
            reason=f"{len(deaths)} times in this run" if len(deaths) > 1 else "",
            expected="the server goes on serving during the whole run",
            received=deaths[0],
        )

    def _not_advertised(self, features: list[str]) -> Result:
        return Result(
            "OUT-2/declared-features",
            self._requirements["OUT-2"],
            "The server advertises the features that it is said to have",
            verdict=Verdict.FAIL,
            expected=f"HELLO with {' '.join(features)}, as the file says",
            received=f"HELLO with {' '.join(sorted(self._settings.features)) or 'no feature'}",
        )
