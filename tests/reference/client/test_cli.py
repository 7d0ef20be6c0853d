"""The client as a process with pipes: what it sends, what it writes, how it ends."""

import contextlib
import io
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from reference.client.texts_en import ENGLISH as TEXTS
from tests.scripted_server import DEADLINE, Connection, ScriptedServer
from tests.terminal import CLIENT

SERVER_IS_GONE = [f"client.py: {TEXTS.lost}"]


class Client:
    """A running client: lines in, lines out; its output is read all the time."""

    def __init__(self, *arguments: str, input_: bytes | None = None) -> None:
        """`input_`: all that it is given; None: it is given lines with `give`."""
        self.process = subprocess.Popen(
            [sys.executable, str(CLIENT), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._complaints = b""
        self._threads = [threading.Thread(target=work) for work in (self._take, self._complain)]
        if input_ is not None:
            self._threads.append(threading.Thread(target=self._give_all, args=[input_]))
        for thread in self._threads:
            thread.start()

    def give(self, line: str) -> None:
        stdin = self.process.stdin
        assert stdin
        stdin.write(f"{line}\n".encode())
        stdin.flush()

    def line(self) -> str:
        """The next line of its output."""
        line = self._lines.get(timeout=DEADLINE)
        assert line.endswith(b"\n")
        return line[:-1].decode()

    def end(self) -> tuple[int, list[str], list[str]]:
        """Wait for its end; return its exit status, the rest of its output, and what it complained of."""
        try:
            self.process.wait(DEADLINE)
        finally:
            self.process.kill()
            for thread in self._threads:
                thread.join(DEADLINE)
            if self.process.stdin:
                self.process.stdin.close()
        out = b"".join(self._lines.queue).decode()
        assert not out or out.endswith("\n")
        return self.process.returncode, out.splitlines(), self._complaints.decode().splitlines()

    def _take(self) -> None:
        with self.process.stdout or io.BytesIO() as out:
            for line in out:
                self._lines.put(line)

    def _complain(self) -> None:
        with self.process.stderr or io.BytesIO() as complaints:
            self._complaints = complaints.read()

    def _give_all(self, octets: bytes) -> None:
        with contextlib.suppress(BrokenPipeError), self.process.stdin or io.BytesIO() as stdin:
            stdin.write(octets)


def serve_main(connection: Connection, name: str = "guest-1") -> None:
    """Behave like a room called main with one member, until the client leaves."""
    connection.expect("main")
    connection.send("ROOM main")
    while (line := connection.line()) != "exit":
        connection.send(f"SAID {name} {line}")
    connection.dismiss()


# ---------------------------------------------------------------- a pipe in and out


def test_a_pipe_says_its_lines_and_ends(server: ScriptedServer) -> None:
    """[CLIENT-15] [CLIENT-16]: the last line has no LF, and is one."""
    client = Client(server.address, input_=b"main\nhello\n\ntwo  words \r\n/say exit\nlast")
    connection = server.welcome()
    connection.expect("main", "hello", "two  words ", "/say exit", "last", "exit")
    connection.send("ROOM main", "SAID guest-1 hello")
    connection.dismiss()
    assert client.end() == (0, ["* You are guest-1.", "* You are in main.", "<guest-1> hello"], [])


def test_everything_is_drained_before_the_end(server: ScriptedServer) -> None:
    """[CLIENT-7]."""
    client = Client(server.address, input_=b"main\n")
    connection = server.welcome()
    connection.expect("main", "exit")
    connection.send(*(f"SAID Bob {number}" for number in range(20000)))
    connection.dismiss()
    status, out, complaints = client.end()
    assert (status, complaints) == (0, [])
    assert out[1:] == [f"<Bob> {number}" for number in range(20000)]


def test_name_and_room_of_the_command_line(server: ScriptedServer) -> None:
    client = Client(server.address, "--name", "operator", "--room", "main", input_=b"")
    connection = server.welcome()
    connection.expect("/nick operator", "/cd main", "exit")
    connection.send("ERROR name-taken x", "ROOM main")
    connection.dismiss()
    assert client.end() == (
        0,
        [
            "* You are guest-1.",
            "! That name is taken. (The server says: x)",
            "* You are still called guest-1.",
            "* You are in main.",
        ],
        [],
    )


def test_what_must_not_be_sent_is_told(server: ScriptedServer) -> None:
    """[LINE-11] [TEXT-7] [CLIENT-13]."""
    lines = [b"main", b"x" * 4097, b"x" * 4096, b"\xff\xfe", b"a\x1bb", b"x" * 1_000_000, b"y", b"x" * 5000]
    client = Client(server.address, input_=b"\n".join(lines))
    connection = server.welcome()
    connection.expect("main", "x" * 4096, "y", "exit")
    connection.dismiss()
    too_long = "! " + TEXTS.too_long.format(limit=4096)
    bad_text = "! " + TEXTS.bad_text
    assert client.end() == (0, ["* You are guest-1.", too_long, bad_text, bad_text, too_long, too_long], [])


def test_a_file_is_an_input(server: ScriptedServer, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"main\nhello\n")
    with path.open("rb") as lines:
        process = subprocess.Popen([sys.executable, str(CLIENT), server.address], stdin=lines, stdout=subprocess.PIPE)
    serve_main(server.welcome())
    out, _ = process.communicate(timeout=DEADLINE)
    assert out.splitlines()[-1] == b"<guest-1> hello"
    assert process.returncode == 0


def test_no_input_at_all_is_its_end(server: ScriptedServer) -> None:
    closed = f'exec "{sys.executable}" "{CLIENT}" {server.address} <&- >&-'
    process = subprocess.Popen(["/bin/sh", "-c", closed])
    connection = server.welcome()
    connection.expect("exit")
    connection.dismiss()
    assert process.wait(DEADLINE) == 0


def test_lines_are_written_as_they_come(server: ScriptedServer) -> None:
    client = Client(server.address)
    connection = server.welcome()
    assert client.line() == "* You are guest-1."
    connection.send("SAID Bob one")
    assert client.line() == "<Bob> one"
    connection.socket.sendall(b"SAID Bob t\xc3")
    connection.socket.sendall(b"\xbco\r\n")
    assert client.line() == "<Bob> tüo"
    client.give("exit")
    connection.expect("exit")
    connection.dismiss()
    assert client.end() == (0, [], [])


def test_a_great_input_does_not_lock(server: ScriptedServer) -> None:
    """Both directions are full at once: the server sends while it does not read."""
    count = 50_000
    client = Client(server.address, input_=b"main\n" + b"".join(b"%d\n" % number for number in range(count)))
    connection = server.welcome()
    echo = threading.Thread(target=connection.send, args=[f"SAID Bob {number:0100}" for number in range(count)])
    echo.start()
    connection.expect("main", *map(str, range(count)), "exit")
    echo.join(DEADLINE)
    connection.dismiss()
    status, out, complaints = client.end()
    assert (status, complaints, len(out)) == (0, [], count + 1)


def test_a_reader_that_has_had_enough_ends_it_quietly(server: ScriptedServer) -> None:
    ours, its = os.pipe()
    command = [sys.executable, str(CLIENT), server.address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=its, stderr=subprocess.PIPE) as process:
        os.close(its)
        connection = server.welcome()
        assert os.read(ours, 100) == b"* You are guest-1.\n"
        os.close(ours)
        connection.send("SAID Bob one")
        connection.expect("exit")
        connection.dismiss()
        assert process.wait(DEADLINE) == 0
        assert process.stderr
        assert process.stderr.read() == b""


def test_it_says_nothing_before_it_is_greeted(server: ScriptedServer) -> None:
    client = Client(server.address, "--name", "Ann", input_=b"main\n")
    connection = server.accept()
    connection.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        connection.socket.recv(1)
    connection.socket.settimeout(DEADLINE)
    connection.send("HELLO flurfunk/1")
    connection.expect("/nick Ann", "main", "exit")
    connection.dismiss()
    assert client.end()[0] == 0


# ---------------------------------------------------------------- how it ends


@pytest.mark.parametrize("reason", ["shutdown", "removed", "slow", "idle", "exit"])
def test_a_bye_not_asked_for(server: ScriptedServer, reason: str) -> None:
    """[CLIENT-8] [CLIENT-18]."""
    client = Client(server.address)
    connection = server.welcome()
    connection.send("SAID Bob last")
    connection.dismiss(reason)
    assert client.end() == (1, ["* You are guest-1.", "<Bob> last"], [f"client.py: {TEXTS.bye[reason]}"])


def test_a_full_server(server: ScriptedServer) -> None:
    client = Client(server.address, "--name", "Ann", input_=b"main\nhello\n")
    connection = server.accept()
    connection.send("HELLO flurfunk/1", "BYE full")
    assert client.end() == (1, [], [f"client.py: {TEXTS.bye['full']}"])


def test_a_bye_is_read_although_sending_failed(server: ScriptedServer) -> None:
    """[CLIENT-7]: the client still has to send when it is reset; what came before is shown."""
    client = Client(server.address, input_=b"main\n" + b"x\n" * 2_000_000)
    connection = server.welcome()
    connection.expect("main")
    connection.send("SAID Bob last", "BYE shutdown")
    connection.socket.shutdown(socket.SHUT_WR)
    assert client.end() == (1, ["* You are guest-1.", "<Bob> last"], [f"client.py: {TEXTS.bye['shutdown']}"])


@pytest.mark.parametrize("input_", [None, b""])
def test_a_lost_connection(server: ScriptedServer, input_: bytes | None) -> None:
    """[CLIENT-6]; half a line is no line."""
    client = Client(server.address, input_=input_)
    connection = server.welcome()
    if input_ is not None:
        connection.expect("exit")
    connection.socket.sendall(b"SAID Bob whole\nSAID Bob half")
    connection.close()
    assert client.end() == (1, ["* You are guest-1.", "<Bob> whole"], SERVER_IS_GONE)


@pytest.mark.parametrize("octets", [b"HTTP/1.1 400 Bad Request\r\n", b"HELLO flurfunk/2\n", b"\x15\x03\x01", b"\n"])
def test_another_server(server: ScriptedServer, octets: bytes) -> None:
    """[CLIENT-2]."""
    client = Client(server.address, "--name", "Ann", input_=b"main\n")
    connection = server.accept()
    connection.socket.sendall(octets)
    connection.socket.shutdown(socket.SHUT_WR)
    connection.expect(None)
    assert client.end() == (1, [], [f"client.py: {TEXTS.not_flurfunk}"])


@pytest.mark.parametrize("octets", [b"", b"HEL", b"HELLO flurfunk/1 who"])
def test_an_end_before_the_greeting(server: ScriptedServer, octets: bytes) -> None:
    """[CLIENT-6]: as of a proxy whose server is down."""
    client = Client(server.address, input_=b"main\n")
    connection = server.accept()
    connection.socket.sendall(octets)
    connection.close()
    assert client.end() == (1, [], [f"client.py: {TEXTS.not_greeted}"])


def test_no_goodbye(server: ScriptedServer) -> None:
    """[CLIENT-16]: for a short time."""
    client = Client(server.address, input_=b"")
    server.welcome().expect("exit", None)
    assert client.end() == (1, ["* You are guest-1."], [f"client.py: {TEXTS.no_goodbye}"])


@pytest.mark.parametrize("bye", [True, False])
def test_an_interrupt_leaves(server: ScriptedServer, bye: bool) -> None:
    """[CLIENT-15] [CLIENT-16]."""
    client = Client(server.address)
    connection = server.welcome()
    assert client.line() == "* You are guest-1."
    client.process.send_signal(signal.SIGINT)
    connection.expect("exit")
    if bye:
        connection.dismiss()
    else:
        client.process.send_signal(signal.SIGINT)
    assert client.end() == (0, [], [])


def test_sigterm_ends_at_once(server: ScriptedServer) -> None:
    client = Client(server.address)
    server.welcome()
    assert client.line() == "* You are guest-1."
    client.process.terminate()
    assert client.end() == (143, [], [])


def test_what_a_server_says_is_harmless_in_complaints_too(server: ScriptedServer) -> None:
    """[CLIENT-9]."""
    client = Client(server.address)
    connection = server.welcome()
    connection.dismiss("\x1b[2J\u202e")
    assert client.end()[2] == ["client.py: The server closed the connection (<U+001B>[2J<U+202E>)."]


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["127.0.0.1:1"], 1, "Nothing listens at 127.0.0.1:1: connection refused."),
        (["a..b"], 1, "The host a..b was not found."),
        (["::1"], 1, ""),
        (["[::1]:1"], 1, ""),
        (["127.0.0.1:0"], 2, "argument HOST[:PORT]: a port is a number from 1 to 65535, not '0'"),
        (["127.0.0.1:65536"], 2, "argument HOST[:PORT]: a port is a number from 1 to 65535, not '65536'"),
        (["127.0.0.1:"], 2, "argument HOST[:PORT]: a port is a number from 1 to 65535, not ''"),
        (["127.0.0.1:٣"], 2, "argument HOST[:PORT]: a port is a number from 1 to 65535, not '٣'"),
        ([":80"], 2, "argument HOST[:PORT]: an address is HOST or HOST:PORT, not ':80'"),
        ([""], 2, "argument HOST[:PORT]: an address is HOST or HOST:PORT, not ''"),
        (["[::1"], 2, "argument HOST[:PORT]: an address is HOST or HOST:PORT, not '[::1'"),
        (["--name", "B.B."], 2, ""),
        (["--room", "a\nexit"], 2, ""),
        (["--nonsense\x1b"], 2, "unrecognized arguments: --nonsense<U+001B>"),
    ],
)
def test_one_line_says_what_is_wrong(arguments: list[str], status: int, complaint: str) -> None:
    ended, out, complaints = Client(*arguments, input_=b"").end()
    assert (ended, out, len(complaints)) == (status, [], 1)
    assert complaints[0].startswith(f"client.py: {complaint}")


