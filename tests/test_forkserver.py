"""A forked server is a process like any other: its console, its session, how it ends."""

import os
import signal
from collections.abc import Iterator

import pytest

from conformance.wire.process import Running, UnreachableError, launch
from tests import faulty
from tests.forkserver import ForkServer
from tests.support import DEADLINE, ROOT


@pytest.fixture(scope="module")
def forks() -> Iterator[ForkServer]:
    with ForkServer(ROOT, faulty.MODULE) as forks:
        yield forks


@pytest.fixture(params=[True, False], ids=["terminal", "pipes"])
def running(forks: ForkServer, request: pytest.FixtureRequest) -> Iterator[Running]:
    command = faulty.SERVER + " --fault shutdown-status-1"
    running = launch(command, terminal=request.param, limits={}, begin=forks.begin)
    yield running
    running.stop()


def test_its_console_is_heard_and_seen(running: Running) -> None:
    mark = running.mark()
    running.say("/rooms")
    assert running.shows(lambda text: "0 rooms\n" in text, mark, DEADLINE) == "0 rooms\n"


def test_it_leads_a_session_of_its_own(running: Running) -> None:
    assert os.getsid(running.pid) == os.getpgid(running.pid) == running.pid


def test_its_exit_status_is_told(running: Running) -> None:
    assert running.status() is None
    running.say("exit")
    assert running.wait(DEADLINE) == running.status() == 1


def test_the_signal_that_ends_it_is_told(running: Running) -> None:
    running.signal(signal.SIGKILL)
    assert running.wait(DEADLINE) == -signal.SIGKILL


def test_it_goes_on_when_its_input_ends(running: Running) -> None:
    running.end_input()
    assert running.status() is None
    running.signal(signal.SIGTERM)
    assert running.wait(DEADLINE) == 1


def test_what_is_wrong_on_its_command_line_is_told(forks: ForkServer) -> None:
    with pytest.raises(UnreachableError, match=r"ended at once, with status 2; its last line.*no-such-fault"):
        launch(faulty.SERVER + " --fault no-such-fault", terminal=True, limits={}, begin=forks.begin)
