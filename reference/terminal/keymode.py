"""The mode of the terminal while keys are read from it one by one (POSIX only)."""

import contextlib
import errno
import termios
from typing import Any

_INPUT, _LOCAL, _CHARACTERS = 0, 3, 6  # places in what tcgetattr returns


class KeyMode:
    """Keys come at once and unechoed, without the 4095 octets that a terminal's own lines have at most.

    Ctrl-C and Ctrl-Z go on sending signals.  `leave` belongs into a `finally` around `enter` [CLIENT-17].
    """

    def __init__(self, fileno: int) -> None:
        """`fileno`: a terminal.  Raises termios.error where it is none."""
        self._fileno = fileno
        self._found: list[Any] = termios.tcgetattr(fileno)

    def enter(self) -> None:
        """Set the mode, also anew after a stop."""
        mode = list(self._found)
        mode[_INPUT] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON)
        mode[_LOCAL] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
        mode[_CHARACTERS] = list(mode[_CHARACTERS])
        mode[_CHARACTERS][termios.VMIN], mode[_CHARACTERS][termios.VTIME] = 1, 0
        self._set(mode)

    def leave(self) -> None:
        """Set the mode that was found, be it entered or not."""
        with contextlib.suppress(termios.error):  # the terminal is gone
            self._set(self._found)

    def _set(self, mode: list[Any]) -> None:
        while True:
            try:
                return termios.tcsetattr(self._fileno, termios.TCSANOW, mode)
            except termios.error as error:
                # From the background it stops the process, and is interrupted when that goes on.
                if error.args[0] != errno.EINTR:
                    raise
