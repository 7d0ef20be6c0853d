"""The cost of a cluster beside that of one server: python -m benchmarks.cluster.

Three nodes of the reference server use three servers of NATS, each of which has a copy of the log.  The clients of a
room are spread over the nodes, and every delivery is checked as in the other workloads.
"""

import argparse
import contextlib
import secrets
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.cli import NOT_STARTED, REFERENCE, RIGHT, USAGE, WRONG
from benchmarks.client import Connection, Pool, ProtocolError
from benchmarks.errors import Errors
from benchmarks.figures import Figures
from benchmarks.nats import Nats, nats, three_nats
from benchmarks.run import heed_signals, raise_limit
from benchmarks.server import Command, Server, StartError, Usage, usage
from benchmarks.workloads import Meter, Stage, Talk, finish, let_in

NODES = 3
KEPT = 20  # messages of each room that a node that joins has to know
FULL = Talk(rooms=1, speakers=20, window=10, stride=50)
PACED = Talk(rooms=1, speakers=20, rate=200)
TURNS = Talk(rooms=1, speakers=1000)

Found = dict[tuple[str, bool, str], float]  # by work, whether of the cluster, and figure


@dataclass(frozen=True)
class Together:
    """Several programs that are measured as one: the process group of each."""

    groups: Sequence[int]

    def usage(self) -> Usage:
        """Return what all their processes use now."""
        return usage(self.groups)


@dataclass(frozen=True)
class Size:
    """How large the measurements are."""

    members: int = 200  # of the room in which 20 talk
    few: int = 50  # members of that room, for comparison
    turns: int = 10  # members of the room in which one message is said at a time
    clients: int = 1000  # of the chat that a node joins
    rooms: int = 100  # of that chat
    seconds: float = 3.0
    reps: int = 3


QUICK = Size(members=12, few=6, turns=3, clients=20, rooms=4, seconds=0.3, reps=1)


class Bench:
    """The servers of NATS, and what was wrong so far."""

    def __init__(self, engines: Sequence[Nats], size: Size) -> None:
        self.errors = Errors()
        self.size = size
        self._urls = ",".join(engine.url for engine in engines)
        self._engine = Together([engine.group for engine in engines])

    @contextlib.contextmanager
    def nodes(self, *options: str) -> Iterator[tuple[list[Server], Command]]:
        """Start the nodes of a new cluster; return the command of one, too.  Raises StartError."""
        name = f"b{secrets.token_hex(4)}"
        words = [REFERENCE.line, "--cluster", self._urls, "--cluster-name", name, *options]
        command = Command("node", " ".join(words))
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(Server(command)) for _ in range(NODES)], command

    def talks(self, *, cluster: bool) -> dict[str, Figures]:
        """Do all works one after the other; return the figures of each.  Raises StartError."""
        with contextlib.ExitStack() as stack:
            if cluster:
                servers, _ = stack.enter_context(self.nodes())
            else:
                servers = [stack.enter_context(Server(REFERENCE))]
            engine = self._engine if cluster else None
            found = {}
            for name, (talk, members) in works(self.size).items():
                with Pool(*(server.address for server in servers)) as pool:
                    found[name] = talk.run(self._stage(servers, pool, members, engine))
                    pool.leave()
            return found

    def join(self) -> float:
        """Return the seconds from the start of a node until it has all of a chat.  Raises StartError."""
        size = self.size
        with self.nodes("--history", str(KEPT)) as (servers, command), contextlib.ExitStack() as stack:
            pool = stack.enter_context(Pool(*(server.address for server in servers)))
            stage = self._stage(servers, pool, size.clients)
            rooms = let_in(stage, size.rooms, 1)
            for room in rooms:
                room.speakers[0].say(KEPT)
            finish(stage, rooms, Meter(stage))
            start = time.perf_counter()
            joined = stack.enter_context(Server(command))
            seconds = time.perf_counter() - start
            self.ask(joined, {room.name: len(room.connections) for room in rooms})
            return seconds

    def _stage(self, servers: Sequence[Server], pool: Pool, clients: int, engine: Together | None = None) -> Stage:
        together = Together([server.group for server in servers])
        return Stage(together, pool, self.errors, clients, self.size.seconds, engine)

    def ask(self, server: Server, rooms: dict[bytes, int]) -> None:
        """Look whether a server knows who is in these rooms, and what was said there."""
        with Pool(server.address) as pool:
            for number, (room, members) in enumerate(rooms.items()):
                [one] = pool.enter([(b"new%d" % number, room)])
                heard: list[bytes] = []
                one.take = _noting(one, heard)
                one.send(b"/who\n/history %d\n" % KEPT)
                pool.barrier([one])
                told = {b" ".join(line.split()[:3]) for line in heard if line.startswith((b"MEMBERS ", b"HISTORY "))}
                due = {b"MEMBERS %s %d" % (room, members + 1), b"HISTORY %s %d" % (room, KEPT)}
                if told != due:
                    self.errors.add("missing", f"a node that joined says {sorted(told)!r} of {room.decode()}")


