"""Accepts connections, gives each a thread, and ends all of them by a deadline."""

import contextlib
import logging
import resource
import selectors
import signal
import socket
import sys
import threading
import time
from _thread import start_new_thread
from collections import Counter
from functools import partial
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from math import inf
from typing import TYPE_CHECKING

from reference.server.connection import serve
from reference.server.delivery import Peer
from reference.server.hub import LEAVING, TURNED_AWAY, Hub
from reference.server.proxy import ProxyHeaderError, receive

if TYPE_CHECKING:
    from reference.server.tls import Tls  # not every Python has it

BACKLOG = 1024  # connections that may wait to be accepted
SWITCH = 0.1  # seconds after which a thread that waits for Python asks for it, at least
WAKES = 10_000  # times a second that all threads together may ask
STACK = 256 * 1024  # octets of address space for a client's thread; touched pages alone count
RETRY = 0.2  # seconds to wait when no descriptor is free
OPEN_MAX = 10_240  # descriptors that macOS allows at least
SPARE = 20  # descriptors for all that is no connection: some ten are in use
VANISHED = 120  # seconds after which a client is gone whose system does not confirm what it was sent
# A client that has vanished without a word is found as soon where nothing is sent, not after the systems' two hours.
# And the system takes little more than the network does, so that a client which reads slowly is seen to read: where it
# takes megabytes, it takes nothing for seconds once it has them, as if the client had stopped [FLOW-7].
TCP_OPTIONS = (
    ("TCP_KEEPIDLE" if hasattr(socket, "TCP_KEEPIDLE") else "TCP_KEEPALIVE", 60),  # seconds of silence
    ("TCP_KEEPINTVL", 15),  # seconds between questions
    ("TCP_KEEPCNT", 4),
    ("TCP_NOTSENT_LOWAT", 64 * 1024),  # octets
)
SHUTDOWN = 5.0  # seconds for everybody to get what is queued [OPER-2]
_ENDING = (signal.SIGINT, signal.SIGTERM)
ONE_PLACE = 64  # bits of an address of IPv6 that a household or a machine has alone: the rest is its own to choose

log = logging.getLogger("flurfunk")


