"""The ground of lines, of what is refused, of lists, and of the barrier for each member."""

import contextlib

from conformance.checks.registry import check
from conformance.checks.server import ground
from conformance.checks.server.unknown import unknown
from conformance.stage.server import Stage, skip
from conformance.text.vectors import MAX_LINE
from conformance.wire.failure import BarrierBrokenError, Failed
from conformance.wire.peer import Peer, is_info, listed
from conformance.wire.standing import ODD_TOKENS
from conformance.wire.transcript import shown

_BOM = b"\xef\xbb\xbf"


# ---------------- lines


@check("LINE-2", "2716c0ff5413", ground=3)
def cr_lf(t: Stage) -> None:
    """A line that ends with CR LF is the same line."""
    ground.brings(t.connect("ann"), "/ping x-1\r", "PONG x-1")


@check("NET-3", "c221683ea6db", ground=3)
def a_line_in_pieces(t: Stage) -> None:
    """A line that comes in two pieces is one line, and two lines that come in one piece are two."""
    ann = t.connect("ann")
    ann.settled()
    ann.send_octets(b"/ping x", b"-1\n", b"/ping x-2\n/ping x-3\n")
    ground.only(ann, ground.of(ann.settled(), b"PONG", b"ERROR"), "PONG x-1", "PONG x-2", "PONG x-3")


@check("FLOW-1", "150fe71ec5d9", ground=3)
def a_plain_paste(t: Stage) -> None:
    """Of 200 lines in one segment none is lost."""
    ann = ground.alone(t)
    texts = [f"line {number}" for number in range(200)]
    wanted = [f"SAID {ann.name} {text}" for text in texts]
    ann.send(*texts)
    if missing := ground.missing(t, ann, *wanted):
        ann.take()
        for text in texts:
            ann.send(text)
            ann.settle()
        if lost := ground.missing(t, ann, *wanted):  # it does not take a flood
            raise Failed(f"ann <- {lost[0]}, and all other lines", f"ann <- all but {len(lost)}", cites="SAY-2")
        raise Failed(f"ann <- {missing[0]}, and all other lines of a paste", f"ann <- all but {len(missing)}")


@check("LINE-3", "43b549494d38", ground=3)
def a_long_line(t: Stage) -> None:
    """A line of 4096 octets is not refused."""
    ann = t.connect("ann")
    if refused := ground.of(ground.came(ann, "/ping ".ljust(MAX_LINE, "x")), b"ERROR"):
        raise Failed('ann <- "PONG xxx..."', f"ann <- {shown(refused[0])}")


@check("LINE-5", "fd4daf09087c", ground=3)
def an_empty_line(t: Stage) -> None:
    """An empty line brings nothing."""
    ann = t.connect("ann")
    ground.only(ann, ground.no_events(ground.came(ann, "")))


@check("LINE-6", "e20aaa9b14eb", ground=3)
def a_mark_at_the_start(t: Stage) -> None:
    """A U+FEFF at the very start does not belong to the first line."""
    ann = t.dial("ann")
    ann.send(_BOM + b"/ping x-1")
    t.greet(ann)
    ground.only(ann, ground.of(ann.settled(), b"PONG", b"ERROR"), "PONG x-1")


@check("TEXT-5", "30e6b87a0e5d", ground=3)
def odd_texts_are_relayed(t: Stage) -> None:
    """Texts with blanks around them, with tabs, marks and letters of all kinds come back as they are."""
    ann = ground.alone(t)
    for text in (
        " a  b ",
        "a\tb",
        "A caf\u00e9, a cafe\u0301 \U0001f600",
        "\ufeff\u200b\u202e\uffff",
        "<b>&amp;</b>",
        "\u00e9x" * 300,
    ):
        received = ground.came(ann, text)  # as a bare line: what `/say` makes of its argument is another's matter
        said = f"SAID {ann.name} {text}".encode()
        if refused := ground.of(received, b"ERROR"):
            raise Failed(f"ann <- {shown(said)}", f"ann <- {shown(refused[0])}", cites="TEXT-8")
        if received and received != [said]:
            raise Failed(f"ann <- {shown(said)}", f"ann <- {listed(received)}")


@check("PING-2", "15b5aaa59c63", ground=3, fact=ODD_TOKENS)
def odd_tokens_come_back(t: Stage) -> None:
    """A token with blanks around it, in capitals, in other letters and of many octets comes back as it is."""
    ann = t.connect("ann")
    for token in (" a  b ", "A B", "\u00e9 \u20ac", "0", "x" * 2000):
        ground.only(ann, ground.of(ground.came(ann, f"/ping {token}"), b"PONG", b"ERROR"), f"PONG {token}")


# ---------------- refusals


@check("ERR-1", "476de9169469", ground=3)
def a_code_of_the_table(t: Stage) -> None:
    """The ERROR to a command that no server knows has a code of the table: every line is held against that."""
    ground.came(t.connect("ann"), unknown(t))


