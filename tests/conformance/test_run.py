"""The suite on servers that are none, on servers that end half way, and on a run that is interrupted."""

import itertools
import json
import os
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from conformance.cli import main
from conformance.judging.check import Check
from conformance.judging.result import Result, Settings
from conformance.judging.server_runner import Runner
from conformance.judging.verdict import Verdict
from conformance.stage.server import Stage
from conformance.stage.server_subject import MAX_DEATHS, CommandSubject
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec, read_requirements
from conformance.wire.failure import Failed
from conformance.wire.process import launch
from tests.suite import DEADLINE, ROOT, faulty, listening, suite, unread
from tests.support import Server

ASYNC = (sys.executable, "-m", "tests.asyncserver")


def mute(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def echo(connection: socket.socket) -> None:
    while octets := connection.recv(4096):
        connection.sendall(octets)


def http(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def closes(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def endless(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x" * 4096)


def endless_lines(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"220 mail.example ESMTP\r\n")


STRANGERS = {
    mute: "it accepts, but sends nothing for 2 s, and does not answer a ping either",
    echo: "it sends nothing by itself, and answers a ping with",
    http: 'answers a ping with "HTTP/1.1 400 Bad Request',
    closes: "it closes the connection at once",
    resets: "it breaks the connection",
    endless: "and no end of a line",
    endless_lines: 'it begins with "220 mail.example ESMTP',
}


@pytest.mark.parametrize("serve", STRANGERS, ids=lambda serve: serve.__name__)
def test_what_is_no_flurfunk_server_is_told_in_one_line(
    serve: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(serve)
    with listening(serve) as address:
        status = main(["--server", address, "--report", str(tmp_path)])
    printed = capsys.readouterr()
    assert (status, printed.out) == (3, "")
    assert printed.err.count("\n") == 1
    assert f"no Flurfunk/1 server at {address}: " in printed.err
    assert STRANGERS[serve] in printed.err
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["conclusion"], report["exit_status"], report["checks"]) == ("unreachable", 3, [])
    assert STRANGERS[serve] in report["summary"]


def test_a_server_that_is_down_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = suite("--server", f"127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"flurfunk-conformance: nobody accepts connections at 127.0.0.1:{port}: Connection refused\n"


def test_a_server_that_wants_a_password_of_everybody_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("Open sesame\n")
    with Server("--password-file", str(file)) as server:
        done = suite("--server", f"{server.address[0]}:{server.address[1]}")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert "wants a password" in done.stderr
    assert "--password-server-cmd" in done.stderr


def test_a_command_that_ends_at_once_is_told_with_its_last_line() -> None:
    command = "{python} -c 'raise SystemExit(\"no port left {port}\")'"
    done = suite("--server-cmd", command)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert re.search(r"ended at once, with status 1; its last line is 'no port left \d+'", done.stderr)


def test_a_server_that_dies_half_way_is_named_once(tmp_path: Path) -> None:
    with Server("--fault", "crash-on-bad-text", command=ASYNC) as server:
        address = f"{server.address[0]}:{server.address[1]}"
        done = suite("--server", address, "--select", "3.2", "--select", "6", "--jobs", "1", "--report", tmp_path)
    assert done.returncode == 1
    assert len(re.findall(r"(?m)^FAIL  \S", done.stdout)) == 1  # the check that did it
    report = json.loads((tmp_path / "report.json").read_text())
    guilty = [check for check in report["checks"] if check["verdict"] == "FAIL"]
    later = [check for check in report["checks"] if check["verdict"] == "INCONCLUSIVE"]
    gone = f"the server at {address} serves nobody any more"
    assert [check["reason"] for check in guilty] == [gone]
    assert len(later) > 10
    assert {check["reason"] for check in later} == {gone, ""}
    assert [(one["id"], one["received"]) for one in later if not one["reason"]] == [("SEC-1/whole-run", gone)]


def run_in_process(
    *functions: Callable[[Stage], None],
    jobs: int = 4,
    command: str = faulty("crash-on-bad-text"),
    on_result: Callable[[Result], None] = lambda result: None,
    takes: int = 0,
    patient: bool = False,
) -> list[Result]:
    """Run functions as checks against a server, by default one that ends at the first ill-formed line."""
    directory = find_spec()
    requirements = read_requirements(directory)
    digest = requirements["TEXT-1"].digest
    checks = [
        Check("TEXT-1", digest, f"{n}-{function.__name__}", "", function, patient=takes)
        for n, function in enumerate(functions)
    ]
    subject = CommandSubject(command)
    try:
        settings = Settings(frozenset(), jobs=jobs, patient=patient)
        return Runner(subject, requirements, Grammar(directory / GRAMMAR), settings).run(checks, on_result)
    finally:
        subject.close()


def test_what_takes_long_runs_when_that_is_asked_for() -> None:
    (skipped,) = run_in_process(kill, takes=10)
    assert (skipped.verdict, skipped.reason, skipped.missing) == (Verdict.SKIP, "takes 10 s: --patient", False)
    assert run_in_process(kill, takes=10, patient=True)[0].verdict is Verdict.FAIL


def kill(t: Stage) -> None:
    ann = t.connect("ann")
    ann.send(b"\xff")
    ann.expect_error("bad-text")


def test_a_server_that_dies_again_and_again_is_not_started_for_ever() -> None:
    results = run_in_process(*[kill] * (MAX_DEATHS + 1), jobs=1)
    verdicts = [Verdict.FAIL] * MAX_DEATHS
    assert [result.verdict for result in results] == [*verdicts, Verdict.INCONCLUSIVE, Verdict.FAIL]
    assert results[-2].reason == "not reached: SEC-1 does not hold"
    assert (results[-1].id, results[-1].reason) == ("SEC-1/whole-run", f"{MAX_DEATHS} times in this run")


def test_failures_beside_a_death_are_inconclusive() -> None:
    together = threading.Barrier(2)

    def kill_beside(t: Stage) -> None:
        together.wait(DEADLINE)
        kill(t)

    def talk(t: Stage) -> None:
        bob = t.connect("bob")
        together.wait(DEADLINE)
        bob.wait_end()
        bob.settle()

    results = run_in_process(kill_beside, talk)
    assert [result.verdict for result in results] == [Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.FAIL]
    assert results[2].id == "SEC-1/whole-run"
    assert "ended by itself, with status 1" in results[2].received


def test_a_failure_that_waits_to_be_tried_alone_is_told_when_the_run_is_interrupted() -> None:
    together, told, tries = threading.Barrier(2), list[Result](), itertools.count()

    def fail_beside(t: Stage) -> None:
        if next(tries):
            raise KeyboardInterrupt
        together.wait(DEADLINE)
        raise Failed("this", "that")

    def hold_beside(t: Stage) -> None:
        together.wait(DEADLINE)

    with pytest.raises(KeyboardInterrupt):
        run_in_process(fail_beside, hold_beside, on_result=told.append)
    assert {result.verdict for result in told} == {Verdict.PASS, Verdict.FAIL}
    (failure,) = (result for result in told if result.verdict is Verdict.FAIL)
    assert (failure.received, failure.reason) == (
        "that",
        "failed while other checks ran; the run ended before it was tried alone",
    )


def test_a_malformed_line_that_a_check_stumbles_over_is_no_fault_of_the_suite() -> None:
    def stumble(t: Stage) -> None:
        ann = t.connect("ann")
        ann.send(t.room())
        _, _ = ann.receive().split(b" ")

    result, *_ = run_in_process(stumble, command=faulty("room-topic"))
    assert (result.verdict, result.requirement.id) == (Verdict.FAIL, "OUT-1")
    assert "ROOM main" in result.received


def test_a_check_that_stumbles_over_a_line_as_it_has_to_be_is_a_fault_of_the_suite() -> None:
    def stumble(t: Stage) -> None:
        ann = t.connect("ann")
        ann.send(t.room())
        _ = ann.receive().split(b" ")[2]

    result, *_ = run_in_process(stumble)
    assert (result.verdict, result.reason.splitlines()[-1]) == (Verdict.ERROR, "IndexError: list index out of range")


@pytest.mark.parametrize("typing", [True, False])
def test_a_server_that_died_at_its_console_is_no_fault_of_the_suite(typing: bool) -> None:
    def go_on(t: Stage) -> None:
        server = t.start(terminal=False)
        t.connect("ann").send(b"\xff")
        server.wait(DEADLINE)
        if typing:
            server.say("x")
        else:
            server.signal(signal.SIGTERM)

    result, seen = run_in_process(go_on)
    assert (result.verdict, result.because) == (Verdict.INCONCLUSIVE, "SEC-1")
    assert (seen.verdict, seen.requirement.id) == (Verdict.FAIL, "SEC-1")
    assert seen.received.startswith("it ended by itself, with status 1")


def test_a_full_server_is_told_to_let_the_suite_in() -> None:
    def crowd(t: Stage) -> None:
        for label in ("ann", "bob", "cyd"):
            t.connect(label)

    result, *_ = run_in_process(crowd, command="{python} reference/server/server.py --port {port} --max-clients 2")
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "let it serve 100 clients" in result.reason


def test_enter_on_a_console_is_what_a_keyboard_sends(tmp_path: Path) -> None:
    """For programs that read keys; a terminal that is not told otherwise makes LF of it."""
    program = tmp_path / "keys.py"
    program.write_text(
        "import os, socket, sys, tty\n"
        "tty.setraw(0)\n"
        "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "typed = b''\n"
        "while not typed.endswith(b'\\r'):\n"
        "    typed += os.read(0, 1)\n"
        "print('typed', typed)\n"
    )
    running = launch(f"{{python}} {shlex.quote(str(program))} {{port}}", terminal=True, limits={})
    try:
        running.say("hello")
        assert running.shows(lambda text: "typed" in text, 0, DEADLINE).strip() == r"typed b'hello\r'"
    finally:
        running.stop()


def test_an_interrupted_run_leaves_its_reports(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conformance", "--server-cmd", faulty("said-doubled"), "--report", str(tmp_path)]
    command += ["--verbose", "--select", "SAY-2", "--select", "LINE-10"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("FAIL  SAY-2")  # LINE-10 needs five seconds more
        process.send_signal(signal.SIGTERM)  # from here on as with Ctrl-C
        printed = process.stdout.read()
        assert process.wait(DEADLINE) == 130
    assert printed.endswith("The run was interrupted; nothing is known beyond what is listed.\n")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["conclusion"], report["exit_status"]) == ("interrupted", 130)
    assert "FAIL" in {check["verdict"] for check in report["checks"]}
    assert all((tmp_path / name).stat().st_size for name in ("report.html", "junit.xml", "badge.svg"))


def test_a_run_of_which_nobody_reads_more_ends_as_if_interrupted(tmp_path: Path) -> None:
    """As with `| head`."""
    few = ("--verbose", "--select", "SAY-2")
    with unread() as nobody:
        done = suite("--server-cmd", faulty("said-doubled"), "--report", tmp_path, *few, stdout=nobody)
    assert (done.returncode, done.stderr) == (130, "")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["conclusion"], {check["verdict"] for check in report["checks"]}) == ("interrupted", {"FAIL"})


def test_reports_that_cannot_be_written_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = suite("--server-cmd", faulty(), "--select", "SAY-2", "--report", tmp_path / "file")
    assert done.returncode == 2
    assert done.stderr == f"flurfunk-conformance: no reports in {tmp_path / 'file'}: File exists\n"


def in_terminal(**environment: str) -> str:
    """Return what a terminal gets while the suite runs two failing checks."""
    command = ["-m", "conformance", "--server-cmd", faulty("said-doubled"), "--select", "SAY-2"]
    plain = {key: value for key, value in os.environ.items() if key not in ("CI", "NO_COLOR", "TERM")}
    child = pexpect.spawn(
        sys.executable,
        command,
        cwd=ROOT,
        env={**plain, "TERM": "xterm", **environment},
        encoding="utf-8",
    )
    end = time.monotonic() + DEADLINE
    printed = str(child.read())
    child.close()
    assert time.monotonic() < end
    assert child.exitstatus == 1
    return printed


def test_a_terminal_shows_progress_and_colours() -> None:
    printed = in_terminal()
    assert re.search(r"\r\x1b\[2K\d/\d  SAY-2/", printed)
    assert "\x1b[1;31mFAIL\x1b[0m  SAY-2/" in printed
    assert "\x1b[1;31mFAIL\x1b[0m          SAY-2" in printed


def test_no_color_and_ci_are_honoured() -> None:
    printed = in_terminal(NO_COLOR="1", CI="true")
    assert "\x1b" not in printed
    assert "FAIL  SAY-2/" in printed


def test_a_pipe_gets_text_alone() -> None:
    done = suite("--server-cmd", faulty("said-doubled"), "--select", "SAY-2")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_a_run_that_is_cut_off_knows_which_checks_ran() -> None:
    begun = threading.Event()

    def long(t: Stage) -> None:
        (ann,) = t.members(t.room(), "ann")
        begun.set()
        ann.wait_end()

    def short(t: Stage) -> None:
        begun.wait(DEADLINE)

    def interrupt(result: Result) -> None:
        raise KeyboardInterrupt

    directory = find_spec()
    requirements = read_requirements(directory)
    digest = requirements["TEXT-1"].digest
    subject = CommandSubject(faulty())
    runner = Runner(subject, requirements, Grammar(directory / GRAMMAR), Settings(frozenset(), jobs=2))
    checks = [Check("TEXT-1", digest, function.__name__, "", function) for function in (long, short)]
    try:
        with pytest.raises(KeyboardInterrupt):
            runner.run(checks, interrupt)
    finally:
        subject.close()
    assert list(runner.cut_off) == ["TEXT-1/long"]


ONE_WITHOUT_PINGS = """
import itertools, socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
for number in itertools.count(1):
    connection, _ = server.accept()
    connection.sendall(b"HELLO flurfunk/1\\nNAME guest-%d\\n" % number)
    while connection.recv(4096):
        pass
    connection.close()
"""


def test_several_connections_are_looked_at_where_no_ping_is_answered(tmp_path: Path) -> None:
    program = tmp_path / "server.py"
    program.write_text(ONE_WITHOUT_PINGS)
    command = f"{{python}} {shlex.quote(str(program))} {{port}}"
    done = suite("--server-cmd", command, "--select", "NET-1/several-connections-at-once")
    assert done.returncode == 1
    assert "  expected  client1 <- anything\n" in done.stdout


def test_a_client_that_deals_late_with_what_it_read_and_shows_no_info_is_not_blamed() -> None:
    """As on a busy machine: it takes a while from reading ADMITTED to what comes of it."""
    command = "{python} -m tests.plainclient {host} {port} --late 0.3 --fault no-info"
    done = suite("--client-cmd", command, "--select", "PASS-12")
    assert (done.returncode, done.stderr) == (0, "")
    assert "FAIL" not in done.stdout
    assert "WARN" not in done.stdout
