"""Runs the suite against the faulty servers: for the gate, and as a matrix of every check against every fault.

    python -m tests.faulty                  every check against every fault (long)
    python -m tests.faulty --cited          only the checks that cite what a fault breaks
    python -m tests.faulty NAME...          these faults only

Ends with status 1 where a requirement that a fault breaks has no check that fails; with --cited, also where one fails
that the server keeps.
"""

import argparse
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from conformance.checks.registry import all_checks
from conformance.conversations.session import session_checks
from conformance.judging.check import Check
from conformance.judging.result import Result, Settings
from conformance.judging.server_runner import Runner
from conformance.judging.verdict import Verdict
from conformance.stage import first_look as smoke
from conformance.stage.server_subject import CommandSubject
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec, read_requirements
from conformance.wire.process import UnreachableError
from tests.asyncserver.faults import FAULTS
from tests.asyncserver.faults_missed import MISSED
from tests.forkserver import ForkServer
from tests.support import ROOT

MODULE = "tests.asyncserver.__main__"
SERVER = "--port {port}"
PASSWORD = " --password-file {password_file}"
LIMITS = " --max-clients {clients} --choose-timeout {seconds} --stall-timeout {stall}"
AT_ONCE = 6  # faulty servers that are looked at at the same time: most of the time goes by in waiting
ATTEMPTS = 4  # runs in which a fault has to show: some depend on what the operating system does when

KNOWN = {**FAULTS, **MISSED}  # all mistakes that the second server can make

# Requirements that every line is held against: a line that a fault lets through breaks it, too.
EVERY_LINE = {"OUT-1", "TEXT-4"}
# Other failures of a fault.
BESIDES = {
    "made-up-form": {"GROW-2"},  # a name with a blank looks like a name and a word
    "order-differs": {"ORDER-7", "ORDER-8"},  # broken, too, where the tenth text is one of their checks
    "swapped-under-load": {"SAY-2"},  # a conversation by chance takes the second text for the first
    "exit-blank-console": {"SEC-1"},  # a server that several checks use has ended: by whom is not seen
}

_spec = find_spec(None)
_requirements = read_requirements(_spec)
_grammar = Grammar(_spec / GRAMMAR)
_ground = [check for check in all_checks() if check.ground]


def checks() -> list[Check]:
    """Return all checks for servers, the example conversations included."""
    return [*all_checks(), *session_checks(_spec)]


def citing(requirements: Iterable[str]) -> list[Check]:
    """Return the checks that cite one of the requirements."""
    wanted = set(requirements)
    return [check for check in checks() if check.requirement in wanted]


def run(forks: ForkServer, fault: str | None, selected: list[Check], jobs: int = 4) -> list[Result]:
    """Run checks against the second server with one fault, or none; `forks` it.

    A server that the first look finds to be no Flurfunk server has no results: that is caught as well.
    """
    command = SERVER + (f" --fault {fault}" if fault else "")
    subject = CommandSubject(
        command, limited_command=command + LIMITS, password_command=command + PASSWORD, begin=forks.begin
    )
    try:
        first = smoke.look(subject.address())
        settings = Settings(first.features, first.deadline, jobs, patient=True)
        return Runner(subject, _requirements, _grammar, settings, _ground).run(selected)
    except UnreachableError:
        return []
    finally:
        subject.close()


def until_caught(forks: ForkServer, fault: str) -> list[Result]:
    """Run the checks that cite what a fault breaks, again where it did not show; return the last run's results."""
    results: list[Result] = []
    for _ in range(ATTEMPTS):
        results = run(forks, fault, citing(KNOWN[fault].breaks), jobs=1)  # each has to notice it with no other beside
        if not results or (set(KNOWN[fault].breaks) <= failed(results) and not blamed_wrongly(fault, results)):
            break
    return results


def blamed_wrongly(fault: str, results: list[Result]) -> set[str]:
    """Return the requirements of which a check failed, although a server with this fault keeps them."""
    return failed(results) - set(KNOWN[fault].breaks) - EVERY_LINE - BESIDES.get(fault, set())


def failed(results: list[Result]) -> set[str]:
    """Return the requirements of which a check failed."""
    return {result.requirement.id for result in results if result.verdict in (Verdict.FAIL, Verdict.WARN)}


def main() -> int:
    """Print a line for each fault: what it breaks, what of that was missed, and what else failed."""
    parser = argparse.ArgumentParser(description="Runs the suite against the faulty servers.")
    parser.add_argument("faults", nargs="*", metavar="NAME", help="faults; all where none is named")
    parser.add_argument("--cited", action="store_true", help="only the checks that cite what the fault breaks")
    options = parser.parse_args()
    if unknown := set(options.faults) - set(KNOWN):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    names = options.faults or list(KNOWN)

    def look(name: str) -> list[Result]:
        return until_caught(forks, name) if options.cited else run(forks, name, checks())

    missed = 0
    with ForkServer(ROOT, MODULE) as forks, ThreadPoolExecutor(AT_ONCE) as pool:
        for name, results in zip(names, pool.map(look, names), strict=True):
            breaks, found = set(KNOWN[name].breaks), failed(results)
            lost = breaks - found if results else set()
            wrong = options.cited and bool(blamed_wrongly(name, results))
            missed += bool(lost) or wrong
            verdict = "MISSED" if lost else "BLAMED" if wrong else "caught"
            print(f"{verdict}  {name:<28} breaks {' '.join(sorted(breaks)):<24}", end="")
            print(
                f" missed {' '.join(sorted(lost)) or '-'}; also {' '.join(sorted(found - breaks)) or '-'}", flush=True
            )
    print(f"{len(names) - missed} of {len(names)} faults are caught where they break something")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
