"""The line being typed at the bottom of a terminal, and text that appears above it."""

import io
import os
import select
from collections.abc import Callable, Mapping, Sequence

from reference.terminal.cells import width

_USUAL = (80, 24)  # columns, rows


class Line:
    """One row of the terminal, which scrolls sideways and is drawn anew whenever something is shown above it.

    Methods raise OSError when the terminal is gone.
    """

    def __init__(
        self, out: io.RawIOBase, environment: Mapping[str, str], view: Callable[[int], tuple[str, str]]
    ) -> None:
        """`view`: what is to be seen left and right of the cursor in so many cells, harmless."""
        self._out = out
        self._view = view
        self._dumb = is_dumb(environment)

    def show(self, rows: str, *prompts: str) -> None:
        """Write rows where the line stood, and the line below them, all at one stroke.

        `rows`: harmless, as wide as the terminal at most, each with its LF.  `prompts`: harmless; the first that
        leaves half of the row is taken, or else the last.
        """
        cells = columns(self._out)
        write(self._out, self._erased(cells) + rows + self._typed(cells, prompts))

    def remove(self, rows: str = "") -> None:
        """Write rows where the line stood, and leave the place clean for whoever writes next."""
        write(self._out, self._erased(columns(self._out)) + rows)

    def _erased(self, cells: int) -> str:
        return f"\r{' ' * (cells - 1)}\r" if self._dumb else "\r\x1b[J"

    def _typed(self, cells: int, prompts: tuple[str, ...]) -> str:
        prompt = shortened(prompts, cells)
        # The last column stays free: a character there makes some terminals begin a row.
        left, right = self._view(cells - 1 - width(prompt))
        back = "\r" + prompt + left if right else ""
        return prompt + left + right + back


def shortened(prompts: Sequence[str], cells: int) -> str:
    """Return the first prompt that leaves half of a row of so many cells, or else the last."""
    return next((prompt for prompt in prompts if width(prompt) <= cells // 2), prompts[-1])


def is_dumb(environment: Mapping[str, str]) -> bool:
    """Whether the terminal is said to understand no escape sequences."""
    return environment.get("TERM", "") in ("", "dumb")


def columns(out: io.RawIOBase) -> int:
    """Return how many cells wide the terminal is."""
    return size(out)[0]


def size(out: io.RawIOBase) -> tuple[int, int]:
    """Return how many columns and rows the terminal has."""
    try:
        found = os.get_terminal_size(out.fileno())
    except OSError:
        return _USUAL
    return found.columns or _USUAL[0], found.lines or _USUAL[1]


def write(out: io.RawIOBase, text: str) -> None:
    """Write all of a text, and wait while it cannot be taken; raises OSError."""
    octets = text.encode(errors="replace")
    while octets:
        written = out.write(octets)
        if written is None:  # another program made the terminal non-blocking
            select.select([], [out], [])
        octets = octets[written or 0 :]
