"""Sections 9.1 and 9.2: one order for each room, and the barrier."""

from collections.abc import Sequence
from itertools import chain

from conformance.checks.registry import check
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage
from conformance.wire.failure import BarrierBrokenError, Failed
from conformance.wire.peer import Peer, like, listed
from conformance.wire.standing import of_receiving
from conformance.wire.transcript import shown

ROUNDS = 24
ABREAST = 12  # rounds that are played at the same time


@check("ORDER-1", "acb918aece02")
def all_members_see_one_order(t: Stage) -> None:
    """While three speak, rename and a fourth comes and goes, all members see the same events in the same order."""
    room, away = t.room(), t.room("away")
    watcher, *speakers = t.members(room, "watcher", "ann", "bob", "cyd")
    guest = t.connect("guest")
    names = {speaker.label: {speaker.name} for speaker in speakers}
    for number in range(40):
        for speaker in speakers:
            name = t.name(f"{speaker.label}{number}-")
            names[speaker.label].add(name)
            speaker.offer(f"{number} one\n/say {number} two\n/nick {name}\n{number} three\n".encode())
        guest.offer((f"/cd {room}\nguest {number}\n" if number % 2 else f"/cd {away}\n").encode())
        if number % 2:
            t.give_turn()  # else the server may deal with all rounds of one client after the other
    # Without a barrier: what is said when all has come to one has its place after it, for all.
    order: list[bytes] = []
    while sum(line.startswith(b"SAID ") for line in order) < 40 * 3 * len(speakers) + 20:
        order.append(watcher.receive(what="watcher <- all that is said"))
    end = f"SAID {watcher.name} end".encode()
    watcher.send("end")
    for speaker in speakers:
        wanted = [line for line in order if not _own(line, names[speaker.label])]
        _same_order(speaker, _events(_until(speaker, end)), wanted)
    _same_order(guest, _seen_by_guest(_until(guest, end), room), _while_there(order, guest.name))


def _until(peer: Peer, end: bytes) -> list[bytes]:
    """Receive lines up to one, which is left out."""
    lines: list[bytes] = []
    while (line := peer.receive(what=f"{peer.label} <- {shown(end)}")) != end:
        lines.append(line)
    return lines


def _events(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if line.split(b" ")[0] in (b"SAID", b"JOINED", b"LEFT", b"NICK")]


def _own(line: bytes, names: set[str]) -> bool:
    """Whether it is an event that its subject itself does not receive."""
    words = line.decode("utf-8", "replace").split(" ")
    return words[0] in ("JOINED", "LEFT", "NICK") and words[1] in names


def _while_there(order: list[bytes], name: str) -> list[bytes]:
    """Return the events between each JOINED of a name and its next LEFT."""
    there, seen = False, []
    for line in order:
        if line == f"JOINED {name}".encode():
            there = True
        elif line == f"LEFT {name} moved".encode():
            there = False
        elif there:
            seen.append(line)
    return seen


def _seen_by_guest(lines: list[bytes], room: str) -> list[bytes]:
    """Return the events among the lines of one who comes and goes that came while in the room."""
    there, seen = False, []
    for line in lines:
        if line.startswith(b"ROOM "):
            there = line == f"ROOM {room}".encode()
        elif there:
            seen.append(line)
    return _events(seen)


def _same_order(peer: Peer, received: list[bytes], wanted: list[bytes]) -> None:
    for place, want in enumerate(wanted):
        if place >= len(received) or received[place] != want:
            came = shown(received[place]) if place < len(received) else "nothing"
            raise Failed(f"{peer.label} <- {shown(want)}, event {place} in the room's order", f"{peer.label} <- {came}")
    if len(received) > len(wanted):
        raise Failed(f"{peer.label} <- the events that others see", f"also {listed(received[len(wanted) :])}")


@check("ORDER-2", "a76544cbc7a9")
def no_event_of_the_room_that_was_left(t: Stage) -> None:
    """A client that moves between two rooms full of talk receives, after each ROOM, that room's events only."""
    rooms = [t.room("zero"), t.room("one")]
    speakers = [speaker for (speaker,) in t.groups(rooms, "speaker")]
    t.quiet(*speakers)
    ann = t.connect("ann")
    ann.settled()
    for number in range(ROUNDS):
        for place, speaker in enumerate(speakers):
            speaker.offer(f"in {place}\n".encode() * 20)
        ann.offer(f"/cd {rooms[0]}\n/cd {rooms[1]}\n".encode())
        if number % 2:
            t.give_turn()
    t.settle(*speakers, ann)
    present = ""
    for line in ann.settled():
        if line.startswith(b"ROOM "):
            present = line.decode().removeprefix("ROOM ")
        elif present not in rooms or not line.endswith(f" in {rooms.index(present)}".encode()):
            raise Failed(f"events of {present or 'no room'}", shown(line))


