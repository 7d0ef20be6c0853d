"""The start of a stream, octet by octet: U+FEFF, the words of HTTP, empty lines, parts of each, cut at each place.

The model says what comes of it, and it comes without a further line of the client.
"""

from collections.abc import Iterable
from random import Random

from conformance.checks.registry import check
from conformance.checks.server.s02_transport import HTTP_WORDS
from conformance.conversations.world import BOM, Expected, World, is_foreign, lines_of
from conformance.stage.server import Stage
from conformance.text.vectors import octet_by_octet
from conformance.wire.failure import Failed
from conformance.wire.peer import Peer, is_info, listed
from conformance.wire.transcript import shown

CLIENTS = 25  # that are connected at a time
_GREETING = (b"HELLO", b"NAME", b"INFO")
Stream = tuple[bytes, ...]  # the beginning of a connection, in pieces; all of it but HTTP ends with LF


def _play(t: Stage, streams: Iterable[Stream]) -> None:
    """Each stream brings what the model says; every second client sends before it is greeted."""
    streams = list(dict.fromkeys(streams))
    for begin in range(0, len(streams), CLIENTS):
        some = streams[begin : begin + CLIENTS]
        clients = [t.dial(f"ann{begin + number}") for number in range(1, len(some) + 1)]
        for client in clients[::2]:
            t.greet(client)
        t.send_in_turn(*((client, list(stream)) for client, stream in zip(clients, some, strict=True)))
        for client, stream in zip(clients, some, strict=True):
            sent = b"".join(stream)
            t.transcript.awaits_answer(client.label, b"|".join(stream))
            if is_foreign(sent, inside_tls=t.subject.tls is not None):
                _ends(client, sent)
            else:
                _is_answered(t, client, sent)
            client.close()


def _ends(client: Peer, sent: bytes) -> None:
    """The connection ends, and nothing is answered."""
    try:
        client.wait_end()
    except Failed as failed:
        raise Failed(f"{client.label} <- the end of the connection, for {shown(sent)}", failed.received) from failed
    if answers := [line for line in client.take() if line.split(b" ")[0] not in _GREETING]:
        raise Failed(f"{client.label} <- no answer to {shown(sent)}", listed(answers), cites="NET-9")


def _is_answered(t: Stage, client: Peer, sent: bytes) -> None:
    """All that the model says comes, without a ping that could bring it, and no more."""
    if not client.name:
        t.greet(client)
    world = World(features=frozenset(client.features)).connect(client.label, client.name)
    wanted: list[Expected] = []
    for line in lines_of(sent.removeprefix(BOM)):
        world, effects = world.act(client.label, line)
        wanted += [expected for _, expected in effects]
        if world.get(client.label) is None:
            break  # exit
    told = listed([expected.line + b" ..." if expected.open else expected.line for expected in wanted])
    what = f"{client.label} <- {told}, for {shown(sent)}"
    t.wait_for(client, lambda: len(_own(client)) >= len(wanted), what)
    if world.get(client.label) is not None and not client.ended:
        client.settle()
    received = _own(client)
    if len(received) != len(wanted) or not all(e.matches(line) for e, line in zip(wanted, received, strict=True)):
        ended = f", then {client.ending()}" if client.ended else ""
        raise Failed(what, f"{client.label} <- {listed(received)}{ended}")


def _own(client: Peer) -> list[bytes]:
    """Return what came for the client's own lines: not INFO lines, nor what others do in a room with a usual name."""
    own = client.name.encode()
    others = (b"JOINED", b"LEFT", b"NICK")
    lines = [line for line in client.inbox if not is_info(line) and line.split(b" ")[0] not in others]
    return [line for line in lines if not line.startswith(b"SAID ") or line.split(b" ")[1] == own]


