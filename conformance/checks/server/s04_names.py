"""Section 4, Names."""

import re
from collections.abc import Callable
from itertools import pairwise

from conformance.checks.registry import check
from conformance.stage.server import Stage
from conformance.text.vectors import BAD_NAMES, NAMES
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed

ROUNDS = 10


@check("NAME-1", "b74ada0bbafe")
def valid_names(t: Stage) -> None:
    """Names of 1 to 32 octets, of all the characters that the form allows, are granted; a room's name too."""
    t.share_if_possible("short names")  # elsewhere, the server may have given one of them to somebody
    room = t.room()
    (ann,) = t.members(room, "ann")
    forms = (*NAMES, "ab", "A9", "x" * 31)
    ann.send(*(f"/nick {form}" for form in forms))
    for form in forms:
        answer = ann.receive()
        if answer.startswith(b"ERROR name-taken ") and not t.subject.can_start:
            continue  # by a stranger
        if answer != f"NAME {form}".encode():
            raise Failed(f"ann <- NAME {form}", f"ann <- {listed([answer])}")
    t.answers(ann, *_granted(room, t.name("exit"), t.name("cd"), t.name("Operator"), t.name("server"), "e" + t.suffix))


def _granted(*names: str) -> list[tuple[str, str]]:
    """Return the lines that ask for names, and the answers to them."""
    return [(f"/nick {name}", f"NAME {name}") for name in names]


@check("NAME-1", "b74ada0bbafe")
def every_character_of_a_name(t: Stage) -> None:
    """Each letter, digit, `-` and `_` can stand in a name, each letter and digit at its beginning."""
    ann = t.connect("ann")
    firsts = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    names = [f"{character}-{t.suffix}{character}" for character in firsts]
    t.answers(ann, *_granted(*names, f"n{t.suffix}-_-"))


