"""A program in tmux: a terminal that people use, and a third one beside the two that the tests draw themselves.

It is asked by its command what is on its screen and where its cursor is, so nothing has to be installed for Python.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import pytest

from tests.support import DEADLINE
from tests.terminal import CLIENT

TMUX = shutil.which("tmux")
needs_tmux = pytest.mark.skipif(TMUX is None, reason="tmux is not installed")
_PAUSE = 0.05  # seconds between two looks at the screen
_KEYS = 200  # octets that are typed by one command


class Tmux:
    """A window of tmux of `columns` by `rows` in which a program runs; a context."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        program: Sequence[str] = (sys.executable, str(CLIENT)),
    ) -> None:
        """`arguments`: the program's; `program`: its command."""
        assert TMUX
        self._folder = tempfile.TemporaryDirectory(prefix="flurfunk-tmux-")
        # The server of tmux is this test's own, and reads nobody's settings.
        self._tmux = [TMUX, "-u", "-f", os.devnull, "-S", str(Path(self._folder.name, "socket"))]
        self._run("new-session", "-d", "-x", str(columns), "-y", str(rows), "sleep infinity")
        self._run("set-option", "-g", "window-size", "manual")
        self._run("set-option", "-g", "remain-on-exit", "on")
        self._run("respawn-pane", "-k", shlex.join([*program, *arguments]))

    def _run(self, *command: str) -> str:
        done = subprocess.run([*self._tmux, *command], capture_output=True, text=True, check=False, timeout=DEADLINE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def press(self, keys: str) -> None:
        """Type keys, as they are."""
        octets = [f"{octet:02x}" for octet in keys.encode()]
        for begin in range(0, len(octets), _KEYS):
            self._run("send-keys", "-H", *octets[begin : begin + _KEYS])

    def paste(self, text: str) -> None:
        """Paste, as a person does: marked where the program asked for that."""
        self._run("set-buffer", text)
        self._run("paste-buffer", "-p")

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window, and wait until the program can know of it, which tmux puts off."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))
        with open(self._run("display-message", "-p", "#{pane_tty}").strip(), "rb", buffering=0) as terminal:
            self.until(lambda: os.get_terminal_size(terminal.fileno()) == (columns, rows))

    @property
    def lines(self) -> list[str]:
        """The rows that are not empty, without blanks at their ends; those that have scrolled out first."""
        return [row.rstrip() for row in self._run("capture-pane", "-p", "-S", "-").splitlines() if row.strip()]

    @property
    def visible(self) -> list[str]:
        """The rows that are not empty and on the screen, without blanks at their ends."""
        return [row.rstrip() for row in self._run("capture-pane", "-p").splitlines() if row.strip()]

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, from 0."""
        column, row = self._run("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(row)

    @property
    def typed(self) -> str:
        """The row of the cursor, without blanks at its end."""
        rows = self._run("capture-pane", "-p").splitlines()
        _, row = self.cursor
        return rows[row].rstrip() if row < len(rows) else ""

    @property
    def ended(self) -> bool:
        """Whether the program has ended."""
        return self._run("display-message", "-p", "#{pane_dead}").strip() == "1"

    @property
    def look(self) -> str:
        """The screen with its colours, as sequences of escapes: for a person."""
        return self._run("capture-pane", "-p", "-e")

    def until(self, seen: Callable[[], bool]) -> None:
        """Wait until something is to be seen; raises AssertionError, with the screen, when it does not come."""
        deadline = time.monotonic() + DEADLINE
        while not seen():
            assert time.monotonic() < deadline, "not to be seen:\n" + "\n".join(self.lines)
            time.sleep(_PAUSE)  # tmux tells nobody that its screen has changed

    def until_line(self, line: str) -> None:
        """Wait for a row that is exactly this."""
        self.until(lambda: line in self.lines)

    def until_typed(self, row: str) -> None:
        """Wait until the row of the cursor is exactly this."""
        self.until(lambda: self.typed == row)

    def close(self) -> None:
        """End the program, and tmux."""
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False, timeout=DEADLINE)
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
