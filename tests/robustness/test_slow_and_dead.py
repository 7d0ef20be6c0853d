"""Those who stop reading, go without a word, or never say one: bounded, given up in time, and nobody waits for them."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.robustness.support import (
    MIB,
    Talker,
    allow_descriptors,
    assert_undelayed,
    converse,
    memory,
    needs_proc,
    said,
    small_window,
    talking,
    unharmed,
)
from tests.support import DEADLINE, ROOT, Server, present, wait_until

pytestmark = needs_proc

LINE = "y" * 1000  # much of it is more than the buffers of the kernel take


def numbered(count: int) -> bytes:
    """Return so many long lines that can be told apart."""
    return b"".join(f"{number} {LINE}\n".encode() for number in range(count))


# ---------------------------------------------------------------- slow


def test_reader_that_stops() -> None:
    """[FLOW-3] [FLOW-4] [FLOW-5]: it is removed, the others have all, at full speed, and the memory has a bound."""
    with Server() as server:
        with unharmed(server, "main") as same_room:
            idle = same_room.rounds(20)
            stopped = small_window(server, "main", "Stopped")
            most = memory(server, "VmHWM")
            talker = Talker(server, "main", numbered(16_000))
            thread = talking([talker])
            before = len(same_room.trips)
            wait_until(lambda: "LEFT Stopped removed" in same_room.heard, "it to be removed")
            thread.join(3 * DEADLINE)
            assert not thread.is_alive()
            assert_undelayed(idle, same_room.trips[before:])
            assert memory(server, "VmHWM") - most < 16 * MIB
            stopped.close()
        assert said(talker) == [str(number) for number in range(16_000)]
        assert same_room.heard.count("LEFT Stopped removed") == 1


def test_reader_of_one_octet_at_a_time() -> None:
    """[FLOW-4] [FLOW-7]: it gets all that is within the bound, however slowly, and others do not wait for it."""
    with Server("--max-waiting", "16777216", "--stall-timeout", "60") as server, unharmed(server, "main") as same_room:
        idle = same_room.rounds(20)
        slow = server.connect("main", "Slow")
        talker = Talker(server, "main", numbered(2_000))
        thread = talking([talker])
        before = len(same_room.trips)
        octets = bytearray().join(slow.sock.recv(1) for _ in range(50_000))
        assert_undelayed(idle, same_room.trips[before:])
        last = f"SAID {talker.name} 1999 ".encode()
        while last not in octets[-70000:]:
            more = slow.sock.recv(65536)
            assert more, "it was given up"
            octets += more
        thread.join(3 * DEADLINE)
        assert not thread.is_alive()
        slow.close()
    heard = [line for line in octets.decode().split("\n") if line.startswith(f"SAID {talker.name} ")]
    assert [line.split(" ")[2] for line in heard] == said(talker) == [str(number) for number in range(2_000)]


def test_kernel_takes_little_more_than_the_network() -> None:
    """[FLOW-4] [FLOW-7]: so that who reads slowly is seen to read, and what waits is counted."""
    with Server("--max-waiting", "16777216") as server, unharmed(server, "main"):
        stopped = small_window(server, "main", "Stopped")
        converse([Talker(server, "main", numbered(2_000))])
        server.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: " octets waiting" in server.log(), "the numbers")
        waiting = re.search(r" (\d+) octets waiting", server.log())
        assert waiting
        assert int(waiting[1]) > 1_500_000
        stopped.close()


# ---------------------------------------------------------------- dead


def keepalive_timers(server: Server) -> list[int]:
    """Return the seconds until the server's kernel asks a peer whether it is there; for each on which nothing waits."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, _, timer, *_ = line.split()
        if local.endswith(f":{server.address[1]:04X}") and state == "01" and timer.startswith("02:"):
            found.append(int(timer.removeprefix("02:"), 16) // os.sysconf("SC_CLK_TCK"))
    return found


def test_silent_connections_are_asked_whether_they_are_there() -> None:
    """A peer that vanished is found in two minutes: 60 seconds of silence, and four questions of 15."""
    with Server() as server:
        clients = [server.connect(room) for room in (None, "main", "lounge")]
        wait_until(lambda: len(keepalive_timers(server)) == len(clients), "all to be asked after some time")
        assert max(keepalive_timers(server)) <= 60


def test_peer_that_vanishes() -> None:
    """In a network of its own, whose cable is cut: see cut_cable.py."""
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    try:
        subprocess.run([*alone, "ip", "link", "add", "near", "type", "veth"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network of its own can be had here: {error}")
    command = [*alone, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/robustness/cut_cable.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=5 * DEADLINE, check=False)
    assert done.returncode == 0, done.stdout


def test_half_open_and_half_closed() -> None:
    """[NET-4]: who says nothing, and who ends its sending, in the lobby and in a room; who never closes is closed."""
    with Server() as server:
        with unharmed(server, "main") as same_room:
            silent = [server.open() for _ in range(20)]
            ended = [server.open() for _ in range(40)]
            for number, client in enumerate(ended):
                client.sock.sendall((b"", b"main\n", b"main\nhello\nunfinished", b"/cd lounge\n/who\n")[number % 4])
                client.half_close()
            lines = [client.rest() for client in ended]  # they stay open, and unlike them the server closes
            for number, group in enumerate(lines):
                name = group[1].removeprefix("NAME ")
                told = ("INFO Type", "ROOM main", f"SAID {name} hello", "MEMBERS lounge ")[number % 4]
                assert any(line.startswith(told) for line in group)
            for client in (*silent, *ended):
                client.close()
        for word in ("JOINED ", "LEFT "):
            assert sum(line.startswith(word) for line in same_room.heard) == 20


IN_ROOM = ("mid-line", "in a room", "after exit", "after BYE", "while output waits")


def reset(server: Server, point: str) -> None:
    """Connect, and break the connection at this point of a conversation."""
    client = server.open() if point in ("at once", "before the greeting is read") else server.connect()
    if point in IN_ROOM:
        client.send("main")
        client.until("ROOM main")
    if point == "before the greeting is read":
        client.send("main")
    elif point == "mid-line":
        client.sock.sendall(b"half a li")
    elif point == "after exit":
        client.send("exit", "more", "and more")
    elif point == "after BYE":
        client.send("exit")
        client.until("BYE exit")
    elif point == "while output waits":
        client.send(*[f"/ping {LINE}"] * 1000)
    client.reset()


def test_reset_at_every_point() -> None:
    """[LEFT-1] [LEFT-2]: one LEFT for each JOINED."""
    with Server() as server:
        with unharmed(server, "main") as same_room:
            for _ in range(20):
                for point in ("at once", "before the greeting is read", "lobby", *IN_ROOM):
                    reset(server, point)
        assert not present(same_room.heard)
        assert sum(line.startswith("JOINED") for line in same_room.heard) >= 100


def test_thousand_who_never_say_a_word() -> None:
    """[BYE-7]: all are told, and leave nothing behind."""
    allow_descriptors(4096)
    with Server("--max-clients", "2000", "--choose-timeout", "2") as server, unharmed(server):
        talkers = [Talker(server) for _ in range(1000)]
        converse(talkers)
        assert {line for talker in talkers for line in talker.lines[3:]} == {"BYE idle"}
        assert {len(talker.lines) for talker in talkers} == {4}


def test_octet_now_and_then_without_an_end() -> None:
    """[BYE-7]: whatever comes in the meantime, the time to choose a room ends."""
    with Server("--choose-timeout", "2") as server, unharmed(server):
        talkers = [Talker(server) for _ in range(200)]
        thread = talking(talkers)
        sent = 0
        while thread.is_alive():
            for talker in talkers:
                with contextlib.suppress(OSError):  # closed by now
                    sent += talker.sock.send(b"x")
            thread.join(0.1)
        assert sent > 200
        assert {line for talker in talkers for line in talker.lines[3:]} == {"BYE idle"}