@check("ORDER-2", "a76544cbc7a9")
def no_event_from_before(t: Stage) -> None:
    """A client that enters receives nothing of what happened in the room before, neither a history nor who is there."""
    room = t.room()
    bob, cyd = t.members(room, "bob", "cyd")
    bob.send(*(f"old {number}" for number in range(50)), f"/nick {t.name('Bob')}")
    cyd.send("exit")
    cyd.wait_end()
    bob.settled()
    for way in (room, f"/cd {room}"):
        ann = t.connect("ann")
        ann.settled()
        ann.send(way)
        ann.expect(f"ROOM {room}")
        ann.expect_nothing()
        ann.send(f"/cd {t.room('away')}")
        ann.expect(f"ROOM {t.room('away')}")
        bob.settled()


@check("ORDER-3", "8fd0e0e439ba")
def lines_take_effect_in_order(t: Stage) -> None:
    """Many lines of all kinds in one segment are seen by another member in the order in which they were sent."""
    room = t.room()
    bob, ann = t.members(room, "bob", "ann")
    wanted, old = [], ann.name
    lines = []
    for number in range(50):
        name = t.name(f"n{number}-")
        lines += [f"first {number}", f"/nick {name}", f"/say second {number}", f"/cd {t.room('other')}", f"/cd {room}"]
        wanted += [f"SAID {old} first {number}", f"NICK {old} {name}", f"SAID {name} second {number}"]
        wanted += [f"LEFT {name} moved", f"JOINED {name}"]
        old = name
    ann.send(*lines)
    bob.expect(*wanted)


@check("ORDER-4", "e471a0c3e3be")
def answers_come_in_order(t: Stage) -> None:
    """Answers, errors and events that the lines cause come in the order of the lines."""
    room, other = t.room(), t.room("other")
    (ann,) = t.members(room, "ann")
    who = "who" in ann.features
    for number in range(ROUNDS):
        name = t.name(f"n{number}-")
        lines: list[str | bytes] = [
            "hello",
            "/ping 1",
            unknown(t),
            f"/nick {name}",
            b"\xff",
            "/say me",
            "/ping",
            f"/cd {other}",
        ]
        lines += [
            "there",
            "x" * 5000,
            "/ping 2",
            "/nick operator",
            f"/cd {room}",
            "/nick a.b",
            "back",
            "/cd a b",
            "/ping 3",
        ]
        answers = [
            f"SAID {ann.name} hello",
            "PONG 1",
            "ERROR unknown-command ...",
            f"NAME {name}",
            "ERROR bad-text ...",
        ]
        answers += [
            f"SAID {name} me",
            "ERROR bad-argument ...",
            f"ROOM {other}",
            f"SAID {name} there",
            "ERROR too-long ...",
        ]
        answers += ["PONG 2", "ERROR name-taken ...", f"ROOM {room}", "ERROR bad-name ...", f"SAID {name} back"]
        answers += ["ERROR bad-room ...", "PONG 3"]
        if who:
            lines += ["/who", "/ping 4"]
            answers += [f"MEMBER {name}", f"MEMBERS {room} 1", "PONG 4"]
        ann.send(*lines)
        ann.expect(*answers)
        ann.name = name


@check("ORDER-5", "4580deb93f00")
def moves_are_seen_whole(t: Stage) -> None:
    """Of one who moves 100 times and speaks in between, each room sees JOINED, the words said there, and LEFT."""
    rooms = [t.room("zero"), t.room("one")]
    watchers = [watcher for (watcher,) in t.groups(rooms, "watcher")]
    ann = t.connect("ann")
    wanted: list[list[str]] = [[], []]
    lines, answers = [], []
    for number in range(100):
        place = number % 2
        lines += [f"/cd {rooms[place]}", f"in {place}"]
        answers += [f"ROOM {rooms[place]}", f"SAID {ann.name} in {place}"]
        wanted[place] += [f"JOINED {ann.name}", f"SAID {ann.name} in {place}", f"LEFT {ann.name} moved"]
    ann.send(*lines)
    ann.expect(*answers)
    wanted[1].pop()  # where ann stays
    for place, watcher in enumerate(watchers):
        watcher.expect(*wanted[place])


