"""The suite blames nobody who is right: servers written from the specification alone, and one that is far away."""

import shutil
import subprocess
import sys

import pytest

from tests.support import ROOT

LIMITS = " --max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}"
SERVERS = {
    "asyncio": "{python} -m tests.asyncserver --port {port}",
    "node": "node tests/nodeserver/server.mjs --port {port}",
    "contrary": "{python} -m tests.contraryserver --port {port}",
    "reference that keeps nothing": "{python} reference/server/server.py --port {port}",
}
WAY = 0.05  # seconds, to the server that is far away, and as many back
PASSWORDS = {
    name: ("--password-server-cmd", SERVERS[name] + " --password-file {password_file}")
    for name in ("asyncio", "contrary")
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_of_another_kind_passes(name: str) -> None:
    if name == "node" and not shutil.which("node"):
        pytest.skip("Node.js is not installed: the server in JavaScript was not checked")
    command = SERVERS[name]
    arguments = ["--server-cmd", command, "--limited-server-cmd", command + LIMITS, *PASSWORDS.get(name, ())]
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The server conforms to Flurfunk/1." in done.stdout


@pytest.mark.parametrize("section", ["11.3", "FLOW"])
def test_a_server_far_away_passes(section: str) -> None:
    reference = f"{{python}} -m tests.faraway {WAY} {{port}} {{python}} reference/server/server.py --port {{{{inner}}}}"
    reference += " --history 100"
    arguments = ["--server-cmd", reference, "--limited-server-cmd", reference + LIMITS]
    arguments += ["--password-server-cmd", f"{reference} --password-file {{password_file}}", "--select", section]
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " PASS\n" in done.stdout, done.stdout + done.stderr
