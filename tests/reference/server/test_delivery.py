"""Writing to many sockets: order, partial writes, those that do not read, and the end of a connection."""

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from reference.server.delivery import FLOOD, HIGH_WATER, ONE_WRITE, Delivery, Pace, Peer
from reference.server.stream import Stream
from tests.support import DEADLINE, Client, wait_until

MAX_WAITING = 1024 * 1024


class Stage:
    """A delivery, one stream, and peers with the clients at their other ends."""

    def __init__(self, max_waiting: int = MAX_WAITING, stall_timeout: float = 300.0) -> None:
        self.slow: list[Peer] = []
        self.delivery = Delivery(max_waiting, stall_timeout, self.slow.append)
        self.stream = Stream[Peer]()
        self.stack = contextlib.ExitStack()
        self.failed = threading.Event()
        self.delivery.start(self.failed.set)

    def peer(self, buffer: int | None = None) -> tuple[Peer, Client]:
        """Return a new member of the stream, whose socket takes little at once where a size is given."""
        ours, theirs = socket.socketpair()
        if buffer:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        client = Client(theirs)
        self.stack.callback(client.close)
        self.stack.callback(ours.close)
        peer = Peer(0, ours)
        with self.delivery.lock:
            peer.enter(self.stream)
        return peer, client

    def append(self, *lines: str) -> None:
        """Say something, at one go."""
        with self.delivery.lock:
            for line in lines:
                self.stream.append(f"{line}\n".encode())
            self.delivery.touch(self.stream)
        self.delivery.flush()

    def tell(self, peer: Peer, line: str) -> None:
        """Tell something to one alone."""
        with self.delivery.lock:
            peer.tell(f"{line}\n".encode())
            self.delivery.touch(peer)
        self.delivery.flush()

    def finish(self, peer: Peer) -> None:
        """Let a peer get what waits, and no more."""
        with self.delivery.lock:
            peer.leave()
            self.delivery.finish(peer)
        self.delivery.flush()

    def waiting(self, peer: Peer) -> int:
        with self.delivery.lock:
            return peer.waiting


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    with stage.stack:
        yield stage


def test_lines_come_at_once_and_in_order(stage: Stage) -> None:
    clients = [stage.peer()[1] for _ in range(3)]
    for number in range(100):
        stage.append(str(number))
    for client in clients:
        assert [client.line() for _ in range(100)] == [str(number) for number in range(100)]


def test_own_lines_have_their_place(stage: Stage) -> None:
    peer, client = stage.peer()
    _, other = stage.peer()
    stage.append("one")
    stage.tell(peer, "own")
    stage.append("two")
    assert [client.line() for _ in range(3)] == ["one", "own", "two"]
    assert [other.line() for _ in range(2)] == ["one", "two"]


def test_blocked_peer_gets_everything_when_it_reads(stage: Stage) -> None:
    """Partial writes, in the flusher and in the pump."""
    peer, client = stage.peer(buffer=4096)
    lines = [f"{number} " + "x" * (number % 700) for number in range(1500)]
    for line in lines:
        stage.append(line)
    wait_until(lambda: peer.blocked, "the peer to be blocked")
    assert [client.line() for _ in lines] == lines
    wait_until(lambda: not peer.blocked, "the peer to be writable again")
    stage.append("after all")
    assert client.line() == "after all"
    assert stage.waiting(peer) == 0
    assert not stage.stream.lagging


