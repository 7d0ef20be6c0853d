"""Tests that are left out are told; where programs can be installed, they are, and a test that could run fails."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.left_out import FILE, WITHOUT, unexpected
from tests.programs import PACKAGES
from tests.suite import ROOT

DEADLINE = 180.0  # seconds: for pytest in pytest on a busy machine
EXAMPLE = """
import pytest

def test_that_runs(): pass

@pytest.mark.parametrize("number", range(2))
def test_with_haproxy(number): pytest.skip("haproxy is not installed")

@pytest.mark.skipif(True, reason="hadolint is not installed")
def test_with_hadolint(): pass
"""


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key not in (FILE, WITHOUT, "CI", "PYTEST_ADDOPTS")}
    command = list(map(str, words))
    return subprocess.run(
        command, cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, timeout=DEADLINE, check=False
    )


def pytest_on(example: str, folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin on the text of a file."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_example.py").write_text(example)
    words = ("-p", "tests.left_out", "-p", "no:cacheprovider", "--rootdir", str(folder), *options, str(folder))
    return run(sys.executable, "-m", "pytest", *words, **environment)


# ---------------------------------------------------------------- a test that could run fails


@pytest.mark.parametrize(
    ("without", "workers", "status", "told"),
    [
        ("", "2", 1, ["2 x haproxy is not installed"]),
        ("zsh", "0", 1, ["2 x haproxy is not installed"]),
        ("haproxy zsh", "0", 0, []),
    ],
)
def test_left_out_although_it_can_run(without: str, workers: str, status: int, told: list[str], tmp_path: Path) -> None:
    done = pytest_on(EXAMPLE, tmp_path, "-n", workers, FLURFUNK_WITHOUT=without)
    begins = "left out although it can run here (tests/skips.toml): "
    assert [line.removeprefix(begins) for line in done.stdout.splitlines() if line.startswith(begins)] == told
    assert done.returncode == status, done.stdout


def test_a_newcomer_may_leave_out_what_is_not_there(tmp_path: Path) -> None:
    left_out = tmp_path / "left-out"
    done = pytest_on(EXAMPLE, tmp_path, FLURFUNK_LEFT_OUT=str(left_out))
    assert done.returncode == 0, done.stdout
    assert left_out.read_text() == "2 haproxy is not installed\n1 hadolint is not installed\n"


def test_what_may_be_left_out_has_a_reason() -> None:
    allowed = tomllib.loads((ROOT / "tests" / "skips.toml").read_text(encoding="utf-8"))["allowed"]
    assert [one for one in allowed if set(one) != {"skip", "why"} or not all(one.values())] == []
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    fixed = [one["skip"] for one in allowed if one["skip"] != "hadolint is not installed"]  # it has a name put in
    assert [skip for skip in fixed if skip not in tests] == []
    elsewhere = re.findall(r'reason="([^"]+: tox -e \w+)"', tests)  # not in the environment of these tests
    assert len(elsewhere) >= 3
    assert unexpected(elsewhere, ()) == []


# ---------------------------------------------------------------- and a newcomer is told


def test_all_tests_end_with_what_was_left_out(tmp_path: Path) -> None:
    """With something in the place of tox, whose environments need a network."""
    (tmp_path / "tests").mkdir()
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    tox = tmp_path / ".tox" / "tox" / "bin" / "python"
    tox.parent.mkdir(parents=True)
    tox.write_text('#!/bin/sh\n[ "$1" = -c ] && exit 0\nprintf "$LINES" >"$FLURFUNK_LEFT_OUT"\nexit 7\n')
    tox.chmod(0o755)
    command = ("env", "-C", tmp_path, sys.executable, "-m", "tests")
    done = run(*command, LINES="1 zsh is not there\n12 there is no nc\n")
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.splitlines()[-2:] == ["  1 test: zsh is not there", "  12 tests: there is no nc"]
    assert run(*command, LINES="").stdout == ""


# ---------------------------------------------------------------- programs are installed


def apt(folder: Path, get: str, cache: str = "echo haproxy zsh | tr ' ' '\\n'") -> str:
    """Put something in the place of Debian's tools; return a PATH with them and a shell, and without other programs."""
    for name, script in (("apt-get", get), ("apt-cache", cache)):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    for name in ("sh", "sleep", "tr", "touch"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def missing(*but: str) -> str:
    """Return the packages that are printed where only these are there; nothing of them has a full path but a module."""
    names = [package.name for package in PACKAGES if not Path(package.program).is_absolute()]
    return " ".join(name for name in names if name not in but)


def installed(path: str, *options: str) -> tuple[str, str]:
    done = run(sys.executable, "-m", "tests.programs", *options, PATH=path)
    assert done.returncode == 0
    printed = " ".join(name for name in done.stdout.split() if name != "libnginx-mod-stream")
    return printed, done.stderr


def test_programs_are_installed(tmp_path: Path) -> None:
    """Without questions; those that Debian does not have are named."""
    log = tmp_path / "log"
    get = f'echo "$DEBIAN_FRONTEND $*" >>{log}\ncase "$*" in *install*) cd {tmp_path}; for name in zsh haproxy; do'
    path = apt(tmp_path, f"{get} touch $name; chmod +x $name; done;; esac")
    (tmp_path / "chmod").symlink_to(str(shutil.which("chmod")))
    printed, complained = installed(path)
    assert printed == missing("haproxy", "zsh")
    assert complained.count("\n") == 1
    assert "there are no packages chromium, gnutls-bin, " in complained
    update, install = log.read_text().splitlines()
    assert update.startswith("noninteractive -q ")
    assert install.endswith(" install -y --no-install-recommends haproxy zsh")


@pytest.mark.parametrize(
    ("get", "cache", "seconds", "told"),
    [
        (
            "echo 'W: one\nE: no network' >&2; exit 100",
            "exit 0",
            "60",
            "apt update: E: no network; there are no packages ",
        ),
        ("exit 100", "echo zsh", "60", "apt install: status 100; without "),
        ("exit 0", "exit 100", "60", "apt pkgnames: status 100; without "),
        ("sleep 1000 & sleep 1000", "echo zsh", "2", "apt update was not ready in time; "),
    ],
)
def test_programs_that_cannot_be_installed_are_named_in_one_line(
    get: str, cache: str, seconds: str, told: str, tmp_path: Path
) -> None:
    printed, complained = installed(apt(tmp_path, get, cache), "--seconds", seconds)
    assert (printed, complained.count("\n")) == (missing(), 1)
    assert complained.startswith("programs for the tests: ")
    assert told in complained


def test_without_apt_one_line_says_so(tmp_path: Path) -> None:
    printed, complained = installed(str(tmp_path))
    assert (printed, complained.count("\n")) == (missing(), 1)


@pytest.mark.parametrize(
    ("ci", "user", "told"),
    [
        ("true", "0", ["-m tests.programs:unset", "-m tests:zsh tmux"]),
        ("true", "1000", ["-m tests:unset"]),
        ("", "0", ["-m tests:unset"]),
    ],
)
def test_continuous_integration_installs_them_before_all_tests(
    ci: str, user: str, told: list[str], tmp_path: Path
) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    log = tmp_path / "log"
    python = f'echo "$*:${{FLURFUNK_WITHOUT-unset}}" >>{log}; [ "$2" = tests ] || echo zsh tmux'
    path = apt(tmp_path, "exit 1")
    for name, script in (("python3", python), ("id", f"echo {user}")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = run(str(shutil.which("bash")), tmp_path / ".ci" / "run", PATH=path, CI=ci)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert log.read_text().splitlines() == told
