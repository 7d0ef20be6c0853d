"""How several checks look at what comes: whose requirement it is, and the answers to many lines at once."""

import contextlib
from collections.abc import Iterable, Iterator

from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, octets


@contextlib.contextmanager
def citing(requirement: str) -> Iterator[None]:
    """Let what fails within count for a requirement, where it does not name one itself."""
    try:
        yield
    except Failed as failed:
        failed.cites = failed.cites or requirement
        raise


def asks(t: Stage, peer: Peer, pairs: Iterable[tuple[str | bytes, str]]) -> None:
    """Let a client send lines, all at once: to each comes its answer; `...` at its end stands for any words."""
    pairs = list(pairs)
    peer.send(*(line for line, _ in pairs))
    for line, answer in pairs:
        t.transcript.awaits_answer(peer.label, octets(line) + b"\n")
        peer.expect(answer)
