"""The scenes of the terminal pictures: real programs, in which the same is said and typed each time.

Clock, ports and durations differ from run to run, so they are written over with what is shown each time.
"""

import contextlib
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyte

from docs.pictures.svg import svg
from tests.support import ROOT, SERVER, Client, Server, wait_until
from tests.terminal import Terminal

_LONGEST = 600.0  # seconds: for all checks, on a busy machine
_COLUMNS, _WIDE = 80, 114
_TIME = rb"\d\d:\d\d:\d\d"


def client() -> str:
    """Return the client in a conversation, while a line is typed."""
    with tempfile.TemporaryDirectory() as home, Server() as server:
        bob, cleo = (server.connect("main", name) for name in ("Bob", "Cleo"))
        address = "{}:{}".format(*server.address)
        with Terminal(address, "--name", "Ann", "--language", "en", environment=_environment(home)) as terminal:
            terminal.until_typed("Room to enter:")
            terminal.press("main\r")
            terminal.until_typed("Ann@main>")
            _say(terminal, bob, "morning! the new coffee machine works \N{HOT BEVERAGE}")
            _say(terminal, cleo, "at last. who tries the decaf?")
            terminal.press("not me :)\r")
            _until_shown(terminal, "<Ann> not me :)")
            dora, emil, _ = _enter_together(terminal, server, "Dora", "Emil", "Fritz")
            _until_shown(terminal, "Dora, Emil and Fritz")
            _say(terminal, dora, "hello everybody. the lounge is being painted, by the way: mind the door")
            emil.send("/nick Emilia")
            _until_shown(terminal, "Emilia")
            terminal.press("/who\r")
            _until_shown(terminal, "Ann, Dora, Emilia, Fritz")
            server.type("Cake in the kitchen at three \N{BIRTHDAY CAKE}")
            _until_shown(terminal, "Cake in the kitchen")
            cleo.send("/cd lounge")
            _until_shown(terminal, "Cleo left")
            _say(terminal, bob, "Ann, lunch before that? the usual place")
            terminal.press("sure, at half past twel")
            terminal.until_typed("Ann@main> sure, at half past twel")
            shown = terminal.output
    times = [*["09:41"] * 6, *["09:42"] * 3, *["09:43"] * 3, *["09:44"] * 2]
    return _drawn(_settled(shown, rb"(?<=\x1b\[2m)\d\d:\d\d(?= )", times), 17, "python3 reference/client/client.py")


def console() -> str:
    """Return the server's console, with events as they come and some of what an operator can type."""
    with (
        tempfile.TemporaryDirectory() as home,
        Terminal("--port", "0", program=(sys.executable, str(SERVER)), environment=_environment(home)) as terminal,
    ):
        terminal.until_typed("0 clients, 0 rooms>")
        try:
            shown = _operate(terminal)
        finally:
            os.kill(terminal.process, signal.SIGKILL)  # it would outlive its terminal [OPER-8]
    shown = _settled(shown, rb"(?<=127\.0\.0\.1:)\d+", ["8080"])
    times = "09:40:02 09:40:09 09:40:14  09:40:21 09:40:30 09:40:33  09:41:07 09:41:15 09:41:18 "
    times += "09:40:02 09:40:21 09:41:07  09:42:40  09:44:51"
    return _drawn(_settled(shown, _TIME, times.split()), 24, "python3 reference/server/server.py")


def _operate(terminal: Terminal) -> bytes:
    """Let people come and go, and type what an operator does; return what the server wrote."""
    found = re.search(rb"listening on 127\.0\.0\.1:(\d+)", terminal.output)
    assert found
    port = int(found[1])
    with contextlib.ExitStack() as stack:
        come = [("Ann", "main"), ("Bob", "main"), ("Cleo", "lounge")]
        ann, _, cleo = (
            stack.enter_context(contextlib.closing(_come(terminal, port, number, name, room)))
            for number, (name, room) in enumerate(come, 1)
        )
        _type(terminal, "/who", "3 connected")
        ann.send("/nick Anna")
        _until_shown(terminal, "Ann is now Anna")
        _type(terminal, "/rooms", "2 rooms")
        _type(terminal, "Cake in the kitchen at three", "Announced to 3 people in 2 rooms.")
        cleo.send("exit")
        _until_shown(terminal, "Cleo is gone (exit)")
        terminal.press("/kick B")
        terminal.until_typed("2 clients, 1 room> /kick B")
        return terminal.output


