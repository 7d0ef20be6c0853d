"""How the suite comes to a server: one that is being started, one with an address of IPv6, one whose port is lost."""

import contextlib
import os
import shlex
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.wire.address import answering, parsed, written
from conformance.wire.process import launch
from tests.suite import DEADLINE, listening, suite
from tests.support import Server

FEW = ("--select", "STATE-1", "--select", "PING-1")

# It closes what it accepts, as a published port of a container does, or keeps it, as an activating proxy does.
STARTS = """
import os, socket, sys
how, port = sys.argv[1:3]
door = socket.create_server(("127.0.0.1", int(port)))
kept = []
for _ in range(4):
    connection, _ = door.accept()
    kept.append(connection) if how == "keeps" else connection.close()
    if how == "keeps":
        break
if how == "keeps":
    sum(range(30_000_000))  # it starts
os.set_inheritable(door.fileno(), False)
for connection in kept:
    connection.close()
os.execv(sys.executable, [sys.executable, "reference/server/server.py", "--port", port])
"""
# Somebody else listens at the port that it was told first.
LOSES = """
import os, pathlib, socket, subprocess, sys
port, memory = sys.argv[1], pathlib.Path(sys.argv[2])
if not memory.exists():
    other = subprocess.Popen(
        [sys.executable, "-c", "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); "
         "print(flush=True); [s.accept() for _ in iter(int, 1)]", port],
        stdout=subprocess.PIPE, start_new_session=True)
    other.stdout.readline()
    memory.write_text(str(other.pid))
os.execv(sys.executable, [sys.executable, "reference/server/server.py", "--port", port])
"""


def command(folder: Path, program: str, *words: str) -> str:
    path = folder / "start.py"
    path.write_text(program, encoding="utf-8")
    return f"{{python}} {shlex.quote(str(path))} {shlex.join(words).replace('PORT', '{port}')}"


@pytest.mark.parametrize("how", ["closes", "keeps"])
def test_a_server_that_starts_after_its_port_accepts_is_waited_for(how: str, tmp_path: Path) -> None:
    done = suite("--server-cmd", command(tmp_path, STARTS, how, "PORT"), *FEW)
    assert (done.returncode, done.stderr) == (0, "")


@contextlib.contextmanager
def behind(server: Server, closed: int) -> Iterator[str]:
    """Yield the address of something that closes the first connections, and passes the others on to a server."""
    count = iter(range(1 << 30))

    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)

    def serve(connection: socket.socket) -> None:
        if next(count) < closed:
            return
        with socket.create_connection(server.address, DEADLINE) as inner:
            back = threading.Thread(target=copy, args=(inner, connection), daemon=True)
            back.start()
            copy(connection, inner)
            back.join(DEADLINE)

    with listening(serve) as address:
        yield address


def test_a_port_that_closes_at_first_is_tried_again() -> None:
    with Server() as server, behind(server, closed=4) as address:
        done = suite("--server", address, "--no-console", *FEW)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_port_that_somebody_else_has_taken_is_not_checked_in_its_place(tmp_path: Path) -> None:
    memory = tmp_path / "other"
    try:
        done = suite("--server-cmd", command(tmp_path, LOSES, "PORT", str(memory)), *FEW)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(memory.read_text()), signal.SIGKILL)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_that_goes_into_the_background_is_told_to_stay() -> None:
    started = "{python} reference/server/server.py --port {port} </dev/null >/dev/null 2>&1 &"
    done = suite("--server-cmd", f"sh -c 'trap \"\" HUP; {started}'", *FEW)
    assert (done.returncode, done.stdout) == (3, "")
    assert "let the command stay in the foreground" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["[::1]:PORT", "::1:PORT"])
