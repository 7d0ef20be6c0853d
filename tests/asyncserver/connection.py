"""One TCP connection: octets in, octets out, back-pressure, and the ways in which it ends."""

import asyncio
import os
import select
import socket
import struct
import time
from collections import deque
from typing import TYPE_CHECKING, cast

from tests.asyncserver.commands import write_raw
from tests.asyncserver.faults import fault
from tests.asyncserver.lines import ForeignError, LineBuffer
from tests.asyncserver.slips import ClientSlips
from tests.asyncserver.text import RefusalError

if TYPE_CHECKING:
    from tests.asyncserver.hub import Hub

HINT_AFTER = 5.0  # seconds of silence after the beginning of a line ([LINE-10])
WRONG = 1.0  # seconds until a wrong password is answered ([PASS-5])
TRIES = 3  # wrong passwords until a client is sent away ([PASS-7])
LINGER = 2.0  # seconds of reading on after BYE ([NET-6])
SOFT = 65536  # waiting octets above which a client, or its room, is read more slowly ([FLOW-1], [FLOW-2])
_MUCH = 16384  # waiting octets, for a fault only
_CHUNK = 65536  # octets handed to the transport at once: whole lines
_BATCH_LINES = 64  # lines, and octets, of one client that are processed before it is the others' turn
_BATCH_OCTETS = 8192
_TALK = 4096  # octets of lines in a second that are no flood ([FLOW-8])
_RETRY = 0.01  # seconds until a client whose room is crowded is read again
_DELAY = 0.9  # seconds that a room waits for one who does not read, for a fault only
_SEND_BUFFER = 131072  # octets: small, so that what the system takes says something about what the client reads


