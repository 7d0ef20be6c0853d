"""The server inside TLS: what holds without holds there, and what is no TLS harms nobody."""

import contextlib
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.wire.tls import Channel, Trust
from tests.support import DEADLINE, SERVER, Client, Server, until_broken, wait_until
from tests.tls import AUTHORITY, CERTIFICATES, KEY, TlsServer, certified, receive

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="/proc tells the number of threads")


def channel(server: TlsServer) -> Channel:
    """Return a connection that can end its sending alone, and takes no end for one but a goodbye."""
    return Trust(AUTHORITY).channel(server.dial(), "127.0.0.1")


def all_of(inside: Channel) -> list[str]:
    """Return the lines up to the goodbye."""
    octets = b""
    while piece := receive(inside):
        octets += piece
    return octets.decode().splitlines()


# ---------------------------------------------------------------- as without TLS


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_pair_chats(version: ssl.TLSVersion) -> None:
    with TlsServer() as server:
        server.context.minimum_version = server.context.maximum_version = version
        ann, bob = server.connect("main", "Ann"), server.connect("main", "Bob")
        assert isinstance(ann.sock, ssl.SSLSocket)
        assert ann.sock.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        ann.send("hello")
        ann.barrier()
        assert bob.barrier() == ["SAID Ann hello"]
        bob.send("exit")
        assert bob.rest() == ["BYE exit"]
        assert ann.barrier() == ["JOINED Bob", "SAID Ann hello", "LEFT Bob exit"][2:]


def test_half_close_gets_all_answers_and_a_goodbye() -> None:
    """[NET-4]."""
    with TlsServer() as server:
        inside = channel(server)
        texts = [f"{number} " + "x" * 100 for number in range(500)]
        inside.send("".join(f"{line}\n" for line in ["main", *texts, "half a line"]).removesuffix("\n").encode())
        inside.shutdown(socket.SHUT_WR)
        lines = all_of(inside)
        assert [line.split(" ", 2)[2] for line in lines if line.startswith("SAID ")] == texts
        assert lines[-1] == f"SAID guest-1 {texts[-1]}"
        inside.close()


def test_bye_survives_what_is_sent_behind_exit() -> None:
    """[NET-6]."""
    with TlsServer() as server:
        inside = channel(server)
        inside.send(b"exit\n" + b"behind\n" * 2000)
        assert all_of(inside)[-1] == "BYE exit"
        inside.close()


def serial(server: TlsServer) -> object:
    """Return the number of the certificate that a new connection is shown."""
    client = server.connect("main")
    assert isinstance(client.sock, ssl.SSLSocket)
    certificate = client.sock.getpeercert()
    assert certificate
    client.close()
    return certificate["serialNumber"]


def test_a_certificate_that_changes_is_read_anew(tmp_path: Path) -> None:
    """Without a restart, as it does every few weeks; one that cannot be used is told of, and the one before stays."""
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes((CERTIFICATES / "server.pem").read_bytes())
    with TlsServer("--tls-cert", str(certificate)) as server:
        ann = server.connect("main", "Ann")
        first = serial(server)
        certificate.write_text("half a certif")
        assert serial(server) == first
        wait_until(lambda: "cannot be used, the one before stays" in server.log())
        certificate.write_bytes((CERTIFICATES / "wrong-host.pem").read_bytes())
        server.context.check_hostname = False
        assert serial(server) != first
        wait_until(lambda: "the certificate was read anew" in server.log())
        assert server.log().count("the one before stays") == 1
        ann.barrier()


def test_a_certificate_that_could_not_be_used_is_tried_again(tmp_path: Path) -> None:
    """A mended file can look as before, as where rights to read it are given."""
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes((CERTIFICATES / "server.pem").read_bytes())
    renewed = (CERTIFICATES / "wrong-host.pem").read_bytes()

    def put(octets: bytes) -> None:
        certificate.write_bytes(octets)
        os.utime(certificate, (0, 0))

    with TlsServer("--tls-cert", str(certificate)) as server:
        first = serial(server)
        put(b"x" * len(renewed))
        assert serial(server) == serial(server) == first
        put(renewed)
        server.context.check_hostname = False
        assert serial(server) != first
        wait_until(lambda: "the certificate was read anew" in server.log())
        assert server.log().count("the one before stays") == 1


@pytest.mark.parametrize("how", ["no goodbye", "reset", "goodbye"])
def test_every_end_is_the_end_of_a_client(how: str) -> None:
    """[LEFT-1]: without the goodbye of TLS, too."""
    with TlsServer() as server:
        ann = server.connect("main", "Ann")
        bob = channel(server)
        bob.send(b"/nick Bob\nmain\nhello\nhalf a line")
        ann.until("SAID Bob hello")
        if how == "goodbye":
            bob.shutdown(socket.SHUT_WR)
        elif how == "reset":
            bob.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            bob.close()
        else:
            with socket.socket(fileno=os.dup(bob.fileno())) as outside:
                outside.shutdown(socket.SHUT_WR)
        assert ann.until("LEFT Bob lost") == []


