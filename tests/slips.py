"""Tiny servers, each with a classic slip of those who build one: python -m tests.slips NAME PORT."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from itertools import count
from typing import IO, cast

from tests import stepserver

_numbers = count(1)
_LATE = 4.5  # seconds: later than a check of `next` waits, on a busy machine too


class Server:
    """Greets, and answers pings: the first two steps of `next`."""

    def serve(self, port: int) -> None:
        """Serve each client in a thread of its own."""
        with socket.create_server(("127.0.0.1", port)) as listener:
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self.welcome, args=[connection], daemon=True).start()

    def welcome(self, connection: socket.socket) -> None:
        """Serve one client."""
        with contextlib.suppress(OSError), connection, connection.makefile("rwb") as file:
            self.talk(cast(IO[bytes], file))

    def talk(self, file: IO[bytes]) -> None:
        """Greet, and answer what comes until the end."""
        self.greet(file)
        for line in file:
            self.answer(file, line.decode("utf-8", "surrogateescape").rstrip("\r\n"))

    def greet(self, file: IO[bytes]) -> None:
        """Send the first two lines."""
        self.send(file, "HELLO flurfunk/1")
        self.send(file, f"NAME guest-{next(_numbers)}")

    def answer(self, file: IO[bytes], line: str) -> None:
        """Answer a line."""
        if line.startswith("/ping "):
            self.send(file, f"PONG {line.removeprefix('/ping ')}")
        elif line.startswith("/help"):
            self.send(file, "INFO /ping")
        elif line:
            self.enter(file, line)

    def enter(self, file: IO[bytes], room: str) -> None:
        """Enter a room."""

    def send(self, file: IO[bytes], line: str) -> None:
        """Send a line."""
        self.write(file, f"{line}\n")
        file.flush()

    def write(self, file: IO[bytes], text: str) -> None:
        """Write a text, without flushing it."""
        file.write(text.encode("utf-8", "surrogateescape"))


class NoLf(Server):
    """Sends lines without an end."""

    def send(self, file: IO[bytes], line: str) -> None:
        self.write(file, line)
        file.flush()


class NoLfAfterPong(Server):
    """Sends one kind of line without an end."""

    def send(self, file: IO[bytes], line: str) -> None:
        self.write(file, line if line.startswith("PONG") else f"{line}\n")
        file.flush()


class CrLf(Server):
    """Ends lines as Telnet does."""

    def send(self, file: IO[bytes], line: str) -> None:
        super().send(file, f"{line}\r")


class NotFlushed(Server):
    """Leaves all in a buffer."""

    def send(self, file: IO[bytes], line: str) -> None:
        self.write(file, f"{line}\n")


class NotFlushedLater(Server):
    """Flushes the greeting, and leaves answers in a buffer."""

    def send(self, file: IO[bytes], line: str) -> None:
        self.write(file, f"{line}\n")
        if line.startswith("NAME"):
            file.flush()


class GreetsLate(Server):
    """Greets when a line has come."""

    def talk(self, file: IO[bytes]) -> None:
        line = file.readline()
        self.greet(file)
        while line:
            self.answer(file, line.decode("utf-8", "surrogateescape").rstrip("\r\n"))
            line = file.readline()


class OneAtATime(Server):
    """Serves a client until its end, and then the next."""

    def serve(self, port: int) -> None:
        with socket.create_server(("127.0.0.1", port)) as listener:
            while True:
                self.welcome(listener.accept()[0])


class TwoForOne(Server):
    """Takes what one read brings for a line."""

    def welcome(self, connection: socket.socket) -> None:
        with connection, connection.makefile("wb") as file:
            self.greet(file)
            while octets := connection.recv(4096):
                self.answer(file, octets.decode("utf-8", "surrogateescape").strip().partition("\n")[0])


class OnePong(Server):
    """Answers the first ping of a client alone: how lines are divided is not to blame."""

    def __init__(self) -> None:
        self.asked: set[int] = set()

    def answer(self, file: IO[bytes], line: str) -> None:
        if id(file) not in self.asked:
            super().answer(file, line)
        if line.startswith("/ping"):
            self.asked.add(id(file))

    def greet(self, file: IO[bytes]) -> None:
        self.asked.discard(id(file))
        super().greet(file)


class OneOnly(Server):
    """Serves one client, and nobody after it."""

    def serve(self, port: int) -> None:
        with socket.create_server(("127.0.0.1", port)) as listener:
            for _ in range(2):  # who looks whether it listens, and one more
                self.welcome(listener.accept()[0])
            signal.pause()


class Web(Server):
    """Speaks another protocol, whose lines end with CR LF."""

    def greet(self, file: IO[bytes]) -> None:
        self.send(file, "220 HELLO\r")


class AnswersLate(Server):
    """Answers, but after a while: no buffer is to blame."""

    def answer(self, file: IO[bytes], line: str) -> None:
        time.sleep(_LATE)
        super().answer(file, line)


class Mute(Server):
    """Says nothing at all."""

    def send(self, file: IO[bytes], line: str) -> None:
        pass


class OnTheConsole(Server):
    """Prints lines in place of sending them."""

    def send(self, file: IO[bytes], line: str) -> None:
        print(line, flush=True)


class Verbose(Mute):
    """Prints other lines than those of the protocol, and sends nothing."""

    def greet(self, file: IO[bytes]) -> None:
        print("a client, to whom HELLO flurfunk/1 would be said", flush=True)


class Throws(Server):
    """Has a mistake that it tells on its console."""

    def enter(self, file: IO[bytes], room: str) -> None:
        try:
            {"nmae": 1}["name"]
        except KeyError:
            print(traceback.format_exc(), flush=True)


class ThrowsAtOnce(Server):
    """Has a mistake that ends each connection before the greeting, and is told of after the connection has ended."""

    def welcome(self, connection: socket.socket) -> None:
        connection.close()
        work(0.2)
        print("Traceback (most recent call last):\n  File ...\nAttributeError: no attribute 'nmae'", flush=True)


class Resets(Server):
    """Says on its console that connections broke, and does not know rooms yet."""

    def enter(self, file: IO[bytes], room: str) -> None:
        print("Traceback (most recent call last):\n  File ...\nBrokenPipeError: [Errno 32] Broken pipe", flush=True)


class Ends(Server):
    """Ends when a client enters a room."""

    def enter(self, file: IO[bytes], room: str) -> None:
        print("cannot go on", flush=True)
        os._exit(3)


class Crashes(Server):
    """Is ended by a signal when a client enters a room."""

    def enter(self, file: IO[bytes], room: str) -> None:
        os.kill(os.getpid(), signal.SIGABRT)


class EndsByException(Server):
    """Ends by an exception when a client enters a room."""

    def enter(self, file: IO[bytes], room: str) -> None:
        try:
            {"nmae": 1}["name"]
        except KeyError:
            sys.excepthook(*sys.exc_info())
            os._exit(1)


class NoLfAfterJoined(stepserver.Client):
    """Sends one kind of line without an end, and others after it."""

    def send(self, line: str) -> None:
        if line.startswith("JOINED") and self._transport:
            self._transport.write(line.encode())
        else:
            super().send(line)


class Waits(Server):
    """Has rooms, and sends to one member after the other: all wait for the slowest."""

    def __init__(self) -> None:
        self.clients: dict[int, list[str]] = {}  # name and room of each
        self.files: dict[int, IO[bytes]] = {}
        self.lock = threading.Lock()

    def greet(self, file: IO[bytes]) -> None:
        self.send(file, "HELLO flurfunk/1")
        name = f"guest-{next(_numbers)}"
        self.send(file, f"NAME {name}")
        with self.lock:
            self.clients[id(file)], self.files[id(file)] = [name, ""], file

    def answer(self, file: IO[bytes], line: str) -> None:
        with self.lock:
            if line.startswith("/say "):
                self.tell(f"SAID {self.clients[id(file)][0]} {line.removeprefix('/say ')}", file)
            else:
                super().answer(file, line)

    def enter(self, file: IO[bytes], room: str) -> None:
        if self.clients[id(file)][1] and not room.startswith("/cd "):
            self.tell(f"SAID {self.clients[id(file)][0]} {room}", file)
            return
        self.clients[id(file)][1] = room.removeprefix("/cd ")
        self.send(file, f"ROOM {self.clients[id(file)][1]}")
        self.tell(f"JOINED {self.clients[id(file)][0]}", file, oneself=False)

    def tell(self, line: str, file: IO[bytes], *, oneself: bool = True) -> None:
        """Send a line to the room of a client."""
        for one, (_, room) in self.clients.items():
            if room == self.clients[id(file)][1] and (oneself or self.files[one] is not file):
                with contextlib.suppress(OSError, ValueError):  # it has left, and its file is closed
                    self.send(self.files[one], line)


class OldCase(stepserver.Client):
    """Takes no name that is its own in another case."""

    def _nick(self, name: str) -> None:
        super()._nick(self.name if name.lower() == self.name.lower() else name)


class Folded(stepserver.Client):
    """Folds names for good."""

    def _nick(self, name: str) -> None:
        super()._nick(name.lower())


def build(client: type[stepserver.Client], steps: int) -> Callable[[int], None]:
    """Return what serves a port with such clients, built as far as a step."""

    async def serve(port: int) -> None:
        chat = stepserver.Chat(steps)
        server = await asyncio.get_running_loop().create_server(lambda: client(chat), "127.0.0.1", port)
        await server.serve_forever()

    return lambda port: asyncio.run(serve(port))


def in_use(port: int) -> None:
    """Bind a port twice."""
    with socket.create_server(("127.0.0.1", port)) as first:
        Server().serve(first.getsockname()[1])


def no_module(port: int) -> None:
    """End at once, by an exception."""
    raise ModuleNotFoundError("No module named 'chat'")


def returns(port: int) -> None:
    """Begin to serve, and end."""
    threading.Thread(target=Server().serve, args=[0], daemon=True).start()


def complains(port: int) -> None:
    """End at once, with a message."""
    sys.exit("usage: server HOST")


def another_port(port: int) -> None:
    """Listen elsewhere."""
    Server().serve(0)


def another_address(port: int) -> None:
    """Listen where clients of IPv6 alone can come."""
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        signal.pause()


def nowhere(port: int) -> None:
    """Wait for clients, and forget to listen."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        signal.pause()


