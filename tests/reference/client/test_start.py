"""Before the client is connected: interrupts, what this Python lacks, and how addresses are told."""

import socket
from pathlib import Path

from tests.reference.server.test_listener import needs_ipv6
from tests.support import interrupted, run_python
from tests.terminal import CLIENT


def test_interrupted_while_the_password_is_read(tmp_path: Path) -> None:
    """From a pipe with a name, as a password manager writes to."""
    pipe = tmp_path / "password"
    assert interrupted(pipe, CLIENT, "--password-file", pipe) == (0, b"")


def test_a_python_without_tls_is_told_in_one_line() -> None:
    without = "import sys; sys.modules['ssl'] = None; from reference.client import cli; sys.exit(cli.main())"
    done = run_python("-c", without, "localhost:1", "--tls", "--language", "en")
    assert (done.returncode, done.stderr) == (
        1,
        "client.py: Cannot connect to localhost:1: this Python was built without TLS.\n",
    )


@needs_ipv6
def test_an_address_of_ipv6_is_told_with_its_brackets() -> None:
    with socket.socket(socket.AF_INET6) as closed:
        closed.bind(("::1", 0))
        port = closed.getsockname()[1]
        done = run_python(CLIENT, f"[::1]:{port}", "--language", "en")
    assert (done.returncode, done.stderr) == (1, f"client.py: Nothing listens at [::1]:{port}: connection refused.\n")
