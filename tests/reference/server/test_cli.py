"""The server as a process: arguments, signals, console, log, and whatever its standard streams are."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest

from tests.support import DEADLINE, ROOT, SERVER, Server, wait_until


def refused(*options: str) -> tuple[int, str]:
    """Start a server that should not start; return its exit status and what it writes to standard error."""
    done = subprocess.run(
        [sys.executable, SERVER, *options], stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False
    )
    assert not done.stdout
    return done.returncode, done.stderr.decode()


def in_shell(redirection: str) -> tuple[str, ...]:
    """Return a command that runs the server with such redirections."""
    return "sh", "-c", f'exec "$0" "$@" {redirection}', sys.executable, str(SERVER)


# ---------------------------------------------------------------- arguments


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, error = refused("--port", str(taken.getsockname()[1]))
    assert status == 1
    assert len(error.splitlines()) == 1
    assert "cannot listen on 127.0.0.1:" in error


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "256.1.1.1", "::1::", "a b"])
def test_bad_host(host: str) -> None:
    status, error = refused("--host", host, "--port", "0")
    assert status == 1
    assert len(error.splitlines()) == 1
    assert host in error


@pytest.mark.parametrize("host", ["\u00fc..\u00fc", "\udcff", "\u00fc" * 70])
def test_host_that_cannot_be_a_name(host: str) -> None:
    status, error = refused("--host", host, "--port", "0")
    assert status in (1, 2)
    assert "Traceback" not in error
    assert "server.py: " in error.splitlines()[-1]


@pytest.mark.parametrize(
    "options",
    [
        ("--port", "65536"),
        ("--port", "-1"),
        ("--port", "http"),
        ("--port", "8080.5"),
        ("--port", ""),
        ("--max-clients", "-1"),
        ("--choose-timeout", "nan"),
        ("--choose-timeout", "inf"),
        ("--max-waiting", "262143"),
        ("--max-waiting", "16777217"),
        ("--stall-timeout", "4.9"),
        ("--stall-timeout", "301"),
        ("--max-per-address", "-1"),
        ("--stats", "-1"),
        ("--stats", "1e-9"),
        ("--log-format", "xml"),
        ("--nonsense",),
        ("stray",),
    ],
)
def test_bad_arguments(options: tuple[str, ...]) -> None:
    status, error = refused(*options)
    assert status == 2
    assert len(error.splitlines()) == 1
    assert error.startswith("server.py: ")


def test_help_names_all_options() -> None:
    done = subprocess.run([sys.executable, SERVER, "--help"], capture_output=True, timeout=DEADLINE, check=True)
    text = done.stdout.decode()
    options = ("host", "port", "max-clients", "choose-timeout", "max-waiting", "stall-timeout", "log-messages")
    assert all(f"--{option}" in text for option in options)
    assert "8080" in text


# ---------------------------------------------------------------- where and how it is started


@pytest.mark.parametrize("flags", [(), ("-I",), ("-O",), ("-W", "error"), ("-X", "dev")])
def test_runs_from_another_folder(flags: tuple[str, ...], tmp_path: Path) -> None:
    with Server(command=(sys.executable, *flags, str(SERVER)), cwd=tmp_path) as server:
        client = server.connect("main")
        client.send("hello")
        assert "SAID" in client.barrier()[0]
        client.send("exit")
        assert client.rest() == ["BYE exit"]
        client.close()
        assert server.end() == 0
        assert "Warning" not in server.log()
    assert list(tmp_path.iterdir()) == []


def test_runs_as_a_program() -> None:
    with Server(command=(str(SERVER),)) as server:
        assert server.end() == 0


def test_runs_as_a_module() -> None:
    with Server(command=(sys.executable, "-m", "reference.server.server")) as server:
        assert server.end() == 0


# ---------------------------------------------------------------- the end


@pytest.mark.parametrize("end", ["SIGINT", "SIGTERM", "exit"])
def test_end(end: str) -> None:
    """[OPER-2] [OPER-9]: in a room and in the lobby, and the status is 0."""
    with Server() as server:
        ann, bob, lobby = server.connect("main", "Ann"), server.connect("main", "Bob"), server.connect()
        ann.send("last words")
        ann.barrier()
        if end == "exit":
            server.type("exit")
        else:
            server.process.send_signal(getattr(signal, end))
        assert ann.rest() == ["BYE shutdown"]
        assert bob.rest() == ["SAID Ann last words", "BYE shutdown"]
        assert lobby.rest() == ["BYE shutdown"]
        for client in (ann, bob, lobby):
            client.close()
        assert server.process.wait(DEADLINE) == 0
        assert server.printed("never") == ""
        assert "Traceback" not in server.log()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs the numbers of another process's threads")
def test_signal_that_reaches_any_thread() -> None:
    """[OPER-9]: Python code handles it in the main thread only, which has to be woken wherever it waits."""
    with Server() as server:
        client = server.connect("main")
        client.barrier()
        threads = [int(path.name) for path in Path(f"/proc/{server.process.pid}/task").iterdir()]
        os.kill(max(threads), signal.SIGTERM)  # given to this thread first
        assert client.rest() == ["BYE shutdown"]
        client.close()
        assert server.process.wait(DEADLINE) == 0


def test_impatient_operator() -> None:
    """More signals than one do no harm."""
    with Server() as server:
        client = server.connect("main")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGINT):
            server.process.send_signal(number)
        assert client.rest() == ["BYE shutdown"]
        server.process.send_signal(signal.SIGINT)
        client.close()
        assert server.process.wait(DEADLINE) == 0
        assert "Traceback" not in server.log()


def test_unread_lines_do_not_cost_the_bye() -> None:
    """[NET-6]: a client that sends on while the server ends gets its BYE."""
    with Server() as server:
        client = server.connect("main")
        client.send("exit", *["behind"] * 5000)
        assert client.rest() == ["BYE exit"]


# ---------------------------------------------------------------- the console and the standard streams


def test_end_of_console_input_does_not_end_it() -> None:
    """[OPER-8]: and it costs no processor time to have no console."""
    with Server() as server:
        client = server.connect("main")
        server.type("last words")
        assert server.process.stdin
        server.process.stdin.close()
        assert client.line() == "ANNOUNCE last words"
        idle(server)
        client.send("still here")
        assert "SAID" in client.barrier()[0]
        client.close()
        assert server.end() == 0


@pytest.mark.parametrize("redirection", ["< /dev/null", "<&-", "2> /dev/null", "2>&-", "< /dev/null 2>&-", "<&- 2>&-"])
def test_standard_streams_that_are_missing(redirection: str) -> None:
    with Server(command=in_shell(redirection)) as server:
        client = server.connect("main")
        client.send("hello")
        assert "SAID" in client.barrier()[0]
        idle(server)
        client.close()
        assert server.end() == 0


def idle(server: Server) -> None:
    """Fail where the server uses processor time while nothing happens, for as long as a busy loop would need."""
    before = server.processor_time()
    threading.Event().wait(0.5)  # what is measured, not a wait for something
    assert server.processor_time() - before < 0.25


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
def test_output_that_cannot_be_written(redirection: str) -> None:
    """It serves, and ends as it should, though nobody can read what it prints."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [*in_shell(redirection), "--port", str(port)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        wait_until(lambda: process.poll() is not None or reachable(port), "the port to be open")
        _, error = process.communicate(b"/who\n/kick nobody\nexit\n", timeout=DEADLINE)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert b"Traceback" not in error
    assert b"Exception" not in error


