"""A server process: started on a free port, looked at while it works, and ended with all that it started."""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from conformance.wire.port import Port

START_SECONDS = 15.0  # from starting the command to accepting connections
STOP_SECONDS = 12.0  # section 12: at most 10 seconds from the signal to the end, and some to spare
_POLL_SECONDS = 0.02
_PROC = Path("/proc")


class StartError(Exception):
    """A server did not start; the message says which and why, in one line."""


@dataclass(frozen=True)
class Command:
    """A name for tables, and the command line: `{port}` stands in it, and `{python}` may."""

    name: str
    line: str

    def words(self, port: int) -> list[str]:
        """Return the words of the command for a port.  Raises ValueError where they cannot be made."""
        try:
            words = shlex.split(self.line.format(port=port, python=shlex.quote(sys.executable)))
        except (KeyError, IndexError, AttributeError) as error:
            raise ValueError(f"a brace that means nothing in {self.line!r}") from error
        if not words or self.line.format(port=1, python="") == self.line.format(port=2, python=""):
            raise ValueError(f"{{port}} does not stand in {self.line!r}")
        return words


@dataclass(frozen=True)
class Usage:
    """The use of a server's processes, all together; None where the system does not tell."""

    cpu: float | None  # seconds of processor time since the start, user and system, all threads
    memory: int | None  # resident KiB
    threads: int | None
    descriptors: int | None


class Server:
    """A server process.  As a context: it runs, and is ended with its whole process group, whatever happens."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self._port = Port()
        self.address = ("127.0.0.1", self._port.number)
        self._process: subprocess.Popen[bytes] | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process is ended

    def __enter__(self) -> Self:
        """Start it, and wait until it accepts connections.  Raises StartError."""
        try:
            self._start()
            self._wait_until_accepting()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def usage(self) -> Usage:
        """Return what the processes of the server use now."""
        return usage([self.group])

    @property
    def group(self) -> int:
        """The process group of all that it starts."""
        assert self._process
        return self._process.pid

    def death(self, seconds: float = 0) -> str | None:
        """Return in words how the server ended by itself, within so many seconds; None where it runs on."""
        assert self._process
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        size = os.fstat(self._said.fileno()).st_size
        lines = os.pread(self._said.fileno(), 4096, max(0, size - 4096)).decode("utf-8", "replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"ended by itself, with status {status}" + (f"; its last line is {said[:200]!r}" if said else "")

    def _start(self) -> None:
        """Start the process.  A signal that ends us waits until we know the process, so that none is left behind."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            # Its input stays open, since a console's end could be taken for the operator's wish to end it.
            self._process = subprocess.Popen(
                self.command.words(self.address[1]),
                stdin=subprocess.PIPE,
                stdout=self._said,
                stderr=self._said,
                start_new_session=True,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, mask),  # we have no threads
            )
        except OSError as error:
            raise StartError(f"{self.command.name} cannot be started: {error}") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _wait_until_accepting(self) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            with socket.socket() as probe:
                probe.settimeout(1)
                try:
                    probe.connect(self.address)
                except OSError as error:
                    if death := self.death(_POLL_SECONDS):
                        raise StartError(f"{self.command.name} {death}") from error
                    if time.monotonic() > end:
                        told = f"does not accept connections within {START_SECONDS:.0f} s"
                        raise StartError(f"{self.command.name} {told}") from error
                    continue
                with contextlib.suppress(OSError):  # part so that the server is done with it, and it takes no place
                    probe.shutdown(socket.SHUT_WR)
                    while probe.recv(4096):
                        pass
                return

    def _end(self) -> None:
        """Ask the server to end, then kill what is left of its process group."""
        self._said.close()
        self._port.give_back()
        if self._process is None:
            return
        try:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()


def usage(groups: Collection[int]) -> Usage:
    """Return what all processes of these process groups use now, together."""
    found = []
    for pid in _pids(groups):
        with contextlib.suppress(OSError):  # it has just ended
            found.append(_look(pid))
    if not found:
        return Usage(None, None, None, None)
    return Usage(*(sum(numbers) for numbers in zip(*found, strict=True)))


def _pids(groups: Collection[int]) -> Iterator[int]:
    """Yield the processes of these groups that still run, where /proc tells."""
    names = os.listdir(_PROC) if (_PROC / "self/stat").exists() else []
    for pid in (int(name) for name in names if name.isdigit()):
        with contextlib.suppress(OSError):
            state, _, group = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(group) in groups and state != "Z":
                yield pid


def _look(pid: int) -> tuple[float, int, int, int]:
    """Return what one process uses, in the order of Usage.  Raises OSError."""
    state = dict(line.split(":", 1) for line in (_PROC / str(pid) / "status").read_text().splitlines())
    # Linux' clock of another process' time: finer than the hundredths of a second in /proc/PID/stat.
    cpu = time.clock_gettime(~pid << 3 | 2)
    return cpu, int(state["VmRSS"].split()[0]), int(state["Threads"]), len(os.listdir(_PROC / str(pid) / "fd"))
