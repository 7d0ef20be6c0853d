"""The operator's console in a real terminal, as a person sees it."""

import contextlib
import os
import re
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pexpect
import pytest

from tests.support import DEADLINE, SERVER, Client, wait_until
from tests.terminal import Terminal

ENVIRONMENT = {"TERM": "xterm-256color"}
COMMAND = (sys.executable, str(SERVER), "--port", "0")
UP = "\x1b[A"
LISTENING = re.compile(rb"listening on 127\.0\.0\.1:(\d+)\r\n")
TIME = r"\d\d:\d\d:\d\d"


class Operator(Terminal):
    """A terminal in which the server runs, and its clients; a context."""

    def __init__(
        self,
        *options: str,
        columns: int = 80,
        environment: dict[str, str] = ENVIRONMENT,
        program: tuple[str, ...] = COMMAND,
    ) -> None:
        super().__init__(*options, columns=columns, environment=environment, program=program)
        self._clients: list[Client] = []
        self.until(lambda: LISTENING.search(self.output) is not None)
        found = LISTENING.search(self.output)
        assert found
        self.port = int(found[1])
        self.until_typed("0 clients, 0 rooms>")

    def open(self) -> Client:
        """Return a new connection, of which nothing is read."""
        self._clients.append(Client(socket.create_connection(("127.0.0.1", self.port), DEADLINE)))
        return self._clients[-1]

    def connect(self, room: str | None = None, name: str | None = None) -> Client:
        """Return a client that has read its greeting, and is in a room under a name where they are given."""
        client = self.open()
        client.until("INFO")
        client.send(*([f"/nick {name}"] if name else []), *([f"/cd {room}"] if room else []))
        client.barrier()
        return client

    def until_matches(self, pattern: str) -> None:
        """Wait for a row that matches as a whole."""
        self.until(lambda: any(re.fullmatch(pattern, line) for line in self.lines))

    def __exit__(self, *exception: Any) -> None:
        for client in self._clients:
            client.close()
        super().__exit__(*exception)
        with contextlib.suppress(ProcessLookupError):  # mostly it is there: it outlives its terminal [OPER-8]
            os.kill(self.process, signal.SIGKILL)


@pytest.fixture(params=[80, 40])
def operator(request: pytest.FixtureRequest) -> Iterator[Operator]:
    with Operator(columns=request.param) as operator:
        yield operator


@pytest.fixture
def wide() -> Iterator[Operator]:
    with Operator() as operator:
        yield operator


def reachable(port: int) -> bool:
    """Return whether somebody listens on the port."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


# ---------------------------------------------------------------- what is seen


def test_who_comes_and_goes(operator: Operator) -> None:
    """Above the line, and in the prompt's numbers."""
    ann = operator.connect("main", "Ann")
    operator.until_typed("1 client, 1 room>")
    operator.connect("lounge", "Bob")
    operator.until_typed("2 clients, 2 rooms>")
    for text in ("guest-1 connected", "guest-1 is now Ann", "Ann entered main", "Bob entered lounge"):
        operator.until_matches(f"{TIME} {text}")
    ann.send("exit")
    ann.rest()
    operator.until_matches(rf"{TIME} Ann is gone \(exit\)")
    operator.until_typed("1 client, 1 room>")


def test_half_an_announcement_survives_what_happens(operator: Operator) -> None:
    """A hundred connections, each with three lines of the log."""
    prompt = "0 clients, 0 rooms>"
    operator.press("Wxrtung um zwölf")
    operator.until_typed(f"{prompt} Wxrtung um zwölf")
    clients = [operator.connect("main", f"name-{number}") for number in range(100)]
    operator.until_matches(f"{TIME} name-99 entered main")
    prompt = "100 clients, 1 room>" if operator.screen.columns > 40 else "100/1>"
    operator.until_typed(f"{prompt} Wxrtung um zwölf")
    assert [line for line in operator.lines if prompt in line] == [operator.typed]
    operator.press("\x01\x1b[C\x1b[3~a\r")
    operator.until_line("> Wartung um zwölf")
    operator.until_line("Announced to 100 people in 1 room.")
    assert clients[-1].line() == "ANNOUNCE Wartung um zwölf"


def test_announcements(operator: Operator) -> None:
    """[OPER-1] [OPER-3]: how many heard it; a slip is caught."""
    operator.press("nobody\r")
    operator.until(lambda: any(line.startswith("Announced to nobody: ") for line in operator.lines))
    ann, bob = operator.connect("main", "Ann"), operator.connect("lounge", "Bob")
    lobby = operator.connect()
    operator.press("noon\r")
    operator.until_line("Announced to 2 people in 2 rooms.")
    operator.press("/wjo\r")
    operator.until(lambda: any(line.startswith("Not announced: no such command.") for line in operator.lines))
    assert [client.barrier() for client in (ann, bob, lobby)] == [["ANNOUNCE noon"], ["ANNOUNCE noon"], []]


