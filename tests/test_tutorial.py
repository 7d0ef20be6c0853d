"""What the tutorial shows is what happens: its programs are run as they stand there, and its conversations played.

Of each chapter, the last program is the whole file. What stands before it in Python are parts of that. A conversation
that stands before all of them is one with the program of the chapter before.
"""

import contextlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.wire.port import Port
from tests.suite import ROOT, suite
from tests.support import Client, wait_until

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
CHAPTERS = dict(enumerate(re.split(r"^## .*\n", PAGE, flags=re.MULTILINE)[1:-1], 1))  # the last section has no program
LONGEST = 60  # lines of the program, empty ones not counted
# Checks that hold when a chapter is done, since they need nothing that comes later. The first does not hold before it.
CHECKS = {
    1: "NET-1/several-connections-at-once STATE-1/hello-comes-first STATE-2/name NAME-7/made-up-names",
    2: "PING-1/pong PING-2/odd-tokens-come-back NET-3/two-lines-in-one-segment NET-3/a-line-in-pieces LINE-2/cr-lf"
    " LINE-5/an-empty-line HELP-1/help-is-given ORDER-6/ping-in-every-state",
    3: "STATE-6/a-line-enters-a-room ROOM-1/room ROOM-4/cd-enters-a-room ROOM-5/the-same-room-again SAY-4/say"
    " SAY-1/a-line-is-said NAME-10/rooms-are-folded NAME-11/any-room",
    4: "ROOM-2/joined ROOM-2/entering-is-told SAY-2/said-reaches-every-member-once SAY-3/said-reaches-nobody-else"
    " TEXT-5/texts-are-relayed-octet-for-octet STATE-4/no-events-for-the-lobby ORDER-7/pong-stands-in-order"
    " ORDER-8/events-for-each-member LINE-5/empty-lines NET-1/serves-over-ipv4 NET-4/half-close-gets-all-answers",
    5: "ROOM-3/moved ROOM-3/moving-is-told EXIT-1/exit-is-answered EXIT-2/exit-is-told EXIT-3/nothing-behind-exit"
    " LEFT-1/left-by-loss LEFT-1/left-by-half-closing LEFT-1/lost-connections-are-told LEFT-2/left-once"
    " BYE-1/bye-before-the-end BYE-2/nothing-behind-bye NET-4/exit-before-a-half-close"
    " NET-4/answers-wait-at-a-half-close NET-5/half-a-line-is-dropped NET-6/bye-survives-unread-input"
    " ORDER-2/no-event-from-before ORDER-9/bye-is-as-good-as-a-pong OUT-3/events-reach-members-only"
    " STATE-5/nothing-of-the-lobby LINE-1/lines-end-with-lf LINE-2/cr-lf-ends-a-line NAME-10/room-names-are-folded",
}


