"""Before the server listens: what it makes of its options, and what keeps it from starting."""

from pathlib import Path

import pytest

from reference.server import cli
from tests.support import SERVER, interrupted, run_python


@pytest.mark.parametrize(
    ("options", "octets"),
    [
        ((), 1048576),
        (("--max-waiting", "262144"), 262144),
        (("--max-clients", "10000", "--max-waiting", "262144"), 640000),
        (("--max-clients", "1000000"), 16777216),
    ],
)
def test_a_list_of_all_clients_may_wait_for_one(options: tuple[str, ...], octets: int) -> None:
    """[FLOW-4] [FLOW-7]: who asks for it and reads it is not too slow."""
    assert cli.bound(cli.parser().parse_args(options)) == octets


def test_a_python_without_tls_is_told_in_one_line() -> None:
    without = "import sys; sys.modules['ssl'] = None; from reference.server import cli; sys.exit(cli.main())"
    done = run_python("-c", without, "--tls-cert", "x", "--tls-key", "x")
    assert done.returncode == 1
    assert done.stderr.endswith(": this Python was built without TLS\n")
    assert done.stderr.count("\n") == 1


def test_interrupted_before_it_listens(tmp_path: Path) -> None:
    """While it waits for a password from a pipe with a name."""
    pipe = tmp_path / "password"
    assert interrupted(pipe, SERVER, "--port", "0", "--password-file", pipe) == (130, b"")