class Connection(asyncio.Protocol):
    """A client, from its HELLO to the end of its connection."""

    def __init__(self, hub: "Hub") -> None:
        self.hub = hub
        self.name = ""
        self.room: str | None = None
        self.served = False  # has a name, counts as a client
        self._progress = time.monotonic()  # when the system last took something of what waits
        self._ending = False  # nothing is sent any more but what is queued
        self._bye = ""
        self._peer_ended = False
        self._fin_sent = False
        self._lines = LineBuffer()
        self._queue: deque[bytes] = deque()
        self._queued = 0  # octets in the queue
        self._sent = 0  # octets ever sent, for a fault only
        self._pumping = False
        self._blocked = False  # lines are there, and nothing is scheduled: goes on when the client reads
        self._scheduled: asyncio.Handle | None = None
        self._second, self._done = 0.0, 0  # when the present second began, and octets of lines processed in it
        self._choose: asyncio.TimerHandle | None = None
        self._hint: asyncio.TimerHandle | None = None
        self._hinted = False
        self._greeted = False
        self._last_size = 0  # of the transport's buffer, at the last look
        self.admitted = not hub.options.password
        self._wrong = 0  # passwords
        self._waiting: asyncio.TimerHandle | None = None  # for the answer to a wrong password
        self.slips = ClientSlips()  # these for faults only
        self.guess = ""
        self.old_name = ""
        self.used_feature = False
        self.members_seen: list[str] = []

    # ------------------------------------------------------------------ begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet a new client, or refuse it when the server is full ([STATE-1], [STATE-2], [BYE-4])."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)
        self._loop = asyncio.get_running_loop()
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self.hub.connections.add(self)
        if not self.hub.admit(self):
            if fault("full-silent"):
                return self._transport.close()
            return self.hub.refuse_full(self)
        self.served = True
        if not fault("hello-late"):
            self._greet()
        if self.hub.options.choose_timeout:
            seconds = self.hub.options.choose_timeout * (0.2 if fault("idle-early") else 1)
            self._choose = self._loop.call_later(seconds, self._idle)
        if fault("lobby-default-room"):
            self.hub.enter(self, "main")
        return None

    def _greet(self) -> None:
        self._greeted = True
        self.hub.greet(self)

    def chosen(self) -> None:
        """A room was chosen: no limit for that any more ([BYE-8])."""
        if self._choose and not fault("idle-in-room"):
            self._choose.cancel()

    def _idle(self) -> None:
        if self.served and not fault("idle-missing"):
            if fault("idle-no-bye"):
                return self._transport.abort()
            self.hub.remove(self, "idle", "lost")
        return None

    # ----------------------------------------------------------------- input

    def data_received(self, data: bytes) -> None:
        """Process what came ([NET-3]); after BYE it is dropped ([NET-6], [BYE-3])."""
        if not self.served and not (fault("acts-behind-bye") and self._bye):
            return None
        if not self._greeted and self.served:
            self._greet()
        self.slips.hear()
        if self._hint:
            self._hint.cancel()
        if fault("first-octet-eaten") and not self._hinted:
            self._hinted, data = True, data[1:]
        if self._choose and self.room is None and fault("idle-restarts"):
            self._choose.cancel()
            self._choose = self._loop.call_later(self.hub.options.choose_timeout, self._idle)
        if fault("flood-dropped") and data.count(b"\n") > 30:
            data = b"".join(data.splitlines(keepends=True)[:30])
        if fault("flood-ended") and data.count(b"\n") > 100:
            return self.hub.remove(self, "removed", "removed")
        self._lines.feed(data)
        if fault("slow-delays-room") and self.hub.has_slow(self):
            return self._schedule(_DELAY)
        if fault("half-close-drops-lines"):
            self._loop.call_later(0.05, self._work)
            return None
        return self._work()

    def _work(self) -> None:
        """Process one batch of lines; read on when none is left, else let the others have their turn."""
        self._scheduled = None
        if (self._waiting and not self._overtakes()) or self._must_wait():
            return None
        octets = 0
        for _ in range(_BATCH_LINES):
            if (
                not self.served
                and not (fault("acts-behind-exit") and self._bye == "exit")
                and not (fault("acts-behind-bye") and self._bye)
            ):
                return None
            try:
                line = self._lines.next()
            except ForeignError:
                return self._foreign()
            except RefusalError as refusal:
                self.hub.refuse(self, refusal.code)
                continue
            if line is None:
                return self._read_on()
            if self.slips.is_flood(line):
                continue
            self.hub.line(self, line)
            if self._waiting and not fault("password-overtaken"):
                return self._schedule(0) if fault("password-ping-overtakes") else None
            octets += len(line)
            self._done += len(line) + 1
            if octets > _BATCH_OCTETS or (self.waiting > SOFT and not fault("answers-unbounded")):
                break
        return self._schedule(0)

    def _overtakes(self) -> bool:
        """Tell whether the next line is processed before a wrong password is answered, for a fault only."""
        return fault("password-ping-overtakes") and self._lines.begins_with(b"/ping ")

    def _must_wait(self) -> bool:
        """Read a client more slowly that does not read, or whose room does not keep up ([FLOW-1], [FLOW-2])."""
        if self._lines.begins_with(b"/help") and fault("help-unbounded"):
            return False
        if self._lines.begins_with(b"/who") and fault("who-unbounded"):
            return False
        if self.waiting > SOFT and self.served and not fault("answers-unbounded"):
            if fault("half-close-noticed-early") and self.has_ended():
                self.leave()
                return True
            if fault("asker-reset"):
                self._reset()
            self._transport.pause_reading()
            self._blocked = True
        elif fault("say-unpressed") and self._lines.begins_with(b"/say "):
            return False
        elif ((self._floods() or fault("slow-stalls-room")) and (self.hub.crowded(self) or self._overwhelms())) or (
            fault("unfinished-blocks") and self.hub.others_unfinished(self)
        ):
            self._schedule(_RETRY)
        else:
            return False
        return True

    def _floods(self) -> bool:
        """Tell whether more than talk was processed in the present second: others that talk do not wait ([FLOW-8])."""
        if (now := time.monotonic()) > self._second + 1:
            self._second, self._done = now, 0
        return self._done > _TALK or fault("talk-waits-as-flood") or fault("talk-waits-for-slowest")

    def _overwhelms(self) -> bool:
        """Tell whether the next line is for a client that has enough to read ([FLOW-7])."""
        words = self._lines.beginning.split(b" ")
        if words[0] != b"/tell" or len(words) < 2 or fault("tell-unpressed"):
            return False
        return self.hub.overwhelms(words[1].decode("ascii", "replace"))

    def refuse_password(self, words: str) -> None:
        """Answer a wrong password after a while, and do nothing for this client until then ([PASS-5])."""
        self.guess = words
        if fault("password-blocks-all"):
            time.sleep(WRONG)
        third = self._wrong == TRIES - 1
        if fault("password-blocks-all") or fault("password-hurried") or (third and fault("third-no-wait")):
            return self._wrong_password()
        self._transport.pause_reading()
        self._waiting = self._loop.call_later(WRONG, self._wrong_password)
        return None

    def _wrong_password(self) -> None:
        """Refuse a password; end it after the third ([PASS-3], [PASS-7])."""
        self._waiting = None
        if not self.served:
            return
        if self.slips.forgives(3 * WRONG):
            self._wrong = 0
        if fault("guess-end-unanswered") and self._wrong < TRIES - 1 and not self._lines.complete and self.has_ended():
            return
        self._wrong += 1
        last = self._wrong == TRIES and not fault("password-tries-unlimited")
        if not (last and fault("password-denied-unrefused")):
            self.hub.refuse(self, "bad-password")
        if last and fault("password-denied-half-closed") and self.has_ended():
            self.leave()
        elif last:
            if fault("password-denied-logged"):
                write_raw(self.guess.encode())
            self.hub.remove(self, "denied", "lost")
        else:
            self._schedule(0)

    def has_ended(self) -> bool:
        """Whether the client has ended its sending, be it that there is more to read before that."""
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket"), getattr(select, "POLLRDHUP", 0))
        return bool(poll.poll(0))

    def _schedule(self, seconds: float) -> None:
        """Stop reading, and go on with what is there after some seconds."""
        if not self._transport.is_closing() and not self._peer_ended:
            self._transport.pause_reading()
        if not self._scheduled:
            call = self._loop.call_later
            self._scheduled = call(seconds, self._work) if seconds else self._loop.call_soon(self._work)

    def _read_on(self) -> None:
        """All complete lines are processed: read, and tell about half a line in a while ([LINE-10])."""
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if fault("hint-in-lobby-only") and self.room:
            return
        if self._lines.unfinished and (not self._hinted or fault("hint-again")) and not fault("hint-missing"):
            self._hint = self._loop.call_later(0 if fault("hint-at-once") else HINT_AFTER, self._tell_unfinished)

    def _tell_unfinished(self) -> None:
        if self.served:
            self._hinted = True
            self.send("INFO That line is not finished: it ends when you send LF.")
            if fault("hint-drops-half"):
                self._lines.drop()
            if fault("unfinished-said") and self.room:
                self.hub.line(self, self._lines.drop())

    @property
    def unfinished(self) -> bool:
        """Whether the client has sent the beginning of a line only."""
        return self._lines.unfinished

    def _foreign(self) -> None:
        """End a connection that speaks HTTP or TLS, without a word ([NET-9])."""
        if fault("http-acts"):
            self._work()
        if fault("http-answered"):
            self.hub.refuse(self, "bad-room")
            self.pump()
        if fault("http-bye"):
            return self.hub.remove(self, "removed", "lost")
        self.hub.forget(self, "lost")
        if fault("foreign-keeps-place"):
            self.hub.lose_places(1)
        return self._transport.abort()

    @property
    def mark_alone(self) -> bool:
        """Whether the client has sent a U+FEFF and nothing else."""
        return self._lines.mark_alone

    def eof_received(self) -> bool:
        """The client has ended its sending."""
        self.leave()
        return True

    def leave(self) -> None:
        """Send a client that has ended its sending what its lines bring it, then close ([NET-4], [NET-5])."""
        self._peer_ended = True
        if fault("half-close-ignored"):
            return
        if fault("exit-counted-twice") and self._bye == "exit":
            self.hub.lose_places(-1)
        if fault("half-close-drops-waiting"):
            self._queue.clear()
            self._queued = 0
        if fault("half-close-impatient"):
            self._loop.call_later(0.7, self._transport.abort)
        if self.served:
            if fault("too-long-at-end") and self._lines.too_long:
                self.hub.refuse(self, "too-long")
            if fault("last-line-said") and self._lines.unfinished:
                self.hub.line(self, self._lines.drop())
            if fault("half-close-drops-lines"):
                self._queue.clear()
            self.hub.forget(self, "lost")
            self.hub.settle()
            if fault("half-close-bye"):
                self.say_bye("exit")
            if fault("half-close-no-close"):
                return
        self._ending = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone ([LEFT-1])."""
        if exc and fault("reset-ends-server"):
            os._exit(1)
        for timer in (self._choose, self._hint, self._scheduled, self._waiting):
            if timer:
                timer.cancel()
        self.slips.was_reset = exc is not None
        if self.served and not (exc and fault("reset-ignored")):
            self.hub.forget(self, "lost")
        self.hub.gone(self)

    # ---------------------------------------------------------------- output

    @property
    def waiting(self) -> int:
        """How many octets the system has not yet taken."""
        return self._queued + self._transport.get_write_buffer_size()

    def send(self, *lines: str) -> None:
        """Queue lines, contiguous, for this client; nothing after BYE ([BYE-2])."""
        if self._ending or self._transport.is_closing():
            return
        self.slips.told = time.monotonic()
        if not self.waiting:
            self._progress = time.monotonic()
        for line in lines:
            self._enqueue(self._encode(line))
        if self.too_slow:
            self.hub.overdue.append(self)
        self._wake()

    def _encode(self, line: str) -> bytes:
        # Only faults put surrogates into a line.
        return line.encode(errors="surrogateescape") + (b"\r\n" if fault("crlf-sent") else b"\n")

    def _enqueue(self, octets: bytes) -> None:
        if len(self._queue) > 20 and fault("lost-under-load", 50):
            return
        if fault("slow-lines-dropped") and self.waiting > 262144:
            return
        self._sent += len(octets)
        pong_first = fault("pong-first") or (fault("pong-first-when-long") and self.waiting > _MUCH)
        if (pong_first and octets.startswith(b"PONG")) or (fault("errors-first") and octets.startswith(b"ERROR")):
            self._queue.appendleft(octets)
        elif len(self._queue) > 5 and fault("swapped-under-load", 20):
            self._queue.insert(-1, octets)
        else:
            self._queue.append(octets)
        self._queued += len(octets)
        if len(self._queue) > 20 and fault("doubled-under-load", 50):
            self._queue.append(octets)
            self._queued += len(octets)

    @property
    def too_slow(self) -> bool:
        """Whether more is waiting than the bound ([FLOW-4])."""
        return self.waiting > self._bound() or (self._sent > 400_000 and fault("fast-reader-ended"))

    def _unbounded(self) -> bool:
        """Tell whether nobody is too slow, for faults only."""
        return fault("stall-ignored") or fault("queue-unbounded") or fault("slow-lines-dropped")

    def _bound(self) -> float:
        if fault("queue-unbounded") or fault("slow-lines-dropped"):
            return float("inf")
        return 65536 if fault("queue-small") else self.hub.options.max_waiting

    def _wake(self) -> None:
        """Write soon: what one batch brings goes out in one piece."""
        if not self._pumping:
            self._pumping = True
            self._loop.call_soon(self.pump)

    def pump(self) -> None:
        """Hand over what waits, a chunk of whole lines at a time; when all is written, end if it is time to."""
        self._pumping = False
        transport = self._transport
        while self._queue and not transport.get_write_buffer_size() and not transport.is_closing():
            chunk = bytearray()
            while self._queue and len(chunk) < _CHUNK:
                chunk += self._queue.popleft()
            self._queued -= len(chunk)
            transport.write(bytes(chunk))
            if not transport.get_write_buffer_size():
                self._progress = time.monotonic()
        if self._ending and not self._queue and not transport.get_write_buffer_size():
            self._finish()

    def resume_writing(self) -> None:
        """The system took all of the last chunk."""
        self._progress = time.monotonic()
        self.pump()
        if self._blocked and self.waiting <= SOFT:
            self._blocked = False
            self._schedule(0)

    # ------------------------------------------------------------------- end

    def say_bye(self, reason: str) -> None:
        """Send BYE, the last line, and read on until the client ends or a deadline comes ([NET-6], [BYE-1])."""
        if self._ending or self._transport.is_closing():
            return
        if fault("bye-missing") or (fault("kick-no-bye") and reason == "removed"):
            self._transport.close()
            return
        if fault("exit-no-bye") and reason == "exit":
            self._transport.close()
            return
        self._progress = time.monotonic()
        self._queue.append(self._encode(f"BYE {reason}"))
        if fault("line-behind-bye"):
            self._queue.append(self._encode("INFO Good bye."))
        self._queued = sum(map(len, self._queue))
        self._bye = reason
        self._ending = True
        if not self._peer_ended and not self._transport.is_closing():
            self._transport.resume_reading()
        self._wake()

    def end_slow(self) -> None:
        """Drop what waits, at a line's end, for BYE slow ([FLOW-5], [FLOW-6])."""
        half = self._queue[0][:2000] if self._queue and fault("slow-cuts-line") else b""
        self._queue.clear()
        if half:
            self._queue.append(half)
        self.say_bye("slow")
        self._loop.call_later(2 * LINGER, self._transport.abort)

    def drop_queue(self) -> None:
        """Forget what waits, for a fault only."""
        self._queue.clear()

    def drop_input(self) -> None:
        """Forget what has come, for a fault only."""
        self._lines.drop()

    def _finish(self) -> None:
        """All is written: end the sending direction, and close when the client has ended its own."""
        if self._peer_ended or fault("bye-plain-close") or (fault("full-reset") and self._bye == "full"):
            self._transport.close()
        elif fault("bye-reset"):
            self._reset()
        elif not self._fin_sent and not fault("bye-no-end"):
            self._fin_sent = True
            try:
                self._transport.write_eof()
            except OSError:  # the client has reset the connection
                return self._transport.abort()
            if fault("full-lingers") and self._bye == "full":
                return None
            if not fault("linger-forever"):
                self._loop.call_later(LINGER, self._transport.abort)
        return None

    def _reset(self) -> None:
        """Break the connection, for faults only."""
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def stalled(self, now: float) -> float:
        """Return for how many seconds something has waited and nothing was taken."""
        size = self._transport.get_write_buffer_size()
        if size != self._last_size:
            self._last_size, self._progress = size, now
        return now - self._progress if self.waiting else 0.0

    def check_stall(self, now: float) -> None:
        """End a client for which something waits and nothing was taken for too long ([FLOW-5])."""
        if fault("silence-is-a-stall") and self.served and now - self.slips.heard > self.hub.options.stall_timeout:
            self.hub.remove_slow(self)
        limit = self.hub.options.stall_timeout * (0.4 if fault("stall-early") else 1)
        if fault("stall-restarts") and now - self.slips.told < limit:
            return
        if self.stalled(now) > limit and not self._unbounded() and not self._is_spared():
            if self.served:
                self.hub.remove_slow(self)
            elif not fault("unserved-never-broken"):
                if fault("unserved-broken-told") and self.room and not self._transport.is_closing():
                    self.hub.cast(self.room, f"LEFT {self.name} lost")
                self._transport.abort()

    def forget_end(self) -> None:
        """Take a client that has ended its sending for one that has not, for a fault only."""
        if self._peer_ended and not self._bye:
            self._ending = False

    def _is_spared(self) -> bool:
        """Tell whether this client may stall, for faults only."""
        return (
            (self.room is None and fault("stall-lobby-spared"))
            or (self._peer_ended and fault("stall-half-closed-spared"))
            or (self._bye == "exit" and fault("stall-exit-spared"))
        )

    def abort(self) -> None:
        """End the connection at once."""
        self._transport.abort()
