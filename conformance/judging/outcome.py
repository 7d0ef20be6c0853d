"""The outcome of a run: its exit status, its conclusion, and that conclusion in a sentence."""

import re
from collections.abc import Sequence
from enum import StrEnum

from conformance.judging.result import Result
from conformance.judging.verdict import Verdict

CONFORMANT, NOT_CONFORMANT, NOT_PROVEN, UNREACHABLE, SUITE_FAULT, INTERRUPTED = 0, 1, 2, 3, 4, 130

_OPTION = re.compile(r"(--[a-z-]+-cmd) is not given")


class Conclusion(StrEnum):
    """The word for it in reports."""

    CONFORMANT = "conformant"
    CONFORMANT_BUT = "conformant-but-for-expected-failures"
    SELECTION_HOLDS = "selection-holds"
    NOT_CONFORMANT = "not-conformant"
    INCONCLUSIVE = "inconclusive"
    UNREACHABLE = "unreachable"
    SUITE_FAULT = "suite-fault"
    INTERRUPTED = "interrupted"


_BY_STATUS = {
    NOT_CONFORMANT: Conclusion.NOT_CONFORMANT,
    NOT_PROVEN: Conclusion.INCONCLUSIVE,
    UNREACHABLE: Conclusion.UNREACHABLE,
    SUITE_FAULT: Conclusion.SUITE_FAULT,
    INTERRUPTED: Conclusion.INTERRUPTED,
}


def exit_status(results: Sequence[Result]) -> int:
    """Return the exit status that some results come to."""
    verdicts = {result.verdict for result in results}
    if _nothing_ran(results):
        return NOT_PROVEN
    if Verdict.ERROR in verdicts:
        return SUITE_FAULT
    if verdicts & {Verdict.FAIL, Verdict.XPASS}:
        return NOT_CONFORMANT
    required = [result for result in results if result.requirement.level == "MUST"]
    if any(result.missing or result.verdict is Verdict.INCONCLUSIVE for result in required):
        return NOT_PROVEN
    return CONFORMANT


def conclusion(status: int, results: Sequence[Result], *, partial: bool) -> Conclusion:
    """Return the conclusion that goes with a status; `partial`: only some of the checks were asked for."""
    if status != CONFORMANT:
        return _BY_STATUS[status]
    if partial:
        return Conclusion.SELECTION_HOLDS
    expected = any(result.verdict is Verdict.XFAIL for result in results)
    return Conclusion.CONFORMANT_BUT if expected else Conclusion.CONFORMANT


def in_words(concluded: Conclusion, results: Sequence[Result], *, what: str = "server") -> str:
    """Return the conclusion as a sentence; `what`: server, client, or server and client."""
    count = sum(result.verdict is Verdict.XFAIL for result in results)
    but = f", but for {count} expected failure{'' if count == 1 else 's'}" if count else ""
    does, does_not = ("conform", "do not conform") if " and " in what else ("conforms", "does not conform")
    if concluded is Conclusion.NOT_CONFORMANT and not any(result.verdict is Verdict.FAIL for result in results):
        return "A check that was expected to fail passes now: bring the list of expected failures up to date."
    return {
        Conclusion.CONFORMANT: f"The {what} {does} to Flurfunk/1.",
        Conclusion.CONFORMANT_BUT: f"The {what} {does} to Flurfunk/1{but}.",
        Conclusion.SELECTION_HOLDS: f"All selected checks hold{but}. "
        f"{_left_out(results)}Only a run of all checks tells whether the {what} {does}.",
        Conclusion.NOT_CONFORMANT: f"The {what} {does_not} to Flurfunk/1.",
        Conclusion.INCONCLUSIVE: _nothing_checked(results)
        if _nothing_ran(results)
        else f"It is not known whether the {what} {does}: required checks were not run, or are inconclusive.",
        Conclusion.UNREACHABLE: f"The {what} could not be reached; nothing was checked.",
        Conclusion.SUITE_FAULT: f"The suite has a fault; nothing is known about the {what}.",
        Conclusion.INTERRUPTED: "The run was interrupted; nothing is known beyond what is listed.",
    }[concluded]


def _nothing_ran(results: Sequence[Result]) -> bool:
    return all(result.verdict is Verdict.SKIP for result in results)


def _nothing_checked(results: Sequence[Result]) -> str:
    """Return why nothing was checked, and which options are missing."""
    reasons = sorted({result.reason for result in results})
    options = sorted({word for reason in reasons for word in _OPTION.findall(reason)})
    remedy = f" Say {' and '.join(options)}, and it is checked." if options else ""
    return f"Nothing was checked: {len(results)} of {len(results)} checks were skipped ({'; '.join(reasons)}).{remedy}"


def _left_out(results: Sequence[Result]) -> str:
    """Return how many checks of a selection were skipped, as a sentence with a blank after; nothing for none."""
    count = sum(result.verdict is Verdict.SKIP for result in results)
    return f"{count} of {len(results)} checks were skipped, and nothing is known about them. " if count else ""
