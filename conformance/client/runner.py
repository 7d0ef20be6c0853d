"""Runs the checks of clients against a client."""

from conformance.client.subject import ClientSubject
from conformance.grammar import Grammar
from conformance.runner import CheckRunner, Settings
from conformance.scene import Scene
from conformance.spec import Requirement


class ClientRunner(CheckRunner):
    """Runs checks against a client, each with a process, a terminal and a server of its own."""

    def __init__(
        self, subject: ClientSubject, requirements: dict[str, Requirement], grammar: Grammar, settings: Settings
    ) -> None:
        super().__init__(requirements, grammar, settings)
        self._subject = subject

    def scene(self) -> Scene:
        return self._subject.scene(self._grammar, deadline=self._settings.deadline, seed=self._settings.seed)

    def require(self, requirement: Requirement, needs: tuple[str, ...]) -> None:
        """Nothing: the one condition on clients, `terminal`, is met by every client that this suite can start."""
