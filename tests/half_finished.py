"""Runs the suite against conforming servers from which one thing was taken out: is the right requirement blamed?

    python -m tests.half_finished                  every server without every thing (long)
    python -m tests.half_finished node no-pong     these servers, or without these things only

A requirement may fail where the server breaks it, and nowhere else; and one has to. A check that is out of reach
because of that is INCONCLUSIVE, and names the requirement. Ends with status 1 where it is not so.
"""

import argparse
import contextlib
import io
import multiprocessing
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import monotonic
from zlib import crc32

from conformance.checks.registry import all_checks
from conformance.conversations.session import session_checks
from conformance.ends import interruptible
from conformance.judging.check import Check
from conformance.judging.expected import Expectations
from conformance.judging.outcome import INTERRUPTED, UNREACHABLE
from conformance.judging.result import Result, Settings
from conformance.judging.runner import CheckRunner
from conformance.judging.server_runner import BESIDE, Runner
from conformance.judging.verdict import Verdict
from conformance.reports.document import Run
from conformance.run import Part, perform
from conformance.stage import first_look as smoke
from conformance.stage.server_subject import CommandSubject
from conformance.text.grammar import Grammar
from conformance.text.requirements import GRAMMAR, find_spec, read_requirements
from conformance.wire.process import begun
from tests.forkserver import ForkServer
from tests.half_finished_servers import SERVERS, THINGS, Edit, Server
from tests.support import ROOT

AT_ONCE = 4  # servers that are looked at at the same time
OTHERS = 8  # of so many checks that look at other things, one is taken along
EXAMPLES = 10  # conversations by chance
JOBS = 16
# Checks that cost most of a run, and look at nothing that the parts have to do with.
COSTLY = frozenset(
    {
        "FLOW-1/a-hundred-thousand-lines-of-commands",
        "FLOW-3/a-stalled-reader-delays-nobody",
        "FLOW-3/who-reads-nothing-for-a-second-delays-no-word",
        "FLOW-4/what-waits-has-a-bound",
        "FLOW-6/who-is-removed-is-told",
        "FLOW-7/who-reads-is-not-removed",
        "TEXT-5/what-was-said-before-the-removal-is-whole",
    }
)
# Others that cost much. They stand on the same lines whatever server it is: one of the servers shows what they blame.
ONCE = frozenset(
    {
        "FLOW-1/hundreds-of-lines-of-each-kind",
        "FLOW-1/ten-thousand-lines-arrive",
        "FLOW-10/who-has-left-and-takes-nothing-is-broken-off",
        "FLOW-2/whatever-is-asked-and-not-read-is-not-collected",
        "FLOW-2/who-does-not-read-is-not-read",
        "FLOW-5/whoever-stalls-is-removed",
        "FLOW-7/who-reads-moves-slowly-is-not-removed",
        "FLOW-7/who-reads-texts-slowly-is-not-removed",
        "FLOW-8/who-has-read-up-waits-for-nobody",
        "FLOW-8/who-talks-waits-for-nobody",
        "LEFT-2/one-left-for-each-that-takes-nothing",
        "LIST-1/more-than-255-rooms",
        "NET-4/answers-wait-at-a-half-close",
        "SAY-2/what-one-does-is-told-to-many",
        "WHO-1/who-of-more-than-255",
    }
)
ONE_SERVER = "asyncio"
_CAUSE = re.compile(r"\b[A-Z]+-\d+\b")


class StaleEditError(ValueError):
    """The text that an edit replaces does not stand in the server's source exactly once."""


@dataclass(frozen=True)
class Case:
    """A server, and what is taken out of it."""

    server: str
    thing: str

    @property
    def broken(self) -> frozenset[str]:
        """The requirements that the server breaks."""
        return frozenset(f"{THINGS[self.thing].breaks} {SERVERS[self.server].further.get(self.thing, '')}".split())