def conformance(select: Sequence[str] = ()) -> str:
    """Return the end of a run of the suite on the reference; `select`: as for the suite."""
    options = ["--verbose", *(word for what in select for word in ("--select", what))]
    program = (sys.executable, "-m", "conformance")
    with (
        tempfile.TemporaryDirectory() as home,
        Terminal(*options, program=program, environment=_environment(home)) as terminal,
    ):
        terminal.until(lambda: b"\r\nstatus " in terminal.output, _LONGEST)
        status = terminal.end()
    shown = terminal.output.partition(b"\r\nstatus ")[0]
    assert status == 0, "the reference does not conform:\n" + "\n".join(terminal.lines)
    shown = _settled(shown, rb"(?<= checks in )[\d.]+(?= s)", ["25.0"])
    return _drawn(shown + b"\x1b[?25l", 18, "python3 -m conformance")


def next_step() -> str:
    """Return what `next` says of a server that has three of the steps."""
    with tempfile.TemporaryDirectory() as home:
        server = Path(home, "my-server")
        server.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.stepserver 3 "$1"\n')
        server.chmod(0o700)
        Path(home, "spec").symlink_to(ROOT / "spec")  # near, so that its path is short
        command = f'cd {home} && exec {sys.executable} -m conformance next "$@"'
        environment = {**_environment(home), "PYTHONPATH": str(ROOT), "FLURFUNK_SPEC": "spec"}
        options = ("--no-console", "--server-cmd", "./my-server {port}")
        program = ("/bin/sh", "-c", command, "-")
        with Terminal(*options, program=program, columns=_WIDE, environment=environment) as terminal:
            terminal.until(lambda: b"\r\nstatus " in terminal.output, _LONGEST)
            terminal.end()
    shown = re.sub(rb"-[0-9a-f]{6}(?=\W)", b"-1c51ac", terminal.output.partition(b"\r\nstatus ")[0])
    return _drawn(shown + b"\x1b[?25l", 34, "flurfunk-conformance next", _WIDE)


# ------------------------------------------------------------ what is said and typed


def _environment(home: str) -> dict[str, str]:
    return {
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "XDG_CONFIG_HOME": home,
        "XDG_STATE_HOME": home,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _until_shown(terminal: Terminal, text: str) -> None:
    """Wait for a row that has this text in it."""
    terminal.until(lambda: any(text in row for row in terminal.lines))


def _say(terminal: Terminal, client: Client, text: str) -> None:
    client.send(text)
    _until_shown(terminal, f"> {text[:20]}")


def _enter_together(terminal: Terminal, server: Server, *names: str) -> list[Client]:
    """Let some enter main while the program does not run, so that it sees all of them at once."""
    clients = [server.connect(name=name) for name in names]
    os.kill(terminal.process, signal.SIGSTOP)
    state = Path(f"/proc/{terminal.process}/stat")
    wait_until(lambda: state.read_text().rpartition(") ")[2].startswith("T"), "the program has stopped")
    for client in clients:
        client.send("main")
        client.barrier()
    os.kill(terminal.process, signal.SIGCONT)
    return clients


def _come(terminal: Terminal, port: int, number: int, name: str, room: str) -> Client:
    """Connect, take a name and enter a room, each seen by the operator before the next."""
    client = Client(socket.create_connection(("127.0.0.1", port)))
    _until_shown(terminal, f"guest-{number} connected")
    client.send(f"/nick {name}")
    _until_shown(terminal, f"guest-{number} is now {name}")
    client.send(f"/cd {room}")
    _until_shown(terminal, f"{name} entered {room}")
    return client


def _type(terminal: Terminal, line: str, answer: str) -> None:
    terminal.press(f"{line}\r")
    terminal.until(lambda: answer in terminal.lines)


# ------------------------------------------------------------ what is drawn


def _settled(octets: bytes, pattern: bytes, values: Sequence[str]) -> bytes:
    """Replace what differs from run to run, each by the next value.  Raises AssertionError unless all are used."""
    found = re.findall(pattern, octets)
    assert len(found) == len(values), f"{__file__} has {len(values)} values for {found}"
    rest = iter(values)
    return re.sub(pattern, lambda _: next(rest).encode(), octets)


def _drawn(octets: bytes, rows: int, title: str, columns: int = _COLUMNS) -> str:
    """Return what a program wrote as a window of so many rows and columns."""
    screen = pyte.Screen(columns, rows)
    _, _, written = octets.partition(b"\r\nprocess ")  # the program's own output begins after that line
    # pyte knows no faint letters: they are taken for grey ones.
    pyte.ByteStream(screen).feed(written.partition(b"\n")[2].replace(b"\x1b[2m", b"\x1b[90m"))
    return svg(screen, title)
