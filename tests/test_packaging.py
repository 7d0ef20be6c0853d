"""Packages work by themselves: a wheel, one file, and a copy of nothing but the suite and the specification."""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.suite import DEADLINE, ROOT
from tests.support import Server

SETUPTOOLS = 77  # as pyproject.toml says
REFERENCE = ROOT / "reference"
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


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
        words, cwd=directory, env=environment, capture_output=True, text=True, timeout=3 * DEADLINE, check=False
    )


needs_setuptools = pytest.mark.skipif(
    setuptools() < SETUPTOOLS, reason=f"no setuptools >= {SETUPTOOLS}: the wheel was not built"
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that a wheel is made of."""
    source = tmp_path_factory.mktemp("source")
    for name in ("conformance", "reference", "spec"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    return source


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(
        *PIP, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", folder, source, directory=folder
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("flurfunk-*.whl")
    return wheel


@needs_setuptools
def test_a_wheel_is_complete_and_runs_in_an_empty_directory(source: Path, wheel: Path, tmp_path: Path) -> None:
    empty, installed = (tmp_path / name for name in ("empty", "installed"))
    empty.mkdir()
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(file.relative_to(source)) for file in (source / "conformance").rglob("*.*")}
    wanted |= {str(file.relative_to(source)) for file in (source / "reference").rglob("*.py")}
    wanted |= {f"conformance/{file.relative_to(source)}" for file in (source / "spec").rglob("*.*")}
    assert len(wanted) > 50
    assert wanted - names == set()
    assert (
        run(*PIP, "install", "--no-index", "--no-deps", "--target", installed, wheel, directory=tmp_path).returncode
        == 0
    )
    program = installed / "bin" / "flurfunk-conformance"
    listed = run(program, "--list", directory=empty, path=installed)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "LINE-4/" in listed.stdout
    nothing = run(program, directory=empty, path=installed)
    assert (nothing.returncode, nothing.stderr.count("\n")) == (2, 1)
    unreachable = run(program, "--server", "127.0.0.1:1", "--report", "report", directory=empty, path=installed)
    assert unreachable.returncode == 3
    assert (empty / "report" / "report.html").is_file()


@needs_setuptools
def test_people_who_only_chat_install_nothing_else(wheel: Path, tmp_path: Path) -> None:
    """Without an extra, pip asks for no other package; a command that needs one says which, in one line."""
    venv.create(tmp_path / "bare", with_pip=False)
    bare = tmp_path / "bare" / "bin"
    installed = run(*PIP, "--python", bare / "python", "install", "--no-index", wheel, directory=tmp_path)
    assert (installed.returncode, installed.stderr) == (0, "")
    for command in ("flurfunk", "flurfunk-server"):
        helped = run(bare / command, "--help", directory=tmp_path)
        assert (helped.returncode, helped.stderr) == (0, "")
        assert helped.stdout.startswith(f"usage: {command} ")
    for words in ([], ["--list"], ["next"], ["matrix", "report"]):
        missing = run(bare / "flurfunk-conformance", *words, directory=tmp_path)
        assert (missing.returncode, missing.stdout, missing.stderr.count("\n")) == (4, "", 1)
        assert " is missing: the suite needs more than Python: pip install " in missing.stderr
    full = run(bare / "flurfunk", "--editor", "full", directory=tmp_path)
    assert (full.returncode, full.stdout, full.stderr.count("\n")) == (2, "", 1)
    assert "prompt_toolkit" in full.stderr


def test_extras_are_what_the_environments_of_tox_have() -> None:
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    extras = PROJECT["optional-dependencies"]
    assert {*extras["client"], *extras["suite"]} == set(tox["testenv:conformance"]["deps"].split())


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


# ---------------------------------------------------------------- one file


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one file, as the project's command builds it, in a folder without anything else."""
    file = tmp_path_factory.mktemp("one") / "flurfunk.pyz"
    built = run(sys.executable, ROOT / "contrib" / "pyz.py", "--output", file, directory=file.parent)
    assert (built.returncode, built.stdout, built.stderr) == (0, f"{file}\n", "")
    return file


def bare(file: Path, *words: str) -> tuple[str, ...]:
    """Return a command that runs the file with the standard library alone."""
    return (sys.executable, "-I", "-S", "-W", "error", str(file), *words)


def test_one_file_serves_and_chats_on_the_standard_library(one_file: Path, tmp_path: Path) -> None:
    with Server(command=bare(one_file, "server"), cwd=tmp_path) as server:
        listener = server.connect("main", "Bob")
        words = bare(one_file, "client", server.shown, "--name", "Ann", "--room", "main")
        said = subprocess.run(words, cwd=tmp_path, input="hello\n", capture_output=True, text=True, timeout=DEADLINE)
        assert (said.returncode, said.stderr) == (0, "")
        assert "SAID Ann hello" in listener.until("LEFT Ann")
        assert server.end() == 0


def test_one_file_explains_itself(one_file: Path, tmp_path: Path) -> None:
    told = run(*bare(one_file, "--version"), directory=tmp_path)
    assert (told.returncode, told.stdout, told.stderr) == (0, f"flurfunk {PROJECT['version']}\n", "")
    for word in ("client", "server"):
        helped = run(*bare(one_file, word, "--help"), directory=tmp_path)
        assert (helped.returncode, helped.stderr) == (0, "")
        assert helped.stdout.startswith(f"usage: flurfunk.pyz {word} ")
        assert word in run(*bare(one_file, "--help"), directory=tmp_path).stdout
        wrong = run(*bare(one_file, word, "--no-such-option"), directory=tmp_path)
        assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
        assert wrong.stderr.startswith(f"flurfunk.pyz {word}: ")


@pytest.mark.parametrize("words", [[], ["serve"], ["--port", "8080"], ["127.0.0.1:8080"]])
def test_one_file_refuses_other_words_in_one_line(words: list[str], one_file: Path, tmp_path: Path) -> None:
    wrong = run(*bare(one_file, *words), directory=tmp_path)
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
    assert wrong.stderr.startswith("flurfunk.pyz: ")


def test_one_file_has_the_reference_and_the_license_and_nothing_else(one_file: Path) -> None:
    names = {name for name in zipfile.ZipFile(one_file).namelist() if not name.endswith("/")}
    assert names == {"LICENSE", "__main__.py", *(str(path.relative_to(ROOT)) for path in REFERENCE.rglob("*.py"))}
    assert os.access(one_file, os.X_OK)


def test_one_file_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    done = run(sys.executable, ROOT / "contrib" / "pyz.py", "--output", tmp_path / "none" / "x.pyz", directory=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "cannot write" in done.stderr
