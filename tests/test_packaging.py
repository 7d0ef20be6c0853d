"""What is installed works by itself: a wheel, and a copy of nothing but the suite and the specification."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.suite import DEADLINE, ROOT

SETUPTOOLS = 77  # as pyproject.toml says


def setuptools() -> int:
    try:
        return int(version("setuptools").partition(".")[0])
    except PackageNotFoundError:
        return 0


def run(*words: str | Path, directory: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "FLURFUNK_SPEC"}
    environment |= {"PYTHONPATH": str(path)} if path else {}
    words = tuple(map(str, words))
    return subprocess.run(
        words, cwd=directory, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )


@pytest.mark.skipif(setuptools() < SETUPTOOLS, reason=f"no setuptools >= {SETUPTOOLS}: the wheel was not built")
def test_a_wheel_is_complete_and_runs_in_an_empty_directory(tmp_path: Path) -> None:
    source, empty, installed = (tmp_path / name for name in ("source", "empty", "installed"))
    empty.mkdir()
    for name in ("conformance", "reference", "spec"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    offline = ("--no-index", "--no-deps")
    built = run(*pip, "wheel", *offline, "--no-build-isolation", "-w", tmp_path, source, directory=tmp_path)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("flurfunk-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(file.relative_to(source)) for file in (source / "conformance").rglob("*.*")}
    wanted |= {str(file.relative_to(source)) for file in (source / "reference").rglob("*.py")}
    wanted |= {f"conformance/{file.relative_to(source)}" for file in (source / "spec").rglob("*.*")}
    assert len(wanted) > 50
    assert wanted - names == set()
    assert run(*pip, "install", *offline, "--target", installed, wheel, directory=tmp_path).returncode == 0
    program = installed / "bin" / "flurfunk-conformance"
    listed = run(program, "--list", directory=empty, path=installed)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "LINE-4/" in listed.stdout
    for command in ("flurfunk", "flurfunk-server"):
        helped = run(installed / "bin" / command, "--help", directory=empty, path=installed)
        assert (helped.returncode, helped.stderr) == (0, "")
        assert helped.stdout.startswith(f"usage: {command} ")
    nothing = run(program, directory=empty, path=installed)
    assert (nothing.returncode, nothing.stderr.count("\n")) == (2, 1)
    unreachable = run(program, "--server", "127.0.0.1:1", "--report", "report", directory=empty, path=installed)
    assert unreachable.returncode == 3
    assert (empty / "report" / "report.html").is_file()


def test_running_the_tests_leaves_the_environment_of_whoever_works_here_alone(tmp_path: Path) -> None:
    """The guide for implementers has one made in .venv, and tox is not in it."""
    mine = tmp_path / ".venv" / "mine"
    mine.parent.mkdir()
    mine.touch()
    (tmp_path / "tests").mkdir()
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    command = ("env", "PIP_NO_INDEX=1", "PIP_CONFIG_FILE=/dev/null", sys.executable, "-m", "tests", "--version")
    done = run(*command, directory=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1].partition(":")[0]) in (
        (1, "tox could not be installed"),
        (1, "no virtual environment can be made"),
    )
    assert mine.exists()


def test_a_copy_of_suite_and_specification_works(tmp_path: Path) -> None:
    for name in ("conformance", "spec"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    done = run(sys.executable, "-m", "conformance", "--list", directory=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "LINE-4/" in done.stdout


def test_without_a_specification_one_line_says_so(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "conformance", tmp_path / "conformance", ignore=shutil.ignore_patterns("__pycache__"))
    done = run(sys.executable, "-m", "conformance", "--list", directory=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert "say where with --spec" in done.stderr
