"""The keyboard: keys one by one, made into lines."""

import os
import select
import termios
import threading
from collections.abc import Iterator

from tests.plainclient.faults import fault

_CTRL_C, _CTRL_D, _BACKSPACE = 0x03, 0x04, 0x7F
_ENTER = (0x0A, 0x0D)
_MANY = 9  # lines in one read: a paste, and not keys that were pressed while the machine was busy


class Left(Exception):  # noqa: N818 - no error
    """The user wants to leave; `key` tells how."""

    def __init__(self, key: int) -> None:
        super().__init__()
        self.key = key


class Keyboard:
    """Standard input as keys: no echo, no lines, no signals; a context, after which all is as it was [CLIENT-17]."""

    def __init__(self) -> None:
        self.line = bytearray()  # what was typed of the line
        self.restores = True
        self._left: Left | None = None
        self._found = termios.tcgetattr(0)
        self._wake, self._waker = os.pipe()

    def __enter__(self) -> "Keyboard":
        mode = termios.tcgetattr(0)
        mode[0] &= ~(termios.ICRNL | termios.IXON)
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
        termios.tcsetattr(0, termios.TCSANOW, mode)
        return self

    def __exit__(self, *_: object) -> None:
        if self.restores:
            termios.tcsetattr(0, termios.TCSANOW, self._found)

    def wake(self) -> None:
        """Let `lines` end; from another thread."""
        os.write(self._waker, b"x")

    def lines(self, lock: threading.Lock) -> Iterator[list[bytes]]:
        """Yield the lines that were typed whenever keys come, until `wake`; raise Left at Ctrl-C and Ctrl-D.

        The lock is held from reading keys until the next lines are asked for.
        """
        while True:
            ready, _, _ = select.select([0, self._wake], [], [])
            if self._wake in ready:
                return
            with lock:
                octets = os.read(0, 65536)
                if not octets:
                    raise Left(_CTRL_D)
                yield self._lines(octets)
                if self._left is not None:  # what was entered before that is not lost
                    raise self._left

    def _lines(self, octets: bytes) -> list[bytes]:
        lines = []
        for octet in octets:
            if octet in _ENTER:
                lines.append(bytes(self.line))
                self.line.clear()
                if fault("paste-dropped") and sum(map(octets.count, _ENTER)) > _MANY:
                    break
            elif octet == _BACKSPACE:
                while self.line and self.line.pop() & 0xC0 == 0x80:
                    pass
            elif octet == _CTRL_C or (octet == _CTRL_D and not self.line):
                if not fault("ctrl-c-ignored" if octet == _CTRL_C else "ctrl-d-ignored"):
                    self._left = Left(octet)
                    break
            else:
                self.line.append(octet)
        return lines
