"""Sections 4 and 6: the variants of an accepted `/nick` or `/cd`, one after the other, and what holds after each."""

from itertools import product
from random import Random

from conformance.checks.registry import check
from conformance.checks.server.looks import asks
from conformance.stage.server import Stage, skip
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed

DRAWN = 6  # longer chains, by chance
# A client's acts with its name, or with its room: it takes the same again, the same in another case, the other one
# of two, or that in capitals.
STEPS = ("same", "case", "other", "OTHER")
CHAINS = [chain for length in (1, 2) for chain in product(STEPS, repeat=length)]


def _chains(t: Stage) -> list[tuple[str, ...]]:
    """Return chains of steps: all the short ones, and some longer ones."""
    chance = Random(t.seed)
    return [*CHAINS, *(tuple(chance.choices(STEPS, k=chance.randint(3, 5))) for _ in range(DRAWN))]


def _names(one: str, two: str, chain: tuple[str, ...]) -> list[str]:
    """Return the names, of two, that a client has one after the other."""
    names = [one]
    for step in chain:
        now = names[-1]
        other = two if now.lower() == one.lower() else one
        names.append({"same": now, "case": now.swapcase(), "other": other, "OTHER": other.upper()}[step])
    return names


def _renamed(t: Stage) -> tuple[list[Peer], list[list[str]]]:
    """Return clients in the lobby, each of which has gone through a chain of names; and these names."""
    chains = _chains(t)
    clients = t.clients(*(f"ann{number}" for number in range(1, len(chains) + 1)))
    taken = []
    for number, (client, chain) in enumerate(zip(clients, chains, strict=True), 1):
        taken.append(_names(t.name(f"A{number}"), t.name(f"B{number}"), chain))
        client.send(*(f"/nick {name}" for name in taken[-1]))
    for client, names in zip(clients, taken, strict=True):
        client.expect(*(f"NAME {name}" for name in names))
        client.name = names[-1]
    return clients, taken


@check("NAME-3", "0e051c01317d")
def a_name_is_taken_however_it_came(t: Stage) -> None:
    """A name that a client has is taken for others in every case, however often and in which cases it took it."""
    clients, _ = _renamed(t)
    bob = t.connect("bob")
    names = [name for client in clients for name in (client.name, client.name.lower(), client.name.upper())]
    asks(t, bob, ((f"/nick {name}", "ERROR name-taken ...") for name in names))


@check("NAME-8", "c20b3cb785fe")
def a_name_is_free_however_it_was_had(t: Stage) -> None:
    """A name that a client has given up is free, however often and in which cases it had taken it."""
    clients, taken = _renamed(t)
    bob = t.connect("bob")
    given_up = [
        name
        for client, names in zip(clients, taken, strict=True)
        for name in dict.fromkeys(one.lower() for one in names)
        if name != client.name.lower()
    ]
    asks(t, bob, ((f"/nick {name}", f"NAME {name}") for name in given_up))


@check("NAME-8", "c20b3cb785fe")
def a_made_up_name_is_free(t: Stage) -> None:
    """The name that the server made up for a client is free when that has another one, in the lobby or in a room."""
    if not t.subject.can_start:
        raise skip("needs a server where nobody else is given the name")
    t.take_turn()
    bob, *clients = t.clients("bob", "ann", "cyd", "dan")
    names = [client.name for client in clients]
    for number, client in enumerate(clients, 1):
        lines = [f"/nick {t.name(f'Of{number}')}", t.room(), f"/nick {t.name(f'In{number}')}"]
        client.send(*(lines[:1], lines, lines[1:])[number - 1])
    t.settle(*clients)
    asks(t, bob, ((f"/nick {name}", f"NAME {name}") for name in (*names, *(name.upper() for name in names))))


@check("NAME-9", "8eec46f742bc")
def all_names_are_free_behind_bye(t: Stage) -> None:
    """All names that a client has had are free after its BYE, however often and in which cases it had taken them."""
    clients, taken = _renamed(t)
    bob = t.connect("bob")
    for client in clients:
        client.send("exit")
    for client in clients:
        client.expect("BYE exit")
    names = dict.fromkeys(name.lower() for names in taken for name in names)
    asks(t, bob, ((f"/nick {name}", f"NAME {name}") for name in names))


@check("NAME-9", "8eec46f742bc")
def all_names_are_free_behind_left(t: Stage) -> None:
    """All names that a client has had are free after LEFT lost, however often and in which cases it had taken them."""
    clients, taken = _renamed(t)
    room = t.room()
    (bob,) = t.members(room, "bob")
    for number, client in enumerate(clients):
        client.send(room, "/nick " + (client.name if number % 2 else client.name.swapcase()))
        client.settle()
    bob.settled()
    for number, client in enumerate(clients):
        (client.close, client.reset, client.half_close)[number % 3]()
    for _ in clients:
        while not bob.receive(what=f"bob <- LEFT, {len(clients)} times").startswith(b"LEFT "):
            pass
    names = dict.fromkeys(name.lower() for names in taken for name in names)
    asks(t, bob, ((f"/nick {name}", f"NAME {name}") for name in names))


