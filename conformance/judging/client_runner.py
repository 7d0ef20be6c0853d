"""Runs the checks of clients against a client."""

from collections.abc import Sequence

from conformance.judging.result import Settings
from conformance.judging.runner import CheckRunner
from conformance.stage.client_subject import ClientSubject
from conformance.stage.scene import Scene
from conformance.text.grammar import Grammar
from conformance.text.requirements import Requirement


class ClientRunner(CheckRunner):
    """Runs checks against a client, each with a process, a terminal and a server of its own."""

    def __init__(
        self, subject: ClientSubject, requirements: dict[str, Requirement], grammar: Grammar, settings: Settings
    ) -> None:
        super().__init__(requirements, grammar, settings)
        self._subject = subject

    def scene(self, broken: Sequence[str]) -> Scene:
        return self._subject.scene(self._grammar, deadline=self._settings.deadline, seed=self._settings.seed)

    def require(self, requirement: Requirement, needs: tuple[str, ...]) -> None:
        """Nothing: the one condition on clients, `terminal`, is met by every client that this suite can start."""
