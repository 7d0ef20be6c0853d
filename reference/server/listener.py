"""Accepts connections, gives each a thread, and ends all of them by a deadline."""

import contextlib
import logging
import selectors
import socket
import threading

from reference.server.connection import serve
from reference.server.delivery import Peer
from reference.server.hub import Hub, refusal
from reference.wire import ByeReason

BACKLOG = 1024  # connections that may wait to be accepted
STACK = 256 * 1024  # octets of address space for a client's thread; touched pages alone count
RETRY = 0.2  # seconds to wait when no descriptor is free
SHUTDOWN = 5.0  # seconds for everybody to get what is queued [OPER-2]

log = logging.getLogger("flurfunk")


class Listener:
    """The listening socket and the loop that accepts."""

    def __init__(self, hub: Hub, host: str, port: int) -> None:
        """Listen; port 0 takes a free one.  Raises OSError where the address cannot be had."""
        self._hub = hub
        self._socket = socket.create_server((host, port), backlog=BACKLOG)
        self._socket.setblocking(False)
        self._wake_end, self._waking_end = socket.socketpair()
        self._waking_end.setblocking(False)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are listened on."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    @property
    def waking(self) -> int:
        """The descriptor that makes `run` return when something is written to it."""
        return self._waking_end.fileno()

    def stop(self) -> None:
        """Make `run` return; may be called from any thread, more than once."""
        with contextlib.suppress(OSError):
            self._waking_end.send(b"!")

    def run(self) -> None:
        """Accept until `stop` is called, then send everybody away and return when all are gone."""
        threading.stack_size(STACK)
        self._hub.start()
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_end, selectors.EVENT_READ)
            selector.register(self._socket, selectors.EVENT_READ)
            while all(key.fileobj is not self._wake_end for key, _ in selector.select()):
                if not self._accept():
                    with selectors.PollSelector() as pause:  # needs no descriptor of its own
                        pause.register(self._wake_end, selectors.EVENT_READ)
                        pause.select(RETRY)
        self._socket.close()
        self._hub.shut_down(SHUTDOWN)

    def _accept(self) -> bool:
        """Accept one connection: a storm must not keep `run` from ending; return whether descriptors are left."""
        try:
            sock, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return True
        except OSError as error:
            log.warning("cannot accept a connection: %s", error.strerror)
            return False
        self._begin(sock)
        return True

    def _begin(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        peer = Peer(self._hub.new_number(), sock)
        if not self._hub.crowded:
            with contextlib.suppress(RuntimeError):  # can't start new thread
                threading.Thread(target=serve, args=(self._hub, peer), name=f"client-{peer.user}", daemon=True).start()
                return
        log.warning("refused a connection: no thread can be had for it")
        with sock, contextlib.suppress(OSError):
            sock.send(refusal(ByeReason.FULL), socket.MSG_DONTWAIT)
            sock.shutdown(socket.SHUT_WR)
