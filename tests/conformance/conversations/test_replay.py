"""A session that replays a failure: it fails again on the faulty server, and holds on one that conforms."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.conversations.replay import quoted
from conformance.conversations.session import parse_octets
from conformance.stage.server_subject import CommandSubject
from tests.support import ROOT

ASYNCSERVER = "{python} -m tests.asyncserver --port {port}"
NC = shutil.which("nc")

# A fault, and a check that notices it: by chance, in pieces, with ends of connections, ill-formed, at the console.
FAILURES = [
    ("own-case-refused", "ORDER-1/walk"),
    ("leak", "SAY-3"),
    ("bad-text-silent", "TEXT-1/ill-formed-utf8"),
    ("text-nfc", "TEXT-5"),
    ("cr-kept", "LINE-2"),
    ("cr-all-dropped", "ORDER-1/walk"),
    ("line-4095", "LINE-3"),
    ("left-missing-lost", "LEFT-1"),
    ("acts-behind-exit", "EXIT-3"),
    ("bom-kept", "LINE-6"),
    ("own-case-refused", "NAME-5"),
    ("who-without-asker", "WHO-1"),
    ("rooms-numbers-wrong", "LIST-1"),
    ("announce-twice", "OPER-1"),
]


def conformance(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the suite as a person does."""
    command = [sys.executable, "-m", "conformance", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)


def replays(fault: str, check: str, directory: Path) -> list[Path]:
    """Let a check fail; return the session files that it leaves, all named in what it prints."""
    server = f"{ASYNCSERVER} --fault {fault}"
    run = conformance("--server-cmd", server, "--select", check, "--verbose", "--report", str(directory))
    assert run.returncode == 1, run.stdout + run.stderr
    files = sorted((directory / "replay").glob("*.session"))
    assert files
    assert all(f"--replay {file}" in run.stdout and f"sh {file.with_suffix('.sh')}" in run.stdout for file in files)
    return files


@pytest.mark.parametrize(("fault", "check"), FAILURES)
def test_a_session_file_tells_the_faulty_server_from_one_that_conforms(fault: str, check: str, tmp_path: Path) -> None:
    again = [argument for file in replays(fault, check, tmp_path) for argument in ("--replay", str(file))]
    faulty = conformance(*again, "--server-cmd", f"{ASYNCSERVER} --fault {fault}")
    assert faulty.returncode == 1, faulty.stdout + faulty.stderr
    for server in (ASYNCSERVER, "{python} reference/server/server.py --port {port}"):
        correct = conformance(*again, "--server-cmd", server)
        assert correct.returncode == 0, correct.stdout + correct.stderr


@pytest.mark.skipif(NC is None, reason="nc is not installed")
@pytest.mark.parametrize(
    ("fault", "check", "line"),
    [
        ("own-case-refused", "ORDER-1/walk", "expected: NAME"),
        ("text-nfc", "TEXT-5", "expected: SAID"),
        ("left-missing-lost", "LEFT-1/left-by-loss", "expected: LEFT"),
        ("bad-text-silent", "TEXT-1/ill-formed-utf8", "expected: ERROR bad-text ..."),
        ("cr-all-dropped", "ORDER-1/walk", "expected: ERROR bad-text ..."),
    ],
)
def test_a_script_shows_where_the_faulty_server_differs(fault: str, check: str, line: str, tmp_path: Path) -> None:
    scripts = [file.with_suffix(".sh") for file in replays(fault, check, tmp_path)]
    outputs = []
    for server in (f"{ASYNCSERVER} --fault {fault}", ASYNCSERVER):
        subject = CommandSubject(server)
        try:
            host, port = subject.address()
            runs = [
                subprocess.run(
                    ["sh", script, host, str(port)], capture_output=True, text=True, timeout=120, check=False
                )
                for script in scripts
            ]
        finally:
            subject.close()
        outputs.append(([run.returncode for run in runs], "".join(run.stdout + run.stderr for run in runs)))
    (faulty, told), (correct, plain) = outputs
    assert 1 in faulty, told
    assert line in told
    assert not any(correct), plain


@pytest.mark.skipif(NC is None, reason="nc is not installed")
def test_a_script_without_a_server_says_so(tmp_path: Path) -> None:
    (file, *_) = replays("own-case-refused", "ORDER-1/walk", tmp_path)
    with_nobody = ["sh", str(file.with_suffix(".sh")), "127.0.0.1", "1"]
    run = subprocess.run(with_nobody, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 1
    assert "127.0.0.1 1 sends no NAME" in run.stderr


@pytest.mark.parametrize(
    ("content", "told"), [(b"title: x\n\nann sings\n", "is no step"), (b"title: \xff\n", "no UTF-8"), (None, "no file")]
)
def test_a_file_that_cannot_be_played_is_wrong_usage(content: bytes | None, told: str, tmp_path: Path) -> None:
    file = tmp_path / "x.session"
    if content is not None:
        file.write_bytes(content)
    run = conformance("--replay", str(file))
    assert run.returncode == 2
    assert told in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "octets", [b"", b'a\r\n\t"\\', b"x" * 5000 + b"\n", b"\xff\x00\xc3", "caf\u00e9 \u2028".encode()]
)
def test_octets_are_written_so_that_they_are_read_as_they_were(octets: bytes) -> None:
    assert parse_octets(quoted(octets.decode("utf-8", "surrogateescape"))) == octets
