"""Checks that take seconds besides: halves of lines, the time to choose, wrong passwords, and reading on after BYE."""

from itertools import count
from time import monotonic

from conformance.checks.registry import check
from conformance.stage.server import Stage
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, is_info, listed
from conformance.wire.transcript import shown

HINT_SECONDS = 5.0  # [LINE-10]
CHOOSE_SECONDS = 1  # that a client has, where there is a limit
PAUSE_SECONDS = 0.25  # between two lines of who is busy
LINGER_SECONDS = 5.0  # section 12: reading on, at most
PASSWORD = "open Sesame"
APART = 5.2  # seconds from the first wrong password to the third


def _wait(t: Stage, end: float) -> None:
    """Let time go by, and read what comes."""
    while (left := end - monotonic()) > 0:
        t.pump(left)


@check("NET-3", "c221683ea6db", slow=5)
def the_rest_of_a_line_comes_late(t: Stage) -> None:
    """A line whose second half comes more than 5 seconds after the first is one line, in a room and in the lobby."""
    room = t.room()
    (bob,) = t.members(room, "bob")
    named, entered = f"/nick {t.name()}\n".encode(), f"{t.room('half')}\n".encode()
    cases: list[tuple[bool, bytes, bytes, str]] = [
        (False, b"/ping a", b"b\n", "PONG ab"),
        (False, b"/pi", b"ng a b\r\n", "PONG a b"),
        (False, named[:9], named[9:], f"NAME {t.name()}"),
        (False, entered[:3], entered[3:], f"ROOM {t.room('half')}"),
        (True, b"half a ", b"line\n", "SAID {} half a line"),
        (True, b"/say caf\xc3", b"\xa9\n", "SAID {} caf\u00e9"),
        (True, b"with a CR\r", b"\n", "SAID {} with a CR"),
        (True, b"whole\n\xf0\x9f", b"\x98\x80\n", "SAID {} \U0001f600"),
    ]
    clients = t.clients(*(f"half{number}" for number in range(len(cases))))
    for client, (inside, _, _, _) in zip(clients, cases, strict=True):
        if inside:
            client.send(room)
    t.quiet(*clients)
    for client, (_, first, _, _) in zip(clients, cases, strict=True):
        client.send_octets(first)
    _wait(t, monotonic() + HINT_SECONDS + t.deadline / 10)
    for peer in t.peers:
        peer.take()
    for client, (_, _, rest, _) in zip(clients, cases, strict=True):
        client.send_octets(rest)
    t.settle(*clients)
    wanted = {
        client: answer.format(client.name).encode() for client, (_, _, _, answer) in zip(clients, cases, strict=True)
    }
    said = [line for line in wanted.values() if line.startswith(b"SAID ")]
    for client, want in wanted.items():
        if (lines := [line for line in client.take() if line == want or line not in said]) != [want]:
            raise Failed(f"{client.label} <- {shown(want)}", f"{client.label} <- {listed(lines)}")
    if sorted(lines := bob.settled()) != sorted(said):
        raise Failed(f"bob <- {listed(said)}", f"bob <- {listed(lines)}")


@check("LINE-10", "da52c4a28a5c", slow=5)
def the_hint_comes_in_each_state(t: Stage) -> None:
    """In the lobby and in a room, after other lines, within a character, and as first octets: half a line is told."""
    room = t.room()
    inside = t.members(room, "said", "command", "behind-lines", "moved", "in-a-character", "too-long")
    outside = t.clients("lobby", "lobby-command")
    first = t.clients("first-octets", "first-octets-behind-a-mark")  # which may become a word of HTTP
    moved = inside[3]
    t.enter(moved, t.room("away"))
    for client, begun in zip(
        (*inside, *outside),
        (b"half", b"/say x", b"one\ntwo\nhalf", b"half", b"\xf0\x9f\x98", b"x" * 5000, b"half", b"/ni"),
        strict=True,
    ):
        client.settle()
        client.inbox.clear()
        client.send_octets(begun)
    for client, begun in zip(first, (b"GE", b"\xef\xbb\xbfGE"), strict=True):
        client.inbox.clear()
        client.send_octets(begun)
    t.deadline += HINT_SECONDS
    for client in (*inside, *outside, *first):
        t.wait_for(client, lambda client=client: any(map(is_info, client.inbox)), f"{client.label} <- INFO ...")  # type: ignore[misc]


@check("BYE-7", "182ed106ca61", slow=1)
def whatever_is_sent_is_no_choice(t: Stage) -> None:
    """Names, questions, refused lines, halves of lines and empty ones, again and again: BYE idle comes all the same."""
    t.share(seconds=CHOOSE_SECONDS)
    lines = {
        "name": "/nick n{}\n",
        "same-name": "/nick same\n",
        "rooms": "/rooms\n",
        "who": "/who\n",
        "help": "/help\n",
        "say": "/say {}\n",
        "bad-room": "/cd -{}\n",
        "bad-line": "no room {}\n",
        "missing": "/cd\n",
        "unknown": f"/zz-{t.suffix}\n",
        "empty": "\n",
        "half": "x",
        "cr": "\r\n",
    }
    clients = t.clients(*lines)
    end = monotonic() + CHOOSE_SECONDS + t.deadline
    for number in count():
        busy = [client for client in clients if not client.ended]
        if not busy or monotonic() > end:
            break
        for client in busy:
            client.offer(lines[client.label].format(number).encode())
        _wait(t, monotonic() + PAUSE_SECONDS)
    for client in clients:
        if not client.ended:
            raise Failed(f'{client.label} <- "BYE idle", whatever it sends', "no BYE: its lines are answered")
        client.expect_last("BYE idle")


