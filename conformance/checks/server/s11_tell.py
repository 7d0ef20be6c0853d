"""Section 11.5, the feature tell: a word to one client."""

from conformance.checks.registry import check
from conformance.checks.server import ground
from conformance.checks.server.s11_password import PASSWORD
from conformance.stage.server import Stage
from conformance.text.vectors import ALLOWED, MAX_LINE
from conformance.wire.failure import Failed
from conformance.wire.peer import listed

MANY = 500  # long texts to one who reads slowly: more than a server lets wait [FLOW-4]
_BAD = ("", " ", " x", " x ", "  ", "  x", " {} ", " {}", "   x y")


@check("TELL-1", "70fc0bcb76ee", ground=3)
def tell(t: Stage) -> None:
    """The one who is told something gets it."""
    ann, bob = ground.together(t, "ann", "bob")
    ann.send(f"/tell {bob.name} hello")
    ann.settle()
    wanted = f"TELL {ann.name} hello".encode()
    ground.once(bob, bob.settled(), wanted)


@check("TELL-2", "285395a74b81", ground=3)
def told(t: Stage) -> None:
    """The one who tells something gets a receipt."""
    ann, bob = ground.together(t, "ann", "bob")
    ground.once(ann, ground.came(ann, f"/tell {bob.name} hello"), f"TOLD {bob.name} hello".encode())


@check("TELL-3", "0172c5f59bf8", ground=3)
def tell_nobody(t: Stage) -> None:
    """A text for nobody is answered with ERROR no-user."""
    ground.refused(t, ground.alone(t), f"/tell {t.name('nobody')} hello", "no-user")


@check("TELL-4", "2412e8014017", ground=3)
def tell_nothing(t: Stage) -> None:
    """`/tell` without a text is answered with ERROR bad-argument."""
    ann = ground.alone(t)
    ground.refused(t, ann, f"/tell {ann.name}", "bad-argument")


@check("TELL-1", "70fc0bcb76ee")
def one_is_told_wherever_it_is(t: Stage) -> None:
    """The one that is told gets TELL once: in the same room, in another one, in the lobby; by its name in any case."""
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    (far,) = t.members(t.room("far"), "far")
    lobby, other = t.connect("lobby"), t.connect("other")
    everybody = [ann, bob, far, lobby, other]
    for teller in everybody:
        for one in everybody:
            if teller is one:
                continue
            for name in (one.name, one.name.swapcase(), one.name.upper()):
                teller.send(f"/tell {name} psst")
                teller.expect(f"TOLD {one.name} psst")
                one.expect(f"TELL {teller.name} psst")
    t.nothing(*everybody)


@check("TELL-1", "70fc0bcb76ee")
def one_is_told_the_text_as_it_is(t: Stage) -> None:
    """Each text is told octet for octet, whatever it looks like, and the longest one too."""
    ann, bob = t.members(t.room(), "ann", "bob")
    ann.settled()
    longest = "x" * (MAX_LINE - len(f"/tell {bob.name} "))
    for text in (*ALLOWED, "exit", "/cd x", " x", "x ", "  ", "0", longest):
        ann.send(f"/tell {bob.name} {text}")
        ann.expect(f"TOLD {bob.name} {text}")
        bob.expect(f"TELL {ann.name} {text}")
    t.nothing(ann, bob)


@check("TELL-1", "70fc0bcb76ee")
def names_are_those_of_now(t: Stage) -> None:
    """TELL and TOLD have the names of that moment; an old name is nobody's, or another's."""
    ann, bob = t.connect("ann"), t.connect("bob")
    old, new = t.name("Old"), t.name("New")
    t.rename(bob, old)
    t.rename(bob, new)
    bob.name = new
    t.needs("NAME-8")
    t.refused(ann, "no-user", [f"/tell {old} hello"])
    cyd = t.connect("cyd")
    t.rename(cyd, old)
    ann.send(f"/tell {old} hello", f"/tell {new} there")
    ann.expect(f"TOLD {old} hello", f"TOLD {new} there")
    cyd.expect(f"TELL {ann.name} hello")
    bob.expect(f"TELL {ann.name} there")
    t.rename(ann, t.name("Ann"))
    ann.send(f"/tell {new.upper()} it is me")
    ann.expect(f"TOLD {new} it is me")
    bob.expect(f"TELL {t.name('Ann')} it is me")
    t.nothing(ann, bob, cyd)


@check("TELL-2", "285395a74b81")
def receipts_come_in_order(t: Stage) -> None:
    """TOLD stands in the order of the answers, once for each, among those to other lines."""
    ann, bob = t.connect("ann"), t.connect("bob")
    name = bob.name
    ann.send("/ping 1", f"/tell {name} one", "/ping 2", f"/tell {name} two", "/no-such", f"/tell {name} two", "/ping 3")
    ann.expect("PONG 1", f"TOLD {name} one", "PONG 2", f"TOLD {name} two", "ERROR unknown-command ...")
    ann.expect(f"TOLD {name} two", "PONG 3")
    ann.send(f"/tell {name.swapcase()} three")
    ann.expect(f"TOLD {name} three")
    bob.expect(*(f"TELL {ann.name} {text}" for text in ("one", "two", "two", "three")))
    t.nothing(ann, bob)


