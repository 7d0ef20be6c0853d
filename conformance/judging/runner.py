"""Runs checks against a subject, several at a time, and makes a result of each."""

import contextlib
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from conformance.judging.blame import Blame, not_reached
from conformance.judging.check import Check
from conformance.judging.result import Result, Settings
from conformance.judging.verdict import Verdict
from conformance.stage.scene import Scene
from conformance.text.grammar import Grammar
from conformance.text.requirements import Requirement
from conformance.wire.failure import Failed, Inconclusive, NotReached, Skipped
from conformance.wire.process import UnreachableError
from conformance.wire.standing import BARRIER

_UNWEIGHED = "failed while other checks ran; the run ended before it was tried alone"
_FAILURES = (Verdict.FAIL, Verdict.WARN)
FIRST, ON_ITS_OWN = 1, 4  # parts of the ground: the most basic one; the one whose checks start servers of their own
# What is expected of every line that is received, by the requirements that a stage holds it against.
_WANTED = {
    "ERR-1": "an ERROR with one of the codes in section 8.1, or one of a feature that HELLO names",
    "LINE-1": "lines that end with LF, and have no CR before it",
    "LINE-11": "lines of at most 4096 octets",
    "LINE-8": "lines of at most 8192 octets",
    "TEXT-4": "lines of UTF-8 without control characters and line separators",
    "TEXT-7": "lines of UTF-8 without control characters and line separators",
    "OUT-1": "lines that the grammar has (rule server-line)",
    "GROW-2": "no more words than the line has",
}


