"""Runs the checks of clients against a client."""

from conformance.client.scene import ClientScene
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
        return ClientScene(
            self._subject.argv,
            self._grammar,
            deadline=self._settings.deadline,
            seed=self._settings.seed,
            tls=self._subject.tls,
        )

    def require(self, requirement: Requirement, needs: tuple[str, ...]) -> None:
        """Nothing: the one condition on clients, `terminal`, is met by every client that this suite can start."""
