"""The whole suite passes on a cluster of three nodes, and it notices where several programs are no single server."""

import re
import subprocess
import sys

from benchmarks.nats import nats
from tests.suite import ROOT, suite
from tests.support import Server

REFERENCE = "{python} reference/server/server.py --port {port}"
APART = f"env CLUSTER={{cluster}} {REFERENCE}"  # a word of its own does not make them one
WHOLE_RUN = 1200  # seconds, on a busy machine


def test_the_whole_suite_passes_on_three_nodes() -> None:
    with nats() as engine:
        node = f"{REFERENCE} --history 100 --cluster {engine.url} --cluster-name {{cluster}}"
        limits = "--max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}"
        commands = {
            "--server-cmd": node,
            "--limited-server-cmd": f"{node} {limits}",
            "--password-server-cmd": f"{node} --password-file {{password_file}}",
        }
        words = [word for option in commands.items() for word in option]
        run = subprocess.run(
            [sys.executable, "-m", "conformance", "--nodes", "3", "--jobs", "12", "--time-factor", "2", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=WHOLE_RUN,
            check=False,
        )
    assert run.returncode == 0, run.stdout
    assert re.search(r"^\d{3} checks in .*: \d{3} PASS", run.stdout, re.MULTILINE), run.stdout


def test_two_programs_that_are_apart_are_no_server() -> None:
    """Two clients have the same name, for instance."""
    run = suite("--nodes", "2", "--server-cmd", APART, "--select", "NAME-7")
    assert run.returncode == 1, run.stdout
    assert "NAME-7/made-up-names" in run.stdout


def test_two_addresses_that_are_apart_are_no_server() -> None:
    with Server() as one, Server() as other:
        servers = [word for server in (one, other) for word in ("--server", server.shown)]
        run = suite(*servers, "--select", "ROOM-2")
        assert run.returncode == 1, run.stdout
        assert suite("--server", one.shown, "--select", "ROOM-2").returncode == 0
    assert f"--server {one.shown} --server {other.shown}" in run.stdout


def test_nodes_need_a_word_that_they_alone_have() -> None:
    for command in (("--server-cmd", REFERENCE), ("--server-cmd", APART, "--limited-server-cmd", REFERENCE), ()):
        run = suite("--nodes", "2", *command)
        assert run.returncode == 2
        assert "--nodes needs --server-cmd, and {cluster} in each command" in run.stderr
