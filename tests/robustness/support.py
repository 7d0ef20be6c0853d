"""Tools that the tests of robustness share: bystanders who chat on, a server's resources, and many connections."""

import contextlib
import resource
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import pytest

from tests.support import DEADLINE, Client, Server, wait_until

MIB = 1024 * 1024
PACE = 0.005  # seconds between two rounds of a pair: it is to notice harm, not to do some itself
# Octets that a server may have more than before. Freed memory goes back to the system only where whole pages, or
# whole arenas of the allocators, are free; and the C library keeps the stacks of some 150 ended threads, to use again.
MEMORY = 32 * MIB
# A round trip is told apart from harm by its median, and only above this: seconds, for a busy machine.
UNHURRIED = 0.25
TIMES_IDLE = 20

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="/proc tells what a process uses")


def allow_descriptors(number: int) -> None:
    """Let this process, and the servers that it starts, have so many descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        pytest.fail(f"this test needs {number} descriptors, and the system allows {hard}")
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, number), hard))


# ---------------------------------------------------------------- bystanders


class Bystander:
    """One of a pair: what it has heard of the pair's lines, and of others."""

    def __init__(self, server: Server, room: str, names: tuple[str, str], at: int) -> None:
        """Connect, and enter the room under one of the names."""
        self._names = names
        self._client = server.connect(room, names[at])
        self._rest = b""
        self.sock = self._client.sock
        self.rounds = 0  # whose line it has
        self.heard: list[str] = []  # of others, until it is told to end
        self.ended = False

    def said(self, number: int) -> str:
        """Return the line that both hear in a round."""
        return f"SAID {self._names[number % 2]} line {number}"

    def expect(self, line: str) -> None:
        """Wait for a line, and drop what comes before."""
        self._client.until(line)

    def send(self, line: str) -> None:
        """Send a line."""
        self._client.send(line)

    def receive(self) -> None:
        """Take what has come, at least something."""
        octets = self.sock.recv(65536)
        assert octets, "the end of the stream"
        *lines, self._rest = (self._rest + octets).split(b"\n")
        for line in map(bytes.decode, lines):
            if line == self.said(self.rounds):
                self.rounds += 1
            elif line == "PONG end":
                self.ended = True
            elif not self.ended:
                self.heard.append(line)


class Pair:
    """Two in one room: one says a numbered line, both wait until they have it, again and again.

    Both are read all the time: the server takes up no line of who leaves much unread.
    """

    def __init__(self, server: Server, room: str, *, alone: bool) -> None:
        """Connect them; `alone`: nobody else comes to their room."""
        self.name = f"pair in {room}"
        self.trips: list[float] = []  # seconds from saying a line until both had it
        self._alone = alone
        names = (f"{room}-1", f"{room}-2")
        self._both = [Bystander(server, room, names, at) for at in (0, 1)]
        self._both[0].expect(f"JOINED {names[1]}")
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Let them begin."""
        self._thread.start()

    @property
    def heard(self) -> list[str]:
        """The acts of others, as the second of them heard them."""
        return self._both[1].heard

    def _run(self) -> None:
        try:
            while not self._stop.wait(PACE):
                begun = time.monotonic()
                number = len(self.trips)
                self._both[number % 2].send(f"line {number}")
                self._receive(lambda: all(one.rounds > len(self.trips) for one in self._both))
                self.trips.append(time.monotonic() - begun)
            for one in self._both:
                one.send("/ping end")
            self._receive(lambda: all(one.ended for one in self._both))
        except Exception as failure:
            self._failure = failure

    def _receive(self, enough: Callable[[], bool]) -> None:
        with selectors.PollSelector() as selector:
            for one in self._both:
                selector.register(one.sock, selectors.EVENT_READ, one)
            while not enough():
                ready = selector.select(DEADLINE)
                assert ready, "nothing comes"
                for key, _ in ready:
                    key.data.receive()

    def rounds(self, number: int) -> list[float]:
        """Wait for so many rounds from now on; return how long they took, in seconds."""
        before = len(self.trips)
        wait_until(lambda: self._failure is not None or len(self.trips) >= before + number, f"{self.name} to chat on")
        self._check()
        return self.trips[before:]

    def end(self) -> None:
        """Let them finish their round."""
        self._stop.set()
        self._thread.join(3 * DEADLINE)

    def check(self) -> None:
        """Fail unless each line came, once, in its place, and both heard the same of the others."""
        assert not self._thread.is_alive(), f"{self.name}: stuck in round {len(self.trips)}"
        self._check()
        assert self.trips
        assert self._both[0].heard == self.heard
        own = [line for line in self.heard if line.startswith(tuple(self._both[0].said(at)[:-1] for at in (0, 1)))]
        assert not own, f"{self.name}: out of order: {own[:5]}"
        others = [line for line in self.heard if not line.startswith("ANNOUNCE ")]
        assert not self._alone or not others, f"{self.name}: not theirs: {others[:5]}"

    def _check(self) -> None:
        if self._failure is not None:
            raise AssertionError(f"{self.name}: disturbed in round {len(self.trips)}") from self._failure

    def __str__(self) -> str:
        longest = max(self.trips, default=0.0) * 1000
        return (
            f"{self.name}: {len(self.trips)} rounds, {longest:.1f} ms at most, {median(self.trips) * 1000:.1f} median"
        )


def assert_undelayed(idle: Sequence[float], busy: Sequence[float]) -> None:
    """Fail where the median round trip, in seconds, is far from what it is while nothing else happens."""
    assert median(busy) <= max(TIMES_IDLE * median(idle), UNHURRIED), (median(idle), median(busy))


# ---------------------------------------------------------------- what a server uses


def memory(server: Server, line: str = "VmRSS") -> int:
    """Return the octets of memory that it has; "VmHWM": that it had at most."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return 1024 * int(status.partition(f"{line}:")[2].split()[0])


