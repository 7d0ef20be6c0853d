"""Section 2, Transport."""

import time
from collections.abc import Callable

from conformance.checks.registry import check
from conformance.stage.server import Stage, skip
from conformance.text.vectors import octet_by_octet, segmentations
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, listed

HTTP_WORDS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI")
HURRIED = 10  # clients whose end of stream may come before or after what their lines bring
LINGER_SECONDS = 5.0  # section 12
LATE_SECONDS = 0.5  # half of what section 12 asks for
BOM = b"\xef\xbb\xbf"


@check("NET-1", "633bb49a6b72")
def serves_over_ipv4(t: Stage) -> None:
    """Ten connections at once are greeted, and what each sends counts from the first octet on."""
    clients = [t.dial(f"client{number}") for number in range(10)]
    for number, client in enumerate(clients):
        client.send(t.room(f"room{number}"))
    for number, client in enumerate(clients):
        t.greet(client)
        client.expect(f"ROOM {t.room(f'room{number}')}")


@check("NET-3", "c221683ea6db")
def segments_mean_nothing(t: Stage) -> None:
    """One conversation, cut in seven ways, has the same answers."""
    room = t.room()
    (bob,) = t.members(room, "bob")
    ways = list(segmentations(b""))
    for number, (way, ann) in enumerate(
        zip(ways, t.clients(*(f"ann{number}" for number in range(len(ways)))), strict=True)
    ):
        name = t.name(f"A{number}")
        said = ["caf\u00e9 \U0001f600", "second", "exit "]
        lines = [f"/nick {name}", f"/cd {room}", *said, "/ping \u20ac 1", "/cd " + t.room(f"away{number}")]
        t.transcript.event(ann.label, f"sends {way}")
        ann.send_octets(*segmentations("".join(f"{line}\r\n" for line in lines).encode())[way])
        ann.expect(f"NAME {name}", f"ROOM {room}", *(f"SAID {name} {text}" for text in said), "PONG \u20ac 1")
        bob.expect(f"JOINED {name}", *(f"SAID {name} {text}" for text in said), f"LEFT {name} moved")


@check("NET-4", "c801f388b0c9")
def half_close_gets_all_answers(t: Stage) -> None:
    """A client that sends all at once and half-closes gets all its answers, and then the end."""
    room = t.room()
    ann = t.dial("ann")
    texts = [f"{number} " + "x" * 100 for number in range(500)]
    ann.send(room, *texts, "/ping last")
    ann.half_close()
    t.greet(ann)
    ann.expect(f"ROOM {room}", *(f"SAID {ann.name} {text}" for text in texts), "PONG last")
    ann.expect_end()


@check("NET-4", "c801f388b0c9")
def half_close_without_lines(t: Stage) -> None:
    """A client that half-closes and has sent nothing, or half a line, gets the end."""
    ann, bob = t.clients("ann", "bob")
    bob.send_octets(b"half a line")
    for client in (ann, bob):
        client.half_close()
    for client in (ann, bob):
        client.expect_end()


@check("NET-4", "c801f388b0c9")
def exit_before_a_half_close(t: Stage) -> None:
    """A client that sends a room, a text and `exit` at once and half-closes leaves by exit, and gets BYE exit."""
    rooms = [t.room(f"main{number}") for number in range(HURRIED)]
    witnesses = [bob for (bob,) in t.groups(rooms, "bob")]
    hurried = [t.dial(f"ann{number}") for number in range(HURRIED)]
    for room, ann in zip(rooms, hurried, strict=True):
        ann.send(room, "hello", "exit")
        ann.half_close()
    for room, ann, bob in zip(rooms, hurried, witnesses, strict=True):
        t.greet(ann)
        ann.expect(f"ROOM {room}", f"SAID {ann.name} hello", "BYE exit")
        ann.expect_end()
        bob.expect(f"JOINED {ann.name}", f"SAID {ann.name} hello", f"LEFT {ann.name} exit")
    t.nothing(*witnesses)


@check("NET-5", "582a163d1dce")
def half_a_line_is_dropped(t: Stage) -> None:
    """All that stands after the last LF has no effect, however the connection ends."""
    room = t.room()
    (bob,) = t.members(room, "bob")
    taken = t.name("Taken")
    rests = ("half a line", "exit", f"/nick {taken}", "/cd " + t.room("away"), "with a CR\r")
    cases = [(rest, how) for rest in rests for how in (Peer.half_close, Peer.close)]
    clients = t.clients(*(f"ann{number}" for number in range(len(cases))))
    for ann, (rest, how) in zip(clients, cases, strict=True):
        ann.send_octets(f"/cd {room}\nwhole\n{rest}".encode())
        ann.expect(f"ROOM {room}", f"SAID {ann.name} whole")
        t.give_turn()
        how(ann)
        bob.expect(f"JOINED {ann.name}", f"SAID {ann.name} whole", f"LEFT {ann.name} lost")
        if not ann.ended:
            ann.expect_end()
    bob.expect_nothing()


