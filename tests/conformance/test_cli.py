"""The command line of the suite: what it refuses, what it lists, and that it needs nothing of the project."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conformance.judging.outcome import CONFORMANT, NOT_CONFORMANT, NOT_PROVEN, SUITE_FAULT
from tests.suite import DEADLINE, FAULTY, ROOT, faulty, suite

PASSWORD = FAULTY + " --password-file {password_file}"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--server", "nowhere"], "'nowhere' is not HOST:PORT"),
        (["--server", "127.0.0.1:0"], "is not HOST:PORT"),
        (["--server-cmd", "./server"], "{port} is missing in the command"),
        (["--server-cmd", "./server {port} {what}"], "unknown word in braces"),
        (["--server", "127.0.0.1:1", "--server-cmd", "x {port}"], "not allowed with"),
        (["--password-server-cmd", "./server {port}"], "{password_file} is missing in the command"),
        (["--password-server-cmd", "./server {password_file}"], "{port} is missing in the command"),
        (["--select", "NONE-1"], "--select NONE-1 selects no check"),
        (["--select", "LINE-4", "--select", "NONE-1"], "--select NONE-1 selects no check"),
        (["--select", "LINE-4", "--level", "may"], "select no check together"),
        (["--level", "often"], "invalid choice"),
        (["--jobs", "0"], "has to be at least 1"),
        (["--client", "--columns", "0"], "has to be at least 1"),
        (["--time-factor", "0"], "has to be more than 0"),
        (["--time-factor", "nan"], "has to be more than 0"),
        (["--spec-url", "javascript:alert(1)"], "neither http, https nor file"),
        (["--spec-url", "https://example.org/spec.html#NET-1"], "without a blank and without a #"),
        (["--spec-url", "https://example.org/my spec.html"], "without a blank and without a #"),
        (["--spec-url", "http://[::1/spec.html"], "is no address"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str) -> None:
    ended = suite(*arguments)
    assert ended.returncode == NOT_PROVEN
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_missing_package_is_told_with_what_brings_all() -> None:
    bare = [sys.executable, "-S", "-m", "conformance"]  # -S: without what is installed
    ended = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = [requirement.split(">=")[0] for requirement in project["optional-dependencies"]["suite"]]
    remedy = f"is missing: the suite needs more than Python: pip install {' '.join(packages)}"
    assert ended.returncode == SUITE_FAULT
    assert ended.stderr.splitlines() in [[f"flurfunk-conformance: {package} {remedy}"] for package in packages]


def test_a_specification_that_is_not_there_is_told(tmp_path: Path) -> None:
    ended = suite("--spec", tmp_path, "--list")
    assert ended.returncode == SUITE_FAULT
    assert re.fullmatch(r"flurfunk-conformance: no flurfunk-1\.md .*--spec\n", ended.stderr)


@pytest.mark.parametrize(
    ("word", "some", "none"),
    [
        ("LINE-4", "LINE-4/too-long-lines", "LINE-3/"),
        ("ROOM", "ROOM-6/", "ROOMS"),
        ("8.2", "BYE-1/", "ERR-1/"),
        ("8", "ERR-1/", "LINE-1/"),
        ("CONF-1/first-steps", "CONF-1/first-steps", "CONF-1/exit"),
    ],
)
def test_checks_are_selected(word: str, some: str, none: str) -> None:
    ended = suite("--list", "--server-cmd", FAULTY, "--select", word)
    assert ended.returncode == CONFORMANT
    assert some in ended.stdout
    assert none not in ended.stdout


def test_digests_are_those_that_checks_hold() -> None:
    ended = suite("--digests")
    assert ended.returncode == CONFORMANT
    assert len(re.findall(r"(?m)^[A-Z]+-\d+ [0-9a-f]{12}$", ended.stdout)) > 140


def test_a_selection_that_holds_is_not_called_conformant() -> None:
    ended = suite("--server-cmd", faulty(), "--select", "PING", "--jobs", "2")
    assert ended.returncode == CONFORMANT
    assert "Only a run of all checks tells" in ended.stdout
    assert "conforms to Flurfunk/1." not in ended.stdout


@pytest.mark.parametrize(
    ("more", "verdict", "status"),
    [([], "SKIP", NOT_PROVEN), (["--password-server-cmd", PASSWORD], "PASS", CONFORMANT)],
)
def test_the_password_is_checked_where_a_server_can_be_started_with_one(
    more: list[str], verdict: str, status: int
) -> None:
    ended = suite("--server-cmd", faulty(), *more, "--verbose", "--select", "PASS-1", "--select", "CONF-1/password")
    assert ended.returncode == status
    assert re.findall(r"(?m)^(?:PASS|CONF)-1 +MUST +(\w+)", ended.stdout) == [verdict] * 2
    assert ("password: --password-server-cmd is not given" in ended.stdout) == (not more)


def test_a_run_that_checks_nothing_does_not_hold() -> None:
    ended = suite("--server-cmd", faulty(), "--select", "11.3", "--select", "BYE-4")
    assert ended.returncode == NOT_PROVEN
    last = ended.stdout.splitlines()[-1]
    assert re.match(r"Nothing was checked: (\d+) of \1 checks were skipped \(", last)
    assert "password: --password-server-cmd is not given" in last
    assert last.endswith("Say --limited-server-cmd and --password-server-cmd, and it is checked.")
    assert "holds" not in ended.stdout


def test_a_selection_that_holds_tells_what_was_skipped() -> None:
    ended = suite("--server-cmd", faulty(), "--select", "PASS-1", "--select", "PING-1")
    assert ended.returncode == CONFORMANT
    skipped, ran = (int(count) for count in re.findall(r"(\d+) (?:SKIP|PASS)", ended.stdout)[::-1])
    assert min(skipped, ran) > 0
    assert f"\nAll selected checks hold. {skipped} of {skipped + ran} checks were skipped," in ended.stdout


def test_a_check_with_a_password_leaves_no_replay(tmp_path: Path) -> None:
    command = PASSWORD + " --fault password-hurried"
    ended = suite("--server-cmd", FAULTY, "--password-server-cmd", command, "--select", "PASS-5", "--report", tmp_path)
    assert ended.returncode == NOT_CONFORMANT
    assert "it came after 0.0" in ended.stdout
    assert not (tmp_path / "replay").exists()


def test_a_failure_tells_all_that_is_needed_to_understand_it() -> None:
    ended = suite("--server-cmd", faulty("token-lowered"), "--select", "PING-2")
    assert ended.returncode == NOT_CONFORMANT
    for part in (
        "FAIL  PING-2/odd-tokens-come-back  MUST  section 6.5",
        "PONG MUST repeat the token",
        "^ first difference",
        "connects",
        "--select PING-2/odd-tokens-come-back",
    ):
        assert part in ended.stdout
    lines = re.search(r'expected  \w+ <- "PONG (.*)"\n  received  \w+ <- "PONG (.*)"\n', ended.stdout)
    assert lines
    assert lines[1] != lines[2] == lines[1].lower()


def test_a_failure_is_run_again_as_it_was_run() -> None:
    options = ["--time-factor", "2.0", "--seed", "7", "--examples", "3"]
    check = "PING-2/the-token-comes-back"
    done = suite("--server-cmd", faulty("token-lowered"), "--select", check, "--jobs", "2", *options)
    assert re.findall("again +(.*)", done.stdout)[0].endswith(f" {' '.join(options)} --select {check}")


def test_a_sentence_that_changed_turns_its_checks_red(tmp_path: Path) -> None:
    spec = tmp_path / "spec"
    shutil.copytree(ROOT / "spec", spec)
    text = (spec / "flurfunk-1.md").read_text(encoding="utf-8")
    edited = text.replace("PONG MUST repeat the token", "PONG MUST repeat the whole token")
    assert edited != text
    (spec / "flurfunk-1.md").write_text(edited, encoding="utf-8")
    ended = suite("--spec", spec, "--server-cmd", faulty(), "-v", "--select", "PING")
    assert ended.returncode == SUITE_FAULT
    assert "the sentence changed: look at the check" in ended.stdout
    assert re.search(r"(?m)^PING-1 +MUST +PASS", ended.stdout)


def test_suite_and_specification_are_all_that_it_takes(tmp_path: Path) -> None:
    for part in ("spec", "conformance"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    server = f'{sys.executable} -c "import sys; sys.path.insert(0, {str(ROOT)!r}); '
    server += "sys.argv[0] = 'server'; from tests.asyncserver.__main__ import main; sys.exit(main())\" --port {port}"
    ended = subprocess.run(
        [sys.executable, "-m", "conformance", "--server-cmd", server, "--select", "CONF", "--select", "SAY"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (CONFORMANT, "")
    assert "All selected checks hold." in ended.stdout


def test_the_terminal_of_the_client_is_as_wide_as_wanted(tmp_path: Path) -> None:
    script = shlex.quote('stty size >"$1"; shift; exec "$@"')
    client = f"sh -c {script} sh {tmp_path}/size {{python}} -m tests.plainclient {{host}} {{port}}"
    ended = suite("--client-cmd", client, "--columns", "40", "--select", "CLIENT-10/what-is-said-is-shown-with-names")
    assert ended.returncode == CONFORMANT
    assert (tmp_path / "size").read_text() == "24 40\n"
