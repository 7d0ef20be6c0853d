"""The client's connection inside TLS, which behaves like one without."""

import contextlib
import errno
import socket
import ssl
from typing import Any

from reference.client.texts import Texts


class Connection(ssl.SSLSocket):
    """A socket inside TLS that says like others that it has nothing yet, and that says goodbye when it is closed.

    A read of 16 KiB or more gets all of a record, so that `select` knows of all that is still to be had.
    """

    def recv(self, size: int = 65536, flags: int = 0) -> bytes:
        """Return what has come.  Raises OSError, BlockingIOError where nothing has."""
        try:
            return super().recv(size, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise BlockingIOError from error

    def send(self, data: Any, flags: int = 0) -> int:
        """Send octets, return how many.  Raises OSError, BlockingIOError where none can be sent: try the same again."""
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise BlockingIOError from error

    def close(self) -> None:
        """Say goodbye where that can be said at once, and close."""
        with contextlib.suppress(OSError, ValueError):
            self.setblocking(False)
            self.unwrap()
        super().close()


def context(authority: str | None, texts: Texts) -> ssl.SSLContext:
    """Return how a client speaks TLS: the server's certificate is verified, and whether it is that server's.

    `authority`: a file with the certificates to trust, in PEM; None: those that the system trusts.  Raises OSError.
    """
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    result.minimum_version = ssl.TLSVersion.TLSv1_2
    result.sslsocket_class = Connection
    if authority is None:
        result.load_default_certs()
        return result
    try:
        result.load_verify_locations(authority)
    except OSError as error:
        why = texts.not_pem if isinstance(error, ssl.SSLError) else error.strerror
        raise OSError(errno.EPROTO, texts.no_authorities.format(file=authority, why=why)) from error
    return result


def enter(connection: socket.socket, security: ssl.SSLContext, host: str, texts: Texts) -> socket.socket:
    """Do the handshake with the server of this name or address; return the connection inside TLS.  Raises OSError."""
    try:
        return security.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message.rstrip(".")
        raise OSError(errno.EPROTO, texts.untrusted.format(why=why)) from error
    except ssl.SSLError as error:
        why = (error.reason or str(error)).replace("_", " ").lower()
        raise OSError(errno.EPROTO, texts.no_tls.format(why=why)) from error
