"""The ground: one plain check for each thing that the other checks use on their way. They run first.

Each needs as little as it can, looks at the lines that it is about and passes over all others, and stands after those
checks that it needs. So where one fails, that is what does not hold; and what uses it is not reached. The modules
`ground1_connection` to `ground4_servers` have the checks, in their order; here is what they have in common.
"""

import contextlib
from time import monotonic

from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, like, listed, octets

EVENTS = (b"JOINED", b"LEFT", b"SAID", b"NICK", b"ANNOUNCE")
_PART = 3  # a line that comes late comes within this part of a deadline, or is taken for one that never comes


def came(peer: Peer, *lines: str | bytes) -> list[bytes]:
    """Send lines; return what came until they are done, INFO lines left out."""
    peer.settled()
    peer.send(*lines)
    return peer.settled()


def of(received: list[bytes], *words: bytes) -> list[bytes]:
    """Return the lines that begin with one of these words."""
    return [line for line in received if line.split(b" ")[0] in words]


def no_events(received: list[bytes]) -> list[bytes]:
    """Return the lines that are no events: in the lobby those are another's matter."""
    return [line for line in received if line.split(b" ")[0] not in EVENTS]


def only(peer: Peer, received: list[bytes], *wanted: str | bytes) -> None:
    """Raise Failed unless these lines came, and no other."""
    if len(received) != len(wanted) or not all(map(like, received, wanted)):
        told = listed([octets(line) for line in wanted])
        raise Failed(f"{peer.label} <- {told}", f"{peer.label} <- {listed(received)}")


def once(peer: Peer, received: list[bytes], wanted: bytes) -> None:
    """Raise Failed unless this line came once; which others came is another's matter."""
    if received.count(wanted) != 1:
        raise Failed(f"{peer.label} <- {listed([wanted])}", f"{peer.label} <- {listed(received)}")


def brings(peer: Peer, line: str | bytes, wanted: str | bytes) -> None:
    """Raise Failed unless a client's line brings it this one, once."""
    word = octets(wanted).split(b" ")[0]
    only(peer, of(came(peer, line), word, b"ERROR"), wanted)


def refused(t: Stage, peer: Peer, line: str | bytes, code: str, *, once: bool = False) -> None:
    """Raise Failed unless a client's line brings an ERROR with this code; `once`: and no second one."""
    what = f'{peer.label} <- "ERROR {code} ..."'
    peer.settled()
    peer.send(line)
    pong = peer.ask()
    with contextlib.suppress(Failed):  # what came is looked at
        t.wait_for(peer, lambda: not peer.awaits(pong), what)
    received = peer.take()
    codes = [error.split(b" ")[1:2] for error in of(received, b"ERROR")]
    if [code.encode()] not in codes or any(other != [code.encode()] for other in codes) or (once and len(codes) > 1):
        raise Failed(what, f"{peer.label} <- {listed(received) if received else peer.ending()}")
    if peer.ended:
        raise Failed(f"{peer.label} is served on, whatever the ERROR", peer.ending(), cites="ERR-2")


def alone(t: Stage, label: str = "ann") -> Peer:
    """Return a client in a room of its own, whatever the server answers to that."""
    peer = t.connect(label)
    peer.send(t.room(f"of-{label}"))
    peer.settled()
    return peer


def together(t: Stage, *labels: str) -> list[Peer]:
    """Return clients in one room, whatever they are told of each other."""
    peers = [t.connect(label) for label in labels]
    for peer in peers:
        peer.send(t.room())
        peer.settle()
    for peer in peers:
        peer.settled()
    return peers


def comes_late(t: Stage, peer: Peer, *wanted: str) -> bytes:
    """Wait for a while whether one of these lines still comes; return it, or nothing."""
    end = monotonic() + t.deadline / _PART
    lines = {line.encode() for line in wanted}
    while lines and not lines.intersection(peer.inbox) and (left := end - monotonic()) > 0 and not peer.ended:
        t.pump(left)
    return next(iter(lines.intersection(peer.inbox)), b"")


def missing(t: Stage, peer: Peer, *wanted: str) -> list[str]:
    """Wait until all of these lines have come, or a deadline; return those that have not."""
    with contextlib.suppress(Failed):  # what is missing is returned
        t.wait_for(peer, lambda: all(line.encode() in peer.inbox for line in wanted), "all lines")
    return [line for line in wanted if line.encode() not in peer.inbox]
