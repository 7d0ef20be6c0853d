"""The client under test: the command that starts it, and the first look whether it is there at all."""

import contextlib
import shlex
import sys
import time
from collections.abc import Mapping

from conformance.stage.client import ClientScene
from conformance.stage.spares import Clients
from conformance.stage.terminal import COLUMNS
from conformance.text.grammar import Grammar
from conformance.wire.address import Address
from conformance.wire.failure import Failed
from conformance.wire.process import START_SECONDS, UnreachableError
from conformance.wire.standing import ALL_HOLD
from conformance.wire.tls import Identity

_DEADLINE_FACTOR = 20  # deadlines are this many times what it took to start and to enter a room
_DEADLINE_FLOOR = 5.0
_DEADLINE_CEILING = 20.0


class ClientSubject:
    """A client that a command starts, once for each check."""

    def __init__(self, command: str, tls: Identity | None = None, columns: int = COLUMNS) -> None:
        """`command` has `{port}` in it, and can have `{host}` and `{python}`; `tls`: who it is that it talks to.

        `columns`: how wide its terminal is.
        """
        self._command = command
        self.tls = tls
        self.columns = columns
        self._clients = Clients()

    def close(self) -> None:
        """End the clients that are left."""
        self._clients.close()

    def argv(self, address: Address) -> list[str]:
        """Return the command for a server's address, as words; raises UnreachableError where it is not one."""
        host, port = address
        try:
            return shlex.split(self._command.format(python=shlex.quote(sys.executable), host=host, port=port))
        except (KeyError, IndexError, ValueError) as error:
            raise UnreachableError(f"the command {self._command!r} cannot be used: {error}") from error

    def scene(
        self,
        grammar: Grammar,
        *,
        deadline: float,
        seed: int,
        broken: Mapping[str, str] = ALL_HOLD,
        alone: bool = False,
        number: int = 0,
    ) -> ClientScene:
        """Return a scene in which this client can be started.

        `broken`: facts that are known not to hold; `alone`: it goes on with no client that is there already;
        `number`: the check's.
        """
        return ClientScene(
            self.argv,
            grammar,
            deadline=deadline,
            seed=seed,
            broken=broken,
            tls=self.tls,
            columns=self.columns,
            clients=self._clients,
            alone=alone,
            number=number,
        )

    def arguments(self) -> list[str]:
        """Return the arguments of the command line that name this subject."""
        tls = ["--tls-cert", str(self.tls.certificate), "--tls-key", str(self.tls.key)] if self.tls else []
        columns = [] if self.columns == COLUMNS else ["--columns", str(self.columns)]
        return ["--client-cmd", self._command, *tls, *columns]


def look(subject: ClientSubject, grammar: Grammar, *, time_factor: float) -> float:
    """Let the client enter a room; return the deadline, in seconds, for each thing that is expected of it.

    That client is left to the first check. Faults of one that connects are for the checks to find.

    Raises UnreachableError, with one clear line, where it does not connect.
    """
    scene = subject.scene(grammar, deadline=START_SECONDS * time_factor, seed=0)
    began = time.monotonic()
    try:
        scene.start()
        needed = time.monotonic() - began
        scene.deadline = min(scene.deadline, _DEADLINE_FACTOR * needed)
        with contextlib.suppress(Failed):
            scene.enter()
            scene.hand_on()
            needed = time.monotonic() - began
    except Failed as failed:
        command = shlex.join(subject.argv(scene.address))
        told = f"expected {failed.expected}, but {failed.received}"
        raise UnreachableError(f"{command!r} is no Flurfunk/1 client in a terminal: {told}") from failed
    finally:
        scene.close()
    needed *= _DEADLINE_FACTOR
    return min(max(needed, _DEADLINE_FLOOR), _DEADLINE_CEILING) * time_factor
