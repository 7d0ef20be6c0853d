"""The thread of one client: what it reads in whatever pieces, how it ends, and floods."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from reference.server import connection, delivery, hub
from reference.server.connection import BATCH_LINES, BATCH_OCTETS, batches, serve
from reference.server.delivery import Peer
from reference.server.hub import Hub, Limits
from reference.wire import BYTE_ORDER_MARK, Bare
from tests.support import DEADLINE, Client, present, wait_until

# Lines: with a hundred octets each more than all buffers of the kernel take.
FLOOD = 40_000


class Stage:
    """A hub with a thread for each client, on TCP."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008
        self.hub = Hub(limits)
        self.hub.start()
        self.stack = contextlib.ExitStack()
        self.listener = self.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.threads: list[threading.Thread] = []

    def open(self) -> Client:
        """Return a new connection, of which nothing is read."""
        client = Client(socket.create_connection(self.listener.getsockname(), DEADLINE))
        self.stack.callback(client.close)
        sock, _ = self.listener.accept()
        thread = threading.Thread(target=serve, args=(self.hub, Peer(self.hub.new_number(), sock)), daemon=True)
        thread.start()
        self.threads.append(thread)
        return client

    def connect(self, name: str, room: str = "main") -> Client:
        """Return a client that is in a room."""
        client = self.open()
        client.send(f"/nick {name}", room)
        client.until(f"ROOM {room}")
        return client

    def close(self) -> None:
        """Close all clients, and see that their threads end."""
        self.stack.close()
        for thread in self.threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()
        assert self.hub.users() == []


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    with contextlib.closing(stage):
        yield stage


# ---------------------------------------------------------------- batches


def test_batches_are_limited_and_lose_nothing() -> None:
    numbers = (b"%d" % number for number in range(100))
    lines: list[bytes | None] = [*numbers, b"", b"x" * 4000, b"", b"y" * 4096, b"z"]
    found = list(batches(lines))
    assert [message for batch in found for message in batch] == [Bare(line.decode()) for line in lines if line]
    assert max(len(batch) for batch in found) == BATCH_LINES
    assert all(sum(len(m.text) for m in batch[:-1] if isinstance(m, Bare)) < BATCH_OCTETS for batch in found)
    assert list(batches([b"", b""])) == []


# ---------------------------------------------------------------- reading


def test_octet_by_octet(stage: Stage) -> None:
    """[NET-3] [LINE-6]."""
    client = stage.open()
    for octet in BYTE_ORDER_MARK + "/nick Ann\r\nmain\n\n\r\ngr\u00fc\u00df dich \U0001f41f\n".encode():
        client.sock.sendall(bytes([octet]))
    assert client.until("ROOM main")[-1] == "NAME Ann"
    assert client.line() == "SAID Ann gr\u00fc\u00df dich \U0001f41f"


def test_bad_lines_cost_nothing_else(stage: Stage) -> None:
    """[LINE-4] [TEXT-6] [ERR-2]: NULs, ill-formed text, lines without end."""
    client = stage.connect("Ann")
    client.sock.sendall(b"\0" * 100_000 + b"\n" + b"\xff\xfe\n\0\n" + b"x" * 5000 + b"\r\n" + b"fine\n\x1b[2J\n/\n")
    codes = [client.line().split(" ")[1] for _ in range(4)]
    assert codes == ["too-long", "bad-text", "bad-text", "too-long"]
    assert client.line() == "SAID Ann fine"
    assert [client.line().split(" ")[1] for _ in range(2)] == ["bad-text", "unknown-command"]
    assert client.barrier() == []


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\n\r\n", b"POST ", BYTE_ORDER_MARK + b"PRI * HTTP/2.0", b"\x16\x03\x01"]
)
def test_foreign_protocols_are_closed(octets: bytes, stage: Stage) -> None:
    """[NET-7] [NET-8] [NET-9]."""
    ann = stage.connect("Ann")
    client = stage.open()
    client.sock.sendall(octets)
    lines = []
    with contextlib.suppress(ConnectionResetError):
        lines = client.rest()
    assert not [line for line in lines if line.startswith(("BYE", "ERROR"))]
    wait_until(lambda: len(stage.hub.users()) == 1, "it to be forgotten")
    assert ann.barrier() == []


