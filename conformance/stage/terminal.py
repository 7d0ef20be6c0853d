"""A terminal in which a client runs: keys go in, and what comes out is drawn on a screen, as a person would see it."""

import contextlib
import fcntl
import os
import select
import selectors
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping

from conformance.stage.screen import Screen, Stream
from conformance.wire.transcript import Transcript

COLUMNS, ROWS = 80, 24
_CHUNK = 65536  # octets that are read or written at once
_KEPT = 4 << 20  # octets of what came
_MOST_KEYS = 1 << 16  # octets that wait for the program: it is answered nothing where it has so many to read
_HANGS_UP_SECONDS = 3.0  # from the end of the window to the end of what does not heed it
# The shell is the first program in the terminal: the mode is lost when that one ends. It outlives an interrupt and the
# client, tells the client's exit status, and waits until the mode was looked at.
_SCRIPT = """trap : INT QUIT
exec 3<&0 4>&1 <>"$1" >&0 2>&0
shift
"$@" 3<&- 4>&-
echo $? >&4
read -r _ <&3
"""


class _Exit:
    """The shell's word on the client's end, as the scene's selector needs it."""

    def __init__(self, terminal: "Terminal") -> None:
        self.ended = False
        self._terminal = terminal

    def on_ready(self, mask: int) -> None:
        """Tell the terminal."""
        self.ended = True
        self._terminal.on_exit()


