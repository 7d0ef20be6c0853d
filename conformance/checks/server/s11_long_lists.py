"""More than a screenful: lists and events of many clients, on the wire and on the console."""

import re

from conformance.checks.registry import check
from conformance.checks.server.console import console_shows, still_runs
from conformance.checks.server.crowds import BEYOND_AN_OCTET, all_get, answers_in_order, crowd, sizes
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed
from conformance.wire.transcript import shown

MANY = 1000  # clients that a server is told to let in
CHATTER = 20  # words of another while somebody asks
NEWCOMERS, AT_ONCE = 300, 50
ON_CONSOLE = 45


@check("WHO-2", "0879259a6d96")
def long_lists_of_members_are_not_divided(t: Stage) -> None:
    """After `/who` in a room of many stand, in one segment, other lines: the answers to these come after the list."""
    t.take_turn_if_possible()
    room = t.room()
    members: list[Peer] = []
    for size in sizes(t):
        members += crowd(t, *[room] * (size - len(members)), label=f"member{size}-")
        t.quiet(*members)
        names = {member.name for member in members}
        for asker, other in ((members[0], members[-1]), (members[-1], members[0])):
            for lines in _lists(t, asker, other, "/who", f"MEMBERS {room} {size}"):
                if len(lines) != size or {line.decode().removeprefix("MEMBER ") for line in lines} != names:
                    raise Failed(f"{asker.label} <- a MEMBER line for each of {size} members", f"{len(lines)} lines")


@check("LIST-2", "f5d63d66068d")
def long_lists_of_rooms_are_not_divided(t: Stage) -> None:
    """After `/rooms` where rooms are many stand other lines: the answers to these come after the list."""
    t.take_turn_if_possible()
    members: list[Peer] = []
    for size in sizes(t):
        rooms = [t.room(f"r{number}") for number in range(size)]
        members += crowd(t, *rooms[len(members) :], label=f"member{size}-")
        asker, other = t.clients(f"asker{size}", f"other{size}")
        t.settle(*members)
        for room in (rooms[0], rooms[-1]):
            for peer in (asker, other):
                peer.send(f"/cd {room}")
            t.quiet(asker, other)
            for lines in _lists(t, asker, other, "/rooms", f"ROOMS {size}" if t.alone else "ROOMS ..."):
                wanted = {f"LIVE {one} {3 if one == room else 1}".encode() for one in rooms}
                if not wanted <= set(lines) or (t.alone and len(lines) != size):
                    received = f"{len(lines)} lines, {len(wanted - set(lines))} of these {size} missing"
                    raise Failed(f"{asker.label} <- a LIVE line for each of {size} rooms", received)
        for peer in (asker, other):
            peer.send("exit")
            peer.wait_end()


def _lists(t: Stage, asker: Peer, other: Peer, command: str, last: str) -> list[list[bytes]]:
    """Let one ask three times, between other lines and while another speaks; return the lists, which end with `last`.

    Raises Failed where something stands within a list, or something at a wrong place.
    """
    other.offer(f"chatter of {other.label}\n".encode() * CHATTER)
    asker.send(command, "/ping 1", command, "hello", command, "/ping 2")
    t.settle(asker, other)
    end = last.split(" ")[0].encode()
    item = {b"MEMBERS": b"MEMBER", b"ROOMS": b"LIVE"}[end]
    order, lists = answers_in_order(asker, item, end, f"SAID {other.name} ".encode())
    for peer in t.peers:
        peer.take()
    if last.endswith(" ..."):
        last, order = end.decode(), [end if line.startswith(end) else line for line in order]
    wanted = [last, "PONG 1", last, f"SAID {asker.name} hello", last, "PONG 2"]
    if order != [line.encode() for line in wanted]:
        raise Failed(f"{asker.label} <- {', '.join(wanted)}, with a list before each {end.decode()}", listed(order))
    return lists


@check("WHO-1", "9a3c4ec212d6", needs=("client-limit",))
def who_of_more_than_255(t: Stage) -> None:
    """`/who` counts the members of a room with more of them than an octet can count, and all hear what one says."""
    t.take_turn(clients=MANY)
    room = t.room()
    members = crowd(t, *[room] * BEYOND_AN_OCTET)
    t.quiet(*members)
    members[-1].send("/who")
    wanted = [f"MEMBER {member.name}".encode() for member in members]
    lines = members[-1].settled()
    if sorted(lines[:-1]) != sorted(wanted) or lines[-1] != f"MEMBERS {room} {len(members)}".encode():
        received = f"{len(lines) - 1} lines, then {shown(lines[-1])}" if lines else "nothing"
        raise Failed(f"{len(wanted)} MEMBER lines, then MEMBERS {room} {len(wanted)}", received)
    members[-1].send("hello")
    t.settle(members[-1])
    t.settle(*members)
    all_get(members, f"SAID {members[-1].name} hello", cites="SAY-2")


@check("LIST-1", "1f7830676a92", needs=("client-limit",))
def more_than_255_rooms(t: Stage) -> None:
    """`/rooms` lists and counts more rooms than an octet can count, and fewer again when their members have left."""
    t.take_turn(clients=MANY)
    rooms = [t.room(f"r{number}") for number in range(BEYOND_AN_OCTET)]
    members = crowd(t, *rooms)
    lobby = t.connect("lobby")
    t.settle(*members)
    _are_listed(lobby, rooms)
    for member in members[1:]:
        member.send("exit")
    for member in members[1:]:
        member.wait_end()
    _are_listed(lobby, rooms[:1])


