"""Each way in which a connection can end, in each state; and that afterwards all is right again."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from conformance.checks.registry import check
from conformance.checks.server.looks import asks
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed

BOM = b"\xef\xbb\xbf"
BREATH = 0.02  # seconds between two looks whether something is so by now
WAYS: dict[str, Callable[[Peer], None]] = {"closes": Peer.close, "resets": Peer.reset, "half-closes": Peer.half_close}
# The octets that a client has sent when its connection ends; {name} and {room} are its own.
IN_LOBBY = {
    "just connected": b"",
    "after a U+FEFF": BOM,
    "in a U+FEFF": BOM[:2],
    "in a first line": b"half",
    "in a first line that is too long": b"x" * 5000,
    "in what can be HTTP": b"GET",
    "in the lobby": b"/nick {name}\n",
    "in the lobby and a line": b"/nick {name}\nhalf",
}
IN_ROOM = {
    "in a room": b"/nick {name}\n{room}\n",
    "in a room and a line": b"/nick {name}\n{room}\nhalf",
    "in a room and a line that is too long": b"/nick {name}\n{room}\n" + b"x" * 5000,
    "in a room again": b"/nick {name}\n/cd {room}\n/cd {room}-2\n/cd {room}\nexi",
}


@dataclass
class Ended:
    """A client that has ended, or is about to: its name, and the reason that others are told, if it was in a room."""

    peer: Peer
    name: str
    end: str

    @property
    def left(self) -> bytes:
        """The events that the members of its room are told."""
        return f"LEFT {self.name} {'exit' if self.end == 'exit' else 'lost'}".encode()


def _answers(peer: Peer) -> int:
    """Return how many answers to `/nick`, and to entering a room, have come."""
    return sum(line.startswith((b"NAME ", b"ROOM ")) for line in peer.inbox)


def in_states(
    t: Stage, states: dict[str, bytes], ends: Iterable[str], room: str, *, settled: bool = True
) -> list[Ended]:
    """Return a client for each state and each end, in that state; `room` can have {number} in it."""
    cases = [(state, end) for state in states for end in ends]
    peers = t.clients(*(f"client{number}" for number in range(1, len(cases) + 1)))
    clients = []
    for number, (peer, (state, end)) in enumerate(zip(peers, cases, strict=True), 1):
        t.transcript.event(peer.label, f"is {state}")
        sent = states[state].replace(b"{name}", t.name(f"Of{number}").encode())
        peer.send_octets(sent.replace(b"{room}", room.replace("{number}", str(number)).encode()))
        clients.append(Ended(peer, t.name(f"Of{number}") if b"{name}" in states[state] else peer.name, end))
    for peer, (state, _) in zip(peers, cases, strict=True):
        if settled:  # each whole line has one answer
            count = states[state].count(b"\n")
            t.wait_for(peer, lambda peer=peer, count=count: _answers(peer) >= count, f"{peer.label} <- {count} answers")  # type: ignore[misc]
    t.give_turn()
    return clients


def _end(clients: Iterable[Ended]) -> None:
    """Let each client end; those that are sent something get it, and the end."""
    for client in clients:
        if client.end == "exit":
            client.peer.send_octets(b"\nexit\n")
        else:
            WAYS[client.end](client.peer)
    for client in clients:
        if client.end == "exit":
            client.peer.expect_last("BYE exit")
        elif client.end == "half-closes":
            client.peer.wait_end()


def until(t: Stage, is_so: Callable[[], bool]) -> bool:
    """Look again and again until something is so; false when the deadline is over."""
    end = time.monotonic() + t.deadline
    while not is_so():
        if time.monotonic() > end:
            return False
        t.pump(BREATH)
    return True


def become_free(t: Stage, heir: Peer, names: Iterable[str]) -> None:
    """All names are free, or become free soon: nothing tells when a client that was in no room has gone."""
    missing = list(names)

    def all_free() -> bool:
        heir.send(*(f"/nick {name}" for name in missing))
        granted = {line.decode("utf-8", "replace").removeprefix("NAME ") for line in heir.settled()}
        missing[:] = [name for name in missing if name not in granted]
        return not missing

    if not until(t, all_free):
        refused = f"{heir.label} <- ERROR name-taken, again and again, for {', '.join(missing[:8])}"
        raise Failed(f"{heir.label} <- NAME {missing[0]}: nobody has it any more", refused)


# ---------------------------------------------------------------- in the lobby


@check("NAME-1", "b74ada0bbafe")
def names_are_free_after_each_end_in_the_lobby(t: Stage) -> None:
    """Wherever a client in the lobby is when it closes, resets or half-closes, its name is free; nobody is told."""
    t.take_turn_if_possible()  # or else somebody else may be given a name that was made up
    (member,) = t.members(t.room(), "member")
    heir = t.connect("heir")
    clients = in_states(t, IN_LOBBY, WAYS, "")
    _end(clients)
    made_up = {client.peer.name for client in clients} if not t.subject.can_start else set()
    become_free(t, heir, (client.name for client in clients if client.name not in made_up))
    t.settle(member)
    if told := member.take():
        raise Failed("member <- nothing of the lobby", f"member <- {listed(told)}", cites="STATE-5")


@check("NAME-9", "8eec46f742bc")
def names_are_free_after_exit_in_the_lobby(t: Stage) -> None:
    """Wherever a client in the lobby is when it sends `exit`, its name is free after its BYE."""
    clients = in_states(t, {state: sent for state, sent in IN_LOBBY.items() if b"{name}" in sent}, ["exit"] * 3, "")
    heir = t.connect("heir")
    _end(clients)
    asks(t, heir, ((f"/nick {client.name}", f"NAME {client.name}") for client in clients))


# ---------------------------------------------------------------- in a room


def _left(t: Stage) -> tuple[str, Peer, list[Ended]]:
    """Let members end in all ways; return their room, a member that was told of each, and those that ended."""
    room = t.room()
    clients = in_states(t, IN_ROOM, [*WAYS, "exit"], room)
    (witness,) = t.members(room, "witness")
    t.quiet(witness)
    _end(clients)
    return room, witness, clients


def _lefts(witness: Peer, clients: list[Ended]) -> list[bytes]:
    """Receive LEFT of each client, in any order; return the lines."""
    lines: list[bytes] = []
    while len(lines) < len(clients):
        line = witness.receive(what=f"{witness.label} <- LEFT for each of {len(clients)}, here {len(lines)}")
        lines += [line] if line.startswith(b"LEFT ") else []
    return lines


@check("LEFT-1", "65126010fee5")
def each_end_in_a_room_is_told(t: Stage) -> None:
    """Wherever a member is when its connection ends, the others get LEFT, once, with the reason lost, or exit."""
    _, witness, clients = _left(t)
    received, wanted = sorted(_lefts(witness, clients)), sorted(client.left for client in clients)
    if received != wanted:
        missing, further = [[one for one in a if one not in b] for a, b in ((wanted, received), (received, wanted))]
        raise Failed(f"witness <- {listed(missing)}, once each", f"witness <- {listed(further or received)}")
    witness.settle()
    if more := [line for line in witness.take() if line.startswith(b"LEFT ")]:
        raise Failed("witness <- no LEFT any more", f"witness <- {listed(more)}", cites="LEFT-2")


@check("NAME-9", "8eec46f742bc")
def names_are_free_after_each_end_in_a_room(t: Stage) -> None:
    """Wherever a member is when its connection ends, its name is free after its LEFT."""
    _, witness, clients = _left(t)
    _lefts(witness, clients)
    asks(t, witness, ((f"/nick {client.name}", f"NAME {client.name}") for client in clients))


@check("WHO-1", "9a3c4ec212d6")
def who_is_right_after_each_end(t: Stage) -> None:
    """Wherever a member is when its connection ends, `/who` does not list it after its LEFT, nor `/rooms` count it."""
    room, witness, clients = _left(t)
    _lefts(witness, clients)
    witness.settled()
    witness.send("/who")
    received = witness.settled()
    wanted = [f"MEMBER {witness.name}".encode(), f"MEMBERS {room} 1".encode()]
    if received != wanted:
        raise Failed(f"witness <- {listed(wanted)}", f"witness <- {listed(received)}")
    if "rooms" in witness.features:
        witness.send("/rooms")
        live = [line for line in witness.settled() if line.startswith(f"LIVE {room} ".encode())]
        if live != [f"LIVE {room} 1".encode()]:
            raise Failed(f"witness <- LIVE {room} 1", f"witness <- {listed(live)}", cites="LIST-1")


@check("LIST-3", "30248024bf4d")
def no_room_is_listed_after_each_end(t: Stage) -> None:
    """Wherever the only member of a room is when its connection ends, the room is not listed any more."""
    watcher = t.connect("watcher")
    mine = f"LIVE {t.room('of')}".encode()
    clients = in_states(t, IN_ROOM, [*WAYS, "exit"], t.room("of") + "-{number}")
    _end(clients)
    listing: list[bytes] = []

    def none_listed() -> bool:
        watcher.send("/rooms")
        listing[:] = [line for line in watcher.settled() if line.startswith(mine)]
        return not listing

    watcher.settled()
    if not until(t, none_listed):
        raise Failed("watcher <- no LIVE line of a room that all have left", f"watcher <- {listed(listing)}")


@check("NAME-9", "8eec46f742bc", needs=("console",))
def names_are_free_after_kick_in_each_state(t: Stage) -> None:
    """Wherever a client is when the operator removes it, its name is free after its BYE, and it is listed no more."""
    server = t.take_turn(terminal=False)
    room = t.room()
    clients = in_states(t, {**IN_LOBBY, **IN_ROOM}, ["kick"], room)
    witness = t.members(room, "witness")[0]
    t.quiet(witness)
    for number, client in enumerate(clients):
        server.say(f"/kick {client.name}")
        client.peer.expect_last("BYE removed")
        if client.peer.ended != "reset":
            list(WAYS.values())[number % len(WAYS)](client.peer)
    asks(t, t.connect("heir"), ((f"/nick {client.name}", f"NAME {client.name}") for client in clients))
    received, members = witness.settled(), clients[len(IN_LOBBY) :]
    if received != (wanted := [f"LEFT {client.name} removed".encode() for client in members]):
        raise Failed(f"witness <- {listed(wanted)}", f"witness <- {listed(received)}", cites="LEFT-2")
