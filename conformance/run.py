"""A whole run: checks the parts one after the other, tells a person what comes out, and leaves reports."""

import contextlib
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
from conformance.reports.progress import Progress, coloured, print_into_nothing
from conformance.reports.write import write_reports
from conformance.wire.process import UnreachableError
from conformance.wire.transcript import Transcript


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
    signals = _interrupting()
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
        print(traceback.format_exc(), file=sys.stderr)
    finally:
        telling.progress.clear()
        _restore(signals)
    run.seconds = time.monotonic() - began
    partial = bool(run.options.get("select") or run.options.get("level"))
    run.concluded = outcome.conclusion(run.status, run.results, partial=partial)
    run.sentence = run.sentence or outcome.in_words(run.concluded, run.results, what=run.kind)
    _sum_up(run, telling)
    return run.status if directory is None else _report(run, directory)


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
    """What a person is told while checks run."""

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
            print(coloured(text, sys.stdout), flush=True)
        except BrokenPipeError:
            self._unread = True
            print_into_nothing()


def _sum_up(run: Run, telling: _Telling) -> None:
    """Print the table, the numbers and the conclusion; only one line where nothing was checked."""
    if run.status == outcome.UNREACHABLE and not run.results:
        print(f"flurfunk-conformance: {run.sentence}", file=sys.stderr)
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
        print(f"flurfunk-conformance: no reports in {directory}: {error.strerror}", file=sys.stderr)
        return run.status or outcome.NOT_PROVEN
    return run.status


def _interrupting() -> dict[int, Any]:
    """Let SIGTERM end a run as Ctrl-C does, so that its reports are written; return the handlers that were before.

    SIGINT too: a shell without job control, as in continuous integration, starts what runs in the background so
    that it is ignored, and what is started from here would inherit that and be deaf to Ctrl-C.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    return {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}


def _restore(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)
