"""The terminal's show while checks run: one line, written over and over; and the colours of verdicts."""

import contextlib
import os
import re
import shutil
import sys
import threading
from collections.abc import Mapping
from typing import TextIO

from conformance.judging.verdict import Verdict
from conformance.reports.document import clean

_COLOURS = {
    Verdict.PASS: "32",
    Verdict.FAIL: "1;31",
    Verdict.WARN: "33",
    Verdict.SKIP: "2",
    Verdict.XFAIL: "35",
    Verdict.XPASS: "1;35",
    Verdict.INCONCLUSIVE: "36",
    Verdict.ERROR: "1;31",
}
# A verdict begins what explains a result, and stands after the level in the table.
_SHOWN = re.compile(rf"^((?:[A-Z]+-\d+ +(?:MUST|SHOULD|MAY) +)?)({'|'.join(Verdict)})\b", re.MULTILINE)
_BACK = "\r\x1b[2K"  # to the beginning of the line, which is cleared


def coloured(text: str, stream: TextIO, environment: Mapping[str, str] = os.environ) -> str:
    """Return a text with its verdicts coloured, where the stream is a terminal and NO_COLOR is not set."""
    if not _is_terminal(stream, environment) or environment.get("NO_COLOR"):
        return text
    return _SHOWN.sub(lambda found: f"{found[1]}\x1b[{_COLOURS[Verdict(found[2])]}m{found[2]}\x1b[0m", text)


def say(text: str = "") -> None:
    """Print a text, its verdicts coloured; whatever a subject has put into it does nothing to the terminal.

    Raises OSError where it cannot be printed.
    """
    print(coloured(clean(text), sys.stdout), flush=True)


def complain(text: object, status: int) -> int:
    """Print one complaint, where that can be; return the exit status that goes with it."""
    with contextlib.suppress(OSError):
        print(f"flurfunk-conformance: {clean(str(text))}", file=sys.stderr, flush=True)
    return status


def print_into_nothing() -> None:
    """Let what is printed from here on go nowhere, since nobody reads it any more."""
    with open(os.devnull, "w") as nothing, contextlib.suppress(OSError, ValueError):
        os.dup2(nothing.fileno(), sys.stdout.fileno())


class Progress:
    """The line that tells how far a run is; nothing where the stream is no terminal, or in CI."""

    def __init__(self, total: int, stream: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._total = total
        self._done = 0
        self._stream = stream
        self._shown = _is_terminal(stream, environment) and not environment.get("CI")
        self._lock = threading.Lock()

    def begins(self, identifier: str) -> None:
        """A check begins; from whichever thread."""
        with self._lock:
            self._show(identifier)

    def ended(self) -> None:
        """A check ended."""
        with self._lock:
            self._done += 1

    def clear(self) -> None:
        """Take the line away, before something else is written or at the end."""
        with self._lock:
            self._write(_BACK)

    def _show(self, identifier: str) -> None:
        if self._shown:
            width = shutil.get_terminal_size().columns - 1
            line = f"{self._done}/{self._total}  {identifier}"
            self._write(_BACK + line[:width])

    def _write(self, text: str) -> None:
        if self._shown:
            try:
                self._stream.write(text)
                self._stream.flush()
            except OSError:  # the window is closed
                self._shown = False


def _is_terminal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    return stream.isatty() and environment.get("TERM") != "dumb"
