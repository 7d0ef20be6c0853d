"""Carries octets between the connection, the user and the session, in one thread that waits for all of them.

Nothing is polled: an idle client sleeps until an octet, a signal or a deadline comes.
"""

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Protocol

from reference.client.interrupts import Interrupts
from reference.client.screen import NoScreen, Screen
from reference.client.session import Effect, Quit, Send, Session, Show
from reference.wire import MAX_SERVER_LINE, LineSplitter

if TYPE_CHECKING:
    from reference.terminal.keymode import KeyMode  # not to be imported where there is no termios

_GREETING = 10.0  # seconds for HELLO to come
_SILENCE = 5.0  # seconds without an octet either way while BYE is waited for, after `exit`
_HURRY = 2.0  # seconds for BYE to come after Ctrl-C
_PIECE = 65536  # octets taken at once
_UNSENT = 262144  # octets: with more of them waiting, the user's are left where they are


class Lines(Protocol):
    """What makes lines of the user's octets: an editor of keys, or a splitter."""

    @property
    def ended(self) -> bool:
        """Whether the user ended the input by a key."""

    def feed(self, octets: bytes) -> Sequence[bytes | None]:
        """Take octets; return the lines that they end, without terminators; None: one that is too long."""

    def finish(self) -> Sequence[bytes | None]:
        """Take the end of the input; return the lines that it ends."""

    def conceal(self, secret: bool) -> None:
        """Neither show nor remember what is typed from here on, or do."""


class PipedLines:
    """Lines of a pipe, a file, or a terminal that ends lines itself."""

    ended = False

    def __init__(self, limit: int) -> None:
        """`limit`: the most octets that a line can have."""
        self._splitter = LineSplitter(limit)

    def feed(self, octets: bytes) -> Sequence[bytes | None]:
        """See Lines."""
        return self._splitter.feed(octets)

    def finish(self) -> Sequence[bytes | None]:
        """A last line without its LF is a line: nobody takes back what stands in a pipe."""
        return self._splitter.feed(b"\n") if self._splitter.rest else []

    def conceal(self, secret: bool) -> None:
        """Nothing: where these lines come from, no password is asked for."""