@check("CMD-1", "8b9e4ca6c45d", ground=3)
def an_unknown_command(t: Stage) -> None:
    """A command that no server knows is answered with ERROR unknown-command."""
    ground.refused(t, t.connect("ann"), unknown(t), "unknown-command")


@check("CMD-5", "fa7a85aa3f54", ground=3)
def an_error_comes_alone(t: Stage) -> None:
    """A line that is refused brings nothing but its ERROR."""
    ann = t.connect("ann")
    received = ground.no_events(ground.came(ann, unknown(t)))
    if len(received) > 1 and ground.of(received, b"ERROR"):
        raise Failed('ann <- "ERROR unknown-command ..." alone', f"ann <- {listed(received)}")


@check("TEXT-6", "563e485999f1", ground=3)
def served_after_a_line_that_is_none(t: Stage) -> None:
    """A line of 5000 octets, and one that is no UTF-8, does not end the connection."""
    for line in (b"x" * 5000, b"caf\xe9"):
        ann = t.connect("ann")
        ann.send(line)
        pong = ann.ask()
        with contextlib.suppress(Failed):  # that a ping is answered is another's matter
            t.wait_for(ann, lambda ann=ann, pong=pong: not ann.awaits(pong), shown(pong))  # type: ignore[misc]
        if ann.ended:
            raise Failed(f"ann <- {shown(pong)}", ann.ending())


@check("LINE-4", "7a38a9693e90", ground=3)
def a_line_that_is_too_long(t: Stage) -> None:
    """A line of 5000 octets is answered with one ERROR too-long."""
    ground.refused(t, t.connect("ann"), "x" * 5000, "too-long", once=True)


@check("TEXT-1", "ea12580b91e9", ground=3)
def a_line_that_is_no_utf_8(t: Stage) -> None:
    """A line that is no UTF-8 is answered with one ERROR bad-text."""
    ground.refused(t, t.connect("ann"), b"caf\xe9", "bad-text", once=True)


@check("TEXT-2", "b1e36cb77925", ground=3)
def a_forbidden_character(t: Stage) -> None:
    """A line with a control character is answered with one ERROR bad-text."""
    ground.refused(t, t.connect("ann"), b"a\x07b", "bad-text", once=True)


@check("TEXT-3", "a075142652c3", ground=3)
def a_cr_within_a_line(t: Stage) -> None:
    """A line with a CR in its middle is answered with ERROR bad-text."""
    ground.refused(t, t.connect("ann"), b"one\rtwo", "bad-text")


@check("CMD-3", "58dbe20da78e", ground=3)
def a_missing_argument(t: Stage) -> None:
    """`/ping` and `/cd` without an argument are answered with ERROR bad-argument."""
    ann = t.connect("ann")
    for line in ("/ping", "/cd"):
        ground.refused(t, ann, line, "bad-argument")


@check("STATE-7", "eb33915a9894", ground=3)
def nothing_is_said_in_the_lobby(t: Stage) -> None:
    """`/say` in the lobby is answered with ERROR no-room."""
    ground.refused(t, t.connect("ann"), "/say hello", "no-room")


@check("NAME-12", "f264fb3829fc", ground=3)
def a_bad_room(t: Stage) -> None:
    """A room whose name has a blank is answered with ERROR bad-room."""
    ground.refused(t, t.connect("ann"), "/cd no room", "bad-room")


@check("NAME-2", "375ecb10907b", ground=3)
def a_bad_name(t: Stage) -> None:
    """A name with a dot is answered with ERROR bad-name."""
    ground.refused(t, t.connect("ann"), "/nick a.b", "bad-name")


@check("NAME-3", "0e051c01317d", ground=3)
def a_taken_name(t: Stage) -> None:
    """A name that another client has is answered with ERROR name-taken."""
    ann, bob = t.connect("ann"), t.connect("bob")
    ground.refused(t, bob, f"/nick {ann.name}", "name-taken")


@check("NAME-6", "eac254f56b2a", ground=3)
def a_reserved_name(t: Stage) -> None:
    """The name `operator` is answered with ERROR name-taken."""
    ground.refused(t, t.connect("ann"), "/nick operator", "name-taken")


# ---------------- foreign protocols


@check("NET-7", "0b4458ba4c2a", ground=3)
def http(t: Stage) -> None:
    """A request of HTTP ends the connection."""
    ann = t.dial("ann")
    ann.send_octets(b"GET / HTTP/1.1\r\n\r\n")
    ann.wait_end()


@check("NET-8", "6e4d6e17414f", ground=3)
def tls(t: Stage) -> None:
    """The octet 0x16 ends the connection."""
    if t.subject.tls:
        raise skip("is about a port without TLS, and with --tls-ca all connections are inside it")
    ann = t.dial("ann")
    ann.send_octets(b"\x16")
    ann.wait_end()


