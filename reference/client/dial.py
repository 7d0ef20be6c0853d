"""Connecting to a server, inside TLS where that is asked for, and why that did not work."""

import socket
import threading
from typing import NamedTuple

from reference.address import with_port
from reference.client.texts import Texts

_CONNECTING = 10.0  # seconds


class Target(NamedTuple):
    """The server to connect to."""

    host: str
    port: int
    tls: bool
    authorities: str | None  # a file with certificates to trust, in PEM


def connect(target: Target, texts: Texts) -> socket.socket:
    """Return a connection.  Raises OSError, and ValueError for what no name of a host can look like."""
    address = target.host, target.port
    if target.tls:
        try:
            from reference.client import tls  # takes a while
        except ImportError as error:
            raise OSError(texts.tls_missing) from error
        security = tls.context(target.authorities, texts)
        connection = tls.enter(socket.create_connection(address, _CONNECTING), security, target.host, texts)
    else:
        connection = socket.create_connection(address, _CONNECTING)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connection


def why_not(error: OSError | ValueError, target: Target, texts: Texts) -> str:
    """Return in words why there is no connection."""
    address = with_port(target.host, target.port)
    match error:
        case ConnectionRefusedError():
            return texts.refused.format(address=address)
        case TimeoutError():
            return texts.timed_out.format(address=address)
        case socket.gaierror() | ValueError():
            return texts.not_resolved.format(host=target.host)
    return texts.not_reached.format(address=address, why=error.strerror or error)


class Dialing:
    """Connecting in a thread of its own, so that keys are read meanwhile."""

    def __init__(self, target: Target, texts: Texts) -> None:
        """Begin."""
        self._target = target
        self._texts = texts
        self._here, self._there = socket.socketpair()
        self._connection: socket.socket | None = None
        self._failure: OSError | ValueError | None = None
        # Nobody waits for it at the end: how long a host's name takes to be found is not in our hands.
        threading.Thread(target=self._work, name="dialing", daemon=True).start()

    def fileno(self) -> int:
        """Return what becomes readable when it is done."""
        return self._here.fileno()

    def result(self) -> socket.socket:
        """Return the connection, when it is done.  Raises as `connect` does."""
        self._here.close()
        if self._failure is not None:
            raise self._failure
        assert self._connection
        return self._connection

    def _work(self) -> None:
        with self._there:
            try:
                self._connection = connect(self._target, self._texts)
            except (OSError, ValueError) as error:
                self._failure = error
