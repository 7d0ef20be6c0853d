"""One next step: leads from an empty file to a conforming implementation, and explains one failure at a time."""

import contextlib
import os
import re
import shlex
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import groupby

from conformance.checks.steps import Step
from conformance.judging.check import Check
from conformance.judging.outcome import CONFORMANT, NOT_CONFORMANT, SUITE_FAULT
from conformance.judging.result import Result
from conformance.judging.runner import CheckRunner
from conformance.judging.verdict import Verdict
from conformance.reports.causes import table
from conformance.reports.drawing import drawn
from conformance.reports.progress import say
from conformance.reports.text import PROGRAM, WIDTH, explained
from conformance.wire.process import UnreachableError

# The last steps run side by side: a server that has come so far bears that, and some of their checks take long.
TOGETHER = 12
QUICK = 5  # up to this step, going through those before costs next to nothing
MOST_SECTIONS = 4  # that are to be read for a step, that of what failed among them
HURRY = 3  # of the deadlines of a whole run, before that: there is little that can take long
_LOOK_SECONDS = 0.3
_LOOK_SHARE = 10  # times as long as a look takes, at least, passes until the next
_WRITTEN_LOOKS = 3  # in so many in a row a file changes that the program writes; somebody may edit one in two
_GONE = -1.0  # the time of a file that is not there
_MADE = ("node_modules", "target", "build", "dist")  # folders in which nobody writes by hand
_NAMED = 6  # checks that were passed over, at most
_WARNED = 3  # recommendations that are not followed, at most, of which all is told
_AN_END = re.compile(r"(?:end|reset) of the connection")  # in what was received instead
_BAD = (Verdict.ERROR, Verdict.FAIL)


class Pace(Enum):
    """How the checks of a step are run."""

    HURRIED = auto()  # one after the other, with short deadlines
    PATIENT = auto()  # one after the other
    TOGETHER = auto()  # side by side


def machine_is_busy() -> bool:
    """Whether more programs want to run than there are processors, as far as the system tells."""
    try:
        return os.getloadavg()[0] > (os.cpu_count() or 1)
    except (AttributeError, OSError):
        return False


@dataclass(frozen=True)
class Course:
    """The way that `next` leads: its steps, and how the checks of some of them are run."""

    kind: str  # "server" or "client"
    steps: Sequence[Step]
    checks: dict[str, Check]  # by their identifiers
    open: Callable[[list[Check], Pace], CheckRunner]  # what runs these
    text: str  # the path of the specification, as it is shown
    advice: Callable[["Stop"], str] = lambda stop: ""  # what is proved to be the slip, in a sentence or two
    is_busy: Callable[[], bool] = machine_is_busy  # whether the machine has more to do than it can at once


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
    last = len(course.steps)
    # Those that were left out at first may have broken: all have to hold in the end.
    for group in (*_groups(range(begin, last + 1)), *_groups(range(1, begin))):
        try:
            pace = Pace.TOGETHER if group[0] >= TOGETHER else Pace.HURRIED
            results = _results(course, group, pace)
            if pace is Pace.HURRIED and _is_by_the_clock(_stopping(results)) and course.is_busy():
                results = _results(course, group, Pace.PATIENT)
        except UnreachableError as error:
            return Stop(group[0], None, str(error)), seen
        seen |= results
        if stopping := _stopping(results):
            return Stop(*stopping), seen
    return None, seen


def _stopping(results: dict[int, list[Result]]) -> tuple[int, Result] | None:
    """Return the first step that does not hold, and what failed in it, or is open."""
    for number, mine in results.items():
        if stopping := [one for one in mine if one.verdict in _BAD] or [one for one in mine if _is_open(one)]:
            return number, stopping[0]
    return None


def _is_by_the_clock(stopping: tuple[int, Result] | None) -> bool:
    """Whether something stops the way that may only be slow."""
    return stopping is not None and (stopping[1].timed or stopping[1].verdict is Verdict.INCONCLUSIVE)


def _is_open(result: Result) -> bool:
    """Whether nobody knows yet whether something holds that has to."""
    return result.verdict is Verdict.INCONCLUSIVE and result.requirement.level == "MUST"


