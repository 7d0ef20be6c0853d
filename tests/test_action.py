"""The action for GitHub's workflows: its shell steps are run here as a runner runs them, and inputs are no code."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.suite import DEADLINE, ROOT
from tests.test_packaging import SETUPTOOLS, setuptools

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
INSTALL, CHECK = (step for step in STEPS if "run" in step)
GUIDE = (ROOT / "docs" / "implementers.md").read_text(encoding="utf-8")
EXPRESSION = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")
SERVER = f"{{python}} {ROOT / 'reference' / 'server' / 'server.py'} --port {{port}}"


def run(step: dict[str, Any], folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step as a runner does: inputs stand in the environment, and the script in a file."""
    values = {name: one.get("default", "") for name, one in ACTION["inputs"].items()}
    values |= {name.replace("_", "-"): value for name, value in inputs.items()}
    script = folder / "script.sh"
    script.write_text(step["run"])
    environment = {
        **{name: value for name, value in os.environ.items() if name != "FLURFUNK_SPEC"},
        **{name: EXPRESSION.sub(lambda found: values[found[1]], text) for name, text in step.get("env", {}).items()},
        "RUNNER_TEMP": str(folder / "temp"),
        "GITHUB_ACTION_PATH": str(folder / "action"),
        # No network: what the suite needs, and what builds it, is that of these tests.
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.endswith("-packages")),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    (folder / "workspace").mkdir(exist_ok=True)
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
    return subprocess.run(
        command,
        cwd=folder / "workspace",
        env=environment,
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE,
        check=False,
    )


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runner's folder, after the step that installs the suite."""
    if setuptools() < SETUPTOOLS:
        pytest.skip(f"no setuptools >= {SETUPTOOLS}: the suite was not installed")
    folder = tmp_path_factory.mktemp("runner")
    for name in ("conformance", "reference", "spec"):
        shutil.copytree(ROOT / name, folder / "action" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "action")
    (folder / "temp").mkdir()
    done = run(INSTALL, folder)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return folder


def test_inputs_are_declared_explained_and_used() -> None:
    used = set(re.findall(r"inputs\.([a-z-]+)", str(STEPS)))
    assert used == set(ACTION["inputs"])
    assert [name for name, one in ACTION["inputs"].items() if not one["description"] or "default" not in one] == []
    assert ACTION["runs"]["using"] == "composite"


def test_no_input_is_put_into_a_script() -> None:
    """A runner puts the text of an expression into a script before the shell reads it."""
    for step in (INSTALL, CHECK):
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
    assert [text for text in CHECK["env"].values() if not EXPRESSION.fullmatch(text)] == []


def test_the_guide_uses_it_in_three_lines() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    (job,) = yaml.safe_load(text)["jobs"].values()
    (step,) = [step for step in job["steps"] if "/flurfunk@" in step.get("uses", "")]
    assert set(step["with"]) <= set(ACTION["inputs"])
    assert len(text.partition("uses: OWNER/flurfunk@")[2].splitlines()) == 3
    (table,) = re.findall(r"^\| input \| \|\n(.*?)\n\n", GUIDE, re.MULTILINE | re.DOTALL)
    told = {name for cell in re.findall(r"^\| (`[^|]*) \|", table, re.M) for name in re.findall("`([a-z-]+)`", cell)}
    assert told == set(ACTION["inputs"])


def test_a_server_that_conforms_is_green_and_leaves_a_report(runner: Path) -> None:
    done = run(CHECK, runner, server_command=SERVER, arguments="--no-console\n\n--select=ROOM-3\n", report="my report")
    assert (done.returncode, done.stderr) == (0, "")
    assert "All selected checks hold." in done.stdout
    assert (runner / "workspace" / "my report" / "report.html").is_file()


def test_a_file_says_it_all(runner: Path) -> None:
    (runner / "workspace" / "my.toml").write_text(f"[server]\ncommand = '''{SERVER}'''\nconsole = false\n")
    done = run(CHECK, runner, subject="my.toml", arguments="--select=ROOM-3")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_client_is_checked(runner: Path) -> None:
    command = f"{{python}} {ROOT / 'reference' / 'client' / 'client.py'} {{host}}:{{port}} --no-reconnect"
    done = run(CHECK, runner, client_command=command, arguments="--select=CLIENT-3")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("command", "status"), [("", 2), ("false {port}", 3), ("./my-server", 2)])
def test_the_status_is_that_of_the_suite(command: str, status: int, runner: Path) -> None:
    done = run(CHECK, runner, server_command=command)
    assert done.returncode == status
    assert "Traceback" not in done.stderr


EVIL = ("; touch {evil}", "$(touch {evil})", "`touch {evil}`", '" && touch {evil} && "', "' ; touch {evil} ; '")


@pytest.mark.parametrize("text", EVIL)
def test_an_input_is_no_code(text: str, runner: Path, tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    inputs = dict.fromkeys(ACTION["inputs"], text.replace("{evil}", str(evil)))
    run(CHECK, runner, **{name.replace("-", "_"): value for name, value in inputs.items()})
    assert not evil.exists()