def test_unfinished_line_is_told_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """[LINE-10] [LINE-7]: once in a connection."""
    monkeypatch.setattr(connection, "HINT_AFTER", 0.2)
    ann, bob = stage.connect("Ann", "lounge"), stage.connect("Bob")
    ann.sock.sendall(b"hel")
    assert ann.line().startswith("INFO ")
    ann.sock.sendall(b"lo\nhow ")
    assert ann.line() == "SAID Ann hello"
    bob.sock.sendall(b"as long as Ann is silent")
    assert bob.line().startswith("INFO ")
    ann.sock.sendall(b"are you\n")
    assert ann.barrier() == ["SAID Ann how are you"]


def test_byte_order_mark_alone_is_no_beginning_of_a_line(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """[LINE-10]: whole or in part."""
    monkeypatch.setattr(connection, "HINT_AFTER", 0.2)
    ann, bob, cyd = stage.open(), stage.open(), stage.open()
    for client, octets in ((ann, BYTE_ORDER_MARK), (cyd, BYTE_ORDER_MARK[:2]), (bob, BYTE_ORDER_MARK + b"x")):
        client.until("INFO Type")
        client.sock.sendall(octets)
    assert bob.line().startswith("INFO ")  # as late as Ann would get hers
    assert ann.barrier() == []
    cyd.sock.sendall(BYTE_ORDER_MARK[2:])
    assert cyd.barrier() == []


# ---------------------------------------------------------------- the end


def test_half_close_gets_everything(stage: Stage) -> None:
    """[NET-4] [NET-5]."""
    ann, bob = stage.connect("Ann"), stage.connect("Bob")
    ann.until("JOINED Bob")
    ann.send(*["x" * 1000] * 3000, "last")
    ann.sock.sendall(b"no line")
    ann.half_close()
    lines: list[str] = []
    listener = threading.Thread(target=lambda: lines.extend(bob.until("LEFT Ann lost")))
    listener.start()
    assert ann.rest() == ["SAID Ann " + "x" * 1000] * 3000 + ["SAID Ann last"]
    listener.join(DEADLINE)
    assert lines == ["SAID Ann " + "x" * 1000] * 3000 + ["SAID Ann last"]


def test_nothing_comes_behind_bye(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """[EXIT-3] [BYE-2] [NET-6]: and it arrives, although the client sends on."""
    monkeypatch.setattr(delivery, "LINGER", DEADLINE)
    bob = stage.connect("Bob")
    for _ in range(5):
        ann = stage.connect("Ann")
        ann.send("exit", *["ghost " + "x" * 500] * 2000)
        assert ann.rest() == ["BYE exit"]
        bob.until("LEFT Ann exit")
        ann.close()
    assert bob.barrier() == []


def test_client_that_does_not_close_is_closed(stage: Stage) -> None:
    """[NET-6]: its thread ends, although it stays."""
    ann = stage.connect("Ann")
    ann.send("exit")
    assert ann.rest() == ["BYE exit"]
    stage.threads[0].join(DEADLINE)
    assert not stage.threads[0].is_alive()


def test_client_that_sends_for_ever_behind_bye_is_closed(stage: Stage) -> None:
    """[NET-6]: the deadline is one for the connection, not for silence."""
    ann = stage.connect("Ann")
    ann.send("exit")
    with contextlib.suppress(ConnectionError):
        while stage.threads[0].is_alive():
            ann.send(*["ghost"] * 100)
    stage.threads[0].join(DEADLINE)
    assert not stage.threads[0].is_alive()


def resetting_client(stage: Stage, octets: bytes, read: bool) -> None:
    client = stage.open()
    client.sock.sendall(octets)
    if read:
        client.line()
    client.reset()


@pytest.mark.parametrize("read", [True, False])
def test_reset_at_every_point(read: bool, stage: Stage) -> None:
    """[SEC-1] [LEFT-1]: one LEFT for each JOINED."""
    ann = stage.connect("Ann")
    conversation = BYTE_ORDER_MARK + b"main\nhello\n/who\n/cd main\nhi\nexit\nghost\n"
    for end in range(len(conversation) + 1):
        resetting_client(stage, conversation[:end], read)
    wait_until(lambda: len(stage.hub.users()) == 1, "all to be forgotten")
    assert not present(ann.barrier())


# ---------------------------------------------------------------- floods


def reading(client: Client, last: str) -> Callable[[], list[str]]:
    """Read in a thread up to a line; return what waits for the thread and returns the lines."""
    lines: list[str] = []
    thread = threading.Thread(target=lambda: lines.extend(client.until(last)), daemon=True)
    thread.start()

    def result() -> list[str]:
        thread.join(DEADLINE)
        assert not thread.is_alive(), f"{len(lines)} lines"
        return lines

    return result


def test_flood_arrives_whole(stage: Stage) -> None:
    """[FLOW-1] [FLOW-7]: at the sender and at who reads, though one in the room reads nothing."""
    stuck = stage.connect("Stuck")
    ann, bob = stage.connect("Ann"), stage.connect("Bob")
    stuck.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    last = f"SAID Ann {FLOOD - 1} "
    heard = [reading(client, last) for client in (ann, bob)]
    ann.sock.sendall(b"".join(b"%d " % number + b"x" * 100 + b"\n" for number in range(FLOOD)))
    for result in heard:
        said = [line.split(" ")[2] for line in result() if line.startswith("SAID")]
        assert said == [str(number) for number in range(FLOOD - 1)]


def test_who_does_not_read_its_answers_is_not_read(stage: Stage) -> None:
    """[FLOW-2] [FLOW-1]: the sender has to wait, and loses nothing."""
    ann = stage.connect("Ann")
    line = b"/ping " + b"x" * 1000 + b"\n"
    ann.sock.settimeout(1)  # where the server is that slow, the test proves less, but does not fail
    sent = 0
    with contextlib.suppress(TimeoutError):
        while True:
            sent += ann.sock.send(line[sent % len(line) :])
            assert sent < 64 * 1024 * 1024, "the server reads on"
    ann.sock.settimeout(DEADLINE)
    bob = stage.connect("Bob")  # others are served
    bob.send("hello")
    assert bob.barrier() == ["SAID Bob hello"]
    ann.half_close()
    pongs = [answer for answer in ann.rest() if answer.startswith("PONG")]
    assert len(pongs) == sent // len(line)


def test_flood_delays_nobody_elsewhere(stage: Stage) -> None:
    """[FLOW-3]: several that flood in one room, and a conversation in another."""
    flooders = [stage.connect(f"F{number}") for number in range(3)]
    ann, bob = stage.connect("Ann", "lounge"), stage.connect("Bob", "lounge")
    ann.until("JOINED Bob")
    done = threading.Event()

    def flood(client: Client) -> None:
        with contextlib.suppress(OSError):
            while not done.is_set():
                client.send(*["x" * 200] * 50)

    def swallow(client: Client) -> None:
        with contextlib.suppress(OSError):
            while client.sock.recv(65536):  # not by lines: its end cuts one
                pass

    threads = [threading.Thread(target=action, args=(one,)) for one in flooders for action in (flood, swallow)]
    for thread in threads:
        thread.start()
    try:
        for number in range(20):
            ann.send(str(number))
            assert bob.line() == f"SAID Ann {number}"
            assert ann.line() == f"SAID Ann {number}"
    finally:
        done.set()
        for client in flooders:
            client.sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(DEADLINE)
    assert not [thread for thread in threads if thread.is_alive()]


@pytest.mark.parametrize("reads", [True, False])
def test_slow_reader_is_dropped_and_told(reads: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """[FLOW-5] [FLOW-6]: BYE slow after a whole line, where it is read in time; the thread ends anyway."""
    if reads:
        monkeypatch.setattr(hub, "LINGER", DEADLINE)
    stage = Stage(Limits(max_waiting=262144))
    with contextlib.closing(stage):
        slow, ann = stage.connect("Slow"), stage.connect("Ann")
        removed = reading(ann, "LEFT Slow removed")
        text = "y" * 1000
        with contextlib.suppress(ConnectionError):
            for _ in range(20_000):
                ann.send(text)
                if len(stage.hub.users()) == 1:
                    break
        assert removed()
        if reads:
            lines = slow.rest()
            assert lines[-1] == "BYE slow"
            assert set(lines[:-1]) == {"JOINED Ann", f"SAID Ann {text}"}
            slow.close()
        stage.threads[0].join(DEADLINE)
        assert not stage.threads[0].is_alive()