@check("ORDER-5", "4580deb93f00", needs=("rooms",))
def who_moves_is_counted_once(t: Stage) -> None:
    """While five move between two rooms, the numbers of `/rooms` always add up to all of them and those who stay."""
    rooms = [t.room("zero"), t.room("one")]
    t.groups(rooms, "watcher")
    movers = t.members(rooms[0], *(f"mover{number}" for number in range(5)))
    cyd = t.connect("cyd")
    for _ in range(ROUNDS):
        for number, mover in enumerate(movers):
            mover.offer(f"/cd {rooms[1 - number % 2]}\n/cd {rooms[number % 2]}\n".encode() * 3)
        cyd.offer(b"/rooms\n" * 3)
        t.give_turn()
    for peer in (*movers, cyd):
        peer.round_trip()  # no proof that all has come: each answer that has is looked at by itself
    _adds_up(cyd.take(), rooms, len(movers) + 2)


def _adds_up(lines: list[bytes], rooms: list[str], total: int) -> None:
    """Hold each answer to `/rooms` among the lines against the number of all clients in the rooms."""
    answers, count, answer = 0, 0, []
    for line in lines:
        words = line.decode("utf-8", "replace").split(" ")
        answer.append(line)
        if words[0] == "LIVE" and words[1] in rooms:
            count += int(words[2])
        elif words[0] == "ROOMS":
            if count != total:
                raise Failed(f"{total} members in {' and '.join(rooms)}", f"{count}: {listed(answer)}")
            answers, count, answer = answers + 1, 0, []
    if answers != 3 * ROUNDS:
        raise Failed(f"{3 * ROUNDS} answers to /rooms", str(answers))


@check("ORDER-6", "9a95eef2b109")
def ping_in_every_state(t: Stage) -> None:
    """A ping is answered as the very first line, in the lobby, in a room, after a move, and after errors."""
    ann = t.dial("ann")
    ann.send("/ping first")
    t.greet(ann)
    ann.expect("PONG first")
    for line in (
        f"/nick {t.name()}",
        "/say x",
        "no room",
        t.room(),
        f"/cd {t.room('other')}",
        "hi",
        "/nick -",
        b"\xff",
    ):
        ann.send(line, "/ping next")
        while (received := ann.receive(what="PONG next")) != b"PONG next":
            if received.startswith(b"PONG"):
                raise Failed("PONG next", shown(received))


@check("ORDER-7", "e5e7cfbfb58c")
def pong_stands_in_order(t: Stage) -> None:
    """In one segment of lines and pings, each PONG stands after what came before it and before what follows."""
    clients = t.clients(*(f"ann{number}" for number in range(ROUNDS)))
    for ann in clients:
        room, other = t.room(f"of-{ann.label}"), t.room(f"other-of-{ann.label}")
        name = t.name(ann.label)
        ann.send("/ping 1", f"/nick {name}", "/ping 2", room, "/ping 3", "a", "/ping 4", f"/cd {other}", "/ping 5", "b")
        ann.send("/ping 6", unknown(t), "/ping 7", b"\xff", "/ping 8", "exit", "/ping 9")
    for ann in clients:
        room, other = t.room(f"of-{ann.label}"), t.room(f"other-of-{ann.label}")
        name = t.name(ann.label)
        answers = [f"NAME {name}", f"ROOM {room}", f"SAID {name} a", f"ROOM {other}", f"SAID {name} b"]
        answers += ["ERROR unknown-command ...", "ERROR bad-text ...", "BYE exit"]
        _pongs_in_place(ann, answers)


def _pongs_in_place(ann: Peer, answers: list[str]) -> None:
    """Receive as many pongs as there are answers, of which each stands after the pong of its number.

    A line that is missing altogether, or comes twice, is not the matter; what stands at a wrong place is.
    """
    for number in range(1, len(answers) + 1):
        pong = f"PONG {number}"
        while not (line := ann.receive(what=f"{ann.label} <- {pong}")).startswith(b"PONG "):
            places = [place for place, answer in enumerate(answers, 1) if like(line, answer)]
            if places and number - 1 not in places:
                side = "behind" if places[0] >= number else "before"
                raise BarrierBrokenError(f"{shown(line)} {side} {pong}", "it stands at the other side")
        if line != pong.encode():
            raise BarrierBrokenError(f"{ann.label} <- {pong}", f"{ann.label} <- {shown(line)}")