def test_bad_lines(operator: Operator) -> None:
    """[OPER-10]: and one as long as may be, which is more than a terminal's own lines have."""
    ann = operator.connect("main")
    for keys in (b"x" * 4097, b"caf\xe9", b"\x07", "next\u0085line".encode()):
        operator.press(keys + b"\r")
        operator.until_typed("1 client, 1 room>")
        operator.press(b"/rooms\r")
        operator.until(lambda: "main  1" in operator.lines)
        assert any(line.startswith("Not announced: the line is too long,") for line in operator.lines)
        operator.press(b"/help\r" * 3)  # so that it is seen anew
        operator.until(lambda: not any(line.startswith("Not announced") for line in operator.lines))
    operator.press("y" * 4096 + "\r")
    assert ann.line() == f"ANNOUNCE {'y' * 4096}"


def test_tab_is_no_part_of_an_announcement(wide: Operator) -> None:
    ann = wide.connect("main")
    wide.press("\ta\tb\t\r")
    assert ann.line() == "ANNOUNCE ab"


@pytest.mark.parametrize(
    ("environment", "escapes"), [({**ENVIRONMENT, "NO_COLOR": "1"}, True), ({"TERM": "dumb"}, False), ({}, False)]
)
def test_plain_terminals(environment: dict[str, str], escapes: bool) -> None:
    with Operator(environment=environment) as operator:
        operator.press("half")
        operator.connect("main")
        operator.until_typed("1 client, 1 room> half")
        operator.press("\x03")
        assert operator.end() == 0
    assert (b"\x1b" in operator.output) == escapes
    assert re.search(rb"\x1b\[[0-9;]*m", operator.output) is None


def test_the_width_changes(wide: Operator) -> None:
    wide.connect("main")
    wide.press("/lock\r")
    wide.until_typed("1 client, 1 room, locked>")
    wide.resize(40, 24)
    wide.until_typed("1/1 locked>")


def test_what_others_say_drives_no_terminal() -> None:
    """[SEC-2]: with what is said in the log."""
    with Operator("--log-messages") as operator:
        ann = operator.connect("main")
        ann.send("a\u202eb\u200fc")
        ann.barrier()
        operator.until_matches(f"{TIME} main: SAID guest-1 a<U\\+202E>b<U\\+200F>c")
        assert "\u202e".encode() not in operator.output


def test_the_log_as_json() -> None:
    with Operator("--log-format", "json") as operator:
        operator.connect()
        operator.until(lambda: '"event": "connected"' in "".join(operator.lines))
        operator.press("/rooms\r")
        operator.until_line("0 rooms")


def test_a_log_in_a_file(tmp_path: Path) -> None:
    """It has all that is to be in a log, and the console shows what happens nevertheless."""
    log = tmp_path / "log"
    with Operator(program=("sh", "-c", f'exec "$@" 2> {shlex.quote(str(log))}', "-", *COMMAND)) as operator:
        operator.connect()
        operator.until_matches(f"{TIME} guest-1 connected")
        operator.press("/rooms\rexit\r")
        assert operator.end() == 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} guest-1 connected\n", log.read_text())


# ---------------------------------------------------------------- commands


def test_who_and_rooms(wide: Operator) -> None:
    """[OPER-5] [OPER-6]."""
    wide.connect("main", "Ann")
    wide.connect()
    wide.press("/who\r")
    wide.until_line("2 connected")
    assert any(re.fullmatch(f"Ann +main +127\\.0\\.0\\.1 +since {TIME}", line) for line in wide.lines)
    assert any(re.fullmatch(f"guest-2 +- +127\\.0\\.0\\.1 +since {TIME}", line) for line in wide.lines)
    wide.press("/rooms\r")
    wide.until_line("1 room")
    assert "main  1" in wide.lines


def test_say(wide: Operator) -> None:
    """To the members of one room; the room is told apart by its folded name."""
    ann, bob = wide.connect("main", "Ann"), wide.connect("lounge", "Bob")
    wide.press("/say MAIN two  blanks\r")
    wide.until_line("Announced to 1 person in MAIN.")
    wide.press("/say nowhere hi\r")
    wide.until_line("Not announced: nobody is in a room called nowhere.")
    wide.press("/say main\r")
    wide.until_line("Not announced: the command is /say ROOM TEXT.")
    assert ann.barrier() == ["ANNOUNCE two  blanks"]
    assert bob.barrier() == []


