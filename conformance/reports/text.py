"""Results as text: each failure with all that is needed to understand it, and a table by requirement."""

import shlex
import sys
import textwrap
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby, pairwise, takewhile
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
# The installed suite has a command of its own.
PROGRAM = (
    ["flurfunk-conformance"] if Path(sys.argv[0]).stem == "flurfunk-conformance" else ["python", "-m", "conformance"]
)
WIDTH = 100
_FIRST, _LAST = 30, 60  # lines of a transcript that are printed
_FIRST_OF_SHORT, _LAST_OF_SHORT = 3, 9
_MOST_THAT_MATTER = 5  # lines, besides those
_CAME = "<- "
_ROW = "screen -- | "
_OWN_PING = "barrier-"  # in the tokens of the suite's own pings
_FOR_PEOPLE = '<- "INFO '
_ALIKE = 3  # more lines than this that are the same, one after the other, are folded
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
        found = [f"  found by  {result.id}, a check of {own}; the failure is one of {requirement.id}"]
    lines = [
        f"{result.verdict}  {whose}  {requirement.level}  section {requirement.section}, {requirement.title}",
        *found,
        f"  check     {result.title}",
        *_wrapped("sentence", f'"{requirement.text}"'),
    ]
    asked = f"{sent.who} -> {sent.text}" if (sent := result.transcript.last_sent()) else ""
    if asked:
        lines.append(f"  sent      {asked}")
    if result.expected:
        lines += [f"  expected  {result.expected}", f"  received  {result.received}"]
        lines += _mark(result.expected, result.received)
    if result.reason:
        lines += [f"  reason    {line}" for line in result.reason.rstrip().splitlines()]
    if picture:
        lines += ["", textwrap.indent(picture, "  "), ""]
    elif entries := str(result.transcript).splitlines():
        bounds = (_FIRST_OF_SHORT, _LAST_OF_SHORT) if short else (_FIRST, _LAST)
        judged = f"{result.expected}\n{result.received}"
        told = _shortened(_essential(entries) if short else entries, *bounds, partial(_matters, asked, judged))
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


def _mark(expected: str, received: str) -> list[str]:
    """Return a line with a mark under the first character of `received` that differs.

    None unless both tell what came to the same client: a place in other words says nothing.
    """
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(expected, received, strict=False))
    same = "".join(one for one, _ in alike)
    return [f"            {' ' * len(same)}^ first difference"] if _CAME in same else []


def _matters(asked: str, judged: str, line: str) -> bool:
    """Whether a line of a transcript is what was `asked`, or a row of the screen that the failure tells of."""
    entry = line[SECONDS_WIDTH:]
    row = entry.partition(_ROW)[2]
    return f'"{row}"' in judged if row else bool(asked) and entry.endswith(asked)


def _essential(entries: list[str]) -> list[str]:
    """Leave out words for people, and the suite's own pings but for the last pair: it may prove something."""
    pings = [number for number, line in enumerate(entries) if _OWN_PING in line]
    dropped = set(pings[:-2])
    return [line for number, line in enumerate(entries) if number not in dropped and _FOR_PEOPLE not in line]


def _shortened(entries: list[str], first: int, last: int, matters: Callable[[str], bool]) -> str:
    """Return a transcript with repeats folded, and without the middle of its long lines.

    Of the middle of a long one, only the last few lines stay that matter.
    """
    repeats = groupby(entries, key=lambda line: line[SECONDS_WIDTH:])
    lines = [line for _, same in repeats for line in _folded(list(same))]
    end = max(len(lines) - last, first)
    kept = [number for number in range(first, end) if matters(lines[number])][-_MOST_THAT_MATTER:]
    shown: list[str] = []
    for before, number in pairwise([-1, *range(min(first, len(lines))), *kept, *range(end, len(lines))]):
        if number > before + 1:
            shown.append(f"           ({number - before - 1} more)")
        shown.append(_narrow(lines[number]))
    return "\n".join(shown)


def _folded(same: list[str]) -> list[str]:
    return same if len(same) <= _ALIKE else [same[0], f"           ... {len(same) - 1} more like it"]


def _narrow(line: str) -> str:
    return line if len(line) <= _HEAD + _TAIL else f"{line[:_HEAD]} ... {line[-_TAIL:]}"
