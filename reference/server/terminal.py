"""The operator's terminal: keys for the console, and above the line being typed what the console and the log show.

All is written by the log's thread: a terminal that takes nothing holds up nobody else.  In the background, and while
the program is stopped, the terminal belongs to the shell: then it is in the mode in which it was found.
"""

import contextlib
import os
import select
import signal
import termios
import threading
from collections.abc import Callable

from reference.server.console import Console
from reference.server.journal import Journal
from reference.terminal.cells import rows, visible
from reference.terminal.editor import Editor
from reference.terminal.keymode import KeyMode
from reference.terminal.line import Line, columns, write

LOOK = 1.0  # seconds between looks whether the program is in the foreground again, while keys are for others
_SHOWN = (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)


class Terminal:
    """A terminal on which an operator types and reads."""

    def __init__(self, descriptor: int, form: str) -> None:
        """`descriptor`: of a terminal, for both ways; `form`: of the log, one of the journal's.

        Raises termios.error where it is no terminal.
        """
        self._descriptor = descriptor
        self._keys = KeyMode(descriptor)
        self._console: Console | None = None
        self._stop: Callable[[], None] = lambda: None
        self._editor = Editor(lambda text: self._console.complete(text) if self._console else None)
        self._editing = threading.Lock()
        self._out = open(descriptor, "wb", buffering=0, closefd=False)  # noqa: SIM115
        self._line = Line(self._out, os.environ, self._view)
        self._open = False
        self._drawn = False  # the line stands on the screen
        self._column = 0  # of the cursor, as the terminal has answered; 0: it has not
        self.journal = Journal(self._write, form)

    def open(self, console: Console, stop: Callable[[], None]) -> None:
        """Begin to read keys, in a thread of its own; `stop` ends the server, as Ctrl-\\ does.  In the main thread."""
        self._console = console
        self._stop = stop
        self._open = True
        for number in (*_SHOWN, signal.SIGQUIT):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as whoever started it wished
                signal.signal(number, lambda number, _: self._signalled(number))
        self._enter()
        threading.Thread(target=self._read, name="console", daemon=True).start()

    def close(self) -> None:
        """Show what is not shown yet, for a short time, and leave the terminal as it was found.  In the main thread."""
        for number in (*_SHOWN, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        self._open = False
        self.journal.show()
        self.journal.close()
        self._leave()

    # ------------------------------------------------------------ signals, in the main thread

    def _signalled(self, number: int) -> None:
        if number == signal.SIGTSTP:
            self._leave()
            with contextlib.suppress(OSError):
                self._line.unmark()
            handler = signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
            signal.signal(number, handler)
        if number in _SHOWN:
            self._enter()
        else:
            self._stop()

    def _enter(self) -> None:
        """Take the terminal for keys, where it is not the shell's, and draw the line."""
        if self._open and self._in_foreground():
            with contextlib.suppress(termios.error):  # the terminal is gone
                self._keys.enter()
        self.journal.show()

    def _leave(self) -> None:
        """Give the terminal back as it was found, if it was not given back before: from the background, none can be."""
        if self._in_foreground():
            self._keys.leave()

    def _in_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return True  # it is not this process's controlling terminal, so no shell's

    # ------------------------------------------------------------ keys, in a thread of their own

    def _read(self) -> None:
        """Carry out what is typed, until `exit` or until the terminal has hung up, which ends nothing else [OPER-8]."""
        going = True
        while going:
            select.select([self._descriptor], [], [])  # not every system's poll takes a terminal
            if not self._in_foreground():
                self._wait_for_foreground()
                continue
            try:
                octets = os.read(self._descriptor, 4096)
            except OSError:
                break
            going = bool(octets) and self._typed(octets)

    def _wait_for_foreground(self) -> None:
        pause = threading.Event()
        while not self._in_foreground():
            pause.wait(LOOK)
        self._enter()

    def _typed(self, octets: bytes) -> bool:
        """Take keys; return whether to go on."""
        assert self._console
        with self._editing:
            lines, news = self._editor.feed(octets), self._editor.news()
            choices, ended = self._editor.choices, self._editor.ended
            self._editor.ended = False
            column, self._editor.column = self._editor.column, 0
        self._column = column or self._column
        if news:
            self.journal.show("\n".join(f"- {text}" for text in news))
        for line in lines:
            self.journal.show(f"> {line.decode(errors='replace')}")
            if not self._console.carry_out(line):
                return False
        if choices:
            self.journal.show("  ".join(choices))
        elif ended:
            self.journal.show("The console goes on; exit ends the server.")
        else:
            self.journal.show()
        return True

    # ------------------------------------------------------------ the screen, in the journal's thread

    @property
    def _prompts(self) -> tuple[str, ...]:
        assert self._console
        with self._editing:
            question = self._editor.prompt
        return (question,) if question else self._console.prompts

    def _view(self, cells: int) -> tuple[str, str]:
        with self._editing:
            return self._editor.view(cells)

    def _write(self, text: str) -> None:
        """Write lines that may hold anybody's text; raises OSError where the terminal is gone."""
        cells = columns(self._out) - 1
        lines = text.removesuffix("\n").split("\n") if text else []
        shown = "".join(f"{row}\n" for line in lines for row in rows(visible(line), cells))
        ours = self._in_foreground()
        column, self._column = self._column, 0
        if column:
            self._line.located(column)
        if self._console and self._open and ours:
            self._line.show(shown, *self._prompts)
        elif self._drawn and ours:
            self._line.remove(shown)
        else:
            write(self._out, shown)
        self._drawn = self._open and ours