def test_it_runs_as_a_module_and_isolated(server: ScriptedServer) -> None:
    module = [sys.executable, "-m", "reference.client.client"]
    for command, folder in ((module, CLIENT.parents[2]), ([sys.executable, "-I", str(CLIENT)], Path("/"))):
        process = subprocess.Popen(
            [*command, server.address], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        connection = server.welcome()
        connection.expect("exit")
        connection.dismiss()
        assert process.wait(DEADLINE) == 0


def test_it_sleeps_while_nothing_happens(server: ScriptedServer) -> None:
    """The system call that it waits in has no time limit, once it is greeted."""
    client = Client(server.address)
    connection = server.welcome()
    call = Path(f"/proc/{client.process.pid}/syscall")
    deadline = time.monotonic() + DEADLINE
    try:
        # select(count, reading, writing, exceptional, limit): no limit is a null pointer.
        while (words := call.read_text().split())[5:6] != ["0x0"] or words[1] == "0x0":
            assert time.monotonic() < deadline, words
    except OSError:
        pytest.skip("the system does not tell in which call a process is")
    finally:
        connection.send("BYE removed")
        assert client.end()[0] == 1


def test_a_pipe_is_not_asked_for_a_password(server: ScriptedServer) -> None:
    client = Client(server.address, input_=b"no secret\n")
    connection = server.accept()
    connection.send("HELLO flurfunk/1 password", "NAME Ann")
    assert connection.line() is None
    assert client.end() == (1, [], [f"client.py: {TEXTS.password_wanted}"])


def test_a_password_from_a_file(server: ScriptedServer, tmp_path: Path) -> None:
    """[PASS-17]: the lines of a pipe wait for the answer."""
    file = tmp_path / "password"
    file.write_text("Open sesame\n")
    client = Client(server.address, "--room", "main", "--password-file", str(file), input_=b"hello\n")
    connection = server.accept()
    connection.send("HELLO flurfunk/1 password", "NAME Ann")
    connection.expect("/password Open sesame")
    connection.send("ADMITTED", "ROOM main")
    connection.expect("/cd main", "hello", "exit")
    connection.dismiss()
    assert client.end()[::2] == (0, [])


@pytest.mark.parametrize("input_", [b"hello\n", None], ids=["all", "later"])
def test_nothing_follows_a_wrong_password_from_a_file(
    server: ScriptedServer, tmp_path: Path, input_: bytes | None
) -> None:
    """[PASS-17]."""
    file = tmp_path / "password"
    file.write_text("wrong\n")
    client = Client(server.address, "--name", "Ann", "--password-file", str(file), input_=input_)
    connection = server.accept()
    connection.send("HELLO flurfunk/1 password", "NAME guest-1")
    connection.expect("/password wrong")
    connection.send("ERROR bad-password no")
    connection.expect(None)
    assert client.end()[::2] == (1, [f"client.py: {TEXTS.password_wrong}"])


def test_a_password_file_that_is_none(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "missing", "No such file"), (tmp_path, "directory")):
        status, lines, complaints = Client("--password-file", str(path), input_=b"").end()
        assert (status, lines, len(complaints)) == (1, [], 1)
        assert why in complaints[0]
