"""One next step: leads from an empty file to a conforming implementation, and explains one failure at a time."""

import contextlib
import os
import shlex
import sys
import textwrap
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from conformance.checks.steps import Step
from conformance.judging.check import Check
from conformance.judging.outcome import CONFORMANT, NOT_CONFORMANT, SUITE_FAULT
from conformance.judging.result import Result
from conformance.judging.runner import CheckRunner
from conformance.judging.verdict import Verdict
from conformance.reports.causes import table
from conformance.reports.drawing import drawn
from conformance.reports.progress import coloured
from conformance.reports.text import PROGRAM, WIDTH, explained
from conformance.wire.process import UnreachableError

# The last steps run side by side: a server that has come so far bears that, and some of their checks take long.
TOGETHER = 12
LONG = 9  # from this step on, going through those before takes longer than what is looked at
HURRY = 3  # of the deadlines of a whole run, before that: there is little that can take long
_LOOK_SECONDS = 0.3
_MADE = ("node_modules", "target", "build", "dist")  # folders in which nobody writes by hand
_BAD = (Verdict.ERROR, Verdict.FAIL)


@dataclass(frozen=True)
class Course:
    """The way that `next` leads: its steps, and how the checks of some of them are run."""

    kind: str  # "server" or "client"
    steps: Sequence[Step]
    checks: dict[str, Check]  # by their identifiers
    open: Callable[[list[Check], bool], CheckRunner]  # what runs these; whether side by side with the slow ones
    advice: Callable[["Stop"], str] = lambda stop: ""  # what is proved to be the slip, in a sentence or two


@dataclass(frozen=True)
class Stop:
    """Where the way ends for now: the number of a step, and what failed in it."""

    number: int
    failure: Result | None  # None: there is nothing that speaks the protocol at all
    reason: str = ""


def walk(course: Course, begin: int) -> tuple[Stop | None, dict[int, list[Result]]]:
    """Go from step `begin` on, to the first that does not hold; return it, None if all hold, and what came out.

    Of each step that was looked at, there are the results of its checks.
    """
    seen: dict[int, list[Result]] = {}
    for group in _groups(range(begin, len(course.steps) + 1)):
        try:
            results = _results(course, group)
        except UnreachableError as error:
            return Stop(group[0], None, str(error)), seen
        seen |= results
        for number in group:
            mine = results[number]
            if failure := next((one for one in mine if one.verdict in _BAD), None):
                return Stop(number, failure), seen
            if failure := next((one for one in mine if _is_open(one)), None):
                return Stop(number, failure), seen
    return None, seen


def _is_open(result: Result) -> bool:
    """Whether nobody knows yet whether something holds that has to."""
    return result.verdict is Verdict.INCONCLUSIVE and result.requirement.level == "MUST"


def _groups(numbers: Iterable[int]) -> list[list[int]]:
    """Return numbers of steps, those together that run side by side."""
    return [list(group) for _, group in groupby(numbers, key=lambda number: min(number, TOGETHER))]


class _Enough(Exception):  # noqa: N818 - the way ends here
    """What is known says where the way ends."""


def _results(course: Course, group: Sequence[int]) -> dict[int, list[Result]]:
    """Run the checks of some steps; return for each step its results, in the order of its checks."""
    place = {check: (number, at) for number in group for at, check in enumerate(course.steps[number - 1].checks)}
    found: dict[int, list[Result]] = {number: [] for number in group}
    missing = {number: set(course.steps[number - 1].checks) for number in group}

    def heed(result: Result) -> None:
        # What no check of its own says (a malformed line, say) belongs to the first step in which it was seen.
        number, _ = place.get(result.id) or place.get(result.seen_in) or (group[-1], 0)
        found[number].append(replace(result, kind=course.kind))
        missing[number].discard(result.id)
        for one in group:
            if any(result.verdict in _BAD for result in found[one]):
                raise _Enough
            if missing[one]:
                break

    checks = [course.checks[check] for check in place]
    first = [check for check in checks if check.ground and place[check.id][0] == group[0]]
    for some in filter(None, (first, [check for check in checks if check not in first])):
        with contextlib.suppress(_Enough):
            course.open(some, len(group) > 1).run(some, heed)
        if any(one.verdict in _BAD or _is_open(one) for results in found.values() for one in results):
            break
    for results in found.values():
        results.sort(key=lambda result: place.get(result.id, (0, 1 << 20))[1])
    return found


