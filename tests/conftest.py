"""Settings for all tests; and tools that the tests of the client share."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scripted_server import ScriptedServer
from tests.terminal import ENVIRONMENT, Terminal

pytest_plugins = ("tests.left_out",)

# A shell without job control, or nohup, starts programs so that they ignore some signals. The programs that the tests
# start would inherit that, and be deaf to Ctrl-C, for instance.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)

# The programs that the tests start speak English, and read and write no files of whoever runs the tests.
os.environ["LC_ALL"] = "C.UTF-8"
_HOME = tempfile.TemporaryDirectory(prefix="flurfunk-tests-")
for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "APPDATA", "LOCALAPPDATA"):
    os.environ[name] = str(Path(_HOME.name, name.lower()))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(params=["full", "plain"])
def editor(request: pytest.FixtureRequest) -> str:
    """The editor of the line."""
    return str(request.param)


@pytest.fixture(params=[80, 40])
def terminal(server: ScriptedServer, editor: str, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    arguments = server.address, "--no-times", "--editor", editor
    with Terminal(*arguments, columns=request.param, environment=ENVIRONMENT) as terminal:
        yield terminal