@check("TELL-3", "0172c5f59bf8")
def nobody_of_that_name(t: Stage) -> None:
    """A name that nobody has, or has any more, or that nobody can have, brings no-user, and nobody is told."""
    t.needs("NAME-9")
    room = t.room()
    ann, bob = t.members(room, "ann", "bob")
    gone = t.connect("gone")
    t.rename(gone, t.name("Gone"))
    gone.send("exit")
    gone.wait_end()
    names = (t.name("nobody"), t.name("Gone"), room, "operator", "SERVER", "-a", "a.b", "\u00e4", "x" * 33, "/cd", "\t")
    t.quiet(ann, bob)
    for client in (ann, t.connect("lobby")):
        t.refused(client, "no-user", [f"/tell {name} hello" for name in names])
    t.nothing(ann, bob)


@check("TELL-3", "0172c5f59bf8", needs=("password",), slow=True)
def who_is_not_admitted_is_nobody(t: Stage) -> None:
    """A client that has not given the password is told nothing, and cannot tell anything."""
    t.share(password=PASSWORD)
    ann, stranger = t.connect("ann"), t.connect("stranger")
    ann.send(f"/password {PASSWORD}")
    ann.expect("ADMITTED")
    t.refused(ann, "no-user", [f"/tell {stranger.name} hello"])
    t.refused(stranger, "no-password", [f"/tell {ann.name} hello", "/tell", "/tell x"])
    t.nothing(stranger, ann)
    stranger.send(f"/password {PASSWORD}")
    stranger.expect("ADMITTED")
    ann.send(f"/tell {stranger.name} hello")
    ann.expect(f"TOLD {stranger.name} hello")
    stranger.expect(f"TELL {ann.name} hello")


@check("TELL-4", "2412e8014017")
def a_name_and_a_text_are_needed(t: Stage) -> None:
    """`/tell` without a name or without a text is refused with bad-argument, in a room and in the lobby."""
    ann, bob = t.members(t.room(), "ann", "bob")
    cyd = t.connect("cyd")
    t.quiet(ann, bob)
    for client in (ann, cyd):
        t.refused(client, "bad-argument", [f"/tell{rest.format(bob.name)}" for rest in _BAD])
    t.nothing(ann, bob, cyd)


@check("TELL-5", "9b9eb92e6a25")
def what_one_causes_comes_in_order(t: Stage) -> None:
    """All that somebody says, tells and does in a room comes to another member in the order of its lines."""
    room, away = t.room(), t.room("away")
    ann, bob = t.members(room, "ann", "bob")
    name = ann.name
    for number in range(30):
        new = t.name(f"Ann{number}-")
        lines = ["said", f"/tell {bob.name} told", "said again", f"/nick {new}", f"/tell {bob.name} {number}", "named"]
        lines += [f"/cd {away}", f"/tell {bob.name} from afar", f"/cd {room}", f"/tell {bob.name} back", "hello"]
        ann.send(*lines)
        bob.expect(f"SAID {name} said", f"TELL {name} told", f"SAID {name} said again", f"NICK {name} {new}")
        bob.expect(f"TELL {new} {number}", f"SAID {new} named", f"LEFT {new} moved", f"TELL {new} from afar")
        bob.expect(f"JOINED {new}", f"TELL {new} back", f"SAID {new} hello")
        ann.settled()
        name = new
    ann.send(f"/tell {bob.name} bye", "exit")
    bob.expect(f"TELL {name} bye", f"LEFT {name} exit")


@check("TELL-6", "8b75d53a2ad7")
def one_can_tell_itself(t: Stage) -> None:
    """A client that tells itself something gets TELL and then TOLD, in a room and in the lobby; others get nothing."""
    ann, bob = t.members(t.room(), "ann", "bob")
    for client in (ann, t.connect("lobby")):
        client.settled()
        client.send(f"/tell {client.name.upper()} milk, bread")
        client.expect(f"TELL {client.name} milk, bread", f"TOLD {client.name} milk, bread")
        t.nothing(client, bob)


@check("FLOW-7", "483361ff2604", needs=("tell",), slow=True)
def who_is_told_much_is_not_removed(t: Stage) -> None:
    """One who reads slowly gets all of a flood of words for it alone, from another room, and is not removed."""
    (ann,) = t.members(t.room(), "ann")
    (bob,) = t.members(t.room("far"), "bob", receive_buffer=4096)
    texts = [f"{number} {'x' * 3900}" for number in range(MANY)]
    ann.offer("".join(f"/tell {bob.name} {text}\n" for text in texts).encode())
    for text in texts:
        bob.expect(f"TELL {ann.name} {text}")
        ann.expect(f"TOLD {bob.name} {text}")
    t.nothing(ann, bob)


@check("NICK-5", "dff43ae24f5f", needs=("tell",))
def a_new_name_is_told(t: Stage) -> None:
    """The name in TELL is the one that the teller has had since its NAME."""
    ann, bob = t.connect("ann"), t.connect("bob")
    for number in range(3):
        name = t.name(f"Ann{number}-")
        ann.send(f"/nick {name}", f"/tell {bob.name} hello")
        if (received := ann.settled()) != [f"NAME {name}".encode(), f"TOLD {bob.name} hello".encode()]:
            raise Failed(f"ann <- NAME {name}, and then TOLD", f"ann <- {listed(received)}")
        bob.expect(f"TELL {name} hello")
