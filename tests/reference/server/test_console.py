"""The operator's console, in a real terminal."""

import os
import pty
import termios
from collections.abc import Iterator

import pytest

from reference.wire import MAX_CLIENT_LINE
from tests.support import DEADLINE, Server


class Terminal:
    """A terminal without echo, and a server whose input it is; what the server prints comes through a pipe."""

    def __init__(self) -> None:
        self.typing, terminal = pty.openpty()
        settings = termios.tcgetattr(terminal)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSANOW, settings)
        try:
            self.server = Server(stdin=terminal)
        finally:
            os.close(terminal)

    def type(self, octets: bytes) -> None:
        """Press keys."""
        assert os.write(self.typing, octets) == len(octets)

    def close(self) -> None:
        """Hang up, and end the server."""
        self.server.__exit__()
        os.close(self.typing)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_announcement_reaches_every_room_once(terminal: Terminal) -> None:
    """[OPER-1] [STATE-4]: and nobody in the lobby."""
    ann = terminal.server.connect("main", "Ann")
    bob = terminal.server.connect("lounge", "Bob")
    lobby = terminal.server.connect()
    terminal.type("Wartung, gr\u00fc\u00dfe!\n".encode())
    for client in (ann, bob):
        assert client.line() == "ANNOUNCE Wartung, gr\u00fc\u00dfe!"
    for client in (ann, bob, lobby):
        assert client.barrier() == []


def test_edited_line_is_announced_as_it_was_edited(terminal: Terminal) -> None:
    ann = terminal.server.connect("main")
    terminal.type(b"noom\x7fn\n")
    assert ann.line() == "ANNOUNCE noon"


def test_commands(terminal: Terminal) -> None:
    """[OPER-5] [OPER-6] [OPER-7]."""
    server = terminal.server
    terminal.type(b"/who\n")
    assert server.printed("connected\n") == "0 connected\n"
    server.connect("main", "Ann")
    server.connect("main", "Bob")
    server.connect()
    terminal.type(b"/who\n")
    who = server.printed("3 connected\n")
    assert [line.split()[0] for line in who.splitlines()] == ["Ann", "Bob", "guest-3", "3"]
    assert ["main" in line for line in who.splitlines()] == [True, True, False, False]
    terminal.type(b"/rooms\n")
    assert server.printed("1 room\n").split() == ["main", "2", "1", "room"]
    terminal.type(b"/help\n")
    text = server.printed("exit ")
    assert [word for word in ("/who", "/rooms", "/kick", "/help") if word not in text] == []


def test_kick(terminal: Terminal) -> None:
    """[OPER-4]: the name is compared folded."""
    ann = terminal.server.connect("main", "Ann")
    bob = terminal.server.connect("main", "Bob")
    ann.until("JOINED")
    terminal.type(b"/kick bOB\n")
    assert bob.rest() == ["BYE removed"]
    assert ann.barrier() == ["LEFT Bob removed"]
    assert "removed" in terminal.server.printed("\n")
    terminal.type(b"/kick bob\n")
    assert "Nobody" in terminal.server.printed("\n")


@pytest.mark.parametrize(
    "line",
    [
        b"/nope",
        b"/",
        b"/kick",
        b"/kick ",
        b"/who x",
        b"/WHO",
        b"caf\xe9",
        b"\x16\x1b[2Jcleared",  # Ctrl-V, which makes the terminal pass the next key on
        "next\u0085line".encode(),
        b"x" * (MAX_CLIENT_LINE + 1),
    ],
)
def test_what_is_not_announced(line: bytes, terminal: Terminal) -> None:
    """[OPER-3] [OPER-10]: the operator is told, in one line, and goes on."""
    ann = terminal.server.connect("main")
    if len(line) >= 4095:
        do_not_edit(terminal)  # a terminal cuts a line of that length while it can be edited
    terminal.type(line + b"\n/rooms\n")
    told = terminal.server.printed("1 room\n").splitlines()
    assert len(told) == 3
    assert told[0].startswith("Not announced")
    assert ann.barrier() == []


def do_not_edit(terminal: Terminal) -> None:
    """Let the terminal pass on what is typed at once."""
    settings = termios.tcgetattr(terminal.typing)
    settings[3] &= ~termios.ICANON
    termios.tcsetattr(terminal.typing, termios.TCSANOW, settings)


def test_empty_lines_do_nothing(terminal: Terminal) -> None:
    """[OPER-11]."""
    ann = terminal.server.connect("main")
    terminal.type(b"\n\n/rooms\n")
    assert terminal.server.printed("1 room\n") == "main  1\n1 room\n"
    assert ann.barrier() == []


def test_end_of_input_by_key(terminal: Terminal) -> None:
    """[OPER-8]: Ctrl-D ends the console and nothing else."""
    ann = terminal.server.connect("main")
    terminal.type(b"before\n\x04")
    assert ann.line() == "ANNOUNCE before"
    ann.send("still here")
    assert "SAID" in ann.barrier()[0]
    assert terminal.server.process.poll() is None


def test_exit(terminal: Terminal) -> None:
    """[OPER-2]."""
    ann = terminal.server.connect("main")
    lobby = terminal.server.connect()
    terminal.type(b"last words\nexit\n")
    assert ann.rest() == ["ANNOUNCE last words", "BYE shutdown"]
    assert lobby.rest() == ["BYE shutdown"]
    ann.close()
    lobby.close()
    assert terminal.server.process.wait(DEADLINE) == 0


def test_exit_is_the_whole_line(terminal: Terminal) -> None:
    ann = terminal.server.connect("main")
    terminal.type(b"exit now\n")
    terminal.type(b"Exit\n")
    assert [ann.line(), ann.line()] == ["ANNOUNCE exit now", "ANNOUNCE Exit"]
