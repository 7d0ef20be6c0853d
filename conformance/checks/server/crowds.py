"""Many clients side by side, for what holds for a few and may not hold for many."""

from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.transcript import shown

SIZES = (17, 33, 65, 90)  # more than usual sizes of pages and buffers; a server serves 100 clients at least
OF_OTHERS = (17, 33)  # on a server that others use at the same time
BEYOND_AN_OCTET = 257


def sizes(t: Stage) -> tuple[int, ...]:
    """Return how many clients there can be, step by step: fewer on a server that other checks use too."""
    return SIZES if t.alone else OF_OTHERS


def crowd(t: Stage, *rooms: str, label: str = "member") -> list[Peer]:
    """Return a client in each of these rooms, of which several can be the same; they are not yet settled."""
    peers = [t.dial(f"{label}{number}") for number in range(len(rooms))]
    for peer, room in zip(peers, rooms, strict=True):
        peer.send(f"/cd {room}")
    for peer, room in zip(peers, rooms, strict=True):
        t.greet(peer)
        peer.expect(f"ROOM {room}")
    return peers


def answers_in_order(peer: Peer, item: bytes, end: bytes, but: bytes) -> tuple[list[bytes], list[list[bytes]]]:
    """Return all lines that a settled peer received, with each list as its last line alone; and all lists.

    `item`, `end`: the first words of a list's lines and of its last line; `but`: the beginning of lines to pass over.
    Raises Failed where another line, INFO too, stands within a list.
    """
    order: list[bytes] = []
    lists: list[list[bytes]] = [[]]
    for line in peer.inbox:
        word = line.split(b" ")[0]
        if word == item:
            lists[-1].append(line)
        elif word == end:
            order.append(line)
            lists.append([])
        elif lists[-1]:
            expected = f"{peer.label} <- {item.decode()} lines that follow each other up to {end.decode()}"
            raise Failed(expected, f"{shown(line)} after {len(lists[-1])} of them")
        elif not line.startswith((b"INFO ", but)):
            order.append(line)
    if lists.pop():
        raise Failed(f"{peer.label} <- {end.decode()} after the last list", f"{peer.label} <- nothing more")
    peer.inbox.clear()
    return order, lists


def all_get(peers: list[Peer], wanted: str, cites: str = "") -> None:
    """All peers receive this line, once, as soon as they settle; raise Failed, of `cites`, where one does not."""
    for peer in peers:
        if (lines := peer.take()) != [wanted.encode()]:
            told = f"{peer.label}, one of {len(peers)}, <- {shown(wanted.encode())}"
            raise Failed(told, f"{peer.label} <- {listed(lines)}", cites=cites)
