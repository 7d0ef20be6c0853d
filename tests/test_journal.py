"""The log never holds anybody up."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys

import pytest

from reference.server.journal import MOST, Journal
from tests.support import DEADLINE, SERVER, Client


@pytest.fixture
def records() -> list[logging.LogRecord]:
    """More records than a pipe takes, and more than may wait."""
    return [logging.LogRecord("x", logging.INFO, "", 0, f"line {n}", None, None) for n in range(3 * MOST)]


def test_a_descriptor_that_takes_nothing_holds_nobody_up(records: list[logging.LogRecord]) -> None:
    read_end, write_end = os.pipe()
    journal = Journal(write_end)
    for record in records:
        journal.emit(record)
    journal.close()
    os.set_blocking(read_end, False)
    assert os.read(read_end, 6) == b"line 0"
    os.close(read_end)


def test_what_was_lost_is_counted(records: list[logging.LogRecord]) -> None:
    read_end, write_end = os.pipe()
    journal = Journal(write_end)
    for record in records:
        journal.emit(record)
    with open(read_end, encoding="utf-8") as written:
        lost = next(line for line in written if "lost" in line)
        assert 0 < int(lost.split()[0]) < len(records)
    journal.close()
    os.close(write_end)


@pytest.mark.parametrize("stderr", ["unread pipe", "/dev/full"])
def test_server_goes_on_and_ends_when_its_log_cannot_be_written(stderr: str) -> None:
    with open("/dev/full", "wb") as full:
        server = subprocess.Popen(
            [sys.executable, SERVER, "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if stderr == "unread pipe" else full,
        )
    assert server.stdout
    address = server.stdout.readline().rpartition(b":")[2]
    with contextlib.closing(Client(socket.create_connection(("127.0.0.1", int(address)), DEADLINE))) as client:
        for start in range(0, 4000, 100):  # each renaming is a line of the log: far more than a pipe holds
            client.send(*(f"/nick name-{number}" for number in range(start, start + 100)))
            client.barrier()
    server.send_signal(signal.SIGTERM)
    assert server.wait(DEADLINE) == 0
    server.stdout.close()
    if server.stderr:
        server.stderr.close()
