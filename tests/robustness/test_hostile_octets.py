"""With all octets, however they are cut: each line is one message or one error, and nobody else notices."""

import contextlib
import random
import re
import socket
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reference.server import connection
from reference.server.connection import FIRST_READ, serve
from reference.server.delivery import Peer
from reference.server.hub import Hub, Limits
from reference.wire import BYTE_ORDER_MARK
from tests.robustness.support import MIB, Talker, converse, memory, needs_proc, unharmed
from tests.support import DEADLINE, Server

# By class, what no UTF-8 text has in it; at the limits of each class.
ILL_FORMED = {
    "overlong": ["c0 80", "c1 bf", "e0 80 80", "e0 9f bf", "f0 80 80 80", "f0 8f bf bf", "c0 8a", "e0 80 8a"],
    "surrogates": ["ed a0 80", "ed af bf", "ed b0 80", "ed bf bf", "ed a0 bd ed b0 9f"],
    "beyond U+10FFFF": ["f4 90 80 80", "f5 80 80 80", "f7 bf bf bf", "f8 88 80 80 80", "fc 84 80 80 80 80"],
    "truncated": ["c2", "df", "e0 a0", "e1", "ef bf", "f0 90 80", "f1", "f4 8f bf", "f0 9f 90 f0 9f 90 9f"],
    "lone continuation": ["80", "bf", "c3 a9 a9", "80 80 80"],
    "never an octet of UTF-8": ["fe", "ff", "fe ff", "ff fe 61 00"],
}


@needs_proc
@pytest.mark.parametrize("octet", [b"x", b"\0", b"\xff"])
def test_line_without_end(octet: bytes) -> None:
    """[LINE-4] [LINE-9]: 100 MB of it: one error, once it ends, and no memory."""
    with Server() as server, unharmed(server, "main"):
        client = server.connect("main", "Ann")
        before = memory(server, "VmHWM")
        for _ in range(100):
            client.sock.sendall(octet * 1_000_000)
        assert memory(server, "VmHWM") - before < 8 * MIB
        client.send("", "still here", "/ping end")
        lines = [line for line in client.until("PONG end") if not line.startswith("SAID main-")]
        client.close()
    assert [line.split(" ")[:2] for line in lines] == [["ERROR", "too-long"], ["SAID", "Ann"]]


def answer(line: bytes) -> str | None:
    """Return what a member gets for a line of at most three octets, anew from section 3 of the spec."""
    line = line.removesuffix(b"\r")
    if not line:
        return None
    if line == b"/":
        return "ERROR unknown-command"
    return f"SAID Ann {line.decode()}" if all(0x20 <= o < 0x7F or o == 0x09 for o in line) else "ERROR bad-text"


@needs_proc
def test_every_octet_alone_and_in_a_line() -> None:
    """[TEXT-2] [TEXT-6]: in a room; each costs its line and nothing else."""
    lines = [line for number in range(256) for line in (bytes([number]), b"a" + bytes([number]) + b"b")]
    sent = b"\n".join(lines) + b"\n"  # LF among them makes lines of its own
    expected = [found for line in sent.split(b"\n") if (found := answer(line)) is not None]
    assert len(expected) == 512 - 2 + 1  # CR alone and LF alone are empty, LF in a line makes two of it
    with Server() as server, unharmed(server):
        client = server.connect("octets", "Ann")
        client.sock.sendall(sent)
        got = client.barrier()
        client.close()
    assert [line if line.startswith("SAID") else " ".join(line.split(" ")[:2]) for line in got] == expected


@needs_proc
def test_every_octet_as_the_first() -> None:
    """[NET-8] [SEC-1]: and as the only one, alone and as a line."""
    with Server() as server, unharmed(server):
        talkers = [Talker(server, None, bytes([number]) + end) for number in range(256) for end in (b"", b"\n")]
        converse(talkers)
        for talker in talkers:
            first = talker.lines[:1]
            assert first in ([], ["HELLO flurfunk/1 who rooms tell"])  # with 0x16 it may be lost
            assert not any(line.startswith("BYE") for line in talker.lines)


