"""The server under test as a process, with its console."""

import shlex

import pytest

from conformance.wire.failure import Failed
from conformance.wire.process import launch

LISTENS = "import socket, sys; listener = socket.create_server(('127.0.0.1', int(sys.argv[1]))); sys.stdin.read()"


@pytest.mark.parametrize("terminal", [False, True])
def test_what_is_typed_at_a_server_that_was_ended_is_told(terminal: bool) -> None:
    running = launch(f"{{python}} -c {shlex.quote(LISTENS)} {{port}}", terminal=terminal, limits={})
    running.stop()
    with pytest.raises(Failed) as told:
        running.say("anybody?")
    assert told.value.expected == "the program reads what is typed on its console"
