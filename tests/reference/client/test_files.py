"""The client's own files: what was typed, what is shown, and what is wanted always."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reference.client import places
from reference.client.config import ConfigError, read
from reference.client.history import History
from reference.client.log import Log
from reference.client.session import Show, Style
from reference.client.texts_en import ENGLISH
from reference.version import VERSION
from tests.reference.client.test_cli import Client
from tests.scripted_server import ScriptedServer
from tests.support import ROOT

# ---------------------------------------------------------------- where they are


def test_places() -> None:
    home = {"HOME": "/home/ann"}
    assert places.history(home) == Path("/home/ann/.local/state/flurfunk/history")
    assert places.configuration(home) == Path("/home/ann/.config/flurfunk/client.toml")
    assert places.history({**home, "XDG_STATE_HOME": "/state"}) == Path("/state/flurfunk/history")
    assert places.configuration({"XDG_CONFIG_HOME": "/config"}) == Path("/config/flurfunk/client.toml")
    assert places.history({**home, "XDG_STATE_HOME": "state"}) == Path("/home/ann/.local/state/flurfunk/history")
    assert places.history({}) is places.configuration({"HOME": "relative"}) is None


# ---------------------------------------------------------------- what was typed


def test_what_was_typed_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    lines = ["hello", "grüße 你好", "\udcff\x07", "a\u2028b"]
    history = History(path)
    assert history.lines() == []
    for line in lines:
        history.add(line)
    assert History(path).lines() == lines
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text("".join(f"{number}\n" for number in range(2001)))
    assert History(path).lines() == [str(number) for number in range(1001, 2001)]
    assert len(path.read_text().splitlines()) == 1000
    assert [file.name for file in tmp_path.iterdir()] == ["history"]


def test_no_place_to_remember_disturbs_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (None, tmp_path, tmp_path / "file" / "history"):
        history = History(path)
        history.add("hello")
        assert history.lines() == []


@contextmanager
def nobody() -> Iterator[None]:
    """The process is not root's meanwhile, whom no folder is closed to."""
    if root := os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_closed_folder_disturbs_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    with nobody():
        history = History(folder / "history")
        history.add("hello")
        assert history.lines() == []


def test_a_configuration_in_a_closed_folder_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    with nobody():
        assert read(folder / "client.toml", ENGLISH) == {}


# ---------------------------------------------------------------- what is shown


