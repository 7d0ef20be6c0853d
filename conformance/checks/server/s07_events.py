"""Section 7, Lines of a server, and 7.1, How leaving is told."""

from collections import Counter

from conformance.checks.registry import check
from conformance.checks.server.tour import tour
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.transcript import shown

ROUNDS = 12


@check("OUT-1", "f21cea9bf525")
def all_lines_match_the_grammar(t: Stage) -> None:
    """Each line that comes back matches the rule server-line, whatever clients send, right or wrong."""
    tour(t)
    tour(t, end=b"\r\n")


@check("OUT-1", "f21cea9bf525", needs=("console",))
def announcements_match_the_grammar(t: Stage) -> None:
    """All that the operator types comes as lines that match the grammar."""
    server = t.take_turn()
    ann, bob = t.members(t.room(), "ann", "bob")
    ann.settled()
    texts = ("hello", "caf\u00e9 \U0001f600", "x" * 1000)
    for text in texts:
        server.say(text)
    for member in (ann, bob):
        member.expect(*["ANNOUNCE ..."] * len(texts))
    server.say(f"/kick {bob.name}")
    bob.expect("BYE removed")


@check("OUT-2", "9b51f1f899d0")
def features_are_named_once(t: Stage) -> None:
    """HELLO names no feature twice, and the same ones on each connection."""
    seen = set()
    for ann in t.clients("ann0", "ann1", "ann2"):
        if len(set(ann.features)) != len(ann.features):
            raise Failed("each feature once", " ".join(ann.features))
        seen.add(frozenset(ann.features))
    if len(seen) != 1:
        raise Failed("the same features on each connection", " / ".join(" ".join(sorted(one)) for one in seen))


@check("OUT-2", "9b51f1f899d0")
def features_are_those_that_there_are(t: Stage) -> None:
    """A feature that clients use stands in HELLO if, and only if, the server knows its command."""
    (ann,) = t.members(t.room(), "ann")
    for feature in ("who", "rooms", "history", "tell"):
        ann.send(f"/{feature}")
        if not (answer := ann.settled()):
            continue  # that there has to be one is another's matter
        known = not answer[0].startswith(b"ERROR unknown-command ")
        if known != (feature in ann.features):
            there = "there" if known else "not there"
            raise Failed(f"{feature} in HELLO if it is there", f"HELLO names {ann.features}; /{feature} is {there}")


@check("OUT-3", "ae124facc889")
def events_reach_members_only(t: Stage) -> None:
    """Entering, words, renames, moves and leaving reach no other room, no lobby, and none who has left."""
    room = t.room()
    ann, bob, moved = t.members(room, "ann", "bob", "moved")
    (far,) = t.members(t.room("far"), "far")
    lobby = t.connect("lobby")
    moved.send(f"/cd {t.room('away')}")
    moved.expect(f"ROOM {t.room('away')}")
    t.quiet(ann, bob)
    cyd = t.connect("cyd")
    cyd.send(f"/cd {room}", "hello", f"/nick {t.name()}", "/say x", f"/cd {t.room('third')}", f"/cd {room}", "exit")
    cyd.wait_end()
    t.quiet(ann, bob)
    t.nothing(far, lobby, moved)
    dan = t.connect("dan")
    t.enter(dan, room, ann, bob)
    dan.reset()
    ann.expect(f"LEFT {dan.name} lost")
    t.nothing(ann, far, lobby, moved)


@check("LEFT-1", "65126010fee5")
def lost_connections_are_told(t: Stage) -> None:
    """End of stream, close, reset, and an end within a line are told with the reason lost, to this room only."""
    room = t.room()
    ways = [(how, rest) for how in (Peer.half_close, Peer.close, Peer.reset) for rest in (b"", b"half a line", b"exit")]
    ann, bob, *clients = t.members(room, "ann", "bob", *(f"cyd{number}" for number in range(len(ways))))
    (far,) = t.members(t.room("far"), "far")
    ann.settled()
    for cyd, (how, rest) in zip(clients, ways, strict=True):
        if rest:
            cyd.send_octets(rest)
        how(cyd)
        for member in (ann, bob):
            member.expect(f"LEFT {cyd.name} lost")
    t.nothing(ann, bob, far)


