"""Moves what is due from streams and outboxes to sockets, many lines in one write, and never waits for a client.

A thread that appends becomes the flusher if none is, for one round; where there is more by then, the flusher thread
goes on.  So a single message goes out at once, in the thread that brought it, and a busy room is written in large
pieces by one thread while the others go on reading.  A socket that would block is left to the pump.

Writing to a client is always one thread's business: the flusher's while it is not blocked, the pump's while it is.
"""

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from itertools import count

from reference.server.history import Drop, Keep
from reference.server.stream import Outbox, Stream

HIGH_WATER = 128 * 1024  # octets waiting above which whoever causes them has to wait, at most
FLOOD = 4 * 1024  # octets a second from which a client counts as flooding; all others are always served on [FLOW-8]
GRACE = 0.8  # seconds without progress after which nobody waits for a client any longer [FLOW-3]
ONE_WRITE = 256 * 1024  # octets handed to one send, about
STALL_CHECK = 0.25  # seconds between looks at blocked clients
LINGER = 2.0  # seconds to read on after the last line [NET-6]

log = logging.getLogger("flurfunk")


class Peer(Outbox):
    """One client's socket and what waits for it."""

    __slots__ = ("address", "finishing", "progress", "reader_done", "since", "sock", "user", "writer_done")

    stream: "Stream[Peer] | None"

    def __init__(self, user: int, sock: socket.socket, address: str = "") -> None:
        """`address`: of its other end, for people."""
        super().__init__()
        self.user = user
        self.sock = sock
        self.address = address
        self.since = time.time()
        self.progress = 0.0  # when the socket last took octets, while blocked
        self.finishing = False  # nothing more will be added: shut down writing when all is sent
        self.writer_done = False
        self.reader_done = False

    def break_off(self) -> None:
        """Wake whoever is blocked on the socket; what is under way is lost."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class Pace:
    """How much somebody sends."""

    __slots__ = ("_octets", "_since")

    def __init__(self) -> None:
        self._since = 0.0  # when the present second of `_octets` began
        self._octets = 0

    def is_flood(self, octets: int, held: float = 0.0) -> bool:
        """Return whether these octets, with those of the present second, are a flood.

        `held`: seconds for which nothing was read before, since the client itself did not read: they were sent then.
        """
        now = time.monotonic()
        if now - self._since > 1.0:
            self._since = now
            self._octets = 0
        self._octets += max(0, octets - int(FLOOD * held))
        return self._octets > FLOOD


class Delivery:
    """Writes to all clients.  Its lock is the server's one lock; methods say whether it must be held."""

    def __init__(self, max_waiting: int, stall_timeout: float, on_slow: Callable[[Peer], object]) -> None:
        """Prepare; `start` starts.

        `max_waiting`: octets that may wait for a client [FLOW-4]; `stall_timeout`: seconds without progress
        [FLOW-5]; `on_slow` is called without the lock with a client that exceeds one of them.
        """
        self.lock = threading.Lock()
        # Notified when less is waiting than before, and when a socket is closed.
        self.relief = threading.Condition(self.lock)
        self.open: set[Peer] = set()  # whose socket is not closed
        self._max_waiting = max_waiting
        # Far below that bound, for what is let in goes through a stream, a write that is under way, and an outbox.
        self.high_water = min(HIGH_WATER, max_waiting // 8)
        self._stall_timeout = stall_timeout
        self._on_slow = on_slow
        self._streams: set[Stream[Peer]] = set()  # with lines that are not handed out
        self._peers: set[Peer] = set()  # with something to send, or to finish
        self._flushing = False
        self.failed = False
        self._on_failure: Callable[[], None] = lambda: None
        self._write: Callable[[list[Keep | Drop]], None] | None = None
        self._writing = threading.Lock()  # held while changes are written; never waited for with the other one held
        self._changes: list[Keep | Drop] = []  # that have to be written before anything else is sent
        self._baton = threading.Semaphore(0)  # released to make the flusher thread go on
        self._pump = Pump(self)

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Start the two threads; `on_failure` is called where they cannot go on."""
        self._on_failure = on_failure
        threading.Thread(target=self._keep_flushing, name="flusher", daemon=True).start()
        threading.Thread(target=self._pump.run, name="pump", daemon=True).start()

    def write_with(self, write: Callable[[list[Keep | Drop]], None]) -> None:
        """Have changes written before anything is sent that was queued with them or later; without the lock."""
        self._write = write

    def fail(self) -> None:
        """Deal with an exception in what all depend on: for want of memory, for instance, nobody can be served on."""
        self.failed = True
        try:
            with contextlib.suppress(Exception):  # this can fail, too
                log.exception("the server cannot go on")  # first, since the program ends soon after the other
        finally:
            self._on_failure()

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function, without the lock, from the pump's thread."""
        self._pump.call_later(seconds, function)

    # ------------------------------------------------------------ with the lock held

    def touch(self, due: Stream[Peer] | Peer) -> None:
        """Note that there is something to send.  Requires the lock."""
        if isinstance(due, Stream):
            self._streams.add(due)
        else:
            self._peers.add(due)

    def change(self, change: Keep | Drop) -> None:
        """Have a change written before what is queued from now on is sent.  Requires the lock."""
        if self._write is not None:
            self._changes.append(change)

    def finish(self, peer: Peer) -> None:
        """Let the client get what waits for it, and then no more.  Requires the lock."""
        peer.finishing = True
        self._peers.add(peer)
        self.relief.notify_all()

    def admit(self, peer: Peer, flooding: bool, told: Sequence[Peer] = ()) -> None:
        """Wait until more of a client's lines may be carried out: back-pressure [FLOW-1] [FLOW-2].

        It waits for the client itself to read its answers and for its room's stream to go out; if it floods, also for
        members of the room that lag, but not for one that has stopped reading [FLOW-3].  Likewise for the clients that
        are `told` something.  Requires the lock, and releases it while waiting.
        """
        while not peer.finishing and (
            peer.waiting > self.high_water
            or self.congested(peer.stream, flooding)
            or (told and any(self.overwhelmed(other, flooding) for other in told))
        ):
            self.relief.wait(GRACE)

    def overwhelmed(self, peer: Peer, flooding: bool) -> bool:
        """Whether a client has to read, or to be sent, what waits for it before it is told more."""
        if peer.waiting <= self.high_water or peer.finishing:
            return False
        return not peer.blocked or (flooding and peer.progress > time.monotonic() - GRACE)

    def admit_operator(self, streams: Iterable[Stream[Peer]]) -> None:
        """Wait until an operator who has said much may say more to these, but only for a moment [FLOW-7] [OPER-13].

        Requires the lock, and releases it while waiting.
        """
        self.relief.wait_for(lambda: not any(self.congested(stream, True) for stream in streams), GRACE)

    def congested(self, stream: Stream[Peer] | None, flooding: bool) -> bool:
        """Whether who says something in a room has to wait; in some cases only if it floods.  Requires the lock."""
        if stream is None:
            return False
        if stream.octets > self.high_water:
            return True
        if not flooding or not stream.lagging:
            return False
        since = time.monotonic() - GRACE
        return any(member.progress > since for member in stream.lagging)

    # ------------------------------------------------------------ flushing, without the lock

    def flush(self) -> None:
        """Send what is due, or leave it to who is at it."""
        with self.lock:
            if self._flushing or not self._due:
                return
            self._flushing = True
        if self._round_goes_on():
            self._baton.release()

    def _keep_flushing(self) -> None:
        while True:
            self._baton.acquire()
            while self._round_goes_on():
                pass

    def _round_goes_on(self) -> bool:
        """Write all that is due; return whether there is more by now, else others may flush."""
        try:
            self._round()
        except Exception:
            self.fail()
            with self.lock:
                self._flushing = False  # somebody may still be told goodbye
            return False
        with self.lock:
            self._flushing = self._due
            return self._flushing

    @property
    def _due(self) -> bool:
        return bool(self._streams or self._peers or self._changes)

    def _round(self) -> None:
        """Take all that is due, and write it."""
        slow: list[Peer] = []
        writes: list[tuple[Peer, bytes]] = []
        with self.lock:
            for stream in self._streams:
                direct, behind = stream.hand_out()
                writes += direct
                self._peers.update(behind)
            self._streams.clear()
            peers, self._peers = self._peers, set()
            for peer in peers:
                if not peer.blocked:
                    if peer.waiting or peer.finishing:
                        writes.append((peer, peer.pop(ONE_WRITE)))
                elif peer.waiting > self._max_waiting and not peer.finishing:
                    slow.append(peer)
                elif peer.waiting > self.high_water and peer.stream is not None:
                    peer.stream.lagging.add(peer)
            self.relief.notify_all()
        self.write_changes()
        for peer, octets in writes:
            sent = send(peer, octets) if octets else 0
            if sent < len(octets) or peer.waiting or peer.finishing:
                self._written(peer, octets, sent)
        for peer in slow:
            self._on_slow(peer)

    def write_changes(self) -> None:
        """Have all changes written that were queued before, by whomever.  Takes the lock."""
        write = self._write
        if write is None:
            return
        with self._writing:
            with self.lock:
                changes, self._changes = self._changes, []
            if changes:
                write(changes)

    def _written(self, peer: Peer, octets: bytes, sent: int) -> None:
        """Deal with what is left to do for a client of whose `octets` so many are sent.  Takes the lock."""
        with self.lock:
            peer.sent(octets, sent)
            if sent < len(octets):
                peer.blocked = True
                peer.progress = time.monotonic()
                self._pump.watch(peer)
            elif peer.waiting:
                self._peers.add(peer)  # more than one write takes
            done = peer.finishing and not peer.waiting and not peer.writer_done
        if done:
            self._end_writing(peer)

    def _end_writing(self, peer: Peer) -> None:
        """All is sent to a client that gets no more.  Takes the lock."""
        with contextlib.suppress(OSError):
            peer.sock.shutdown(socket.SHUT_WR)
        with self.lock:
            peer.writer_done = True
            last = peer.reader_done
        if last:
            self._close(peer)
        else:
            self.call_later(LINGER, peer.break_off)

    def abandon(self, peer: Peer) -> None:
        """Drop what waits for a client, whose connection is of no use any more.  Takes the lock."""
        with self.lock:
            peer.clear()
            self.finish(peer)
        peer.break_off()
        self.flush()

    def reader_ended(self, peer: Peer) -> None:
        """Note that nobody reads from the client's socket any more; the last one closes it.  Takes the lock."""
        with self.lock:
            peer.reader_done = True
            last = peer.writer_done
        if last:
            self._close(peer)

    def _close(self, peer: Peer) -> None:
        peer.sock.close()
        with self.lock:
            self.open.discard(peer)
            self.relief.notify_all()

    # ------------------------------------------------------------ called by the pump

    def drain(self, peer: Peer) -> bool:
        """Write to a client that was blocked; return whether all is sent now.  Takes the lock."""
        with self.lock:
            octets = peer.pop(ONE_WRITE)
        self.write_changes()
        sent = send(peer, octets) if octets else 0
        with self.lock:
            peer.sent(octets, sent)
            if sent:
                peer.progress = time.monotonic()
            if peer.waiting < self.high_water // 4:
                if peer.stream is not None:
                    peer.stream.lagging.discard(peer)
                self.relief.notify_all()
            if peer.waiting:
                return False
            peer.blocked = False
            done = peer.finishing and not peer.writer_done
        if done:
            self._end_writing(peer)
        return True

    def check_progress(self, peers: Iterable[Peer]) -> None:
        """Give up those that have not taken anything for too long.  Takes the lock."""
        since = time.monotonic() - self._stall_timeout
        for peer in peers:
            if peer.progress < since:
                if peer.finishing:
                    self.abandon(peer)
                else:
                    self._on_slow(peer)
                    peer.progress = time.monotonic()  # time for its BYE


def send(peer: Peer, octets: bytes) -> int:
    """Write what the socket takes at once; return how many octets that is.

    A broken connection takes all: nothing of it will arrive, and its reader finds out.
    """
    try:
        return peer.sock.send(octets, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return 0
    except OSError:
        peer.break_off()
        return len(octets)


class Pump:
    """A thread that writes to blocked sockets when they take octets again, and calls what is due at a time."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._selector = selectors.DefaultSelector()
        self._wake_end, self._waking_end = socket.socketpair()
        self._wake_end.setblocking(False)
        self._waking_end.setblocking(False)
        self._selector.register(self._wake_end, selectors.EVENT_READ)
        self._new: deque[Peer] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timers_lock = threading.Lock()
        self._sequence = count()

    def watch(self, peer: Peer) -> None:
        """Write to this client from now on, until all is sent."""
        self._new.append(peer)
        self._wake()

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Call a function in the pump's thread."""
        when = time.monotonic() + seconds
        with self._timers_lock:
            heappush(self._timers, (when, next(self._sequence), function))
            first = self._timers[0][0] == when
        if first:
            self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # then it is awake already
            self._waking_end.send(b"!")

    def run(self) -> None:
        """Go on for ever."""
        try:
            self._run()
        except Exception:
            self._delivery.fail()

    def _run(self) -> None:
        watched: set[Peer] = set()
        checked = time.monotonic()
        while True:
            for key, _ in self._selector.select(self._timeout(bool(watched))):
                if key.data is None:
                    self._wake_end.recv(4096)
                elif self._delivery.drain(key.data):
                    self._selector.unregister(key.fd)
                    watched.discard(key.data)
            while self._new:
                peer = self._new.popleft()
                self._selector.register(peer.sock, selectors.EVENT_WRITE, peer)
                watched.add(peer)
            self._call_due()
            if watched and time.monotonic() - checked > STALL_CHECK:
                self._delivery.check_progress(watched)
                checked = time.monotonic()

    def _timeout(self, watching: bool) -> float | None:
        with self._timers_lock:
            due = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        if not watching:
            return due
        return STALL_CHECK if due is None else min(due, STALL_CHECK)

    def _call_due(self) -> None:
        now = time.monotonic()  # what is due only after that waits until sockets were looked at
        while True:
            with self._timers_lock:
                if not self._timers or self._timers[0][0] > now:
                    return
                function = heappop(self._timers)[2]
            function()
