"""The PROXY protocol: headers as haproxy, nginx and stunnel send them, in pieces and with what follows; and others."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.server.proxy import ProxyHeaderError, missing, source
from tests.support import DEADLINE, Client, Server, until_broken, wait_until
from tests.tls import TlsServer

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
MAPPED = bytes(10) + b"\xff\xff\x7f\x00\x00\x01"
LOOPBACK = bytes(15) + b"\x01"
TLVS = (
    b"\x03\x00\x04\xd5K\xee\x1b\x05\x00\r7F000001:90D2 \x00D\x01\x00\x00\x00\x00!\x00\x07TLSv1.3%\x00\x05EC256"
    b"$\x00\x11ecdsa-with-SHA256#\x00\x16TLS_AES_256_GCM_SHA384"
)
# As they came from haproxy 2.6, nginx 1.22 and stunnel 5.68, and the address that each names.
HEADERS = (
    (b"PROXY TCP4 127.0.0.1 127.0.0.1 37952 1001\r\n", "127.0.0.1"),
    (b"PROXY TCP6 ::1 ::1 53496 1001\r\n", "::1"),
    (b"PROXY TCP6 ::ffff:127.0.0.1 ::ffff:127.0.0.1 35772 1101\r\n", "::ffff:7f00:1"),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ::1 ::1 1 2\r\n", None),
    (SIGNATURE + b"!\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\x94\x92\x03\xea", "127.0.0.1"),
    (SIGNATURE + b"!!\x00$" + LOOPBACK * 2 + b'\x81"\x03\xea', "::1"),
    (SIGNATURE + b"!!\x00$" + MAPPED * 2 + b"\xad\xda\x04N", "::ffff:7f00:1"),
    (SIGNATURE + b" \x00\x00\x00", None),  # a check, or a person who came by a UNIX socket
    (SIGNATURE + b" \x00\x00\x08 \x00\x05\x00\x00\x00\x00\x00", None),
    (SIGNATURE + b"!\x11\x00j\x7f\x00\x00\x01\x7f\x00\x00\x01\x90\xd2\x03\xed" + TLVS, "127.0.0.1"),
    (SIGNATURE + b"!\x00\x00\x00", None),
    (SIGNATURE + b"!1\x00\xd8" + bytes(216), None),
)
FOREIGN = (
    b"GET / HTTP/1.1\r\n",
    b"main\n",
    b"PROXY TCP5 ",
    b"PROXY  TCP4",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 37952 1001\n",
    b"PROXY TCP4 127.0.0.1\r127.0.0.1 1 2\r\n",
    b"PROXY TCP4 " + b"1" * 97,
    b"PROXY TCP4 300.0.0.1 127.0.0.1 1 2\r\n",
    b"PROXY TCP4 ::1 ::1 1 2\r\n",
    b"PROXY TCP6 127.0.0.1 127.0.0.1 1 2\r\n",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 65536 2\r\n",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1\r\n",
    b"\r\n\r\n\x00\r\nQUIX",
    SIGNATURE + b"\x11\x11\x00\x0c",  # version 1 in the form of 2
    SIGNATURE + b"\x22\x11\x00\x0c",  # no command of version 2
    SIGNATURE + b"!\x11\x00\x0b",  # addresses that do not fit
    SIGNATURE + b"!\x12\x00\x0c",  # UDP
    SIGNATURE + b"!\x11\xff\xff",
    b"\x16\x03\x01",
)
LOCAL = ("--proxy-protocol", "--trusted-proxy", "127.0.0.1")


def taken(octets: bytes, most: int = 1 << 16) -> bytes:
    """Return the header at the beginning of some octets, of which so many at most come at a time."""
    head = b""
    while need := missing(head):
        piece = octets[len(head) :][: min(need, most)]
        assert piece, head
        head += piece
    return head


@pytest.mark.parametrize(("header", "address"), HEADERS)
@given(most=st.integers(1, 200), rest=st.binary(max_size=20))
def test_a_header_is_taken_and_nothing_else(header: bytes, address: str | None, most: int, rest: bytes) -> None:
    assert taken(header + rest, most) == header
    assert source(header) == address


@pytest.mark.parametrize("octets", FOREIGN)
def test_other_octets_are_refused(octets: bytes) -> None:
    with pytest.raises(ProxyHeaderError, match="PROXY protocol"):
        source(taken(octets))


@given(octets=st.binary(max_size=300) | st.binary(max_size=40).map(lambda tail: SIGNATURE + tail))
def test_any_octets_are_a_header_or_refused(octets: bytes) -> None:
    head = b""
    try:
        while need := missing(head):
            assert need > 0
            if len(head) + need > len(octets):
                return
            head = octets[: len(head) + need]
        source(head)
    except ProxyHeaderError:
        pass


def through_proxy(server: Server, header: bytes) -> Client:
    """Return a connection with this header at its beginning, which a test closes."""
    sock = socket.create_connection(server.address, DEADLINE)
    sock.sendall(header)
    return Client(sock)


def test_people_are_known_by_the_address_that_the_proxy_names() -> None:
    with Server(*LOCAL, "--trusted-proxy", "10.0.0.0/8") as server:
        clients = []
        for number, address in enumerate(("TCP4 192.0.2.7 192.0.2.1", "TCP6 ::ffff:192.0.2.8 ::1", "UNKNOWN")):
            header = f"PROXY {address} 1 2\r\n" if number < 2 else "PROXY UNKNOWN\r\n"
            client = through_proxy(server, f"{header}main\n/nick n{number}\n".encode())
            client.until(f"NAME n{number}")
            clients.append(client)
        server.type("/who")
        told = server.printed("3 connected")
        for name, address in (("n0", "192.0.2.7"), ("n1", "192.0.2.8"), ("n2", "127.0.0.1")):
            assert any(line.split()[:3] == [name, "main", address] for line in told.splitlines()), told
        for client in clients:
            client.close()


def test_places_are_counted_by_the_address_that_the_proxy_names() -> None:
    """And of IPv6 by its network: all addresses of a /64 are in one hand."""
    with Server(*LOCAL, "--max-per-address", "2") as server:
        clients = []
        for first, second, third in (("192.0.2.7",) * 3, ("2001:db8::1", "2001:db8::2", "2001:db8::3")):
            family = "TCP6" if ":" in first else "TCP4"
            for address in (first, second):
                clients.append(through_proxy(server, f"PROXY {family} {address} {address} 1 2\r\n".encode()))
                assert clients[-1].line().startswith("HELLO ")
            refused = through_proxy(server, f"PROXY {family} {third} {third} 1 2\r\n".encode())
            assert until_broken(refused.sock) == b""
            refused.close()
        other = through_proxy(server, b"PROXY TCP6 2001:db8:0:1::1 ::1 1 2\r\n")
        assert other.line().startswith("HELLO ")
        for client in (*clients, other):
            client.close()
        assert "192.0.2.7 has 2 connections already" in server.log()


def test_others_are_refused_and_checks_leave_no_trace() -> None:
    with Server(*LOCAL) as server:
        for header in (b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", SIGNATURE + b" \x00\x00\x00", b""):
            check = through_proxy(server, header)
            check.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            check.close()
        foreign = through_proxy(server, b"main\n")
        assert until_broken(foreign.sock) == b""
        foreign.close()
        person = through_proxy(server, b"PROXY UNKNOWN\r\nexit\n")
        assert person.line().startswith("HELLO ")
        assert person.line() == "NAME guest-1"
        person.until("BYE exit")
        person.close()
        wait_until(lambda: "guest-1 is gone" in server.log())
        assert "no header of the PROXY protocol" in server.log()
        assert [line for line in server.log().splitlines() if "connected" in line or "gone" in line][2:] == []


def test_who_is_no_trusted_proxy_is_refused() -> None:
    with Server("--proxy-protocol", "--trusted-proxy", "192.0.2.1") as server:
        client = through_proxy(server, b"PROXY UNKNOWN\r\nmain\n")
        assert until_broken(client.sock) == b""
        client.close()
        wait_until(lambda: "127.0.0.1 is no trusted proxy" in server.log())


@pytest.mark.parametrize("header", [HEADERS[0][0], HEADERS[5][0], HEADERS[8][0]])
def test_without_the_option_a_header_is_refused(header: bytes) -> None:
    """[NET-11]: and the log says what it was."""
    with Server() as server:
        client = through_proxy(server, header + b"main\nhello\n")
        assert b"SAID" not in until_broken(client.sock)
        client.close()
        wait_until(lambda: "speaks the PROXY protocol" in server.log())


def test_the_header_comes_before_tls() -> None:
    with TlsServer(*LOCAL) as server:
        sock = socket.create_connection(server.address, DEADLINE)
        sock.sendall(b"PROXY TCP4 192.0.2.9 192.0.2.1 1 2\r\n")
        client = Client(server.context.wrap_socket(sock, server_hostname="127.0.0.1"))
        client.send("main")
        client.until("ROOM main")
        server.type("/who")
        assert " 192.0.2.9 " in server.printed("1 connected")
        client.close()
