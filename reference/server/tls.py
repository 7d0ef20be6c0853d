"""TLS: a thread for each connection carries octets between it and a plain socket, which the server uses like any other.

An object of `ssl` is for one thread at a time, and the server reads a client in one thread while it writes to it in
another.  Here each belongs to one thread, which waits for both sides, and takes no more from one than the other has
taken: so the server still sees whether a client reads.
"""

import contextlib
import logging
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from itertools import count
from math import inf

PIECE = 64 * 1024  # octets that are taken from one side, until the other has taken them
HANDSHAKE = 10.0  # seconds for a client to get through it
MOST_HANDSHAKES = 1000  # at a time
FAREWELL = 10.0  # seconds for what is on its way to a client when the server has done with it

log = logging.getLogger("flurfunk")


class CertificateError(ValueError):
    """A certificate or its key cannot be used; the message says why, in one line."""


def context(certificate: str, key: str) -> ssl.SSLContext:
    """Return how a server speaks TLS, with two files in PEM [NET-10].  Raises CertificateError."""
    for path in (certificate, key):
        try:
            open(path, "rb").close()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise CertificateError(f"cannot read {path}: {why}") from error
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    result.minimum_version = ssl.TLSVersion.TLSv1_2
    result.options |= ssl.OP_NO_RENEGOTIATION
    result.num_tickets = 0  # nobody comes back within a session; and they would be in the way of an early end
    try:
        result.load_cert_chain(certificate, key, password="")  # nobody is there to type one
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CertificateError(f"the key in {key} is not that of the certificate in {certificate}") from error
        raise CertificateError(
            f"{certificate} and {key} are not a certificate and its key, in PEM and without a passphrase"
        ) from error
    except OSError as error:  # gone just now
        raise CertificateError(f"cannot read {certificate} or {key}: {error.strerror}") from error
    return result


def _marks(paths: tuple[str, str]) -> list[tuple[int, int, int] | None]:
    """Return what changes when files do; None for one that is not there."""
    marks: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            found = os.stat(path)
            marks.append((found.st_ino, found.st_size, found.st_mtime_ns))
        except OSError:
            marks.append(None)
    return marks


