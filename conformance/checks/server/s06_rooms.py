"""Sections 6.2 to 6.4: entering and moving, speaking, renaming."""

from itertools import pairwise

from conformance.checks.registry import check
from conformance.stage.server import Stage
from conformance.text.vectors import ALLOWED, BAD_NAMES, MAX_LINE


@check("ROOM-1", "633eee211c03")
def entering_is_answered(t: Stage) -> None:
    """Each way to enter is answered with one ROOM and the room's name, whoever is there."""
    first, second = t.room("first"), t.room("second")
    ann, bob = t.clients("ann", "bob")
    ann.send(first)
    ann.expect(f"ROOM {first}")
    bob.send(f"/cd {first}")
    bob.expect(f"ROOM {first}")
    ann.expect(f"JOINED {bob.name}")
    t.answers(ann, *((f"/cd {room}", f"ROOM {room}") for room in (second, first, second)))


@check("ROOM-2", "d56f52ed3b48")
def entering_is_told(t: Stage) -> None:
    """Every other member gets JOINED once; the client itself, and other rooms, do not."""
    room = t.room()
    ann, bob, cyd = t.members(room, "ann", "bob", "cyd")
    (far,) = t.members(t.room("far"), "far")
    first, moving = t.clients("first", "moving")
    moving.send(f"/cd {t.room('before')}")
    moving.expect(f"ROOM {t.room('before')}")
    for client, line in ((first, room), (moving, f"/cd {room}")):
        client.send(line)
        client.expect(f"ROOM {room}")
        for member in (ann, bob, cyd):
            member.expect(f"JOINED {client.name}")
    first.expect(f"JOINED {moving.name}")
    t.nothing(first, moving, ann, bob, cyd, far)


@check("ROOM-3", "c1263cf36379")
def moving_is_told(t: Stage) -> None:
    """Every member that stays gets LEFT moved once; the client itself, and the new room, do not get it."""
    old, new = t.room("old"), t.room("new")
    ann, bob, cyd = t.members(old, "ann", "bob", "cyd")
    (dan,) = t.members(new, "dan")
    t.quiet(ann, bob, cyd)
    ann.send(f"/cd {new}")
    ann.expect(f"ROOM {new}")
    for member in (bob, cyd):
        member.expect(f"LEFT {ann.name} moved")
    dan.expect(f"JOINED {ann.name}")
    t.nothing(ann, bob, cyd, dan)


@check("ROOM-4", "1396b1391634")
def cd_is_a_first_choice(t: Stage) -> None:
    """`/cd ROOM` in the lobby enters the room, and is told as JOINED and as no LEFT."""
    room = t.room()
    (bob,) = t.members(room, "bob")
    ann = t.connect("ann")
    ann.send(f"/cd {room}", "here")
    ann.expect(f"ROOM {room}", f"SAID {ann.name} here")
    bob.expect(f"JOINED {ann.name}", f"SAID {ann.name} here")


@check("ROOM-5", "e193eaf9d5d9")
def moving_to_where_one_is(t: Stage) -> None:
    """`/cd` into the present room, in whatever case, is answered with ROOM and told to nobody."""
    room = t.room("main-x")
    ann, bob = t.members(room, "ann", "bob")
    t.answers(ann, *((f"/cd {name}", f"ROOM {room}") for name in (room, room.upper(), room.capitalize())))
    t.nothing(ann, bob)


@check("ROOM-6", "233b1eb5988e")
def a_refused_move_changes_nothing(t: Stage) -> None:
    """Whose `/cd` is refused stays a member: speaks there, hears there, and was not told to have left."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    for number, name in enumerate(("", " ", *BAD_NAMES)):
        ann.send(f"/cd {name}", f"still here {number}")
        ann.expect(f"ERROR {'bad-room' if name else 'bad-argument'} ...", f"SAID {ann.name} still here {number}")
        bob.expect(f"SAID {ann.name} still here {number}")
        bob.send(f"so I hear {number}")
        for member in (ann, bob):
            member.expect(f"SAID {bob.name} so I hear {number}")


@check("SAY-1", "319e3fb9e6fc")
def bare_lines_are_said(t: Stage) -> None:
    """Each line that does not begin with `/`, and is neither empty nor `exit`, is said."""
    ann, bob = t.members(t.room(), "ann", "bob")
    texts = [
        "hello",
        "x",
        "a /cd x",
        "a\t/nick x",
        "exit?",
        "help",
        "who",
        "ROOM x",
        t.room(),
        "operator",
        "\\",
        "\u00f7",
    ]
    texts += ["GET / HTTP/1.1", "POST x", "HELLO flurfunk/1", "a/b", "y" * MAX_LINE]
    plain = [text for text in ALLOWED if text == text.strip()]  # that blanks are kept is another section's matter
    for some in (texts, plain):
        ann.send(*some)
        for member in (ann, bob):
            member.expect(*(f"SAID {ann.name} {text}" for text in some))


@check("SAY-2", "d9c0e72d5798")
def said_reaches_every_member_once(t: Stage) -> None:
    """Every member, the speaker included, gets SAID once, with the speaker's name."""
    members = t.members(t.room(), "ann", "bob", "cyd", "dan")
    t.quiet(*members)
    for speaker in members:
        speaker.send("hello", "/say hello")
        for member in members:
            member.expect(*[f"SAID {speaker.name} hello"] * 2)
    t.nothing(*members)


