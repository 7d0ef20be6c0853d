"""What every check plays on: connections, their deadlines, a transcript, and names that nobody else uses."""

import itertools
import secrets
import selectors
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from conformance.text.grammar import Grammar
from conformance.wire.failure import Failed, Inconclusive
from conformance.wire.peer import Peer, listed
from conformance.wire.tls import Connection
from conformance.wire.transcript import Transcript

HARD_FACTOR = 20  # how many deadlines a single wait can take, however often something comes
_RUN = secrets.token_hex(2)
_numbers = itertools.count(1)


class Scene(ABC):
    """One check's surroundings, whatever it is that is checked; ended with `close`."""

    def __init__(self, grammar: Grammar, *, deadline: float, seed: int) -> None:
        """`deadline`: seconds that the subject has for each thing that it is expected to do."""
        self.grammar = grammar
        self.deadline = deadline
        self.seed = seed
        self.selector: selectors.BaseSelector = selectors.DefaultSelector()
        self.violations: dict[str, str] = {}  # what was seen in passing: requirement, and what came
        self.barrier_used = False
        self.cancelled = False  # set from another thread when the run is interrupted
        self.suffix = f"{_RUN}{next(_numbers)}"  # part of each name, so that no other check uses the same
        self.transcript = Transcript(self.suffix)
        self._tokens = itertools.count(1)
        self._peers: list[Peer] = []

    def close(self) -> None:
        """Close all connections."""
        self.transcript.finish()
        for peer in self._peers:
            peer.close()
        self.selector.close()

    def adopt(self, label: str, connection: Connection) -> Peer:
        """Return a connection as a peer, which is closed with the scene."""
        peer = Peer(self, label, connection)
        self._peers.append(peer)
        return peer

    @abstractmethod
    def give_turn(self) -> None:
        """Let the subject run at least once."""

    @abstractmethod
    def hold_against_grammar(self, line: bytes) -> None:
        """Hold a line of the subject against what every line has to be; note with `violates` what is wrong."""

    def room(self, name: str = "main") -> str:
        """Return a room name that no other check uses."""
        return f"{name}-{self.suffix}"

    def name(self, name: str = "Ann") -> str:
        """Return a user name that no other check uses."""
        return f"{name}-{self.suffix}"

    def next_token(self) -> bytes:
        """Return a ping token that was not used before."""
        return f"barrier-{self.suffix}-{next(self._tokens)}".encode()

    def pump(self, seconds: float) -> bool:
        """Read and write on all connections, waiting at most so long for the first; whether anything moved."""
        if self.cancelled:
            raise Inconclusive("the run was interrupted")
        if not self.selector.get_map():
            return False
        ready = self.selector.select(max(seconds, 0))
        for key, mask in ready:
            if not key.data.ended:
                key.data.on_ready(mask)
        return bool(ready)

    def wait_for(self, peer: Peer, condition: Callable[[], bool], what: str) -> None:
        """Return when the condition holds or the peer's connection ended; raise Failed at the deadline.

        The deadline begins anew whenever something comes on the peer's connection or is taken from it.
        """
        now = time.monotonic()
        hard, end = now + HARD_FACTOR * self.deadline, now + self.deadline
        moved = (peer.octets_received, peer.unsent)
        while not condition() and not peer.ended:
            self.pump(end - time.monotonic())
            now = time.monotonic()
            if moved != (peer.octets_received, peer.unsent):
                moved, end = (peer.octets_received, peer.unsent), now + self.deadline
            if now > min(end, hard) and not condition() and not peer.ended:
                waited = f"nothing for {self.deadline:.1f} s"
                if now <= end:
                    waited = f"not in {HARD_FACTOR * self.deadline:.0f} s, although octets came or were taken"
                raise Failed(what, listed(peer.inbox) if peer.inbox else waited)

    def violates(self, requirement: str, received: str) -> None:
        """Note a violation of a requirement that every line is held against, whatever the check is about."""
        self.violations.setdefault(requirement, received)
