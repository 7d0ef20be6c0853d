"""Section 11, Features."""

import time

from conformance.checks.registry import check
from conformance.stage.server import Stage, skip
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer
from conformance.wire.transcript import shown

ROUNDS = 30


@check("FEAT-1", "64b734f35546", ground=3)
def features_that_are_not_there(t: Stage) -> None:
    """The commands of features that HELLO does not name are unknown commands."""
    (ann,) = t.members(t.room(), "ann")
    cyd = t.connect("cyd")
    absent = [feature for feature in ("who", "rooms", "history", "tell", "password") if feature not in ann.features]
    if not absent:
        raise skip("the server has all features")
    for client in (ann, cyd):
        t.refused(client, "unknown-command", [f"/{feature}{rest}" for feature in absent for rest in ("", " x")])


@check("WHO-1", "9a3c4ec212d6")
def who_lists_the_members(t: Stage) -> None:
    """`/who` lists each member of the room, the asker too, and their number; of one, of several, after changes."""
    room = t.room()
    (ann,) = t.members(room, "ann")
    t.members(t.room("far"), "far")
    t.connect("lobby")
    _who(ann, room, ann)
    others = t.clients(*(f"other{number}" for number in range(11)))
    for number, other in enumerate(others):
        t.enter(other, room, ann, *others[:number])
    _who(ann, room, ann, *others)
    others[0].send(f"/cd {t.room('away')}")
    others[0].expect(f"ROOM {t.room('away')}")
    others[1].send("exit")
    others[1].wait_end()
    others[2].settled()
    t.rename(others[2], t.name())
    ann.settled()
    _who(ann, room, ann, *others[2:])


def _who(asker: Peer, room: str, *members: Peer) -> None:
    asker.send("/who")
    asker.expect_any_order(*(f"MEMBER {member.name}" for member in members))
    asker.expect(f"MEMBERS {room} {len(members)}")


@check("WHO-2", "0879259a6d96")
def who_agrees_with_the_events(t: Stage) -> None:
    """While others come, go and are renamed, each answer is contiguous and as the events before it say."""
    room, away = t.room(), t.room("away")
    asker, stays = t.members(room, "asker", "stays")
    asker.settled()
    movers = t.clients("mover0", "mover1", "mover2")
    for number in range(ROUNDS):
        for mover in movers:
            name = t.name(f"{mover.label}-{number}-")
            stays_over = (number + movers.index(mover)) % 2
            mover.offer((f"/cd {room}\n/nick {name}\nhello\n" if stays_over else f"/cd {away}\n").encode())
        asker.offer(b"/who\n" * 4)
        t.give_turn()  # else the server may deal with all rounds of one client after the other
    t.settle(*movers)
    asker.settle()
    present, answers, block = {asker.name, stays.name}, 0, []
    for line in asker.inbox:  # INFO lines too: nothing stands between
        words = line.decode("utf-8", "replace").split(" ")
        if words[0] == "MEMBER":
            block.append(words[1])
        elif words[0] == "MEMBERS":
            if sorted(block) != sorted(present) or words[1:] != [room, str(len(present))]:
                raise Failed(f"MEMBER lines for {sorted(present)}", f"for {sorted(block)}, then {shown(line)}")
            answers, block = answers + 1, []
        elif block:
            raise Failed("MEMBER lines that follow each other up to MEMBERS", f"{shown(line)} among them")
        else:
            _follow(present, words)
    if answers != 4 * ROUNDS:
        raise Failed(f"{4 * ROUNDS} answers to /who", str(answers))


def _follow(present: set[str], words: list[str]) -> None:
    """Change the set of those present as an event says."""
    if words[0] == "JOINED":
        present.add(words[1])
    elif words[0] == "LEFT":
        present.discard(words[1])
    elif words[0] == "NICK":
        present.discard(words[1])
        present.add(words[2])


@check("WHO-3", "2c7e590cd4aa")
def who_in_the_lobby(t: Stage) -> None:
    """`/who` in the lobby is refused with no-room."""
    cyd = t.connect("cyd")
    cyd.send("/who")
    cyd.expect_error("no-room")
    cyd.expect_nothing()


@check("WHO-4", "0c73d771544a")
def who_takes_no_argument(t: Stage) -> None:
    """`/who` and a blank, whatever comes after, is refused with bad-argument, in a room and in the lobby."""
    room = t.room()
    ann, cyd = t.members(room, "ann")[0], t.connect("cyd")
    for client in (ann, cyd):
        t.refused(client, "bad-argument", ["/who ", "/who x", f"/who {room}", "/who  ", "/who \u00e9"])


