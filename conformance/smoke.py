"""The first look at the server: does it speak Flurfunk/1 at all, which features has it, and how quick is it?"""

import socket
import time
from dataclasses import dataclass

from conformance.subject import Address, UnreachableError
from conformance.transcript import shown

SMOKE_SECONDS = 2.0
_LINES = 3  # among which HELLO has to be; that it is the very first is a check's matter
_ROUNDS = 5
_DEADLINE_FACTOR = 300  # deadlines are this many times the slowest round trip
_DEADLINE_FLOOR = 3.0
_DEADLINE_CEILING = 15.0


@dataclass(frozen=True)
class FirstLook:
    """What the first connection showed: the features in HELLO, and the deadline for each thing that is expected."""

    features: frozenset[str]
    deadline: float


def look(address: Address) -> FirstLook:
    """Connect and read HELLO within 2 seconds; raises UnreachableError with one clear line where that fails."""
    where = f"{address[0]}:{address[1]}"
    end = time.monotonic() + SMOKE_SECONDS
    try:
        connection = socket.create_connection(address, timeout=SMOKE_SECONDS)
    except OSError as error:
        raise UnreachableError(f"nobody accepts connections at {where}: {error.strerror or error}") from error
    with connection:
        received = b""
        while not _hello(received) and received.count(b"\n") < _LINES:
            octets = _receive(connection, end, where, received)
            if not octets:
                break
            received += octets
        hello = _hello(received)
        if not hello:
            raise UnreachableError(f"no Flurfunk/1 server at {where}: it begins with {shown(received)}")
        return FirstLook(frozenset(hello.decode("utf-8", "replace").split()[2:]), _deadline(connection))


def _hello(received: bytes) -> bytes:
    """Return the HELLO line among complete lines, if it is there."""
    lines = received.split(b"\n")[:-1]
    return next((line for line in lines if line.split(b" ")[:2] == [b"HELLO", b"flurfunk/1"]), b"")


def _receive(connection: socket.socket, end: float, where: str, received: bytes) -> bytes:
    connection.settimeout(max(end - time.monotonic(), 0.001))
    try:
        return connection.recv(4096)
    except TimeoutError as error:
        what = f"it sends {shown(received)} and then nothing" if received else "it accepts, but sends nothing"
        raise UnreachableError(f"no Flurfunk/1 server at {where}: {what} for {SMOKE_SECONDS:.0f} s") from error
    except OSError as error:
        raise UnreachableError(f"no Flurfunk/1 server at {where}: it breaks the connection") from error


def _deadline(connection: socket.socket) -> float:
    """Measure some round trips, and return a deadline in seconds; a server that does not answer gets the floor."""
    slowest = 0.0
    connection.settimeout(SMOKE_SECONDS)
    for number in range(_ROUNDS):
        began = time.monotonic()
        pong, received = f"PONG smoke-{number}\n".encode(), b""
        try:
            connection.sendall(b"/ping smoke-%d\n" % number)
            while pong not in received:
                octets = connection.recv(4096)
                if not octets:
                    return _DEADLINE_FLOOR
                received += octets
        except OSError:
            return _DEADLINE_FLOOR
        slowest = max(slowest, time.monotonic() - began)
    return min(max(slowest * _DEADLINE_FACTOR, _DEADLINE_FLOOR), _DEADLINE_CEILING)
