"""The log never holds anybody up."""

import contextlib
import json
import logging
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from reference.server.chat import Record
from reference.server.journal import MOST, WORDS, Journal, write
from tests.support import DEADLINE, ROOT, SERVER, Client, wait_until


@pytest.fixture
def events() -> list[Record]:
    """More events than a pipe takes, and more than may wait."""
    return [Record("connected", {"name": f"guest-{n}"}) for n in range(3 * MOST)]


def test_a_descriptor_that_takes_nothing_holds_nobody_up(events: list[Record]) -> None:
    read_end, write_end = os.pipe()
    journal = Journal(partial(write, write_end))
    for event in events:
        journal.note(event)
    journal.close()
    os.set_blocking(read_end, False)
    assert os.read(read_end, 100).split(b"\n")[0].endswith(b" guest-0 connected")
    os.close(read_end)


def test_what_was_lost_is_counted(events: list[Record]) -> None:
    read_end, write_end = os.pipe()
    journal = Journal(partial(write, write_end))
    for event in events:
        journal.note(event)
    with open(read_end, encoding="utf-8") as written:
        lost = next(line for line in written if "lost" in line)
        assert 0 < int(lost.split()[2]) < len(events)
    journal.close()
    os.close(write_end)


def written_by(journal: Journal, read_end: int) -> list[str]:
    """Return the lines of a journal that is ended."""
    journal.close()
    return os.read(read_end, 65536).decode().splitlines()


def test_the_guide_for_operators_names_all_events() -> None:
    guide = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    table = guide.partition("| event | keys | it means |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [[set(re.findall(r"`(\w+)`", cell)) for cell in line.split("|")[1:3]] for line in table.splitlines()]
    told = {name: details for names, details in rows for name in names}
    meant = {name: set(re.findall(r"\{(\w+)\}", words)) for name, words in WORDS.items()}
    assert told == meant | {"log": {"text"}}


def test_lines_of_text() -> None:
    read_end, write_end = os.pipe()
    journal = Journal(partial(write, write_end))
    journal.note(Record("entered", {"name": "Ann", "room": "main"}))
    journal.emit(logging.LogRecord("x", logging.WARNING, "", 0, "cannot accept: %s", ("why",), None))
    entered, warning = written_by(journal, read_end)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} Ann entered main", entered)
    assert warning.endswith(" cannot accept: why")


def test_lines_of_json() -> None:
    read_end, write_end = os.pipe()
    journal = Journal(partial(write, write_end), "json")
    journal.note(Record("said", {"room": "main", "line": 'SAID Ann gr\u00fc\u00df "dich"\u2026'}))
    journal.emit(logging.LogRecord("x", logging.WARNING, "", 0, "two\nlines", (), None))
    said, warning = (json.loads(line) for line in written_by(journal, read_end))
    assert datetime.fromisoformat(said.pop("time")).tzinfo
    assert said == {"level": "info", "event": "said", "room": "main", "line": 'SAID Ann gr\u00fc\u00df "dich"\u2026'}
    assert (warning["level"], warning["event"], warning["text"]) == ("warning", "log", "two\nlines")


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


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("how", ["ab", "wb"])
def test_a_log_on_a_disk_that_was_full_has_whole_lines_and_the_right_number(
    tmp_path: Path, form: str, how: str
) -> None:
    """Of a line for which there is no room, nothing is written; the lines that are counted as lost are those."""
    log = tmp_path / "log"
    with open(log, how) as file:
        server = subprocess.Popen(
            [sys.executable, SERVER, "--port", "0", "--log-format", form],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
        )
    assert server.stdout
    address = server.stdout.readline().rpartition(b":")[2]
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    with contextlib.closing(Client(socket.create_connection(("127.0.0.1", int(address)), DEADLINE))) as client:
        client.send(*(f"/nick name-{number}" for number in range(100)))
        client.barrier()
        wait_until(lambda: log.stat().st_size > 800 and log.read_bytes().endswith(b"\n"))
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        client.send("/nick last")
        client.barrier()
        server.send_signal(signal.SIGTERM)
        client.rest()
    assert server.wait(DEADLINE) == 0
    server.stdout.close()
    lines = log.read_text().splitlines()
    if form == "json":
        lines = [json.loads(line).get("text", json.loads(line)["event"]) for line in lines]
    lost = sum(int(line.split(" lines of the log are lost")[0].split()[-1]) for line in lines if "are lost" in line)
    happened = [line for line in lines if "are lost" not in line]
    assert lost > 0
    assert lost + len(happened) == 1 + 101  # it connected, and had other names
    assert all(re.fullmatch(r"(20\S+ \S+ )?(.* connected|connected|.* is .*|renamed|gone)", line) for line in happened)


def test_lines_of_a_console() -> None:
    for form in ("text", "json"):
        read_end, write_end = os.pipe()
        journal = Journal(partial(write, write_end), f"{form} on a console")
        journal.show("2 connected")
        journal.show()
        journal.note(Record("entered", {"name": "Ann", "room": "main"}))
        answer, entered = written_by(journal, read_end)
        assert answer == "2 connected"
        if form == "text":
            assert re.fullmatch(r"\d\d:\d\d:\d\d Ann entered main", entered)
        else:
            assert json.loads(entered)["name"] == "Ann"
