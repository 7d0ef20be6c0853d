"""Ports for servers that are to be started."""

import socket

import pytest

from conformance.wire.port import Port


@pytest.fixture
def number() -> int:
    """A port that was free just now."""
    port = Port()
    port.give_back()
    return port.number


def test_a_port_is_had_once_until_it_is_given_back(number: int) -> None:
    """By runs beside each other, too, before their servers listen there."""
    port = Port([number])
    assert port.number == number
    with pytest.raises(OSError, match="no port is free"):
        Port([number])
    port.give_back()
    Port([number]).give_back()


def test_a_server_can_listen_where_a_port_is_held_and_then_nobody_is_told_to(number: int) -> None:
    port = Port([number])
    with socket.create_server(("127.0.0.1", number)):
        port.give_back()
        with pytest.raises(OSError, match="no port is free"):
            Port([number])


def test_no_client_has_such_a_port() -> None:
    """Else a connection could take the port away before the server has it, or end where it begins."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        clients = [socket.create_connection(server.getsockname()) for _ in range(20)]
        ports = {client.getsockname()[1] for client in clients}
        for client in clients:
            client.close()
    reserved = Port()
    reserved.give_back()
    assert reserved.number < min(ports)
