"""What the README shows is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reference.client.texts_de import GERMAN
from reference.client.texts_en import ENGLISH
from reference.server.cli import parser
from reference.server.console import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_options_of_the_server_are_those_of_its_help() -> None:
    shown = re.findall(r"^\| `(--[a-z-]+)(?: \w+)?` \| ([^|]*) \| ([^|]*) \|$", README, re.M)
    actions = [action for action in parser()._actions if action.dest != "help"]
    assert shown == [(action.option_strings[0], str(action.default), action.help) for action in actions]


def test_commands_of_the_console_are_those_of_its_help() -> None:
    table = README.partition("| typed on the console | |\n|---|---|\n")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([^`]+)` \| (.*) \|$", table, re.M) == list(COMMANDS.items())


def test_words_that_the_client_does_not_send_are_named() -> None:
    """[CLIENT-13]."""
    (told,) = (part for part in README.split("\n\n") if "client's own and not sent" in part)
    assert set(re.findall(r"`(/[a-z]+)`", told)) == {*ENGLISH.habits, "/say"}
    assert ENGLISH.habits.keys() == GERMAN.habits.keys()


def test_conversation_is_what_the_server_answers() -> None:
    session = re.search(r"```console\n\$ nc [\d. ]+\n(.*?)```", README, re.S)
    assert session
    lines = session[1].splitlines()
    typed = [line for line in lines if not re.match(r"[A-Z]+ ", line)]
    shown = [line for line in lines if re.match(r"[A-Z]+ ", line)]
    assert len(typed) >= 6
    server = subprocess.Popen(
        [sys.executable, ROOT / "reference/server/server.py", "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout
    port = server.stdout.readline().rpartition(":")[2].strip()
    client = subprocess.run(
        [sys.executable, "-c", CLIENT, port], input="\n".join([*typed, ""]), capture_output=True, text=True, timeout=30
    )
    server.communicate("exit\n", timeout=30)
    assert client.stdout.splitlines() == shown
    assert server.returncode == 0


# What nc does, on machines without it.
CLIENT = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as sock:
    sock.sendall(sys.stdin.buffer.read())
    while octets := sock.recv(4096):
        sys.stdout.buffer.write(octets)
"""


@pytest.mark.parametrize("command", re.findall(r"^python3 (\S+\.py)", README, re.M))
def test_programs_exist_and_explain_themselves(command: str) -> None:
    done = subprocess.run([sys.executable, ROOT / command, "--help"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert "usage:" in done.stdout


def test_files_that_are_named_exist() -> None:
    named = set(re.findall(r"\]\(([^)#:]+)\)", README)) | set(re.findall(r"^\| `([a-z]+/[a-z./]*)`", README, re.M))
    assert len(named) >= 8
    assert [name for name in named if not (ROOT / name).exists()] == []
