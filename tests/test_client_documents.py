"""The client's options are told alike wherever they are told, and what is made from them is up to date."""

import re
import shutil
import subprocess
import sys

import pytest

from reference.client.arguments import parser
from reference.client.texts_en import ENGLISH
from tests.support import ROOT

MAKE = ROOT / "contrib" / "make.py"
ACTIONS = [action for action in parser(ENGLISH)._actions if action.option_strings]


def test_the_readme_has_the_options_of_the_help() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    client = readme.partition("## The client\n")[2].partition("## The server\n")[0]
    shown = re.findall(r"^\| `(--[a-z-]+)[^|]*\| ([^|]*) \|$", client, re.M)
    assert shown == [(action.option_strings[0], action.help) for action in ACTIONS if action.dest != "help"]


def test_what_is_made_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, MAKE, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_manual_page_is_one() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff")
    page = ROOT / "contrib" / "flurfunk-client.1"
    done = subprocess.run([groff, "-man", "-Tascii", "-ww", page], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--ping-after" in re.sub(r".\x08", "", done.stdout)  # bold is a character twice in one place


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["--re"], {"--reconnect"}),
        (["--language", "d"], {"de"}),
        (["--no-b"], {"--no-bell"}),
        (["--name", ""], set()),
    ],
)
def test_completion_in_bash(words: list[str], completed: set[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    script = '. "$1"; shift; COMP_WORDS=(client.py "$@"); COMP_CWORD=$#; _flurfunk_client; echo "${COMPREPLY[@]}"'
    file = ROOT / "contrib" / "flurfunk-client.bash"
    done = subprocess.run([bash, "-c", script, "bash", file, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == completed


def test_completion_in_zsh() -> None:
    zsh = shutil.which("zsh")
    if zsh is None:
        pytest.skip("there is no zsh")
    file = ROOT / "contrib" / "_flurfunk-client"
    done = subprocess.run([zsh, "-n", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