def reachable(port: int) -> bool:
    """Return whether somebody listens on the port."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def test_output_that_is_closed_later() -> None:
    """The console works on when the reader of its output has gone."""
    with Server() as server:
        client = server.connect("main")
        assert server.process.stdout
        server.process.stdout.close()
        server.type("/who", "/help", "noon", "exit")
        assert client.rest() == ["ANNOUNCE noon", "BYE shutdown"]
        client.close()
        assert server.process.wait(DEADLINE) == 0
        assert "Exception" not in server.log()


def test_console_works_whatever_the_encoding() -> None:
    """A text that the operator's terminal cannot show must not end the console."""
    with Server(environment={"PYTHONIOENCODING": "ascii"}) as server:
        client = server.connect("main")
        server.type("/kick \u00fc", "\u00fc", "exit")
        assert client.rest() == ["ANNOUNCE \u00fc", "BYE shutdown"]
        client.close()
        assert server.process.wait(DEADLINE) == 0
        assert "Exception" not in server.log()


# ---------------------------------------------------------------- the log


def test_log() -> None:
    """[SEC-3]: time stamps on every line, and nothing of what is said."""
    with Server() as server:
        ann = server.connect("main", "Ann")
        ann.send("a secret", "/cd lounge", "/ping secret", "/nope secret", "exit")
        ann.rest()
        web = server.open()
        web.sock.sendall(b"GET / HTTP/1.1\r\nsecret: 1\r\n\r\n")
        web.sock.recv(1)
        wait_until(lambda: "refused a connection that speaks HTTP" in server.log(), "the log")
        ann.close()
        assert server.end() == 0
        lines = server.log().splitlines()
        assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \S", line) for line in lines)
        text = "\n".join(lines)
        told = (
            "guest-1 connected",
            "guest-1 is now Ann",
            "Ann entered main",
            "Ann entered lounge",
            "Ann is gone (exit)",
        )
        assert [line for line in told if line not in text] == []
        assert "secret" not in text


def test_log_of_messages_where_it_is_wanted() -> None:
    """[SEC-2]: without a character that could drive a terminal."""
    with Server("--log-messages") as server:
        ann = server.connect("main", "Ann")
        ann.sock.sendall("gr\u00fc\u00df dich\n\x1b[2Jcleared\n\u0085\n".encode())
        ann.barrier()
        ann.close()
        assert server.end() == 0
        assert "main: SAID Ann gr\u00fc\u00df dich\n" in server.log()
        assert "cleared" not in server.log()
        assert "\x1b" not in server.log()


