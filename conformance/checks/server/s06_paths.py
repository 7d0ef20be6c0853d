"""Each way to the same effect: what holds for one way holds for all of them."""

from conformance.checks.registry import check
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed

SMALL = 4096  # octets of a receive buffer, so that what is not read waits at the server
TEXT = "x" * 3900
WAITING = 60  # such texts, that wait for one who does not read: less than every server lets wait


def _ways(t: Stage, room: str) -> dict[str, list[str]]:
    """Return the lines with which a client comes from the lobby into a room, by what the way is called."""
    other = t.room("other")
    return {
        "bare": [room],
        "bare-capitals": [room.upper()],
        "bare-named": [f"/nick {t.name('Named')}", room],
        "cd": [f"/cd {room}"],
        "cd-capitals": [f"/cd {room.upper()}"],
        "moved": [other, f"/cd {room}"],
        "moved-capitals": [f"/cd {other}", f"/cd {room.upper()}"],
        "refused": ["no room", "/cd no room", room],
        "asked-again": [room, f"/cd {room.upper()}", room.upper()],
    }


def _enter(t: Stage, room: str) -> list[Peer]:
    """Return clients that have entered a room, each in another way, and a first one; all told all others of it."""
    members = t.members(room, "first")
    for label, lines in _ways(t, room).items():
        peer = t.connect(label)
        peer.send(*lines)
        received = peer.settled()
        if f"ROOM {room}".encode() not in received:
            raise Failed(f"{label} <- ROOM {room}", f"{label} <- {listed(received)}", cites="ROOM-1")
        names = [line.decode().removeprefix("NAME ") for line in received if line.startswith(b"NAME ")]
        peer.name = names[-1] if names else peer.name
        said = [f"SAID {peer.name} {room.upper()}"] if label == "asked-again" else []
        _all_get(t, members, f"JOINED {peer.name}", *said, cites="ROOM-2")
        members.append(peer)
    return members


def _all_get(t: Stage, peers: list[Peer], *wanted: str, cites: str) -> None:
    """All peers have received these lines and nothing else when they settle; raise Failed, of `cites`, if not."""
    t.settle(*peers)
    for peer in peers:
        if (lines := peer.take()) != [line.encode() for line in wanted]:
            raise Failed(f"{peer.label} <- {', '.join(wanted)}", f"{peer.label} <- {listed(lines)}", cites=cites)


@check("ROOM-2", "d56f52ed3b48")
def whoever_enters_is_a_member_like_others(t: Stage) -> None:
    """By `/cd` or without it, first or later, in small letters or capitals: all are told of it, and told all."""
    room = t.room()
    members = _enter(t, room)
    names = {f"MEMBER {member.name}".encode() for member in members}
    asker = members[0]
    for feature, wanted, cites in (
        ("who", [*names, f"MEMBERS {room} {len(members)}".encode()], "WHO-1"),
        ("rooms", [f"LIVE {room} {len(members)}".encode()], "LIST-1"),
    ):
        if feature in asker.features:
            asker.send(f"/{feature}")
            if missing := set(wanted).difference(received := asker.settled()):
                raise Failed(f"{asker.label} <- {listed(sorted(missing))}", listed(received), cites=cites)
    while len(members) > 1:
        actor, others = members[-1], members[:-1]
        for line, text, cites in (("bare", "bare", "SAY-2"), ("/say said", "said", "SAY-4")):
            actor.send(line)
            actor.settle()  # then the barrier of the others is one of this line, too
            _all_get(t, [actor, *others], f"SAID {actor.name} {text}", cites=cites)
        by_exit = len(members) % 2 == 0
        actor.send("exit" if by_exit else f"/cd {t.room('away')}")
        actor.settle() if not by_exit else actor.wait_end()
        reason, cites = ("exit", "EXIT-2") if by_exit else ("moved", "ROOM-3")
        _all_get(t, others, f"LEFT {actor.name} {reason}", cites=cites)
        members.pop()


@check("OPER-1", "297da2fc6825")
def announcements_reach_whoever_entered(t: Stage) -> None:
    """By `/cd` or without it, first or later, in small letters or capitals: all who are in a room hear the operator."""
    server = t.take_turn()
    members = _enter(t, t.room())
    lobby = t.clients("fresh", "named")
    t.rename(lobby[1], t.name("Lobby"))
    server.say("Maintenance at noon.")
    for member in members:
        member.expect("ANNOUNCE Maintenance at noon.")
    t.nothing(*members, *lobby)


@check("STATE-4", "c3e33b25608b")
def nothing_reaches_the_lobby_by_any_way(t: Stage) -> None:
    """Whichever line brings an event, and whatever one who is in the lobby sent before: it does not come there."""
    room = t.room()
    lobby = t.clients("fresh", "named", "refused", "asked")
    lobby[1].send(f"/nick {t.name('Lobby')}")
    lobby[2].send("no room", "/cd", f"/say {room}")
    lobby[3].send("/ping x", "/help", "/rooms", "")
    t.quiet(*lobby)
    members = _enter(t, room)
    actor = members[-1]
    actor.send("bare", "/say said", "/say  /cd x", f"/nick {t.name('A')}", f"/nick {t.name('a')}")
    actor.send(f"/cd {t.room('away')}", "alone", "/say alone", f"/cd {room}", "exit")
    actor.wait_end()
    for leaving, how in zip(members[1:4], (Peer.half_close, Peer.close, Peer.reset), strict=True):
        how(leaving)
    while sum(line.endswith(b" lost") for line in members[0].inbox) < 3:
        seen = len(members[0].inbox)
        t.wait_for(members[0], lambda seen=seen: len(members[0].inbox) > seen, "first <- LEFT ... lost")  # type: ignore[misc]
    t.settle(members[0])
    for peer in lobby:
        peer.expect_nothing()


@check("OPER-4", "7321f6062feb", slow=2)
def kick_removes_in_every_state(t: Stage) -> None:
    """A client that is idle, in the middle of a line, renamed, moved or reads nothing is removed, not lost."""
    server = t.take_turn(terminal=False)
    room = t.room()
    (ann,) = t.members(room, "ann")
    labels = ("idle", "half-a-line", "renamed", "moved", "asks-and-does-not-read", "does-not-read")
    victims = [t.connect(label, receive_buffer=SMALL) for label in labels]
    for victim in victims:
        t.enter(victim, room)
    _, half, renamed, moved, asking, deaf = victims
    half.send_octets(b"half a line")
    renamed.send(f"/nick {t.name('Renamed')}", f"/nick {t.name('RENAMED')}")
    moved.send(f"/cd {t.room('away')}", f"/cd {room}")
    t.settle(renamed, moved)
    renamed.name = t.name("RENAMED")
    asking.stall()
    deaf.stall()
    for _ in range(WAITING):
        ann.send(TEXT)
        ann.settle()
    # Only now: its answers and the texts together could be more than a server has to let wait [FLOW-4].
    asking.offer(b"".join(b"/ping %d %s\n" % (number, TEXT.encode()) for number in range(4 * WAITING)))
    ann.take()
    for victim in victims:
        server.say(f"/kick {victim.name.swapcase()}")
        ann.expect(f"LEFT {victim.name} removed")
        ann.send(f"/nick {victim.name}")
        ann.expect(f"NAME {victim.name}")
    ann.expect_nothing()
    for victim in victims:
        victim.stall(stalled=False)
        victim.expect_last("BYE removed")
