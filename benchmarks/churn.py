"""The workloads in which clients come, go and move while it is measured: switch and soak."""

import random
import time
from collections.abc import Callable
from itertools import count

from benchmarks.client import AT_ONCE, Connection, ProtocolError
from benchmarks.figures import NAMES, Figures, difference, percentiles
from benchmarks.ledger import EVENTS, Ledger, Stay
from benchmarks.server import Usage
from benchmarks.workloads import Meter, Stage

STEPS = 5.0  # of soak: steps a second of each client
SETTLE = 1.0  # seconds between two looks at what has come; the ledger forgets what is done
GONE = 10.0  # seconds in which a server has to tell of clients that left
UNCHANGED = 3.0  # seconds without change after which a server has put away what it puts away
# The rest that may stay after a soak, beyond that of a warm-up. Allocators keep freed memory, in pieces that depend on
# who was there at the same time: some MiB, which do not become more. A leak does: one of a dozen octets an event
# shows within the usual 15 minutes, one of a KiB within some seconds. Threads and descriptors are exact, but for one
# that waits for work, or a log that is opened again.
MEMORY_KIB = 6 * 1024
MEMORY_SHARE = 0.1
HANDLES = 2


class Actor:
    """A client that enters a room, does one thing after the other, and leaves."""

    def __init__(self, crowd: "Crowd", number: int, room: bytes) -> None:
        self._crowd = crowd
        self._me = b"c%d-" % number
        self._names = count(2)
        self._said = count(1)
        self._stay: Stay | None = None
        self._leaving = False
        self.name = self._me + b"1"
        self.room = room
        self.busy = True
        self.gone = False
        self.began = time.perf_counter()
        self.done: Callable[[Actor], None] = lambda actor: None  # called when a step is answered
        crowd.ledger.expect(room, b"JOINED " + self.name)
        self._connection = crowd.stage.pool.connect(self.name, room)
        self._connection.take = self._take
        self._connection.ended = self._ended

    def say(self) -> bytes:
        """Return the line that says the next message, with its LF; note that it is due."""
        text = b"%s %s %d" % (self.room, self._me[:-1], next(self._said))
        self._crowd.ledger.expect(self.room, b"SAID %s %s" % (self.name, text))
        return b"/say %s\n" % text

    def move(self, room: bytes) -> bytes:
        """Return the line that goes to another room."""
        self._crowd.ledger.expect(self.room, b"LEFT %s moved" % self.name)
        self._crowd.ledger.expect(room, b"JOINED " + self.name)
        self.room = room
        return b"/cd %s\n" % room

    def rename(self) -> bytes:
        """Return the line that takes another name."""
        old, self.name = self.name, b"%s%d" % (self._me, next(self._names))
        self._crowd.ledger.expect(self.room, b"NICK %s %s" % (old, self.name))
        return b"/nick %s\n" % self.name

    def act(self, lines: bytes) -> None:
        """Send lines; the step is done when a ping after them is answered."""
        self.busy = True
        self.began = time.perf_counter()
        self._connection.send(lines + b"/ping step\n")

    def leave(self) -> None:
        """Leave with exit; `gone` follows."""
        self._part(b"exit")
        self._connection.send(b"exit\n")

    def stop_sending(self) -> None:
        """Say something and end the sending; `gone` follows."""
        last = self.say()
        self._part(b"lost")
        self._connection.send(last)
        self._connection.half_close()

    def cut(self, *, reset: bool) -> None:
        """Say something, and close before it can have come back; `reset`: break the connection."""
        last = self.say()
        self._crowd.ledger.excuse(self.room, b"SAID %s %s" % (self.name, last[5:-1]))
        self._part(b"lost")
        if self._stay:
            self._stay.partial = True
        self._connection.send(last)
        self._connection.close(reset=reset)
        self.gone = True

    def _part(self, reason: bytes) -> None:
        self.busy = self._leaving = True
        self._crowd.ledger.expect(self.room, b"LEFT %s %s" % (self.name, reason))

    def _take(self, chunk: memoryview) -> None:
        for line in bytes(chunk).split(b"\n")[:-1]:
            if line.startswith(EVENTS):
                if self._stay is None:
                    raise ProtocolError(f"sent {line.decode()!r} to {self.name.decode()} in the lobby")
                self._stay.lines.append(line)
            elif line == b"ROOM " + self.room:
                self._stay = self._crowd.ledger.enter(self.room, self._me)
            elif line.startswith(b"PONG "):
                self.busy = False
                self.done(self)
            elif not (self._leaving and line == b"BYE exit"):
                self._connection.take_answer(line)

    def _ended(self, why: str) -> None:
        if not self._leaving:
            self._connection.end_unasked(why)
        self.gone = True


