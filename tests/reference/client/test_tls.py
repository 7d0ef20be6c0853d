"""The client inside TLS: whom it trusts, and that it behaves as without."""

import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference.client.texts_en import ENGLISH as TEXTS
from tests.reference.client.test_cli import Client
from tests.reference.client.test_files import configured
from tests.scripted_server import Connection, ScriptedServer
from tests.support import Server
from tests.tls import AUTHORITY, CERTIFICATES, KEY, certified

TRUSTING = "--tls-ca", str(AUTHORITY)


class TlsServer(ScriptedServer):
    """Says what the test says, inside TLS."""

    def __init__(self) -> None:
        super().__init__()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(CERTIFICATES / "server.pem", KEY)

    def accept(self) -> Connection:
        """Wait for a client to connect, and do the handshake."""
        inside = self._context.wrap_socket(self._listening.accept()[0], server_side=True, suppress_ragged_eofs=False)
        connection = Connection(inside)
        self._connections.append(connection)
        return connection


@pytest.fixture
def server() -> Iterator[TlsServer]:
    with TlsServer() as server:
        yield server


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_conversation_with_the_reference_server(host: str) -> None:
    with Server(*certified()) as server:
        client = Client(f"{host}:{server.address[1]}", *TRUSTING, "--name", "Ann", input_=b"main\nhello\n")
        status, out, complaints = client.end()
        assert (status, complaints) == (0, [])
        assert out[-1] == "<Ann> hello"


@pytest.mark.parametrize(
    ("certificate", "options", "why"),
    [
        ("server", ("--tls-ca", str(CERTIFICATES / "stranger.pem")), "its certificate cannot be trusted: "),
        ("server", ("--tls",), "its certificate cannot be trusted: "),
        ("wrong-host", TRUSTING, "its certificate cannot be trusted: IP address mismatch"),
        ("expired", TRUSTING, "its certificate cannot be trusted: certificate has expired"),
        ("", TRUSTING, "client and server cannot agree on TLS"),
    ],
)
def test_whom_it_does_not_trust_it_does_not_talk_to(certificate: str, options: tuple[str, ...], why: str) -> None:
    with Server(*(certified(certificate) if certificate else ())) as server:
        client = Client(f"127.0.0.1:{server.address[1]}", *options, input_=b"main\nsecret\n")
        status, out, complaints = client.end()
        assert (status, out) == (1, [])
        assert len(complaints) == 1
        assert f"client.py: Cannot connect to 127.0.0.1:{server.address[1]}: {why}" in complaints[0]
        assert server.end() == 0  # then the log is written
        assert "entered" not in server.log()


def test_the_name_of_the_host_counts() -> None:
    with Server(*certified("wrong-host")) as server:
        _, _, complaints = Client(f"localhost:{server.address[1]}", *TRUSTING, input_=b"").end()
        assert "Hostname mismatch" in complaints[0]


@pytest.mark.parametrize("file", ["no-such-file", "", str(KEY), str(CERTIFICATES)])
def test_authorities_that_cannot_be_used(file: str, server: TlsServer) -> None:
    status, out, complaints = Client(server.address, "--tls-ca", file, input_=b"").end()
    assert (status, out) == (1, [])
    assert len(complaints) == 1
    assert f"no certificates from the file {file}: " in complaints[0]


def test_no_version_before_1_2() -> None:
    """The client's offer, as octets: the versions of the extension supported_versions."""
    with ScriptedServer() as plain:
        client = Client(plain.address, *TRUSTING, input_=b"")
        octets = b""
        with socket.socket(fileno=plain.accept().socket.detach()) as connection:
            connection.settimeout(10)
            while b"\x00\x2b" not in octets or len(octets) < 5 + int.from_bytes(octets[3:5], "big"):
                octets += connection.recv(4096)
        assert b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03" in octets  # 1.3 and 1.2, and no other
        assert client.end()[0] == 1


def test_an_exit_says_goodbye_in_both_ways(server: TlsServer) -> None:
    """[CLIENT-8] [CLIENT-16]: `line` takes nothing for the end of the stream but a goodbye of TLS."""
    client = Client(server.address, *TRUSTING)
    connection = server.welcome()
    client.give("exit")
    connection.expect("exit")
    connection.send("BYE exit")
    assert connection.line() is None
    assert client.end() == (0, ["* You are guest-1."], [])


