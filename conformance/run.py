"""A whole run: checks the parts one after the other, tells a person what comes out, and leaves reports."""

import contextlib
import errno
import gc
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.conversations.replay import write_replays
from conformance.judging import outcome
from conformance.judging.check import Check
from conformance.judging.expected import Expectations
from conformance.judging.result import Result
from conformance.judging.runner import CheckRunner
from conformance.judging.verdict import Verdict
from conformance.reports import text
from conformance.reports.causes import by_cause, cut_off, table
from conformance.reports.document import Run, document
from conformance.reports.progress import Progress, complain, print_into_nothing, say
from conformance.reports.write import write_reports
from conformance.wire.process import UnreachableError
from conformance.wire.transcript import Transcript

_ALLOCATIONS = 50_000  # after which Python looks for cycles of garbage: it would look through transcripts, in vain


@dataclass(frozen=True)
class Part:
    """One program to be checked: a server or a client."""

    kind: str
    checks: list[Check]
    open: Callable[[], tuple[CheckRunner, frozenset[str] | None]]  # and the features; raises UnreachableError
    close: Callable[[], None] = lambda: None


def perform(
    run: Run,
    parts: Sequence[Part],
    expectations: Expectations,
    known: set[str],
    directory: Path | None,
    *,
    verbose: bool = False,
) -> int:
    """Run the parts, fill `run`, print, and write reports into `directory`, whatever happens; return the exit status.

    `known`: the identifiers of all checks, selected or not; `verbose`: all is explained.
    """
    began = time.monotonic()
    total = sum(len(part.checks) for part in parts)
    telling = _Telling(run, expectations, total, directory, verbose=verbose)
    gc.set_threshold(_ALLOCATIONS)
    try:
        for part in parts:
            try:
                _perform(part, run, telling)
            finally:
                part.close()
        run.results = expectations.finish(run.results, known)
        run.status = outcome.exit_status(run.results)
    except UnreachableError as error:
        run.status = outcome.UNREACHABLE
        run.sentence = str(error)
    except KeyboardInterrupt:
        run.status = outcome.INTERRUPTED
    except Exception:
        run.status = outcome.SUITE_FAULT
        complain(traceback.format_exc().rstrip(), run.status)
    finally:
        telling.progress.clear()
    run.seconds = time.monotonic() - began
    partial = bool(run.options.get("select") or run.options.get("level"))
    run.concluded = outcome.conclusion(run.status, run.results, partial=partial)
    run.sentence = run.sentence or outcome.in_words(run.concluded, run.results, what=run.kind)
    _sum_up(run, telling)
    status = run.status if directory is None else _report(run, directory)
    if telling.trouble:
        return complain(f"the output cannot be written: {telling.trouble}", status or outcome.NOT_PROVEN)
    return status


def _perform(part: Part, run: Run, telling: "_Telling") -> None:
    order = {check.id: number for number, check in enumerate(part.checks)}
    runner, features = part.open()
    run.features = features if run.features is None else run.features
    begun = len(run.results)

    def on_result(result: Result) -> None:
        telling.on_result(replace(result, kind=part.kind))

    try:
        runner.run(part.checks, on_result, lambda check: telling.progress.begins(check.id))
    finally:
        telling.running |= runner.cut_off
    run.results[begun:] = sorted(run.results[begun:], key=lambda result: order.get(result.id, len(order)))


class _Telling:
    """The text for a person while checks run."""

    def __init__(
        self, run: Run, expectations: Expectations, total: int, directory: Path | None, *, verbose: bool
    ) -> None:
        """`directory`: where what replays a failure is written, if reports are."""
        self.progress = Progress(total, sys.stderr)
        self.total = total
        self.verbose = verbose
        self.running: dict[str, float] = {}  # checks that ran when the run was cut off, and for how many seconds
        self._directory = directory
        self._run = run
        self._expectations = expectations
        self._told: set[str] = set()
        self._unread = False
        self.trouble = ""  # why the output could not be written, where it is not that nobody reads it

    def on_result(self, result: Result) -> None:
        """Keep a result; where all are to be explained, do that unless it is PASS.

        Of many that are inconclusive for one reason, the first alone is explained.
        """
        result = self._expectations.judge(result)
        self._run.results.append(result)
        self.progress.ended()
        if result.verdict in (Verdict.PASS, Verdict.SKIP, Verdict.XFAIL, Verdict.XPASS):
            return
        replays = self.replays(result)
        if not self.verbose:
            return
        if result.verdict is Verdict.INCONCLUSIVE:
            if result.reason in self._told:
                return
            self._told.add(result.reason)
        self.say(text.explained(result, self._run.arguments, replays) + "\n")
        if self._unread:
            raise KeyboardInterrupt

    def replays(self, result: Result) -> list[Path]:
        """Write what replays a failure; where that cannot be, the reports, which come last, tell why."""
        with contextlib.suppress(OSError):
            return write_replays(result, self._directory / "replay") if self._directory else []
        return []

    def say(self, text: str) -> None:
        """Print, with the line of progress out of the way; into nothing from when on nobody reads (`| head`)."""
        self.progress.clear()
        try:
            say(text)
        except OSError as error:
            self._unread = True
            self.trouble = "" if error.errno in (errno.EPIPE, errno.EIO) else str(error.strerror)
            print_into_nothing()


def _sum_up(run: Run, telling: _Telling) -> None:
    """Print the table, the numbers and the conclusion; only one line where nothing was checked."""
    if run.status == outcome.UNREACHABLE and not run.results:
        complain(run.sentence, run.status)
        return
    if telling.running:
        telling.say(cut_off(telling.running, telling.total - len(run.results)) + "\n")
    tables = _tables(run) if telling.verbose else _causes(run, telling)
    for told in filter(None, tables):
        telling.say(told)
    counts = {verdict: sum(result.verdict is verdict for result in run.results) for verdict in Verdict}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "nothing"
    telling.say(f"{len(run.results)} checks in {run.seconds:.1f} s, seed {run.options.get('seed')}: {told}")
    telling.say(run.sentence)


def _causes(run: Run, telling: _Telling) -> Iterator[str]:
    """Yield what failed by cause, and what is not PASS."""
    told = by_cause(run.results, run.arguments, telling.replays)
    yield f"{told}\n" if told else ""
    rows = table(run.results)
    yield f"{rows}\n" if rows else ""


def _tables(run: Run) -> Iterator[str]:
    """Yield each expected failure that does not fail any more, and for each program all requirements."""
    for result in run.results:
        if result.verdict is Verdict.XPASS:
            yield text.explained(replace(result, transcript=Transcript()), run.arguments) + "\n"
    kinds = run.kind.split(" and ")
    for kind in kinds:
        results = [result for result in run.results if result.kind == kind]
        shown = [
            requirement
            for requirement in run.requirements.values()
            if requirement.concerns(kind)
            and (not run.options.get("select") or any(result.requirement == requirement for result in results))
        ]
        rows = text.table(shown, results)
        yield f"The {kind}:\n{rows}\n" if len(kinds) > 1 else f"{rows}\n"


def _report(run: Run, directory: Path) -> int:
    """Write the reports; return the exit status, that of a wrong usage where they cannot be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_reports(directory, document(run))
    except OSError as error:
        return complain(f"no reports in {directory}: {error.strerror}", run.status or outcome.NOT_PROVEN)
    return run.status