def descriptors(server: Server) -> int:
    """Return how many descriptors it has."""
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


@contextlib.contextmanager
def unharmed(server: Server, room: str | None = None, *, ended_threads: int = 0) -> Iterator[Pair]:
    """Let a pair chat elsewhere, and one in the room, while the body does its harm; fail where any of it is left.

    `ended_threads`: how many of the server's own threads the body ends.  Yields the pair of the room, or that
    elsewhere where no room is given.
    """
    pairs = [Pair(server, "elsewhere", alone=True)]
    if room:
        pairs.append(Pair(server, room, alone=False))
    threads, files, octets = server.threads() - ended_threads, descriptors(server), memory(server)
    for pair in pairs:
        pair.start()
        pair.rounds(5)
    try:
        yield pairs[-1]
        for pair in pairs:
            pair.rounds(5)
    finally:
        for pair in pairs:
            pair.end()
            print(pair)
        print(f"memory: {(memory(server) - octets) / MIB:.1f} MiB more")
    for pair in pairs:
        pair.check()
    wait_until(lambda: server.threads() == threads, f"{threads} threads again")
    wait_until(lambda: descriptors(server) == files, f"{files} descriptors again")
    wait_until(lambda: memory(server) < octets + MEMORY, f"{octets} octets of memory again")
    assert "Traceback" not in server.log()
    assert server.process.poll() is None


# ---------------------------------------------------------------- many connections, one thread


class Talker:
    """A connection for `converse`: what it has yet to send, and what it received."""

    def __init__(self, server: Server, room: str | None = None, octets: bytes = b"") -> None:
        """Connect, enter the room where one is given, and prepare to send these octets."""
        self.unsent = memoryview(octets)
        self.received = bytearray()
        client = server.open()
        self.sock = client.sock
        self.close = client.close
        if room:
            self.sock.sendall(f"{room}\n/ping in\n".encode())
            while b"\nPONG in\n" not in self.received:
                octets = self.sock.recv(65536)
                assert octets, self.received
                self.received += octets

    @property
    def name(self) -> str:
        """The name that the server made up for it."""
        return self.lines[1].removeprefix("NAME ")

    @property
    def lines(self) -> list[str]:
        """All whole lines that it received."""
        return self.received.decode().split("\n")[:-1]

    def go_on(self, events: int) -> bool:
        """Send and receive what goes at once; return whether there is more to come."""
        if events & selectors.EVENT_WRITE and self.unsent:
            try:
                self.unsent = self.unsent[self.sock.send(self.unsent[:65536]) :]
                if not self.unsent:
                    self.sock.shutdown(socket.SHUT_WR)
            except BlockingIOError:
                pass
            except OSError:  # broken, and what came before that can still be read
                self.unsent = memoryview(b"")
        if events & selectors.EVENT_READ:
            try:
                octets = self.sock.recv(65536)
            except ConnectionError:
                return False
            self.received += octets
            return bool(octets)
        return True


def converse(talkers: Sequence[Talker]) -> None:
    """Let all send as fast as the server takes it, then end their sending, and receive up to their end."""
    with selectors.DefaultSelector() as selector:
        for talker in talkers:
            talker.sock.setblocking(False)
            selector.register(talker.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, talker)
        while selector.get_map():
            ready = selector.select(DEADLINE)
            assert ready, f"nothing happens to {len(selector.get_map())} connections"
            for key, events in ready:
                if not key.data.go_on(events):
                    selector.unregister(key.fileobj)
                    key.data.close()
                elif not key.data.unsent and key.events & selectors.EVENT_WRITE:
                    selector.modify(key.fileobj, selectors.EVENT_READ, key.data)


def talking(talkers: Sequence[Talker]) -> threading.Thread:
    """Let them converse in a thread, which is started."""
    thread = threading.Thread(target=converse, args=(talkers,), name="talkers", daemon=True)
    thread.start()
    return thread


def said(talker: Talker) -> list[str]:
    """Return the numbers of the talker's own lines, as it got them back."""
    prefix = f"SAID {talker.name} "
    return [line.removeprefix(prefix).split(" ")[0] for line in talker.lines if line.startswith(prefix)]


def small_window(server: Server, room: str, name: str) -> Client:
    """Return a client in a room for which its kernel takes few octets more than it reads."""
    client = server.connect(room, name)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return client
