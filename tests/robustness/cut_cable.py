"""A peer that vanishes without a word; to be run in a network namespace of its own, by test_slow_and_dead.py.

A client in a second namespace is connected with the server by a virtual cable, which is then cut: no octet, no FIN
and no RST passes any more, as when a machine is switched off.
"""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.robustness.support import Talker, assert_undelayed, said, talking, unharmed
from tests.support import DEADLINE, SERVER, Server, wait_until

FAR = """
import socket, sys
sock = socket.create_connection(("192.0.2.1", int(input())))
sock.sendall(b"/nick Gone\\nmain\\n")
while b"ROOM main" not in sock.recv(4096):
    pass
print("in", flush=True)
input()
"""


def run(*command: str) -> None:
    subprocess.run(command, check=True)


@pytest.fixture(scope="module", autouse=True)
def _loopback() -> None:
    run("ip", "link", "set", "lo", "up")


@contextlib.contextmanager
def distant(server: Server) -> Iterator[Callable[[], None]]:
    """Let a client Gone enter main over the cable; yield what cuts that."""
    run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
    run("ip", "address", "add", "192.0.2.1/24", "dev", "near")
    with subprocess.Popen(
        ["unshare", "--net", sys.executable, "-c", FAR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as far:
        assert far.stdin
        assert far.stdout
        there = ("nsenter", "--net", "--target", str(far.pid))
        wait_until(lambda: other_network(far.pid), "the second namespace")
        run("ip", "link", "set", "far", "netns", str(far.pid))
        run("ip", "link", "set", "near", "up")
        run(*there, "ip", "address", "add", "192.0.2.2/24", "dev", "far")
        run(*there, "ip", "link", "set", "far", "up")
        print(server.address[1], file=far.stdin, flush=True)
        assert far.stdout.readline() == "in\n"
        yield lambda: run(*there, "ip", "link", "set", "far", "down")
        far.kill()
    # It goes with the second namespace, too, but some time later.
    subprocess.run(["ip", "link", "delete", "near"], check=False, capture_output=True)


def test_peer_that_vanishes_while_much_is_said() -> None:
    """[FLOW-3] [FLOW-5]: it delays nobody, and is removed when its time is over."""
    with (
        Server("--host", "0.0.0.0", "--stall-timeout", "5", "--max-waiting", "16777216") as server,
        unharmed(server, "main") as same_room,
    ):
        idle = same_room.rounds(20)
        with distant(server) as cut:
            cut()
            talker = Talker(server, "main", b"".join(b"%d " % number + b"y" * 1000 + b"\n" for number in range(8000)))
            before = len(same_room.trips)
            thread = talking([talker])
            wait_until(lambda: "LEFT Gone removed" in same_room.heard, "it to be removed")
            thread.join(DEADLINE)
            assert not thread.is_alive()
            assert_undelayed(idle, same_room.trips[before:])
        assert said(talker) == [str(number) for number in range(8000)]


def test_peer_that_vanishes_while_little_is_said() -> None:
    """[LEFT-1]: what it does not confirm tells that it is gone, long before much waits for it."""
    program = (
        "import runpy; from reference.server import listener; listener.VANISHED = 1; "
        f"runpy.run_path({str(SERVER)!r}, run_name='__main__')"
    )
    command = (sys.executable, "-c", program)
    with Server("--host", "0.0.0.0", "--stall-timeout", "5", command=command) as server:
        ann = server.connect("main", "Ann")
        with distant(server) as cut:
            assert ann.line() == "JOINED Gone"
            cut()
            ann.send("hello")
            assert ann.line() == "SAID Ann hello"
            assert ann.line() == "LEFT Gone lost"


def other_network(pid: int) -> bool:
    """Return whether a process has left this network namespace."""
    return Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