def _groups(numbers: Iterable[int]) -> list[list[int]]:
    """Return numbers of steps, those together that run side by side."""
    return [list(group) for _, group in groupby(numbers, key=lambda number: min(number, TOGETHER))]


class _Enough(Exception):  # noqa: N818 - the way ends here
    """Tell by what is known where the way ends."""


def _results(course: Course, group: Sequence[int], pace: Pace) -> dict[int, list[Result]]:
    """Run the checks of some steps; return for each step its results, in the order of its checks."""
    place = {check: (number, at) for number in group for at, check in enumerate(course.steps[number - 1].checks)}
    found: dict[int, list[Result]] = {number: [] for number in group}
    missing = {number: set(course.steps[number - 1].checks) for number in group}

    def heed(result: Result) -> None:
        # A failure without a check of its own (a malformed line, say) belongs to the first step in which it was seen.
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
            course.open(some, pace).run(some, heed)
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
        return _conclude(course, seen, arguments)
    step = course.steps[stop.number - 1]
    say(f"Step {stop.number} of {last}: {step.title}")
    say(textwrap.fill(step.build, WIDTH, initial_indent="  ", subsequent_indent="  "))
    sections = step.sections
    if stop.failure and not any(f"{stop.failure.requirement.section}.".startswith(f"{one}.") for one in sections):
        some = (*sections[: MOST_SECTIONS - 1], stop.failure.requirement.section)
        sections = tuple(sorted(some, key=_place))
    say(f"  Read {_sections(sections)} of {course.text}.")
    say(f"  {_held(begin, stop.number, last, before)}")
    if skipped := sum(
        one.verdict is Verdict.SKIP for number, mine in seen.items() if number != stop.number for one in mine
    ):
        checks = "1 of their checks was" if skipped == 1 else f"{skipped} of their checks were"
        say(f"  {checks} passed over; the reasons are told when all steps hold.")
    say("")
    say(_explained(course, stop, arguments))
    if passed_over := _passed_over(step, stop, seen.get(stop.number, [])):
        say(_paragraph("unseen", passed_over))
    say(f"  next      {shlex.join([*PROGRAM, 'next', *arguments])}")
    if stop.number > QUICK:
        say(f"            with --from {stop.number}, it begins here")
    return SUITE_FAULT if stop.failure and stop.failure.verdict is Verdict.ERROR else NOT_CONFORMANT


def _conclude(course: Course, seen: dict[int, list[Result]], arguments: Sequence[str]) -> int:
    """Print that no step stops the way, and what was not looked at or is only recommended; return the exit status."""
    seen = dict(sorted(seen.items()))
    results = [result for mine in seen.values() for result in mine]
    warned = {result.requirement.id: result for result in results if result.verdict is Verdict.WARN}
    for warning in [*warned.values()][:_WARNED]:
        say(f"{explained(warning, list(arguments), short=True)}\n")
    if rows := table(results):
        say(f"{rows}\n")
    for number, mine in seen.items():
        if told := _optional(course.steps[number - 1], mine):
            say(textwrap.fill(f"Step {number} {told}", WIDTH))
    say(f"All {len(course.steps)} steps hold. The {course.kind} conforms to Flurfunk/1 in all that was looked at.")
    return CONFORMANT


def _optional(step: Step, results: Sequence[Result]) -> str:
    """Return what of a step was passed over, why, and where to read about it; nothing where all was looked at."""
    skipped = [one for one in results if one.verdict is Verdict.SKIP]
    if not skipped:
        return ""
    reasons = "; ".join(sorted({one.reason.partition("\n")[0] for one in skipped}))
    count = "its only check" if len(results) == 1 else f"{len(skipped)} of {len(results)} checks"
    return f"({step.title}): passed over {count} ({reasons}). Read {_sections(step.sections)}."


