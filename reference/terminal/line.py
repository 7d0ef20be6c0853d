"""The line being typed at the bottom of a terminal, and text that appears above it."""

import io
import os
import select
from collections.abc import Callable, Mapping, Sequence

from reference.terminal.cells import fitting, width
from reference.terminal.narrowing import Narrowing

# A terminal that has been told so marks what is pasted.
PASTES_MARKED, PASTES_UNMARKED = "\x1b[?2004h", "\x1b[?2004l"
# In the first column: erases the row and all below it.  Not with one sequence alone: from the first row, that is the
# whole screen, and tmux puts what is erased with the whole screen among what has scrolled out.
ERASED = "\x1b[K \x1b[J\r"
_USUAL = (80, 24)  # columns, rows
_LEAST = 10  # cells for what is typed, however long the prompt is; half of a row that has fewer than twice as many


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
        self._narrowing = Narrowing()
        self._marking = False  # the terminal marks what is pasted

    def show(self, rows: str, *prompts: str) -> None:
        """Write rows where the line stood, and the line below them, all at one stroke.

        `rows`: harmless, as wide as the terminal at most, each with its LF.  `prompts`: harmless; the first that
        leaves half of the row is taken, or else the last.
        """
        cells = columns(self._out)
        question = "" if self._dumb else self._narrowing.question(cells, bool(rows))
        marked = PASTES_MARKED if not (self._dumb or self._marking) else ""
        self._marking = not self._dumb
        write(self._out, marked + question + self._erased(cells) + rows + self._typed(cells, prompts))

    def remove(self, rows: str = "") -> None:
        """Write rows where the line stood, and leave the place clean for whoever writes next."""
        write(self._out, self._unmarked() + self._erased(columns(self._out)) + rows)

    def leave(self, *prompts: str) -> None:
        """Leave the line to be seen, and whoever writes next below it."""
        self.show("", *prompts)
        write(self._out, self._unmarked() + "\n")

    def unmark(self) -> None:
        """Leave pastes to whoever reads from the terminal next, if that can be told at once."""
        _, ready, _ = select.select([], [self._out], [], 0)
        if ready:
            write(self._out, self._unmarked())

    def located(self, column: int) -> None:
        """Take the terminal's answer to where its cursor is, which came among the keys; then `show` follows."""
        self._narrowing.answered(columns(self._out), column)

    def _unmarked(self) -> str:
        marking, self._marking = self._marking, False
        return PASTES_UNMARKED if marking else ""

    def _erased(self, cells: int) -> str:
        if self._dumb:
            return f"\r{' ' * (cells - 1)}\r"
        above = self._narrowing.above()
        return "\r" + (f"\x1b[{above}A" if above else "") + ERASED

    def _typed(self, cells: int, prompts: tuple[str, ...]) -> str:
        prompt = shortened(prompts, cells)
        # The last column stays free: a character there makes some terminals begin a row.
        left, right = self._view(cells - 1 - width(prompt))
        self._narrowing.drawn(cells, [width(prompt + left + right)], width(prompt + left))
        back = "\r" + prompt + left if right else ""
        return prompt + left + right + back


def shortened(prompts: Sequence[str], cells: int) -> str:
    """Return the first prompt that leaves half of a row of so many cells, or else of the last what has room."""
    short = next((prompt for prompt in prompts if width(prompt) <= cells // 2), prompts[-1])
    return short[: fitting(short, max((cells - 1) // 2, cells - _LEAST))]


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
