"""Every way to end the suite: what it started is gone, its status is right, and nobody sees a traceback."""

import contextlib
import errno
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.ends import status_of
from tests.suite import DEADLINE, ROOT, faulty, suite, unread
from tests.support import wait_until

# A wrapper that ends its server at SIGTERM, and not by being killed, as a container's command line does.
WRAPPER = """
import os, signal, subprocess, sys
memory, port = sys.argv[1:3]
signals = {signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
inner = subprocess.Popen(
    [sys.executable, "-m", "tests.asyncserver", "--port", port, "--fault", "said-doubled"], start_new_session=True
)
with open(memory, "a") as file:
    print(inner.pid, file=file)
signal.sigwait(signals)
inner.kill()
inner.wait()
"""
SELECT = ["--select", "SAY-2", "--select", "LINE-10"]  # one that fails at once, and one that takes long


def begin(tmp_path: Path, *arguments: str, **options: object) -> "subprocess.Popen[str]":
    """Start a run with servers in a wrapper, which notes them in a file."""
    program = tmp_path / "wrapper.py"
    program.write_text(WRAPPER, encoding="utf-8")
    command = [sys.executable, "-m", "conformance", *arguments]
    command += ["--server-cmd", f"{{python}} {program} {tmp_path}/inner {{port}}"]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": str(ROOT)}
    (tmp_path / "temporary").mkdir()
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **options)  # type: ignore[call-overload, no-any-return]


def runs(pid: str) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def nothing_is_left(tmp_path: Path) -> None:
    started = (tmp_path / "inner").read_text().split()
    assert started
    wait_until(lambda: not any(map(runs, started)), "the end of what was started")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_all_and_leaves_the_reports(number: signal.Signals, tmp_path: Path) -> None:
    report = tmp_path / "report"
    with begin(
        tmp_path, *SELECT, "--verbose", "--report", str(report), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith("FAIL  SAY-2")
        process.send_signal(number)
        process.send_signal(number)  # as somebody does who is impatient
        printed, complaints = process.communicate(timeout=DEADLINE)
    assert (process.returncode, complaints) == (130, "")
    assert printed.endswith("The run was interrupted; nothing is known beyond what is listed.\n")
    assert json.loads((report / "report.json").read_text())["conclusion"] == "interrupted"
    nothing_is_left(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_ends_next_and_what_it_started(number: signal.Signals, tmp_path: Path) -> None:
    with begin(tmp_path, "next", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: (tmp_path / "inner").exists() or process.poll() is not None, "a server")
        process.send_signal(number)
        _, complaints = process.communicate(timeout=DEADLINE)
    assert (process.returncode, complaints) == (130, "")
    nothing_is_left(tmp_path)


def test_a_window_that_is_closed_ends_all(tmp_path: Path) -> None:
    window, terminal = pty.openpty()
    report = tmp_path / "report"

    def take_window() -> None:
        os.setsid()
        os.close(os.open(os.ttyname(terminal), os.O_RDWR))

    with begin(
        tmp_path,
        *SELECT,
        "--report",
        str(report),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        preexec_fn=take_window,
    ) as process:
        os.close(terminal)
        wait_until(lambda: (tmp_path / "inner").exists() or process.poll() is not None, "a server")
        os.close(window)
        assert process.wait(DEADLINE) == 130
    assert json.loads((report / "report.json").read_text())["conclusion"] == "interrupted"
    nothing_is_left(tmp_path)


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--select", "SAY-2/said"], 1),
        (["--select", "SAY-2/said", "--verbose"], 130),
        (["--list"], 2),
        (["--help"], 2),
        (["next", "--from", "5"], 2),
    ],
)
def test_a_full_disk_is_told_in_one_line(arguments: list[str], status: int) -> None:
    with FULL.open("w") as full:
        done = suite(*arguments, "--server-cmd", faulty("said-doubled"), stdout=full.fileno())
    assert done.stderr == "flurfunk-conformance: the output cannot be written: No space left on device\n"
    assert done.returncode == status


@pytest.mark.parametrize("arguments", [["--list"], ["--help"], ["--digests"], ["next"]])
def test_nobody_who_reads_is_no_fault(arguments: list[str]) -> None:
    with unread() as nobody:
        done = suite(*arguments, "--server-cmd", faulty("said-doubled"), stdout=nobody)
    assert (done.returncode, done.stderr) == (130, "")


def test_an_error_that_is_not_about_the_output_is_not_taken_for_one() -> None:
    with pytest.raises(OSError, match="odd"):
        status_of(OSError(errno.EBADF, "odd"))


def test_nothing_of_a_subject_acts_on_the_terminal() -> None:
    """Its output, and what stands in the command line, are shown in visible characters."""
    command = [sys.executable, "-m", "conformance", "next", "--server-cmd"]
    word = os.fsdecode(b"'\xff\x1b[2J\xc2\x9b31m\xe2\x80\xae\x07'")
    program = "import sys; sys.stdout.buffer.write(b'\\x1b]0;x\\x07\\xff\\x1b[1\\n\\x9b2J\\n'); "
    program += "raise ValueError('\\x1b[5m\\u202e\\x08')"
    done = subprocess.run(
        [*command, f'{{python}} -c "{program}" {word} {{port}}'],
        cwd=ROOT,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )
    text = done.stdout.decode()
    assert done.returncode == 1
    assert done.stderr == b""
    assert [one for one in text if not one.isprintable() and one != "\n"] == []
    assert "ValueError" in text
