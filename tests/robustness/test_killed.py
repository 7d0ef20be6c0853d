"""A server that is killed has kept what it had sent, where it has a file for that."""

from pathlib import Path

import pytest

from tests.robustness.killed import play


@pytest.mark.parametrize("moment", [0.05, 0.2, 0.5])
def test_what_was_received_survives_the_server(tmp_path: Path, moment: float) -> None:
    assert play(tmp_path / "history.db", moment) > 0
