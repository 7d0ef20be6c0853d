"""A terminal in which a client runs: keys go in, and what comes out is drawn on a screen, as a person would see it."""

import contextlib
import os
import selectors
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pexpect
import pyte

from conformance.wire.transcript import Transcript

COLUMNS, ROWS = 80, 24
_CHUNK = 65536  # octets that are read or written at once
_ALTERNATE = (b"\x1b[?1049h", b"\x1b[?1047h", b"\x1b[?47h")
# The shell outlives an interrupt and the client, so that it can tell in which mode the terminal was left. It writes
# that to files: what is on the screen is the client's alone.
_SCRIPT = """trap : INT QUIT; notes=$1; shift
stty -g >"$notes/before"; stty -a >"$notes/before-told"
"$@"; echo $? >"$notes/status"
stty -g >"$notes/after"; stty -a >"$notes/after-told"
"""


class Screen(pyte.Screen):
    """A screen that keeps the rows that scroll out at its top."""

    def __init__(self, columns: int, rows: int) -> None:
        self.gone: list[str] = []
        super().__init__(columns, rows)

    def index(self) -> None:
        """Move down, and scroll at the bottom."""
        top, bottom = self.margins or (0, self.lines - 1)
        if self.cursor.y == bottom:
            self._keep(top)
        super().index()

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Change the size; rows that find no place are at the top."""
        for row in range(max(self.lines - (lines or self.lines), 0)):
            self._keep(row)
        super().resize(lines, columns)

    def _keep(self, row: int) -> None:
        cells = self.buffer[row]
        self.gone.append("".join(cells[column].data for column in range(self.columns)).rstrip())


class Terminal:
    """A terminal with one program in it; ended with `close`."""

    def __init__(
        self, argv: list[str], transcript: Transcript, selector: selectors.BaseSelector, columns: int = COLUMNS
    ) -> None:
        """Start `argv`, in so many columns; raises pexpect.ExceptionPexpect or OSError where that cannot be."""
        self.screen = Screen(columns, ROWS)
        self.output = b""  # all that came, as it came
        self.ended = False
        self._stream = pyte.ByteStream(self.screen)
        self._transcript = transcript
        self._selector = selector
        self._keys = bytearray()
        self._notes = tempfile.TemporaryDirectory(prefix="flurfunk-")
        arguments = ["-c", _SCRIPT, "sh", self._notes.name, *argv]
        environment = _environment(os.environ, self._notes.name)
        child: Any = pexpect.spawn("/bin/sh", arguments, dimensions=(ROWS, columns), env=environment)
        child.delayafterclose = child.ptyproc.delayafterclose = 0  # or else it sleeps
        self._child = child
        self._fd: int = self._child.child_fd
        os.set_blocking(self._fd, False)
        selector.register(self._fd, selectors.EVENT_READ, self)

    # ------------------------------------------------------------ what a person does

    def press(self, keys: bytes) -> None:
        """Press keys, which the terminal takes when it can."""
        self._transcript.sent("user", keys)
        if not self.ended:
            self._keys += keys
            self._watch()

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window."""
        self._transcript.event("user", f"makes the window {columns} columns by {rows} rows")
        self.screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        self._transcript.event("user", f"sends {number.name}")
        os.killpg(self._child.pid, number)

    # ------------------------------------------------------------ what a person sees

    @property
    def shown(self) -> list[str]:
        """The rows on the screen, without blanks at their ends; empty ones too."""
        return [row.rstrip() for row in self.screen.display]

    @property
    def rows(self) -> list[str]:
        """All rows that are not empty, those that have scrolled out first."""
        return [row for row in (*self.screen.gone, *self.shown) if row]

    @property
    def looks(self) -> list[tuple[str, tuple[object, ...]]]:
        """The rows on the screen that are not empty, each with how its characters look: colours, bold and so on."""
        found: list[tuple[str, tuple[object, ...]]] = []
        for number, row in enumerate(self.shown):
            cells = [self.screen.buffer[number][column] for column in range(len(row))]
            if row:
                found.append((row, tuple(cell._replace(data="") for cell in cells)))
        return found

    @property
    def has_scrollback(self) -> bool:
        """Whether what scrolls out is kept by the terminal: not where the program has taken the whole screen."""
        return not any(switch in self.output for switch in _ALTERNATE)

    # ------------------------------------------------------------ how it ended

    @property
    def unsent(self) -> int:
        """How many octets of what was pressed the terminal has not yet taken."""
        return len(self._keys)

    @property
    def status(self) -> int | None:
        """The exit status of the program, as a shell tells it; None before its end."""
        note = self._note("status")
        return int(note) if note else None

    def changed_mode(self) -> str:
        """Return the words of stty that tell how the mode of the terminal differs from before; empty if it does not."""
        if self._note("before") == self._note("after"):
            return ""
        before, after = self._note("before-told").split(), self._note("after-told").split()
        return " ".join(word for word in after if word not in before) or self._note("after") or "nothing is known"

    def close(self) -> None:
        """End the program and all that it started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        if not self.ended:
            self._leave()
        with contextlib.suppress(pexpect.ExceptionPexpect, OSError):
            self._child.wait()
        with contextlib.suppress(pexpect.ExceptionPexpect, OSError):
            self._child.close(force=True)
        self._notes.cleanup()

    # ------------------------------------------------------------ what the scene calls

    def on_ready(self, mask: int) -> None:
        """Read or write as far as the terminal allows now."""
        if mask & selectors.EVENT_WRITE and self._keys:
            with contextlib.suppress(BlockingIOError):
                del self._keys[: os.write(self._fd, self._keys[:_CHUNK])]
            self._watch()
        if mask & selectors.EVENT_READ:
            self._read()

    def _read(self) -> None:
        try:
            octets = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError:  # nobody has the terminal open any more
            octets = b""
        if not octets:
            self._transcript.event("client", f"the program has ended, with status {self.status}")
            self._leave()
            return
        self.output += octets
        self._stream.feed(octets)

    def _watch(self) -> None:
        self._selector.modify(self._fd, selectors.EVENT_READ | (selectors.EVENT_WRITE if self._keys else 0), self)

    def _leave(self) -> None:
        self.ended = True
        self._keys.clear()
        self._selector.unregister(self._fd)

    def _note(self, name: str) -> str:
        path = Path(self._notes.name, name)
        return path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""


def _environment(environment: Mapping[str, str], folder: str) -> dict[str, str]:
    """Return an environment in which the size and the kind of the terminal are those of this one.

    What a client keeps of its user, settings and history, it finds and leaves in `folder`: not those of whoever
    runs the suite.
    """
    kept = {name: value for name, value in environment.items() if name not in ("LINES", "COLUMNS")}
    own = {"XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
    return {**kept, **own, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
