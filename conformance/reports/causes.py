"""Failures by cause: each requirement that does not hold once, with what could not be reached because of it."""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.judging.result import Result
from conformance.judging.verdict import Verdict
from conformance.reports.text import WIDTH, explained, verdict_of

IN_FULL = 10  # causes at most; of the others there is a line each
_LINES, _FEWEST_LINES = 110, 45  # for all that fail, and for those in full however many there are
_GRAVITY = (Verdict.ERROR, Verdict.FAIL, Verdict.XPASS, Verdict.WARN)
_UNSHOWN = (Verdict.PASS, Verdict.XFAIL)


@dataclass(frozen=True)
class Cause:
    """One requirement of one program that does not hold."""

    results: tuple[Result, ...]  # that show it, the gravest and shortest first
    unreached: tuple[Result, ...]  # of the checks that were not reached because of it

    @property
    def shown(self) -> Result:
        """The result that shows it best: with the shortest transcript."""
        return self.results[0]


def causes(results: Sequence[Result]) -> list[Cause]:
    """Return the causes among some results: those that keep most others from being reached first."""
    found: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.verdict in _GRAVITY:
            found.setdefault((result.kind, result.requirement.id), []).append(result)
    listed = [
        Cause(
            tuple(sorted(mine, key=lambda one: (_GRAVITY.index(one.verdict), one.transcript.count or 1 << 20))),
            tuple(one for one in results if (one.kind, one.because) == (kind, identifier)),
        )
        for (kind, identifier), mine in found.items()
    ]
    return sorted(listed, key=lambda cause: (_GRAVITY.index(cause.shown.verdict), -len(cause.unreached)))


def by_cause(results: Sequence[Result], arguments: list[str], replays: Callable[[Result], Iterable[Path]]) -> str:
    """Return the causes as text: the first few in full, the others a line each; nothing where there are none.

    `arguments`: those of the command line that name the subject; `replays`: writes files that do again what a check
    did, and returns their paths.
    """
    listed = causes(results)
    room = max(_LINES - len(listed), _FEWEST_LINES)  # the more fail, the fewer in full
    parts: list[str] = []
    for cause in listed[:IN_FULL]:
        text = _in_full(cause, arguments, replays)
        room -= text.count("\n") + 2
        if room < 0 and parts:
            break
        parts.append(text)
    if rest := listed[len(parts) :]:
        parts.append("\n".join(_in_a_line(cause) for cause in rest))
    return "\n\n".join(parts)


def table(results: Sequence[Result]) -> str:
    """Return the requirements that are not simply met: a paragraph for each verdict, with why where that is told."""
    by_requirement: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        by_requirement.setdefault((result.kind, result.requirement.id), []).append(result)
    rows: dict[tuple[Verdict, str], list[str]] = {}
    for (_, identifier), mine in by_requirement.items():
        verdict = verdict_of(mine) or Verdict.PASS
        if verdict not in _UNSHOWN:
            why = _why(next(one for one in mine if one.verdict is verdict))
            rows.setdefault((verdict, why), []).append(identifier)
    order = list(Verdict)
    lines = []
    for (verdict, why), identifiers in sorted(rows.items(), key=lambda row: order.index(row[0][0])):
        told = f"{' '.join(dict.fromkeys(identifiers))}{f' ({why})' if why else ''}"
        first, *rest = textwrap.wrap(told, WIDTH - 14, break_on_hyphens=False)
        lines += [f"{verdict:<13} {first}", *(f"{'':<13} {line}" for line in rest)]
    return "\n".join(lines)


def _why(result: Result) -> str:
    """Return in a few words why a check says nothing."""
    if result.because:
        return "not reached"
    silent = result.verdict in (Verdict.SKIP, Verdict.INCONCLUSIVE)
    return result.reason.partition("\n")[0] if silent else ""


def _in_full(cause: Cause, arguments: list[str], replays: Callable[[Result], Iterable[Path]]) -> str:
    text = explained(cause.shown, arguments, replays(cause.shown), short=True)
    more = [f"  {line}" for line in _also(cause)]
    return "\n".join([text, *more])


def _also(cause: Cause) -> list[str]:
    """Return what else shows it, and what was not reached, a line each."""
    lines = []
    if others := [one.id for one in cause.results[1:] if not one.seen_in]:
        lines.append(_cut(f"also      {len(others)} more check{'s' * (len(others) > 1)}: {', '.join(others)}"))
    if count := len(cause.unreached):
        families = " ".join(dict.fromkeys(one.id.partition("-")[0] for one in cause.unreached))
        lines.append(f"hides     {count} check{'s' * (count > 1)}, not reached because of it: {families}")
    return lines


def _in_a_line(cause: Cause) -> str:
    result = cause.shown
    told = f"expected {result.expected}, received {result.received}" if result.expected else result.reason
    hidden = f" ({len(cause.unreached)} not reached)" if cause.unreached else ""
    return _cut(f"{result.verdict}  {result.requirement.id}{hidden}  {' '.join(told.split())}")


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."


def cut_off(running: dict[str, float], left: int) -> str:
    """Return which checks ran when a run was cut off, and for how many seconds; and how many had not ended."""
    longest = sorted(running.items(), key=lambda one: -one[1])
    told = ", ".join(f"{name} for {seconds:.0f} s" for name, seconds in longest)
    return textwrap.fill(f"{left} checks had not ended{f'; these ran: {told}' if told else ''}.", WIDTH)