class Tls:
    """All connections of a server that are inside TLS."""

    def __init__(self, certificate: str, key: str) -> None:
        """`certificate`, `key`: files in PEM.  Raises CertificateError."""
        self._files = (certificate, key)
        self._seen: list[tuple[int, int, int] | None] = _marks(self._files)
        self._trouble = ""  # why the files cannot be used now
        self._context = context(certificate, key)
        self._numbers = count(1)
        self._handshakes = 0
        self._bridges = 0
        self._change = threading.Condition()

    @property
    def crowded(self) -> bool:
        """Whether so many clients are on their way in that one more is too much."""
        return self._handshakes >= MOST_HANDSHAKES

    def admit(self, network: socket.socket, stall_timeout: float, on_stall: Callable[[], bool]) -> socket.socket:
        """Do the handshake; return a socket that yields what the client sends, and takes what it is to receive.

        `on_stall` is called, in another thread, when something has waited for the client for `stall_timeout` seconds
        and nothing of it was taken [FLOW-5]: the socket that is returned takes some of it, so who writes to it does
        not see that.  It returns whether the client was still served.

        `network` is closed in the end.  Raises OSError where the client does not get through the handshake in time,
        RuntimeError where no thread can be had.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(network)
            self._counted(handshakes=1)
            stack.callback(self._counted, handshakes=-1)
            channel = Channel(network, self._newest())
            channel.handshake(time.monotonic() + HANDSHAKE)
            near, far = (stack.enter_context(end) for end in socket.socketpair())
            self._counted(handshakes=-1, bridges=1)
            stack.callback(self._counted, handshakes=1, bridges=-1)
            name = f"tls-{next(self._numbers)}"
            threading.Thread(
                target=self._carry, args=(Bridge(channel, near, stall_timeout, on_stall),), name=name, daemon=True
            ).start()
            stack.pop_all()
            return far

    def _newest(self) -> ssl.SSLContext:
        """Return how TLS is spoken now: the files are read anew when they have changed, as they do every few weeks.

        A certificate that cannot be used is logged once, and the certificate before it goes on being used.  It is tried
        again for each client: rights that are given to a file leave no mark, nor does memory or a descriptor that is
        free again.
        """
        marks = _marks(self._files)
        with self._change:
            changed, self._seen = marks != self._seen, marks
        if changed:
            try:
                self._context = context(*self._files)
                self._trouble = ""
                log.info("the certificate was read anew")
            except CertificateError as error:
                self._seen = []
                before, self._trouble = self._trouble, str(error)
                if self._trouble != before:
                    log.warning("the certificate has changed and cannot be used, the one before stays: %s", error)
        return self._context

    def _carry(self, bridge: "Bridge") -> None:
        try:
            bridge.carry()
        except OSError:
            pass  # reset, or no route any more, or no TLS any more
        except Exception:
            log.exception("dropped because of an error in the server")
        finally:
            bridge.close()
            self._counted(bridges=-1)

    def _counted(self, handshakes: int = 0, bridges: int = 0) -> None:
        with self._change:
            self._handshakes += handshakes
            self._bridges += bridges
            self._change.notify_all()

    def wait(self, seconds: float) -> None:
        """Return when nothing is on its way to any client, after so many seconds at the latest."""
        with self._change:
            self._change.wait_for(lambda: not self._bridges, seconds)


class Channel:
    """The network's side: what is inside TLS.  Methods raise OSError where the connection breaks, or is no TLS."""

    def __init__(self, network: socket.socket, context: ssl.SSLContext) -> None:
        self.network = network
        self.ended = False  # the client has ended its sending
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._unsent = b""
        self.progress = 0.0  # when the network last took something, or something began to wait for it
        self._finished = False  # nothing comes after what is unsent

    def handshake(self, deadline: float) -> None:
        """Do the handshake, by a time of `time.monotonic`; then nothing waits for the network any more."""
        while True:
            self.network.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                raise ConnectionError((error.reason or str(error)).replace("_", " ").lower()) from error
            finally:
                self.network.sendall(self._outgoing.read())
            octets = self.network.recv(PIECE)
            if not octets:
                raise ConnectionError("the client has left")
            self._incoming.write(octets)

    @property
    def sending(self) -> bool:
        """Whether something waits for the network."""
        return bool(self._unsent or self._outgoing.pending)

    @property
    def receiving(self) -> bool:
        """Whether more is to be received; not while TLS's own answers pile up for a client that does not read them."""
        return not self.ended and self._outgoing.pending < 2 * PIECE

    def receive(self) -> None:
        """Take what has come from the network; `read` tells what it is."""
        with contextlib.suppress(BlockingIOError):
            octets = self.network.recv(PIECE)
            self._incoming.write(octets)
            self.ended = not octets  # without a goodbye in TLS, it is an end all the same

    def read(self) -> bytes:
        """Return all that has come and is complete."""
        pieces = []
        with contextlib.suppress(ssl.SSLWantReadError):
            try:
                while octets := self._tls.read(PIECE):
                    pieces.append(octets)
            except ssl.SSLZeroReturnError:
                pass
            self.ended = True
        self.flush()  # TLS may have something to answer
        return b"".join(pieces)

    def write(self, octets: bytes) -> None:
        """Send octets, as far as the network takes them, and later the rest."""
        if not self.sending:
            self.progress = time.monotonic()
        self._tls.write(octets)
        self.flush()

    def finish(self) -> None:
        """Send nothing more; receiving goes on."""
        with contextlib.suppress(ssl.SSLError):  # it wants the client's goodbye, too; that comes when it comes
            self._tls.unwrap()
        self._finished = True
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the network takes it."""
        with contextlib.suppress(BlockingIOError):
            while self.sending:
                self._unsent = self._unsent or self._outgoing.read()
                self._unsent = self._unsent[self.network.send(self._unsent) :]
                self.progress = time.monotonic()
            if self._finished:
                self.network.shutdown(socket.SHUT_WR)


class Bridge:
    """One connection: a channel, and the near end of a pair whose far end is the server's."""

    def __init__(
        self, channel: Channel, near: socket.socket, stall_timeout: float, on_stall: Callable[[], bool]
    ) -> None:
        """See `Tls.admit`."""
        self._channel = channel
        self._near = near
        self._stall_timeout = stall_timeout
        self._on_stall: Callable[[], bool] | None = on_stall  # None when it has been called
        self._received = b""  # waits for the server to take it
        self._finished = False  # the server sends nothing more
        self._deadline = inf  # when patience ends, once the server has done with the client

    def close(self) -> None:
        """Close both sides."""
        self._near.close()
        self._channel.network.close()

    def carry(self) -> None:
        """Carry octets until there is nothing more to carry.  Raises OSError where the connection breaks."""
        self._channel.network.setblocking(False)
        self._near.setblocking(False)
        self._hand_over(self._channel.read())  # what came with the end of the handshake
        while not self._done:
            network, near = self._wait()
            if self._on_stall and self._patience <= 0:
                served = self._on_stall()
                self._on_stall = None
                if not served:
                    raise ConnectionError("the client does not take what it is sent")
            if network & select.POLLOUT:
                self._channel.flush()
            if network & select.POLLIN:
                self._channel.receive()
                self._hand_over(self._channel.read())
            if near & select.POLLHUP and self._deadline == inf:
                self._deadline = time.monotonic() + (FAREWELL if self._on_stall else 0.0)
                self._hand_over(b"")
            if near & select.POLLOUT:
                self._hand_over(self._received)
            if near & select.POLLIN:
                self._bring()

    @property
    def _dropping(self) -> bool:
        """Whether the server wants nothing more of what the client sends [NET-6]."""
        return self._finished or self._deadline != inf

    @property
    def _done(self) -> bool:
        if self._finished and not self._channel.sending:
            return self._channel.ended or self._deadline != inf
        return time.monotonic() >= self._deadline

    @property
    def _patience(self) -> float:
        """How many seconds the client still has to take some of what waits for it."""
        if not self._channel.sending or not self._on_stall:
            return inf
        return self._channel.progress + self._stall_timeout - time.monotonic()

    def _wait(self) -> tuple[int, int]:
        """Return what can be done on the network's side, and on the server's, as soon as there is something."""
        reading = self._channel.receiving and not self._received
        bringing = not self._channel.sending and not self._finished
        poll = select.poll()  # tells unasked that a side is broken, or closed altogether
        poll.register(self._channel.network, events(reading, self._channel.sending))
        if bringing or self._deadline == inf:
            poll.register(self._near, events(bringing, bool(self._received)))
        seconds = min(self._deadline - time.monotonic(), self._patience)
        ready = dict(poll.poll(None if seconds == inf else max(seconds, 0.0) * 1000))
        network = ready.get(self._channel.network.fileno(), 0)
        if network & ~(select.POLLIN | select.POLLOUT) and not reading:
            raise ConnectionError("broken while nothing could be read")
        return network, ready.get(self._near.fileno(), 0)

    def _hand_over(self, octets: bytes) -> None:
        """Let the server have octets of the client, as far as it takes them; and the end, after the last."""
        self._received = b"" if self._dropping else octets
        try:
            self._received = self._received[self._near.send(self._received) :] if self._received else b""
        except BlockingIOError:
            return
        except OSError:  # the server has done with the client, and the poll will tell
            self._received = b""
        if self._channel.ended and not self._received:
            with contextlib.suppress(OSError):
                self._near.shutdown(socket.SHUT_WR)

    def _bring(self) -> None:
        """Send the client what the server says."""
        octets = b""
        with contextlib.suppress(ConnectionError):
            octets = self._near.recv(PIECE)
        if octets:
            self._channel.write(octets)
        else:
            self._finished = True
            self._channel.finish()
            self._hand_over(b"")


def events(reading: bool, writing: bool) -> int:
    """Return what `poll` is asked for."""
    return (select.POLLIN if reading else 0) | (select.POLLOUT if writing else 0)
