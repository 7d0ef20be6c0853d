"""Measures what conversations by chance find alone on each faulty server: python -m tests.measure_machine [NAME...].

Prints for each fault whether it was found within 10,000 steps, to how many commands it was shrunk, and which
requirement is blamed; then the shares. All faults count, those too that no conversation can show. Ends with status 1
where less than 80 of 100 are found, where less than 90 of 100 of those are shrunk to 8 commands, or where a server
without a fault is blamed.

With `--missed` it looks for the faults of the kinds that the suite once let pass, as long as a usual run looks. Many of
these need a limit, a password or a long time, so there is no share that has to be found.
"""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from conformance.conversations.machine import Budget, Found, Machine
from conformance.conversations.steps import commands
from conformance.stage.server import Stage
from conformance.stage.server_subject import CommandSubject
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec
from conformance.wire.failure import Failed, Inconclusive
from conformance.wire.process import UnreachableError
from tests.asyncserver.faults import FAULTS
from tests.asyncserver.faults_missed import MISSED

SERVER = "{python} -m tests.asyncserver --port {port}"
STEPS = 10_000
BUDGET = Budget(examples=STEPS, steps=STEPS, seconds=180)
USUAL = Budget(examples=100, seconds=90)  # but for the seconds, which depend on the machine, those of ORDER-1/walk
KNOWN = {**FAULTS, **MISSED}
FOUND, SHRUNK, FEW = 0.8, 0.9, 8
AT_ONCE = 2

_grammar = Grammar(find_spec(None) / GRAMMAR)


@dataclass(frozen=True)
class Measured:
    """The result for one fault."""

    fault: str
    found: Found | None
    steps: int
    seconds: float

    @property
    def is_blamed(self) -> bool:
        """Whether a requirement that the fault breaks is blamed."""
        return self.found is not None and self.found.failed.cites in KNOWN[self.fault].breaks

    def __str__(self) -> str:
        told = f"{self.fault or '(none)':<28} {'yes' if self.found else 'no':<5} {self.steps:>6} {self.seconds:>6.1f}"
        if self.found is None:
            return told
        shrunk = f"{commands(self.found.steps):>8}" if self.found.recurs else "       -"
        blamed = self.found.failed.cites or "?"
        breaks = "" if self.is_blamed or not self.fault else f" for {' '.join(KNOWN[self.fault].breaks)}"
        return f"{told} {shrunk}  {blamed}{breaks}"


def measure(fault: str, seed: int, budget: Budget = BUDGET) -> Measured:
    """Look for one fault; none where the name is empty."""
    began = time.monotonic()
    subject = CommandSubject(SERVER + (f" --fault {fault}" if fault else ""))
    stage = Stage(subject, _grammar, seed=seed)
    machine = Machine(stage, budget)
    try:
        found = machine.look()
    except UnreachableError as error:
        found = Found((), Failed("a server", str(error), cites="NET-1"), recurs=True)
    except Inconclusive as error:  # the server says that it is full, or is too slow
        found = Found((), Failed("a conversation", str(error)), recurs=False)
    finally:
        stage.close()
        subject.close()
    return Measured(fault, found, machine.steps_played, time.monotonic() - began)


def main() -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="measure_machine", description="What conversations by chance find.")
    parser.add_argument("faults", nargs="*", metavar="NAME", help="all where none is named")
    parser.add_argument("--missed", action="store_true", help="the faults that the suite once let pass")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.faults if name not in KNOWN]:
        parser.error(f"no such fault: {' '.join(unknown)}")
    faults = arguments.faults or (MISSED if arguments.missed else FAULTS)
    budget = USUAL if arguments.missed else BUDGET
    print(f"{'fault':<28} found  steps seconds commands  blamed")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        measured = []
        for one in pool.map(lambda name: measure(name, arguments.seed, budget), ["", *faults]):
            print(one, flush=True)
            measured.append(one)
    return _sum_up(*measured, shares=not arguments.missed)


def _sum_up(correct: Measured, *faulty: Measured, shares: bool) -> int:
    found = [one.found for one in faulty if one.found]
    few = [one for one in found if one.recurs and commands(one.steps) <= FEW]
    blamed = sum(one.is_blamed for one in faulty)
    print(
        f"\n{len(found)} of {len(faulty)} faults found; {len(few)} of these shrunk to {FEW} commands or fewer;", end=" "
    )
    print(f"of {blamed} a requirement that they break is blamed")
    good = len(found) >= FOUND * len(faulty) and len(few) >= SHRUNK * len(found)
    return 0 if (good or not shares) and correct.found is None else 1


if __name__ == "__main__":
    sys.exit(main())
