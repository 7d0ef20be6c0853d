"""One measurement, and a run of many: the servers in turn, each started fresh for each."""

import contextlib
import os
import resource
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from benchmarks.catalogue import WORKLOADS
from benchmarks.client import Pool, ProtocolError
from benchmarks.errors import Errors
from benchmarks.figures import NAMES, Figures
from benchmarks.server import Command, Server
from benchmarks.workloads import Stage

SPARE = 64  # descriptors for all that is no client: observers, pipes, the selector
_DYING = 1.0  # seconds from a connection's end to that of the server's process, where it died


@dataclass(frozen=True)
class Size:
    """How large a run is to be; None: as each workload says."""

    seconds: float | None
    reps: int | None
    clients: int | None
    quick: bool

    def seconds_of(self, work: str) -> float:
        """Return how long a workload is measured."""
        workload = WORKLOADS[work]
        return self.seconds or (workload.quick_seconds if self.quick else workload.seconds)

    def clients_of(self, work: str) -> int:
        """Return how many connections a workload makes."""
        workload = WORKLOADS[work]
        return self.clients or (workload.quick_clients if self.quick else workload.clients)

    def reps_of(self, work: str) -> int:
        """Return how often a workload is done."""
        return 1 if WORKLOADS[work].once else self.reps or (1 if self.quick else 3)


@dataclass(frozen=True)
class Measurement:
    """The result of one run."""

    server: str
    work: str
    rep: int
    clients: int
    seconds: float
    figures: Figures
    errors: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)  # the errors in words

    @property
    def title(self) -> str:
        """Which one it is."""
        return f"{self.work}, {self.server}, rep {self.rep}"


def raise_limit(clients: int) -> str | None:
    """Allow as many descriptors as the system lets us; return what is wrong where it is not enough."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems allow less than they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != resource.RLIM_INFINITY and limit < clients + SPARE:
        return f"{clients} clients need {clients + SPARE} descriptors, and the system allows {limit}: see ulimit -Hn"
    return None


def measure(command: Command, work: str, rep: int, size: Size) -> Measurement:
    """Start a server, do a workload, and end the server.  Raises StartError."""
    clients, seconds = size.clients_of(work), size.seconds_of(work)
    errors = Errors()
    figures: Figures = {}
    with Server(command) as server:
        try:
            with Pool(server.address) as pool:
                figures = WORKLOADS[work].run(Stage(server, pool, errors, clients, seconds))
        except ProtocolError as error:
            errors.add("stopped", f"the server {error}")
        if death := server.death(_DYING if errors else 0):
            errors.add("died", f"the server {death}")
    ordered = {key: figures[key] for key in NAMES if key in figures}
    return Measurement(command.name, work, rep, clients, seconds, ordered, dict(errors.counts), errors.words())


def run(commands: Sequence[Command], works: Sequence[str], size: Size, stream: TextIO) -> Iterator[Measurement]:
    """Yield all measurements, and tell on the stream how far it is.  Raises StartError."""
    rounds = [(work, rep) for work in works for rep in range(1, size.reps_of(work) + 1)]
    total = len(rounds) * len(commands)
    done = 0
    shown = stream.isatty() and os.environ.get("TERM") != "dumb"
    for work, rep in rounds:
        for command in commands:
            if shown:
                width = shutil.get_terminal_size().columns - 1
                stream.write(f"{done}/{total}  {work}, {command.name}, rep {rep}"[:width])
                stream.flush()
            try:
                measurement = measure(command, work, rep, size)
            finally:
                stream.write("\r\x1b[2K" * shown)
            done += 1
            print(f"{done}/{total}  {summary(measurement)}", file=stream, flush=True)
            yield measurement


def summary(measurement: Measurement) -> str:
    """Return a measurement in one line: what was wrong, or the figures that it is compared by."""
    compared = [key for key in WORKLOADS[measurement.work].compared if measurement.figures.get(key) is not None]
    good = ", ".join(f"{measurement.figures[key]:.4g} {NAMES[key]}" for key in compared)
    return f"{measurement.title}: {'; '.join(measurement.said) or good}"


def heed_signals() -> None:
    """Make SIGINT and SIGTERM end this program by an exception, so that servers are ended on the way."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started us in the background
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, _: object) -> None:
    raise SystemExit(128 + number)
