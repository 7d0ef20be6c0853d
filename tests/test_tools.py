"""Programs that people use in the client's place, with the commands of its guide: they chat, and lose no line."""

import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import DEADLINE, ROOT, Server
from tests.tls import AUTHORITY, TlsServer

GUIDE = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
ROWS = re.findall(
    r"^\| `([^`]+)` \| ([^|]*) \|$", GUIDE.partition("\n## Other programs\n")[2].partition("\n## ")[0], re.M
)
TLS = "certificate.pem"  # in a command, and replaced by one of the tests
# How the guide says when a program ends.
WITH_INPUT, AFTER_EXIT, STAYS_OPEN = "with its input", "after `exit`", "its input has to stay open until then"


@contextmanager
def started(command: str, *options: str) -> Iterator[tuple[Server, subprocess.Popen[str]]]:
    """Start a server, inside TLS where the command is, and the program; skip, visibly, where it is not installed."""
    words = shlex.split(command)
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed")
    if words[0] == "nc" and "OpenBSD" not in subprocess.run(["nc", "-h"], capture_output=True, text=True).stderr:
        pytest.skip("nc is not netcat-openbsd")
    with TlsServer(*options) if TLS in command else Server(*options) as server:
        port = str(server.address[1])
        words = [word.replace("8080", port).replace(TLS, str(AUTHORITY)) for word in words]
        pipe, both = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=both, text=True, bufsize=1) as program:
            too_long = threading.Timer(DEADLINE, program.kill)
            too_long.start()
            try:
                yield server, program
            finally:
                too_long.cancel()
                program.kill()


def until(program: subprocess.Popen[str], last: str) -> None:
    """Read what a program shows, up to a line that begins like this."""
    assert program.stdout
    shown = []
    for line in program.stdout:
        shown.append(line.rstrip("\r\n"))
        if shown[-1].startswith(last):
            return
    pytest.fail(f"not shown: {last!r}, but {shown}")


def test_the_guide_has_all_programs() -> None:
    assert {shlex.split(command)[0] for command, _ in ROWS} == {
        *("nc", "ncat", "socat", "plink", "telnet", "openssl", "gnutls-cli"),
    }
    assert {ends for _, ends in ROWS} == {WITH_INPUT, AFTER_EXIT, f"{AFTER_EXIT}; {STAYS_OPEN}"}


@pytest.mark.parametrize("command", [command for command, _ in ROWS])
def test_people_chat_with_it(command: str) -> None:
    """Both ways; and the goodbye after `exit`, with which the program ends."""
    with started(command) as (server, program):
        assert program.stdin
        bob = server.connect("main", "Bob")
        print("/nick Ann\nmain\nhello", file=program.stdin)
        bob.until("SAID Ann hello")
        until(program, "SAID Ann hello")
        bob.send("Rita Quick, RSVP")  # beginnings that some programs take for commands of their own
        until(program, "SAID Bob Rita Quick, RSVP")
        for text in ("Right", "Quite", "kind", "KIND"):
            print(text, file=program.stdin)
            bob.until(f"SAID Ann {text}")
        print("exit", file=program.stdin)
        until(program, "BYE exit")
        program.stdin.close()
        assert program.wait(DEADLINE) == 0


@pytest.mark.parametrize(("command", "ends"), ROWS)
def test_no_answer_is_lost_at_the_end_of_input(command: str, ends: str, tmp_path: Path) -> None:
    """Nor one that comes late: the server answers a wrong password after a second."""
    secret = tmp_path / "password"
    secret.write_text("right\n")
    with started(command, "--password-file", str(secret)) as (_, program):
        assert program.stdin
        print("/password wrong", file=program.stdin)
        if AFTER_EXIT in ends:
            print("exit", file=program.stdin)
        if STAYS_OPEN not in ends:
            program.stdin.close()
        until(program, "ERROR ")
        if AFTER_EXIT in ends:
            until(program, "BYE exit")
        program.stdin.close()
        assert program.wait(DEADLINE) == 0
