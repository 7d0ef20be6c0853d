"""The client's own files: what was typed, what is shown, and what is wanted always."""

import os
import re
import resource
import socket
import stat
import subprocess
import sys
import tempfile
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
from tests.reference.client.test_terminal import UP
from tests.scripted_server import ScriptedServer
from tests.support import DEADLINE, ROOT, nobody
from tests.terminal import CLIENT, ENVIRONMENT, Terminal, in_main

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


def wrong_places(folder: Path) -> dict[str, Path]:
    """Return paths that cannot be a file of the client, by what they are."""
    places = {
        name: folder / name
        for name in ("directory", "pipe", "link", "link to nothing", "in a file", "device", "socket")
    }
    places["directory"].mkdir()
    os.mkfifo(places["pipe"])
    (folder / "elsewhere").write_text("of somebody else\n")
    places["link"].symlink_to("elsewhere")
    places["link to nothing"].symlink_to("nowhere")
    places["in a file"] = folder / "elsewhere" / "file"
    places["device"].symlink_to("/dev/full")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(places["socket"]))
    return places


WRONG_PLACES = ("directory", "pipe", "link", "link to nothing", "in a file", "device", "socket")


@pytest.mark.parametrize("what", WRONG_PLACES)
def test_a_history_that_is_no_file_is_told_once_and_waits_for_nobody(tmp_path: Path, what: str) -> None:
    """Nor does a link lead the user's words to another place."""
    history = History(wrong_places(tmp_path)[what])
    lines = history.lines()
    history.add("hello")
    assert history.trouble()
    history.add("hello")
    assert (lines, history.trouble()) == ([], "")
    assert (tmp_path / "elsewhere").read_text() == "of somebody else\n"
    assert not (tmp_path / "nowhere").exists()


def test_a_history_on_a_full_disk_is_told(tmp_path: Path) -> None:
    with largest_file(3):
        history = History(tmp_path / "history")
        history.add("hello")
    assert history.trouble() == "File too large"


@contextmanager
def largest_file(octets: int) -> Iterator[None]:
    """No file of this process gets larger meanwhile, as on a disk that is full."""
    limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))


@pytest.mark.parametrize("what", WRONG_PLACES)
def test_a_history_that_is_no_file_is_told_and_the_chat_goes_on(
    server: ScriptedServer, tmp_path: Path, editor: str, what: str
) -> None:
    folder = tmp_path / "flurfunk"
    folder.mkdir()
    wrong_places(tmp_path)[what].rename(folder / "history") if what != "in a file" else folder.rmdir()
    if what == "in a file":
        folder.write_text("")
    environment = {**ENVIRONMENT, "XDG_STATE_HOME": str(tmp_path)}
    with Terminal(server.address, "--no-times", "--editor", editor, columns=200, environment=environment) as terminal:
        connection = in_main(server, terminal)
        terminal.press("hello\r")
        connection.expect("hello")
        told = [line for line in terminal.lines if line.startswith("! ")]
        assert len(told) == 1, terminal.lines
        assert told[0].startswith(f"! Your lines are not kept for the next time in {folder / 'history'}: ")
        terminal.press(f"{UP}\r")
        connection.expect("hello")


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
    log = Log(ENGLISH)
    terminal, other = os.openpty()
    places = [*wrong_places(tmp_path).values(), tmp_path / "missing" / "file", "nul\0", os.ttyname(other), "x" * 300]
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    for path in places:
        told = log.switch(str(path))
        assert told.style is Style.ERROR
        assert told.text.startswith(f"Cannot write to {path}: ")
        assert log.write([Show(Style.EVENT, "x")]) == []
    assert (tmp_path / "elsewhere").read_text() == "of somebody else\n"
    assert not (tmp_path / "nowhere").exists()
    for descriptor in (terminal, other, reader):
        os.close(descriptor)


@pytest.mark.parametrize("what", ["moved", "removed", "another"])
def test_a_log_that_nobody_would_find(tmp_path: Path, what: str) -> None:
    """Nobody's words go into a file that is no longer where the user has put it."""
    path = tmp_path / "log"
    log = Log(ENGLISH)
    log.switch(str(path))
    path.rename(tmp_path / "old") if what != "removed" else path.unlink()
    if what == "another":
        path.write_text("")
    (told,) = log.write([Show(Style.EVENT, "x")])
    assert told == Show(Style.ERROR, f"Cannot write to {path}: the file was moved or removed.")
    assert log.write([Show(Style.EVENT, "x")]) == []
    assert all(file.read_text() == "" for file in tmp_path.iterdir())


def test_a_log_on_a_full_disk(tmp_path: Path) -> None:
    """A part of it was written, and that was not all."""
    path = tmp_path / "log"
    log = Log(ENGLISH)
    log.switch(str(path))
    with largest_file(10):
        (told,) = log.write([Show(Style.EVENT, "x" * 100)])
    assert told.text == f"Cannot write to {path}: File too large."


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
            "there is no 'colour', only bell, colours, editor, history, language, name, room, server, times, tls",
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


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("directory", "Is a directory"),
        ("pipe", "it is not a regular file"),
        ("socket", "it is not a regular file"),
        ("device", "it is not a regular file"),
        ("link to nothing", "No such file or directory"),
        ("brackets", "it has too many brackets within brackets"),
        ("latin1", "it is not UTF-8"),
    ],
)
def test_a_configuration_that_is_no_file_is_told_in_one_line(tmp_path: Path, what: str, why: str) -> None:
    places = wrong_places(tmp_path)
    places |= {name: tmp_path / name for name in ("brackets", "latin1")}
    places["brackets"].write_text(f"name = {'[' * 100_000}")
    places["latin1"].write_bytes(b'name = "J\xfcrgen"')
    with pytest.raises(ConfigError) as error:
        read(places[what], ENGLISH)
    assert str(error.value) == f"the configuration {places[what]} cannot be used: {why}"


def test_a_configuration_may_be_a_link(tmp_path: Path) -> None:
    """So people keep them, all in one folder."""
    configured(tmp_path, "bell = false")
    (tmp_path / "link").symlink_to("flurfunk/client.toml")
    assert read(tmp_path / "link", ENGLISH) == {"bell": False}


def test_a_configuration_that_nobody_may_read_is_told() -> None:
    with tempfile.TemporaryDirectory() as folder:  # not within one that is closed to others
        os.chmod(folder, 0o755)
        path = configured(Path(folder), "bell = false")
        path.chmod(0)
        with nobody(), pytest.raises(ConfigError, match="cannot be used: Permission denied"):
            read(path, ENGLISH)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no file that is always full")
def test_an_output_that_is_full_is_told(server: ScriptedServer) -> None:
    with open("/dev/full", "wb") as full:
        client = subprocess.Popen(
            [sys.executable, str(CLIENT), server.address], stdin=subprocess.PIPE, stdout=full, stderr=subprocess.PIPE
        )
    connection = server.welcome("Ann")
    connection.expect("exit")
    connection.dismiss()
    _, complaints = client.communicate(timeout=DEADLINE)
    assert client.returncode == 1
    assert complaints == b"client.py: What came could not be written: No space left on device.\n"


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