@check("BYE-8", "30a7523d1e4e", slow=1)
def whoever_has_chosen_may_stay(t: Stage) -> None:
    """By `/cd` or without it, named or not, at once or later, moved or not: who is in a room is not sent away."""
    t.share(seconds=CHOOSE_SECONDS)
    room = t.room()
    ways = {
        "bare": f"{room}\n",
        "capitals": f"{room.upper()}\n",
        "cd": f"/cd {room}\n",
        "named": f"/nick {t.name()}\n{room}\n",
        "refused": f"no room\n/cd -\n{room}\r\n",
        "moved": f"{room}\n/cd {t.room('away')}\n",
        "renamed": f"{room}\n/nick {t.name('R')}\n",
        "asked": f"/ping x\n/help\n{room}\n",
    }
    clients = [t.dial(label) for label in (*ways, "cut", "marked")]
    for client in clients:
        client.send_octets(*(piece.encode() for piece in _opening(ways, client.label, room)))
    for client in clients:
        t.greet(client)
    idle = t.connect("idle")
    t.settle(*clients)
    t.deadline += CHOOSE_SECONDS
    idle.expect("BYE idle")
    for client in clients:
        client.take()
        client.send("/ping still-here")
        line = client.receive(what=f"{client.label} <- PONG still-here")
        while line.startswith((b"JOINED ", b"LEFT ", b"NICK ")):
            line = client.receive(what=f"{client.label} <- PONG still-here")
        if line != b"PONG still-here":
            raise Failed(f"{client.label} <- PONG still-here", f"{client.label} <- {shown(line)}")


def _opening(ways: dict[str, str], label: str, room: str) -> list[str]:
    return {"cut": [room[:2], f"{room[2:]}\n"], "marked": [f"\ufeff{room}\n"]}.get(label) or [ways[label]]


@check("NET-6", "5ccc8e33d878", needs=("client-limit",), slow=3)
def does_not_read_on_for_ever_whatever_the_reason(t: Stage) -> None:
    """A client that was sent BYE full, idle or removed, and stays open, finds the connection closed after 5 seconds."""
    server = t.start(clients=3, seconds=CHOOSE_SECONDS)
    (ann,) = t.members(t.room(), "ann")
    kicked, idle = t.connect("kicked"), t.connect("idle")
    full = t.dial("full")
    full.expect_last("BYE full")
    gone = {idle: "BYE idle"}
    if t.subject.console == "yes":
        server.say(f"/kick {kicked.name}")
        gone[kicked] = "BYE removed"
    t.deadline += CHOOSE_SECONDS
    for peer, bye in gone.items():
        peer.expect_last(bye)
    _are_closed(t, [full, *gone])
    ann.settle()


@check("NET-6", "5ccc8e33d878", needs=("password",), slow=5)
def does_not_read_on_for_ever_after_denied(t: Stage) -> None:
    """A client that was sent BYE denied, and stays open, finds the connection closed after 5 seconds."""
    t.share(password=PASSWORD)
    other, ann = t.connect("other"), t.connect("ann")
    ann.send(*["/password wrong"] * 3)
    ann.expect(*["ERROR bad-password ..."] * 3)
    try:
        ann.expect_last("BYE denied")
    except Failed as failed:
        failed.asks, failed.preparing = "PASS-7", True
        raise
    _are_closed(t, [ann])
    other.settle()


def _are_closed(t: Stage, peers: list[Peer]) -> None:
    """Send to peers that got their BYE until the server has closed the connections."""
    end = monotonic() + LINGER_SECONDS + t.deadline
    while peers := [peer for peer in peers if peer.is_read()]:
        if monotonic() > end:
            told = f"the connection of {peers[0].label} is closed {LINGER_SECONDS:.0f} seconds after BYE"
            raise Failed(told, "what is sent is still read")
        t.pump(0.1)


@check("PASS-7", "a41c52000bba", slow=6)
def wrong_passwords_are_counted_for_the_whole_connection(t: Stage) -> None:
    """The third wrong password of a connection is the last, however long before the others came, and what between."""
    t.share(password=PASSWORD)
    clients = t.clients("silent", "pings", "asks", "one-by-one")
    began = monotonic()
    for client in clients[:3]:
        client.send("/password wrong", "/password Wrong")
    clients[3].send("/password wrong")
    for client in clients[:3]:
        client.expect("ERROR bad-password ...", "ERROR bad-password ...")
    clients[3].expect("ERROR bad-password ...")
    clients[3].send("/password wrong")
    clients[3].expect("ERROR bad-password ...")
    clients[1].send("/ping x", "", "/ping y")
    clients[2].send("/cd main", "/help", "exit now")
    for client in clients[1:3]:
        client.settle()
        client.take()
    _wait(t, began + APART)
    for client in clients:
        client.send("/password wrong", f"/password {PASSWORD}")
    for client in clients:
        client.expect("ERROR bad-password ...")
        client.expect_last("BYE denied")
