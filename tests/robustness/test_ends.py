"""The server ends under load, is killed and comes again, loses its terminal: nothing accepted is lost."""

import os
import pty
import signal
import sys
import threading

from tests.robustness.support import Talker, allow_descriptors, needs_proc, small_window, talking, unharmed
from tests.support import DEADLINE, SERVER, Server, until_broken, wait_until

pytestmark = needs_proc

ROOMS = 20
IN_EACH = 50
FLOOD = (b"x" * 100 + b"\n") * 300_000
# Makes standard input the terminal that the server belongs to, as that of a window is.
TERMINAL = f"""
import fcntl, runpy, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_path({str(SERVER)!r}, run_name="__main__")
"""


def ending(server: Server) -> int:
    """Wait for the server's end; return its exit status."""
    return server.process.wait(DEADLINE)


def test_end_under_full_load() -> None:
    """[OPER-2]: 1,000 in 20 rooms; in each one floods, and one more reads nothing: all of a room hear the same."""
    allow_descriptors(2048)
    with Server("--max-clients", "2000") as server:
        stuck = [small_window(server, f"room-{room}", f"Stuck-{room}") for room in range(ROOMS)]
        rooms = [[Talker(server, f"room-{room}") for _ in range(IN_EACH)] for room in range(ROOMS)]
        for room in rooms:
            room[0].unsent = memoryview(FLOOD)
        thread = talking([talker for room in rooms for talker in room])
        wait_until(lambda: all(len(room[-1].received) > 20_000 for room in rooms), "a flood in each room")
        server.process.send_signal(signal.SIGTERM)
        thread.join(2 * DEADLINE)
        assert not thread.is_alive()
        assert ending(server) == 0
        assert "Traceback" not in server.log()
        for room in rooms:
            heard = [bytes(talker.received) for talker in room]
            assert all(octets.endswith(b"\nBYE shutdown\n") for octets in heard)
            # From the last one's entry on, all were there.
            since = heard[-1].rpartition(b"PONG in\n")[2]
            assert since.count(b"\nSAID ") > 100
            assert all(octets.endswith(since) for octets in heard)
        for client in stuck:
            client.close()


def test_killed_and_started_again_on_the_same_port() -> None:
    """At once, with connections of the old one in whatever state."""
    with Server() as first:
        port = str(first.address[1])
        clients = [first.connect("main") for _ in range(50)]
        for client in clients[::2]:
            client.send("exit")
        first.process.kill()
        first.process.wait(DEADLINE)
        with Server("--port", port) as second, unharmed(second, "main"):
            assert second.address == first.address
        for client in clients[1::2]:
            assert not [line for line in until_broken(client.sock).decode().splitlines() if line.startswith("BYE")]


def test_terminal_that_hangs_up() -> None:
    """[OPER-8]: with the terminal goes the console, and no more, though the system tells the server so with SIGHUP."""
    master, slave = pty.openpty()
    with Server(command=(sys.executable, "-c", TERMINAL), stdin=slave) as server:
        os.close(slave)
        with unharmed(server, "main", ended_threads=1) as same_room:  # the console's
            os.write(master, b"typed\n")
            wait_until(lambda: same_room.heard == ["ANNOUNCE typed"], "the announcement")
            os.close(master)
        assert server.end() == 0


def test_exit_with_lines_behind_it_and_a_signal_at_once() -> None:
    """[OPER-2] [OPER-9]: nothing after `exit` counts, and two ends are one."""
    for _ in range(5):
        with Server() as server:
            clients = [server.connect("main") for _ in range(20)]
            signals = threading.Thread(target=server.process.send_signal, args=(signal.SIGTERM,))
            signals.start()
            server.type("exit", "behind", "/kick guest-1", "exit")
            signals.join()
            for client in clients:
                lines = client.rest()
                assert lines[-1] == "BYE shutdown"
                assert not [line for line in lines if not line.startswith(("JOINED", "BYE"))]
                client.close()
            assert ending(server) == 0
            assert "Traceback" not in server.log()


def test_exit_with_lines_behind_it() -> None:
    """[EXIT-3]: 200 clients, in one segment; nobody hears what is after it."""
    with Server() as server:
        with unharmed(server, "main") as same_room:
            talkers = [Talker(server, None, b"main\nhello\nexit\nghost\n/cd elsewhere\nexit\n") for _ in range(200)]
            thread = talking(talkers)
            thread.join(2 * DEADLINE)
            assert not thread.is_alive()
        assert [talker.lines[-1] for talker in talkers] == ["BYE exit"] * 200
        assert sum(line.endswith(" hello") for line in same_room.heard) == 200
        assert not [line for line in same_room.heard if "ghost" in line]
