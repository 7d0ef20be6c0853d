"""Server processes that the suite starts: in a terminal or with pipes, what they show, how they end."""

import contextlib
import errno
import functools
import os
import re
import select
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from math import inf
from pathlib import Path
from queue import SimpleQueue

import pexpect

from conformance.wire.address import Address
from conformance.wire.failure import Failed
from conformance.wire.interrupts import whole
from conformance.wire.listening import in_words, listening
from conformance.wire.port import Port
from conformance.wire.tls import Trust
from conformance.wire.transcript import Transcript

START_SECONDS = 10.0  # from starting the command to accepting connections
STOP_SECONDS = 10.0  # section 12: from `exit` to the end of the program
_POLL_SECONDS = 0.02
_PART_SECONDS = 1.0
_LEAST_SECONDS = 0.002  # between two attempts to connect, however much a program prints
_IDLE_SECONDS = 3.0  # in which a program that accepts, is silent and does nothing has started, and means to be so
_END_SECONDS = 3.0  # from SIGTERM to SIGKILL: a wrapper ends what it started meanwhile
_ATTEMPTS = 3  # to start a program, where somebody else takes its port meanwhile
_KEPT = 1 << 20  # octets of what a console showed
_LAST_LINES = 3  # that are told of a program that ended
_LOOK_SECONDS = 0.3  # between two looks at what a program does that does not accept connections
_SETTLED_SECONDS = 1.0  # in which a program does nothing that listens elsewhere, and means to
_KEPT_TIMES = 4096  # of what a console showed
_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_SCRIPT = (
    "the signal went to the first process of the command, and ended it: if that is a start script, let it start the "
    "server with exec, or pass signals on"
)
_NO_LIMITS: Mapping[str, float | str] = {"clients": 1000, "seconds": 0, "stall": 30, "cluster": "alone", "node": 0}


class _Shown:
    """The octets that a console has shown: how many in all, and the last of them."""

    def __init__(self) -> None:
        self.count = 0
        self._last = bytearray()

    def add(self, octets: bytes) -> None:
        """Add octets; those that are too many are forgotten, now and then."""
        self.count += len(octets)
        self._last += octets
        if len(self._last) > 2 * _KEPT:
            del self._last[:-_KEPT]

    def between(self, since: int, until: int) -> bytes:
        """Return the octets between two places, as far as they are kept."""
        begin = self.count - len(self._last)
        return bytes(self._last[max(since - begin, 0) : max(until - begin, 0)])


def _tell_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


class UnreachableError(Exception):
    """The server under test cannot be reached; the message says why, in one line."""


