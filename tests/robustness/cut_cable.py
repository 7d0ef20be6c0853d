"""A peer that vanishes without a word; to be run in a network namespace of its own, by test_slow_and_dead.py.

A client in a second namespace is connected with the server by a virtual cable, which is then cut: no octet, no FIN
and no RST passes any more, as when a machine is switched off.
"""

import subprocess
import sys
from pathlib import Path

from tests.robustness.support import Talker, assert_undelayed, said, talking, unharmed
from tests.support import DEADLINE, Server, wait_until

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


def test_peer_that_vanishes_while_much_is_said() -> None:
    """[FLOW-3] [FLOW-5]: it delays nobody, and is removed when its time is over."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
    run("ip", "address", "add", "192.0.2.1/24", "dev", "near")
    with (
        Server("--host", "0.0.0.0", "--stall-timeout", "5", "--max-waiting", "16777216") as server,
        subprocess.Popen(
            ["unshare", "--net", sys.executable, "-c", FAR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as far,
    ):
        assert far.stdin
        assert far.stdout
        there = ("nsenter", "--net", "--target", str(far.pid))
        wait_until(lambda: other_network(far.pid), "the second namespace")
        run("ip", "link", "set", "far", "netns", str(far.pid))
        run("ip", "link", "set", "near", "up")
        run(*there, "ip", "address", "add", "192.0.2.2/24", "dev", "far")
        run(*there, "ip", "link", "set", "far", "up")
        with unharmed(server, "main") as same_room:
            idle = same_room.rounds(20)
            print(server.address[1], file=far.stdin, flush=True)
            assert far.stdout.readline() == "in\n"
            run(*there, "ip", "link", "set", "far", "down")
            talker = Talker(server, "main", b"".join(b"%d " % number + b"y" * 1000 + b"\n" for number in range(8000)))
            before = len(same_room.trips)
            thread = talking([talker])
            wait_until(lambda: "LEFT Gone removed" in same_room.heard, "it to be removed")
            thread.join(DEADLINE)
            assert not thread.is_alive()
            assert_undelayed(idle, same_room.trips[before:])
        assert said(talker) == [str(number) for number in range(8000)]
        far.kill()


def other_network(pid: int) -> bool:
    """Return whether a process has left this network namespace."""
    return Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