@check("NAME-2", "375ecb10907b")
def invalid_names(t: Stage) -> None:
    """Names of another form are refused with bad-name, in the lobby and in a room, and nothing is made of them."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    for client in (ann, cyd):
        t.refused(client, "bad-name", [f"/nick {name}" for name in BAD_NAMES])
    names = (t.name() + " ", t.name() + "\t", f" {t.name()}", f"{t.name()} {t.name()}", t.name("x" * 33))
    t.refused(ann, "bad-name", [f"/nick {name}" for name in names])
    t.nothing(ann, bob, cyd)


@check("NAME-3", "0e051c01317d")
def taken_names(t: Stage) -> None:
    """A name that another has in whatever case is refused, whether that one is in this room, another, or the lobby."""
    room = t.room()
    ann, near = t.members(room, "ann", "near")
    (far,) = t.members(t.room("far"), "far")
    lobby = t.connect("lobby")
    for number, holder in enumerate((near, far, lobby)):
        name = t.name(f"Holder{number}")
        holder.send(f"/nick {name}")
        holder.expect(f"NAME {name}")
        holder.name = name
    ann.settled()
    fresh = t.connect("fresh")
    taken = [
        f"/nick {change(holder.name)}"
        for holder in (near, far, lobby)
        for change in (str, str.upper, str.lower, str.swapcase)
    ]
    for client in (ann, fresh):
        t.refused(client, "name-taken", taken)
    t.nothing(ann, near, far, lobby)


@check("NAME-3", "0e051c01317d")
def made_up_names_are_taken(t: Stage) -> None:
    """A name that the server made up for another is taken as well."""
    ann, bob = t.clients("ann", "bob")
    t.refused(ann, "name-taken", [f"/nick {name}" for name in (bob.name, bob.name.upper())])


@check("NAME-3", "0e051c01317d")
def one_name_for_many_at_once(t: Stage) -> None:
    """Of eight clients that ask for one name at once, in different cases, exactly one gets it."""
    clients = t.clients(*(f"client{number}" for number in range(8)))
    for number in range(ROUNDS):
        name = t.name(f"Race{number}-")
        for place, client in enumerate(clients):
            client.offer(f"/nick {name if place % 2 else name.upper()}\n".encode())
        answers = [client.receive() for client in clients]
        granted = [answer for answer in answers if answer.startswith(b"NAME ")]
        refused = [answer for answer in answers if answer.startswith(b"ERROR name-taken ")]
        if (len(granted), len(refused)) != (1, len(clients) - 1):
            raise Failed("one NAME, seven ERROR name-taken", listed(answers))


@check("NAME-4", "b02d978b08ff")
def case_is_kept(t: Stage) -> None:
    """A name comes back in the case in which it was asked for, in every line that has it."""
    room = t.room()
    (bob,) = t.members(room, "bob")
    ann = t.connect("ann")
    name = t.name("aNN")
    t.rename(ann, name)
    t.enter(ann, room, bob)
    ann.send("hello")
    for member in (ann, bob):
        member.expect(f"SAID {name} hello")
    if "who" in bob.features:
        bob.send("/who")
        bob.expect_any_order(f"MEMBER {name}", f"MEMBER {bob.name}")
        bob.expect(f"MEMBERS {room} 2")
    other = t.name("AnN")
    ann.send(f"/nick {other}")
    ann.expect(f"NAME {other}")
    bob.expect(f"NICK {name} {other}")
    ann.send("exit")
    bob.expect(f"LEFT {other} exit")


@check("NAME-5", "61fe19b726a4")
def own_name_in_another_case(t: Stage) -> None:
    """A client takes its own name in another case, and the others are told."""
    ann, bob = t.members(t.room(), "ann", "bob")
    names = [ann.name, t.name("Ann"), t.name("ANN"), t.name("ann"), t.name("aNN")]
    t.answers(ann, *_granted(*names[1:]))
    bob.expect(*(f"NICK {old} {name}" for old, name in pairwise(names)))


@check("NAME-6", "eac254f56b2a")
def reserved_names(t: Stage) -> None:
    """`operator` and `server` are refused in whatever case, in the lobby and in a room."""
    (ann,) = t.members(t.room(), "ann")
    cyd = t.connect("cyd")
    names = ("operator", "server", "Operator", "SERVER", "oPERATOR", "Server", "OPERATOR")
    for client in (ann, cyd):
        t.refused(client, "name-taken", [f"/nick {name}" for name in names])


@check("NAME-7", "e2f49478b8c7")
def made_up_names_have_the_form(t: Stage) -> None:
    """Names that the server makes up match the grammar, and differ between all who are connected."""
    clients = t.clients(*(f"client{number}" for number in range(20)))
    _all_different(t, clients)


@check("NAME-7", "e2f49478b8c7")
def made_up_names_are_free(t: Stage) -> None:
    """A new client does not get a name that another has taken, also if it would have been the next one in a series."""
    t.take_turn_if_possible()
    clients = t.clients(*(f"client{number}" for number in range(4)))
    _take_next_names(t, clients)
    _all_different(t, [*clients, *t.clients(*(f"late{number}" for number in range(12)))])


def _take_next_names(t: Stage, clients: list[Peer]) -> None:
    """Let each client have a name that the server may be about to make up."""
    last = clients[-1].name
    number = re.search(r"\d+", last)
    for place, client in enumerate(clients, 2):
        if number is None:
            return
        name = f"{last[: number.start()]}{int(number[0]) + place}{last[number.end() :]}"
        client.send(f"/nick {name.upper() if place % 2 else name}")
        answer = client.receive()
        if answer.startswith(b"NAME "):
            client.name = answer.decode().removeprefix("NAME ")


def _all_different(t: Stage, clients: list[Peer]) -> None:
    names = [client.name for client in clients]
    if wrong := [name for name in names if not t.grammar.matches("name", name.encode())]:
        raise Failed("names of the form of section 4", ", ".join(wrong))
    if len({name.lower() for name in names} | {"operator", "server"}) != len(names) + 2:
        raise Failed("made-up names that nobody else has", ", ".join(names))


@check("NAME-8", "c20b3cb785fe")
def given_up_names_are_free(t: Stage) -> None:
    """A name is free as soon as its client has got another, in the lobby too; its old owner can have it back."""
    ann, bob = t.clients("ann", "bob")
    for number in range(ROUNDS):
        name, other = t.name(f"Old{number}-"), t.name(f"New{number}-")
        ann.send(f"/nick {name}", f"/nick {other}")
        ann.expect(f"NAME {name}", f"NAME {other}")
        away = t.name(f"Away{number}-")
        bob.send(f"/nick {name.upper()}", f"/nick {away}")
        bob.expect(f"NAME {name.upper()}", f"NAME {away}")
        ann.send(f"/nick {name}")
        ann.expect(f"NAME {name}")


@check("NAME-9", "8eec46f742bc")
def names_are_free_before_left_and_bye(t: Stage) -> None:
    """A client that has seen BYE or LEFT can have the name at once, after exit, end of stream and reset."""
    ways: tuple[Callable[[Peer], None], ...] = (_exit, Peer.close, Peer.reset, Peer.half_close)
    rooms = [t.room(f"main{way}") for way in range(len(ways))]
    witnesses = [bob for (bob,) in t.groups(rooms, "bob")]
    heirs = t.clients(*(f"heir{way}" for way in range(len(ways))))
    for number in range(ROUNDS):
        owners = t.clients(*(f"ann{number}-{way}" for way in range(len(ways))))
        for ann, room in zip(owners, rooms, strict=True):
            ann.name = t.name(ann.label)
            ann.send(f"/nick {ann.name}", f"/cd {room}")
        for ann, bob, room in zip(owners, witnesses, rooms, strict=True):
            ann.expect(f"NAME {ann.name}", f"ROOM {room}")
            bob.expect(f"JOINED {ann.name}")
        for ann, go in zip(owners, ways, strict=True):
            go(ann)
        for way, (ann, bob, heir) in enumerate(zip(owners, witnesses, heirs, strict=True)):
            if way == 0:
                ann.expect("BYE exit")
            else:
                bob.expect(f"LEFT {ann.name} lost")
            heir.send(f"/nick {ann.name}")
        witnesses[0].expect(f"LEFT {owners[0].name} exit")
        for ann, heir in zip(owners, heirs, strict=True):
            heir.expect(f"NAME {ann.name}")


def _exit(client: Peer) -> None:
    client.send("exit")


@check("NAME-9", "8eec46f742bc", needs=("console",))
def names_are_free_after_kick(t: Stage) -> None:
    """The name of a client that the operator removed is free before its BYE."""
    heir, *owners = t.clients("heir", "ann0", "ann1", "ann2")
    for ann in owners:
        t.rename(ann, t.name(ann.label))
        t.kick(ann.name)
        ann.expect("BYE removed")
        heir.send(f"/nick {ann.name}")
        heir.expect(f"NAME {ann.name}")


@check("NAME-10", "8d288089fb9d")
def room_names_are_folded(t: Stage) -> None:
    """Capitals in a room's name make no difference, and never come back."""
    room = t.room("main-x")
    (ann,) = t.members(room, "ann")
    for way in (room.upper(), room.capitalize(), f"/cd {room.upper()}", f"/cd {room.swapcase()}"):
        bob = t.connect("bob")
        bob.send(way)
        bob.expect(f"ROOM {room}")
        ann.expect(f"JOINED {bob.name}")
        if "who" in bob.features:
            bob.send("/who")
            bob.expect_any_order(f"MEMBER {ann.name}", f"MEMBER {bob.name}")
            bob.expect(f"MEMBERS {room} 2")
        if "rooms" in bob.features:
            bob.send("/rooms")
            lines = bob.settled()
            if f"LIVE {room} 2".encode() not in lines:
                raise Failed(f"bob <- LIVE {room} 2", f"bob <- {listed(lines)}")
        bob.send(f"/cd {t.room('AWAY').upper()}")
        bob.expect(f"ROOM {t.room('away')}")
        ann.expect(f"LEFT {bob.name} moved")
    ann.send(f"/cd {room.upper()}")
    ann.expect(f"ROOM {room}")


