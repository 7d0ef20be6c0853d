"""contrib/: what is named there exists, and works as far as it can without systemd and Docker."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from reference.server.cli import parser
from tests.support import DEADLINE, ROOT, Server

CONTRIB = ROOT / "contrib"
UNIT = (CONTRIB / "flurfunk.service").read_text(encoding="utf-8")
DOCKERFILE = (CONTRIB / "Dockerfile").read_text(encoding="utf-8")
README = (CONTRIB / "README.md").read_text(encoding="utf-8")
PYTHON, INSTALLED = "/usr/bin/python3", "/opt/flurfunk"


def instruction(name: str) -> str:
    """Return what stands after the one instruction of the Dockerfile that has this name."""
    (found,) = re.findall(rf"^{name} (.*)$", DOCKERFILE, re.M)
    return str(found)


def commands_of_the_unit() -> list[list[str]]:
    """Return the words of all commands, those of the examples too."""
    return [shlex.split(line) for line in re.findall(r"^#?ExecStart=(.+)$", UNIT, re.M)]


def command_of_the_image() -> list[str]:
    words: list[str] = json.loads(instruction("ENTRYPOINT"))
    return words


def test_commands_exist_and_the_server_takes_their_options() -> None:
    commands = commands_of_the_unit()
    assert len(commands) == 4
    for python, program, *options in [*commands, command_of_the_image()]:
        assert Path(python).name == "python3"
        assert (ROOT / Path(program).relative_to(INSTALLED)).is_file()
        parser().parse_args(options)


def test_options_and_files_that_the_readme_names_exist() -> None:
    shown = [line for line in README.splitlines() if "docker" not in line]
    docker = {"--no-healthcheck"}
    for option in re.findall(r"`(--[a-z-]+)[ `]|flurfunk (--[a-z-]+)", "\n".join(shown)):
        name = "".join(option)
        assert name in docker or name in parser().format_help(), name
    names = re.findall(r"\]\(([^)#:]+)\)|(?:cp|-f) (contrib/\S+)", README)
    assert len(names) >= 4
    assert [name for link, path in names if not (name := CONTRIB / link if link else ROOT / path).exists()] == []


def test_every_credential_that_is_used_is_loaded() -> None:
    used = set(re.findall(r"%d/(\w+)", UNIT))
    assert used == set(re.findall(r"^#LoadCredential=(\w+):/etc/flurfunk/", UNIT, re.M))
    assert used == {"password", "certificate", "key"}


def test_a_file_that_the_service_writes_is_where_it_may_write() -> None:
    (folder,) = re.findall(r"^#StateDirectory=(\w+)$", UNIT, re.M)
    written = [
        word for words in commands_of_the_unit() for option, word in pairwise(words) if option == "--history-file"
    ]
    assert written == [f"%S/{folder}/history.db"]


def test_the_unit_has_no_console_and_leaves_time_to_end() -> None:
    """[OPER-8]; section 12: 10 seconds at most, from `exit` to the end."""
    assert "\nStandardInput=null\n" in UNIT
    assert int(re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.M)[0]) > 10


@pytest.mark.parametrize("command", commands_of_the_unit()[:1])
def test_the_service_runs_as_the_unit_says(command: list[str]) -> None:
    words = [word.replace(INSTALLED, str(ROOT)).replace(PYTHON, sys.executable) for word in command]
    with Server(command=tuple(words), stdin=subprocess.DEVNULL) as server:
        server.connect("main").close()
        assert server.end(signal.SIGTERM) == 0
        assert json.loads(server.log().splitlines()[0])["event"] == "connected"


def test_the_container_runs_and_is_healthy() -> None:
    """With the image's own command and check, on another port; where nothing listens, it is not healthy."""
    python, program, *options = command_of_the_image()
    assert python == "python3"
    assert instruction("EXPOSE") == str(parser().get_default("port"))
    check = instruction("HEALTHCHECK").partition(" CMD ")[2]
    command = (sys.executable, program.replace(INSTALLED, str(ROOT)), *options)
    with Server(command=command, stdin=subprocess.DEVNULL) as server:
        python, dash_c, code = json.loads(check.replace(instruction("EXPOSE"), str(server.address[1])))
        assert (server.address[0], python) == ("0.0.0.0", "python3")
        assert subprocess.run([sys.executable, dash_c, code], timeout=DEADLINE, check=False).returncode == 0
        assert server.end() == 0
    unhealthy = subprocess.run([sys.executable, dash_c, code], timeout=DEADLINE, check=False, capture_output=True)
    assert unhealthy.returncode == 1


def test_the_image_holds_what_the_server_needs_and_its_user_is_not_root(tmp_path: Path) -> None:
    source, target = instruction("COPY").split()
    assert target == f"{INSTALLED}/{source}"
    shutil.copytree(ROOT / source, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__"))
    program = tmp_path / Path(command_of_the_image()[1]).relative_to(INSTALLED)
    with Server(command=(sys.executable, str(program)), cwd=tmp_path) as server:
        assert server.end() == 0
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", instruction("USER"))


def checked(*command: str | Path) -> None:
    """Run a tool that has to find nothing; skip, visibly, where it is not installed."""
    if not shutil.which(str(command[0])):
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_finds_nothing_in_the_unit(tmp_path: Path) -> None:
    """Nor in the examples: in copies in which interpreter and program exist."""
    main, *examples = UNIT.partition("[Install]")[0].split("\n\n# With ")
    assert len(examples) == 3
    for number, example in enumerate(["", *examples]):
        settings = re.sub(r"^#(?=[A-Z])|^#?\[Service\]$", "", example.partition("\n")[2], flags=re.M)
        copy = tmp_path / f"flurfunk{number}.service"
        unit = f"{main}\n{settings}".replace(INSTALLED, str(ROOT)).replace(PYTHON, sys.executable)
        copy.write_text(unit, encoding="utf-8")
        checked("systemd-analyze", "verify", copy)


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    checked("hadolint", CONTRIB / "Dockerfile")
