"""Tools that the tests of the reference share: a real server process, a raw client, and waiting with a deadline."""

import contextlib
import os
import select
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
SERVER = ROOT / "reference" / "server" / "server.py"
DEADLINE = 60.0  # seconds: for a busy machine; nothing takes a noticeable part of it


def wait_until(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Return as soon as the condition holds.  Raises AssertionError where it does not by the deadline."""
    end = time.monotonic() + DEADLINE
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE} seconds: {what}"
        pause.wait(0.005)


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program locks a database of SQLite meanwhile."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """The process is not root's meanwhile, whom no folder is closed to."""
    if root := os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def run_python(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments from the top of the checkout, until it ends."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False)


def interrupted(pipe: Path, *arguments: str | Path) -> tuple[int, bytes]:
    """Interrupt a Python program that waits for a pipe with this name; return its status, and what it complains of."""
    os.mkfifo(pipe)
    command = [sys.executable, *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        with open(pipe, "wb"):  # returns when the program reads
            process.send_signal(signal.SIGINT)
            status = process.wait(DEADLINE)
        assert process.stderr
        return status, process.stderr.read()


def present(lines: Iterable[str]) -> set[str]:
    """Return who is in a room after these lines, of who was not before them.

    Raises AssertionError unless there is one LEFT at most for each JOINED [LEFT-2].
    """
    names: set[str] = set()
    for line in lines:
        word, name, *_ = line.split(" ")
        if word == "JOINED":
            assert name not in names, name
            names.add(name)
        elif word == "LEFT":
            assert name in names, name
            names.remove(name)
    return names


def until_broken(sock: socket.socket) -> bytes:
    """Return the octets up to the end of a connection, which may be a reset."""
    octets = b""
    with contextlib.suppress(ConnectionError):
        while more := sock.recv(65536):
            octets += more
    return octets


class Client:
    """A connection that sends octets as they are given, and reads lines, each by a deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(DEADLINE)
        self._file = sock.makefile("rb")
        self._pings = 0

    def close(self) -> None:
        """Close the connection, in whatever state it is."""
        self._file.close()
        self.sock.close()

    def reset(self) -> None:
        """Break the connection."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def half_close(self) -> None:
        """End sending."""
        self.sock.shutdown(socket.SHUT_WR)

    def send(self, *lines: str) -> None:
        """Send lines, each with its LF."""
        self.sock.sendall("".join(f"{line}\n" for line in lines).encode())

    def line(self) -> str:
        """Return the next line without its LF; an empty text at the end of the stream."""
        octets = self._file.readline()
        assert not octets or octets.endswith(b"\n"), octets[-100:]
        return octets.decode().removesuffix("\n")

    def until(self, last: str) -> list[str]:
        """Return the lines before one that begins like this, which is read too."""
        lines: list[str] = []
        while not (line := self.line()).startswith(last):
            assert line, f"end of stream before {last!r}, after {lines[-5:]}"
            lines.append(line)
        return lines

    def barrier(self) -> list[str]:
        """Return the lines that come before the answer to a ping: all that earlier lines brought."""
        self._pings += 1
        self.send(f"/ping {self._pings}")
        return self.until(f"PONG {self._pings}")

    def rest(self) -> list[str]:
        """Return all lines up to the end of the stream."""
        lines = []
        while line := self.line():
            lines.append(line)
        return lines


class Server:
    """A running server process, its console and its log."""

    def __init__(
        self,
        *options: str,
        command: tuple[str, ...] = (sys.executable, str(SERVER)),
        stdin: int | None = subprocess.PIPE,
        cwd: Path = ROOT,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it and wait until it listens."""
        self._output = b""
        with contextlib.ExitStack() as stack:
            self._log = stack.enter_context(tempfile.TemporaryFile())
            self.process = subprocess.Popen(
                [*command, "--port", "0", *options],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=self._log,
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
            stack.callback(self._end_process)
            first = self.printed("\n")
            assert first.startswith("listening on "), (first, self.log())
            self._stack = stack.pop_all()
        self.shown = first.removeprefix("listening on ").strip()  # where it says that it listens
        host, _, port = self.shown.rpartition(":")
        self.address = (host.strip("[]"), int(port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _end_process(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE)
        for file in (self.process.stdin, self.process.stdout):
            if file:
                with contextlib.suppress(BrokenPipeError):
                    file.close()

    def open(self) -> Client:
        """Return a new connection, of which nothing is read; the end of the server's context closes it."""
        client = Client(socket.create_connection(self.address, DEADLINE))
        self._stack.callback(client.close)
        return client

    def connect(self, room: str | None = None, name: str | None = None) -> Client:
        """Return a client that has read its greeting, and is in a room under a name where they are given."""
        client = self.open()
        client.until("INFO")
        if name:
            client.send(f"/nick {name}")
            client.until(f"NAME {name}")
        if room:
            client.send(room)
            client.until(f"ROOM {room}")
        return client

    def type(self, *lines: str) -> None:
        """Type lines on the console."""
        assert self.process.stdin
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.process.stdin.flush()

    def printed(self, last: str) -> str:
        """Return what is printed on standard output until this comes, or until its end; each text once."""
        assert self.process.stdout
        end = last.encode()
        while end not in self._output:
            ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE)
            assert ready, f"not printed: {last!r}, but {self._output!r}"
            octets = os.read(self.process.stdout.fileno(), 4096)
            if not octets:
                break
            self._output += octets
        text, found, self._output = self._output.partition(end)
        return (text + found).decode()

    def log(self) -> str:
        """Return what was written to standard error so far."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal that ends it; return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)

    def processor_time(self) -> float:
        """Return the seconds of processor time that it has used; Linux."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def threads(self) -> int:
        """Return how many threads it has; Linux."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))


def past(client: Client, room: str = "main", count: int = 20) -> list[str]:
    """Return the events of its room that a client is shown."""
    client.send(f"/history {count}")
    return [line.split(" ", 2)[2] for line in client.until(f"HISTORY {room} ") if line.startswith("PAST ")]