def _noting(connection: Connection, heard: list[bytes]) -> Callable[[memoryview], None]:
    def take(chunk: memoryview) -> None:
        heard.extend(bytes(chunk).splitlines())
        connection.take_greeting(chunk)

    return take


def measure(bench: Bench) -> Found:
    """Return the medians of all figures.  Raises StartError and ProtocolError."""
    found: dict[tuple[str, bool, str], list[float]] = defaultdict(list)
    for _ in range(bench.size.reps):
        for cluster in (False, True):
            for name, figures in bench.talks(cluster=cluster).items():
                for key, number in figures.items():
                    if number is not None:
                        found[name, cluster, key].append(number)
        found["join", True, "seconds"].append(bench.join())
    return {key: statistics.median(numbers) for key, numbers in found.items()}


def works(size: Size) -> dict[str, tuple[Talk, int]]:
    """Return how is talked in each work, and how many members the room has."""
    return {
        "full": (FULL, size.members),
        "paced": (PACED, size.members),
        "few": (PACED, size.few),
        "turns": (TURNS, size.turns),
    }


def table(found: Found, size: Size) -> str:
    """Return the figures as a table in Markdown."""
    processor, engine = "cpu_us_per_delivery", "engine_cpu_us_per_delivery"
    members, few = size.members, size.few
    rows: list[tuple[str, str, str, int, str]] = [  # in words; the work and the figure, times so many; the goal
        (f"{members} members, 20 talk as fast as they can: processor us/delivery", "full", processor, 1, "1.15x"),
        ("of NATS besides", "full", engine, 1, ""),
        (f"{members} members, 200 messages a second: processor us/delivery", "paced", processor, 1, ""),
        ("of NATS besides", "paced", engine, 1, ""),
        ("of NATS, us/message", "paced", engine, members, f"as with {few}"),
        (f"{few} members, 200 messages a second: of NATS, us/message", "few", engine, few, ""),
        (f"{size.turns} members, one message at a time: p50 in ms", "turns", "p50_ms", 1, "3"),
        (f"a node joins a chat of {size.clients} clients in {size.rooms} rooms: s", "join", "seconds", 1, "2"),
    ]
    lines = [f"| | one server | {NODES} nodes | ratio | goal |", "| --- | ---: | ---: | ---: | ---: |"]
    for words, work, key, times, goal in rows:
        one, nodes = (found.get((work, cluster, key)) for cluster in (False, True))
        cells = ["" if number is None else _shown(number * times) for number in (one, nodes)]
        compared = f"{nodes / one:.2f}" if one and nodes else ""
        lines.append(f"| {words} | {cells[0]} | {cells[1]} | {compared} | {goal} |")
    return "\n".join(lines)


def _shown(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:#.3g}"


def main() -> int:
    """Measure and print; return the exit status, as `benchmarks.cli` has it."""
    parser = argparse.ArgumentParser(prog="benchmarks.cluster", description="The cost of a cluster beside one server.")
    parser.add_argument("--quick", action="store_true", help="small, short and once: whether all works")
    parser.add_argument("--reps", type=int, metavar="N", help="how often each is done (default: 3; quick 1)")
    parser.add_argument("--copies", type=int, choices=(1, 3), default=3, help="of the log, as many servers of NATS")
    options = parser.parse_args()
    size = QUICK if options.quick else Size()
    size = replace(size, reps=options.reps or size.reps)
    heed_signals()
    if wrong := raise_limit(size.clients):
        parser.exit(USAGE, f"benchmarks.cluster: {wrong}\n")
    with contextlib.ExitStack() as stack:
        try:
            engines = stack.enter_context(three_nats()) if options.copies == 3 else [stack.enter_context(nats())]
            bench = Bench(engines, size)
            found = measure(bench)
        except StartError as error:
            parser.exit(NOT_STARTED, f"benchmarks.cluster: {error}\n")
        except ProtocolError as error:
            parser.exit(WRONG, f"benchmarks.cluster: the server {error}\n")
    if bench.errors:
        print("\n".join(f"WRONG  {line}" for line in bench.errors.words()))
        return WRONG
    print(table(found, size))
    return RIGHT


if __name__ == "__main__":
    sys.exit(main())
