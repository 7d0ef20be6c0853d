"""Many connections to one server on one selector, in one thread: connect, enter rooms, send, receive whole lines."""

import contextlib
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle

AT_ONCE = 16  # clients that are being let in at the same time: fewer than any server's backlog holds
ASKED_AT_ONCE = 100  # clients whose pings are under way at the same time, where that is not what is measured
SILENCE = 20.0  # seconds in which a server that owes an answer may send nothing at all
CONNECT_SECONDS = 10.0
_BUFFER = 1 << 20  # octets read at once, at most
_LONGEST = 8192  # [LINE-8]
_RESET = struct.pack("ii", 1, 0)


class ProtocolError(Exception):
    """A server refused, ended or did not answer a client for no reason; the message goes on after `the server`."""


class Connection:
    """One client's connection.  The received octets go to `take`, in whole lines; its end goes to `ended`."""

    __slots__ = ("_carry", "_pool", "_unsent", "ended", "name", "open", "room", "sock", "take", "token")

    def __init__(self, pool: "Pool", sock: socket.socket, name: bytes, room: bytes) -> None:
        """`name`, `room`: what it is called, and where it is, once `Pool.enter` has returned."""
        self._pool = pool
        self._carry = b""  # the beginning of a line
        self._unsent = b""
        self.sock = sock
        self.name = name
        self.room = room
        self.token = b""  # of the last PONG
        self.open = True
        self.take: Callable[[memoryview], None] = self.take_greeting
        self.ended: Callable[[str], None] = self.end_unasked

    def send(self, octets: bytes) -> None:
        """Send, at once as far as the system takes it."""
        if self._unsent or not self.open:
            self._unsent += octets
            return
        try:
            sent = self.sock.send(octets)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.end(error.strerror or "broken")
            return
        if sent < len(octets):
            self._unsent = octets[sent:]
            self._pool.watch(self, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def writable(self) -> None:
        """Send what is left."""
        octets, self._unsent = self._unsent, b""
        self._pool.watch(self, selectors.EVENT_READ)
        self.send(octets)

    def readable(self, buffer: memoryview) -> None:
        """Read what there is, and hand over what ends with LF."""
        try:
            count = self.sock.recv_into(buffer)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(error.strerror or "broken")
            return
        if not count:
            self.end("end of stream")
            return
        chunk = memoryview(self._carry + buffer[:count]) if self._carry else buffer[:count]
        if chunk[-1] == 10:
            self._carry = b""
        else:
            tail = bytes(chunk[-_LONGEST - 1 :])
            self._carry = tail[tail.rfind(b"\n") + 1 :]
            if len(self._carry) > _LONGEST:
                raise ProtocolError(f"sent {self.name.decode()} a line of more than {_LONGEST} octets")
            chunk = chunk[: len(chunk) - len(self._carry)]
        if len(chunk):
            self.take(chunk)

    def take_greeting(self, chunk: memoryview) -> None:
        """Take what comes until the client is in its room: until the PONG to the first ping."""
        for line in bytes(chunk).splitlines():
            self.take_answer(line)

    def take_answer(self, line: bytes) -> None:
        """Take a line that is no event.  Raises ProtocolError for a refusal."""
        word = line.partition(b" ")[0]
        if word == b"PONG":
            self.token = line[5:]
        elif word == b"HELLO" and line.split()[1:2] != [b"flurfunk/1"]:
            raise ProtocolError(f"does not speak Flurfunk/1: its first line is {line!r}")
        elif word in (b"ERROR", b"BYE") or (word == b"ROOM" and line != b"ROOM " + self.room):
            raise ProtocolError(f"sent {line.decode('utf-8', 'replace')!r} to {self.name.decode()}")

    def end_unasked(self, why: str) -> None:
        """A connection is lost that should not be."""
        raise ProtocolError(f"lost the connection of {self.name.decode()}: {why}")

    def end(self, why: str) -> None:
        """Close our side, since the connection has ended."""
        if self.open:
            self.close()
            self.ended(why)

    def close(self, *, reset: bool = False) -> None:
        """Close the connection; `reset` breaks it, and leaves no port behind that cannot be used for a while."""
        if self.open:
            self.open = False
            self._pool.forget(self)
            if reset:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.sock.close()

    def half_close(self) -> None:
        """End our sending."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)


class Pool:
    """All connections to one server, or to several by turns.  As a context: closes them all."""

    def __init__(self, *addresses: tuple[str, int]) -> None:
        """`addresses`: host and port of each server."""
        self._addresses = cycle(addresses)
        self._selector = selectors.DefaultSelector()
        self._buffer = memoryview(bytearray(_BUFFER))
        self._heard = 0.0  # when something came last
        self._pings = 0

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for key in list(self._selector.get_map().values()):
            key.data.close(reset=True)
        self._selector.close()

    def connect(self, name: bytes, room: bytes) -> Connection:
        """Open a connection, ask for its name and room, and ping after that.  Raises ProtocolError."""
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(socket.socket())
            sock.settimeout(CONNECT_SECONDS)
            try:
                sock.connect(next(self._addresses))
            except OSError as error:
                raise ProtocolError(f"does not accept {name.decode()}: {error}") from error
            stack.pop_all()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(self, sock, name, room)
        self._selector.register(sock, selectors.EVENT_READ, connection)
        connection.send(b"/nick %s\n%s\n/ping in\n" % (name, room))
        return connection

    def watch(self, connection: Connection, events: int) -> None:
        """Wait for other events on a connection."""
        if connection.open:
            self._selector.modify(connection.sock, events, connection)

    def forget(self, connection: Connection) -> None:
        """Wait for nothing on a connection any more."""
        self._selector.unregister(connection.sock)

    def poll(self, seconds: float) -> None:
        """Wait for something to happen, so many seconds at most, and do what is to be done."""
        events = self._selector.select(max(0.0, seconds))
        if events:
            self._heard = time.monotonic()
        for key, mask in events:
            connection: Connection = key.data
            if mask & selectors.EVENT_WRITE and connection.open:
                connection.writable()
            if mask & selectors.EVENT_READ and connection.open:
                connection.readable(self._buffer)

    def until(self, condition: Callable[[], bool], silence: float = SILENCE) -> bool:
        """Go on until a condition holds, or nothing has come for so many seconds; return whether it holds."""
        self._heard = time.monotonic()
        while not (holds := condition()) and (left := self._heard + silence - time.monotonic()) > 0:
            self.poll(left)
        return holds

    def enter(self, places: Iterable[tuple[bytes, bytes]]) -> list[Connection]:
        """Let clients in, given the name and the room of each, a few at once.  Raises ProtocolError."""
        connections: list[Connection] = []
        coming: list[Connection] = []

        def fewer_than(most: int) -> bool:
            coming[:] = [one for one in coming if one.token != b"in"]
            return len(coming) < most

        for name, room in places:
            if not self.until(lambda: fewer_than(AT_ONCE)):
                break
            connections.append(self.connect(name, room))
            coming.append(connections[-1])
        if not self.until(lambda: fewer_than(1)):
            raise ProtocolError(f"does not let {coming[0].name.decode()} into a room within {SILENCE:.0f} s")
        return connections

    def leave(self) -> None:
        """Let all clients go, so that their names are free.  Raises ProtocolError."""
        clients: list[Connection] = [key.data for key in self._selector.get_map().values()]
        for one in clients:
            one.take = lambda chunk: None
            one.ended = lambda why: None
            one.send(b"exit\n")
        if not self.until(lambda: not any(one.open for one in clients)):
            raise ProtocolError(f"does not let clients go within {SILENCE:.0f} s")

    def barrier(self, connections: Sequence[Connection]) -> None:
        """Wait until all connections have what earlier lines brought them [ORDER-8].  Raises ProtocolError."""
        self._pings += 1
        token = b"b%d" % self._pings
        for start in range(0, len(connections), ASKED_AT_ONCE):
            asked = [one for one in connections[start : start + ASKED_AT_ONCE] if one.open]
            for one in asked:
                one.send(b"/ping %s\n" % token)
            self._await_pongs(asked, token)

    def _await_pongs(self, asked: list[Connection], token: bytes) -> None:
        def answered() -> bool:
            while asked and (asked[-1].token == token or not asked[-1].open):
                asked.pop()
            return not asked

        if not self.until(answered):
            raise ProtocolError(f"does not answer a /ping of {asked[-1].name.decode()} within {SILENCE:.0f} s")
