"""Runs the checks of clients against a client: several with one client, as long as nothing goes wrong."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from conformance.judging.blame import not_reached
from conformance.judging.check import AnyFunction, Check
from conformance.judging.result import Result, Settings
from conformance.judging.runner import CheckRunner
from conformance.judging.verdict import Verdict
from conformance.stage.client import ClientScene
from conformance.stage.client_subject import ClientSubject
from conformance.stage.scene import Scene
from conformance.text.grammar import Grammar
from conformance.text.requirements import Requirement
from conformance.wire.failure import Failed


class ClientRunner(CheckRunner):
    """Runs checks against a client, in terminals and with servers of their own.

    To start a client is what costs most. So a check that passes leaves its client, where that is in a room still, to
    the next that wants one; and what several checks ask for is played once for all of them. An error of such
    a client, or in such a play, is no verdict: the check is run again, with clients that it alone has.
    """

    def __init__(
        self,
        subject: ClientSubject,
        requirements: dict[str, Requirement],
        grammar: Grammar,
        settings: Settings,
        ground: Sequence[Check] = (),
    ) -> None:
        """See CheckRunner."""
        super().__init__(requirements, grammar, settings, ground)
        self._subject = subject
        self._plays: dict[AnyFunction, _Play] = {}  # those that several of the checks share
        self._here = (
            threading.local()
        )  # of the check that this thread runs: its `number`; `alone`: whether it has clients of its own

    def run(
        self,
        checks: Iterable[Check],
        on_result: Callable[[Result], None] = lambda result: None,
        on_begin: Callable[[Check], None] = lambda check: None,
    ) -> list[Result]:
        checks = list(checks)
        all_of_them = {check.id: check for check in (*self._ground, *checks)}
        count = Counter(play for check in all_of_them.values() for play in check.plays)
        self._plays = {play: _Play() for play in count if count[play] > 1}
        try:
            results = super().run(self._ordered(checks), on_result, on_begin)
        finally:
            self._subject.close()
        place = {check.id: number for number, check in enumerate(checks)}
        return sorted(results, key=lambda result: place.get(result.id, len(place)))

    def _ordered(self, checks: list[Check]) -> list[Check]:
        """Return the checks, those last that see plays which others have begun: they would wait for them."""
        begun: set[AnyFunction] = set()
        following: set[str] = set()
        for check in sorted(checks, key=lambda check: len(check.plays)):
            if begun.intersection(check.plays):
                following.add(check.id)
            begun.update(check.plays)
        return sorted(checks, key=lambda check: (check.id in following, bool(check.plays)))

    def run_one(self, check: Check) -> Result:
        scenes: list[ClientScene] = []
        played = bool(check.plays) and self._plays.keys() >= set(check.plays)

        def function(scene: ClientScene) -> None:
            scenes.append(scene)
            if played:
                for play in check.plays:
                    self._plays[play].see(play, scene)
            else:
                check.function(scene)
            scene.hand_on()

        self._here.number, self._here.alone = check.number, False
        result = super().run_one(replace(check, function=function))
        doubtful = played or any(scene.went_on for scene in scenes)
        if not played and result.because:  # it would come no further alone
            return result
        if result.verdict is Verdict.PASS or not doubtful or any(scene.cancelled for scene in scenes):
            return result
        self._here.alone = True
        return super().run_one(check)

    def scene(self, broken: Mapping[str, str]) -> Scene:
        chosen = self._settings
        return self._subject.scene(
            self._grammar,
            deadline=chosen.deadline,
            seed=chosen.seed,
            broken=broken,
            alone=self._here.alone,
            number=self._here.number,
        )

    def doubted(self, result: Result, stage: Scene, mark: int) -> Result:
        """Return a failure as it is; INCONCLUSIVE where a line of the client has no proper end: that is LINE-1's."""
        unended = "LINE-1" in stage.violations and result.requirement.id != "LINE-1"
        return not_reached(result, "LINE-1") if unended else result

    def require(self, requirement: Requirement, needs: tuple[str, ...]) -> None:
        """Nothing: the one condition on clients, `terminal`, is met by every client that this suite can start."""


class _Play:
    """Whether a play goes well; it is played by the first check that asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._went_well: bool | None = None

    def see(self, play: AnyFunction, scene: ClientScene) -> None:
        """Play it in this scene, unless it was played before; raise Failed, or what it raises, where it goes wrong."""
        with self._lock:
            if self._went_well is None:
                self._went_well = False
                play(scene)
                self._went_well = not scene.violations
            else:
                scene.transcript.event("suite", f"has played it before: {play.__doc__}")
            if not self._went_well:
                raise Failed("a play that goes well", "one that does not")
