"""The texts of the client in German and in English, and the choice between them."""

import dataclasses
import re
import string
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from reference import wire
from reference.client.language import LANGUAGES, asked_for, of_locale, texts_in
from reference.client.texts import Texts
from reference.client.texts_de import GERMAN
from reference.client.texts_en import ENGLISH
from tests.reference.client.test_cli import Client
from tests.scripted_server import ScriptedServer
from tests.terminal import CLIENT, Terminal, enter

FIELDS = [field.name for field in dataclasses.fields(ENGLISH)]


def parts(value: object) -> dict[str, str]:
    """The texts of a field by what tells them apart."""
    if isinstance(value, Mapping):
        return dict(value)
    return {"": "\n".join(value) if isinstance(value, tuple) else str(value)}


def braces(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_there_are_texts() -> None:
    assert len(FIELDS) > 50
    assert [texts_in(language) for language in LANGUAGES] == [GERMAN, ENGLISH]


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "complaints"])
def test_both_languages_are_complete_and_alike(field: str) -> None:
    english, german = parts(getattr(ENGLISH, field)), parts(getattr(GERMAN, field))
    assert english.keys() == german.keys()
    assert english
    for key, text in english.items():
        assert text
        assert german[key]
        assert braces(german[key]) == braces(text)
        assert text.endswith(" ") == german[key].endswith(" ")


def test_what_is_said_instead_uses_what_it_finds() -> None:
    assert GERMAN.complaints
    for pattern, text in GERMAN.complaints.items():
        assert re.compile(pattern).groups == text.count("{}")


@pytest.mark.parametrize("texts", [GERMAN, ENGLISH], ids=["de", "en"])
def test_each_code_and_reason_has_a_text(texts: object) -> None:
    assert set(getattr(texts, "errors")) == set(wire.ErrorCode)  # noqa: B009
    assert set(getattr(texts, "bye")) == set(wire.ByeReason)  # noqa: B009
    assert set(getattr(texts, "left")) == set(wire.LeftReason)  # noqa: B009


@pytest.mark.parametrize(
    ("texts", "first"), [(GERMAN, "zuerst Buchstabe oder Ziffer"), (ENGLISH, "first a letter or a digit")]
)
def test_what_a_name_can_be_is_told_in_full(texts: Texts, first: str) -> None:
    """Wherever it is told: a name of allowed characters is wrong where it begins with a wrong one."""
    assert not wire.is_name("-ann")
    for told in (texts.errors["bad-room"], texts.errors["bad-name"], texts.bad_name):
        assert first in told


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_AT"}, "de"),
        ({"LANG": "de"}, "de"),
        ({"LANG": "den_CA"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB"}, "en"),
        ({"LANG": "en_GB", "LC_MESSAGES": "de_CH"}, "de"),
        ({"LC_ALL": "C", "LC_MESSAGES": "de_DE", "LANG": "de_DE"}, "en"),
        ({"LC_ALL": "", "LANG": "de_DE"}, "de"),
    ],
)
def test_the_locale(environment: dict[str, str], language: str) -> None:
    assert of_locale(environment) == language


@pytest.mark.parametrize(
    ("arguments", "language"),
    [
        ([], ""),
        (["--language", "de"], "de"),
        (["--language=de"], "de"),
        (["--language"], ""),
        (["--language", "en", "--language=de"], "de"),
        (["--", "--language=de"], ""),
    ],
)
def test_the_option(arguments: list[str], language: str) -> None:
    assert asked_for(arguments) == language


def help_in(*arguments: str, locale: str = "C.UTF-8") -> str:
    command = [sys.executable, str(CLIENT), "--help", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": locale, "PYTHONUTF8": "1", "COLUMNS": "80"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout


def test_help() -> None:
    english, german = help_in(), help_in(locale="de_DE.UTF-8")
    assert english.startswith("usage: client.py [-h]")
    assert ENGLISH.epilog in " ".join(english.split())
    assert german.startswith("Aufruf: client.py [-h]")
    assert GERMAN.epilog in " ".join(german.split())
    for word in ("usage", "options", "positional", "show", "exit"):
        assert word not in german
    assert help_in("--language", "de") == german
    assert help_in("--language=en", locale="de_DE.UTF-8") == english


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--x"], "unbekannt: --x"),
        (["--name"], "--name braucht einen Wert"),
        (["--name", "B.B."], "--name: 'B.B.' ist kein möglicher Name: 1 bis "),
        (["--tls=1"], "--tls/--no-tls nimmt keinen Wert: '1'"),
        (["host:0"], "HOST[:PORT]: ein Port ist eine Zahl von 1 bis 65535, nicht '0'"),
        (["--language=fr"], "--language: 'fr' gibt es nicht, nur "),
    ],
)
def test_wrong_usage_in_german(arguments: list[str], complaint: str) -> None:
    german = [] if "--language=fr" in arguments else ["--language=de"]
    command = [sys.executable, str(CLIENT), *german, *arguments]
    environment = {"LC_ALL": "de_DE.UTF-8", "PYTHONUTF8": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    if german:
        assert done.stderr.startswith(f"client.py: {complaint}")


@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        (None, "{} ist nicht zu lesen: No such file or directory"),
        (b"s" * 129, "die erste Zeile von {} hat mehr als 128 Oktette"),
        (b"\xff\n", "die erste Zeile von {} ist kein UTF-8 oder hat Steuerzeichen"),
        (b"\n", "die erste Zeile von {} ist leer"),
    ],
)
def test_a_wrong_password_file_in_german(octets: bytes | None, complaint: str, tmp_path: Path) -> None:
    """[PASS-10]."""
    file = tmp_path / "file"
    if octets is not None:
        file.write_bytes(octets)
    client = Client("--language=de", "--password-file", str(file), input_=b"")
    assert client.end() == (1, [], [f"client.py: {complaint.format(file)}"])


def test_a_conversation_in_german() -> None:
    environment = {"TERM": "xterm", "LANG": "de_DE.UTF-8"}
    with ScriptedServer() as server, Terminal(server.address, environment=environment) as terminal:
        connection = server.welcome("Ann")
        terminal.until_typed("In welchen Raum?")
        terminal.press("main\r")
        connection.expect("main")
        enter(connection)
        connection.send("JOINED Bob", "LEFT Bob lost", "ANNOUNCE Mittag", "ERROR bad-name no")
        for line in (
            "Du heißt Ann.",
            "Du bist in main.",
            "Bob ist hereingekommen.",
            "Bob ist weg: Die Verbindung ist abgerissen.",
            "DURCHSAGE: Mittag ***",
        ):
            terminal.until(lambda line=line: any(row.endswith(line) for row in terminal.lines))  # type: ignore[misc]
        connection.dismiss("removed")
        assert terminal.end() == 1
        terminal.until_line(f"client.py: {GERMAN.bye['removed']}")


def test_why_there_is_no_connection_in_german() -> None:
    status, _, complaints = Client("127.0.0.1:1", "--language", "de", input_=b"").end()
    assert (status, complaints) == (1, ["client.py: Unter 127.0.0.1:1 läuft kein Server: Verbindung abgelehnt."])