@check("NICK-5", "dff43ae24f5f")
def the_last_name_stands_in_all_events(t: Stage) -> None:
    """Events and lists have the name of the last NAME line, whatever names a client had before, and in which cases."""
    room, away = t.room(), t.room("away")
    (bob,) = t.members(room, "bob")
    ann = t.connect("ann")
    lines, answers, seen, now = [f"/cd {away}"], [f"ROOM {away}"], [], ann.name
    for number, chain in enumerate(_chains(t), 1):
        names = _names(t.name(f"A{number}"), t.name(f"B{number}"), chain)
        here = number % 2  # the last renaming is seen in the room, or it is not
        lines += [*(f"/nick {name}" for name in names), f"/cd {room}", "hello", "/say there"]
        answers += [*(f"NAME {name}" for name in names), f"ROOM {room}"]
        now = names[-1]
        seen += [f"JOINED {now}", f"SAID {now} hello", f"SAID {now} there"]
        answers += [f"SAID {now} hello", f"SAID {now} there"]
        if here:
            lines += [f"/nick {now}", f"/nick {now.swapcase()}", "me"]
            answers += [f"NAME {now}", f"NAME {now.swapcase()}", f"SAID {now.swapcase()} me"]
            seen += [f"NICK {now} {now.swapcase()}", f"SAID {now.swapcase()} me"]
            now = now.swapcase()
        lines += [f"/cd {away}"]
        answers += [f"ROOM {away}"]
        seen += [f"LEFT {now} moved"]
    lines += [f"/cd {room}", "exit"]
    ann.send(*lines)
    ann.expect(*answers, f"ROOM {room}", "BYE exit")
    bob.expect(*seen, f"JOINED {now}", f"LEFT {now} exit")


@check("WHO-1", "9a3c4ec212d6")
def each_member_is_listed_once_under_its_last_name(t: Stage) -> None:
    """`/who` has one line for each member, with its last name, whatever names it had before."""
    room = t.room()
    clients, _ = _renamed(t)
    for number, client in enumerate(clients):
        client.send(room, f"/nick {client.name}", f"/cd {room.upper()}" if number % 2 else f"/cd {room}")
        client.settle()
    asker = clients[0]
    asker.settled()
    asker.send("/who")
    asker.expect_any_order(*(f"MEMBER {client.name}" for client in clients))
    asker.expect(f"MEMBERS {room} {len(clients)}")


@check("OPER-4", "7321f6062feb")
def kick_finds_a_name_however_it_came(t: Stage) -> None:
    """`/kick` removes a client, in whatever case, however often and in which cases it had taken its name."""
    server = t.take_turn(terminal=False)
    clients, _ = _renamed(t)
    changes = (str.lower, str.upper, str.swapcase, str)
    for number, client in enumerate(clients):
        server.say(f"/kick {changes[number % 4](client.name)}")
    for client in clients:
        client.expect("BYE removed")
        client.expect_end()


@check("LIST-1", "1f7830676a92")
def each_member_is_counted_once(t: Stage) -> None:
    """`/rooms` counts each member once, whether it entered its room again, in another case, or came back to it."""
    chains = _chains(t)
    pairs = [(t.room(f"one{number}"), t.room(f"two{number}")) for number in range(1, len(chains) + 1)]
    clients = t.clients(*(f"ann{number}" for number in range(1, len(chains) + 1)))
    rooms = []
    for client, (one, two), chain in zip(clients, pairs, chains, strict=True):
        names = _names(one, two, chain)
        client.send(names[0], *(f"/cd {name}" for name in names[1:]))
        rooms.append(names[-1].lower())
    t.settle(*clients)
    watcher = t.connect("watcher")
    watcher.settled()
    watcher.send("/rooms")
    received = watcher.settled()
    mine = {room for pair in pairs for room in pair}
    listing = [line for line in received if line.startswith(b"LIVE ") and line.decode().split(" ")[1] in mine]
    wanted = sorted(f"LIVE {room} 1".encode() for room in rooms)
    if sorted(listing) != wanted:
        wrong = [line for line in listing if line not in wanted] or [line for line in wanted if line not in listing]
        missing = [line for line in wanted if line not in listing]
        raise Failed(f"watcher <- {listed(missing or wanted)}", f"watcher <- {listed(wrong)}")


@check("SAY-2", "d9c0e72d5798")
def each_member_is_told_once(t: Stage) -> None:
    """A client that entered its room again, or came back to it, hears each text once, and leaves once."""
    room, away = t.room(), t.room("away")
    (bob,) = t.members(room, "bob")
    chains = _chains(t)
    clients = t.clients(*(f"ann{number}" for number in range(1, len(chains) + 1)))
    for client, chain in zip(clients, chains, strict=True):
        first, *others = _names(room, away, chain)
        client.send(first, *(f"/cd {name}" for name in others), f"/cd {room}")
    t.quiet(bob, *clients)
    bob.send("hello")
    t.settle(bob)
    t.settle(*clients)
    for client in clients:
        if (said := client.take()) != [f"SAID {bob.name} hello".encode()]:
            raise Failed(f"{client.label} <- SAID {bob.name} hello, once", f"{client.label} <- {listed(said)}")
    for client in clients:
        client.send("exit")
    for client in clients:
        client.wait_end()
    left = sorted(line for line in bob.settled() if line.startswith(b"LEFT "))
    if left != (wanted := sorted(f"LEFT {client.name} exit".encode() for client in clients)):
        raise Failed(f"bob <- {listed(wanted)}", f"bob <- {listed(left)}", cites="LEFT-2")