@check("NAME-11", "a0bc94d16f92")
def valid_rooms(t: Stage) -> None:
    """Every room whose name has the form can be entered, by its name and with /cd."""
    (ann,) = t.members(t.room(), "ann")
    names = (*NAMES, t.name("operator"), ann.name, "0" * 32, "main", "lounge", "coffee-break", "get", "server", "exit")
    ann.send(*(f"/cd {name}" for name in names))
    for name in names:
        while (line := ann.receive()).split(b" ")[0] in (b"SAID", b"JOINED", b"LEFT", b"NICK"):
            pass  # a stranger, in a room with a usual name
        if line != f"ROOM {name.lower()}".encode():
            raise Failed(f"ann <- ROOM {name.lower()}", f"ann <- {listed([line])}")
    choices = (*(name for name in NAMES if len(name) > 2), "GET", "Main")
    clients = [(t.dial(f"bob{number}"), name) for number, name in enumerate(choices)]
    for bob, name in clients:
        bob.send(name)
    for bob, name in clients:
        t.greet(bob)
        bob.expect(f"ROOM {name.lower()}")


@check("NAME-12", "f264fb3829fc")
def invalid_rooms(t: Stage) -> None:
    """Room names of another form are refused with bad-room, in the lobby and in a room; nothing is made of them."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    cyd = t.connect("cyd")
    cyd.settled()
    names = (*BAD_NAMES, f"{room} ", f" {room}", f"{room}\t", f"{room} {room}", f"#{room}", "x" * 32 + "y")
    for client in (ann, cyd):
        t.refused(client, "bad-room", [f"/cd {name}" for name in names])
    t.refused(cyd, "bad-room", names)
    t.nothing(ann, bob, cyd)
    t.nothing(cyd, ann, bob)
