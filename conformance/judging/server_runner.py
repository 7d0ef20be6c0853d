"""Runs the checks of servers, and tries again alone what failed beside others."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from conformance.judging.blame import Blame, not_reached
from conformance.judging.check import Check
from conformance.judging.result import Result, Settings
from conformance.judging.runner import CheckRunner
from conformance.judging.verdict import Verdict
from conformance.stage.scene import Scene
from conformance.stage.server import Stage
from conformance.stage.server_subject import Subject
from conformance.text.grammar import Grammar
from conformance.text.requirements import Requirement
from conformance.wire.failure import Skipped

FEW = 3  # checks that are tried once more, really alone, where they failed by the clock
_ENDED = "the server ended while this check and others ran: see SEC-1/whole-run"
BESIDE = "failed only while other checks ran; it passed alone"


class Runner(CheckRunner):
    """Runs checks against a server."""

    def __init__(
        self,
        subject: Subject,
        requirements: dict[str, Requirement],
        grammar: Grammar,
        settings: Settings,
        ground: Sequence[Check] = (),
        blame: Blame | None = None,
    ) -> None:
        """See CheckRunner."""
        super().__init__(requirements, grammar, settings, ground, blame)
        self._subject = subject
        self._by_itself: set[str] = set()  # the checks that failed on a server of their own
        self._ended_in: Result | None = None  # the first check in which a server ended that had only been prepared
        self._seen_deaths = 0  # of the servers that several checks use
        self._alone: set[Runner] = set()  # of the checks that are tried again

    def scene(self, broken: Mapping[str, str]) -> Scene:
        chosen = self._settings
        return Stage(
            self._subject,
            self._grammar,
            deadline=chosen.deadline,
            seed=chosen.seed,
            examples=chosen.examples,
            broken=broken,
            deadly=self._blame.deadly,
        )

    def doubtful(self, result: Result, *, ground: bool) -> bool:
        if result.id not in self._accompanied:
            return False
        failed = result.verdict in (Verdict.FAIL, Verdict.WARN)
        shared = self._subject.can_start and result.id not in self._by_itself
        return (failed and result.timed) or (shared and (failed or (result.ended and ground)))

    def weighed(self, doubtful: list[Result], checks: list[Check]) -> list[Result]:
        """Run each check again, on a server that no other uses.

        One that fails there too is what it is. One that had failed by the clock, and holds alone, holds. Another that
        holds there is taken for a consequence of what the others show, and INCONCLUSIVE; unless nothing fails alone:
        then it is the only sign of what is wrong.
        """
        timed = {result.id for result in doubtful if result.timed}
        pool = ThreadPoolExecutor(self._settings.jobs)
        try:
            alone = {result.id: result for result in pool.map(self._run_alone, checks)}
            failing = [check for check in checks if alone[check.id].verdict is not Verdict.PASS]
            again = [check for check in failing if check.id in timed and not check.ground]
            if len(again) <= FEW:  # where there are more, it is not the machine
                for check in again:
                    alone[check.id] = self._run_alone(check)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for runner in tuple(self._alone):
                runner.cancel()
            pool.shutdown()
        holding = {id for id, result in alone.items() if result.verdict is Verdict.PASS and id not in timed}
        verdict = Verdict.INCONCLUSIVE if len(holding) < len(alone.keys() - timed) else None
        return [
            replace(result, verdict=verdict or result.verdict, reason=_ENDED if result.ended else BESIDE)
            if result.id in holding
            else alone[result.id]
            for result in doubtful
        ]

    def _run_alone(self, check: Check) -> Result:
        subject = self._subject.another()
        runner = Runner(subject, self._requirements, self._grammar, self._settings, blame=self._blame)
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
        deaths = len(self._subject.deaths())
        if deaths > self._seen_deaths and self.previous and self.previous.id not in self._accompanied:
            self._ended_in = self._ended_in or self.previous  # it ended since that passed
        self._seen_deaths = deaths
        return deaths

    def doubted(self, result: Result, stage: Scene, mark: int) -> Result:
        if isinstance(stage, Stage) and stage.alone:
            if stage.has_started:
                self._by_itself.add(result.id)
            if result.requirement.condition == "console" or not stage.has_lost_its_server():
                return result  # what ends a server at its console is no client
            return not_reached(replace(result, ended=True), "SEC-1")
        self._subject.look_again(2 * self._settings.deadline)
        new = self._subject.deaths()[mark:]
        self._seen_deaths = mark + len(new)
        if not new:
            return result
        if result.id in self._accompanied:
            return replace(result, verdict=Verdict.INCONCLUSIVE, reason=_ENDED, ended=True)
        here = replace(result, transcript=stage.transcript)
        # Where the server has not said a word, the check before has ended it, though it passed.
        said_nothing = all(entry.arrow != "<-" for entry in stage.transcript.entries)
        before = self.previous if said_nothing else None
        if result.preparing:  # what the check is about has not ended it
            self._ended_in = self._ended_in or before or here
            return not_reached(replace(result, ended=True), "SEC-1")
        self._ended_in = self._ended_in or before
        return replace(result, reason=new[0], ended=True)

    def _death(self, deaths: tuple[str, ...]) -> Result:
        """Return that the server ended: a failure where it is ours, and nobody else can have ended it."""
        seen = self._ended_in
        often = f"{len(deaths)} times in this run" if len(deaths) > 1 else ""
        where = f"it ended in {seen.id}, or right after it" if seen else ""
        told = Result(
            "SEC-1/whole-run",
            self._requirements["SEC-1"],
            "The server serves as long as it is not told to end",
            verdict=Verdict.FAIL if self._subject.can_start else Verdict.INCONCLUSIVE,
            ended=True,
            reason="\n".join(filter(None, (where, often))),
            expected="the server goes on serving during the whole run",
            received=deaths[0],
        )
        return replace(told, seen_in=seen.id, transcript=seen.transcript) if seen else told

    def _not_advertised(self, features: list[str]) -> Result:
        return Result(
            "OUT-2/declared-features",
            self._requirements["OUT-2"],
            "The server advertises the features that it is said to have",
            verdict=Verdict.FAIL,
            expected=f"HELLO with {' '.join(features)}, as the file says",
            received=f"HELLO with {' '.join(sorted(self._settings.features)) or 'no feature'}",
        )