def test_much_goes_both_ways_at_once() -> None:
    """[FLOW-1] [FLOW-2]: much more than all buffers on the way hold; in one thread, as an object of ssl wants it."""
    texts = [f"{number} " + "x" * 3900 for number in range(3000)]
    with TlsServer() as server:
        ann = server.connect("main", "Ann")
        assert isinstance(ann.sock, ssl.SSLSocket)
        ann.sock.setblocking(False)
        unsent = "".join(f"{text}\n" for text in texts).encode()
        wanted = "".join(f"SAID Ann {text}\n" for text in texts).encode()
        place, pieces, size = 0, list[bytes](), 0
        while size < len(wanted):
            ready = select.select([ann.sock], [ann.sock] if place < len(unsent) else [], [], DEADLINE)
            assert any(ready)
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                place += ann.sock.send(unsent[place : place + 65536]) if ready[1] else 0
            with contextlib.suppress(ssl.SSLWantReadError):
                while size < len(wanted):
                    pieces.append(ann.sock.recv(65536))
                    assert pieces[-1], "the server has ended the connection"
                    size += len(pieces[-1])
        assert b"".join(pieces) == wanted


def test_octets_of_a_handshake_inside_tls_are_forbidden_characters() -> None:
    """[NET-8] holds for what is not inside TLS, [NET-7] for all."""
    with TlsServer() as server:
        client = server.open()
        client.sock.sendall(b"\x16\x03\x01\n")
        assert client.until("ERROR bad-text")[0].startswith("HELLO ")
        browser = server.open()
        browser.sock.sendall(b"GET /")
        assert all(line.split()[0] in ("HELLO", "NAME", "INFO") for line in rest_of_foreign(browser))


def rest_of_foreign(client: Client) -> list[str]:
    """Return what comes to a client whose connection may be ended in any way."""
    lines = []
    try:
        while line := client.line():
            lines.append(line)
    except OSError:
        pass
    return lines


# ---------------------------------------------------------------- slow readers, and the end of the server


@needs_proc
def test_a_slow_reader_is_removed_and_leaves_no_thread() -> None:
    """[FLOW-5]."""
    with TlsServer("--max-waiting", "262144", "--stall-timeout", "5") as server:
        ann = server.connect("main", "Ann")
        before = server.threads()
        silent = server.connect(None, "Silent")
        silent.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.send("main")
        ann.until("JOINED Silent")
        while "LEFT Silent removed" not in flood(ann):
            pass
        ann.send("still here")
        assert "SAID Ann still here" in ann.barrier()
        silent.close()
        wait_until(lambda: server.threads() == before, f"{before} threads again")


def flood(client: Client) -> list[str]:
    """Let a client say much, and return what it gets."""
    client.send(*["x" * 4000] * 100)
    return client.barrier()


def test_the_end_of_the_server_delivers_what_waits() -> None:
    """[OPER-2]: to clients that read only after it has begun."""
    with TlsServer() as server:
        talker, *others = [server.connect("main", f"Name{number}") for number in range(8)]
        texts = [f"{number} " + "x" * 3900 for number in range(150)]
        talker.send(*texts)
        talker.barrier()
        server.process.send_signal(signal.SIGTERM)
        for client in others:
            lines = client.rest()
            assert [line.removeprefix("SAID Name0 ") for line in lines if line.startswith("SAID ")] == texts
            assert lines[-1] == "BYE shutdown"
        assert talker.rest()[-1] == "BYE shutdown"
        assert server.process.wait(DEADLINE) == 0
        assert "Traceback" not in server.log()


def test_the_end_of_the_server_waits_for_nobody_who_does_not_read() -> None:
    """[OPER-2], with a handshake under way besides."""
    with TlsServer("--max-waiting", "16777216") as server:
        server.dial()
        silent, talker = server.connect("main", "Silent"), server.connect("main")
        silent.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(20):
            flood(talker)
        assert server.end() == 0
        assert talker.rest()[-1] == "BYE shutdown"


# ---------------------------------------------------------------- what is no TLS, or too old


@pytest.mark.parametrize(
    "words", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"main\nhello\n", b"\0" * 100, b"\x16\x03\x01"]
)
def test_what_is_no_tls_is_the_end_of_the_connection(words: bytes) -> None:
    with TlsServer() as server:
        ann = server.connect("main", "Ann")
        stranger = server.dial()
        stranger.sendall(words)
        stranger.shutdown(socket.SHUT_WR)
        answer = until_broken(stranger)
        assert answer[:1] in (b"", b"\x15")  # nothing but an alert of TLS
        assert len(answer) < 20
        wait_until(lambda: "the TLS handshake failed" in server.log(), "a line in the log")
        assert ann.barrier() == []


