"""Before the client is connected: interrupts, what this Python lacks, and how addresses are told."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.support import DEADLINE, ROOT
from tests.test_listener import needs_ipv6

CLIENT = ROOT / "reference" / "client" / "client.py"


def complaint(*command: str | Path) -> tuple[int, str]:
    """Return the exit status of a client that cannot connect, and what it says."""
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    return done.returncode, done.stderr


def test_interrupted_while_the_password_is_read(tmp_path: Path) -> None:
    """From a pipe with a name, as a password manager writes to."""
    pipe = tmp_path / "password"
    os.mkfifo(pipe)
    command = [sys.executable, str(CLIENT), "--password-file", str(pipe)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        with open(pipe, "wb"):  # returns when the client reads
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE) == 0
        assert process.stderr
        assert process.stderr.read() == b""


def test_a_python_without_tls_is_told_in_one_line() -> None:
    without = "import sys; sys.modules['ssl'] = None; from reference.client import cli; sys.exit(cli.main())"
    status, said = complaint("-c", without, "localhost:1", "--tls", "--language", "en")
    assert (status, said) == (1, "client.py: Cannot connect to localhost:1: this Python was built without TLS.\n")


@needs_ipv6
def test_an_address_of_ipv6_is_told_with_its_brackets() -> None:
    with socket.socket(socket.AF_INET6) as closed:
        closed.bind(("::1", 0))
        port = closed.getsockname()[1]
        status, said = complaint(CLIENT, f"[::1]:{port}", "--language", "en")
    assert (status, said) == (1, f"client.py: Nothing listens at [::1]:{port}: connection refused.\n")