def test_more_than_one_write_takes_is_sent_in_several(stage: Stage) -> None:
    """Octets due at one go, in many pieces, to a socket with room for all of it."""
    peer, client = stage.peer(buffer=ONE_WRITE * 4)
    lines = [f"{number} " + "y" * 3000 for number in range(ONE_WRITE // 3000 + 20)]
    with stage.delivery.lock:
        for line in lines:
            peer.tell(f"{line}\n".encode())
        stage.delivery.touch(peer)
    stage.delivery.flush()
    assert [client.line() for _ in lines] == lines


def test_all_writers_see_one_order(stage: Stage) -> None:
    """[ORDER-1]: threads that append at the same time, members with large and with small buffers."""
    clients = [stage.peer(buffer)[1] for buffer in (None, 4096, 8192, None)]
    writers, each = 8, 400
    got: dict[int, list[str]] = {}

    def read(at: int, client: Client) -> None:
        got[at] = [client.line() for _ in range(writers * each)]

    def write(writer: int) -> None:
        for number in range(each):
            stage.append(f"{writer} {number}")

    threads = [threading.Thread(target=write, args=[writer]) for writer in range(writers)]
    threads += [threading.Thread(target=read, args=pair) for pair in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(got[0]) == writers * each
    assert got[0] == got[1] == got[2] == got[3]
    for writer in range(writers):
        assert [line for line in got[0] if line.startswith(f"{writer} ")] == [f"{writer} {n}" for n in range(each)]


def test_who_does_not_read_delays_nobody_and_is_bounded(stage: Stage) -> None:
    """[FLOW-3] [FLOW-4] [FLOW-5]."""
    stuck, _ = stage.peer(buffer=4096)
    _, client = stage.peer()
    line = "z" * 1000
    for number in range(MAX_WAITING // 1000 + 100):
        if not stage.slow:
            assert stage.waiting(stuck) <= MAX_WAITING
        stage.append(line)
        assert client.line() == line, number
    wait_until(lambda: bool(stage.slow), "the stuck one to be found")
    assert set(stage.slow) == {stuck}


def test_who_takes_nothing_for_too_long_is_found() -> None:
    """[FLOW-5]: however little waits; and one that waits for nothing is not."""
    stage = Stage(stall_timeout=0.3)
    with stage.stack:
        stuck, _ = stage.peer(buffer=4096)
        _, client = stage.peer()
        stage.append(*["z" * 1000] * 50)
        assert [client.line() for _ in range(50)]
        wait_until(lambda: bool(stage.slow), "the stuck one to be found")
        assert set(stage.slow) == {stuck}


def test_finishing_one_that_takes_nothing_ends_it() -> None:
    """A client that ended its sending and reads nothing does not stay for ever."""
    stage = Stage(stall_timeout=0.3)
    with stage.stack:
        peer, client = stage.peer(buffer=4096)
        stage.append(*["z" * 1000] * 50)
        stage.finish(peer)
        wait_until(lambda: peer.writer_done, "it to be given up")
        stage.delivery.reader_ended(peer)
        assert peer.sock.fileno() == -1
        assert len(client.sock.recv(100)) == 100
        assert stage.slow == []


# ---------------------------------------------------------------- the end of a connection


@pytest.mark.parametrize("reader_first", [True, False])
@pytest.mark.parametrize("buffer", [None, 4096])
def test_finish_sends_all_and_closes_when_both_are_done(stage: Stage, buffer: int | None, reader_first: bool) -> None:
    """[NET-4]."""
    peer, client = stage.peer(buffer)
    lines = ["w" * 100] * 1000
    stage.append(*lines)
    if reader_first:
        stage.delivery.reader_ended(peer)
    stage.finish(peer)
    stage.append("not for this one")
    assert client.rest() == lines
    if not reader_first:
        assert peer.sock.fileno() != -1
        stage.delivery.reader_ended(peer)
    wait_until(lambda: peer.sock.fileno() == -1, "the socket to be closed")


def test_unread_input_does_not_cost_the_last_line(stage: Stage) -> None:
    """[NET-6]: sending ends, and reading goes on until a deadline."""
    peer, client = stage.peer()
    client.send(*["unread"] * 1000)
    stage.tell(peer, "BYE exit")
    stage.finish(peer)
    assert client.rest() == ["BYE exit"]
    reader = threading.Thread(target=lambda: [*iter(lambda: peer.sock.recv(4096), b"")])
    reader.start()
    reader.join(DEADLINE)
    assert not reader.is_alive()  # although the client has not closed


@pytest.mark.parametrize("buffer", [None, 4096])
def test_abandoning_wakes_the_reader_and_drops_what_waits(stage: Stage, buffer: int | None) -> None:
    peer, _ = stage.peer(buffer)
    stage.append(*["v" * 1000] * 100)
    reader = threading.Thread(target=lambda: [*iter(lambda: peer.sock.recv(4096), b"")])
    reader.start()
    stage.delivery.abandon(peer)
    reader.join(DEADLINE)
    assert not reader.is_alive()
    stage.delivery.reader_ended(peer)
    wait_until(lambda: peer.sock.fileno() == -1, "the socket to be closed")
    stage.delivery.abandon(peer)  # once more does no harm


@pytest.mark.parametrize("buffer", [None, 4096])
def test_broken_connection_takes_all_and_wakes_its_reader(stage: Stage, buffer: int | None) -> None:
    peer, client = stage.peer(buffer)
    if buffer:
        stage.append(*["u" * 1000] * 100)
        wait_until(lambda: peer.blocked, "the peer to be blocked")
    client.close()
    stage.append(*["u" * 1000] * 10)
    wait_until(lambda: not peer.blocked and not stage.waiting(peer), "it to take all")
    with contextlib.suppress(ConnectionResetError):
        assert peer.sock.recv(1) == b""
    stage.finish(peer)
    stage.delivery.reader_ended(peer)
    wait_until(lambda: peer.sock.fileno() == -1, "the socket to be closed")


# ---------------------------------------------------------------- back-pressure


def admitted(stage: Stage, peer: Peer, flooding: bool) -> threading.Event:
    """Ask in a thread to carry out more of this peer's lines; return what is set when they may be."""
    event = threading.Event()

    def ask() -> None:
        with stage.delivery.lock:
            stage.delivery.admit(peer, flooding)
        event.set()

    threading.Thread(target=ask, daemon=True).start()
    return event


@pytest.mark.parametrize("flooding", [True, False])
def test_who_does_not_read_its_answers_waits(stage: Stage, flooding: bool) -> None:
    """[FLOW-2]: until it reads."""
    peer, client = stage.peer(buffer=4096)
    assert admitted(stage, peer, flooding).wait(DEADLINE)
    lines = ["t" * 1000] * (HIGH_WATER // 1000 + 50)
    for line in lines:
        stage.tell(peer, line)
    event = admitted(stage, peer, flooding)
    assert not event.is_set()
    assert [client.line() for _ in lines] == lines
    assert event.wait(DEADLINE)


def test_finishing_lets_the_waiting_one_go(stage: Stage) -> None:
    peer, _ = stage.peer(buffer=4096)
    for _ in range(HIGH_WATER // 1000 + 50):
        stage.tell(peer, "t" * 1000)
    event = admitted(stage, peer, flooding=False)
    assert not event.is_set()
    stage.finish(peer)
    assert event.wait(DEADLINE)


def test_what_was_sent_while_nothing_was_read_is_no_flood() -> None:
    """[FLOW-8]: who talks, and had to wait since it did not read itself, has more lines there than one second has."""
    assert Pace().is_flood(FLOOD + 1)
    assert not Pace().is_flood(3 * FLOOD, held=2.0)
    assert Pace().is_flood(3 * FLOOD + 1, held=2.0)
    pace = Pace()
    assert not pace.is_flood(FLOOD)
    assert not pace.is_flood(0, held=2.0)
    assert pace.is_flood(1)


def test_nobody_waits_for_a_stuck_member(stage: Stage) -> None:
    """[FLOW-3]: not even who floods, for longer than a moment."""
    stage.peer(buffer=4096)
    talker, client = stage.peer()
    for _ in range(HIGH_WATER // 1000 + 50):
        stage.append("s" * 1000)
        client.line()
    wait_until(lambda: bool(stage.stream.lagging), "the stuck one to lag")
    assert admitted(stage, talker, flooding=False).wait(DEADLINE)
    assert admitted(stage, talker, flooding=True).wait(DEADLINE)


# ---------------------------------------------------------------- timers


def test_timers_are_called_in_their_order(stage: Stage) -> None:
    called: list[int] = []
    done = threading.Event()
    stage.delivery.call_later(0.3, done.set)
    for number in (3, 1, 2):
        stage.delivery.call_later(number / 20, partial(called.append, number))
    assert done.wait(DEADLINE)
    assert called == [1, 2, 3]


# ---------------------------------------------------------------- what must not fail


class NoMemory(logging.Handler):
    """A log that cannot be written either."""

    def emit(self, record: logging.LogRecord) -> None:
        raise MemoryError


@pytest.mark.parametrize("log", [logging.NullHandler(), NoMemory()])
def test_a_round_that_fails_is_told(stage: Stage, log: logging.Handler, caplog: pytest.LogCaptureFixture) -> None:
    """Rather than that nobody is ever written to again."""
    logger = logging.getLogger("flurfunk")
    logger.addHandler(log)
    try:
        stage.stream.members.add(None)  # type: ignore[arg-type]
        stage.append("x")
        assert stage.failed.wait(DEADLINE)
    finally:
        logger.removeHandler(log)
    assert stage.delivery.failed
    assert "the server cannot go on" in caplog.text or isinstance(log, NoMemory)
    peer, client = stage.peer()
    stage.stream.members.discard(None)
    stage.tell(peer, "goodbye")
    assert client.line() == "goodbye"


def test_a_timer_that_fails_is_told(stage: Stage) -> None:
    stage.delivery.call_later(0, lambda: [].pop())
    assert stage.failed.wait(DEADLINE)
    assert stage.delivery.failed


def test_timers_do_not_keep_the_pump_from_its_sockets(stage: Stage) -> None:
    """One that is due again as soon as it is called."""
    ended = threading.Event()

    def again() -> None:
        if not ended.is_set():
            stage.delivery.call_later(0, again)

    again()
    peer, client = stage.peer(buffer=4096)
    lines = ["x" * 1000] * 100
    for line in lines:
        stage.append(line)
    assert [client.line() for _ in lines] == lines
    assert stage.waiting(peer) == 0
    ended.set()