# ---------------- help and lists


@check("HELP-1", "076bdd80ba2e", ground=3)
def help_is_given(t: Stage) -> None:
    """`/help` brings INFO, with an argument too."""
    ann = t.connect("ann")
    for line in ("/help", "/help me"):
        ann.settle()
        ann.inbox.clear()
        ann.send(line)
        ann.settle()
        if not any(map(is_info, ann.inbox)):
            raise Failed(f'ann <- "INFO ...", for {line!r}', f"ann <- {listed(ann.inbox)}")


@check("OUT-2", "9b51f1f899d0", ground=3)
def named_features_are_known(t: Stage) -> None:
    """The commands of the features that a server names are no unknown commands to it."""
    ann = ground.alone(t)
    for feature in ("who", "rooms", "history", "tell"):
        received = ground.came(ann, f"/{feature}") if feature in ann.features else []
        if refused := [line for line in received if line.startswith(b"ERROR unknown-command")]:
            raise Failed(f"ann <- the answer to /{feature}", f"ann <- {shown(refused[0])}")


@check("WHO-1", "9a3c4ec212d6", ground=3)
def who(t: Stage) -> None:
    """`/who` names all members, and counts them."""
    ann, bob = ground.together(t, "ann", "bob")
    received = ground.came(ann, "/who")
    wanted = [*sorted(f"MEMBER {peer.name}".encode() for peer in (ann, bob)), f"MEMBERS {t.room()} 2".encode()]
    ground.only(ann, [*sorted(received[:-1]), *received[-1:]], *wanted)


@check("WHO-4", "0c73d771544a", ground=3)
def who_with_an_argument(t: Stage) -> None:
    """`/who x` is answered with ERROR bad-argument."""
    ground.refused(t, ground.alone(t), "/who x", "bad-argument")


@check("LIST-1", "1f7830676a92", ground=3)
def rooms(t: Stage) -> None:
    """`/rooms` lists a room that has a member, and counts the lines."""
    ann = ground.alone(t)
    received = ground.came(ann, "/rooms")
    live = f"LIVE {t.room('of-ann')} 1"
    if live.encode() not in received or received[-1] != b"ROOMS %d" % (len(received) - 1):
        raise Failed(f"ann <- {live}, and ROOMS with the number of lines", f"ann <- {listed(received)}")


@check("LIST-4", "6681ff84820d", ground=3)
def rooms_with_an_argument(t: Stage) -> None:
    """`/rooms x` is answered with ERROR bad-argument."""
    ground.refused(t, t.connect("ann"), "/rooms x", "bad-argument")


# ---------------- the barrier, for each member


def _four(t: Stage) -> list[Peer]:
    """Return four members of a room, whatever they were told of each other."""
    peers = [t.connect(label) for label in ("ann", "bob", "cyd", "dan")]
    for peer in peers:
        peer.send(t.room())
        peer.round_trip()
    for peer in peers:
        peer.round_trip()
        peer.inbox.clear()
    return peers


def _member_hears_late(t: Stage, peer: Peer, event: bytes, before: str) -> None:
    """Raise BarrierBrokenError where an event comes too late; that it never comes is another's matter."""
    try:
        t.wait_for(peer, lambda: event in peer.inbox, shown(event))
    except Failed as failed:
        failed.asks, failed.preparing = "SAY-2", True
        raise
    raise BarrierBrokenError(f"{peer.label} <- {shown(event)} before {before}", "it came after it")


@check("ORDER-7", "e5e7cfbfb58c", ground=3)
def pong_for_each_member(t: Stage) -> None:
    """All that a member says comes to it before the PONG to its next line, to the first member and to the fourth."""
    for peer in _four(t):
        said, pong = f"SAID {peer.name} hello there".encode(), f"PONG of-{peer.label}".encode()
        peer.send("hello there", f"/ping of-{peer.label}")
        t.wait_for(peer, lambda peer=peer, pong=pong: pong in peer.inbox, shown(pong))  # type: ignore[misc]
        came = list(peer.inbox)
        if pong in came and said not in came[: came.index(pong)]:
            _member_hears_late(t, peer, said, f"its {shown(pong)}")


@check("ORDER-8", "747fd63dede8", ground=3)
def events_for_each_member(t: Stage) -> None:
    """All that a member has said before its PONG comes to each other before the PONG to a later ping: to all four."""
    peers = _four(t)
    for number, peer in enumerate(peers):
        said = f"SAID {peer.name} from {peer.label}".encode()
        peer.send(f"from {peer.label}")
        peer.round_trip()
        for other in (*peers[:number], *peers[number + 1 :]):
            other.round_trip()
            if said not in other.inbox:
                _member_hears_late(t, other, said, "the PONG to a later ping")
