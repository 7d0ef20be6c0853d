"""A server for tests of clients: real sockets, and it says and expects what the test says, nothing else."""

import socket
from types import TracebackType
from typing import Self

DEADLINE = 60.0  # seconds for whatever a test waits for: for a busy machine


class ScriptedServer:
    """Listens on a free port of 127.0.0.1; a context."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(DEADLINE)
        self._connections: list[Connection] = []

    @property
    def address(self) -> str:
        """HOST:PORT, as a client's argument."""
        host, port = self._listening.getsockname()
        return f"{host}:{port}"

    def accept(self) -> "Connection":
        """Wait for a client to connect; nothing is sent to it."""
        connection = Connection(self._listening.accept()[0])
        self._connections.append(connection)
        return connection

    def welcome(self, name: str = "guest-1") -> "Connection":
        """Wait for a client, and greet it as [STATE-1] and [STATE-2] say."""
        connection = self.accept()
        connection.send("HELLO flurfunk/1 who rooms", f"NAME {name}")
        return connection

    def close(self) -> None:
        """Listen no more; the connections stay."""
        self._listening.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for connection in self._connections:
            connection.close()
        self.close()


class Connection:
    """The server's side of one connection; every wait has a deadline and raises TimeoutError."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(DEADLINE)
        self._file = connection.makefile("rb")

    def send(self, *lines: str) -> None:
        """Send lines, each with LF, in one piece."""
        self.socket.sendall("".join(f"{line}\n" for line in lines).encode())

    def line(self) -> str | None:
        """Return the next line that the client sent, without LF; None at its end of stream."""
        octets = self._file.readline()
        assert octets.endswith(b"\n") or not octets, f"half a line: {octets!r}"
        return octets[:-1].decode() if octets else None

    def expect(self, *lines: str | None) -> None:
        """Compare the next lines that the client sends; None: it has closed."""
        for expected in lines:
            received = self.line()
            assert received == expected, f"the client sent {received!r}, not {expected!r}"

    def dismiss(self, reason: str = "exit") -> None:
        """Send BYE, and see the client close [CLIENT-8]."""
        self.send(f"BYE {reason}")
        self.expect(None)
        self.close()

    def close(self) -> None:
        """End the connection without a word."""
        self._file.close()
        self.socket.close()