def _are_listed(asker: Peer, rooms: list[str]) -> None:
    asker.take()
    asker.send("/rooms")
    lines = asker.settled()
    if sorted(lines) != sorted([*(f"LIVE {room} 1".encode() for room in rooms), b"ROOMS %d" % len(rooms)]):
        received = f"{len(lines) - 1} lines, then {shown(lines[-1])}" if lines else "nothing"
        raise Failed(f"{len(rooms)} LIVE lines, then ROOMS {len(rooms)}", received)


@check("SAY-2", "d9c0e72d5798")
def what_one_does_is_told_to_many(t: Stage) -> None:
    """All that one of many members says and does is told to each of the others, once: the first and the last too."""
    t.take_turn_if_possible()
    room, away = t.room(), t.room("away")
    members = crowd(t, *[room] * sizes(t)[-1])
    t.quiet(*members)
    for number in (0, len(members) // 2, len(members) - 1):
        actor = members[number]
        others = members[:number] + members[number + 1 :]
        name = t.name(f"N{number}")
        steps = [
            ("said bare", f"SAID {actor.name} said bare", "SAY-2"),
            ("/say said", f"SAID {actor.name} said", "SAY-4"),
            (f"/nick {name}", f"NICK {actor.name} {name}", "NICK-2"),
            (f"/cd {away}", f"LEFT {name} moved", "ROOM-3"),
            (f"/cd {room}", f"JOINED {name}", "ROOM-2"),
        ]
        for line, event, cites in steps:
            actor.send(line)
            actor.settled()
            t.settle(*others)
            all_get(others, event, cites)
        actor.name = name
    actor.send("exit")
    actor.wait_end()
    t.settle(*members[:-1])
    all_get(members[:-1], f"LEFT {actor.name} exit", "EXIT-2")
    members[0].close()
    for member in members[1:-1]:
        member.expect(f"LEFT {members[0].name} lost")


@check("NAME-7", "e2f49478b8c7")
def made_up_names_stay_free(t: Stage) -> None:
    """None of hundreds of newcomers, of which some stay, gets a name that one who is there has."""
    t.take_turn_if_possible()
    staying = t.clients("first", "second")
    t.rename(staying[1], t.name("Second"))
    for begin in range(0, NEWCOMERS, AT_ONCE):
        new = t.clients(*(f"new{begin + number}" for number in range(AT_ONCE if t.alone else AT_ONCE // 2)))
        there: dict[str, Peer] = {}
        for peer in (*staying, *new):
            if (other := there.setdefault(peer.name.lower(), peer)) is not peer:
                raise Failed("NAME with a name that nobody has", f"NAME {peer.name} for {peer.label}, as {other.label}")
        staying.append(new.pop())
        for peer in new:
            peer.send("exit")
        for peer in new:
            peer.wait_end()


@check("OPER-1", "297da2fc6825")
def announcements_reach_many(t: Stage) -> None:
    """A line of the console reaches, once, each of many rooms and each member of a room of many."""
    server = t.start(terminal=False)
    rooms = [t.room(f"r{number}") for number in range(sizes(t)[-2])]
    members = crowd(t, *rooms, *[rooms[-1]] * 20)
    t.quiet(*members)
    server.say("Maintenance at noon.")
    for member in members:
        member.expect("ANNOUNCE Maintenance at noon.")
    t.nothing(*members)
    server.say("exit")
    for member in members:
        try:
            member.expect("BYE shutdown")
        except Failed as failed:
            raise Failed(failed.expected, failed.received, cites="OPER-2") from failed


@check("OPER-5", "ac5a00ae51fe")
def who_of_many_on_the_console(t: Stage) -> None:
    """`/who` prints many clients, those in rooms and those in the lobby, and each room."""
    server = t.take_turn()
    rooms = [t.room(f"r{number}") for number in range(ON_CONSOLE)]
    members = [*t.clients(*(f"lobby{number}" for number in range(ON_CONSOLE))), *crowd(t, *rooms)]
    console_shows(t, server, "/who", *(member.name for member in members), *rooms)


@check("OPER-6", "1e3f052428ec")
def many_rooms_on_the_console(t: Stage) -> None:
    """`/rooms` prints many rooms, with their numbers: of one that has many members, too."""
    server = t.take_turn()
    rooms = {t.room(f"r{number}"): 1 for number in range(ON_CONSOLE)}
    members = crowd(t, *rooms, *[next(iter(rooms))] * ON_CONSOLE)
    t.settle(*members)
    counts = {**rooms, next(iter(rooms)): 1 + ON_CONSOLE}
    since = server.mark()
    server.say("/rooms")
    shows = server.shows(lambda text: not _without_number(text, counts), since, t.deadline)
    if missing := _without_number(shows, counts):
        still_runs(server)
        told = ", ".join(f"{room} with {counts[room]}" for room in missing[:3])
        raise Failed(f"the console shows all of {len(counts)} rooms after /rooms, such as {told}", repr(shows[:500]))


def _without_number(text: str, counts: dict[str, int]) -> list[str]:
    """Return the rooms that no line of the text has in it as a word, with the number as another word."""
    words = [set(re.findall(r"[\w-]+", line)) for line in text.splitlines()]
    return [room for room, count in counts.items() if not any({room, str(count)} <= line for line in words)]
