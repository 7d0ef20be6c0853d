"""Section 8.2: each way in which a client can end frees its place on a server that is full, and no other place."""

import time
from collections.abc import Iterable

from conformance.checks.registry import check
from conformance.checks.server.looks import asks
from conformance.checks.server.s02_ends import BOM, IN_LOBBY, IN_ROOM, WAYS
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.transcript import shown

CHOOSE_SECONDS = 1
FOREIGN = {"HTTP": b"GET / HTTP/1.1\r\n\r\n", "HTTP after U+FEFF": BOM + b"POST ", "TLS": b"\x16\x03\x01"}


class Places:
    """The only place on a server that serves one client at once."""

    def __init__(self, t: Stage) -> None:
        self._t = t
        self._number = 0

    def take(self) -> Peer:
        """Return a client that is served, as soon as the place is free; raise Failed where it stays taken."""
        end = time.monotonic() + self._t.deadline
        while True:
            peer, line = self._come()
            if line.startswith(b"NAME "):
                peer.name = line.decode().removeprefix("NAME ")
                return peer
            if time.monotonic() > end:
                raise Failed("NAME for a new client, as soon as the place is free", f"{peer.label} <- {shown(line)}")
            self._send_away(peer)

    def is_taken(self) -> None:
        """Another client gets BYE full, however it goes then; raise Failed where it is served."""
        peer, line = self._come()
        if line != b"BYE full":
            expected = f"{peer.label} <- BYE full: one is served, and no more can be"
            raise Failed(expected, f"{peer.label} <- {shown(line)}", cites="BYE-4")
        self._send_away(peer)

    def _come(self) -> tuple[Peer, bytes]:
        self._number += 1
        self._t.stands_on("BYE-4")  # whoever is not served has to be told so
        peer = self._t.dial(f"client{self._number}")
        peer.receive(info=True, what=f"{peer.label} <- HELLO")
        return peer, peer.receive(info=True, what=f"{peer.label} <- NAME or BYE full")

    def _send_away(self, peer: Peer) -> None:
        """End a client that was not served, each in another way."""
        if self._number % 4 == 0:
            peer.send("exit")
            peer.wait_end()
        if peer.ended != "reset":
            list(WAYS.values())[self._number % 3](peer)


def _has_entered(client: Peer) -> bool:
    return any(line.startswith(b"ROOM ") for line in client.inbox)


def _places(t: Stage, cases: Iterable[tuple[str, bytes, str]]) -> None:
    """Let one client after the other take the only place, and end, as these states and ends say; then the next one."""
    t.start(clients=1, terminal=False)
    places = Places(t)
    for state, sent, end in cases:
        client = places.take()
        places.is_taken()
        t.transcript.event(client.label, f"is {state}, and is ended by: {end}")
        client.send_octets(sent.replace(b"{name}", t.name().encode()).replace(b"{room}", t.room().encode()))
        if sent in IN_ROOM.values():
            t.wait_for(client, lambda client=client: _has_entered(client), f"{client.label} <- ROOM")  # type: ignore[misc]
        if end in WAYS:
            WAYS[end](client)
            continue
        if end == "kick":
            t.kick(t.name() if b"{name}" in sent else client.name)
        elif end == "exit":
            client.send_octets(b"\nexit\n" if sent else b"exit\nexit\n")
        client.wait_end()
        if client.ended != "reset":
            list(WAYS.values())[len(state) % 3](client)  # whoever ended it first, it is ended once
    places.take()
    places.is_taken()


@check("BYE-5", "9b613546255d")
def a_place_is_free_after_each_end(t: Stage) -> None:
    """Wherever a client is when it ends its connection, or the server does, the next one is served in its place."""
    foreign = {word: sent for word, sent in FOREIGN.items() if word != "TLS" or not t.subject.tls}
    cases = [(state, sent, end) for state, sent in {**IN_LOBBY, **IN_ROOM}.items() for end in WAYS]
    _places(t, [*cases, *((word, sent, "the server") for word, sent in foreign.items())])


@check("BYE-4", "992d5ec8bb1c")
def an_end_frees_one_place(t: Stage) -> None:
    """After a client has left by `exit`, or was removed, and then closes, one place is free, and no more."""
    states = {"just connected": b"", **{state: IN_ROOM[state] for state in ("in a room", "in a room and a line")}}
    ends = ["exit", *(["kick"] if t.subject.console == "yes" else [])]
    _places(t, [(state, sent, end) for state, sent in states.items() for end in ends])


@check("BYE-5", "9b613546255d", needs=("choose-limit",), slow=3)
def a_place_is_free_after_bye_idle(t: Stage) -> None:
    """A client that did not choose a room in time leaves its place and its name, each time, in an empty server too."""
    t.start(clients=2, seconds=CHOOSE_SECONDS)
    t.deadline += CHOOSE_SECONDS
    names: list[str] = []
    for number in range(2):
        clients = [Places(t).take() for _ in range(2)]
        if names:
            asks(t, clients[0], ((f"/nick {name}", f"NAME {name}") for name in names))
        names = [t.name(f"Idle{number}-{place}") for place in range(2)]
        for client, name in zip(clients, names, strict=True):
            client.send(f"/nick {name}")
        clients[1].send_octets(b"half")
        for client, end in zip(clients, (Peer.close, Peer.half_close), strict=True):
            client.wait_end()
            if (last := client.take()[-1:]) != [b"BYE idle"]:
                raise Failed(f"{client.label} <- BYE idle", f"{client.label} <- {listed(last)}", cites="BYE-7")
            if client.ended != "reset":
                end(client)
    Places(t).take()