class Crowd:
    """Rooms with an observer in each, and the clients that come and go in them."""

    def __init__(self, stage: Stage, rooms: int) -> None:
        """Let the observers in.  Raises ProtocolError."""
        self.stage = stage
        self.rooms = [b"r%d" % number for number in range(rooms)]
        self.ledger = Ledger(self.rooms, stage.errors)
        self.actors: list[Actor] = []
        self._numbers = count()
        self._observers = stage.pool.enter((b"o" + room, room) for room in self.rooms)
        for observer in self._observers:
            observer.take = _observing(observer, self.ledger)

    @property
    def wrong(self) -> bool:
        """Whether something was wrong already."""
        return bool(self.stage.errors) or self.ledger.broken

    def come(self, choose: random.Random) -> None:
        """Let the clients in."""
        while len(self.actors) < self.stage.clients:
            self._wait(lambda: sum(actor.busy for actor in self.actors[-AT_ONCE:]) < AT_ONCE, "lets nobody in")
            self.actors.append(self.another(choose.choice(self.rooms)))
        self._wait(lambda: not any(actor.busy for actor in self.actors), "does not let all in")

    def another(self, room: bytes) -> Actor:
        """Return one more client, on its way into a room."""
        return Actor(self, next(self._numbers), room)

    def go(self) -> None:
        """Let all leave, and wait until the observers know."""
        self._wait(lambda: not any(actor.busy and not actor.gone for actor in self.actors), "does not answer all")
        for actor in self.actors:
            if not actor.gone:
                actor.leave()
        self._wait(lambda: all(actor.gone for actor in self.actors), "does not answer exit of all with BYE and the end")
        self.actors.clear()
        self.stage.pool.until(lambda: not self.ledger.owes(b"LEFT "), GONE)
        self.stage.pool.barrier(self._observers)
        self.ledger.settle()

    def _wait(self, condition: Callable[[], bool], otherwise: str) -> None:
        if not self.stage.pool.until(condition):
            raise ProtocolError(otherwise)


def switch(stage: Stage) -> Figures:
    """All clients go from room to room among 20, and say something in each."""
    crowd = Crowd(stage, 20)
    choose = random.Random(1)
    crowd.come(choose)
    times: list[float] = []
    meter = Meter(stage)
    end = meter.start + stage.seconds

    def hop(actor: Actor) -> None:
        other = crowd.rooms[(crowd.rooms.index(actor.room) + choose.randrange(1, len(crowd.rooms))) % len(crowd.rooms)]
        actor.act(actor.move(other) + actor.say())

    def done(actor: Actor) -> None:
        now = time.perf_counter()
        times.append(now - actor.began)
        if now < end:
            hop(actor)

    for actor in crowd.actors:
        actor.done = done
        hop(actor)
    while (left := end - time.perf_counter()) > 0:
        stage.pool.poll(left)
    figures = meter.figures(len(times), "cpu_us_per_switch", "switches_per_second")
    crowd.go()
    crowd.ledger.finish()
    return figures | percentiles(times)


def soak(stage: Stage) -> Figures:
    """Say, move, rename, come and go for long; what the server uses with all gone must not have grown."""
    crowd = Crowd(stage, 10)
    choose = random.Random(1)
    empty = stage.server.usage()
    _churn(crowd, choose, min(30.0, stage.seconds / 4))
    if crowd.wrong:
        crowd.ledger.finish()
        return {}
    before = _usage_when_left(stage, empty)
    meter = Meter(stage)
    known = crowd.ledger.delivered
    times = _churn(crowd, choose, stage.seconds)
    figures = meter.figures(len(times), "cpu_us_per_step", "steps_per_second")
    after = _usage_when_left(stage, before)
    crowd.ledger.finish()
    growth = _growth(before, after)
    _look_at_growth(stage, before, growth)
    return {"events_checked": crowd.ledger.delivered - known} | figures | growth | percentiles(times)