@needs_proc
@pytest.mark.parametrize("kind", ILL_FORMED)
def test_ill_formed_text(kind: str) -> None:
    """[TEXT-1] [TEXT-4]: one error for each line, wherever in the line it is; and what is fine after it is said."""
    wrong = [bytes.fromhex(octets) for octets in ILL_FORMED[kind]]
    lines = [line for octets in wrong for line in (octets, b"a" + octets, octets + b"b", b"/say " + octets)]
    with Server() as server:
        with unharmed(server, "main") as same_room:
            client = server.connect("text", "Ann")
            for line in lines:
                client.sock.sendall(line + b"\nfine\n")
                got = client.barrier()
                assert [found.split(" ")[:2] for found in got] == [["ERROR", "bad-text"], ["SAID", "Ann"]], line
            client.send("/cd main", "exit")
            assert client.rest()[-1] == "BYE exit"
            client.close()
        assert same_room.heard == ["JOINED Ann", "LEFT Ann exit"]


def garbage(seed: int, size: int) -> bytes:
    """Return octets by chance, with many ends of lines; half of them are ASCII, so that some lines are fine."""
    chance = random.Random(seed)
    alphabets = (bytes(range(256)), bytes(range(0x20, 0x7F)), b"\r\t\0/ \xc3\xa9\xf0\x9f\x90\x9f")
    pieces = []
    while size > 0:
        line = bytes(chance.choices(chance.choice(alphabets), k=int(chance.expovariate(1 / 30))))
        if chance.random() < 0.01:
            line *= 400
        pieces.append(line)
        size -= len(line) + 1
    return b"\n".join(pieces) + b"\n"


@needs_proc
def test_garbage_from_fifty() -> None:
    """[CMD-6] [TEXT-4]: each line that is not empty is said, or answered with one error."""
    with Server() as server, unharmed(server, "garbage-0"):
        sent = [garbage(seed, 200_000) for seed in range(50)]
        talkers = [Talker(server, f"garbage-{at % 10}", octets) for at, octets in enumerate(sent)]
        converse(talkers)
        for talker, octets in zip(talkers, sent, strict=True):
            lines = [line.removesuffix(b"\r") for line in octets.split(b"\n")]
            assert not {b"exit", b"/help", b"/who", b"/rooms"} & set(lines)
            outcomes = ("ERROR ", f"SAID {talker.name} ")
            assert sum(line.startswith(outcomes) for line in talker.lines) == sum(bool(line) for line in lines) > 100
            assert not any(line.startswith("BYE") for line in talker.lines)


# ---------------------------------------------------------------- the reader of a connection, cut as wanted

FRAGMENTS = [b"\n", b"\r\n", b"\r", b"\0", b"/", b"/say ", b"/cd a", b"/nick b", b"/ping c", b"exit", b"/who", b"GET "]
FRAGMENTS += [BYTE_ORDER_MARK, b"\x16", b"x" * 4096, b"x" * 4097, "\U0001f41f".encode(), b"\xff"]
OCTETS = st.lists(st.sampled_from(FRAGMENTS) | st.binary(min_size=1, max_size=8), max_size=25).map(b"".join)
CUTS = st.lists(st.integers(1, 9000), max_size=20)
HUB = Hub(Limits())
HUB.start()


def served(octets: bytes, cuts: set[int]) -> bytes:
    """Return what the server's thread of a client answers to octets that it receives cut like this."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # keeps the cuts, other than TCP
    with theirs:
        places = sorted({cut for cut in cuts if cut < len(octets)} | {*range(0, len(octets), FIRST_READ), len(octets)})
        for start, end in pairwise(places):
            theirs.sendall(octets[start:end])
        theirs.shutdown(socket.SHUT_WR)
        number = HUB.new_number()
        serve(HUB, Peer(number, ours))
        theirs.settimeout(DEADLINE)
        with contextlib.suppress(ConnectionResetError):  # where not all was read; told once, before what has come
            theirs.recv(1, socket.MSG_PEEK)
        got = b"".join(iter(lambda: theirs.recv(1 << 20), b""))
    return re.sub(rb"guest-\d+", b"guest", got)


@given(octets=OCTETS, cuts=CUTS)
@example(octets=BYTE_ORDER_MARK + b"main\nGET \n" + b"x" * 4097 + b"\r\n\xff\n", cuts=[*range(1, 20), 4118, 4119])
@example(octets=b"GET " + b"x" * 4096, cuts=[1])
def test_answers_are_the_same_however_the_octets_are_cut(octets: bytes, cuts: list[int]) -> None:
    """[NET-3]: from the first octet on; and none of them makes the thread fail."""
    with pytest.MonkeyPatch.context() as patch:
        failures: list[str] = []
        patch.setattr(connection.log, "exception", lambda text, *words: failures.append(text))
        assert served(octets, set(cuts)) == served(octets, set())
        assert not failures
    assert HUB.users() == []
