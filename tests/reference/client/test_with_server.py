"""The reference client and the reference server together: two people chat."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.scripted_server import DEADLINE
from tests.support import SERVER
from tests.terminal import Terminal


class Server:
    """A running reference server, and its console."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER), "--port", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout
        self.address = self.process.stdout.readline().split()[-1].decode()

    def console(self, line: str) -> None:
        stdin = self.process.stdin
        assert stdin
        stdin.write(f"{line}\n".encode())
        stdin.flush()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with server.process:
        yield server
        server.process.kill()


def test_two_people_chat(server: Server) -> None:
    environment = {"TERM": "xterm"}
    with (
        Terminal(server.address, "--name", "Ann", "--room", "main", "--no-times", environment=environment) as ann,
        Terminal(server.address, "--no-times", environment=environment, columns=40) as bob,
    ):
        ann.until_typed("Ann@main>")
        bob.until_typed("Room to enter:")
        bob.press("not a room\r/nick ANN\r/nick Bob\rmain\r")
        bob.until_typed("Bob@main>")
        ann.until_line("* Bob entered.")
        ann.press("half")
        bob.press("hello, Ann\r")
        ann.until_line("<Bob> hello, Ann")
        ann.until_typed("Ann@main> half")
        ann.press(" past nine\r")
        bob.until_line("<Ann> half past nine")
        ann.until_line("<Ann> half past nine")
        bob.press("/who\r/rooms\r")
        bob.until_line("* In main (2): Ann, Bob")
        bob.until_line("    main (2)")
        server.console("Maintenance at noon.")
        ann.until_line("*** ANNOUNCEMENT: Maintenance at noon. ***")
        bob.until(lambda: any(line.startswith("*** ANNOUNCEMENT: Maintenance") for line in bob.lines))
        ann.press("/nick Anna\r")
        bob.until_line("* Ann is now called Anna.")
        ann.press("/cd lounge\r")
        bob.until_line("* Anna left for another room.")
        ann.press("exit\r")
        assert ann.end() == 0
        assert sum("half past nine" in line for line in ann.lines) == 1
        server.console("exit")
        assert bob.end() == 1
        bob.until(lambda: any(line.startswith("client.py: The server is shutting") for line in bob.lines))
        assert server.process.wait(DEADLINE) == 0