class CheckRunner(ABC):
    """Runs checks against one subject, whatever it is."""

    def __init__(
        self,
        requirements: dict[str, Requirement],
        grammar: Grammar,
        settings: Settings,
        ground: Sequence[Check] = (),
        blame: Blame | None = None,
    ) -> None:
        """`ground`: the checks on which others stand, each after those that it needs; `blame`: what is known."""
        self._requirements = requirements
        self._grammar = grammar
        self._settings = settings
        self._ground = ground
        self._blame = blame or Blame()
        self._in_passing: dict[str, Result] = {}
        self._lock = threading.Lock()
        self._stages: dict[str, tuple[Scene, float]] = {}  # of the checks that run now, and since when
        self.previous: Result | None = None  # of the check that ended last
        self._accompanied: set[str] = set()  # the checks beside which others ran
        self.cut_off: dict[str, float] = {}  # the checks that ran when the run was cut off, and for how many seconds

    def run(
        self,
        checks: Iterable[Check],
        on_result: Callable[[Result], None] = lambda result: None,
        on_begin: Callable[[Check], None] = lambda check: None,
    ) -> list[Result]:
        """Run all checks, those of the ground first; return the results in the order of the checks.

        The ground is looked at in any case, so that a failure counts for what really does not hold. Its results are
        told where they are asked for, or keep others from being reached. `on_result` is called in this thread,
        `on_begin` in any. An error raised here, KeyboardInterrupt for instance, ends the checks that run.
        """
        checks = list(checks)
        wanted = {check.id for check in checks}
        results: dict[str, Result] = {}

        def tell(result: Result) -> None:
            if result.id in wanted:
                results[result.id] = result
                on_result(result)

        *parts, own = self._grounds(checks)
        ground: list[Result] = []
        for part in parts:
            for result in self._part(part, on_begin):
                ground.append(result)
                tell(result)
        grounded = {check.id for check in self._ground}
        others = sorted((check for check in checks if check.id not in grounded), key=lambda check: -check.slow)
        ground += self._with_ground(own, others, tell, on_begin)
        last = self.afterwards()
        shown = {result.requirement.id for result in (*results.values(), *last) if result.verdict in _FAILURES}
        hiding = {result.because for result in results.values()} - shown
        seen = [result for result in ground if result.requirement.id in hiding and result.verdict in _FAILURES]
        shown |= set(self._blame.broken.values())
        seen += [*(result for cited, result in self._in_passing.items() if cited not in shown), *last]
        for result in seen:
            on_result(result)
        return [results[check.id] for check in checks] + seen

    def _grounds(self, wanted: Sequence[Check]) -> list[list[Check]]:
        """Return the parts of the ground, the most basic first; of the last what the wanted checks have need of."""
        conditions = set().union(*map(self._conditions, wanted))
        first = [[check] for check in self._ground if check.ground == FIRST]  # each known before the next begins
        parts = [[check for check in self._ground if check.ground == number] for number in range(FIRST + 1, ON_ITS_OWN)]
        own = [check for check in self._ground if check.ground == ON_ITS_OWN]
        return [*first, *parts, [check for check in own if self._conditions(check) & conditions]]

    def _conditions(self, check: Check) -> set[str]:
        requirement = self._requirements.get(check.requirement)
        return {*check.needs, *([requirement.condition] if requirement and requirement.condition else [])}

    def _part(self, checks: Sequence[Check], on_begin: Callable[[Check], None]) -> list[Result]:
        """Run a part of the ground side by side; return the results as they count."""
        return self._grounded(checks, self._side_by_side(checks, on_begin, self._settings.jobs))

    def _with_ground(
        self,
        own: Sequence[Check],
        others: Sequence[Check],
        tell: Callable[[Result], None],
        on_begin: Callable[[Check], None],
    ) -> list[Result]:
        """Run the last part of the ground and all other checks side by side; return the results of the ground.

        Those of the others are told as soon as they are certain, and count once the ground is known.
        """
        pending = {check.id for check in own}
        ground: list[Result] = []
        found: list[Result] = []
        waiting: list[Result] = []
        doubtful: dict[str, Result] = {}

        def heed(result: Result) -> None:
            if self._is_doubtful(result, ground=False):
                doubtful[result.id] = result
            else:
                tell(self._counted(result))

        try:
            for result in self._side_by_side([*own, *others], on_begin, self._settings.jobs):
                if result.id in pending:
                    found.append(result)
                    pending.discard(result.id)
                else:
                    waiting.append(result)
                if not pending:
                    if found:
                        ground = self._grounded(own, found)
                        found = []
                        for one in ground:
                            tell(one)
                    while waiting:
                        heed(waiting.pop(0))
            for result in self.weighed(list(doubtful.values()), [check for check in others if check.id in doubtful]):
                del doubtful[result.id]
                tell(self._counted(result))
        except BaseException:
            for result in (*found, *waiting, *doubtful.values()):
                with contextlib.suppress(KeyboardInterrupt):
                    tell(replace(result, reason=result.reason or _UNWEIGHED) if result.verdict in _FAILURES else result)
            raise
        return ground

    def _is_doubtful(self, result: Result, *, ground: bool) -> bool:
        """Return whether a check is to be tried again alone: it may have failed at nothing that the subject does."""
        because = self._blame.counted(result).because
        known = because in self._blame.broken.values()
        return self.doubtful(result, ground=ground) and (not because or (result.timed and not known))

    def _counted(self, result: Result) -> Result:
        """Return a result as it counts; where it failed on the way, note that as a failure of what it failed at."""
        counted = self._blame.counted(result)
        self._note_on_the_way(result, counted)
        return counted

    def _grounded(self, checks: Sequence[Check], results: Iterable[Result]) -> list[Result]:
        """Return the results of a part of the ground as they count, in the order of the checks.

        A check that may have failed because of other checks is run again alone; the requirement for which each
        counts is known when those before it have been counted.
        """
        known = {result.id: result for result in results}
        doubtful = [known[check.id] for check in checks if self._is_doubtful(known[check.id], ground=True)]
        again = {result.id for result in doubtful}
        known.update((one.id, one) for one in self.weighed(doubtful, [check for check in checks if check.id in again]))
        certain = [known[check.id] for check in checks]
        counted = self._blame.ground(checks, certain)
        for result, as_counted in zip(certain, counted, strict=True):
            self._note_on_the_way(result, as_counted)
        return counted

    def _note_on_the_way(self, result: Result, counted: Result) -> None:
        """Note what a result counts for, where it failed at another requirement that nothing else shows as broken."""
        unknown = counted.because not in self._blame.broken.values()
        if counted.because and counted.expected and unknown:
            self._see(counted.because, "on-the-way", result)

    def _see(self, cited: str, name: str, seen: Result) -> None:
        """Note a failure of another requirement than that which a check is about."""
        title = {"on-the-way": "A thing that a check needs on its way", "every-line": "Every line that is received"}[
            name
        ]
        requirement = self._requirements[cited]
        failure = Result(
            f"{cited}/{name}",
            requirement,
            f"{title}, in whichever check",
            verdict=Verdict.FAIL if requirement.level == "MUST" else Verdict.WARN,
            reason=f"seen in {seen.id}",
            expected=seen.expected,
            received=seen.received,
            transcript=seen.transcript,
            seen_in=seen.id,
        )
        with self._lock:
            known = self._in_passing.setdefault(cited, failure)
            if failure.transcript.count < known.transcript.count:
                self._in_passing[cited] = failure

    def _side_by_side(self, checks: Sequence[Check], on_begin: Callable[[Check], None], jobs: int) -> Iterator[Result]:
        """Run checks, several at a time; yield each result when it is there."""

        def begin(check: Check) -> Result:
            on_begin(check)
            return self.run_one(check)

        pool, waiting = ThreadPoolExecutor(jobs), ThreadPoolExecutor(jobs)  # what waits takes no place of what works
        try:
            futures = [(waiting if check.slow and jobs > 1 else pool).submit(begin, check) for check in checks]
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            now = time.monotonic()
            with self._lock:
                self.cut_off = {name: now - since for name, (_, since) in self._stages.items()}
            raise
        finally:
            for one in (pool, waiting):
                one.shutdown(wait=False, cancel_futures=True)
            self.cancel()
            for one in (pool, waiting):
                one.shutdown()

    def cancel(self) -> None:
        """End the checks that run now, as soon as they look."""
        with self._lock:
            for stage, _ in self._stages.values():
                stage.cancelled = True

    def run_one(self, check: Check) -> Result:
        """Run one check; whatever happens, there is a result."""
        requirement = self._requirements.get(check.requirement)
        if requirement is None:
            raise KeyError(f"{check.id} cites {check.requirement}, which does not exist")
        stage = self.scene(self._blame.besides(check.requirement))
        began = time.monotonic()
        with self._lock:
            self._stages[check.id] = stage, began
            if len(self._stages) > 1:
                self._accompanied.update(self._stages)
        mark = self.mark()
        try:
            result = self._judge(check, Result(check.id, requirement, check.title), stage)
            stage.passed = result.verdict is Verdict.PASS
            if result.verdict in _FAILURES:
                if self._settings.jobs == 1:  # then the console tells of this check alone
                    stage.let_show()
                result = self.doubted(result, stage, mark)
        finally:
            with self._lock:
                del self._stages[check.id]
            stage.close()
        seconds, used = time.monotonic() - began, frozenset(stage.used)
        result = replace(result, seconds=seconds, transcript=stage.transcript, used=used)
        for cited, received in stage.violations.items():
            if cited != check.requirement:
                self._see(cited, "every-line", replace(result, expected=_WANTED[cited], received=received))
        self.previous = result
        return result

    def _judge(self, check: Check, passed: Result, stage: Scene) -> Result:
        """Run the check's function; return `passed`, or what it becomes by what the function raised."""
        requirement = passed.requirement
        if check.digest != requirement.digest:
            reason = f"the sentence changed: look at the check, then write {requirement.digest} into it"
            return replace(passed, verdict=Verdict.ERROR, reason=reason)
        try:
            self.require(requirement, check.needs)
            if check.patient and not self._settings.patient:
                raise Skipped(f"takes {check.patient} s: --patient", missing=False)
            check.function(stage)
            if requirement.id in stage.violations:
                raise Failed(_WANTED[requirement.id], stage.violations[requirement.id])
        except Skipped as skipped:
            return replace(passed, verdict=Verdict.SKIP, reason=str(skipped), missing=skipped.missing)
        except NotReached as lacking:
            return not_reached(passed, lacking.because)
        except (Inconclusive, UnreachableError) as inconclusive:
            return replace(passed, verdict=Verdict.INCONCLUSIVE, reason=str(inconclusive))
        except Failed as failed:
            requirement = self._requirements.get(failed.cites, requirement)
            return replace(
                passed,
                requirement=requirement,
                verdict=Verdict.FAIL if requirement.level == "MUST" else Verdict.WARN,
                reason=failed.note,
                expected=failed.expected,
                received=failed.received,
                asks=failed.asks,
                preparing=failed.preparing,
                timed=bool(check.slow) or failed.by_the_clock(),
            )
        except Exception:
            if not stage.violations:
                return replace(passed, verdict=Verdict.ERROR, reason=traceback.format_exc())
            # A check that stumbles met a malformed line, which it was not made for.
            cited, received = next(iter(stage.violations.items()))
            return replace(
                passed,
                requirement=self._requirements[cited],
                verdict=Verdict.FAIL,
                expected=_WANTED[cited],
                received=received,
            )
        unproven = next((self._blame.broken[one] for one in BARRIER if one in self._blame.broken), "")
        return not_reached(passed, unproven) if unproven and stage.barrier_used else passed

    @abstractmethod
    def scene(self, broken: Mapping[str, str]) -> Scene:
        """Return surroundings for one check; `broken`: see Blame, without what the check is about."""

    @abstractmethod
    def require(self, requirement: Requirement, needs: tuple[str, ...]) -> None:
        """Raise Skipped unless the subject has what the requirement is conditional on and what the check needs."""

    def doubtful(self, result: Result, *, ground: bool) -> bool:
        """Return whether a result may be a consequence of what other checks did; `ground`: others stand on it."""
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
