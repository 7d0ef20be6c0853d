"""Servers in Python that are forked from a process that has imported them: to start each anew is most of their cost.

Such a server is a process like any other, with a console, a session and a process group of its own.
"""

import contextlib
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import Self

from conformance.wire.port import Port
from conformance.wire.process import Running
from tests.support import ROOT

_FORKER = ROOT / "tests" / "forker.py"
_ROWS, _COLUMNS = 60, 1000  # of a terminal, as the suite has them


class ForkServer:
    """A process that has imported a server, and forks it."""

    def __init__(self, folder: Path, module: str) -> None:
        """`folder`: where the module is imported from, whose function `main` is the server."""
        self._requests, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, _FORKER, str(theirs.fileno()), folder, module],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # so that Ctrl-C ends what is looked at first
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._requests.close()
        self._process.wait()

    def begin(self, arguments: list[str], port: Port, terminal: bool) -> Running:
        """Start the server, as CommandSubject has it; raises OSError."""
        return Forked(self, arguments, port, terminal=terminal)

    def fork(self, arguments: list[str], stdin: int, stdout: int) -> tuple[int, int]:
        """Start the server; return its process, and from where its status of `waitpid` is read; raises OSError."""
        news, telling = os.pipe()
        try:
            try:
                with self._lock:
                    socket.send_fds(self._requests, [json.dumps(arguments).encode()], [stdin, stdout, telling])
            finally:
                os.close(telling)
            return int(_line(news)), news
        except (OSError, ValueError) as error:
            os.close(news)
            raise OSError(f"no server was forked: {error}") from error


class Forked(Running):
    """A server that was forked."""

    def __init__(self, server: ForkServer, arguments: list[str], port: Port, *, terminal: bool) -> None:
        """`terminal`: whether its console is one, or a pair of pipes."""
        super().__init__(port)
        self._is_terminal = terminal
        if terminal:
            mine, theirs = _terminal()
            self._typed = self._displayed = mine
            stdin = stdout = theirs
        else:
            (stdin, self._typed), (self._displayed, stdout) = os.pipe(), os.pipe()
        self._ours, self._theirs = {self._typed, self._displayed}, {stdin, stdout}
        self._end: int | None = None
        self._looking = threading.Lock()
        try:
            self._pid, self._told_end = server.fork(arguments, stdin, stdout)
        except OSError:
            _close(self._ours)
            raise
        finally:
            _close(self._theirs)
        self._ends = select.poll()  # `select` does not reach this descriptor where a check has a thousand clients
        self._ends.register(self._told_end, select.POLLIN)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._pid

    def _write(self, octets: bytes) -> None:
        octets = octets.replace(b"\n", b"\r") if self._is_terminal else octets
        while octets:
            octets = octets[os.write(self._typed, octets) :]

    def _end_input(self) -> None:
        if self._is_terminal:
            self._write(b"\x04")
        else:
            self._ours.remove(self._typed)
            os.close(self._typed)

    def status(self) -> int | None:
        return self._ending(wait=False)

    def _reap(self) -> None:
        self._ending(wait=True)

    def _ending(self, *, wait: bool) -> int | None:
        """Return the exit status, or None where it is not told yet."""
        with self._looking:
            if self._end is None and (wait or self._ends.poll(0)):
                self._end = os.waitstatus_to_exitcode(int(_line(self._told_end)))
                os.close(self._told_end)
            return self._end

    def stop(self) -> None:
        super().stop()
        _close(self._ours)

    def _output(self) -> int:
        return self._displayed

    def _read(self) -> bytes:
        return os.read(self._displayed, 65536)


def _terminal() -> tuple[int, int]:
    """Open a terminal that does not echo; return our side of it, and the server's."""
    ours, theirs = os.openpty()
    mode = termios.tcgetattr(theirs)
    mode[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, mode)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    return ours, theirs


def _close(descriptors: set[int]) -> None:
    while descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptors.pop())


def _line(descriptor: int) -> str:
    """Return the next line without its LF."""
    line = b""
    while (octet := os.read(descriptor, 1)) not in (b"", b"\n"):
        line += octet
    return line.decode()