def test_log_as_json() -> None:
    """Each line is an object, whatever is said; at the end as well as before."""
    with Server("--log-format", "json", "--log-messages") as server:
        ann = server.connect("main", "Ann")
        ann.send('gr\u00fc\u00df "dich" \\ {name}', "exit")
        ann.until("BYE exit")
        ann.close()
        assert server.end() == 0
        entries = [json.loads(line) for line in server.log().splitlines()]
    assert all(entry["level"] == "info" and datetime.fromisoformat(entry["time"]).tzinfo for entry in entries)
    assert [entry["event"] for entry in entries] == ["connected", "renamed", "entered", "said", "gone"]
    assert entries[2]["name"] == "Ann"
    assert entries[3]["line"] == 'SAID Ann gr\u00fc\u00df "dich" \\ {name}'
    assert entries[4]["reason"] == "exit"


def stats(server: Server) -> list[dict[str, object]]:
    """Return the numbers that are logged so far."""
    entries = [json.loads(line) for line in server.log().splitlines() if line.endswith("}")]
    return [entry for entry in entries if entry["event"] == "stats"]


def test_numbers_on_request() -> None:
    """At SIGUSR1, and the server goes on; at no other time."""
    with Server("--log-format", "json") as server:
        clients = [server.connect(room) for room in ("main", "main", "lounge", None)]
        clients[0].send("hello")
        clients[0].barrier()
        for number in range(1, 4):
            server.process.send_signal(signal.SIGUSR1)
            wait_until(lambda number=number: len(stats(server)) == number, "the numbers")  # type: ignore[misc]
        clients[0].barrier()
        numbers = stats(server)[0]
        told = {word: numbers[word] for word in ("clients", "rooms", "messages", "waiting", "dropped")}
        assert told == {"clients": 4, "rooms": 2, "messages": 5, "waiting": 0, "dropped": 0}
        for client in clients:
            client.close()
        assert server.end() == 0
        assert len(stats(server)) == 3


def test_numbers_every_so_often() -> None:
    with Server("--log-format", "json", "--stats", "0.2") as server:
        server.connect("main").close()
        wait_until(lambda: len(stats(server)) >= 3, "three lines of numbers")
        assert server.end() == 0
    with Server("--stats", "0.2") as server:
        wait_until(lambda: server.log().count("0 clients, 0 rooms, 0 messages, ") >= 2, "two lines of numbers")


def test_warning_about_an_open_address() -> None:
    """[SEC-4]."""
    with Server("--host", "0.0.0.0") as server:
        assert server.end() == 0
        assert "0.0.0.0" in server.log()
    with Server() as server:
        assert server.end() == 0
        assert server.log() == ""


def test_exit_status_is_seen_by_a_shell() -> None:
    done = subprocess.run(
        ["sh", "-c", f"echo exit | {sys.executable} {SERVER} --port 0 | cat"],
        cwd=ROOT,
        capture_output=True,
        timeout=DEADLINE,
        check=True,
        env=dict(os.environ),
    )
    assert re.fullmatch(rb"listening on 127\.0\.0\.1:\d+\n", done.stdout)
    assert done.stderr == b""


# ---------------------------------------------------------------- a password


def test_a_server_with_a_password(tmp_path: Path) -> None:
    """[PASS-10]: it is neither logged nor printed, nor are wrong ones."""
    file = tmp_path / "password"
    file.write_text("Open sesame\n")
    file.chmod(0o640)
    with Server("--password-file", str(file)) as server:
        client = server.open()
        client.send("/password 0pen Sesame", "/password Open sesame", "main", "exit")
        lines = client.rest()
        assert [line.split(" ")[0] for line in lines if not line.startswith("INFO")] == [
            *("HELLO", "NAME", "ERROR", "ADMITTED", "ROOM", "BYE")
        ]
        server.type("/who")
        assert "sesame" not in server.printed("0 connected").lower()
        wait_until(lambda: "is gone" in server.log())
        assert "others can read" in server.log()
        assert "gave a wrong password" in server.log()
        assert "sesame" not in server.log().lower()


def test_a_password_that_only_the_owner_can_read_needs_no_warning(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.touch(0o600)
    file.write_text("Open sesame\n")
    with Server("--password-file", str(file)) as server:
        client = server.open()
        client.send("exit")
        wait_until(lambda: "is gone" in server.log())
        client.close()
        assert "others can read" not in server.log()


@pytest.mark.parametrize("octets", [None, b"", b"\n", b"x" * 129, b"secret\xff", b"secret\x00"])
def test_no_password_in_the_file(octets: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "password"
    if octets is not None:
        file.write_bytes(octets)
    status, error = refused("--port", "0", "--password-file", str(file))
    assert status == 1
    assert len(error.splitlines()) == 1
    assert str(file) in error
    assert "secret" not in error