@check("LIST-1", "1f7830676a92")
def rooms_lists_all_rooms(t: Stage) -> None:
    """`/rooms`, in a room and in the lobby, lists each room with its number, and how many lines these are."""
    rooms = {t.room("one"): 1, t.room("two"): 2, t.room("eleven"): 11}
    clients: list[Peer] = []
    for room, count in rooms.items():
        clients += t.members(room, *(f"{room}-{number}" for number in range(count)))
    for asker in (clients[0], t.connect("lobby")):
        live = _rooms(asker)
        for room, count in rooms.items():
            if live.get(room) != count:
                raise Failed(f"{asker.label} <- LIVE {room} {count}", f"{live.get(room, 'no such line')}")


def _rooms(asker: Peer) -> dict[str, int]:
    """Ask for the rooms; hold the answer's form against itself, and return it."""
    asker.settled()
    asker.send("/rooms")
    live: dict[str, int] = {}
    number = 0
    while (line := asker.receive(what=f"{asker.label} <- LIVE or ROOMS")).startswith(b"LIVE "):
        _, room, count = line.decode("utf-8", "replace").split(" ")
        live[room] = int(count)
        number += 1
    if line != f"ROOMS {number}".encode() or len(live) != number:
        raise Failed(f"{asker.label} <- ROOMS {number}, after {number} LIVE lines of different rooms", shown(line))
    return live


@check("LIST-2", "f5d63d66068d")
def rooms_describes_one_moment(t: Stage) -> None:
    """While three move to and fro without pause, each answer is contiguous, and counts each of them once."""
    rooms = [t.room("zero"), t.room("one"), t.room("two")]
    asker = t.members(rooms[0], "asker")[0]
    movers = t.members(rooms[1], "mover0", "mover1", "mover2")
    t.quiet(asker, *movers)
    for number in range(ROUNDS):
        for place, mover in enumerate(movers):
            mover.offer("".join(f"/cd {rooms[(number + place + step) % 3]}\nhi\n" for step in range(3)).encode())
        asker.offer(b"/rooms\n" * 4)
        t.give_turn()
    t.settle(*movers)
    answers, live = 0, dict[str, int]()
    began = False
    asker.settle()
    for line in asker.inbox:  # INFO lines too: nothing stands between
        words = line.decode("utf-8", "replace").split(" ")
        if words[0] == "LIVE":
            began = True
            if words[1] in rooms:
                live[words[1]] = int(words[2])
        elif words[0] == "ROOMS":
            if sum(live.values()) != len(movers) + 1:
                raise Failed(f"{len(movers) + 1} clients in the rooms", f"{live}")
            answers, live, began = answers + 1, {}, False
        elif began:
            raise Failed("LIVE lines that follow each other up to ROOMS", f"{shown(line)} among them")
    if answers != 4 * ROUNDS:
        raise Failed(f"{4 * ROUNDS} answers to /rooms", str(answers))


@check("LIST-3", "30248024bf4d")
def empty_rooms_are_not_listed(t: Stage) -> None:
    """A room whose last member moved away, exited or was lost is not listed."""
    bob = t.connect("bob")
    for how in ("moved", "exit", "lost"):
        room = t.room(how)
        (ann,) = t.members(room, "ann")
        watcher = t.members(room, "watcher")[0]
        ann.expect(f"JOINED {watcher.name}")
        if _rooms(bob).get(room) != 2:
            raise Failed(f"bob <- LIVE {room} 2", "no such line")
        watcher.send("exit")
        watcher.expect("BYE exit")
        if how == "moved":
            ann.send(f"/cd {t.room('away')}")
            ann.settle()
        elif how == "exit":
            ann.send("exit")
            ann.wait_end()
        else:
            ann.half_close()
            ann.wait_end()
            _is_left(t, bob, room)
        if room in (live := _rooms(bob)):
            raise Failed(f"bob <- no LIVE line of {room}", f"LIVE {room} {live[room]}")


def _is_left(t: Stage, bob: Peer, room: str) -> None:
    """Ask until a room is not listed, or the deadline is over: nothing tells when one who is lost has left a room."""
    end = time.monotonic() + t.deadline
    while room in _rooms(bob) and time.monotonic() < end:
        pass


@check("LIST-4", "6681ff84820d")
def rooms_takes_no_argument(t: Stage) -> None:
    """`/rooms` and a blank, whatever comes after, is refused with bad-argument, in a room and in the lobby."""
    ann, cyd = t.members(t.room(), "ann")[0], t.connect("cyd")
    for client in (ann, cyd):
        t.refused(client, "bad-argument", ["/rooms ", "/rooms x", "/rooms all", "/rooms  "])