def test_an_address_of_ipv6_is_one_for_all_checks(text: str) -> None:
    with Server("--host", "::1") as server:
        done = suite("--server", text.replace("PORT", str(server.address[1])), "--no-console", *FEW)
        assert (done.returncode, done.stderr) == (0, "")
        failing = suite("--server", text.replace("PORT", str(server.address[1])), "--select", "LINE-4", "--verbose")
    assert f"--server '[::1]:{server.address[1]}'" in failing.stdout or "FAIL" not in failing.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_of_several_addresses_of_a_name_that_counts_which_answers(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real: Callable[..., Any] = socket.getaddrinfo

    def both(name: str, *arguments: Any, **options: Any) -> Any:
        if name != "both.example":
            return real(name, *arguments, **options)
        return [*real("::1", *arguments, **options), *real("127.0.0.1", *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with Server("--host", host) as server:
        assert answering(("both.example", server.address[1]), DEADLINE) == (host, server.address[1])
        status = main(["--server", f"both.example:{server.address[1]}", "--no-console", *FEW])
    assert (status, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize(
    ("text", "address", "again"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80), "127.0.0.1:80"),
        ("[::1]:80", ("::1", 80), "[::1]:80"),
        ("::1:80", ("::1", 80), "[::1]:80"),
        ("[fe80::1%eth0]:80", ("fe80::1%eth0", 80), "[fe80::1%eth0]:80"),
        ("chat.example:80", ("chat.example", 80), "chat.example:80"),
    ],
)
def test_addresses_are_read_and_written(text: str, address: tuple[str, int], again: str) -> None:
    assert parsed(text) == address
    assert written(address) == again


@pytest.mark.parametrize(
    "text", ["", "a", "a:", ":80", "a:0", "a:65536", "[::1]", "[::1:80", "::1]:80", "[]:80", "a:٨"]
)
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        parsed(text)


@pytest.mark.parametrize("host", ["a..b", "no-such-name.invalid", "[fe80::1%nowhere]"])
def test_a_host_that_does_not_exist_is_told_in_one_line(host: str) -> None:
    done = suite("--server", f"{host}:80")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert f"nobody accepts connections at {host}:80: " in done.stderr


def test_a_program_that_prints_much_while_it_starts_is_waited_for() -> None:
    prints = "import os, sys; [os.write(1, b'x' * 4095 + b'\\n') for _ in range(20000)]; sys.argv[1:] = sys.argv[1:]; "
    running = launch(
        f"{{python}} -c \"{prints} import runpy; sys.argv = ['server', '--port', '{{port}}']; "
        "runpy.run_path('reference/server/server.py', run_name='__main__')\"",
        terminal=False,
        limits={},
    )
    try:
        assert running.mark() > 20000 * 4096
        assert len(running.output) < 4 << 20
    finally:
        running.stop()


@pytest.mark.parametrize("check", ["sigterm-ends-the-server", "sigterm-when-nobody-has-come"])
def test_a_start_script_that_does_not_pass_signals_on_is_told_how(check: str) -> None:
    """The command after the server keeps the shell from starting the server in its own place."""
    script = "sh -c '{python} reference/server/server.py --port {port}; :'"
    done = suite("--server-cmd", script, "--select", f"OPER-9/{check}")
    assert done.returncode == 1
    assert "  reason    the signal went to the first process of the command, and ended it" in done.stdout
    assert "start the server with exec" in done.stdout


def test_a_line_without_an_end_costs_no_more_than_a_bound() -> None:
    """And it is told which requirement that breaks."""

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HELLO flurfunk/1\nNAME guest-1\n")
        while octets := connection.recv(4096):
            if b"\n" in octets:
                break
        else:
            return
        for _ in range(4096):
            connection.sendall(b"x" * 65536)
        connection.recv(1)

    with listening(endless) as address:
        done = suite("--server", address, "--no-console", "--select", "LINE-8")
    assert (done.returncode, done.stderr) == (1, "")
    assert "\nFAIL  LINE-8/every-line  MUST" in done.stdout
    assert "octets and no LF\n" in done.stdout