@check("LEFT-2", "d952468ab7bc")
def one_left_for_each_that_leaves(t: Stage) -> None:
    """When exit, end of stream and reset come at the same time, each member gets one LEFT for each that leaves."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    victims = _victims(t, room, ROUNDS)
    t.quiet(ann, bob)
    for number, victim in enumerate(victims):
        victim.offer(b"exit\n" if number % 3 else b"x\nexit\nexit\n")
        (victim.reset, victim.close, victim.half_close)[number % 3]()
    _one_left_each(t, [ann, bob], victims)


@check("LEFT-2", "d952468ab7bc")
def one_left_for_each_that_moves_and_breaks(t: Stage) -> None:
    """When a move and the end of the connection come at the same time, each room sees one LEFT for each JOINED."""
    old, new = t.room("old"), t.room("new")
    (ann,) = t.members(old, "ann")
    (bob,) = t.members(new, "bob")
    victims = _victims(t, old, ROUNDS)
    t.quiet(ann, bob)
    for number, victim in enumerate(victims):
        victim.offer(f"/cd {new}\n".encode())
        (victim.close, victim.reset)[number % 2]()
    _one_left_each(t, [ann], victims)
    bob.settle()
    joined = [line.decode().split(" ")[1] for line in bob.inbox if line.startswith(b"JOINED ")]
    while sum(line.startswith(b"LEFT ") for line in bob.inbox) < len(joined):
        seen = len(bob.inbox)
        t.wait_for(bob, lambda seen=seen: len(bob.inbox) > seen, "bob <- LEFT for each JOINED")  # type: ignore[misc]
    left = Counter(line.decode().split(" ")[1] for line in bob.settled() if line.startswith(b"LEFT "))
    if left != Counter(joined):
        raise Failed("bob <- one LEFT for each JOINED", f"JOINED {joined}, LEFT {dict(left)}")


@check("LEFT-2", "d952468ab7bc", needs=("console",))
def one_left_for_each_that_is_kicked(t: Stage) -> None:
    """When the operator removes clients that exit and break at the same time, each member gets one LEFT for each."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    victims = _victims(t, room, ROUNDS)
    t.quiet(ann, bob)
    for number, victim in enumerate(victims):
        t.kick(victim.name)
        victim.offer(b"exit\n")
        if number % 3:
            (victim.reset, victim.close)[number % 2]()
    _one_left_each(t, [ann, bob], victims)


@check("LEFT-2", "d952468ab7bc", needs=("console",))
def no_left_at_the_shutdown(t: Stage) -> None:
    """When the server shuts down, BYE alone tells it: no member gets LEFT."""
    server = t.start()
    members = t.members(t.room(), "ann", "bob", "cyd")
    t.quiet(*members)
    server.say("exit")
    for member in members:
        member.wait_end()
        if left := [line for line in member.take() if line.startswith(b"LEFT ")]:
            raise Failed(f"{member.label} <- BYE shutdown, and no LEFT", listed(left))


@check("LEFT-2", "d952468ab7bc", needs=("console",))
def one_left_for_each_that_was_kicked(t: Stage) -> None:
    """When clients that the operator has removed close their side, that is not told once more."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    victims = _victims(t, room, 4)
    t.quiet(ann, bob)
    for victim, how in zip(victims, (Peer.close, Peer.reset, Peer.half_close, Peer.close), strict=True):
        t.kick(victim.name)
        victim.wait_end()
        if victim.ended == "end":
            how(victim)
        t.give_turn()
    _one_left_each(t, [ann, bob], victims)


def _victims(t: Stage, room: str, count: int) -> list[Peer]:
    """Return members with names that nobody gets after them: the operator may name one that has just left."""
    victims = t.clients(*(f"victim{number}" for number in range(count)))
    for victim in victims:
        victim.send(f"/nick {t.name(victim.label)}", f"/cd {room}")
    for victim in victims:
        victim.name = t.name(victim.label)
        victim.expect(f"NAME {victim.name}", f"ROOM {room}")
    t.meet(*victims)
    return victims


def _one_left_each(t: Stage, members: list[Peer], victims: list[Peer]) -> None:
    """Each member gets one LEFT for each victim, in any order; then, after two barriers of all, no more."""
    wanted = Counter(victim.name for victim in victims)
    for member in members:
        left: Counter[str] = Counter()
        while sum(left.values()) < len(victims):
            line = member.receive(what=f"{member.label} <- LEFT for each of {', '.join(wanted - left)}")
            if line.startswith(b"LEFT "):
                left[line.decode().split(" ")[1]] += 1
        if left != wanted:
            raise Failed(f"{member.label} <- one LEFT for each", f"LEFT, and how often: {dict(left)}")
    for _ in range(2):
        t.settle(*members)
        for member in members:
            if more := [line for line in member.take() if line.startswith(b"LEFT ")]:
                raise Failed(f"{member.label} <- one LEFT for each", f"another one: {shown(more[0])}, {listed(more)}")