def test_ctrl_c_leaves(server: TlsServer) -> None:
    """[CLIENT-15]."""
    client = Client(server.address, *TRUSTING)
    connection = server.welcome()
    assert client.line() == "* You are guest-1."
    client.process.send_signal(signal.SIGINT)
    connection.expect("exit")
    connection.send("BYE exit")
    assert client.end() == (0, [], [])


@pytest.mark.parametrize("goodbye", [True, False])
def test_a_lost_connection_is_told(goodbye: bool, server: TlsServer) -> None:
    """[CLIENT-6]: with the goodbye of TLS and without."""
    client = Client(server.address, *TRUSTING)
    connection = server.welcome()
    assert client.line() == "* You are guest-1."
    if goodbye:
        assert isinstance(connection.socket, ssl.SSLSocket)
        connection.socket.unwrap()
    connection.close()
    assert client.end() == (1, [], [f"client.py: {TEXTS.lost}"])


def test_a_bye_is_read_where_sending_fails(server: TlsServer) -> None:
    """[CLIENT-7]."""
    client = Client(server.address, *TRUSTING, input_=b"main\n" + b"text\n" * 200_000)
    connection = server.welcome()
    connection.expect("main")
    connection.send("ROOM main", "BYE shutdown")
    connection.close()  # with much unread: a reset
    status, out, complaints = client.end()
    assert status == 1
    assert complaints == [f"client.py: {TEXTS.bye['shutdown']}"]
    assert out[0] == "* You are guest-1."


def test_large_records_and_small_ones_arrive(server: TlsServer) -> None:
    """With all sizes: none is left in a buffer of which `select` knows nothing."""
    client = Client(server.address, *TRUSTING)
    connection = server.welcome()
    assert client.line() == "* You are guest-1."
    for size in (1, 500, 8000, 8000, 1):
        connection.send(*[f"SAID Bob {'x' * size}"] * 9)
        for _ in range(9):
            assert client.line() == f"<Bob> {'x' * size}"
    client.give("exit")
    connection.expect("exit")
    connection.send("BYE exit")
    assert client.end()[0] == 0


def test_both_directions_full_at_once() -> None:
    with Server(*certified()) as server:
        count = 20_000
        lines = b"main\n" + b"".join(b"%d\n" % number for number in range(count))
        client = Client(f"127.0.0.1:{server.address[1]}", *TRUSTING, input_=lines)
        status, out, complaints = client.end()
        assert (status, complaints) == (0, [])
        said = [line for line in out if line.startswith("<guest-1> ")]
        assert said == [f"<guest-1> {number}" for number in range(count)]


def test_a_file_of_authorities_implies_tls(tmp_path: Path) -> None:
    with Server() as server:
        client = Client(f"127.0.0.1:{server.address[1]}", *TRUSTING, input_=b"main\nsecret\n")
        assert client.end()[0] == 1
        assert server.end() == 0
        assert "refused a connection that speaks TLS" in server.log()


@pytest.mark.parametrize(
    ("configuration", "arguments", "secured"),
    [
        ("tls-ca = {ca}", (), True),
        ("tls = true\ntls-ca = {ca}", (), True),
        ("tls = true", TRUSTING, True),
        ("tls = false", TRUSTING, True),
        ("tls = false\ntls-ca = {ca}", ("--tls",), True),
        ("tls = false\ntls-ca = {ca}", (), False),
        ("tls = true\ntls-ca = {ca}", ("--no-tls",), False),
        ("", (*TRUSTING, "--no-tls"), False),
    ],
)
def test_the_configuration_may_say_how_and_the_command_line_counts_more(
    configuration: str, arguments: tuple[str, ...], secured: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it connects: at an address of the command line, too."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    text = configuration.format(ca=f'"{AUTHORITY}"')
    with Server(*(certified() if secured else ())) as server:
        address = "{}:{}".format(*server.address)
        for usual, given in ((f'server = "{address}"\n', ()), ("", (address,))):
            configured(tmp_path, usual + text)
            status, out, complaints = Client(*given, *arguments, input_=b"main\nhello\n").end()
            assert (status, complaints) == (0, [])
            assert out[-1].endswith("> hello")