def _cuts(chance: Random, stream: bytes, *places: int) -> list[Stream]:
    """Return a stream cut at each of these places, at all of them, at two others by chance, and not at all."""
    drawn = [chance.randrange(1, len(stream)) for _ in range(2)]
    ones = [(stream[:place], stream[place:]) for place in (*places, drawn[0]) if 0 < place < len(stream)]
    return [*ones, _cut(stream, (*places, *drawn)), (stream,)]


def _cut(stream: bytes, places: Iterable[int]) -> Stream:
    """Return a stream cut at these places."""
    inside = sorted({place for place in places if 0 < place < len(stream)})
    return tuple(stream[begin:end] for begin, end in zip([0, *inside], [*inside, len(stream)], strict=True))


def _rooms(t: Stage, number: int) -> bytes:
    return t.room(f"r{number}").encode()


@check("LINE-6", "e20aaa9b14eb")
def one_mark_at_the_start(t: Stage) -> None:
    """One U+FEFF at the start is ignored, and no second one, before each kind of line, however all this is cut."""
    chance, room = Random(t.seed), _rooms(t, 1)
    behind = [room + b"\n", room + b"\r\n", b"\n" + room + b"\n", b"\r\n/ping a\n", b"/ping a\n", b"exit\n", b"GET\n"]
    behind += [
        BOM + room + b"\n",
        BOM + b"\n" + room + b"\n",
        b"\xff\n",
        BOM[:2] + b"\n",
        b"\x16\n",
        b"a\r\n",
        b"GE\r\n",
    ]
    behind += [BOM * 2 + b"\n", BOM + b"exit\n", BOM + b"GET x\n"]
    streams = [(BOM + rest, (3, 6)[: 1 + rest.startswith(BOM)]) for rest in behind]
    _play(t, (way for stream, places in streams for way in _cuts(chance, stream, *places)[:3]))
    _play(t, [tuple(octet_by_octet(BOM + room[:3] + b"\n")), (BOM[:1], BOM[1:2], BOM[2:] + b"/ping a\n")])


@check("TEXT-1", "ea12580b91e9")
def parts_of_a_mark_at_the_start(t: Stage) -> None:
    """A part of U+FEFF that does not go on as one belongs to the first line, which is no UTF-8, and is not dropped."""
    chance, room = Random(t.seed), _rooms(t, 1)
    parts = (BOM[:1], BOM[:2], BOM[1:], BOM[2:], BOM[:2] + BOM, BOM + BOM[:1], BOM + BOM[:2], BOM[:1] + BOM[2:])
    lines = (room + b"\n", b"\n", b"\r\n", b"/ping a\n", b"GET x\n", b"exit\n")
    streams = [(part, part + line + b"/ping on\n") for part in parts for line in lines]
    _play(t, (chance.choice(_cuts(chance, stream, len(part))) for part, stream in streams))
    _play(t, ((part, room + b"\n") for part in parts))


@check("NAME-12", "f264fb3829fc")
def marks_behind_the_start(t: Stage) -> None:
    """A U+FEFF after empty lines, or a first line, belongs to the line that it begins: no room's name has one."""
    chance, room = Random(t.seed), _rooms(t, 1)
    before = (b"\n", b"\r\n", b"\n\n\n", b"/ping a\n", BOM + b"\n", BOM + b"\r\n")
    lines = (room + b"\n", b"\n", b"exit\n", b"/ping b\n", b"GET x\n", BOM + b"\n")
    streams = [(begin, begin + BOM + line) for begin in before for line in lines]
    _play(t, (chance.choice(_cuts(chance, stream, len(begin), len(begin) + 3)) for begin, stream in streams))


