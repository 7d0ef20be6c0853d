"""Kills a server with a file of history in a flood, again and again: nothing is lost that was echoed.

    python -m tests.robustness.killed [--rounds 50]

Several talk as fast as they can in two rooms.  After the kill a server is started on the same file.  The words of each
room that somebody had received have to be there, in their order, up to the last one.
"""

import argparse
import random
import signal
import sys
import tempfile
import threading
from math import inf
from pathlib import Path

from tests.support import Server, past

LINES = 900  # that are kept of a room
ROOMS = ("main", "lounge")
TALKERS = 3  # in each room
MOST = 0.6  # seconds from the beginning of the flood to the kill


class Talker:
    """Says numbered words without pause, and notes all that it receives."""

    def __init__(self, server: Server, room: str, name: str) -> None:
        self.received: list[str] = []
        self._name = name
        self._client = server.connect(room, name)
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._say, self._read)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def _say(self) -> None:
        number = 0
        try:
            while True:
                number += 1
                self._client.send(f"{number} of {self._name}", f"/ping {number}")
        except OSError:
            pass  # the server is killed

    def _read(self) -> None:
        octets = bytearray()
        try:
            while more := self._client.sock.recv(65536):
                octets += more
        except OSError:
            pass
        lines = octets.decode().split("\n")[:-1]  # what stands after the last LF has not come
        self.received += [line for line in lines if line.startswith("SAID ")]

    def wait(self) -> None:
        """Wait until all is received that came before the end."""
        for thread in self._threads:
            thread.join()


def play(file: Path, moment: float) -> int:
    """Kill a server so many seconds after a flood has begun; return how many words were received.

    Raises AssertionError where some of them are lost.
    """
    options = ("--history", str(LINES), "--history-file", str(file))
    with Server(*options) as server:
        talkers = {room: [Talker(server, room, f"{room}{one}") for one in range(TALKERS)] for room in ROOMS}
        for some in talkers.values():
            for talker in some:
                talker.start()
        threading.Event().wait(moment)
        server.process.send_signal(signal.SIGKILL)
        for some in talkers.values():
            for talker in some:
                talker.wait()
    with Server(*options) as server:
        for room, some in talkers.items():
            hold(past(server.connect(room), room, LINES), [talker.received for talker in some])
    return sum(len(talker.received) for some in talkers.values() for talker in some)


def hold(kept: list[str], received: list[list[str]]) -> None:
    """Raise AssertionError unless all that was received is kept, but what is older than the last words of the room."""
    first: dict[str, int] = {}  # of each talker, the number of the first word that is kept
    for line in kept:
        _, name, number, *_ = line.split(" ")
        first.setdefault(name, int(number))
    for lines in filter(None, received):
        assert kept, f"{lines[-1]!r} was received, and nothing is kept"
        if kept[0] in lines:
            since = lines[lines.index(kept[0]) :]
            assert since == kept[: len(since)], f"{lines[-1]!r} was received, and other words are kept"
        else:
            _, name, number, *_ = lines[-1].split(" ")
            assert int(number) < first.get(name, inf), f"{lines[-1]!r} was received, and is not kept"


def main() -> int:
    """Play so many rounds; return the exit status."""
    parser = argparse.ArgumentParser(description="Kills a server in a flood, and looks what it has kept.")
    parser.add_argument("--rounds", type=int, default=50, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    words = 0
    for number in range(1, options.rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            words += play(Path(folder, "history.db"), chance.uniform(0.05, MOST))
        print(f"round {number} of {options.rounds}: {words} words received so far, none lost", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