def blocks(kind: str, text: str) -> list[str]:
    """Return what stands in fences of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


PROGRAMS = {number: blocks("python", text)[-1] for number, text in CHAPTERS.items()}
CONVERSATIONS = [
    pytest.param(PROGRAMS[program], conversation, id=f"chapter-{number}-{count}")
    for number, text in CHAPTERS.items()
    for program, part in ((number - 1, text.partition("```python")[0]), (number, text.partition("```python")[2]))
    for count, conversation in enumerate(blocks("console", part), 1 if program == number else 0)
]


def test_there_is_a_program_in_each_chapter() -> None:
    assert list(PROGRAMS) == [1, 2, 3, 4, 5]
    assert len(CONVERSATIONS) == 12


@pytest.mark.parametrize("number", PROGRAMS)
def test_parts_of_a_program_stand_in_it(number: int) -> None:
    for part in blocks("python", CHAPTERS[number]):
        assert f"\n{part}" in f"\n{PROGRAMS[number]}"


@pytest.mark.parametrize("number", list(PROGRAMS)[1:])
def test_all_that_a_chapter_changes_is_shown_before_the_whole_file(number: int) -> None:
    *parts, whole = blocks("python", CHAPTERS[number])
    new = set(whole.splitlines()) - set(PROGRAMS[number - 1].splitlines()) - {""}
    assert new - {line for part in parts for line in part.splitlines()} <= {"import contextlib"}  # told in words


def test_the_program_is_short() -> None:
    assert len([line for line in PROGRAMS[5].splitlines() if line]) == LONGEST


@contextlib.contextmanager
def running(program: str, folder: Path) -> Iterator[int]:
    """Start a program of the page, yield its port, and end it.  Raises AssertionError where it complained."""
    path = folder / "server.py"
    path.write_text(program, encoding="utf-8")
    port = Port()
    process = subprocess.Popen([sys.executable, path, str(port.number)], stderr=subprocess.PIPE, text=True)
    try:
        yield port.number
    finally:
        process.kill()
        complaints = process.communicate()[1]
        port.give_back()
    assert complaints == ""


def called(port: int) -> Client:
    """Connect as soon as the server listens."""
    sockets: list[socket.socket] = []

    def connected() -> bool:
        with contextlib.suppress(ConnectionRefusedError):
            sockets.append(socket.create_connection(("127.0.0.1", port)))
        return bool(sockets)

    wait_until(connected, "a server that listens")
    return Client(sockets[0])


def columns(conversation: str) -> list[list[str]]:
    """Return for each row what stands in it, by the terminal."""
    rows = conversation.splitlines()
    place = rows[0].find("|")
    if place >= 0 and all(row[place : place + 1] == "|" for row in rows):
        return [[row[:place].rstrip(), row[place + 2 :]] for row in rows]
    return [[row] for row in rows]


def typed(command: str, port: int) -> Client:
    """Do what nc does, with the output of another command as its input, if there is one."""
    client = called(port)
    if command != "nc 127.0.0.1 8080":
        feed, pipe, nc = command.partition(" | ")
        assert (pipe, nc) == (" | ", "nc -N 127.0.0.1 8080")
        with subprocess.Popen(["sh", "-c", feed], stdout=subprocess.PIPE, bufsize=0) as process:
            assert process.stdout
            while octets := process.stdout.read(4096):
                client.sock.sendall(octets)
        client.half_close()
    return client


@pytest.mark.parametrize(("program", "conversation"), CONVERSATIONS)
def test_conversations_are_what_happens(program: str, conversation: str, tmp_path: Path) -> None:
    with running(program, tmp_path) as port, contextlib.ExitStack() as stack:
        terminals: dict[int, Client] = {}
        last: dict[int, str] = {}
        for row in columns(conversation):
            for terminal, text in enumerate(row):
                if text.startswith("$ "):
                    terminals[terminal] = typed(text[2:], port)
                    stack.callback(terminals[terminal].close)
                    last[terminal] = text if "-N" in text else ""
                elif text == "^C":
                    terminals.pop(terminal).close()
                elif re.match(r"[A-Z]+ ", text):
                    assert terminals[terminal].line() == text
                    last[terminal] = text if "BYE" in text else last[terminal]
                elif text:
                    terminals[terminal].send(text)
        for terminal, client in terminals.items():  # nothing else has come
            if last[terminal]:
                assert client.rest() == []
            elif "/ping" in program:
                assert client.barrier() == []
            else:
                client.half_close()
                assert client.rest() == []


@pytest.mark.parametrize("number", PROGRAMS)
def test_what_a_chapter_promises_holds(number: int, tmp_path: Path) -> None:
    wanted = [check for step in range(1, number + 1) for check in CHECKS[step].split()]
    verdicts = judged(PROGRAMS[number], tmp_path, wanted)
    assert {check: verdicts[check] for check in wanted} == dict.fromkeys(wanted, "PASS")


@pytest.mark.parametrize("number", list(PROGRAMS)[1:])
def test_a_chapter_makes_something_hold(number: int, tmp_path: Path) -> None:
    first = CHECKS[number].split()[0]
    assert judged(PROGRAMS[number - 1], tmp_path, [first])[first] == "FAIL"


def judged(program: str, folder: Path, checks: list[str]) -> dict[str, str]:
    """Return the verdicts of the suite on a program of the page, by the check: those on others, too, that it ran."""
    path = folder / "server.py"
    path.write_text(program, encoding="utf-8")
    selected = [word for check in checks for word in ("--select", check)]
    command = f"{sys.executable} {path} {{port}}"
    suite("--no-console", "--server-cmd", command, "--report", folder / "report", *selected)
    report = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))
    return {check["id"]: check["verdict"] for check in report["checks"]}


def test_a_client_that_breaks_while_others_talk_is_told_once(tmp_path: Path) -> None:
    with running(PROGRAMS[5], tmp_path) as port, contextlib.ExitStack() as stack:
        ann, *others = [called(port) for _ in range(20)]
        for client in (ann, *others):
            stack.callback(client.close)
            client.send("main")
            client.until("ROOM main")
        ann.barrier()
        for client in others:
            client.send(*["a word"] * 50, "exit")
        for client in others[::2]:
            client.reset()
        left: list[str] = []
        while len(left) < len(others):
            left += [line.split()[1] for line in [ann.line()] if line.startswith("LEFT ")]
        assert sorted(left) == sorted(f"guest-{number}" for number in range(2, 21))
        assert ann.barrier() == []


def test_files_that_are_named_exist() -> None:
    named = set(re.findall(r"\]\(([^)#:]+)", PAGE))
    assert len(named) >= 2
    assert [name for name in named if not (ROOT / "docs" / name).exists()] == []
    headings = re.findall(r"^#+ (.*)$", (ROOT / "spec" / "flurfunk-1.md").read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"flurfunk-1\.md#([^)]+)", PAGE)) <= anchors