@check("NET-6", "5ccc8e33d878")
def bye_survives_unread_input(t: Stage) -> None:
    """A client that sends much after `exit`, and reads later, gets BYE and an end of stream, not a reset."""
    clients = t.clients(*(f"ann{number}" for number in range(10)))
    for ann in clients:
        ann.stall()
        ann.offer(b"exit\n" + b"behind\n" * 20000)
    for ann in clients:
        t.wait_for(ann, lambda ann=ann: not ann.unsent, "what is sent after exit is read")  # type: ignore[misc]
    t.give_turn()
    for ann in clients:
        ann.stall(stalled=False)
        ann.expect("BYE exit")
        ann.expect_end(clean=True)


@check("NET-6", "5ccc8e33d878")
def reads_on_after_bye(t: Stage) -> None:
    """All that a client sends after it got BYE does not reset the connection while it has not ended its side."""
    ann = t.connect("ann")
    ann.stall()  # who saw the end of the stream would send nothing more
    ann.send("exit")
    end = time.monotonic() + LATE_SECONDS
    for _ in range(20):
        t.give_turn()
        if time.monotonic() > end:
            break  # the way to the server is long, and it need not read on for ever
        ann.send_octets(b"too late\n" * 1000)
    ann.stall(stalled=False)
    ann.expect("BYE exit")
    ann.expect_end(clean=True)


@check("NET-6", "5ccc8e33d878", needs=("client-limit",))
def reads_on_after_bye_full(t: Stage) -> None:
    """A client that sends at once to a server that is full, and reads later, gets BYE full and an end of stream."""
    t.take_turn(clients=1)
    ann = t.connect("ann")
    clients = [t.dial(f"late{number}") for number in range(5)]
    for late in clients:
        late.stall()
    end = time.monotonic() + LATE_SECONDS
    for _ in range(5):
        for late in clients:
            late.send_octets(b"too late\n" * 1000)
        ann.round_trip()
        if time.monotonic() > end:
            break
    for late in clients:
        late.stall(stalled=False)
        late.receive(what=f"{late.label} <- HELLO")
        late.expect("BYE full")
        late.expect_end(clean=True)


@check("NET-6", "5ccc8e33d878", slow=2)
def does_not_read_on_for_ever(t: Stage) -> None:
    """A client that got BYE and keeps its side open finds the connection closed when 5 seconds have passed."""
    ann = t.connect("ann")
    ann.send("exit")
    ann.expect("BYE exit")
    ann.expect_end()
    t.connect("bob")  # something to wait for, between two attempts
    end = time.monotonic() + LINGER_SECONDS + t.deadline
    while ann.is_read():
        if time.monotonic() > end:
            raise Failed(
                f"the connection is closed {LINGER_SECONDS:.0f} seconds after BYE", "what is sent is still read"
            )
        t.pump(0.1)


@check("NET-7", "0b4458ba4c2a")
def http_words_end_the_connection(t: Stage) -> None:
    """Each of the ten words with a blank ends the connection, without an LF; cut and after U+FEFF too."""
    openings = [(word, f"{word} ".encode()) for word in HTTP_WORDS]
    ways: list[Callable[[bytes], list[bytes]]] = [
        lambda opening: [opening],
        octet_by_octet,
        lambda opening: [BOM + opening],
        lambda opening: [*octet_by_octet(BOM), opening],
    ]
    for way in ways:
        clients = [(t.dial(word), way(opening)) for word, opening in openings]
        t.send_in_turn(*clients)
        for client, _ in clients:
            client.wait_end()


@check("NET-7", "0b4458ba4c2a")
def http_request_ends_the_connection(t: Stage) -> None:
    """A whole HTTP request ends the connection."""
    client = t.dial("browser")
    client.send_octets(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n")
    client.wait_end()


@check("NET-8", "6e4d6e17414f")
def tls_ends_the_connection(t: Stage) -> None:
    """The octet 0x16 alone, and a whole TLS ClientHello, end the connection."""
    if t.subject.tls:
        raise skip("is about a port without TLS, and with --tls-ca all connections are inside it")
    clients = [(t.dial("tls"), data) for data in (b"\x16", _client_hello())]
    for client, data in clients:
        client.send_octets(data)
    for client, _ in clients:
        client.wait_end()


@check("NET-9", "1c02f8f1d2e1")
def foreign_protocols_are_not_acted_on(t: Stage) -> None:
    """Chat lines in the body of a web page's request, or after a TLS handshake, have no effect and no answer."""
    room = t.room()
    (bob,) = t.members(room, "bob")
    lines = f"\n{room}\nhello from a web page\n/help\n/ping x\nexit\n".encode()
    post = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 90\r\n\r\n"
    http = (post + lines, b"GET /" + lines, BOM + b"PUT " + lines)
    tls = () if t.subject.tls else (b"\x16" + lines, _client_hello() + lines)  # inside TLS, [NET-8] does not hold
    sent = [pieces for data in (*http, *tls) for pieces in ([data], [data[:6], data[6:]])]
    clients = [(t.dial(f"stranger{number}"), pieces) for number, pieces in enumerate(sent)]
    t.send_in_turn(*clients)
    for client, _ in clients:
        client.wait_end()
        received = client.take()
        if wrong := [line for line in received if not line.startswith((b"HELLO ", b"NAME "))]:
            raise Failed("no answer to a foreign protocol", listed(wrong))
    bob.expect_nothing()


def _client_hello() -> bytes:
    """Return the beginning of a TLS 1.2 handshake, as a client sends it."""
    body = b"\x03\x03" + bytes(range(32)) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake
