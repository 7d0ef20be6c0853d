"""The base of every stage: connections, their deadlines, a transcript, and names that nobody else uses."""

import functools
import itertools
import secrets
import selectors
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from typing import Any, TypeVar, cast

from conformance.text.grammar import Grammar
from conformance.wire import standing
from conformance.wire.failure import Failed, Inconclusive, NotReached
from conformance.wire.peer import Peer
from conformance.wire.tls import Connection
from conformance.wire.transcript import Transcript

HARD_FACTOR = 20  # how many deadlines a single wait can take, however often something comes
CHECK_FACTOR = 30  # how many deadlines a whole check can take
_PATIENCE = 1 / 60  # of a deadline, until it is asked by pings whether a line will still come
_RUN = secrets.token_hex(2)
_numbers = itertools.count(1)


_Method = TypeVar("_Method", bound=Callable[..., Any])


def preparing(method: _Method) -> _Method:
    """Let what fails in a method tell that the check was still preparing what it is about."""

    @functools.wraps(method)
    def prepare(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Failed as failed:
            failed.preparing = True
            raise

    return cast(_Method, prepare)


class _Proof:
    """That nothing more comes to a client of what clients sent: the PONG to a ping after the PONGs of all others."""

    def __init__(self, peer: Peer, asked: Sequence[tuple[Peer, bytes]]) -> None:
        """`asked`: the others, each with its PONG."""
        self._peer = peer
        self._asked = asked
        self._last = b""

    @classmethod
    def that_nothing_comes(cls, scene: "Scene", peer: Peer) -> "_Proof | None":
        """Begin to prove it by pings; None where none can: somebody has left, or does not read, and may not be done."""
        others = [other for other in scene.peers if other is not peer and not other.is_quiet]
        if not scene.pings_prove or not peer.can_ping or not all(other.can_ping for other in others):
            return None
        return cls(peer, [(other, other.ask()) for other in others])

    def is_there(self) -> bool:
        """Whether the proof is complete."""
        if any(other.awaits(pong) for other, pong in self._asked):
            return False
        if not self._last:
            self._last = self._peer.ask()
        return not self._peer.awaits(self._last)


class Scene(ABC):
    """One check's surroundings, whatever it is that is checked; ended with `close`."""

    def __init__(
        self,
        grammar: Grammar,
        *,
        deadline: float,
        seed: int,
        broken: Mapping[str, str] = standing.ALL_HOLD,
        deadly: Collection[str] = (),
    ) -> None:
        """`deadline`: seconds that the subject has for each thing that it is expected to do.

        `broken`: facts that are known not to hold, the most basic first, and because of what;
        `deadly`: those that end the subject.
        """
        self.grammar = grammar
        self.deadline = deadline
        self.seed = seed
        self.selector: selectors.BaseSelector = selectors.DefaultSelector()
        self.violations: dict[str, str] = {}  # what was seen in passing: requirement, and what came
        self.barrier_used = False
        self.broken = broken
        self.deadly = frozenset(deadly)
        self.used: set[str] = set()  # the requirements that the check has used so far
        self.begin()
        self.patience = deadline * _PATIENCE  # seconds until pings ask whether a line will still come
        self.passed = True  # else nobody knows in which state the check has left the subject
        self.cancelled = False  # set from another thread when the run is interrupted
        self.suffix = f"{_RUN}{next(_numbers)}"  # part of each name, so that no other check uses the same
        self.transcript = Transcript(self.suffix)
        self._tokens = itertools.count(1)
        self._peers: list[Peer] = []

    def begin(self) -> None:
        """Let the time of the check begin, which it has whatever happens."""
        self.end = time.monotonic() + CHECK_FACTOR * self.deadline

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

    def let_show(self) -> None:  # noqa: B027 - a client shows all on its screen
        """Wait until the subject's console has shown what the check has brought about."""

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
        if time.monotonic() > self.end:
            raise Inconclusive(
                f"not through in {CHECK_FACTOR * self.deadline:.0f} s: the subject is too slow for this check"
            )
        if not self.selector.get_map():
            return False
        ready = self.selector.select(max(seconds, 0))
        for key, mask in ready:
            if not key.data.ended:
                key.data.on_ready(mask)
        return bool(ready)

    def wait_for(self, peer: Peer, condition: Callable[[], bool], what: str, *, provable: bool = False) -> None:
        """Return when the condition holds or the peer's connection ended; raise Failed where it will not hold.

        The deadline begins anew whenever something comes on the peer's connection or is taken from it.

        `provable`: what is awaited comes because of a client's line. Then it has come before the PONG to a later ping
        [ORDER-7, ORDER-8], or will not come: no clock is needed, as long as pings can be sent and are answered.
        """
        now = time.monotonic()
        hard, end = now + HARD_FACTOR * self.deadline, now + self.deadline
        doubt = now + self.patience if provable else inf
        proof: _Proof | None = None
        moved = (peer.octets_received, peer.unsent)
        while not condition() and not peer.ended:
            self.pump(min(end, doubt) - time.monotonic())
            now = time.monotonic()
            if moved != (peer.octets_received, peer.unsent):
                moved, end = (peer.octets_received, peer.unsent), now + self.deadline
            if condition() or peer.ended:
                return
            if now > doubt:
                doubt, proof = inf, _Proof.that_nothing_comes(self, peer)
            if proof and proof.is_there():
                failed = Failed(what, peer.waiting() or "nothing, though a later ping was answered")
                failed.silent = not peer.inbox
                raise failed
            if now > min(end, hard):
                waited = f"nothing for {self.deadline:.1f} s"
                if now <= end:
                    waited = f"not in {HARD_FACTOR * self.deadline:.0f} s, although octets came or were taken"
                failed = Failed(what, peer.waiting() or waited)
                failed.timed = True
                raise failed

    def stands_on(self, *requirements: str) -> None:
        """Note what the check uses on its way; raise NotReached where that would end the subject."""
        self.used.update(requirements)
        for one in self.deadly.intersection(requirements):
            raise NotReached(standing.requirement_of(one))

    def needs(self, *requirements: str) -> None:
        """Note it, and raise NotReached where one of them is known not to hold."""
        self.used.update(requirements)
        for one in requirements:
            if one in self.broken:
                raise NotReached(self.broken[one])

    @property
    def pings_prove(self) -> bool:
        """Whether what has not come before a PONG will not come."""
        return not set(standing.BARRIER).intersection(self.broken)

    @property
    def peers(self) -> Sequence[Peer]:
        """All connections of the scene, those too that have ended."""
        return self._peers

    def violates(self, requirement: str, received: str) -> None:
        """Note a violation of a requirement that every line is held against, whatever the check is about."""
        self.violations.setdefault(requirement, received)
