"""One client's socket: octets that come become lines, one a turn; lines that go become odd pieces."""

import contextlib
import selectors
import socket
import struct
import time
from abc import ABC, abstractmethod

from tests.contraryserver.lines import LineBuffer
from tests.contraryserver.loop import Loop
from tests.contraryserver.whims import Whims

_HINT = 5.1  # seconds of silence after the beginning of a line [LINE-10]
_RETRY = 0.01  # seconds between two looks at whether somebody may go on who has to wait for others
_RESET = struct.pack("ii", 1, 0)


class Connection(ABC):
    """A socket, what has come on it, and what waits for it."""

    def __init__(self, sock: socket.socket, loop: Loop, whims: Whims, most: int, *, hints: bool) -> None:
        """Own a connected socket; `most`: octets that may wait; `hints`: whether [LINE-10] is kept."""
        self.loop, self.whims = loop, whims
        self.waiting = bytearray()  # what the operating system has not yet taken
        self.progress = 0.0  # when it last took something, or something began to wait
        self.busy = False  # an answer is under way: the next line has to wait for it
        self.leaving = False  # what comes is dropped
        self.closed = False
        self._sock = sock
        self._most = most
        self._input = LineBuffer()
        self._ended = False  # the client has ended its sending
        self._lost = False  # nobody takes what is sent
        self._overfull = False
        self._finishing = False  # after what waits, nothing follows
        self._going = self._flushing = self._blocked = False  # which of the calls below is due
        self._in_line = False  # the octet that was sent last is not the end of a line
        self._hinted, self._hinting = not hints, False  # no hint is given any more; it is looked whether one is due
        self._heard = 0.0  # when something last came, or a line was taken up
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the odd pieces would not stay apart
        self._watch()

    # ------------------------------------------------------------ what the client's lines are for

    @abstractmethod
    def has_to_wait(self, line: bytes) -> bool:
        """Return whether a line cannot be taken up yet: back-pressure."""

    @abstractmethod
    def on_line(self, code: str, text: str) -> None:
        """Deal with a line; `code`: why it is refused, if it is."""

    @abstractmethod
    def on_end(self) -> None:
        """Deal with the end of the client: no further line of it is dealt with."""

    @abstractmethod
    def on_overfull(self) -> None:
        """Deal with too much that waits; what is put from now on is dropped, until the client is `leaving`."""

    @abstractmethod
    def on_change(self) -> None:
        """Take note that more or less is waiting, or that the connection is closed."""

    # ------------------------------------------------------------ output

    def put(self, *lines: str) -> None:
        """Send lines, with nothing between them."""
        if self.closed or self._finishing or self._lost or (self._overfull and not self.leaving):
            return
        octets = "".join(f"{line}\n" for line in lines).encode()
        if len(self.waiting) + len(octets) > self._most and not self.leaving:
            self._overfull = True
            self.on_overfull()
            return
        if not self.waiting:
            self.progress = time.monotonic()
        self.waiting += octets
        self.on_change()
        if not self._flushing and not self._blocked:
            self._flush_in(self.whims.hold())

    def end(self, *lines: str) -> None:
        """Send last lines, then end sending, and go on reading for a while [NET-6]."""
        self.leaving = True
        self.put(*lines)
        self._finishing = True
        self._watch()
        if not self.waiting:
            self._end_sending()

    def drop_waiting(self) -> None:
        """Drop what waits, but for the rest of a line that is under way [FLOW-6]."""
        del self.waiting[self.waiting.find(b"\n") + 1 if self._in_line else 0 :]
        self.progress = time.monotonic()
        self.on_change()

    def reset(self) -> None:
        """Break the connection."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close()

    def close(self) -> None:
        """Close the connection, whatever waits."""
        if not self.closed:
            self.closed = self.leaving = True
            self.waiting.clear()
            self.loop.watch(self._sock, 0, self._ready)
            self._sock.close()
            self.on_change()

    def _flush_in(self, seconds: float) -> None:
        self._flushing = True
        if seconds:
            self.loop.later(seconds, self._flush)
        else:
            self.loop.soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self.closed or not self.waiting:
            return
        try:
            taken = self._sock.send(self.waiting[: self.whims.write_size(self.waiting)])
        except BlockingIOError:
            self._blocked = True
            self._watch()
            return
        except OSError:
            self._break()
            return
        self.progress = time.monotonic()
        self._in_line = self.waiting[taken - 1] != 0x0A
        del self.waiting[:taken]
        self.on_change()
        if self.waiting:
            self._flush_in(self.whims.pause(len(self.waiting)))
        elif self._finishing:
            self._end_sending()

    def _end_sending(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
        if self._ended or self._lost:
            self.close()
        else:
            self.loop.later(self.whims.linger(), self.close)

    def _break(self) -> None:
        """Deal with an operating system that takes nothing more: lines that came before are done, or they are not."""
        self.waiting.clear()
        self._lost = True
        self.on_change()
        if self.leaving or self._ended or self.whims.happens(0.5):
            self._give_up()

    def _give_up(self) -> None:
        if not self.leaving:
            self.on_end()
        self.close()

    # ------------------------------------------------------------ input

    def go_on(self) -> None:
        """Take up the next line, in a turn to come, if there is one and nothing is under way."""
        if self._going or self.busy or self.leaving or not (self._input.ready or self._ended):
            return
        self._going = True
        self.loop.soon(self._take_up)

    def _take_up(self) -> None:
        self._going = False
        if self.busy or self.leaving:
            return
        if not self._input.ready:
            self.on_end()
            self.end()
        elif self.has_to_wait(self._input.peek()):
            self._going = True
            self.loop.later(_RETRY, self._take_up)
            return
        else:
            self.on_line(*self._input.take())
            self._heard = time.monotonic()  # until now the client was held back, if a line has begun
            self._hint_in(_HINT)
        self._watch()
        self.go_on()

    def _watch(self) -> None:
        """Read where a line is missing or what comes is dropped; wait until something is taken where nothing was."""
        if self.closed:
            return
        reading = not self._ended and (self.leaving or not self._input.ready)
        events = (selectors.EVENT_READ if reading else 0) | (selectors.EVENT_WRITE if self._blocked else 0)
        self.loop.watch(self._sock, events, self._ready)

    def _ready(self, events: int) -> None:
        if self.closed:
            return
        if events & selectors.EVENT_WRITE and self._blocked:
            self._blocked = False
            self._watch()
            self._flush_in(0)
        if events & selectors.EVENT_READ and not self._ended:
            self._read()

    def _read(self) -> None:
        if self.whims.happens(0.5) and self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._give_up()  # a reset: what came right before it is not read
            return
        try:
            octets = self._sock.recv(65536 if self.leaving else self.whims.read_size())
        except BlockingIOError:
            return
        except OSError:
            self._give_up()
            return
        if not octets:
            self._ended = True
            if self._finishing and not self.waiting:
                self.close()
        elif not self.leaving:
            self._feed(octets)
        self._watch()
        if octets:
            self.go_on()
        else:
            self.loop.later(self.whims.notice(), self.go_on)

    def _feed(self, octets: bytes) -> None:
        self._heard = time.monotonic()
        self._input.feed(octets)
        if self._input.foreign:
            self._turn_away()
        else:
            self._hint_in(_HINT)

    def _turn_away(self) -> None:
        """End a connection on which another protocol is spoken [NET-9]."""
        self.on_end()
        draw = self.whims.one(("reset", "close", "greet"))
        if draw == "reset":
            self.reset()
            return
        if draw == "close":
            self.drop_waiting()  # but no line is cut
        self._ended = True  # nothing more is read
        self.end()

    def _hint_in(self, seconds: float) -> None:
        if self._input.begun and not self._hinted and not self._hinting and not self.leaving:
            self._hinting = True
            self.loop.later(seconds, self._hint)

    def _hint(self) -> None:
        """Tell a client that has begun a line and then been silent; look again later where it was not silent."""
        self._hinting = False
        left = self._heard + _HINT - time.monotonic()
        if left > 0:
            self._hint_in(left)
        elif self._input.begun and not self.leaving:
            self._hinted = True
            self.put("INFO A line ends with LF.")