def client_hello(version: bytes) -> bytes:
    """Return the beginning of a handshake in which a client offers this version at most."""
    ciphers = bytes.fromhex("c02bc023c009")  # ECDHE-ECDSA, for TLS 1.2 and for those before
    extensions = bytes.fromhex("000a00040002 0017000b00020100000d00040002 0403")
    body = version + bytes(range(32)) + b"\0" + len(ciphers).to_bytes(2, "big") + ciphers + b"\1\0"
    body += len(extensions).to_bytes(2, "big") + extensions
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


@pytest.mark.parametrize(
    ("version", "answer"),
    [(b"\3\1", b"\x15"), (b"\3\2", b"\x15"), (b"\3\3", b"\x16")],
    ids=["TLS 1.0", "TLS 1.1", "TLS 1.2"],
)
def test_no_version_before_1_2(version: bytes, answer: bytes) -> None:
    """[NET-10]: an alert says protocol_version, a handshake goes on."""
    with TlsServer() as server:
        client = server.dial()
        client.sendall(client_hello(version))
        head = client.recv(7, socket.MSG_WAITALL)
        assert head[:1] == answer
        assert answer == b"\x16" or head[5:] == b"\x02\x46"


def test_stuck_handshakes_harm_nobody_and_end() -> None:
    """[SEC-1]."""
    with TlsServer("--max-clients", "3") as server:
        stuck = [server.dial() for _ in range(60)]
        for number, connection in enumerate(stuck):
            connection.sendall(client_hello(b"\3\3")[: number * 2])
        ann, bob = server.connect("main", "Ann"), server.connect("main", "Bob")
        ann.until("JOINED Bob")
        for number in range(50):
            ann.send(f"text {number}")
            assert bob.line() == f"SAID Ann text {number}"
        for connection in stuck:
            while connection.recv(4096):  # an alert, where it came so far
                pass
        bob.send("still here")
        assert bob.barrier() == ["SAID Bob still here"]


@needs_proc
def test_nothing_is_left_of_connections() -> None:
    with TlsServer() as server:
        ann = server.connect("main", "Ann")
        folder = Path(f"/proc/{server.process.pid}/fd")
        before = len(list(folder.iterdir())), server.threads()
        for number in range(40):
            if number % 4 == 0:
                stranger = server.dial()
                stranger.sendall(client_hello(b"\3\3")[:number])
                stranger.close()
                continue
            client = server.open()
            client.send("main", "exit" if number % 4 == 1 else "hello")
            if number % 4 == 3:
                client.reset()
            client.close()
        wait_until(lambda: (len(list(folder.iterdir())), server.threads()) == before, "as many as before")
        ann.barrier()
        assert "Traceback" not in server.log()


# ---------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    ("certificate", "key", "told"),
    [
        ("no-such-file", KEY, "cannot read no-such-file: No such file"),
        (AUTHORITY, "no-such-file", "cannot read no-such-file: No such file"),
        (CERTIFICATES, KEY, "Is a directory"),
        (AUTHORITY, KEY, "is not that of the certificate"),
        (KEY, KEY, "are not a certificate and its key"),
        (AUTHORITY, AUTHORITY, "are not a certificate and its key"),
        ("", "", "cannot read"),
    ],
)
def test_certificates_that_cannot_be_used(certificate: str | Path, key: str | Path, told: str) -> None:
    status, complaint = refused("--tls-cert", str(certificate), "--tls-key", str(key))
    assert status == 1
    assert told in complaint
    assert complaint.startswith("server.py: ")
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("options", [certified()[:2], certified()[2:]])
def test_a_certificate_and_its_key_go_together(options: tuple[str, ...]) -> None:
    status, complaint = refused(*options)
    assert status == 2
    assert "--tls-cert and --tls-key go together" in complaint
    assert complaint.count("\n") == 1


def refused(*options: str) -> tuple[int, str]:
    """Start a server that should not start; return its exit status and what it writes to standard error."""
    command = [sys.executable, str(SERVER), "--port", "0", *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False)
    assert not done.stdout
    return done.returncode, done.stderr.decode()


def test_the_operator_is_warned_without_tls_only() -> None:
    """[SEC-4]."""
    for options, warned in ((certified(), False), ((), True)):
        with Server("--host", "0.0.0.0", *options) as server:
            assert server.end() == 0  # then the log is written
            assert ("without TLS" in server.log()) == warned
