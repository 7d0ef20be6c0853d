"""Signals as something to wait for together with sockets, so that nothing happens in the middle of something else."""

import io
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

_ENDING = ("SIGTERM", "SIGHUP", "SIGQUIT")
_TOLD = ("SIGINT", "SIGWINCH", "SIGTSTP", "SIGCONT")


class Interrupts:
    """A context, to be entered in the main thread.

    SIGTERM, SIGHUP and SIGQUIT end the program: `take`, or `waiting` at once, raises SystemExit(128 + number).  SIGINT,
    and with `keys` those signals that concern a terminal, are collected: `fileno` becomes readable.  A second SIGINT
    ends the program with KeyboardInterrupt.  A program that is asked to end a second time does so wherever
    it is.  A signal that is ignored when the program starts (nohup) stays ignored.
    """

    def __init__(self, keys: bool) -> None:
        self._told = [getattr(signal, name) for name in (_TOLD if keys else _TOLD[:1])]
        self._ending = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
        self._come: list[int] = []
        self._interrupts = 0
        self._end: BaseException | None = None
        self._waiting = False
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self._there.setblocking(False)

    def fileno(self) -> int:
        """Return what to wait for with select."""
        return self._here.fileno()

    def take(self) -> list[int]:
        """Return the numbers of the signals that came since the last call; call it when `fileno` is readable.

        Raises SystemExit or KeyboardInterrupt when one came that ends the program.
        """
        self._here.recv(4096)
        if self._end:
            raise self._end
        come, self._come = self._come, []
        return come

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Do what may take for ever: a signal that ends the program raises in here."""
        self._waiting = True
        try:
            if self._end:
                raise self._end
            yield
        finally:
            self._waiting = False

    def ignore(self) -> None:
        """Let no signal disturb what comes now: the cleaning up."""
        for number in (signal.SIGINT, *self._ending):
            signal.signal(number, signal.SIG_IGN)
        self._end = None

    def _ends(self, number: int, _: FrameType | None) -> None:
        self._finish(SystemExit(128 + number))

    def _tell(self, number: int, _: FrameType | None) -> None:
        self._come.append(number)
        self._interrupts += number == signal.SIGINT
        if self._interrupts > 1:
            self._finish(KeyboardInterrupt())

    def _finish(self, end: BaseException) -> None:
        # Not in the middle of what is done: a library that is left so may do anything when it is used again.
        asked, self._end = self._end, end
        if asked or self._waiting:
            raise end

    def __enter__(self) -> Self:
        signal.set_wakeup_fd(self._there.fileno(), warn_on_full_buffer=False)
        for numbers, handler in ((self._told, self._tell), (self._ending, self._ends)):
            for number in numbers:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, handler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(-1)
        self._here.close()
        self._there.close()


class Output(io.FileIO):
    """An output that may be taken slowly or never: a signal that ends the program ends a write."""

    def __init__(self, fileno: int, interrupts: Interrupts) -> None:
        """`fileno`: open, and left open."""
        super().__init__(fileno, "wb", closefd=False)
        self._interrupts = interrupts

    def write(self, octets: bytes) -> int | None:  # type: ignore[override]
        """Write as many octets as can be taken; return how many, None for none."""
        with self._interrupts.waiting():
            written = super().write(octets)
            if written is None:  # another program made the terminal non-blocking
                select.select([], [self], [])
            return written