def test_lock(operator: Operator) -> None:
    """[BYE-4]: who is inside stays, and comes and goes between rooms."""
    ann = operator.connect("main", "Ann")
    operator.press("/lock\r")
    narrow = operator.screen.columns == 40
    operator.until_typed("1/1 locked>" if narrow else "1 client, 1 room, locked>")
    assert operator.open().rest() == ["HELLO flurfunk/1 who rooms tell", "BYE full"]
    ann.send("/cd lounge")
    assert ann.barrier() == ["ROOM lounge"]
    operator.press("/unlock\r")
    operator.until_typed("1 client, 1 room>")
    operator.connect("lounge", "Bob")
    assert ann.line() == "JOINED Bob"


def test_stats(wide: Operator) -> None:
    wide.connect("main")
    wide.press("/stats\r")
    wide.until_line("1 client, 1 room, 2 messages, 0 octets waiting, 0 dropped")
    wide.until_matches(f"Runs since {TIME}\\.")


def test_keys(wide: Operator) -> None:
    """Tab completes commands, names and rooms; the arrow keys bring back what was typed."""
    bob = wide.connect("main", "Bob")
    wide.connect("mall", "Bert")
    wide.press("/k\tb\t")
    wide.until_line("Bert  Bob")
    wide.until_typed("2 clients, 2 rooms> /kick b")
    wide.press("o\t\r")
    assert bob.rest() == ["BYE removed"]
    wide.until_line("> /kick Bob")
    wide.press("/sa\tmal\thi\r")
    wide.until_line("Announced to 1 person in mall.")
    wide.press(UP)
    wide.until_typed("1 client, 1 room> /say mall hi")


def test_kick_with_the_blank_that_tab_adds(wide: Operator) -> None:
    bob = wide.connect("main", "Bob")
    wide.press("/kick Bob \r")
    assert bob.rest() == ["BYE removed"]


# ---------------------------------------------------------------- pasting


def paste(operator: Operator, text: str) -> None:
    """Paste as a terminal does that was told to mark it."""
    assert operator.output.rindex(b"\x1b[?2004h") > operator.output.rfind(b"\x1b[?2004l")
    operator.press(f"\x1b[200~{text}\x1b[201~")


def test_a_paste_of_several_lines_is_asked_about(operator: Operator) -> None:
    """They are to be seen before, nothing is carried out before the answer, and what happens does not disturb."""
    ann = operator.connect("main", "Ann")
    operator.press("and ")
    paste(operator, "one\r\n/lock\ntwo\n")
    operator.until_typed("Enter these 3 lines? (y/n)")
    place = operator.lines.index("- and one")
    assert operator.lines[place : place + 3] == ["- and one", "- /lock", "- two"]
    operator.connect("main", "Bob")
    assert ann.barrier() == ["JOINED Bob"]
    operator.until_typed("Enter these 3 lines? (y/n)")
    operator.press("xy")
    operator.until_typed("2/1 locked>" if operator.screen.columns == 40 else "2 clients, 1 room, locked>")
    operator.until_line("> two")
    assert ann.barrier() == ["ANNOUNCE and one", "ANNOUNCE two"]


@pytest.mark.parametrize("no", ["n", "\x04", "\x07"], ids=["n", "Ctrl-D", "Ctrl-G"])
def test_a_paste_that_is_refused_does_nothing_and_is_not_lost(wide: Operator, no: str) -> None:
    """An `exit` in it ends no server."""
    ann = wide.connect("main", "Ann")
    paste(wide, "secret\nexit\nof all\n")
    wide.until_typed("Enter these 3 lines? (y/n)")
    wide.press(no)
    wide.until_typed("1 client, 1 room>")
    assert ann.barrier() == []
    wide.press(f"{UP}{UP}{UP}\r")
    assert ann.line() == "ANNOUNCE secret"


def test_a_paste_of_one_line_is_as_if_typed(wide: Operator) -> None:
    """The end of that line carries nothing out."""
    ann = wide.connect("main", "Ann")
    paste(wide, "exit\n")
    wide.until_typed("1 client, 1 room> exit")
    assert ann.barrier() == []
    wide.press("s to the left\r")
    assert ann.line() == "ANNOUNCE exits to the left"


def test_pastes_are_the_shell_s_while_the_server_is_stopped_and_afterwards() -> None:
    with Operator() as operator:
        process = operator.process
        operator.press("\x1a")
        operator.until(lambda: operator.output.endswith(b"\x1b[?2004l") or b"\x1b[?2004l" in operator.output)
        os.kill(process, signal.SIGCONT)
        operator.until(lambda: operator.output.rindex(b"\x1b[?2004h") > operator.output.rindex(b"\x1b[?2004l"))
        operator.press("exit\r")
        assert operator.end() == 0
        assert operator.output.rindex(b"\x1b[?2004l") > operator.output.rindex(b"\x1b[?2004h")


def test_end_of_input_by_key_ends_nothing(wide: Operator) -> None:
    """[OPER-8]: not even the console."""
    wide.press("\x04")
    wide.until_line("The console goes on; exit ends the server.")
    wide.press("/rooms\r")
    wide.until_line("0 rooms")