class Running(ABC):
    """A server process of ours, with its console."""

    several = False  # whether it is of several programs

    def __init__(self, port: Port) -> None:
        """`port`: where it is told to listen; given back when it is stopped."""
        self.address: Address = ("127.0.0.1", port.number)
        self.port = port
        self.transcript = Transcript()  # notes what is typed, signals, and the end
        self.on_typing: Callable[[bytes], None] = lambda octets: None  # asked before anything is typed
        self.told_to_end = False  # by `exit` on its console, or by a signal
        self._end_told = False
        self._stopped = False
        self._had_others = False  # a signal went to its first process alone, and there were others
        self._asked = 0.0  # when it was asked to end, in time.monotonic
        self._ended: int | None = None
        self._shown = _Shown()
        self._times: deque[tuple[float, int]] = deque(maxlen=_KEPT_TIMES)  # when, and how much it had shown then
        self._news = threading.Condition()
        self._passed_on: SimpleQueue[bytes] | None = None
        self._shows_nothing_more = False
        self._reader = threading.Thread(target=self._drain, daemon=True)

    @property
    @abstractmethod
    def pid(self) -> int:
        """The process that was started; it leads a process group."""

    @property
    def ports(self) -> list[int]:
        """Where it listens."""
        return [self.port.number]

    def entrance(self, *, together: bool = False) -> Address:
        """Return where the next client connects; `together`: where all do, although there are several programs."""
        return self.address

    def pass_on(self, shown: "SimpleQueue[bytes]") -> None:
        """Put all that the console shows there, too, and nothing for its end."""
        with self._news:
            self._passed_on = shown
            if earlier := self._shown.between(0, self._shown.count):
                shown.put(earlier)
            if self._shows_nothing_more:
                shown.put(b"")

    @property
    def output(self) -> bytes:
        """The last megabyte, at least, of what the console has shown so far."""
        return self.shown_between(0)

    def shown_between(self, since: int, until: int | None = None) -> bytes:
        """Return what the console has shown between two places, or since one, as far as it is kept."""
        with self._news:
            return self._shown.between(since, self._shown.count if until is None else until)

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
    def stopped(self) -> bool:
        """Whether it was asked to end, or is being ended."""
        return self._stopped

    @property
    def ended_by_itself(self) -> int | None:
        """The exit status of a program that ended untold, negative for a signal; None for any other."""
        if not self._stopped and not self.told_to_end:
            self._ended = self.status()
        return self._ended

    def mark(self) -> int:
        """Return a place in the output, for `shows`."""
        with self._news:
            return self._shown.count

    def mark_at(self, moment: float) -> int:
        """Return the place in the output to which it had come at a moment of time.monotonic."""
        with self._news:
            return next((length for when, length in reversed(self._times) if when < moment), 0)

    def shows(self, wanted: Callable[[str], bool], since: int, seconds: float) -> str:
        """Wait until the text that the console shows since a mark is as wanted; return the text in either case."""
        end = time.monotonic() + seconds
        while True:
            began = time.monotonic()
            with self._news:
                octets, count = self._shown.between(since, self._shown.count), self._shown.count
            text = plain(octets)
            if wanted(text) or time.monotonic() >= end:
                return text
            looked = time.monotonic() - began
            with self._news:
                self._news.wait_for(functools.partial(self._shows_more, count), end - time.monotonic())
            threading.Event().wait(min(looked, max(end - time.monotonic(), 0)))  # a flood is not looked at all the time

    def shows_in_the_end(self, wanted: Callable[[str], bool], since: int, seconds: float) -> str:
        """Return what the console shows since a mark, as soon as it is as wanted or the program waits for something.

        Then all is there that it shows because of what was done before, however busy the machine is.
        """
        end, rested = time.monotonic() + seconds, 0
        while True:
            text = self.shows(wanted, since, 0)
            if wanted(text) or rested > 1 or time.monotonic() >= end:
                return text
            self.await_output(_POLL_SECONDS)
            rested = rested + 1 if self._rests() else 0

    def _rests(self) -> bool:
        """Whether no thread of the program runs or is about to, and all that it has shown is read."""
        states = [words[-50] for words in self._told("task/*/stat")]
        with contextlib.suppress(OSError, ValueError):
            return not select.select([self._output()], [], [], 0)[0] and not {"R", "D"}.intersection(states)
        return True  # it has ended, and so has what is read

    @abstractmethod
    def _output(self) -> int:
        """Return the descriptor from which what the console shows is read."""

    def _shows_more(self, count: int) -> bool:
        return self._shown.count > count

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
        self._had_others = not group and sum(1 for _ in self._told("stat")) > 1
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

    def ask_to_end(self) -> None:
        """Ask the program to end: a wrapper needs that, in order to end what it started."""
        if not self._stopped:
            self._ended, self._stopped = self.ended_by_itself, True
            _tell_group(self.pid, signal.SIGTERM)
            _tell_group(self.pid, signal.SIGCONT)  # one that was stopped would not hear of it
            self._asked = time.monotonic()

    def stop(self) -> None:
        """End the program and all that it started: it is asked to end, and soon after killed."""
        self.ask_to_end()
        while self.status() is None and (left := self._asked + _END_SECONDS - time.monotonic()) > 0:
            threading.Event().wait(min(_POLL_SECONDS / 4, left))
        _tell_group(self.pid, signal.SIGKILL)
        self._reap()
        self._reader.join(1)
        self.port.give_back()

    @contextlib.contextmanager
    def ending_by_signal(self) -> Iterator[None]:
        """Let a failure tell, too, that the signal has ended a start script and not what that had started."""
        try:
            yield
        except Failed as failed:
            if self._had_others and (self.status() or 0) < 0:
                failed.note = failed.note or _SCRIPT
            raise

    def goes_on_without_its_first(self) -> bool:
        """Whether the first process has ended, and others of its group run, where /proc tells."""
        return self.status() is not None and any(words[-50] not in "ZX" for words in self._told("stat"))

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
                    for path in Path("/proc", entry.name).glob(file):
                        yield path.read_text(encoding="ascii", errors="replace").split()

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
                    self._shown.add(octets)
                    self._times.append((time.monotonic(), self._shown.count))
                    if self._passed_on is not None:
                        self._passed_on.put(octets)
                    self._news.notify_all()
        with self._news:
            self._shows_nothing_more = True
            if self._passed_on is not None:
                self._passed_on.put(b"")
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
        # The octet of the Enter key; the terminal makes LF of it, unless the program reads keys.
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

    def _output(self) -> int:
        return int(self._child.child_fd)

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
        try:
            self._child.stdin.write(octets)
            self._child.stdin.flush()
        except ValueError as error:  # it was closed when the program had ended
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error

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

    def _output(self) -> int:
        assert self._child.stdout is not None
        return self._child.stdout.fileno()

    def _read(self) -> bytes:
        assert self._child.stdout is not None
        return os.read(self._child.stdout.fileno(), 65536)


