"""A server that is killed has kept what it had sent, where it has a file for that."""

import signal
from pathlib import Path

import pytest

from tests.robustness.killed import play
from tests.support import Server, locked, past


@pytest.mark.parametrize("moment", [0.05, 0.2, 0.5])
def test_what_was_received_survives_the_server(tmp_path: Path, moment: float) -> None:
    assert play(tmp_path / "history.db", moment) > 0


def test_so_does_what_is_not_yet_in_the_database(tmp_path: Path) -> None:
    """Another program locks the database all the time."""
    options = ("--history", "50", "--history-file", str(tmp_path / "history.db"))
    words = [str(number) for number in range(40)]
    with Server(*options) as server:
        ann = server.connect("main", "Ann")
        with locked(tmp_path / "history.db"):
            for word in words:
                ann.send(word)
                ann.until(f"SAID Ann {word}")
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
    with Server(*options) as server:
        assert past(server.connect("main"), count=50) == [f"SAID Ann {word}" for word in words]
