"""The tutorial shows the truth: its programs are run as they stand there, and its conversations played.

Of each chapter, the last program is the whole file. The parts before it in Python are parts of that. A conversation
that stands before all of them is one with the program of the chapter before.
"""

import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.checks.server.steps import STEPS
from conformance.wire.port import Port
from tests.suite import ROOT, suite
from tests.support import Client, wait_until

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
CHAPTERS = dict(enumerate(re.split(r"^## .*\n", PAGE, flags=re.MULTILINE)[1:-1], 1))  # the last section has no program
LONGEST = 60  # lines of the program, empty ones not counted


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


@pytest.mark.parametrize("number", [0, *PROGRAMS])
def test_each_chapter_ends_at_the_next_step(number: int, tmp_path: Path) -> None:
    """The suite says what the page quotes: of the empty file, and of each program."""
    quoted = re.findall(r"^<!-- next: output -->\n```text\n(.*\n)```$", PAGE, re.MULTILINE)
    path = tmp_path / "server.py"
    path.write_text(PROGRAMS.get(number, ""), encoding="utf-8")
    done = suite("next", "--server-cmd", f"{sys.executable} {path} {{port}}")
    assert done.returncode == 1
    assert done.stdout.startswith(quoted[number])
    assert quoted[number].startswith(f"Step {number + 1} of {len(STEPS)}: ")


def test_the_steps_are_those_of_the_suite() -> None:
    chapters = re.findall(r"^## (\d+)\. (.*)$", PAGE, re.MULTILINE)
    later = re.findall(r"^\| (\d+)\. (.*?) \|", PAGE, re.MULTILINE)
    assert chapters + later == [(str(number), step.title) for number, step in enumerate(STEPS, 1)]


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
