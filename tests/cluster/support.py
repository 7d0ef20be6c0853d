"""Tools for tests of clusters: real servers of NATS, nodes, a pair that chats on, and a connection that can be cut."""

import contextlib
import secrets
import select
import socket
import threading
from collections.abc import Sequence
from typing import Self

from tests.support import DEADLINE, Client, Server, wait_until

QUICK = ("--cluster-timeout", "1.5")  # a node that is silent for so long is given up: tests need not wait longer


class Nodes:
    """Several servers that are one chat."""

    def __init__(self, urls: Sequence[str], count: int = 3, *options: str) -> None:
        """`urls`: of NATS."""
        self.options = ("--cluster", ",".join(urls), "--cluster-name", f"t{secrets.token_hex(4)}", *QUICK, *options)
        self._stack = contextlib.ExitStack()
        self.all: list[Server] = []
        try:
            for _ in range(count):
                self.add()
        except BaseException:
            self._stack.close()
            raise

    def add(self, *options: str) -> Server:
        """Start one more."""
        self.all.append(self._stack.enter_context(Server(*self.options, *options)))
        return self.all[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __getitem__(self, number: int) -> Server:
        return self.all[number]


class Pair:
    """Two members of a room, on two nodes, who go on chatting; every line that each of them gets is checked."""

    def __init__(self, first: Server, second: Server) -> None:
        self.clients = (first.connect("pair", "Ann"), second.connect("pair", "Bob"))
        assert self.clients[0].line() == "JOINED Bob"
        self.rounds = 0
        self._over = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._over.set()
        self._thread.join(2 * DEADLINE)
        if kind is None:
            if self._fault:
                raise self._fault
            assert self.rounds
            assert not self._thread.is_alive()

    def go_on(self, rounds: int = 3) -> None:
        """Wait until they have said some more."""
        aim = self.rounds + rounds
        wait_until(lambda: self.rounds >= aim or self._fault is not None, "the pair goes on")

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                self._round()
                self._over.wait(0.002)
        except BaseException as fault:
            self._fault = fault

    def _round(self) -> None:
        """Each says a few lines; both get all of them, once, in one order, and nothing else."""
        said = {name: [f"SAID {name} {self.rounds}.{number}" for number in range(3)] for name in ("Ann", "Bob")}
        for client, lines in zip(self.clients, said.values(), strict=True):
            client.send(*(line.split(" ", 2)[2] for line in lines))
        heard = [[client.line() for _ in range(6)] for client in self.clients]
        assert heard[0] == heard[1]
        for name, lines in said.items():
            assert [line for line in heard[0] if line.startswith(f"SAID {name} ")] == lines
        self.rounds += 1


class Cable:
    """A port that leads to another one, until it is cut: then octets go nowhere, and no connection ends."""

    def __init__(self, port: int) -> None:
        """`port`: where it leads."""
        self._there = port
        self._whole = threading.Event()
        self._whole.set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"nats://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Let nothing through."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything through again, on the old connections, too."""
        self._whole.set()

    def close(self) -> None:
        """Accept nobody any more."""
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._socket.accept()
                threading.Thread(target=self._carry, args=(here,), daemon=True).start()

    def _carry(self, here: socket.socket) -> None:
        with contextlib.suppress(OSError), here, socket.create_connection(("127.0.0.1", self._there)) as there:
            other = {here: there, there: here}
            while True:
                self._whole.wait()
                for sock in select.select([here, there], [], [], 0.1)[0]:
                    octets = sock.recv(65536)
                    self._whole.wait()
                    if not octets:
                        return
                    other[sock].sendall(octets)


def who(server: Server) -> list[str]:
    """Return the lines in which the console tells who is where, without addresses."""
    server.type("/who")
    text = server.printed(" connected\n")
    return [" ".join(line.split()[:2]) for line in text.splitlines()[:-1]]


def leaving(client: Client) -> str:
    """Return the last line before the end of the stream."""
    return client.rest()[-1]
