"""The client's options are told alike wherever they are told, and what is made from them is up to date."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from reference.client.arguments import parser
from reference.client.config import KEYS
from reference.client.texts_en import ENGLISH
from tests.support import ROOT
from tests.terminal import CLIENT

MAKE = ROOT / "contrib" / "make.py"
GUIDE = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
ACTIONS = [action for action in parser(ENGLISH)._actions if action.option_strings]


def test_the_guide_has_the_options_of_the_help() -> None:
    shown = re.findall(r"^\| `(--[a-z-]+)[^|]*\| ([^|]*) \|$", GUIDE, re.M)
    assert shown == [(action.option_strings[0], action.help) for action in ACTIONS if action.dest != "help"]


def test_what_is_made_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, MAKE, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_manual_page_is_one() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff")
    page = ROOT / "contrib" / "flurfunk.1"
    done = subprocess.run([groff, "-man", "-Tascii", "-ww", page], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.sub(r".\x08", "", done.stdout)  # bold is a character twice in one place
    assert "flurfunk - Chat" in shown
    assert "--ping-after" in shown


def test_the_manual_page_has_all_keys_of_the_configuration() -> None:
    page = (ROOT / "contrib" / "flurfunk.1").read_text(encoding="utf-8")
    assert f"what is wanted always: {', '.join(KEYS)};" in page.replace("\\-", "-")
    example = GUIDE.partition("```toml\n")[2].partition("```")[0]
    assert sorted(re.findall(r"^([a-z-]+) = ", example, re.M)) == sorted(KEYS)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["--re"], {"--reconnect"}),
        (["--language", "d"], {"de"}),
        (["--no-b"], {"--no-bell"}),
        (["--name", ""], set()),
        (["chat.ex"], {"chat.example"}),
        (["--room", "main", "chat.ex"], {"chat.example"}),
    ],
)
def test_completion_in_bash(words: list[str], completed: set[str], tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    (tmp_path / "hosts").write_text("192.0.2.7 chat.example\n")
    script = '. "$1"; shift; COMP_WORDS=(flurfunk "$@"); COMP_CWORD=$#; _flurfunk; echo "${COMPREPLY[@]}"'
    command = [bash, "-c", script, "bash", str(ROOT / "contrib" / "flurfunk.bash"), *words]
    environment = {**os.environ, "HOSTFILE": str(tmp_path / "hosts")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == completed


def test_what_is_completed_are_the_commands_that_there_are() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    names = {name for name, where in scripts.items() if where.startswith("reference.client.")} | {CLIENT.name}
    for file, line in (("flurfunk.bash", r"^complete -F _flurfunk (.*)$"), ("_flurfunk", r"^#compdef (.*)$")):
        (found,) = re.findall(line, (ROOT / "contrib" / file).read_text(encoding="utf-8"), re.M)
        assert set(found.split()) == names


def test_completion_in_zsh() -> None:
    zsh = shutil.which("zsh")
    if zsh is None:
        pytest.skip("there is no zsh")
    file = ROOT / "contrib" / "_flurfunk"
    done = subprocess.run([zsh, "-n", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