Begin = Callable[[list[str], Port, bool], Running]  # the words of a command, its port, whether it has a terminal


def begun(argv: list[str], port: Port, terminal: bool) -> Running:
    """Start a program; raises OSError or ExceptionPexpect."""
    return (InTerminal if terminal else InPipes)(argv, port)


def launch(
    command: str,
    *,
    terminal: bool,
    limits: Mapping[str, float | str],
    start_seconds: float = START_SECONDS,
    greet_seconds: float = inf,
    idle_seconds: float = inf,
    tls: Trust | None = None,
    on_start: Callable[[Running], None] = lambda running: None,
    begin: Begin = begun,
) -> Running:
    """Start a command on a free port, and wait until it serves there; `limits` are put into it.

    It serves when something comes to a client. That can take `start_seconds`; but no more than `greet_seconds` from
    when it accepts connections, after which it is taken as it is. `tls`: what is trusted where it speaks TLS.

    Raises UnreachableError where it does not accept connections by then, or has done nothing for `idle_seconds`;
    `on_start` is called before that. `begin` starts the program.
    """
    for left in reversed(range(_ATTEMPTS)):
        with whole():
            running = _begin(command, begin, terminal=terminal, limits=limits)
            on_start(running)
        try:
            _Start(running, command, tls).wait(start_seconds, greet_seconds, idle_seconds)
        except _PortTakenError:
            running.stop()
            if not left:
                raise
        except BaseException:
            running.stop()
            raise
        else:
            break
    return running


def _begin(command: str, begin: Begin, *, terminal: bool, limits: Mapping[str, float | str]) -> Running:
    """Start a command on a free port; raises UnreachableError."""
    try:
        port = Port()
    except OSError as error:
        raise UnreachableError(f"the command {command!r} cannot be started: {error.strerror}") from error
    values = {"python": shlex.quote(sys.executable), "port": port.number, **_NO_LIMITS, **limits}
    try:
        argv = shlex.split(command.format(**values))
        return begin(argv, port, terminal)
    except (KeyError, IndexError, ValueError) as error:
        port.give_back()
        raise UnreachableError(f"the command {command!r} cannot be used: {error}") from error
    except (OSError, pexpect.ExceptionPexpect) as error:
        port.give_back()
        raise UnreachableError(f"the command {command!r} cannot be started: {_first_line(error)}") from error


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
        self._since = time.monotonic()
        self._next = self._since + _LOOK_SECONDS  # most have started by then, and to look costs a little

    def complaint(self, seconds: float) -> str:
        """Say, a few times a second, that the program listens elsewhere; or nowhere, and was idle for so long."""
        if time.monotonic() < self._next:
            return ""
        idle = self.seconds()
        if idle < min(_SETTLED_SECONDS, seconds):
            return ""
        if places := listening(self._running.pid):
            return in_words(places, self._running.address)
        return f"runs, listens nowhere, and has done nothing for {seconds:.0f} s" if idle > seconds else ""

    def seconds(self) -> float:
        """Return for how many seconds the program has done nothing, as far as is known; it is looked at now."""
        now = time.monotonic()
        self._next = now + _LOOK_SECONDS
        busy, before = self._running.busy(), self._busy
        self._busy = busy
        if busy is None or busy != before:
            self._since = now  # what is slow to start is at work
        return now - self._since