@dataclass
class Outcome:
    """The suite's verdicts on a case."""

    case: Case
    seconds: float
    lines: int  # that the program printed
    reachable: bool = True  # whether the first look took it for a Flurfunk server
    failed: dict[str, str] = field(default_factory=dict)  # FAIL or WARN: the first check by the requirement
    unreached: dict[str, str] = field(default_factory=dict)  # the reason by the check
    errors: list[str] = field(default_factory=list)
    slow: dict[str, float] = field(default_factory=dict)  # seconds by the check

    @property
    def wrong(self) -> list[str]:
        """Return in words what is not as it has to be."""
        broken = self.case.broken
        found = [f"{one} is blamed, by {check}" for one, check in sorted(self.failed.items()) if one not in broken]
        if self.reachable is THINGS[self.case.thing].unrecognized:
            found.append("it is taken for a Flurfunk server" if self.reachable else "it cannot be looked at")
        if self.reachable and not any(one in broken for one in self.failed):
            found.append(f"nothing is blamed of {', '.join(sorted(broken))}")
        reasons = [reason for reason in self.unreached.values() if reason != BESIDE]  # so are consequences of others
        unclear = [reason for reason in reasons if broken.isdisjoint(_CAUSE.findall(reason))]
        for reason in sorted(set(unclear)):
            checks = [check for check, told in self.unreached.items() if told == reason]
            found.append(f"{len(checks)} are inconclusive, such as {checks[0]}, and do not say why: {reason}")
        return found + self.errors


def cases(names: Sequence[str] = ()) -> list[Case]:
    """Return all cases, or those of the servers and the things that are named."""
    known = {*SERVERS, *THINGS}
    if unknown := sorted(set(names) - known):
        raise ValueError(f"no such server or thing: {', '.join(unknown)}")
    servers = [name for name in SERVERS if name in names] or list(SERVERS)
    things = [name for name in THINGS if name in names] or list(THINGS)
    return [Case(server, thing) for server in servers for thing in things if thing in SERVERS[server].edits]


def edited(source: str, edit: Edit, where: str) -> str:
    """Return a source with an edit; raises StaleEditError where its old text is not there exactly once."""
    old, new = edit.old, edit.new
    if (count := source.count(old)) != 1:
        raise StaleEditError(f"{where} has {count} times: {old!r}")
    return source.replace(old, new)


@contextlib.contextmanager
def copied(server: Server, edits: Sequence[Edit]) -> Iterator[Path]:
    """Copy a server into a folder of its own, and edit it there; yield the folder."""
    with tempfile.TemporaryDirectory(prefix="flurfunk-half-") as name:
        folder = Path(name)
        for source in ROOT.glob(server.files):
            target = folder / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        for file, text in server.written.items():
            (folder / file).write_text(text, encoding="utf-8")
        for edit in edits:
            source = folder / edit.file
            source.write_text(edited(source.read_text(encoding="utf-8"), edit, edit.file), encoding="utf-8")
        yield folder


def leads(case: Case) -> bool:
    """Whether a run of the tests takes all checks to this server without this thing; each server leads in its turn."""
    return list(THINGS).index(case.thing) % len(SERVERS) == list(SERVERS).index(case.server)


def is_asked(case: Case, check: Check) -> bool:
    """Whether a run of the tests takes a check to this case: where another server leads, those of what is broken.

    One of eight others comes with them. Each is taken to each server, for one thing or another.
    """
    if leads(case) or check.requirement in case.broken:
        return True
    turn = crc32(check.id.encode()) + list(SERVERS).index(case.server) + list(THINGS).index(case.thing)
    return turn % OTHERS == 0


def look(case: Case, *, all_of_them: bool = False, shared: bool = False) -> Outcome:
    """Run the suite against a server without a thing; unless `all_of_them`, without checks that cost much.

    `shared`: as a run of the tests does it, in which other servers without the same thing have their share.
    """
    server = SERVERS[case.server]
    spec = find_spec(None)
    requirements = read_requirements(spec)
    checks = [*all_checks(), *session_checks(spec)]
    order = list(requirements)
    checks = sorted(checks, key=lambda check: order.index(check.requirement))
    is_whole = case.server == ONE_SERVER and (leads(case) or not shared)
    left_out = frozenset() if all_of_them else COSTLY if is_whole else COSTLY | ONCE
    wanted = [check for check in checks if check.id not in left_out and (not shared or is_asked(case, check))]
    run = Run(requirements, spec, ["--server-cmd", "x"], {"seed": 1})
    began = monotonic()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(copied(server, server.edits[case.thing]))
        forks = stack.enter_context(ForkServer(folder, server.module)) if server.module else None
        printed = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        subject = _subject(server, folder, forks)

        def begin() -> tuple[CheckRunner, frozenset[str]]:
            first = smoke.look(subject.address())
            settings = Settings(first.features, first.deadline, JOBS, examples=EXAMPLES)
            ground = [check for check in all_checks() if check.ground]
            return Runner(subject, requirements, Grammar(spec / GRAMMAR), settings, ground), first.features

        part = Part("server", wanted, begin, subject.close)
        status = perform(run, [part], Expectations([], date.today()), set(), None)
    return _outcome(case, run.results, monotonic() - began, printed.getvalue(), reachable=status != UNREACHABLE)