@check("ORDER-8", "747fd63dede8")
def the_barrier_holds_for_others(t: Stage) -> None:
    """All that A's lines bring B has come to B before the PONG to a ping that B sends when A has its PONG."""
    rooms = [t.room(f"main{number}") for number in range(ABREAST)]
    others = [t.room(f"other{number}") for number in range(ABREAST)]
    pairs, witnesses = t.groups(rooms, "ann", "bob"), t.groups(others, "cyd")
    t.quiet(*chain(*pairs, *witnesses))
    for number in range(ROUNDS // ABREAST):
        plays = [
            _lines_and_witnesses(ann, bob, cyd, t.name(f"b{place}-{number}-"), room, other)
            for place, ((ann, bob), (cyd,), room, other) in enumerate(zip(pairs, witnesses, rooms, others, strict=True))
        ]
        for steps in zip(*plays, strict=True):
            _each_is_witnessed(t, [ann for ann, _ in pairs], steps)
        for place, (ann, _) in enumerate(pairs):
            ann.name = t.name(f"b{place}-{number}-")
        t.settle(*chain(*witnesses))
        for (cyd,) in witnesses:
            cyd.take()


_Seen = tuple[str, Peer, str]  # a line, another client that receives something because of it, and what


def _lines_and_witnesses(ann: Peer, bob: Peer, cyd: Peer, name: str, room: str, other: str) -> list[_Seen]:
    """Return each line of Ann, the client that witnesses it, and what that client receives."""
    return [
        ("a word", bob, f"SAID {ann.name} a word"),
        (f"/nick {name}", bob, f"NICK {ann.name} {name}"),
        (f"/cd {other}", bob, f"LEFT {name} moved"),
        ("/say there", cyd, f"SAID {name} there"),
        (f"/cd {room}", bob, f"JOINED {name}"),
    ]


def _each_is_witnessed(t: Stage, actors: list[Peer], steps: Sequence[_Seen]) -> None:
    """Let each actor send a line; its witness sends a ping when the actor has its PONG, and has the event by then."""
    pongs = []
    for ann, (line, _, _) in zip(actors, steps, strict=True):
        ann.send(line)
        pongs.append(ann.ping())
    for ann, pong, (_, witness, _) in zip(actors, pongs, steps, strict=True):
        ann.await_pong(pong)
        witness.send("/ping seen")
    for _, witness, event in steps:
        try:
            before = _until(witness, b"PONG seen")
        except Failed as failed:
            raise BarrierBrokenError(failed.expected, failed.received) from failed
        if event.encode() not in before:
            _came_late(t, witness, event.encode())


def _came_late(t: Stage, witness: Peer, event: bytes) -> None:
    """Raise BarrierBrokenError where the event comes after the PONG.

    Where it never comes, raise Failed with the requirement that asks for it: that is not the barrier's matter.
    """
    try:
        t.wait_for(witness, lambda: event in witness.inbox, shown(event))
    except Failed as failed:
        failed.asks, failed.preparing = of_receiving(event)[0], True
        raise
    raise BarrierBrokenError(f"{witness.label} <- {shown(event)} before its PONG", "it came after the PONG")


@check("ORDER-9", "953e011217e2")
def bye_is_as_good_as_a_pong(t: Stage) -> None:
    """A client that pings after another's BYE has, before the PONG, all that its last lines brought, LEFT included."""
    pairs = t.groups([t.room(f"main{number}") for number in range(ROUNDS)], "ann", "bob")
    for ann, _ in pairs:
        ann.send("last words", "exit")
    t.barrier_used = True
    for ann, bob in pairs:
        ann.expect(f"SAID {ann.name} last words", "BYE exit")
        bob.send("/ping seen")
    for ann, bob in pairs:
        received = _until(bob, b"PONG seen")
        wanted = [f"SAID {ann.name} last words".encode(), f"LEFT {ann.name} exit".encode()]
        if received != wanted:
            raise Failed(f"{bob.label} <- {listed(wanted)}", f"{bob.label} <- {listed(received)}")
