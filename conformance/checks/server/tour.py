"""A tour through all that a client can bring a server to send, for checks that hold each line against a rule."""

from conformance.stage.server import Stage
from conformance.text.vectors import MAX_LINE
from conformance.wire.peer import Peer


def tour(t: Stage, *, end: bytes = b"\n") -> list[Peer]:
    """Let two clients send every command, right and wrong; return them, settled. Nothing is expected of the answers."""
    room, name = t.room(), t.name()
    ann, bob = t.connect("ann"), t.connect("bob")
    lobby = ["/say nobody", "/who", "/rooms", "/help", "/ping lobby", "not a room", "/cd", "/history 5", "/tell x"]
    lobby.append(f"/cd {room.upper()}")
    inside = [
        "hello",
        "/say exit",
        "/say",
        f"/nick {name}",
        "/nick operator",
        "/nick B.B.",
        "/nick",
        "/who",
        "/who x",
        "/rooms",
        "/rooms x",
        "/history 20",
        "/history x",
        f"/tell {name} psst",  # not the name that was made up: by now, it can be that of another check
        f"/tell {t.name('nobody')} psst",
        "/tell",
        "/help",
        "/help me",
        "/ping a b",
        "/ping",
        "/cd no room",
        "/cd",
        f"/cd {room}",
        "/no-such word",
        "x" * MAX_LINE,
        "x" * (MAX_LINE + 1),
        f"/cd {t.room('other')}",
        "alone",
        f"/cd {room}",
    ]
    for line in (*lobby, *inside):
        for client in (bob, ann):
            client.send_octets(line.encode() + end)
    for data in (b"\xff", b"\x00", b"\x1b[2J", b"a\rb", "/nick \U0001f600".encode() * 50):
        ann.send_octets(data + end)
    for client in (ann, bob):
        client.settle()
    ann.send_octets(b"exit" + end)
    ann.wait_end()
    bob.settle()
    return [ann, bob]
