"""Carries octets between the connection, the user and the session, in one thread that waits for all of them.

Nothing is polled: an idle client sleeps until an octet, a signal or a deadline comes.
"""

import errno
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING

from reference.client.comeback import Comeback
from reference.client.files import why
from reference.client.history import History
from reference.client.interrupts import Interrupts
from reference.client.lines import Lines
from reference.client.link import Link
from reference.client.log import Log
from reference.client.screen import NoScreen, Screen
from reference.client.session import FAILED, Effect, Quit, Record, Session, Show, Style

if TYPE_CHECKING:
    from reference.terminal.keymode import KeyMode  # not to be imported where there is no termios

_GREETING = 10.0  # seconds for HELLO to come
_SILENCE = 5.0  # seconds without an octet either way while BYE is waited for, after `exit`
_HURRY = 2.0  # seconds for BYE to come after Ctrl-C
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PIECE = 65536  # octets taken at once
_UNSENT = 262144  # octets: with more of them waiting, the user's are left where they are


class Runner:
    """One session of one user, until it ends."""

    def __init__(
        self,
        connection: socket.socket,
        session: Session,
        screen: Screen,
        lines: Lines,
        source: int | socket.socket | None,
        interrupts: Interrupts,
        keys: "KeyMode | None" = None,
        comeback: Comeback | None = None,
        history: History | None = None,
    ) -> None:
        """`connection`: open; the runner closes it.

        `source`: where the user's octets are read, and `lines` what makes lines of them; None: there is no input.
        `interrupts`: not entered yet; with keys if there are any.
        `keys`: the mode of the terminal that it is, if its keys are read.  `comeback`: if it is to stay connected.
        `history`: where the lines are kept that are typed.
        """
        self._link: Link | None = Link(connection)
        self._session = session
        self._screen = screen
        self._lines = lines
        self._source = source
        self._keys = keys
        self._comeback = comeback
        self._history = history
        self._log = Log(session.texts)
        self._interrupts = interrupts
        self._prompt = ""
        self._unshown = ""  # why a file did not take what was shown
        self._limit = time.monotonic() + _GREETING  # when patience ends whatever comes
        self._moved = inf  # the last progress, while BYE is waited for
        self._quit: Quit | None = None

    def run(self) -> Quit:
        """Run until the session quits; return how.

        Raises SystemExit at SIGTERM and its like, KeyboardInterrupt at a second Ctrl-C, the terminal left in order.
        """
        with self._interrupts:
            try:
                if self._keys:
                    self._keys.enter()
                self._apply(self._trouble())
                while self._quit is None:
                    self._turn()
            finally:
                try:
                    self._interrupts.ignore()
                    self._close()
                finally:
                    if self._keys:
                        self._keys.leave()
        if self._unshown and not self._quit.message:
            return Quit(FAILED, self._session.texts.not_shown.format(why=self._unshown))
        return self._quit

    def _close(self) -> None:
        if self._link:
            self._link.close()
        if leftover := self._session.leftover():
            leftover += self._log.write(leftover)
            self._guarded(lambda: self._screen.show(leftover, self._prompt))
        self._guarded(self._screen.close)
        self._log.close()

    def _turn(self) -> None:
        """Wait until something can be done, and do it; at last what a time has come for.

        Octets that have come are looked at in any case: to whoever was stopped (Ctrl-Z) many a time comes at once.
        """
        comeback = self._comeback
        first = self._patience
        if comeback:
            first = min(first, comeback.due, comeback.silence.due, comeback.again.due)
        now = time.monotonic()
        link, dialing = self._link, comeback.dialing if comeback else None
        source = self._source if self._wants_input() else None
        reads = [self._interrupts, *(one for one in (link, dialing, source) if one is not None)]
        writes = [link] if link and link.unsent else []
        readable, writable, _ = select.select(reads, writes, [], None if first == inf else max(first - now, 0))
        if self._interrupts in readable:
            self._signalled()
        if link and link in readable:
            self._receive(link)
        if link and writable and link is self._link:  # else it was lost just now
            self._send(link)
        if comeback and dialing and dialing in readable:
            self._dialled(comeback)
        if source is not None and source in readable:
            self._read(source)
        if self._quit is None:
            self._late(now)

    @property
    def _patience(self) -> float:
        """When it ends."""
        return min(self._limit, self._moved + _SILENCE)

    def _wants_input(self) -> bool:
        session, link = self._session, self._link
        may_send = link is None or (link.sending and len(link.unsent) < _UNSENT)
        return (session.ready or session.away) and not (session.leaving or session.waiting) and may_send

    # ------------------------------------------------------------ what can be done

    def _late(self, now: float) -> None:
        """Do what a time has come for, the first of what there is."""
        comeback = self._comeback
        if self._patience <= now:
            self._apply(self._session.patience_ended())
        elif comeback and comeback.due <= now:
            comeback.dial()
        elif comeback and comeback.again.due <= now:
            comeback.again.passed(now)
            self._apply(self._session.wish())
        elif comeback and comeback.silence.due <= now:
            asks = comeback.silence.passed(now)
            self._apply(self._session.ask() if asks else self._session.connection_ended())

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

    def _receive(self, link: Link) -> None:
        lines = link.receive()
        self._progress()
        if lines is None:
            self._apply(self._session.connection_ended(link.rest))
            return
        if self._comeback:
            self._comeback.silence.begin(time.monotonic())
        if self._keys:
            self._apply(self._session.received_together(lines))
        else:
            self._apply([effect for line in lines for effect in self._session.received(line)])
        if self._session.ready and not self._session.leaving:
            self._limit = inf
            if self._source is None and not self._session.waiting:
                self._apply(self._session.input_ended())

    def _send(self, link: Link) -> None:
        waiting = len(link.unsent)
        link.send()
        if not link.sending:
            self._moved = time.monotonic()
        elif len(link.unsent) < waiting:
            self._progress()

    def _dialled(self, comeback: Comeback) -> None:
        """Go on with the new connection, or tell why there is none."""
        result = comeback.dialled()
        if isinstance(result, str):
            self._apply(self._session.still_away(result))
            return
        self._link = Link(result)
        self._limit = time.monotonic() + _GREETING

    def _read(self, source: int | socket.socket) -> None:
        try:
            octets = os.read(source, _PIECE) if isinstance(source, int) else source.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:  # a terminal that is gone
            octets = b""
        lines = self._lines.feed(octets) if octets else self._lines.finish()
        effects: list[Effect] = [Show(Style.INFO, text) for text in self._lines.news()]
        for line in lines:
            effects += self._session.typed(line)
        effects += self._trouble()
        if not octets or self._lines.ended:
            effects += self._session.input_ended()
        self._apply(effects)
        if self._keys and self._quit is None:
            self._redraw()

    def _trouble(self) -> list[Effect]:
        """Return what to tell the user of the file with the typed lines, mostly nothing."""
        trouble = self._history.trouble() if self._history else ""
        if not (self._history and trouble):
            return []
        texts = self._session.texts
        return [Show(Style.ERROR, texts.history_failed.format(path=self._history.path, why=texts.instead(trouble)))]

    # ------------------------------------------------------------ what comes of it

    def _apply(self, effects: Sequence[Effect]) -> None:
        shows: list[Show] = []
        for effect in effects:
            if isinstance(effect, Show):
                shows.append(effect)
            elif isinstance(effect, Record):
                shows.append(self._log.switch(effect.path))
            elif isinstance(effect, Quit):
                shows += self._ended(effect)
                break
            elif self._link:
                self._link.say(effect.line)
        if self._session.leaving and self._moved == inf:
            self._moved = time.monotonic()
        if self._comeback:
            self._comeback.again.want(self._session.wishing(), time.monotonic())
        if self._comeback and self._session.in_room:
            self._comeback.retries.entered(time.monotonic())
        self._lines.conceal(self._session.asking)
        shows += self._log.write(shows)
        prompt = self._session.prompt
        if shows or prompt != self._prompt:
            self._prompt = prompt
            self._guarded(lambda: self._screen.show(shows, prompt))

    def _ended(self, end: Quit) -> list[Show]:
        """End, or try again where that makes sense; return what to show."""
        now, comeback = time.monotonic(), self._comeback
        if not (end.lost and comeback and comeback.retries.lost(now)):
            self._quit = end
            return []
        if self._link:
            self._link.close()
        self._link = None
        self._limit = self._moved = inf
        comeback.silence.end()
        comeback.wait()
        return self._session.lose(end.message)

    def _redraw(self) -> None:
        self._guarded(lambda: self._screen.show([], self._prompt))

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:  # whoever read it has had enough, or the terminal is gone
            self._screen = NoScreen()
            if error.errno in _FULL:
                self._unshown = why(error)
            if self._quit is None:
                self._hurry()

    def _hurry(self) -> None:
        self._limit = time.monotonic() + _HURRY
        self._apply(self._session.interrupted())

    def _progress(self) -> None:
        if self._moved != inf:
            self._moved = time.monotonic()
