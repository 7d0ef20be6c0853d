"""The workloads in which nobody comes or goes while it is measured: talk, idle connections, storms of pings."""

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from benchmarks.check import Room, Speaker, room_name, user
from benchmarks.client import SILENCE, Connection, Pool, ProtocolError
from benchmarks.errors import Errors
from benchmarks.figures import Figures, difference, percentiles, ratio
from benchmarks.server import Usage

GRACE = 1.0  # seconds without anything new in which what is due has to come, before the barrier asks for it


class Measured(Protocol):
    """A server, or several together."""

    def usage(self) -> Usage:
        """Return what its processes use now."""


@dataclass
class Stage:
    """The means of a workload: a fresh server, connections to it, and how large it is to be."""

    server: Measured
    pool: Pool
    errors: Errors
    clients: int
    seconds: float
    engine: Measured | None = None  # a program that the server uses, whose processor time is told apart


@dataclass(frozen=True)
class Talk:
    """How a fan-out is to be."""

    rooms: int
    speakers: int  # in each room
    window: int = 0  # messages that each has on the way; 0: as told by `rate`
    rate: float = 0  # messages a second, of all together; 0: the next when all have the one before
    stride: int = 1  # of so many messages one is timed, in each member

    def run(self, stage: Stage) -> Figures:
        """Let all in, talk for so many seconds, and check what came."""
        rooms = let_in(stage, self.rooms, self.speakers, self.stride)
        speakers = [speaker for room in rooms for speaker in room.speakers]
        meter = Meter(stage)
        end = meter.start + stage.seconds
        if self.window:
            self._keep_full(stage.pool, speakers, end)
        elif self.rate:
            self._pace(stage.pool, speakers, meter.start, end)
        else:
            self._take_turns(stage.pool, rooms, speakers, end)
        return finish(stage, rooms, meter)

    def _keep_full(self, pool: Pool, speakers: list[Speaker], end: float) -> None:
        batch = max(1, self.window // 2)

        def more(speaker: Speaker) -> None:
            while speaker.sent - speaker.acked <= self.window - batch and time.perf_counter() < end:
                speaker.say(batch)

        for speaker in speakers:
            speaker.got_own = more
            more(speaker)
        while (left := end - time.perf_counter()) > 0:
            pool.poll(left)

    def _pace(self, pool: Pool, speakers: list[Speaker], start: float, end: float) -> None:
        said = 0
        while (now := time.perf_counter()) < end:
            while said < (now - start) * self.rate:
                speakers[said % len(speakers)].say(1)
                said += 1
            pool.poll(start + said / self.rate - time.perf_counter())

    def _take_turns(self, pool: Pool, rooms: list[Room], speakers: list[Speaker], end: float) -> None:
        turn = 0
        while time.perf_counter() < end and pool.until(lambda: delivered(rooms) >= expected(rooms), GRACE):
            speakers[turn % len(speakers)].say(1)
            turn += 1


class Meter:
    """A measurement from its making on: seconds, processor time of the server and of this program."""

    def __init__(self, stage: Stage) -> None:
        self._server, self._engine = stage.server, stage.engine
        self.usage: Usage = stage.server.usage()
        self._engine_usage = stage.engine.usage() if stage.engine else None
        self._own = time.process_time()
        self.start = time.perf_counter()

    def figures(self, count: int, each: str, rate: str) -> Figures:
        """Return what so many cost until now: `each` and `rate` name the figures for one, and for a second."""
        seconds = time.perf_counter() - self.start
        own = time.process_time() - self._own
        usage = self._server.usage()
        figures: Figures = {}
        if self._engine and self._engine_usage:
            spent = difference(self._engine.usage().cpu, self._engine_usage.cpu)
            figures[f"engine_{each}"] = ratio(spent, count / 1e6)
        return figures | {
            rate: count / seconds,
            each: ratio(difference(usage.cpu, self.usage.cpu), count / 1e6),
            "generator_percent": 100 * own / seconds,
            "memory_mib": ratio(usage.memory, 1024),
            "threads": usage.threads,
            "descriptors": usage.descriptors,
        }


def let_in(stage: Stage, rooms: int, speakers: int, stride: int = 1) -> list[Room]:
    """Let all clients in, spread over so many rooms; return the rooms once they are quiet."""
    rooms = max(1, min(rooms, stage.clients // 2))
    members = stage.pool.enter((user(n), room_name(n % rooms)) for n in range(stage.clients))
    stage.pool.barrier(members)
    groups = [members[number::rooms] for number in range(rooms)]
    return [Room(group[0].room, group, min(speakers, len(group)), stride) for group in groups]


def delivered(rooms: list[Room]) -> int:
    """Return how many deliveries were right."""
    return sum(room.delivered for room in rooms)


def expected(rooms: list[Room]) -> int:
    """Return how many have to be."""
    return sum(room.expected for room in rooms)


def finish(stage: Stage, rooms: list[Room], meter: Meter) -> Figures:
    """Wait for what is due, measure, then make sure that it is all; return the figures."""
    stage.pool.until(lambda: delivered(rooms) >= expected(rooms), GRACE)
    figures = meter.figures(delivered(rooms), "cpu_us_per_delivery", "deliveries_per_second")
    stage.pool.barrier([member for room in rooms for member in room.connections])
    for room in rooms:
        room.finish(stage.errors)
    latencies = array("d")
    for room in rooms:
        latencies += room.latencies
    return figures | percentiles(latencies)


def idle(stage: Stage) -> Figures:
    """Connect all; then one message in every room."""
    meter = Meter(stage)
    rooms = let_in(stage, 100, 1)
    connecting = meter.figures(stage.clients, "cpu_us_per_connect", "connects_per_second")
    grown = difference(stage.server.usage().memory, meter.usage.memory)
    telling = Meter(stage)
    for room in rooms:
        room.speakers[0].say(1)
    figures = finish(stage, rooms, telling)
    del figures["deliveries_per_second"], figures["generator_percent"]  # of one moment: they tell nothing
    return connecting | {"memory_kib_per_connection": ratio(grown, stage.clients)} | figures


def storm(stage: Stage) -> Figures:
    """Let all in, then let all ask /ping at the same moment."""
    rooms = let_in(stage, 100, 0)
    connections = [member for room in rooms for member in room.connections]
    times: list[float] = []
    meter = Meter(stage)
    for connection in connections:
        connection.take = _timing(connection, meter.start, times)
        connection.send(b"/ping storm\n")
    if not stage.pool.until(lambda: len(times) >= len(connections)):
        told = (
            f"answers {len(times)} of {len(connections)} clients that ask /ping, and then nothing for {SILENCE:.0f} s"
        )
        raise ProtocolError(told)
    figures = meter.figures(len(times), "cpu_us_per_answer", "answers_per_second")
    return {"all_answered_ms": 1000 * max(times)} | figures | percentiles(times)


def _timing(connection: Connection, start: float, times: list[float]) -> Callable[[memoryview], None]:
    """Return what takes a PONG and notes when it came."""

    def take(chunk: memoryview) -> None:
        connection.take_greeting(chunk)
        if connection.token == b"storm":
            times.append(time.perf_counter() - start)

    return take