def tell(
    course: Course,
    begin: int,
    stop: Stop | None,
    seen: dict[int, list[Result]],
    arguments: Sequence[str],
    before: int = 0,
) -> int:
    """Print where the way ends; return the exit status.

    `seen`: what came out; `arguments`: those of the command line that name the subject; `before`: the step at which the
    way ended the last time.
    """
    last = len(course.steps)
    if stop is None:
        return _conclude(course, begin, seen)
    step = course.steps[stop.number - 1]
    print(f"Step {stop.number} of {last}: {step.title}")
    print(textwrap.fill(step.build, WIDTH, initial_indent="  ", subsequent_indent="  "))
    sections = step.sections
    if stop.failure and not any(f"{stop.failure.requirement.section}.".startswith(f"{one}.") for one in sections):
        sections = tuple(
            sorted((*sections, stop.failure.requirement.section), key=lambda one: [*map(int, one.split("."))])
        )
    print(f"  Read section{'s' if len(sections) > 1 else ''} {_listed(sections)} of the specification.")
    print(f"  {_held(begin, stop.number, before)}\n")
    print(coloured(_explained(course, stop, arguments), sys.stdout))
    print(f"  next      {shlex.join([*PROGRAM, 'next', *arguments])}")
    if stop.number >= LONG:
        print(f"            with --from {stop.number}, it begins here")
    return SUITE_FAULT if stop.failure and stop.failure.verdict is Verdict.ERROR else NOT_CONFORMANT


def _conclude(course: Course, begin: int, seen: dict[int, list[Result]]) -> int:
    """Print that no step stops the way, and what was not looked at or is only recommended; return the exit status."""
    if rows := table([result for results in seen.values() for result in results]):
        print(f"{rows}\n")
    idle = [number for number, mine in seen.items() if all(one.verdict is Verdict.SKIP for one in mine)]
    for number in idle:
        print(
            f"Step {number} ({course.steps[number - 1].title}) does not bind this {course.kind}, or was not looked at."
        )
    held = len(course.steps) - begin + 1 - len(idle)
    print(
        f"{held} of {len(course.steps)} steps hold. The {course.kind} conforms to Flurfunk/1 in all that was looked at."
    )
    return CONFORMANT


def _explained(course: Course, stop: Stop, arguments: Sequence[str]) -> str:
    told = f"FAIL  {stop.reason}"
    if stop.failure:
        told = explained(stop.failure, list(arguments), short=True, picture=drawn(stop.failure, WIDTH - 2))
    advice = course.advice(stop)
    return f"{told}\n{_paragraph('hint', advice)}" if advice else told


def _paragraph(label: str, text: str) -> str:
    first, others = f"  {label:<9} ", " " * 12
    # Names and lines stay whole.
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


def _held(begin: int, number: int, before: int) -> str:
    """Say which steps hold, and whether one broke that held before."""
    first, last = begin, number - 1
    if before > number:
        return f"Step {number} held before, and broke."
    if last < first:
        return "This is the first step." if number == 1 else f"Steps 1 to {last} were not looked at: --from {begin}."
    still = " still" if before else ""
    return f"Step {first}{still} holds." if first == last else f"Steps {first} to {last}{still} hold."


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


# ---------------------------------------------------------------- files that change


class Watch:
    """The files of the working directory, without hidden ones and those that the program itself writes."""

    def __init__(self) -> None:
        self._seen = _files()
        self._lately: set[str] = set()  # what changed while the program was looked at the last time
        self._own: set[str] = set()  # what did so twice in a row

    def await_change(self) -> None:
        """Wait until a file is another than when this was called before, and say which."""
        during = _changed(self._seen, _files())
        self._own |= during & self._lately
        self._lately = during
        print("\nWaiting for a change in this folder; Ctrl-C ends it.", flush=True)
        while not (changed := _changed(self._seen, now := _files()) - self._own):
            threading.Event().wait(_LOOK_SECONDS)
        self._seen = now
        print(f"\n{'-' * WIDTH}\n{min(changed).removeprefix('./')} changed.\n", flush=True)


def _files() -> dict[str, float]:
    """Return the files of the working directory, and when each was last changed."""
    found: dict[str, float] = {}
    for folder, folders, files in os.walk("."):
        folders[:] = [name for name in folders if not name.startswith((".", "__")) and name not in _MADE]
        for name in files:
            with contextlib.suppress(OSError):  # gone meanwhile
                if not name.startswith("."):
                    path = os.path.join(folder, name)
                    found[path] = os.stat(path).st_mtime
    return found


def _changed(before: dict[str, float], now: dict[str, float]) -> set[str]:
    return {path for path in {*before, *now} if before.get(path) != now.get(path)}