def _churn(crowd: Crowd, choose: random.Random, seconds: float) -> list[float]:
    """Come, act for so many seconds or until something is wrong, and go; return how long the steps took."""
    times: list[float] = []
    crowd.come(choose)
    start = settled = time.perf_counter()
    rate = STEPS * len(crowd.actors)
    turn = 0
    while (now := time.perf_counter()) < start + seconds and not crowd.wrong:
        for _ in crowd.actors:
            if turn >= (now - start) * rate:
                break
            place = turn % len(crowd.actors)
            if crowd.actors[place].gone:
                crowd.actors[place] = crowd.another(choose.choice(crowd.rooms))
            if not crowd.actors[place].busy:
                crowd.actors[place].done = lambda actor: times.append(time.perf_counter() - actor.began)
                _step(crowd, crowd.actors[place], choose)
            turn += 1
        if now > settled + SETTLE:
            settled = now
            crowd.ledger.settle()
        crowd.stage.pool.poll(min(SETTLE, start + turn / rate - time.perf_counter()))
    crowd.go()
    return times


def _step(crowd: Crowd, actor: Actor, choose: random.Random) -> None:
    """Do one thing: mostly talk."""
    match choose.choices(("say", "move", "rename", "leave", "stop", "close", "reset"), (70, 12, 8, 4, 2, 2, 2))[0]:
        case "say":
            actor.act(b"".join(actor.say() for _ in range(choose.randint(1, 3))))
        case "move":
            actor.act(actor.move(choose.choice([room for room in crowd.rooms if room != actor.room])))
        case "rename":
            actor.act(actor.rename())
        case "leave":
            actor.leave()
        case "stop":
            actor.stop_sending()
        case how:
            actor.cut(reset=how == "reset")


def _usage_when_left(stage: Stage, before: Usage) -> Usage:
    """Return what the server uses when it has done with those who left: its threads end after the BYE."""
    usage, since = stage.server.usage(), time.monotonic()
    while _more(usage, before) and time.monotonic() < since + UNCHANGED:
        stage.pool.poll(0.05)
        now = stage.server.usage()
        if (now.threads, now.descriptors) != (usage.threads, usage.descriptors):
            since = time.monotonic()
        usage = now
    return usage


def _more(usage: Usage, before: Usage) -> bool:
    """Whether there are more threads or descriptors than before."""
    more = [difference(usage.threads, before.threads), difference(usage.descriptors, before.descriptors)]
    return any(number is not None and number > 0 for number in more)


def _growth(before: Usage, after: Usage) -> Figures:
    return {
        "memory_growth_kib": difference(after.memory, before.memory),
        "threads_growth": difference(after.threads, before.threads),
        "descriptors_growth": difference(after.descriptors, before.descriptors),
    }


def _look_at_growth(stage: Stage, before: Usage, growth: Figures) -> None:
    """Tell what grew more than it may."""
    limits = {
        "memory_growth_kib": MEMORY_KIB + MEMORY_SHARE * (before.memory or 0),
        "threads_growth": HANDLES,
        "descriptors_growth": HANDLES,
    }
    grown = [
        f"{NAMES[key]}: {number:.0f}, at most {limits[key]:.0f}"
        for key, number in growth.items()
        if number is not None and number > limits[key]
    ]
    if grown:
        stage.errors.add("grew", "; ".join(grown))


def _observing(observer: Connection, ledger: Ledger) -> Callable[[memoryview], None]:
    """Return what hands what an observer receives to the ledger."""

    def take(chunk: memoryview) -> None:
        for line in bytes(chunk).split(b"\n")[:-1]:
            if line.startswith(EVENTS):
                ledger.observed(observer.room, line)
            else:
                observer.take_answer(line)

    return take
