"""Results as text: each failure with all that is needed to understand it, and a table by requirement."""

import shlex
import sys
import textwrap
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from conformance.judging.result import SYNTHETIC, Result
from conformance.judging.verdict import Verdict
from conformance.text.requirements import Requirement
from conformance.wire.transcript import SECONDS_WIDTH

_GRAVE = (
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.XPASS,
    Verdict.INCONCLUSIVE,
    Verdict.WARN,
    Verdict.XFAIL,
    Verdict.PASS,
    Verdict.SKIP,
)
# What is installed has a command of its own.
PROGRAM = (
    ["flurfunk-conformance"] if Path(sys.argv[0]).stem == "flurfunk-conformance" else ["python", "-m", "conformance"]
)
WIDTH = 100
_FIRST, _LAST = 30, 60  # lines of a transcript that are printed
_FIRST_OF_SHORT, _LAST_OF_SHORT = 3, 9
_OWN_PING = "barrier-"  # in the tokens of the suite's own pings
_FOR_PEOPLE = '<- "INFO '
_ALIKE = 3  # more lines than this that are the same, one behind the other, are folded
_HEAD, _TAIL = 105, 35  # characters of a longer line that are printed


def explained(
    result: Result, arguments: list[str], replays: Iterable[Path] = (), *, short: bool = False, picture: str = ""
) -> str:
    """Return what a person needs to know about a result that is no PASS, in several lines.

    `arguments`: those of the command line that name the subject; `replays`: files that do again what the check did;
    `short`: of the transcript only a few lines, the essential ones; `picture`: what stands in place of it.
    """
    requirement = result.requirement
    own = result.id.partition("/")[0]
    whose, found = result.id, list[str]()
    if own != requirement.id:  # a check of many things cites the requirement that it found broken
        whose = requirement.id
        found = [f"  found by  {result.id}: it counts for {requirement.id}, which it found broken, not for {own}"]
    lines = [
        f"{result.verdict}  {whose}  {requirement.level}  section {requirement.section}, {requirement.title}",
        *found,
        f"  check     {result.title}",
        *_wrapped("sentence", f'"{requirement.text}"'),
    ]
    if sent := result.transcript.last_sent():
        lines.append(f"  sent      {sent.who} -> {sent.text}")
    if result.expected:
        lines += [f"  expected  {result.expected}", f"  received  {result.received}"]
        lines.append(f"            {_mark(result.expected, result.received)}")
    if result.reason:
        lines += [f"  reason    {line}" for line in result.reason.rstrip().splitlines()]
    if picture:
        lines += ["", textwrap.indent(picture, "  "), ""]
    elif entries := str(result.transcript).splitlines():
        told = _shortened(_essential(entries), _FIRST_OF_SHORT, _LAST_OF_SHORT) if short else _shortened(entries)
        lines += ["  transcript (seconds, who, what)", textwrap.indent(told, "  ")]
    lines.append(f"  again     {command(arguments, result.seen_in or result.id)}")
    for path in replays:
        again = f"sh {shlex.quote(str(path))} HOST PORT"
        lines.append(f"  replay    {again if path.suffix == '.sh' else command([*arguments, '--replay', str(path)])}")
    return "\n".join(lines)


def command(arguments: Iterable[str], identifier: str = "") -> str:
    """Return the shell command that runs the suite again: whole, or one check where that is possible.

    `arguments`: those of the command line that name the subject, and on which an outcome can depend.
    """
    whole = not identifier or identifier.partition("/")[2] in SYNTHETIC
    return shlex.join([*PROGRAM, *arguments, *([] if whole else ["--select", identifier])])


def table(requirements: Iterable[Requirement], results: list[Result]) -> str:
    """Return a line for each requirement: identifier, level, the gravest verdict of its checks, and why."""
    lines = []
    for requirement in requirements:
        mine = [result for result in results if result.requirement.id == requirement.id]
        lines.append(f"{requirement.id:<10} {requirement.level:<6} {_summary(requirement, mine)}".rstrip())
    return "\n".join(lines)


def verdict_of(results: list[Result]) -> Verdict | None:
    """Return the gravest verdict of some results; None where there are none."""
    verdicts = {result.verdict for result in results}
    return next((verdict for verdict in _GRAVE if verdict in verdicts), None)


def _summary(requirement: Requirement, results: list[Result]) -> str:
    verdict = verdict_of(results)
    if verdict is None:
        return "-             no check: it cannot be observed from outside" if requirement.level != "MUST" else "-"
    reasons = {result.reason.splitlines()[0] for result in results if result.verdict == verdict and result.reason}
    why = f"  {'; '.join(sorted(reasons))}" if verdict is not Verdict.PASS else ""
    return f"{verdict:<13} {len(results)}{why}"


def _wrapped(label: str, text: str) -> list[str]:
    first, *rest = textwrap.wrap(text, WIDTH) or [""]
    return [f"  {label:<9} {first}", *(f"            {line}" for line in rest)]


def _mark(expected: str, received: str) -> str:
    """Return a line with a mark under the first character of `received` that differs."""
    same = next((n for n, (a, b) in enumerate(zip(expected, received, strict=False)) if a != b), None)
    return " " * (min(len(expected), len(received)) if same is None else same) + "^ first difference"


def _essential(entries: list[str]) -> list[str]:
    """Leave out words for people, and the suite's own pings but for the last pair: it may prove something."""
    pings = [number for number, line in enumerate(entries) if _OWN_PING in line]
    dropped = set(pings[:-2])
    return [line for number, line in enumerate(entries) if number not in dropped and _FOR_PEOPLE not in line]


def _shortened(entries: list[str], first: int = _FIRST, last: int = _LAST) -> str:
    """Return a transcript with repeats folded, and without the middle of a long one and of its long lines."""
    repeats = groupby(entries, key=lambda line: line[SECONDS_WIDTH:])
    lines = [_narrow(line) for _, same in repeats for line in _folded(list(same))]
    if len(lines) > first + last:
        lines[first:-last] = [f"           ({len(lines) - first - last} more)"]
    return "\n".join(lines)


def _folded(same: list[str]) -> list[str]:
    return same if len(same) <= _ALIKE else [same[0], f"           ... {len(same) - 1} more like it"]


def _narrow(line: str) -> str:
    return line if len(line) <= _HEAD + _TAIL else f"{line[:_HEAD]} ... {line[-_TAIL:]}"
