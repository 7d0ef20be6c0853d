"""Signals as something to wait for together with sockets, so that nothing happens in the middle of something else."""

import signal
import socket
from types import FrameType, TracebackType
from typing import Self

_ENDING = ("SIGTERM", "SIGHUP", "SIGQUIT")
_TOLD = ("SIGINT", "SIGWINCH", "SIGTSTP", "SIGCONT")


class Interrupts:
    """A context, to be entered in the main thread.

    SIGTERM, SIGHUP and SIGQUIT raise SystemExit(128 + number) wherever the program is.  SIGINT, and with `keys` those
    signals that concern a terminal, are collected: `fileno` becomes readable.  A second SIGINT raises
    KeyboardInterrupt.  A signal that is ignored when the program starts (nohup) stays ignored.
    """

    def __init__(self, keys: bool) -> None:
        self._told = [getattr(signal, name) for name in (_TOLD if keys else _TOLD[:1])]
        self._ending = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
        self._come: list[int] = []
        self._interrupts = 0
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self._there.setblocking(False)

    def fileno(self) -> int:
        """Return what to wait for with select."""
        return self._here.fileno()

    def take(self) -> list[int]:
        """Return the numbers of the signals that came since the last call; call it when `fileno` is readable."""
        self._here.recv(4096)
        come, self._come = self._come, []
        return come

    def ignore(self) -> None:
        """Let no signal disturb what comes now: the cleaning up."""
        for number in (signal.SIGINT, *self._ending):
            signal.signal(number, signal.SIG_IGN)

    def _end(self, number: int, _: FrameType | None) -> None:
        self.ignore()
        raise SystemExit(128 + number)

    def _tell(self, number: int, _: FrameType | None) -> None:
        self._come.append(number)
        self._interrupts += number == signal.SIGINT
        if self._interrupts > 1:
            self.ignore()
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        signal.set_wakeup_fd(self._there.fileno(), warn_on_full_buffer=False)
        for numbers, handler in ((self._told, self._tell), (self._ending, self._end)):
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