def test_a_log_has_what_is_shown_with_times(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    log = Log(ENGLISH)
    assert log.write([Show(Style.EVENT, "not this")]) == []
    assert log.switch(str(path)) == Show(Style.EVENT, ENGLISH.log_begun.format(path=path))
    assert log.write([Show(Style.SAID, "hi\x1b", "Bob"), Show(Style.EVENT, "Bob left.")]) == []
    assert log.switch("") == Show(Style.EVENT, ENGLISH.log_ended.format(path=path))
    assert log.switch("") == Show(Style.EVENT, ENGLISH.log_none)
    lines = path.read_text().splitlines()
    assert lines[0] == "before"
    assert [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d ", "", line) for line in lines[1:]] == [
        "<Bob> hi<U+001B>",
        "* Bob left.",
    ]


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    log = Log(ENGLISH)
    for path in (tmp_path, tmp_path / "missing" / "file", tmp_path / "pipe", "nul\0"):
        told = log.switch(str(path))
        assert told.style is Style.ERROR
        assert told.text.startswith(f"Cannot write to {path}: ")
        assert log.write([Show(Style.EVENT, "x")]) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no file that is always full")
def test_a_log_that_is_full() -> None:
    log = Log(ENGLISH)
    log.switch("/dev/full")
    (told,) = log.write([Show(Style.EVENT, "x")])
    assert told.text.startswith("Cannot write to /dev/full: No space")
    assert log.write([Show(Style.EVENT, "x")]) == []


# ---------------------------------------------------------------- what is wanted always


def configured(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "flurfunk" / "client.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return path


def test_a_configuration(tmp_path: Path) -> None:
    names = 'name = "Ann"\nserver = "host:81"\nroom = "main"\nlanguage = "de"\neditor = "plain"\n'
    switches = "colours = false\ntimes = true\nbell = false\ntls = true\n"
    found = read(configured(tmp_path, names + switches), ENGLISH)
    assert dict(found) == {
        "name": "Ann",
        "server": ("host", 81),
        "room": "main",
        "colours": False,
        "times": True,
        "bell": False,
        "tls": True,
        "language": "de",
        "editor": "plain",
    }
    assert read(None, ENGLISH) == read(tmp_path / "missing", ENGLISH) == {}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ca.pem", "flurfunk/ca.pem"),
        ("certificates/ca.pem", "flurfunk/certificates/ca.pem"),
        ("~/ca.pem", "home/ca.pem"),
        ("/etc/ca.pem", "/etc/ca.pem"),
        ("~nobody-of-that-name/ca.pem", "flurfunk/~nobody-of-that-name/ca.pem"),
    ],
)
def test_where_a_file_of_the_configuration_is(
    written: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = read(configured(tmp_path, f'tls-ca = "{written}"'), ENGLISH)
    assert found == {"tls-ca": str(tmp_path / meant)}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "colour = true",
            "there is no 'colour', only bell, colours, editor, language, name, room, server, times, tls, tls-ca",
        ),
        ("times = 1", "times cannot be 1"),
        ("tls = 1", "tls cannot be 1"),
        ("tls-ca = true", "tls-ca cannot be True"),
        ('tls-ca = ""', "tls-ca cannot be ''"),
        ('tls-ca = "a\\u0000b"', "tls-ca cannot be 'a\\x00b'"),
        ('name = "B.B."', "name cannot be 'B.B.'"),
        ("room = []", "room cannot be []"),
        ('editor = "vi"', "editor cannot be 'vi'"),
        ('language = "fr"', "language cannot be 'fr'"),
        ("language = []", "language cannot be []"),
        ("server = 8080", "server cannot be 8080"),
        ('server = "host:0"', "a port is a number from 1 to 65535, not '0'"),
        ("name", "Expected '=' after a key"),
        ("name = '\udcff'", ""),
    ],
)
def test_a_wrong_configuration_is_told_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    path = configured(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        read(path, ENGLISH)
    assert str(error.value).startswith(f"the configuration {path} cannot be used: {why}")
    assert len(str(error.value).splitlines()) == 1


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of configurations for clients that a test starts."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_the_configuration_counts_and_the_command_line_more(folder: Path) -> None:
    with ScriptedServer() as server:
        configured(folder, f'name = "Ann"\nroom = "main"\nserver = "{server.address}"\nlanguage = "de"\ntimes = true\n')
        for arguments, sent, line in (
            ((), ("/nick Ann", "/cd main"), r"\d\d:\d\d \* Du heißt guest-1\."),
            (("--name", "Bob", "--room", "attic"), ("/nick Bob", "/cd attic"), r"\d\d:\d\d \* Du heißt guest-1\."),
            (("--no-times", "--language=en"), ("/nick Ann", "/cd main"), r"\* You are guest-1\."),
            ((server.address,), ("/nick Ann",), r"\d\d:\d\d \* Du heißt guest-1\."),  # a room of the usual server
        ):
            client = Client(*arguments, input_=b"")
            connection = server.welcome()
            connection.expect(*sent, "exit")
            connection.dismiss()
            status, out, _ = client.end()
            assert status == 0
            assert re.fullmatch(line, out[0]), out


def test_a_wrong_configuration_ends_the_client(folder: Path) -> None:
    path = configured(folder, "times = 1")
    assert Client(input_=b"").end() == (
        2,
        [],
        [f"client.py: the configuration {path} cannot be used: times cannot be 1"],
    )
    status, out, _ = Client("--help", input_=b"").end()
    assert (status, out[0][:16]) == (0, "usage: client.py")


def test_the_version() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert Client("--version", input_=b"").end() == (0, [f"flurfunk {VERSION}"], [])
