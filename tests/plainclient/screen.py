"""The screen of the user: lines, made harmless, above a prompt and the line being typed."""

import os
import re
import sys
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator

from tests.plainclient.faults import fault

_C0, _C1 = "\x00-\x1f\x7f", "\x80-\x9f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u00ad\u180e\u200b-\u200d\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"

_INDENT, _MARGIN = "    ", 4  # before the later rows of a line; columns that are left free


def harmless(text: str) -> str:
    """Return a text with a visible sign for each character that could do something to a terminal [CLIENT-9]."""
    kept = {"controls-raw": _C0, "c1-raw": _C1, "bidi-raw": _BIDI, "invisible-raw": _INVISIBLE}
    unsafe = "".join(characters for name, characters in kept.items() if not fault(name))
    return re.sub(f"[{unsafe}]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _divided(line: str, cells: int) -> list[str]:
    """Divide a line into rows, at blanks where there are some; each row but the first begins with blanks."""
    rows = []
    cells //= 1 if line.isascii() else 2  # a character takes two at most
    while len(line) > cells:
        end = line.rfind(" ", len(_INDENT) + 1, cells) + 1 or cells
        rows.append(line[:end])
        line = _INDENT + line[end:]
    return [*rows, line]


class Screen:
    """The terminal; used by two threads."""

    def __init__(self, halting: float, *, wrapping: bool) -> None:
        """`halting`: seconds before each output, as on a machine that has much else to do.

        `wrapping`: divide lines into rows, at blanks where there are some; else the terminal does it, anywhere.
        """
        self._halting = halting
        self.wrapping = wrapping or fault("event-rows-like-text")
        self._lock = threading.Lock()
        self._prompt = ""
        self._typed = ""

    def show(self, *lines: str, marked: bool = False) -> None:
        """Show lines; `marked`: in reverse video, as no text of a user ever is [CLIENT-12]."""
        marks = ("\x1b[7m", "\x1b[0m") if marked else ("", "")
        with self._lock:
            erased = "" if fault("half-torn") else "\r\x1b[K"
            self._write(erased + "".join(self._marked(row, number, marks) for number, row in self._rows(lines)))
            if not fault("half-torn"):
                self._draw()

    def draw(self, typed: str) -> None:
        """Draw the line being typed."""
        with self._lock:
            self._typed = typed
            self._draw()

    def prompt(self, prompt: str) -> None:
        """Set what stands before the line being typed."""
        with self._lock:
            self._prompt = prompt
            self._draw()

    def leave(self) -> None:
        """Take the prompt and what was typed away."""
        with self._lock:
            self._write("\r\x1b[K")

    def write_last(self, line: str) -> None:
        """Write a line when all is over."""
        self._write("".join(f"{row}\n" for _, row in self._rows((line,))))

    def _rows(self, lines: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Yield the rows of lines, each with its number among those of its line."""
        for line in lines:
            yield from enumerate(_divided(line, os.get_terminal_size().columns - _MARGIN) if self.wrapping else [line])

    def _marked(self, row: str, number: int, marks: tuple[str, str]) -> str:
        begin, end = ("", "") if number and fault("event-rows-like-text") else marks
        return f"{begin}{row}{end}\n"

    def _draw(self) -> None:
        """Draw the prompt and as much of the end of the line as has a place."""
        room = os.get_terminal_size().columns - 1 - len(self._prompt)
        seen = harmless(self._typed)[-max(room, 10) :]
        while sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in seen) > room > 10:
            seen = seen[1:]
        self._write(f"\r\x1b[K{self._prompt}{seen}")

    def _write(self, text: str) -> None:
        if fault("no-screen"):
            return
        time.sleep(self._halting)
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