@check("STATE-6", "565e79a88776")
def lines_that_look_like_http(t: Stage) -> None:
    """After empty lines, in small letters, cut short or with another sign after it, a word of HTTP begins a line."""
    chance = Random(t.seed)
    words = [word.encode() for word in HTTP_WORDS]
    streams: list[tuple[bytes, int]] = []
    for number, word in enumerate(words):
        short, before = word[: chance.randrange(1, len(word))], (b"\n", b"\r\n", BOM + b"\n", b"\n\n", b"/ping a\n")
        lines = [before[number % 5] + word + b" x\n", before[(number + 2) % 5] + word + b"\n", b" " + word + b" x\n"]
        lines += [
            short + b"\n",
            short + b" x\r\n",
            word.lower() + b" x\n",
            word.title() + b" /\n",
            word + word + b" x\n",
        ]
        lines += [word + sign + b"x\n" for sign in (b"\t", b"/", b"\xc2\xa0", b"X", b"-")] + [word + b"-\r\n"]
        streams += [(line, line.find(short) + len(short)) for line in lines]
    ways = [chance.choice(_cuts(chance, stream, place)) for stream, place in chance.sample(streams, 60)]
    _play(
        t,
        [*ways, (b"GET", b"\n"), (b"G\n",), (b"P", b"\r\n"), (b"\nGET x\n",), (b"\n", b"GET x\n"), (b"CONNECT", b"\n")],
    )


@check("NAME-11", "a0bc94d16f92")
def rooms_with_words_of_http(t: Stage) -> None:
    """Each word of HTTP, with LF or CR LF after it, is the name of a room, however it is cut, after U+FEFF too."""
    chance = Random(t.seed)
    ways: list[Stream] = []
    for number, word in enumerate(word.encode() for word in HTTP_WORDS):
        stream = (BOM if number % 2 else b"") + word
        ways += [(stream + b"\r\n",), (stream, b"\n"), chance.choice(_cuts(chance, stream + b"\r\n", len(stream), 3))]
    _play(t, ways)


@check("NET-7", "0b4458ba4c2a")
def http_cut_at_each_place(t: Stage) -> None:
    """A word of HTTP and a blank end the connection wherever they, and the U+FEFF before them, are cut."""
    chance = Random(t.seed)
    ways: list[Stream] = []
    for number, word in enumerate(word.encode() for word in HTTP_WORDS):
        behind = (b" ", b" x\n", b" / HTTP/1.1\r\n\r\n")[number % 3]
        for mark in (b"", BOM):
            stream = mark + word + behind
            places = (len(mark) + len(word), len(mark) + chance.randrange(1, len(word)), len(mark))
            ways += [*_cuts(chance, stream, *places)[:2], _cut(stream, (1, 2, 3, places[0]))]
    _play(t, ways)


@check("NET-3", "c221683ea6db")
def beginnings_cut_at_each_place(t: Stage) -> None:
    """A first line that begins like HTTP, U+FEFF or TLS and is none of these is whole wherever it is cut."""
    rooms = [
        t.room(word) for word in ("party", "general", "Heads", "DELETED", "OPTIONS2", "PATCHES", "TRACER", "PRIME")
    ]
    beginnings = [room.encode() + end for room, end in zip(rooms, [b"\n", b"\r\n"] * 4, strict=True)]
    beginnings += [b"GET\r\n", b"\n\n/ping a\n", b"\xef\xbb\xbe x\n", BOM + b"PUTTING x\n", "\ufeff\ufefe x\n".encode()]
    ways = [_cut(stream, [place]) for stream in beginnings for place in range(1, min(len(stream), 6))]
    _play(t, [*ways, *(_cut(stream, range(1, 9)) for stream in beginnings)])


@check("NET-3", "c221683ea6db")
def characters_cut_at_each_place(t: Stage) -> None:
    """A line with characters of one to four octets is whole wherever it is cut, with others before and after it."""
    (ann,) = t.members(t.room(), "ann")
    text = "a\u00e9\u20ac\U0001f600\U0001f600\ufeff\u00e9b"
    line = f"{text}\r\n/ping {text}\n".encode()
    pieces, rest = [], b""
    for place in range(1, len(line)):
        pieces.append(rest + line[:place])
        rest = line[place:]
    ann.send_octets(*pieces, rest)
    for _ in range(1, len(line)):
        ann.expect(f"SAID {ann.name} {text}", f"PONG {text}")