# ---------------------------------------------------------------- ends


@pytest.mark.parametrize(
    "end",
    [
        lambda operator: operator.press("exit\r"),
        lambda operator: operator.press("half a line\x03"),
        lambda operator: operator.press("\x1c"),
        lambda operator: os.kill(operator.process, signal.SIGTERM),
    ],
    ids=["exit", "Ctrl-C", "Ctrl-backslash", "SIGTERM"],
)
def test_ends(wide: Operator, end: Callable[[Operator], None]) -> None:
    """[OPER-2] [OPER-9]: and the terminal is as it was."""
    os.kill(wide.process, signal.SIGHUP)  # ends nothing
    ann = wide.connect("main")
    end(wide)
    assert ann.rest() == ["BYE shutdown"]
    ann.close()
    assert wide.end() == 0
    assert not [line for line in wide.lines if line.startswith("0 clients")]


def test_a_terminal_that_nobody_reads_holds_nobody_up(wide: Operator) -> None:
    """It is read again only when the server has been told to end."""
    ann = wide.connect("main")
    for start in range(0, 4000, 100):  # far more than a terminal holds
        ann.send(*(f"/nick name-{number}" for number in range(start, start + 100)))
        ann.barrier()
    os.kill(wide.process, signal.SIGTERM)
    assert ann.rest() == ["BYE shutdown"]
    ann.close()
    assert wide.end() == 0


def test_a_terminal_that_hangs_up_ends_the_console_alone(wide: Operator) -> None:
    """[OPER-8]: the SIGHUP that comes with it ends nothing."""
    ann = wide.connect("main")
    process = wide.process
    try:
        wide.hang_up()
        for number in range(100):
            ann.send(f"still here {number}", f"/nick name-{number}")
            ann.barrier()
        os.kill(process, signal.SIGTERM)
        assert ann.rest() == ["BYE shutdown"]
        ann.close()
        wait_until(lambda: not reachable(wide.port), "the server to end")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


class Shell:
    """A shell in which a server was started and stopped by Ctrl-Z, with half a line typed; a context."""

    def __init__(self) -> None:
        environment = {"PATH": "/usr/bin:/bin", "PS1": "shell$ ", "TERM": "dumb"}
        self.terminal: Any = pexpect.spawn("/bin/sh", ["-i"], env=environment, timeout=DEADLINE, echo=False)

    def __enter__(self) -> Self:
        self.terminal.expect_exact("shell$ ")
        self._before = self._mode()
        self.terminal.sendline(shlex.join(COMMAND))
        self.terminal.expect(r"listening on 127\.0\.0\.1:(\d+)")
        self.port = int(self.terminal.match[1])
        self.terminal.expect_exact("0 clients, 0 rooms> ")
        self.terminal.send("no")
        self.terminal.expect_exact("no")
        self.terminal.send("\x1a")
        self.terminal.expect_exact("shell$ ")
        self.has_its_mode()
        return self

    def has_its_mode(self) -> None:
        """Fail where the terminal is not as it was before the server came."""
        assert self._mode() == self._before

    def _mode(self) -> bytes:
        self.terminal.sendline("stty -g; echo seen")
        self.terminal.expect(r"([0-9a-f:]{20,})\s+seen")
        mode: bytes = self.terminal.match[1]
        return mode

    def __exit__(self, *exception: object) -> None:
        self.terminal.close(force=True)


def test_stopped_and_back() -> None:
    """Ctrl-Z, and fg."""
    with Shell() as shell:
        shell.terminal.sendline("fg")
        shell.terminal.expect_exact("0 clients, 0 rooms> no")
        shell.terminal.send("on\r")
        shell.terminal.expect_exact("> noon")
        shell.terminal.expect_exact("Announced to nobody")
        shell.terminal.send("\x03")
        shell.terminal.expect_exact("shell$ ")
        shell.has_its_mode()


@pytest.mark.parametrize("back", [False, True])
def test_in_the_background(back: bool) -> None:
    """Ctrl-Z, and bg: it serves on, and is ended there, or comes back with fg."""
    with Shell() as shell:
        shell.terminal.sendline("bg")
        with contextlib.closing(Client(socket.create_connection(("127.0.0.1", shell.port), DEADLINE))) as client:
            client.until("INFO")
            shell.terminal.expect_exact("guest-1 connected")
            shell.has_its_mode()
            if back:
                shell.terminal.sendline("fg")
                shell.terminal.expect_exact("1 client, 0 rooms> no")
                shell.terminal.send("\x03")
            else:
                shell.terminal.sendline("kill %1; wait %1; echo status $?")
            assert client.rest() == ["BYE shutdown"]
        if not back:
            shell.terminal.expect_exact("status 0")
        shell.terminal.expect_exact("shell$ ")
        shell.has_its_mode()
