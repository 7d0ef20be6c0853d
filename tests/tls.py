"""Tools that the tests of TLS share: the certificates, and a real server with clients inside TLS."""

import contextlib
import socket
import ssl
from pathlib import Path

from conformance.wire.tls import Channel
from tests.support import DEADLINE, Client, Server

CERTIFICATES = Path(__file__).parent / "certificates"
AUTHORITY = CERTIFICATES / "authority.pem"
KEY = CERTIFICATES / "server.key"


def certified(name: str = "server") -> tuple[str, ...]:
    """Return the server's options for one of the certificates."""
    return "--tls-cert", str(CERTIFICATES / f"{name}.pem"), "--tls-key", str(KEY)


def receive(channel: Channel) -> bytes:
    """Return what comes next, which can be more than one record; nothing at the goodbye of TLS."""
    while True:
        with contextlib.suppress(BlockingIOError):  # less than a record has come, or none with octets in it
            return channel.recv(65536)


class TlsServer(Server):
    """A running server that speaks TLS."""

    def __init__(self, *options: str) -> None:
        super().__init__(*certified(), *options)
        self.context = ssl.create_default_context(cafile=str(AUTHORITY))

    def dial(self) -> socket.socket:
        """Return a connection on which no handshake was begun; the end of the server's context closes it."""
        return self._stack.enter_context(socket.create_connection(self.address, DEADLINE))

    def open(self) -> Client:
        """Return a client after the handshake, which takes no end for one but a goodbye."""
        inside = self.context.wrap_socket(self.dial(), server_hostname="127.0.0.1", suppress_ragged_eofs=False)
        client = Client(inside)
        self._stack.callback(client.close)
        return client
