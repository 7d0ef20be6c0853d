"""The suite inside TLS: the same checks, and what is said where there is no TLS that can be trusted."""

import re
import shlex
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.wire.tls import Trust
from tests.suite import ROOT, listening, suite
from tests.support import DEADLINE, SERVER, Server
from tests.tls import AUTHORITY, CERTIFICATES, KEY, TlsServer, certified, receive

REFERENCE = shlex.join(["{python}", str(SERVER), "--port", "{port}", "--history", "100", *certified()])
LIMITED = f"{REFERENCE} --max-clients {{clients}} --choose-timeout {{seconds}} --stall-timeout {{stall}}"
SUITE_SECONDS = 300.0


def test_the_reference_conforms_inside_tls() -> None:
    """All checks but the one that is about ports without TLS."""
    command = [sys.executable, "-m", "conformance", "--patient", "--verbose", "--tls-ca", str(AUTHORITY)]
    command += ["--server-cmd", REFERENCE, "--limited-server-cmd", LIMITED]
    command += ["--password-server-cmd", f"{REFERENCE} --password-file {{password_file}}"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SUITE_SECONDS, check=False)
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr
    verdicts = re.search(r"(\d+) checks in [\d.]+ s, seed 1: (.*)", ended.stdout)
    assert verdicts
    (skipped,) = map(int, re.findall(r"^NET-8 +MUST +SKIP +(\d+)", ended.stdout, re.M))
    assert verdicts[2] == f"{int(verdicts[1]) - skipped} PASS, {skipped} SKIP"
    assert int(verdicts[1]) > 200
    assert re.search(r"^NET-8 +MUST +SKIP .*is about a port without TLS", ended.stdout, re.M)


def test_a_server_that_runs_already_and_a_file_that_says_so(tmp_path: Path) -> None:
    with TlsServer() as server:
        file = tmp_path / "subject.toml"
        host, port = server.address
        file.write_text(f'[server]\naddress = "{host}:{port}"\ntls-ca = "{AUTHORITY}"\n')
        ended = suite("--subject", file, "--select", "PING")
        assert ended.returncode == 0, ended.stdout
        assert "PASS" in ended.stdout
        file.write_text(f'[server]\naddress = "{host}:{port}"\ntls-ca = "no-such-file"\n')
        ended = suite("--subject", file, "--select", "PING")
        assert ended.returncode == 2
        assert "no certificates from no-such-file: No such file or directory" in ended.stderr
        assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "authority", "why"),
    [
        (certified(), "stranger", "the certificate cannot be trusted: "),
        (certified("wrong-host"), "authority", "the certificate cannot be trusted: IP address mismatch"),
        (certified("expired"), "authority", "the certificate cannot be trusted: certificate has expired"),
        ((), "authority", "wrong version number"),
    ],
)
def test_who_is_not_trusted_is_not_reachable(options: tuple[str, ...], authority: str, why: str) -> None:
    with Server(*options) as server:
        where = f"{server.address[0]}:{server.address[1]}"
        ended = suite("--server", where, "--tls-ca", CERTIFICATES / f"{authority}.pem", "--select", "PING")
        assert ended.returncode == 3
        told = [line for line in (ended.stdout + ended.stderr).splitlines() if "no TLS with the server at" in line]
        assert len(told) == 1
        assert f"{where}: {why}" in told[0]


def test_a_server_inside_tls_needs_the_option() -> None:
    with TlsServer() as server:
        ended = suite("--server", f"{server.address[0]}:{server.address[1]}", "--select", "PING")
        assert ended.returncode == 3
        assert "no Flurfunk/1 server at" in ended.stdout + ended.stderr


def test_files_without_certificates_are_told() -> None:
    ended = suite("--server", "127.0.0.1:1", "--tls-ca", KEY)
    assert ended.returncode == 2
    assert "it has none in PEM" in ended.stderr


CLIENT = f"{{python}} {shlex.quote(str(ROOT / 'reference/client/client.py'))} {{host}}:{{port}} --no-reconnect"
SHOWN = "--tls-cert", CERTIFICATES / "server.pem", "--tls-key", KEY


def test_a_client_is_checked_inside_tls() -> None:
    command = f"{CLIENT} --tls-ca {shlex.quote(str(AUTHORITY))}"
    ended = suite("--client-cmd", command, *SHOWN, "--verbose", "--select", "13.1", "--jobs", "2")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"^CLIENT-6 +MUST +PASS", ended.stdout, re.M)
    assert re.search(r"^CLIENT-7 +MUST +PASS", ended.stdout, re.M)


@pytest.mark.parametrize("options", ["--tls", "--tls-ca {authority}"])
def test_a_client_that_trusts_nobody_is_not_reachable(options: str) -> None:
    command = f"{CLIENT} {options.format(authority=shlex.quote(str(CERTIFICATES / 'stranger.pem')))}"
    ended = suite("--client-cmd", command, *SHOWN, "--select", "CLIENT-6")
    assert ended.returncode == 3
    assert "expected the client does the TLS handshake, but" in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (SHOWN, "are for a client"),
        (("--client", *SHOWN[:2]), "go together"),
        (("--client", *SHOWN[2:]), "go together"),
        (("--client", "--tls-cert", KEY, "--tls-key", KEY), "they are none in PEM"),
        (("--client", "--tls-cert", "no-such-file", "--tls-key", KEY), "No such file"),
    ],
)
def test_what_a_client_is_shown_has_to_be_there(options: tuple[str | Path, ...], told: str) -> None:
    ended = suite(*options)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert ended.stderr.count("\n") == 1


def inside(serve: Callable[[ssl.SSLSocket], None]) -> Callable[[socket.socket], None]:
    """Return what serves a connection inside TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem", KEY)

    def run(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            serve(secured)

    return run


def dialled(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), DEADLINE)


def test_an_end_without_goodbye_is_a_broken_connection() -> None:
    """As a server is held to [NET-6]: an end that anybody on the way can make up is none."""
    ends: list[Callable[[ssl.SSLSocket], object]] = [lambda secured: None, lambda secured: secured.unwrap()]
    for number, end in enumerate(ends):

        def serve(secured: ssl.SSLSocket, end: Callable[[ssl.SSLSocket], object] = end) -> None:
            secured.sendall(b"BYE exit\n")
            secured.recv(1)
            end(secured)

        with listening(inside(serve)) as address:
            channel = Trust(AUTHORITY).channel(dialled(address), "127.0.0.1")
            channel.send(b"x")
            received = [receive(channel)]
            if number:
                received.append(receive(channel))
            else:
                with pytest.raises(ConnectionError, match="close_notify"):
                    receive(channel)
            channel.close()
        assert received == [b"BYE exit\n", b""][: number + 1]


def test_each_piece_is_a_record() -> None:
    records: list[bytes] = []

    def serve(secured: ssl.SSLSocket) -> None:
        while octets := secured.recv(65536):  # one record at a time
            records.append(octets)
        secured.unwrap()

    with listening(inside(serve)) as address:
        channel = Trust(AUTHORITY).channel(dialled(address), "127.0.0.1")
        for piece in (b"a", b"bc", b"def\n"):
            assert channel.send(piece) == len(piece)
        channel.shutdown(socket.SHUT_WR)
        assert receive(channel) == b""
        channel.close()
    assert records == [b"a", b"bc", b"def\n"]
