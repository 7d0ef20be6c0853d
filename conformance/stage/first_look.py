"""The first look at the server: does it speak Flurfunk/1 at all, which features has it, and how quick is it?"""

import socket
import ssl
import threading
import time
from dataclasses import dataclass

from conformance.wire.address import Address, endpoint, written
from conformance.wire.process import UnreachableError
from conformance.wire.tls import Trust, reason
from conformance.wire.transcript import shown

SMOKE_SECONDS = 2.0
_LINES = 3  # among which HELLO has to be; that it is the very first is a check's matter
_MAX_BEGINNING = 65536  # octets among which HELLO has to be
_PING = b"/ping smoke\r\n\r\n"  # makes a web server say what it is
_ROUNDS = 5
_AGAIN_SECONDS = 0.05  # between two attempts, where something accepts and closes
_AT_ONCE = "it closes the connection at once"
_DEADLINE_FACTOR = 300  # deadlines are this many times the slowest round trip
_DEADLINE_FLOOR = 3.0
_DEADLINE_CEILING = 15.0


@dataclass(frozen=True)
class FirstLook:
    """The findings of the first connection: the features in HELLO, and the deadline for each thing that is expected."""

    features: frozenset[str]
    deadline: float


class _ClosedError(UnreachableError):
    """The connection ends before anything has come: a server that is being started behind something else can do so."""


def look(
    address: Address,
    tls: Trust | None = None,
    seconds: float = SMOKE_SECONDS,
    to_answer: float = SMOKE_SECONDS,
    *,
    host: str = "",
    start_seconds: float = 0,
) -> FirstLook:
    """Connect, inside TLS if told so, and read HELLO; raises UnreachableError with one clear line where none comes.

    A server that is silent for so many seconds is sent a ping. It has `to_answer` seconds for each ping.  One that
    closes at once is tried again for `start_seconds`.  `host`: the name that the address was found by.
    """
    end = time.monotonic() + start_seconds
    while True:
        try:
            return _look(address, host or address[0], tls, seconds, to_answer)
        except _ClosedError:
            if time.monotonic() > end:
                raise
            threading.Event().wait(_AGAIN_SECONDS)


def _look(address: Address, host: str, tls: Trust | None, seconds: float, to_answer: float) -> FirstLook:
    where = written((host, address[1]))
    end = time.monotonic() + seconds
    try:
        family, place = endpoint(address)
        connection = socket.socket(family)
    except OSError as error:
        raise UnreachableError(f"nobody accepts connections at {where}: {error.strerror or error}") from error
    try:
        connection.settimeout(seconds)
        connection.connect(place)
    except ConnectionResetError as error:
        connection.close()
        raise _ClosedError(f"no Flurfunk/1 server at {where}: it breaks the connection") from error
    except OSError as error:
        connection.close()
        raise UnreachableError(f"nobody accepts connections at {where}: {error.strerror or error}") from error
    try:
        connection = tls.enter(connection, host) if tls else connection
    except OSError as error:
        connection.close()
        ended = isinstance(error, (ConnectionError, ssl.SSLEOFError))
        raise (_ClosedError if ended else UnreachableError)(
            f"no TLS with the server at {where}: {reason(error)}"
        ) from error
    with connection:
        try:
            received, how = _beginning(connection, end, seconds, to_answer)
        except OSError as error:
            raise _ClosedError(f"no Flurfunk/1 server at {where}: it breaks the connection") from error
        hello = _hello(received)
        if not hello:
            error_type = _ClosedError if how == _AT_ONCE else UnreachableError
            raise error_type(f"no Flurfunk/1 server at {where}: {how}")
        features = frozenset(hello.decode("utf-8", "replace").split()[2:])
        if "password" in features:
            raise UnreachableError(
                f"the server at {where} wants a password: let it run without one here, "
                "and say with --password-server-cmd how one is started that does"
            )
        return FirstLook(features, _deadline(connection, to_answer))


def _beginning(connection: socket.socket, end: float, seconds: float, to_answer: float) -> tuple[bytes, str]:
    """Return what the server sends until HELLO, or until there is none; and, in words, what it does instead."""
    received = _read(connection, end)
    if received is None:
        connection.sendall(_PING)
        answer = _read(connection, time.monotonic() + to_answer)
        if not answer:
            silence = "and does not answer a ping either" if answer is None else "and closes when it is sent a ping"
            return b"", f"it accepts, but sends nothing for {seconds:.0f} s, {silence}"
        return answer, f"it sends nothing by itself, and answers a ping with {shown(answer)}"
    if not received:
        return b"", _AT_ONCE
    if b"\n" not in received:
        return b"", f"it sends {shown(received)}, and no end of a line"
    return received, f"it begins with {shown(received)}"


def _read(connection: socket.socket, end: float) -> bytes | None:
    """Return what comes until HELLO, the end, or what cannot lead to HELLO any more; None where nothing comes."""
    received = b""
    while not _hello(received) and received.count(b"\n") < _LINES and len(received) < _MAX_BEGINNING:
        connection.settimeout(max(end - time.monotonic(), 0.001))
        try:
            octets = connection.recv(4096)
        except TimeoutError:
            return received or None
        if not octets or time.monotonic() > end:
            return received + octets
        received += octets
    return received


def _hello(received: bytes) -> bytes:
    """Return the HELLO line among complete lines, if it is there."""
    lines = received.split(b"\n")[:-1]
    return next((line for line in lines if line.split(b" ")[:2] == [b"HELLO", b"flurfunk/1"]), b"")


def _deadline(connection: socket.socket, seconds: float) -> float:
    """Measure some round trips, and return a deadline in seconds; a server that does not answer gets the floor."""
    slowest = 0.0
    connection.settimeout(seconds)
    for number in range(_ROUNDS):
        began = time.monotonic()
        pong, received = f"PONG smoke-{number}\n".encode(), b""
        try:
            connection.sendall(b"/ping smoke-%d\n" % number)
            while pong not in received:
                octets = connection.recv(4096)
                if not octets or time.monotonic() > began + seconds:
                    return _DEADLINE_FLOOR
                received += octets
        except OSError:
            return _DEADLINE_FLOOR
        slowest = max(slowest, time.monotonic() - began)
    return min(max(slowest * _DEADLINE_FACTOR, _DEADLINE_FLOOR), _DEADLINE_CEILING)
