"""Server processes that the suite starts: in a terminal or with pipes, what they show, how they end."""

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from math import inf

import pexpect

from conformance.wire.failure import Failed
from conformance.wire.listening import in_words, listening
from conformance.wire.port import Port
from conformance.wire.transcript import Transcript

START_SECONDS = 10.0  # from starting the command to accepting connections
STOP_SECONDS = 10.0  # section 12: from `exit` to the end of the program
_POLL_SECONDS = 0.02
_PART_SECONDS = 1.0
_LAST_LINES = 3  # that are told of a program that ended
_LOOK_SECONDS = 0.3  # between two looks at what a program does that does not accept connections
_SETTLED_SECONDS = 1.0  # in which a program does nothing that listens elsewhere, and means to
_KEPT_TIMES = 4096  # of what a console showed
_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_NO_LIMITS = {"clients": 1000, "seconds": 0, "stall": 30}

Address = tuple[str, int]


class UnreachableError(Exception):
    """The server under test cannot be reached; the message says why, in one line."""


class Running(ABC):
    """A server process of ours, with its console."""

    def __init__(self, port: Port) -> None:
        """`port`: where it is told to listen; given back when it is stopped."""
        self.address = ("127.0.0.1", port.number)
        self._port = port
        self.transcript = Transcript()  # notes what is typed, signals, and the end
        self.on_typing: Callable[[bytes], None] = lambda octets: None  # asked before anything is typed
        self.told_to_end = False  # by `exit` on its console, or by a signal
        self._end_told = False
        self._stopped = False
        self._ended: int | None = None
        self._output = b""
        self._times: deque[tuple[float, int]] = deque(maxlen=_KEPT_TIMES)  # when, and how much it had shown then
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._drain, daemon=True)

    @property
    @abstractmethod
    def pid(self) -> int:
        """The process that was started; it leads a process group."""

    @property
    def output(self) -> bytes:
        """All that the console has shown so far."""
        with self._news:
            return self._output

    def say(self, text: str) -> None:
        """Type one line on the console."""
        self.write(text.encode() + b"\n")

    def write(self, octets: bytes) -> None:
        """Type octets on the console, Enter for each LF where it is a terminal; raises Failed where nobody reads."""
        self.on_typing(octets)
        self.transcript.typed(octets)
        with self._while_it_runs("the program reads what is typed on its console"):
            self._write(octets)
        self.told_to_end = self.told_to_end or b"exit" in octets.splitlines()

    @abstractmethod
    def _write(self, octets: bytes) -> None:
        """Write octets to the console; raises OSError."""

    def end_input(self) -> None:
        """End the console's input; raises Failed where the program has ended."""
        with self._while_it_runs("the program runs when its console's input ends"):
            self._end_input()

    @abstractmethod
    def _end_input(self) -> None:
        """End the console's input; raises OSError."""

    @contextlib.contextmanager
    def _while_it_runs(self, what: str) -> Iterator[None]:
        """Make of an OSError that the program has ended, where it has."""
        try:
            yield
        except OSError as error:
            self._reader.join(_PART_SECONDS)  # it may still be ending
            status = self.status()
            if status is None:
                raise Failed(what, str(error.strerror)) from error
            raise Failed(what, f"it ended by itself, with {named(status)}{self.last_words()}") from error

    @abstractmethod
    def status(self) -> int | None:
        """Return the exit status, negative for a signal; None while the program runs."""

    @property
    def ended_by_itself(self) -> int | None:
        """The exit status of a program that ended untold, negative for a signal; None for any other."""
        if not self._stopped and not self.told_to_end:
            self._ended = self.status()
        return self._ended

    def mark(self) -> int:
        """Return a place in the output, for `shows`."""
        with self._news:
            return len(self._output)

    def mark_at(self, moment: float) -> int:
        """Return the place in the output to which it had come at a moment of time.monotonic."""
        with self._news:
            return next((length for when, length in reversed(self._times) if when < moment), 0)

    def shows(self, wanted: Callable[[str], bool], since: int, seconds: float) -> str:
        """Wait until the text that the console shows since a mark is as wanted; return the text in either case."""
        end = time.monotonic() + seconds
        with self._news:
            while not wanted(plain(self._output[since:])) and time.monotonic() < end:
                self._news.wait(end - time.monotonic())
            return plain(self._output[since:])

    def await_output(self, seconds: float) -> None:
        """Wait until the console shows more, or so many seconds are over."""
        with self._news:
            self._news.wait(seconds)

    def last_words(self) -> str:
        """Return the last lines of a program that has ended, shortened, as the end of a sentence; nothing for none."""
        said = self.shows(lambda text: False, 0, 0.1).splitlines()
        last = [line.strip()[:200] for line in said if line.strip()][-_LAST_LINES:]
        told = ", ".join(map(repr, last))
        return f"; its last line{' is' if len(last) == 1 else 's are'} {told}" if last else ""

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to the process, or to its whole group as a terminal does; raises Failed where it has ended."""
        self.transcript.signalled(number.name)
        with self._while_it_runs(f"the program runs when it gets {number.name}"):
            (os.killpg if group else os.kill)(self.pid, number)
        self.told_to_end = True

    def wait(self, seconds: float) -> int:
        """Wait for the end of the program; return its exit status, or raise Failed."""
        end = time.monotonic() + seconds
        while (status := self.status()) is None:
            if time.monotonic() > end:
                raise Failed(f"the program ends within {seconds:.0f} s", "it still runs")
            self._reader.join(_POLL_SECONDS)
            threading.Event().wait(0 if self._reader.is_alive() else _POLL_SECONDS)
        if not self._end_told:
            self._end_told = True
            self.transcript.event("server", f"ended with {named(status)}")
        return status

    def stop(self) -> None:
        """End the program and all that it started, at once."""
        self._ended, self._stopped = self.ended_by_itself, True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._reap()
        self._reader.join(1)
        self._port.give_back()

    def memory(self) -> int | None:
        """Return the octets of memory that the process group holds, where /proc tells."""
        return sum(int(words[1]) * os.sysconf("SC_PAGESIZE") for words in self._told("statm")) or None

    def busy(self) -> float | None:
        """Return for how many seconds the process group has kept processors busy so far, where /proc tells."""
        ticks = [int(word) for words in self._told("stat") for word in words[-39:-37]]  # names can have blanks
        return sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks else None

    def _told(self, file: str) -> Iterator[list[str]]:
        """Yield the words of a file in /proc for each process of the group; nothing where there is no /proc."""
        for entry in os.scandir("/proc") if os.path.isdir("/proc/self") else ():
            with contextlib.suppress(OSError, ValueError, AttributeError):
                if entry.name.isdigit() and os.getpgid(int(entry.name)) == self.pid:
                    with open(f"/proc/{entry.name}/{file}", encoding="ascii", errors="replace") as told:
                        yield told.read().split()

    @abstractmethod
    def _reap(self) -> None:
        """Wait for the killed process."""

    @abstractmethod
    def _read(self) -> bytes:
        """Return what the console shows next; nothing at the end."""

    def _drain(self) -> None:
        """Read the console for ever, so that the server never waits for us."""
        with contextlib.suppress(OSError, ValueError):
            while octets := self._read():
                with self._news:
                    self._output += octets
                    self._times.append((time.monotonic(), len(self._output)))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()


class InTerminal(Running):
    """A server whose console is a terminal."""

    def __init__(self, argv: list[str], port: Port) -> None:
        super().__init__(port)
        # Wide, so that a console that looks at the width does not wrap what is looked for.
        self._child = pexpect.spawn(argv[0], argv[1:], echo=False, dimensions=(60, 1000))
        self._reader.start()

    @property
    def pid(self) -> int:
        return int(self._child.pid or 0)

    def _write(self, octets: bytes) -> None:
        # What the Enter key sends; the terminal makes LF of it, unless the program reads keys.
        os.write(self._child.child_fd, octets.replace(b"\n", b"\r"))

    def _end_input(self) -> None:
        self._write(b"\x04")

    def status(self) -> int | None:
        if self._child.isalive():
            return None
        return -int(self._child.signalstatus) if self._child.signalstatus else int(self._child.exitstatus or 0)

    def _reap(self) -> None:
        with contextlib.suppress(pexpect.ExceptionPexpect, OSError):
            self._child.wait()

    def stop(self) -> None:
        super().stop()
        self._child.ptyproc.delayafterclose = 0  # it has ended: there is nothing to wait for
        with contextlib.suppress(pexpect.ExceptionPexpect, OSError):
            self._child.close(force=True)

    def _read(self) -> bytes:
        return os.read(self._child.child_fd, 65536)


class InPipes(Running):
    """A server whose console is a pair of pipes, as under a service manager."""

    def __init__(self, argv: list[str], port: Port) -> None:
        super().__init__(port)
        self._child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    def _write(self, octets: bytes) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(octets)
        self._child.stdin.flush()

    def _end_input(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()

    def status(self) -> int | None:
        return self._child.poll()

    def _reap(self) -> None:
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self) -> bytes:
        assert self._child.stdout is not None
        return os.read(self._child.stdout.fileno(), 65536)


def launch(
    command: str,
    *,
    terminal: bool,
    limits: Mapping[str, float | str],
    start_seconds: float = START_SECONDS,
    idle_seconds: float = inf,
    on_start: Callable[[Running], None] = lambda running: None,
) -> Running:
    """Start a command on a free port and wait until it accepts connections; `limits` are put into it.

    Raises UnreachableError, after `start_seconds` too, or where it has done nothing for `idle_seconds`; `on_start` is
    called before that.
    """
    try:
        port = Port()
    except OSError as error:
        raise UnreachableError(f"the command {command!r} cannot be started: {error.strerror}") from error
    values = {"python": shlex.quote(sys.executable), "port": port.number, **_NO_LIMITS, **limits}
    try:
        argv = shlex.split(command.format(**values))
        running = (InTerminal if terminal else InPipes)(argv, port)
    except (KeyError, IndexError, ValueError) as error:
        port.give_back()
        raise UnreachableError(f"the command {command!r} cannot be used: {error}") from error
    except (OSError, pexpect.ExceptionPexpect) as error:
        port.give_back()
        raise UnreachableError(f"the command {command!r} cannot be started: {_first_line(error)}") from error
    on_start(running)
    try:
        _wait_until_accepting(running, command, start_seconds, idle_seconds)
    except UnreachableError:
        running.stop()
        raise
    return running


def plain(output: bytes) -> str:
    """Return what a console shows as text, without escape sequences."""
    return _ESCAPES.sub(b"", output).decode("utf-8", "replace").replace("\r", "")


def named(status: int) -> str:
    """Return an exit status in words, with the signal where it tells of one."""
    by = f", by {signal.Signals(-status).name}" if -status in list(signal.Signals) else ""
    return f"status {status}{by}"


class _Idleness:
    """How long a program that does not accept connections has done nothing."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._busy: float | None = 0.0
        self._since = self._next = time.monotonic()

    def complaint(self, seconds: float) -> str:
        """Say, a few times a second, that the program listens elsewhere; or nowhere, and was idle for so long."""
        now = time.monotonic()
        if now < self._next:
            return ""
        self._next = now + _LOOK_SECONDS
        busy, before = self._running.busy(), self._busy
        self._busy = busy
        if busy is None or busy != before:
            self._since = now  # what is slow to start is at work
        idle = now - self._since
        if idle < min(_SETTLED_SECONDS, seconds):
            return ""
        if places := listening(self._running.pid):
            return in_words(places, self._running.address)
        return f"runs, listens nowhere, and has done nothing for {seconds:.0f} s" if idle > seconds else ""


def _wait_until_accepting(running: Running, command: str, seconds: float, idle_seconds: float) -> None:
    end = time.monotonic() + seconds
    idleness = _Idleness(running)
    while True:
        try:
            probe = socket.create_connection(running.address, timeout=1)
        except OSError as error:
            status = running.status()
            if status is not None:
                told = running.last_words()
                raise UnreachableError(f"{command!r} ended at once, with {named(status)}{told}") from error
            if complaint := idleness.complaint(idle_seconds):
                raise UnreachableError(f"{command!r} {complaint}") from error
            if time.monotonic() > end:
                late = in_words(listening(running.pid), running.address)
                late = late or f"does not accept connections within {seconds:.0f} s"
                raise UnreachableError(f"{command!r} {late}") from error
            running.await_output(_POLL_SECONDS)  # many servers say that they listen
            continue
        part(probe)
        return


def part(probe: socket.socket) -> None:
    """End a connection so that the server has done with it, and it takes no place from those that follow."""
    end = time.monotonic() + _PART_SECONDS
    with probe, contextlib.suppress(OSError):
        probe.settimeout(_PART_SECONDS)
        probe.shutdown(socket.SHUT_WR)
        while probe.recv(4096) and time.monotonic() < end:
            pass


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
