"""The second server: it talks, it ends, and its table of faults is complete and true."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.asyncserver.faults import FAULTS, UNFAULTED
from tests.asyncserver.faults_missed import MISSED
from tests.support import ROOT

DEADLINE = 20.0
SERVER_REQUIREMENT = re.compile(r"^- \*\*\[([A-Z]+-\d+)\]\*\* \*\((MUST|SHOULD|MAY), (server|both)", re.MULTILINE)


class Server:
    """A running server and its console."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "tests.asyncserver", "--port", "0", *options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout
        first = self.process.stdout.readline().decode()
        assert first.startswith("listening on 127.0.0.1:"), first
        self.port = int(first.rpartition(":")[2])

    def console(self, line: str) -> None:
        """Type a line."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def end(self) -> int:
        """End the server, hard if need be; return its exit status."""
        self.process.terminate()
        try:
            self.process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        return self.process.returncode


class Peer:
    """A client that sends octets and reads lines."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self.file = self.socket.makefile("rb")

    def send(self, octets: bytes) -> None:
        """Send octets."""
        self.socket.sendall(octets)

    def line(self) -> str:
        """Return the next line that is not INFO."""
        while (line := self.file.readline()).startswith(b"INFO "):
            pass
        return line.decode().removesuffix("\n")

    def enter(self, name: str, room: str) -> "Peer":
        """Get through the greeting, take a name and enter a room."""
        assert self.line().startswith("HELLO flurfunk/1")
        assert self.line().startswith("NAME ")
        self.send(f"/nick {name}\n{room}\n".encode())
        assert [self.line(), self.line()] == [f"NAME {name}", f"ROOM {room}"]
        return self

    def close(self) -> None:
        """Close the connection."""
        self.file.close()
        self.socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.end()


def test_talk_move_and_leave(server: Server) -> None:
    ann = Peer(server.port).enter("Ann", "main")
    bob = Peer(server.port).enter("Bob", "main")
    assert ann.line() == "JOINED Bob"
    bob.send("  grüß dich\n/who\n/rooms\nexit\nnever said\n".encode())
    got = [bob.line() for _ in range(7)]
    assert got == [
        "SAID Bob   grüß dich",
        "MEMBER Ann",
        "MEMBER Bob",
        "MEMBERS main 2",
        "LIVE main 2",
        "ROOMS 1",
        "BYE exit",
    ]
    assert bob.line() == ""
    assert [ann.line(), ann.line()] == ["SAID Bob   grüß dich", "LEFT Bob exit"]
    ann.send(b"/ping x\n")
    assert ann.line() == "PONG x"
    ann.close()
    bob.close()


def test_console_announces_removes_and_ends(server: Server) -> None:
    ann = Peer(server.port).enter("Ann", "main")
    bob = Peer(server.port).enter("Bob", "main")
    assert ann.line() == "JOINED Bob"
    server.console("Tea is ready.")
    assert [ann.line(), bob.line()] == ["ANNOUNCE Tea is ready."] * 2
    server.console("/kick bob")
    assert [bob.line(), bob.line(), ann.line()] == ["BYE removed", "", "LEFT Bob removed"]
    server.console("exit")
    assert [ann.line(), ann.line()] == ["BYE shutdown", ""]
    ann.close()
    bob.close()
    assert server.process.wait(DEADLINE) == 0


def test_signal_ends_with_status_0(server: Server) -> None:
    ann = Peer(server.port).enter("Ann", "main")
    assert server.end() == 0
    assert [ann.line(), ann.line()] == ["BYE shutdown", ""]
    ann.close()


def test_fault_changes_behaviour() -> None:
    server = Server("--fault", "text-trimmed")
    ann = Peer(server.port).enter("Ann", "main")
    ann.send(b"  hello  \n")
    assert ann.line() == "SAID Ann hello"
    ann.close()
    server.end()


def test_faults_break_all_requirements_of_a_server() -> None:
    text = (ROOT / "spec" / "flurfunk-1.md").read_text(encoding="utf-8")
    levels = {identifier: level for identifier, level, _ in SERVER_REQUIREMENT.findall(text)}
    assert len(levels) > 90
    broken = {identifier for fault in FAULTS.values() for identifier in fault.breaks}
    assert broken <= levels.keys()
    assert {identifier for fault in MISSED.values() for identifier in fault.breaks} <= levels.keys()
    musts = {identifier for identifier, level in levels.items() if level == "MUST"}
    assert musts - broken == UNFAULTED.keys()


def test_each_fault_is_in_the_code_and_no_other() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "asyncserver").glob("*.py")]
    assert len(sources) > 5
    code = "\n".join(source for source in sources if "_TABLE = (" not in source)
    asked = set(re.findall(r"""fault\(["']([a-z0-9-]+)["']""", code))
    assert len(asked) > 100
    assert FAULTS.keys() & MISSED.keys() == set()
    assert asked <= FAULTS.keys() | MISSED.keys()
    assert [name for name in (*FAULTS, *MISSED) if f'"{name}"' not in code and f"'{name}'" not in code] == []