class _PortTakenError(UnreachableError):
    """The program has ended, and somebody else listens at its port."""


class _Start:
    """A program that was started, until it serves."""

    def __init__(self, running: Running, command: str, tls: Trust | None) -> None:
        self._running = running
        self._command = command
        self._tls = tls

    def wait(self, start_seconds: float, greet_seconds: float, idle_seconds: float) -> None:
        """Wait as `launch` says; raises UnreachableError."""
        end = time.monotonic() + start_seconds
        idleness = _Idleness(self._running)
        accepted: float | None = None  # the moment at which it first accepted a connection
        while True:
            if self._running.status() is not None:
                raise self._ended("at once" if accepted is None else "as soon as a client had connected")
            try:
                probe = socket.create_connection(self._running.address, timeout=1)
            except OSError as error:
                if (complaint := self._complaint(idleness, end, start_seconds, idle_seconds)) and accepted is None:
                    raise complaint from error
            else:
                accepted = accepted or time.monotonic()
                # Something can stand before the program that accepts for it, and closes while that is not there yet.
                serves = self._serves(probe, min(end, accepted + greet_seconds))
                if serves and self._running.status() is None:
                    return
            if accepted and time.monotonic() > min(end, accepted + greet_seconds):
                return  # the first look tells what it does
            self._running.await_output(_POLL_SECONDS)  # many servers say that they listen
            threading.Event().wait(_LEAST_SECONDS)

    def _complaint(
        self, idleness: "_Idleness", end: float, seconds: float, idle_seconds: float
    ) -> UnreachableError | None:
        """Return what is wrong with a program that does not accept connections; None where that may come."""
        if complaint := idleness.complaint(idle_seconds):
            return UnreachableError(f"{self._command!r} {complaint}")
        if time.monotonic() > end:
            late = in_words(listening(self._running.pid), self._running.address)
            late = late or f"does not accept connections within {seconds:.0f} s"
            return UnreachableError(f"{self._command!r} {late}")
        return None

    def _ended(self, when: str) -> UnreachableError:
        """Return that the program has ended, and whether its port is somebody else's."""
        status = self._running.status()
        assert status is not None
        told = f"{self._command!r} ended {when}, with {named(status)}{self._running.last_words()}"
        if self._running.goes_on_without_its_first():
            what = "what it started runs on: let the command stay in the foreground until the server ends"
            return UnreachableError(f"{told}; {what}")
        return (_PortTakenError if self._is_taken() else UnreachableError)(told)

    def _is_taken(self) -> bool:
        """Whether somebody listens at the program's port."""
        try:
            socket.create_connection(self._running.address, timeout=1).close()
        except OSError:
            return False
        return True

    def _serves(self, probe: socket.socket, end: float) -> bool:
        """Whether something comes on a connection, or it stays open while the program does nothing; end it."""
        idleness = _Idleness(self._running)
        try:
            probe = self._tls.enter(probe, self._running.address[0]) if self._tls else probe
        except OSError as error:
            probe.close()
            return isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError)
        while time.monotonic() < end:
            probe.settimeout(min(max(end - time.monotonic(), _LEAST_SECONDS), _LOOK_SECONDS))
            try:
                octets = probe.recv(1)
            except TimeoutError:
                if idleness.seconds() > _IDLE_SECONDS or self._running.status() is not None:
                    break
                continue
            except OSError:
                octets = b""
            part(probe)
            return bool(octets)
        part(probe)
        return True


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
