"""A run of many half-finished servers that is interrupted stops all that works for it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suite import DEADLINE, ROOT
from tests.support import wait_until


def marked(mark: int) -> list[str]:
    """Return the processes whose environment has this mark."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and f"HALF_FINISHED_TEST={mark}".encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc here")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_no_worker_and_no_server_is_left(number: signal.Signals) -> None:
    mark = os.getpid() * 100 + number
    with subprocess.Popen(
        [sys.executable, "-m", "tests.half_finished", "no-pong"],
        cwd=ROOT,
        env={**os.environ, "HALF_FINISHED_TEST": str(mark)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        # The first process, four that work, what keeps track of them, two that fork servers, and servers at last.
        wait_until(lambda: len(marked(mark)) > 8, "servers that are looked at")
        (os.killpg if number is signal.SIGINT else os.kill)(process.pid, number)
        _, complaints = process.communicate(timeout=DEADLINE)
    assert (process.returncode, complaints) == (130, "")
    wait_until(lambda: marked(mark) == [], "the end of all")