def _explained(course: Course, stop: Stop, arguments: Sequence[str]) -> str:
    told = f"FAIL  {stop.reason}"
    if stop.failure:
        told = explained(stop.failure, list(arguments), short=True, picture=drawn(stop.failure, WIDTH - 2))
    advice = course.advice(stop)
    return f"{told}\n{_paragraph('hint', advice)}" if advice else told


def _passed_over(step: Step, stop: Stop, results: Sequence[Result]) -> str:
    """Return which checks of a step were passed over since the server ended, or closed a connection."""
    failure = stop.failure
    if failure is None or not (failure.ended or _AN_END.search(failure.received)):
        return ""
    looked_at = {one.id for one in results if one.verdict is not Verdict.INCONCLUSIVE}
    if not (left := [check for check in step.checks if check not in looked_at and check != failure.seen_in]):
        return ""
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    return f"{', '.join(left[:_NAMED])}{more} {'was' if len(left) == 1 else 'were'} passed over after that."


def _paragraph(label: str, text: str) -> str:
    first, others = f"  {label:<9} ", " " * 12
    # Names and lines stay whole.
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


def _held(begin: int, number: int, last: int, before: int) -> str:
    """Say which steps hold, and whether one broke that held before."""
    # Steps are looked at from `begin` on, and then from the first on.
    if before > last or (before and (before - begin) % last > (number - begin) % last):
        return f"Step {number} held before, and broke."
    still = " still" if before else ""
    if number < begin:  # one of those that were looked at last
        return " ".join(filter(None, (_hold(begin, last, still), _hold(1, number - 1, still))))
    if held := _hold(begin, number - 1, still):
        return held
    return "This is the first step." if number == 1 else f"Steps 1 to {number - 1} were not looked at: --from {begin}."


def _hold(first: int, last: int, still: str) -> str:
    """Say that these steps hold; nothing where there are none."""
    if last < first:
        return ""
    return f"Step {first}{still} holds." if first == last else f"Steps {first} to {last}{still} hold."


def _place(section: str) -> list[int]:
    """Return the numbers of a section, by which sections stand in their order."""
    return [*map(int, section.split("."))]


def _sections(numbers: Sequence[str]) -> str:
    """Return these sections in words."""
    return f"section{'s' * (len(numbers) > 1)} {_listed(numbers)}"


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


# ---------------------------------------------------------------- files that change


class Watch:
    """The files of the working directory, without hidden ones, libraries, and what the program itself writes."""

    def __init__(self) -> None:
        self._seen = _files()
        self._in_a_row: Counter[str] = Counter()  # in how many looks each file changed while the program ran

    def await_change(self) -> None:
        """Wait until a file is another than when this was called before, and say which.

        A file that changes in each look is written by the program: it counts when it changes while nothing runs.
        """
        after = _files()
        during = _changed(self._seen, after)
        self._in_a_row = Counter({path: self._in_a_row[path] + 1 for path in during})
        for path in (path for path, looks in self._in_a_row.items() if looks >= _WRITTEN_LOOKS):
            self._seen[path] = after.get(path, _GONE)
        say("\nWaiting for a change in this folder; Ctrl-C ends it.")
        begun = time.monotonic()
        while not (changed := _changed(self._seen, now := _files())):
            threading.Event().wait(max(_LOOK_SECONDS, _LOOK_SHARE * (time.monotonic() - begun)))
            begun = time.monotonic()
        self._seen = now
        say(f"\n{'-' * WIDTH}\n{min(changed).removeprefix('./')} changed.\n")


def _files() -> dict[str, float]:
    """Return the files of the working directory, and when each was last changed."""
    found: dict[str, float] = {}
    for folder, folders, files in os.walk("."):
        if "pyvenv.cfg" in files and folder != ".":  # a virtual environment, whatever its name
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith((".", "__")) and name not in _MADE]
        for name in files:
            with contextlib.suppress(OSError):  # gone meanwhile
                if not name.startswith("."):
                    path = os.path.join(folder, name)
                    found[path] = os.stat(path).st_mtime
    return found


def _changed(before: dict[str, float], now: dict[str, float]) -> set[str]:
    return {path for path in {*before, *now} if before.get(path, _GONE) != now.get(path, _GONE)}
