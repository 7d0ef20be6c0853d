"""A load balancer in front of a cluster, with the configuration that stands in the guide."""

import re
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from benchmarks.nats import free_ports, nats
from tests.cluster.support import Nodes
from tests.proxies import running
from tests.support import ROOT, Client

GUIDE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
PEOPLE = 6  # two at each node


@contextmanager
def balancer(nodes: Nodes, folder: Path) -> Iterator[int]:
    """Run haproxy in front of three nodes with the guide's lines and other addresses; yields its port."""
    (lines,) = re.findall(r"(?ms)^```haproxy\n(.*?)^```$", GUIDE)
    [port], file = free_ports(1), folder / "haproxy.cfg"
    lines = lines.replace("bind :8080", f"bind 127.0.0.1:{port}")
    for name, node in zip("abc", nodes.all, strict=True):
        lines = lines.replace(f" {name}:8080 ", f" 127.0.0.1:{node.address[1]} ")
    file.write_text(lines)
    with running("haproxy", file, port):
        yield port


def greeted(port: int, stack: ExitStack) -> Client:
    """Return a new client, after its greeting, of whichever node; the stack closes it."""
    client = stack.enter_context(closing(Client(socket.create_connection(("127.0.0.1", port)))))
    assert client.line() == "HELLO flurfunk/1 who rooms tell"
    client.barrier()
    return client


def test_a_load_balancer_spreads_clients_and_replaces_a_node_that_is_lost(tmp_path: Path) -> None:
    if not shutil.which("haproxy"):
        pytest.skip("haproxy is not installed")
    with nats() as engine, Nodes([engine.url]) as nodes, balancer(nodes, tmp_path) as port, ExitStack() as stack:
        people = [greeted(port, stack) for _ in range(PEOPLE)]
        for number, person in enumerate(people):
            person.send(f"/nick p{number}", "main")
            person.until("ROOM main")
        for number, person in enumerate(people):
            person.send(f"here {number}")
            for other in people:
                other.until(f"SAID p{number} here {number}")
        nodes[0].type("/who")
        there = re.findall(
            rf"^p(\d) .*:{nodes[0].process.pid} ", nodes[0].printed(f"{PEOPLE} connected\n"), re.MULTILINE
        )
        lost = [int(number) for number in there]
        assert len(lost) == PEOPLE / 3, there
        nodes[0].process.send_signal(signal.SIGKILL)
        staying = [person for number, person in enumerate(people) if number not in lost]
        for person in staying:
            leavings = {person.line() for _ in lost}
            assert leavings == {f"LEFT p{number} lost" for number in lost}
        for number in lost:
            assert people[number].rest() == []  # its connection ends
        again = greeted(port, stack)
        again.send(f"/nick p{lost[0]}", "main", "back")
        for person in (again, *staying):
            person.until(f"SAID p{lost[0]} back")
