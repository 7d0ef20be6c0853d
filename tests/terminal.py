"""A program in a real terminal: a shell that starts it, and a screen on which to see what a person would see."""

import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pexpect

from conformance.stage.screen import Screen, Stream
from tests.scripted_server import DEADLINE, Connection, ScriptedServer

CLIENT = Path(__file__).resolve().parents[1] / "reference" / "client" / "client.py"
ENVIRONMENT = {"TERM": "xterm-256color"}
# The shell outlives an interrupt, so that it can tell how the program ended and in which mode it left the terminal.
_SCRIPT = """trap : INT QUIT; echo "before $(stty -g)"; sh -c 'echo "process $$"; exec "$@"' - {command}
echo "status $?"; echo "after $(stty -g)" """


class Terminal:
    """A terminal of `columns` by `rows` in which a program runs; a context."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        environment: dict[str, str],
        program: Sequence[str] = (sys.executable, str(CLIENT)),
    ) -> None:
        """`arguments`: the program's; `environment`: all of its environment, but PATH; `program`: its command."""
        command = shlex.join([*program, *arguments])
        self.screen = Screen(columns, rows)
        self._stream = Stream(self.screen, self._answer)
        self.output = b""
        self._child: Any = pexpect.spawn(
            "/bin/sh",
            ["-c", _SCRIPT.format(command=command)],
            dimensions=(rows, columns),
            env={"PATH": "/usr/bin:/bin", **environment},
        )
        self._child.delaybeforesend = None

    def press(self, keys: str | bytes) -> None:
        """Type keys, as they are."""
        octets = keys.encode() if isinstance(keys, str) else keys
        while octets:
            octets = octets[self._child.send(octets[:1024]) :]
            self._read(0)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal."""
        self.screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    @property
    def lines(self) -> list[str]:
        """The rows that are not empty, without blanks at their ends."""
        return [row.rstrip() for row in self.screen.display if row.strip()]

    @property
    def typed(self) -> str:
        """The row of the cursor."""
        row: str = self.screen.display[self.screen.cursor.y]
        return row.rstrip()

    def until(self, seen: Callable[[], bool], seconds: float = DEADLINE) -> None:
        """Wait until something is to be seen; raises AssertionError, with the screen, when it does not come."""
        deadline = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < deadline, "not to be seen:\n" + "\n".join(self.lines)
            self._read(0.1)

    def until_line(self, line: str) -> None:
        """Wait for a row that is exactly this."""
        self.until(lambda: line in self.lines)

    def until_typed(self, row: str) -> None:
        """Wait until the row of the cursor is exactly this."""
        self.until(lambda: self.typed == row)

    @property
    def process(self) -> int:
        """The number of the program's process."""
        found = re.search(rb"process (\d+)", self.output)
        assert found
        return int(found[1])

    def end(self) -> int:
        """Wait for the program's end; return its exit status; check that the terminal is as it was [CLIENT-17]."""
        self.until(lambda: re.search(rb"after \S+\r\n", self.output) is not None)
        before = re.search(rb"before (\S+)\r\n", self.output)
        after = re.search(rb"after (\S+)\r\n", self.output)
        status = re.search(rb"status (\d+)\r\n", self.output)
        assert before
        assert after
        assert status
        assert after[1] == before[1]
        return int(status[1])

    def hang_up(self) -> None:
        """Close the terminal, as a window is closed."""
        self._child.ptyproc.fileobj.close()

    def _answer(self, octets: bytes) -> None:
        """Type what the terminal itself answers to a question."""
        self._child.send(octets)

    def _read(self, timeout: float) -> None:
        try:
            octets: bytes = self._child.read_nonblocking(65536, timeout)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.output += octets
        self._stream.feed(octets)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._child.close(force=True)


def enter(connection: Connection, room: str = "main") -> None:
    """Let the client into a room, and tell it who is there: nobody but Ann."""
    connection.send(f"ROOM {room}")
    connection.expect("/who")
    connection.send("MEMBER Ann", f"MEMBERS {room} 1")


def in_main(server: ScriptedServer, terminal: Terminal) -> Connection:
    """Let the client enter main as Ann."""
    connection = server.welcome("Ann")
    terminal.until_typed("Room to enter:")
    terminal.press("main\r")
    connection.expect("main")
    enter(connection)
    terminal.until_typed("Ann@main>")
    return connection