def slow(port: int) -> None:
    """Be at work for longer than an idle program may take; then listen."""
    work(4)
    Mute().serve(port)


def two_ports(port: int) -> None:
    """Listen elsewhere, too, and first."""
    with socket.create_server(("127.0.0.1", 0)):
        work(2)
        Mute().serve(port)


def work(seconds: float) -> None:
    """Be busy."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


SLIPS: dict[str, Callable[[int], None]] = {
    "no-lf": NoLf().serve,
    "no-lf-after-pong": NoLfAfterPong().serve,
    "cr-lf": CrLf().serve,
    "not-flushed": NotFlushed().serve,
    "not-flushed-later": NotFlushedLater().serve,
    "greets-late": GreetsLate().serve,
    "one-at-a-time": OneAtATime().serve,
    "two-for-one": TwoForOne().serve,
    "answers-late": AnswersLate().serve,
    "mute": Mute().serve,
    "on-the-console": OnTheConsole().serve,
    "verbose": Verbose().serve,
    "throws": Throws().serve,
    "throws-at-once": ThrowsAtOnce().serve,
    "resets": Resets().serve,
    "ends": Ends().serve,
    "crashes": Crashes().serve,
    "ends-by-exception": EndsByException().serve,
    "waits": Waits().serve,
    "no-lf-after-joined": build(NoLfAfterJoined, stepserver.TOGETHER),
    "another-address": another_address,
    "old-case": build(OldCase, stepserver.NAMES),
    "folded": build(Folded, stepserver.NAMES),
    "in-use": in_use,
    "no-module": no_module,
    "returns": returns,
    "complains": complains,
    "another-port": another_port,
    "nowhere": nowhere,
    "slow": slow,
    "two-ports": two_ports,
    "one-pong": OnePong().serve,
    "one-only": OneOnly().serve,
    "web": Web().serve,
}


if __name__ == "__main__":
    SLIPS[sys.argv[1]](int(sys.argv[2]))
