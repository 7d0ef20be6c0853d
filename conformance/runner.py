"""Runs checks against a subject, several at a time, and makes a result of each."""

import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from conformance.grammar import Grammar
from conformance.registry import Check
from conformance.spec import Requirement
from conformance.stage import Stage
from conformance.subject import Subject, UnreachableError
from conformance.transcript import Transcript
from conformance.verdict import Failed, Inconclusive, Skipped, Verdict

_UNPROVEN = "the barrier does not hold on this server, so nothing can be said"


@dataclass(frozen=True)
class Result:
    """What came out of one check."""

    id: str
    requirement: Requirement
    title: str
    verdict: Verdict = Verdict.PASS
    reason: str = ""
    expected: str = ""
    received: str = ""
    missing: bool = False  # not run, although the requirement holds for the subject
    seconds: float = 0.0
    transcript: Transcript = field(default_factory=Transcript)


@dataclass
class Settings:
    """How checks are run."""

    features: frozenset[str]
    deadline: float = 3.0
    jobs: int = 4
    seed: int = 1


class Runner:
    """Runs checks against one subject."""

    def __init__(
        self, subject: Subject, requirements: dict[str, Requirement], grammar: Grammar, settings: Settings
    ) -> None:
        self._subject = subject
        self._requirements = requirements
        self._grammar = grammar
        self._settings = settings
        self._in_passing: dict[str, tuple[str, str, Transcript]] = {}
        self._barrier_holds = True

    def run(self, checks: Iterable[Check], on_result: Callable[[Result], None] = lambda result: None) -> list[Result]:
        """Run all checks, those of the barrier first; return the results in the order of the checks."""
        checks = list(checks)
        results: dict[str, Result] = {}
        barrier = [check for check in checks if check.barrier]
        others = sorted((check for check in checks if not check.barrier), key=lambda check: not check.slow)
        for part in (barrier, others):
            with ThreadPoolExecutor(max(self._settings.jobs, 1)) as pool:
                for result in pool.map(self.run_one, part):
                    results[result.id] = result
                    on_result(result)
            self._barrier_holds = all(results[check.id].verdict != Verdict.FAIL for check in barrier)
        seen = [self._seen_in_passing(*item) for item in self._in_passing.items()]
        if deaths := self._subject.deaths():
            seen.append(self._death(deaths))
        for result in seen:
            on_result(result)
        return [results[check.id] for check in checks] + seen

    def run_one(self, check: Check) -> Result:
        """Run one check; whatever happens, there is a result."""
        requirement = self._requirements.get(check.requirement)
        if requirement is None:
            raise KeyError(f"{check.id} cites {check.requirement}, which does not exist")
        stage = Stage(self._subject, self._grammar, deadline=self._settings.deadline, seed=self._settings.seed)
        began = time.monotonic()
        try:
            result = self._judge(check, Result(check.id, requirement, check.title), stage)
        finally:
            stage.close()
        for cited, received in stage.violations.items():
            if cited != check.requirement:
                self._in_passing.setdefault(cited, (check.id, received, stage.transcript))
        return replace(result, seconds=time.monotonic() - began, transcript=stage.transcript)

    def _judge(self, check: Check, passed: Result, stage: Stage) -> Result:
        """Run the check's function; return `passed`, or what it becomes by what the function raised."""
        requirement = passed.requirement
        if check.digest != requirement.digest:
            reason = f"the sentence changed: look at the check, then write {requirement.digest} into it"
            return replace(passed, verdict=Verdict.ERROR, reason=reason)
        try:
            self._require(requirement, check.needs)
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
            verdict = Verdict.FAIL if requirement.level == "MUST" else Verdict.WARN
            return replace(
                passed, verdict=verdict, reason=failed.note, expected=failed.expected, received=failed.received
            )
        except Exception:
            return replace(passed, verdict=Verdict.ERROR, reason=traceback.format_exc())
        if stage.barrier_used and not self._barrier_holds:
            return replace(passed, verdict=Verdict.INCONCLUSIVE, reason=_UNPROVEN)
        return passed

    def _require(self, requirement: Requirement, needs: tuple[str, ...]) -> None:
        """Raise Skipped unless the subject has what the requirement is conditional on and what the check needs."""
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
            elif need not in self._settings.features:
                raise Skipped(f"the feature {need} is not advertised", missing=False)

    def _seen_in_passing(self, cited: str, what: tuple[str, str, Transcript]) -> Result:
        """Return a failure of a requirement that every line of every check is held against."""
        where, received, transcript = what
        return Result(
            f"{cited}/every-line",
            self._requirements[cited],
            "Every line that the server sends, in whichever check",
            Verdict.FAIL,
            reason=f"seen in {where}",
            expected="lines as the specification has them",
            received=received,
            transcript=transcript,
        )

    def _death(self, deaths: str) -> Result:
        return Result(
            "SEC-1/whole-run",
            self._requirements["SEC-1"],
            "The server serves as long as it is not told to end",
            Verdict.FAIL,
            expected="the server goes on serving during the whole run",
            received=deaths,
        )