class Runner:
    """One connection of one user, until it ends."""

    def __init__(
        self,
        connection: socket.socket,
        session: Session,
        screen: Screen,
        lines: Lines,
        source: int | socket.socket | None,
        keys: "KeyMode | None" = None,
    ) -> None:
        """`connection`: open; the runner closes it.

        `source`: where the user's octets are read, and `lines` what makes lines of them; None: there is no input.
        `keys`: the mode of the terminal that it is, if its keys are read.
        """
        self._connection = connection
        self._session = session
        self._screen = screen
        self._lines = lines
        self._source = source
        self._keys = keys
        self._interrupts = Interrupts(keys=keys is not None)
        self._splitter = LineSplitter(MAX_SERVER_LINE)
        self._prompt = ""
        self._unsent = bytearray()
        self._sending = True  # no sending has failed
        self._limit = time.monotonic() + _GREETING  # when patience ends whatever comes
        self._moved = inf  # the last progress, while BYE is waited for
        self._quit: Quit | None = None

    def run(self) -> Quit:
        """Run until the session quits; return how.

        Raises SystemExit at SIGTERM and its like, KeyboardInterrupt at a second Ctrl-C, the terminal left in order.
        """
        with self._interrupts, self._connection:
            self._connection.setblocking(False)
            try:
                if self._keys:
                    self._keys.enter()
                while self._quit is None:
                    self._turn()
            finally:
                try:
                    self._interrupts.ignore()
                    self._guarded(self._screen.close)
                finally:
                    if self._keys:
                        self._keys.leave()
        return self._quit

    def _turn(self) -> None:
        """Wait until something can be done, and do it."""
        patience = min(self._limit, self._moved + _SILENCE) - time.monotonic()
        if patience <= 0:
            self._apply(self._session.patience_ended())
            return
        source = self._source if self._wants_input() else None
        reads = [self._interrupts, self._connection, *([] if source is None else [source])]
        writes = [self._connection] if self._unsent else []
        readable, writable, _ = select.select(reads, writes, [], None if patience == inf else patience)
        if self._interrupts in readable:
            self._signalled()
        if self._connection in readable:
            self._receive()
        if writable:
            self._send()
        if source is not None and source in readable:
            self._read(source)

    def _wants_input(self) -> bool:
        session = self._session
        return session.ready and not session.leaving and self._sending and len(self._unsent) < _UNSENT

    # ------------------------------------------------------------ what can be done

    def _signalled(self) -> None:
        come = self._interrupts.take()
        if signal.SIGINT in come:
            self._hurry()
        if self._keys and come:
            if signal.SIGTSTP in come:
                self._stop(self._keys)
            self._keys.enter()  # a shell may have changed it while this program was stopped
            self._redraw()

    def _stop(self, keys: "KeyMode") -> None:
        self._guarded(self._screen.close)
        keys.leave()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)

    def _receive(self) -> None:
        try:
            octets = self._connection.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        self._progress()
        if not octets:
            self._apply(self._session.connection_ended())
            return
        effects: list[Effect] = []
        for line in self._splitter.feed(octets):
            effects += self._session.received(line)
        self._apply(effects)
        if self._session.ready and not self._session.leaving:
            self._limit = inf
            if self._source is None:
                self._apply(self._session.input_ended())

    def _send(self) -> None:
        try:
            sent = self._connection.send(self._unsent[:_PIECE])
        except BlockingIOError:
            return
        except OSError:
            # What the server said before it closed is still to be read, its BYE included [CLIENT-7].
            self._sending = False
            self._unsent.clear()
            self._moved = time.monotonic()
            return
        del self._unsent[:sent]
        self._progress()

    def _read(self, source: int | socket.socket) -> None:
        try:
            octets = os.read(source, _PIECE) if isinstance(source, int) else source.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:  # a terminal that is gone
            octets = b""
        effects: list[Effect] = []
        for line in self._lines.feed(octets) if octets else self._lines.finish():
            effects += self._session.typed(line)
        if not octets or self._lines.ended:
            effects += self._session.input_ended()
        self._apply(effects)
        if self._keys and self._quit is None:
            self._redraw()

    # ------------------------------------------------------------ what comes of it

    def _apply(self, effects: list[Effect]) -> None:
        shows: list[Show] = []
        for effect in effects:
            if isinstance(effect, Show):
                shows.append(effect)
            elif isinstance(effect, Send):
                self._unsent += effect.line.encode() + b"\n"
            else:
                self._quit = effect
                break
        if self._session.leaving and self._moved == inf:
            self._moved = time.monotonic()
        self._lines.conceal(self._session.asking)
        prompt = self._session.prompt
        if shows or prompt != self._prompt:
            self._prompt = prompt
            self._guarded(lambda: self._screen.show(shows, prompt))

    def _redraw(self) -> None:
        self._guarded(lambda: self._screen.show([], self._prompt))

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError:  # whoever read it has had enough, or the terminal is gone
            self._screen = NoScreen()
            if self._quit is None:
                self._hurry()

    def _hurry(self) -> None:
        self._limit = time.monotonic() + _HURRY
        self._apply(self._session.interrupted())

    def _progress(self) -> None:
        if self._moved != inf:
            self._moved = time.monotonic()


def as_socket(fileno: int) -> socket.socket:
    """Return a socket that yields what a file descriptor does, where select takes nothing but sockets (Windows)."""
    here, there = socket.socketpair()

    def carry() -> None:
        with there:
            while octets := os.read(fileno, _PIECE):
                there.sendall(octets)

    threading.Thread(target=carry, name="input", daemon=True).start()
    return here
