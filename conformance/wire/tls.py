"""Connections inside TLS, for subjects that speak it: what is sent when, and how it ends, stays in the suite's hand."""

import contextlib
import socket
import ssl
from pathlib import Path

_CHUNK = 65536  # octets that are read at once
_HEADER = 5  # octets before each record, the last two of which are its length


class Trust:
    """The authorities by which a server's certificate is verified."""

    def __init__(self, path: Path) -> None:
        """`path`: a file with their certificates, in PEM.  Raises ValueError, with one clear line."""
        self.path = path
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            self._context.load_verify_locations(path)
        except OSError as error:
            why = "it has none in PEM" if isinstance(error, ssl.SSLError) else error.strerror
            raise ValueError(f"no certificates from {path}: {why}") from error

    def enter(self, connection: socket.socket, host: str) -> ssl.SSLSocket:
        """Do the handshake; return a connection that blocks as the one given does.  Raises OSError."""
        return self._context.wrap_socket(connection, server_hostname=host)

    def channel(self, connection: socket.socket, host: str) -> "Channel":
        """Do the handshake within the connection's timeout; return what plays the part of the socket.

        Raises OSError.
        """
        return Channel(connection, self._context, host)


class Identity:
    """The certificate that the suite's own server shows to a client."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """`certificate`, `key`: files in PEM, the key without a passphrase.  Raises ValueError, with one clear line."""
        self.certificate = certificate
        self.key = key
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.num_tickets = 0  # nothing comes that no check has sent
        try:
            self._context.load_cert_chain(certificate, key, password="")
        except OSError as error:
            why = "they are none in PEM" if isinstance(error, ssl.SSLError) else error.strerror
            raise ValueError(f"no certificate and its key from {certificate} and {key}: {why}") from error

    def channel(self, connection: socket.socket) -> "Channel":
        """Do the handshake within the connection's timeout; see Trust.channel."""
        return Channel(connection, self._context)


class Channel:
    """As much of a socket as a peer needs, inside TLS: each `send` is a record of its own."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, host: str | None = None) -> None:
        """Do the handshake within the connection's timeout, as the client of this host, or else as a server.

        Raises OSError.
        """
        self._socket = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, host is None, host)
        self._unsent = b""  # of a record that was begun
        self._taken = 0  # the octets that are in it
        self._ended = False
        self._abrupt = False
        self.setblocking = connection.setblocking
        self.fileno = connection.fileno
        self.getsockname = connection.getsockname
        self._handshake()

    def _handshake(self) -> None:
        """Read not one octet more than the handshake has, so that `select` knows of all that comes."""
        while True:
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                pass
            finally:
                self._socket.sendall(self._outgoing.read())
            header = self._exactly(_HEADER)
            self._incoming.write(header + self._exactly(int.from_bytes(header[-2:], "big")))

    def _exactly(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            piece = self._socket.recv(count - len(octets))
            if not piece:
                raise ConnectionError("the connection ends within the TLS handshake")
            octets += piece
        return octets

    def send(self, octets: bytes | memoryview) -> int:
        """Send octets, return how many; where not all can be sent now, BlockingIOError: send the same again, or more.

        Raises OSError where the connection is broken.
        """
        if not self._unsent:
            self._taken = self._tls.write(octets)
        self._flush()
        return self._taken

    def _flush(self) -> None:
        self._unsent += self._outgoing.read()
        self._unsent = self._unsent[self._socket.send(self._unsent) :]
        if self._unsent:
            raise BlockingIOError

    def recv(self, size: int) -> bytes:
        """Return all that has come; nothing at the goodbye of TLS.  Raises OSError, also where there is no goodbye."""
        if self._ended:
            return b""
        octets = self._socket.recv(size)
        if not octets:
            raise ConnectionError(None, "ended without the goodbye of TLS (close_notify)")
        self._incoming.write(octets)
        pieces = []
        with contextlib.suppress(ssl.SSLWantReadError):
            with contextlib.suppress(ssl.SSLZeroReturnError):
                while piece := self._tls.read(_CHUNK):
                    pieces.append(piece)
            self._ended = True
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RD)  # so that `select` knows of the end, too
        if not pieces and not self._ended:
            raise BlockingIOError
        return b"".join(pieces)

    def shutdown(self, how: int) -> None:
        """Say goodbye, and end the sending; receiving goes on."""
        self._say_goodbye()
        self._socket.shutdown(how)

    def _say_goodbye(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):  # it wants the server's, too; that comes when it comes
            self._tls.unwrap()
        with contextlib.suppress(BlockingIOError):
            self._flush()

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        """Set an option of the socket; with SO_LINGER, `close` is to break the connection."""
        self._abrupt = option == socket.SO_LINGER
        self._socket.setsockopt(level, option, value)

    def close(self) -> None:
        """Close the connection, with a goodbye where that can be said at once."""
        if not self._abrupt and self._socket.fileno() >= 0:
            with contextlib.suppress(OSError):
                self._say_goodbye()
        self._socket.close()


Connection = socket.socket | Channel


def reason(error: OSError) -> str:
    """Return in a few words why there is no TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate cannot be trusted: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror or str(error)
