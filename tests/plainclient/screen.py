"""What the user sees: lines, made harmless, above a prompt and the line being typed."""

import os
import re
import sys
import threading
import time
import unicodedata

from tests.plainclient.faults import fault

_C0, _C1 = "\x00-\x1f\x7f", "\x80-\x9f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = "\u00ad\u180e\u200b-\u200d\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"


def harmless(text: str) -> str:
    """Return a text with a visible sign for each character that could do something to a terminal [CLIENT-9]."""
    kept = {"controls-raw": _C0, "c1-raw": _C1, "bidi-raw": _BIDI, "invisible-raw": _INVISIBLE}
    unsafe = "".join(characters for name, characters in kept.items() if not fault(name))
    return re.sub(f"[{unsafe}]", lambda found: f"\\u{ord(found[0]):04x}", text)


class Screen:
    """The terminal; used by two threads."""

    def __init__(self, halting: float) -> None:
        """`halting`: seconds before each output, as on a machine that has much else to do."""
        self._halting = halting
        self._lock = threading.Lock()
        self._prompt = ""
        self._typed = ""

    def show(self, *lines: str, marked: bool = False) -> None:
        """Show lines; `marked`: in reverse video, as no text of a user ever is [CLIENT-12]."""
        marks = ("\x1b[7m", "\x1b[0m") if marked else ("", "")
        with self._lock:
            erased = "" if fault("half-torn") else "\r\x1b[K"
            self._write(erased + "".join(f"{marks[0]}{line}{marks[1]}\n" for line in lines))
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
        self._write(f"{line}\n")

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