@check("SAY-2", "d9c0e72d5798")
def many_words_in_two_rooms(t: Stage) -> None:
    """Of 300 texts that two rooms say at the same time, each arrives once and in order, at each member of its room.

    Half of them come in one segment, the others one by one.
    """
    rooms = [t.members(t.room(f"room{number}"), f"ann{number}", f"bob{number}") for number in range(2)]
    for ann, bob in rooms:
        t.quiet(ann, bob)
    for place, (ann, _) in enumerate(rooms):
        ann.offer(b"".join(b"%d %d\n" % (place, number) for number in range(150)))
    for number in range(150, 300):
        for place, (ann, _) in enumerate(rooms):
            ann.offer(b"%d %d\n" % (place, number))
    for place, (ann, bob) in enumerate(rooms):
        for member in (ann, bob):
            member.expect(*(f"SAID {ann.name} {place} {number}" for number in range(300)))
    for ann, bob in rooms:
        t.nothing(ann, bob)


@check("SAY-3", "41e4b7ccde1e")
def said_reaches_nobody_else(t: Stage) -> None:
    """No word reaches another room, the lobby, or one who has just moved away."""
    room = t.room()
    ann, moved = t.members(room, "ann", "moved")
    (far,) = t.members(t.room("far"), "far")
    lobby = t.connect("lobby")
    moved.send(f"/cd {t.room('away')}")
    moved.expect(f"ROOM {t.room('away')}")
    t.quiet(ann)
    for number in range(300):
        ann.offer(f"secret {number}\n".encode())
    ann.expect(*(f"SAID {ann.name} secret {number}" for number in range(300)))
    t.nothing(ann, far, lobby, moved)


@check("SAY-4", "38dfd064783b")
def say_whatever_it_looks_like(t: Stage) -> None:
    """The argument of `/say` is said as it is: `exit`, commands, blanks."""
    ann, bob = t.members(t.room(), "ann", "bob")
    texts = (
        "exit",
        "/cd x",
        "/nick x",
        "/say hi",
        "/",
        "  two blanks",
        " ",
        "\t",
        "trailing ",
        "hello",
        "/\u00e9",
    )
    ann.send(*(f"/say {text}" for text in texts))
    for member in (ann, bob):
        member.expect(*(f"SAID {ann.name} {text}" for text in texts))


@check("NICK-1", "08def3faf2be")
def renaming_is_answered(t: Stage) -> None:
    """A granted `/nick` is answered with one NAME and the new name, in the lobby and in a room."""
    (ann,) = t.members(t.room(), "ann")
    cyd = t.connect("cyd")
    for client, names in ((ann, ("Ann", "ann-2", "A")), (cyd, ("Cyd", "cyd_3"))):
        t.answers(client, *((f"/nick {name}", f"NAME {name}") for name in map(t.name, names)))


@check("NICK-2", "5755ae80dcd9")
def renaming_is_told(t: Stage) -> None:
    """Every other member gets NICK with old and new name once; the client itself, and other rooms, do not."""
    ann, bob, cyd = t.members(t.room(), "ann", "bob", "cyd")
    (far,) = t.members(t.room("far"), "far")
    lobby = t.connect("lobby")
    t.quiet(ann, bob, cyd)
    names = [ann.name, t.name("Ann"), t.name("Anna"), t.name("ANNA")]
    t.answers(ann, *((f"/nick {name}", f"NAME {name}") for name in names[1:]))
    for member in (bob, cyd):
        member.expect(*(f"NICK {old} {name}" for old, name in pairwise(names)))
    t.nothing(ann, bob, cyd, far, lobby)


@check("NICK-3", "c914097c8746")
def the_name_one_has(t: Stage) -> None:
    """`/nick` with one's own name, in the same case, is answered with NAME and told to nobody."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    for client in (ann, cyd):
        client.send(f"/nick {client.name}")
        client.expect(f"NAME {client.name}")
    t.nothing(ann, bob, cyd)


@check("NICK-4", "c5dc323c207b")
def a_refused_name_changes_nothing(t: Stage) -> None:
    """Whose `/nick` is refused goes on under its name, which stays taken."""
    ann, bob = t.members(t.room(), "ann", "bob")
    names = {"operator": "name-taken", bob.name: "name-taken", "": "bad-argument"}
    for name, code in {**names, **dict.fromkeys(("B.B.", "-", "x" * 33), "bad-name")}.items():
        ann.send(f"/nick {name}", "still me")
        ann.expect_error(code)
        for member in (ann, bob):
            member.expect(f"SAID {ann.name} still me")
        bob.send(f"/nick {ann.name}")
        bob.expect_error("name-taken")


@check("NICK-5", "dff43ae24f5f")
def the_new_name_everywhere(t: Stage) -> None:
    """After NAME, the new name stands in SAID, JOINED, LEFT, NICK and MEMBER lines."""
    room, other = t.room(), t.room("other")
    ann, bob = t.members(room, "ann", "bob")
    (cyd,) = t.members(other, "cyd")
    first, second = t.name("Ann"), t.name("Anna")
    ann.send(f"/nick {first}", "hello")
    ann.expect(f"NAME {first}", f"SAID {first} hello")
    bob.expect(f"NICK {ann.name} {first}", f"SAID {first} hello")
    if "who" in ann.features:
        bob.send("/who")
        bob.expect_any_order(f"MEMBER {first}", f"MEMBER {bob.name}")
        bob.expect(f"MEMBERS {room} 2")
    ann.send(f"/cd {other}", f"/nick {second}", "/say hi", "exit")
    bob.expect(f"LEFT {first} moved")
    cyd.expect(f"JOINED {first}", f"NICK {first} {second}", f"SAID {second} hi", f"LEFT {second} exit")
