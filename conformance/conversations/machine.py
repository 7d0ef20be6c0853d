"""Random conversations against the model, and the shrinking of those that go wrong.

A server whose faults depend on what it was sent before answers a repetition differently. So a conversation is shrunk
on the running server while repetitions agree, and otherwise on a fresh server for each attempt.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from random import Random
from typing import TypeVar

from conformance.conversations.draw import conversation, volume
from conformance.conversations.steps import Step
from conformance.conversations.walk import Walk
from conformance.conversations.world import BOM
from conformance.stage.server import Stage
from conformance.wire.failure import Failed, Inconclusive
from conformance.wire.process import Running

Steps = tuple[Step, ...]
Lines = tuple[bytes, ...]
_Item = TypeVar("_Item")

STRANDS = 2  # conversations at a time, each on a server of its own: half of the time of one goes by in waiting
_HASTE = 0.1  # of the deadline while shrinking; the result is played once more with the whole
_END_SECONDS = 0.05  # in which a server that ends is seen to end, after whatever it did wrong


@dataclass(frozen=True)
class Budget:
    """When to stop: conversations, steps, and seconds, for looking and for shrinking."""

    examples: int = 100
    steps: int = 100_000
    seconds: float = 14.0
    shrink_seconds: float = 30.0


@dataclass(frozen=True)
class Found:
    """A conversation that goes wrong, what went wrong in it, and whether it does so again each time."""

    steps: Steps
    failed: Failed
    recurs: bool


class Machine:
    """Looks for a conversation that goes wrong: on servers of its own, or else on the one that all use."""

    def __init__(self, stage: Stage, budget: Budget) -> None:
        self._stage = stage
        self._budget = budget
        self._deadline = stage.deadline
        self._server: Running | None = None
        self.steps_played = 0

    def look(self) -> Found | None:
        """Return a conversation that goes wrong, shrunk where it went wrong, or None."""
        with ExitStack() as stack:
            count = STRANDS if self._stage.subject.can_start else 1
            others = [Machine(self._stage, self._budget) for _ in range(1, count)]
            strands = [stack.enter_context(closing(machine)) for machine in (self, *others)]
            if (found := self._first(strands)) is None:
                return None
            machine, steps, failed = found
            return machine._shrunk(steps, failed)

    def fails(self, steps: Steps) -> Failed | None:
        """Play a conversation; return how it went wrong."""
        if self._stage.cancelled:
            raise Inconclusive("the run was interrupted")
        stage = self._surroundings()
        walk, unclean = Walk(stage), False
        try:
            walk.play(steps)
            walk.leave()
        except Failed as failed:
            if not walk.has_left():
                unclean = True  # who still has a name or is in a room would be met again by the next conversation
            return self._or_death(failed, steps)
        finally:
            stage.close()
            if unclean or any(step.verb == "ends" for step in steps) or self._has_ended():
                self.close()
        return None

    def close(self) -> None:
        """End the server that was started, if any; a further conversation starts another."""
        if self._server:
            self._server.stop()
            self._server = None

    # ------------------------------------------------------------ looking

    def _first(self, strands: "Sequence[Machine]") -> "tuple[Machine, Steps, Failed] | None":
        """Return the first conversation that goes wrong, and in which strand: those for rare faults, then by chance."""
        end = time.monotonic() + self._budget.seconds
        # A seed of its own for each: what one draws does not depend on how much was drawn before.
        drawn = (conversation(Random(f"{self._stage.seed} {number}")) for number in range(self._budget.examples))
        conversations = enumerate(chain(volume(), drawn))
        found: dict[int, tuple[Machine, Steps, Failed]] = {}
        lock = threading.Lock()
        over = threading.Event()  # a strand has ended: it found something, or there is nothing more to look at

        def following() -> tuple[int, Steps] | None:
            with lock:
                if over.is_set() or time.monotonic() > end or self.steps_played >= self._budget.steps:
                    return None
                numbered = next(conversations, None)
                self.steps_played += len(numbered[1]) if numbered else 0
                return numbered

        def play_on(machine: Machine) -> None:
            try:
                while numbered := following():
                    number, steps = numbered
                    if failed := machine.fails(steps):
                        found[number] = machine, steps, failed
                        return
            finally:
                over.set()

        with ThreadPoolExecutor(len(strands)) as pool:
            for playing in [pool.submit(play_on, machine) for machine in strands]:
                playing.result()
        return found[min(found)] if found else None  # each before it has been played, and went well

    # ------------------------------------------------------------ shrinking

    def _shrunk(self, steps: Steps, failed: Failed) -> Found:
        """Shrink on the running server, and where that does not repeat itself, on a fresh one for each attempt."""
        end = time.monotonic() + self._budget.shrink_seconds
        for fails in (self.fails, self._fails_afresh) if self._stage.subject.can_start else (self.fails,):
            if fails(steps):
                self._deadline = self._stage.deadline * _HASTE
                smaller = shrink(steps, fails, end)
                self._deadline = self._stage.deadline
                if last := fails(smaller):
                    return Found(smaller, last, recurs=True)
        return Found(steps, failed, recurs=False)

    def _fails_afresh(self, steps: Steps) -> Failed | None:
        self.close()
        return self.fails(steps)

    # ------------------------------------------------------------ the server

    def _has_ended(self) -> bool:
        return self._server is not None and self._server.status() is not None

    def _or_death(self, failed: Failed, steps: Steps) -> Failed:
        """Return what went wrong, or that the server ended without being told to."""
        if self._server is None or any(step.verb == "ends" for step in steps):
            return failed
        with suppress(Failed):
            self._server.wait(_END_SECONDS)
            return Failed("the server goes on serving", "it ended", failed.note, cites="SEC-1")
        return failed

    def _surroundings(self) -> Stage:
        stage = Stage(self._stage.subject, self._stage.grammar, deadline=self._deadline, seed=self._stage.seed)
        if self._stage.subject.can_start:
            self._server = self._server or self._stage.subject.start(terminal=False, limits={})
            stage.lend(self._server)
        return stage


def shrink(steps: Steps, fails: Callable[[Steps], object], end: float) -> Steps:
    """Return a conversation that still fails, as short and simple as it becomes until the time `end`."""
    tried: set[Steps] = set()

    def still_fails(candidate: Steps) -> bool:
        if candidate in tried or time.monotonic() > end:
            return False
        tried.add(candidate)
        return bool(fails(candidate))

    before: Steps = ()
    while before != steps:
        before = steps
        steps = _deleted(steps, still_fails)
        steps = _with_fewer_lines(steps, still_fails)
        steps = _with_simpler_steps(steps, still_fails)
    return steps


def _deleted(items: Sequence[_Item], fails: Callable[[tuple[_Item, ...]], bool]) -> tuple[_Item, ...]:
    """Return as few of the items as still fail: halves are left out first, single ones last, from the end on."""
    items = tuple(items)
    size = len(items) // 2
    while size:
        at = len(items)
        while at > 0:
            candidate = items[: max(at - size, 0)] + items[at:]
            if fails(candidate):
                items = candidate
            at -= size
        size //= 2
    return items


def _with_fewer_lines(steps: Steps, fails: Callable[[Steps], bool]) -> Steps:
    """Leave lines out of what is sent."""
    for number in range(len(steps)):
        for at in range(len(steps[number].parts) or 1):
            lines = _lines(_stream(steps[number], at))
            if steps[number].verb in ("sends", "together") and len(lines) > 1:
                whole = partial(_with_lines, steps, number, at)
                steps = whole(_deleted(lines, partial(_fails_with, fails, whole)))
    return steps


def _fails_with(fails: Callable[[Steps], bool], whole: Callable[[Lines], Steps], lines: Lines) -> bool:
    return fails(whole(lines))


def _with_lines(steps: Steps, number: int, at: int, lines: Lines) -> Steps:
    """Return the steps with other lines in one stream of one step."""
    return (*steps[:number], _with_stream(steps[number], at, b"".join(lines)), *steps[number + 1 :])


def _lines(octets: bytes) -> list[bytes]:
    """Return the lines of a stream, each with its LF [LINE-1]; a bare CR ends none.

    So what is left when some are left out ends in LF as before, and nothing is glued to what the client sends next.
    """
    return [part for part in re.split(rb"(?<=\n)", octets) if part]


def _stream(step: Step, at: int) -> bytes:
    return step.parts[at].octets if step.parts else step.octets


def _with_stream(step: Step, at: int, octets: bytes) -> Step:
    if not step.parts:
        return replace(step, octets=octets)
    parts = step.parts
    return replace(step, parts=(*parts[:at], replace(parts[at], octets=octets), *parts[at + 1 :]))


def _with_simpler_steps(steps: Steps, fails: Callable[[Steps], bool]) -> Steps:
    """Replace steps by simpler ones."""
    number = 0
    while number < len(steps):
        for simpler in _simpler(steps[number]):
            candidate = (*steps[:number], *simpler, *steps[number + 1 :])
            if fails(candidate):
                steps = candidate
                break
        number += 1
    return steps


def _simpler(step: Step) -> Iterator[Steps]:
    """Return what a step can be replaced by, the simplest first."""
    if step.verb == "together":
        yield step.parts
        yield step.parts[::-1]
        for at in range(len(step.parts)):
            yield (replace(step, parts=step.parts[:at] + step.parts[at + 1 :]),)
    if step.cuts:
        yield (replace(step, cuts=()),)
        yield from ((replace(step, cuts=(cut,)),) for cut in step.cuts[:8] if len(step.cuts) > 1)
    if step.octets.startswith(BOM):
        yield (replace(step, octets=step.octets.removeprefix(BOM)),)
    if step.verb == "sends" and step.octets.count(b"\n") == 1 and len(step.octets) > 2:
        yield (replace(step, octets=b"x\n", cuts=()),)
        yield (replace(step, octets=step.octets.replace(b"\r\n", b"\n")),)
    if step.verb == "connects" and (step.line != "main" or step.octets):
        yield (replace(step, line="main", octets=b"", cuts=()),)
    if step.verb in ("half-closes", "closes", "resets") and step.octets:
        yield (replace(step, octets=b""),)
