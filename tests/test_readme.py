"""README and guides show what happens, and the README says the same in English and in German."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reference.client.texts_de import GERMAN
from reference.client.texts_en import ENGLISH
from reference.server.cli import parser
from reference.server.console import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GERMAN_README = (ROOT / "README.de.md").read_text(encoding="utf-8")
MOST_LINES = 150  # of a README
GUIDES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}


def test_options_of_the_server_are_those_of_its_help() -> None:
    shown = re.findall(r"^\| `(--[a-z-]+)(?: \w+)?` \|(?: ([^|]*))? \| ([^|]*) \|$", GUIDES["server"], re.M)
    actions = [action for action in parser()._actions if action.dest != "help"]
    defaults = ["" if action.default is None or action.default is False else str(action.default) for action in actions]
    options = [(action.option_strings[0], action.help) for action in actions]
    assert shown == [(option, default, told) for (option, told), default in zip(options, defaults, strict=True)]


def test_commands_of_the_console_are_those_of_its_help() -> None:
    table = GUIDES["console"].partition("| typed on the console | |\n|---|---|\n")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([^`]+)` \| (.*) \|$", table, re.M) == list(COMMANDS.items())


def test_words_that_the_client_does_not_send_are_named() -> None:
    """[CLIENT-13]."""
    (told,) = (part for part in GUIDES["client"].split("\n\n") if "habits from other programs" in part)
    assert set(re.findall(r"`(/[a-z]+)`", told)) == {*ENGLISH.habits, "/say"}
    assert ENGLISH.habits.keys() == GERMAN.habits.keys()


def test_conversation_is_what_the_server_answers() -> None:
    session = re.search(r"```console\n\$ nc [\d. ]+\n(.*?)```", README, re.S)
    assert session
    lines = session[1].splitlines()
    typed = [line for line in lines if not re.match(r"[A-Z]+ ", line)]
    shown = [line for line in lines if re.match(r"[A-Z]+ ", line)]
    assert len(typed) >= 6
    server = subprocess.Popen(
        [sys.executable, ROOT / "reference/server/server.py", "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout
    port = server.stdout.readline().rpartition(":")[2].strip()
    client = subprocess.run(
        [sys.executable, "-c", CLIENT, port], input="\n".join([*typed, ""]), capture_output=True, text=True, timeout=30
    )
    server.communicate("exit\n", timeout=30)
    assert client.stdout.splitlines() == shown
    assert server.returncode == 0


# The work of nc, for machines without it.
CLIENT = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as sock:
    sock.sendall(sys.stdin.buffer.read())
    while octets := sock.recv(4096):
        sys.stdout.buffer.write(octets)
"""


@pytest.mark.parametrize("command", re.findall(r"^python3 (\S+\.py)", README, re.M))
def test_programs_exist_and_explain_themselves(command: str) -> None:
    done = subprocess.run([sys.executable, ROOT / command, "--help"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert "usage:" in done.stdout


def test_the_commands_run_the_server_and_all_tests() -> None:
    tests = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1].removeprefix("exec ")
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
    assert blocks[:2] == ["python3 reference/server/server.py\n", f"{tests}\n"]


def anchors(page: str) -> set[str]:
    """Return the names by which headings can be linked to, as forges make them."""
    found = re.findall(r"^#+ (.+)$", without_blocks(page), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("name", ["README.md", "README.de.md", *(f"docs/{name}.md" for name in GUIDES)])
def test_links_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    found = re.findall(r"\]\(([^):]+)\)", (ROOT / name).read_text(encoding="utf-8"))
    assert found
    for path, _, anchor in (link.partition("#") for link in found):
        target = folder / path if path else ROOT / name
        assert target.exists(), path
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), anchor


# ---------------------------------------------------------------- in English and in German


def outline(page: str) -> list[str]:
    """Return the marks of headings, items, tables, pictures and code blocks, in their order."""
    return re.findall(r"^(#+ |- |\|---|!\[|```\w+$)", page, re.M)


def blocks(page: str) -> list[tuple[str, str]]:
    """Return language and text of each code block, without comments."""
    return [
        (kind, re.sub(r" +# .*", "", text)) for kind, text in re.findall(r"^```(\w*)\n(.*?)^```$", page, re.M | re.S)
    ]


def commands(page: str) -> list[str]:
    """Return what is set as code in the text, without the words that stand for others."""
    return sorted(re.sub(r" [A-Z]+$", "", code) for code in re.findall(r"`([^`\n]+)`", without_blocks(page)))


def links(page: str) -> list[str]:
    """Return where links lead, without those to the other language."""
    return [link for link in re.findall(r"\]\(([^)]+)\)", page) if not re.fullmatch(r"README\.(de\.)?md", link)]


def pictures(page: str) -> list[str]:
    return re.findall(r"^!\[[^\]]{30,}\]\(([^)]+)\)$", page, re.M)


def without_blocks(page: str) -> str:
    return re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)


@pytest.mark.parametrize("part", [outline, blocks, commands, links, pictures])
def test_both_languages_have_the_same(part: Callable[[str], list[object]]) -> None:
    assert part(README)
    assert part(GERMAN_README) == part(README)


def test_each_language_leads_to_the_other() -> None:
    assert "](README.de.md)" in README
    assert "](README.md)" in GERMAN_README


@pytest.mark.parametrize("page", [README, GERMAN_README], ids=["English", "German"])
def test_a_readme_is_short(page: str) -> None:
    assert page.count("\n") <= MOST_LINES