def _subject(server: Server, folder: Path, forks: ForkServer | None) -> CommandSubject:
    command = server.command.replace("{folder}", str(folder))
    return CommandSubject(
        command,
        limited_command=command + server.limits,
        password_command=command + server.password if server.password else None,
        begin=forks.begin if forks else begun,
    )


def _outcome(case: Case, results: Sequence[Result], seconds: float, printed: str, *, reachable: bool) -> Outcome:
    outcome = Outcome(case, seconds, printed.count("\n"), reachable)
    for result in results:
        if result.seconds > 3:
            outcome.slow[result.id] = result.seconds
        if result.verdict in (Verdict.FAIL, Verdict.WARN):
            told = f"{result.id} (expected {result.expected[:80]}, received {result.received[:80]})"
            outcome.failed.setdefault(result.requirement.id, told)
        elif result.verdict is Verdict.INCONCLUSIVE:
            outcome.unreached[result.id] = result.reason
        elif result.verdict is Verdict.ERROR:
            outcome.errors.append(f"{result.id} is a fault of the suite: {result.reason}")
    return outcome


def main() -> int:
    """Print a line for each case, and what is wrong with it."""
    parser = argparse.ArgumentParser(description="Runs the suite against servers from which one thing was taken out.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="servers and things; all where none is named")
    parser.add_argument("--all-checks", action="store_true", help="those too that cost most of a run")
    parser.add_argument("--slow", action="store_true", help="tell which checks took more than 3 seconds")
    options = parser.parse_args()
    try:
        chosen = cases(options.names)
    except ValueError as error:
        parser.error(str(error))
    wrong = 0
    print(
        "| server | without | really broken | FAIL or WARN | not reached | s | lines |\n|---|---|---|---|---|---|---|"
    )
    with interruptible(), multiprocessing.Pool(AT_ONCE, _heed) as pool:  # whose end ends those that work
        for outcome in pool.imap(_looked, [(case, options.all_checks) for case in chosen]):
            case, failed = outcome.case, " ".join(sorted(outcome.failed)) or ("-" if outcome.reachable else "status 3")
            cells = [case.server, case.thing, " ".join(sorted(case.broken)), failed, str(len(outcome.unreached))]
            print(f"| {' | '.join([*cells, f'{outcome.seconds:.0f}', str(outcome.lines)])} |", flush=True)
            for told in outcome.wrong:
                print(f"    WRONG: {told}")
            if options.slow:
                for check, seconds in sorted(outcome.slow.items(), key=lambda item: -item[1]):
                    print(f"    {seconds:.1f} s: {check}")
            wrong += bool(outcome.wrong)
    print(f"\n{len(chosen) - wrong} of {len(chosen)} are blamed for what they break, and for nothing else")
    return 1 if wrong else 0


def _heed() -> None:
    """Leave Ctrl-C to the first process alone; SIGTERM, with which the pool ends, ends one that does not work at once.

    A handler would not do there: a signal that comes right before a wait for more work does not end that wait.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda number, frame: None)  # not ignored, as servers would inherit that


def _looked(wanted: tuple[Case, bool]) -> Outcome:
    """Look at a case; SIGTERM ends what this process has started for it."""
    ends = False

    def end(number: int, frame: object) -> None:
        nonlocal ends
        ends = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        outcome = look(wanted[0], all_of_them=wanted[1])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    if ends:
        raise SystemExit(INTERRUPTED)
    return outcome


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