class Listener:
    """The listening socket and the loop that accepts."""

    def __init__(
        self,
        hub: Hub,
        host: str,
        port: int,
        max_per_address: int = 0,
        tls: "Tls | None" = None,
        proxies: tuple[IPv4Network | IPv6Network, ...] = (),
    ) -> None:
        """Listen; port 0 takes a free one, host :: all addresses of IPv6 and IPv4.

        Raises OSError where the address cannot be had.

        `max_per_address`: connections from one address that are served at once, 0 for no limit; the machine's own
        loopback addresses have none, and of IPv6 a network of 64 bits counts as one address.  `tls`: all connections
        are inside it.  `proxies`: where all connections come from, each with a header of the PROXY protocol; none:
        there is no such header.
        """
        self._hub = hub
        self._tls = tls
        self._proxies = proxies
        self._max_per_address = max_per_address
        self._connections: Counter[str] = Counter()  # by address, where they are limited
        self._connections_lock = threading.Lock()
        self._full = False  # no descriptor was free when one was last wanted
        self._socket = listening(host, port)
        # A system hands them on to each connection; to set them there would be half the system calls of accepting it.
        set_options(self._socket, max(VANISHED, 2 * hub.limits.stall_timeout))
        self._socket.setblocking(False)
        self._wake_end, self._waking_end = socket.socketpair()
        self._wake_end.setblocking(False)
        self._waking_end.setblocking(False)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are listened on."""
        host, port = self._socket.getsockname()[:2]
        return host, port

    @property
    def waking(self) -> int:
        """The descriptor to which numbers of signals are written: SIGUSR1 asks for numbers, _ENDING end `run`."""
        return self._waking_end.fileno()

    def stop(self) -> None:
        """Make `run` return; may be called from any thread, more than once."""
        with contextlib.suppress(OSError):
            self._waking_end.send(bytes([signal.SIGTERM]))

    def run(self) -> None:
        """Accept until `stop` is called, then send everybody away and return when all are gone."""
        threading.stack_size(STACK)
        self._hub.start(self.stop)
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_end, selectors.EVENT_READ)
            selector.register(self._socket, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wake_end in ready and self._told_to_stop():
                    break
                if self._socket in ready and not self._accept():
                    with selectors.PollSelector() as pause:  # needs no descriptor of its own
                        pause.register(self._wake_end, selectors.EVENT_READ)
                        pause.select(RETRY)
        self._socket.close()
        end = time.monotonic() + SHUTDOWN
        self._hub.shut_down(SHUTDOWN)
        if self._tls:
            self._tls.wait(end - time.monotonic())

    def _told_to_stop(self) -> bool:
        """Deal with the signals that came; return whether one is to end the server [OPER-9]."""
        signals = b""
        with contextlib.suppress(BlockingIOError):
            signals = self._wake_end.recv(64)
        if signal.SIGUSR1 in signals:
            self._hub.note_stats()
        return any(number in signals for number in _ENDING)

    def _accept(self) -> bool:
        """Accept one connection: a storm must not keep `run` from ending; return whether descriptors are left."""
        try:
            sock, address = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return True
        except OSError as error:
            if not self._full:
                log.warning("cannot accept a connection: %s", error.strerror)
            self._full = True
            return False
        self._full = False
        if address:
            self._begin(sock, plain(address[0]))
        else:
            sock.close()  # macOS: it is gone already
        return True

    def _begin(self, sock: socket.socket, address: str) -> None:
        sock.setblocking(True)
        number = self._hub.new_number()
        # With Python's usual 5 ms, thousands of threads that have something to do at once do nothing but ask for it.
        sys.setswitchinterval(max(SWITCH, self._hub.counts[0] / WAKES))
        reason = "too many connections are beginning or ending"
        if not self._hub.crowded and not (self._tls and self._tls.crowded):
            reason = self._begin_serving(number, sock, address)
        if reason:
            self._turn_away(sock, reason)

    def _begin_serving(self, number: int, sock: socket.socket, address: str) -> str:
        """Start the thread of a connection; return why it cannot be served, in words, else an empty text."""
        if not self._proxies:
            serve_it = self._serve
            if not self._comes(address):
                return self._too_many(address)
        elif any(ip_address(address) in network for network in self._proxies):
            serve_it = self._serve_through_proxy
        else:
            return f"{address} is no trusted proxy"
        try:
            # A threading.Thread would have this one wait until it runs, and take 2.5 KiB in addition.
            start_new_thread(serve_it, (number, sock, address))
        except RuntimeError:  # can't start new thread
            if not self._proxies:
                self._goes(address)
            return "there is no thread for it"
        return ""

    def _turn_away(self, sock: socket.socket, reason: str) -> None:
        log.warning("refused a connection: %s", reason)
        if self._tls or self._proxies:
            sock.close()  # nothing can be said before the handshake, nor to somebody who is no proxy
        else:
            self._hub.turn_away(sock)

    def _serve_through_proxy(self, number: int, sock: socket.socket, address: str) -> None:
        """Take the header that says whom the proxy speaks for, and serve that client.

        A proxy's checks of the server's health end here, or soon after: they are not worth a line in the log.
        """
        try:
            client = plain(receive(sock) or address)
        except ProxyHeaderError as error:
            log.warning("refused a connection from %s: %s", address, error)
            sock.close()
        except OSError:
            sock.close()
        else:
            if self._comes(client):
                self._serve(number, sock, client)
            else:
                self._turn_away(sock, self._too_many(client))

    def _too_many(self, address: str) -> str:
        return f"{address} has {self._max_per_address} connections already"

    def _serve(self, number: int, sock: socket.socket, address: str) -> None:
        try:
            peer = Peer(number, sock, address)
            if self._tls:
                stall = self._hub.limits.stall_timeout
                peer.sock = self._tls.admit(sock, stall, partial(self._hub.remove_slow, peer))
            serve(self._hub, peer, inside_tls=self._tls is not None)
        except (OSError, RuntimeError) as error:
            log.info("refused a connection: the TLS handshake failed: %s", error)
        finally:
            self._goes(address)

    def _comes(self, address: str) -> bool:
        """Count a connection; return false, and do not, where its address has too many."""
        if not self._limited(address):
            return True
        place = counted(address)
        with self._connections_lock:
            allowed = self._connections[place] < self._max_per_address
            self._connections[place] += allowed
        return allowed

    def _goes(self, address: str) -> None:
        if self._limited(address):
            place = counted(address)
            with self._connections_lock:
                self._connections[place] -= 1
                if not self._connections[place]:
                    del self._connections[place]

    def _limited(self, address: str) -> bool:
        return bool(self._max_per_address) and not ip_address(address).is_loopback


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; on `::`, all addresses of IPv6 and, where the system can, IPv4.  Raises OSError."""
    if ":" not in host:
        return socket.create_server((host, port), backlog=BACKLOG)
    both = False
    with contextlib.suppress(ValueError):  # who looks for the address says that it is none
        both = ip_address(host).is_unspecified and socket.has_dualstack_ipv6()
    return socket.create_server((host, port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=both)


def plain(address: str) -> str:
    """Return an address as it is counted and shown: one of IPv4 that came through a socket for both as it is alone."""
    parsed = ip_address(address)
    return str(parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else address


def counted(address: str) -> str:
    """Return what an address counts as: of IPv6 its network, all of whose addresses are in one hand."""
    if ":" not in address:
        return address
    number, _, interface = address.partition("%")
    return f"{ip_network(f'{number}/{ONE_PLACE}', strict=False)}{interface}"


def allow_descriptors(max_clients: int, inside_tls: bool) -> None:
    """Let this process have the descriptors that so many clients need (0: as many as the system allows), and no fewer.

    Those that leave are counted, as in `Hub.crowded`.  Inside TLS, a client takes that of the network and a pair.
    A limit of the system that hits even those that are served is logged.
    """
    each = 3 if inside_tls else 1
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (inf if limit == resource.RLIM_INFINITY else limit for limit in limits)
    wanted = min(hard, each * (2 * max_clients + LEAVING) + TURNED_AWAY + SPARE if max_clients else inf)
    for more in (wanted, min(wanted, OPEN_MAX)):  # macOS allows less than it says
        if more > soft:
            with contextlib.suppress(ValueError, OSError):
                number = resource.RLIM_INFINITY if more == inf else int(more)
                resource.setrlimit(resource.RLIMIT_NOFILE, (number, limits[1]))
                soft = more
    fitting = max(0, (soft - SPARE) / each)  # unlimited where the limit is
    if fitting < max_clients:
        told = "the system allows %d file descriptors: enough for %d clients, but not for %d"
        log.warning(told, soft, fitting, max_clients)


def set_options(sock: socket.socket, vanished: float) -> None:
    """Send at once what is written, and find out whether the peer reads, and is there at all.  Raises OSError.

    `vanished`: seconds; who is there and does not read for so long is gone, too.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (*TCP_OPTIONS, ("TCP_USER_TIMEOUT", int(vanished * 1000))):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