class Terminal:
    """A terminal with one program in it; ended with `close`."""

    def __init__(
        self, argv: list[str], transcript: Transcript, selector: selectors.BaseSelector, columns: int = COLUMNS
    ) -> None:
        """Start `argv`, in so many columns; raises OSError where that cannot be."""
        self.screen = Screen(columns, ROWS)
        self._size = ROWS, columns
        self.received = 0  # octets that came
        self._output = bytearray()
        self.ended = False
        self.status: int | None = None  # the exit status of the program, as a shell tells it; None before its end
        self._shown: list[str] = []
        self._changed = "nothing is known"  # how the mode differs from before
        self._stream = Stream(self.screen, self._answer)
        self._keys = bytearray()
        self._folder = tempfile.TemporaryDirectory(prefix="flurfunk-")
        self._fd, other = os.openpty()
        try:
            termios.tcsetwinsize(self._fd, (ROWS, columns))
            self._mode = termios.tcgetattr(self._fd)
            self._name = os.ttyname(other)
            self._child = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "sh", self._name, *argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=other,  # so that the terminal has not ended before the shell opens it
                bufsize=0,
                start_new_session=True,
                env=_environment(os.environ, self._folder.name),
            )
            assert self._child.stdin
            assert self._child.stdout
            self._hold, self._notes = self._child.stdin, self._child.stdout
        except BaseException:
            os.close(self._fd)
            self._folder.cleanup()
            raise
        finally:
            os.close(other)
        os.set_blocking(self._fd, False)
        self._exit = _Exit(self)
        self.enter(transcript, selector)

    # ------------------------------------------------------------ going from one scene to the next

    def leave(self) -> None:
        """Leave the scene; what is on the screen stays, and what has scrolled out is forgotten."""
        self._unwatch()
        self._output.clear()
        self.screen.gone.clear()

    def enter(self, transcript: Transcript, selector: selectors.BaseSelector) -> None:
        """Enter a scene, whose transcript and selector these are."""
        self._transcript, self._selector = transcript, selector
        self._watched = {self._fd, self._notes.fileno()}
        selector.register(self._fd, selectors.EVENT_READ, self)
        selector.register(self._notes, selectors.EVENT_READ, self._exit)

    # ------------------------------------------------------------ what a person does

    def press(self, keys: bytes) -> None:
        """Press keys, which the terminal takes when it can."""
        self._transcript.sent("user", keys)
        if not self.ended:
            self._keys += keys
            self._watch()

    def _answer(self, octets: bytes) -> None:
        """Type what the terminal answers to a question of the program."""
        if not self.ended and len(self._keys) < _MOST_KEYS:
            self._keys += octets
            self._watch()

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window."""
        self._transcript.event("user", f"makes the window {columns} columns by {rows} rows")
        self.screen.resize(rows, columns)
        self._shown = []
        termios.tcsetwinsize(self._fd, (rows, columns))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        self._transcript.event("user", f"sends {number.name}")
        os.killpg(self._child.pid, number)
        if number is signal.SIGSTOP:  # it has not happened yet
            os.waitid(os.P_PID, self._child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    # ------------------------------------------------------------ what a person sees

    @property
    def shown(self) -> list[str]:
        """The rows on the screen, without blanks at their ends; empty ones too."""
        self._shown = self._shown or self.screen.text
        return self._shown

    @property
    def rows(self) -> list[str]:
        """All rows that are not empty, those that have scrolled out first."""
        return [*self.screen.gone, *filter(None, self.shown)]

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
        return not self._stream.took_whole_screen

    @property
    def output(self) -> bytes:
        """The octets that came in this scene: the last few megabytes at least."""
        return bytes(self._output)

    @property
    def changed_size(self) -> bool:
        """Whether the window has another size than at the beginning."""
        return (self.screen.lines, self.screen.columns) != self._size

    # ------------------------------------------------------------ how it ended

    @property
    def unsent(self) -> int:
        """How many octets of what was pressed the terminal has not yet taken."""
        return len(self._keys)

    @property
    def unread(self) -> int:
        """How many octets of what was pressed the terminal has taken, and the program has not yet read."""
        with contextlib.suppress(OSError):
            other = os.open(self._name, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                return int.from_bytes(fcntl.ioctl(other, termios.FIONREAD, bytes(4)), sys.byteorder)
            finally:
                os.close(other)
        return 0

    def changed_mode(self) -> str:
        """Return how the mode of the terminal differs from before, as stty tells it; empty if it does not."""
        return self._changed

    def close(self) -> None:
        """End the program and all that it started: the window is closed, and what does not heed that is killed."""
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):  # a wrapper ends at them what it has started
            self._tell_group(number)
        if not self.ended:
            self._await_end()
        self._tell_group(signal.SIGKILL)
        self._child.wait()
        self._unwatch()
        self.ended = True
        for stream in (self._hold, self._notes):
            stream.close()
        os.close(self._fd)
        self._folder.cleanup()

    def _tell_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, number)

    def _await_end(self) -> None:
        """Read what comes, without looking at it, until nobody has the terminal open, for a while at most."""
        end = time.monotonic() + _HANGS_UP_SECONDS
        with contextlib.suppress(OSError):
            while (left := end - time.monotonic()) > 0:
                if select.select([self._fd], [], [], left)[0] and not os.read(self._fd, _CHUNK):
                    return

    # ------------------------------------------------------------ what the scene calls

    def on_ready(self, mask: int) -> None:
        """Read or write as far as the terminal allows now."""
        if mask & selectors.EVENT_WRITE and self._keys:
            with contextlib.suppress(BlockingIOError):
                del self._keys[: os.write(self._fd, self._keys[:_CHUNK])]
            self._watch()
        if mask & selectors.EVENT_READ:
            self._read()

    def on_exit(self) -> None:
        """Note the exit status, and how the mode of the terminal differs from before; then let the shell end."""
        self._unwatch(self._notes.fileno())
        if told := self._notes.read(_CHUNK):  # nothing where the shell was ended, too
            self.status = int(told)
            self._changed = self._changes()
        self._hold.close()

    def _changes(self) -> str:
        """Return the words of stty that are there now and were not before."""
        mode = termios.tcgetattr(self._fd)
        if mode == self._mode:
            return ""
        now = self._told_by_stty()
        termios.tcsetattr(self._fd, termios.TCSANOW, self._mode)
        before = self._told_by_stty()
        return " ".join(word for word in now if word not in before) or f"{mode}"

    def _told_by_stty(self) -> list[str]:
        return subprocess.run(["stty", "-a"], stdin=self._fd, capture_output=True, check=True, text=True).stdout.split()

    def _read(self) -> None:
        try:
            octets = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError:  # nobody has the terminal open any more
            octets = b""
        if not octets:
            self._transcript.event("client", f"the program has ended, with status {self.status}")
            self.ended = True
            self._keys.clear()
            self._unwatch(self._fd)
            return
        self.received += len(octets)
        self._output += octets
        if len(self._output) > 2 * _KEPT:
            del self._output[:-_KEPT]
        self._stream.feed(octets)
        self._shown = []

    def _watch(self) -> None:
        self._selector.modify(self._fd, selectors.EVENT_READ | (selectors.EVENT_WRITE if self._keys else 0), self)

    def _unwatch(self, *descriptors: int) -> None:
        """Let the scene's selector forget these, or all."""
        for descriptor in self._watched.intersection(descriptors or self._watched):
            self._watched.remove(descriptor)
            self._selector.unregister(descriptor)


def _environment(environment: Mapping[str, str], folder: str) -> dict[str, str]:
    """Return an environment in which the size and the kind of the terminal are those of this one.

    A client finds and leaves its user's settings and history in `folder`: they are not those of the person who runs
    the suite.
    """
    kept = {name: value for name, value in environment.items() if name not in ("LINES", "COLUMNS")}
    own = {"XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
    return {**kept, **own, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
