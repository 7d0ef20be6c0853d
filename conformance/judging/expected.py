"""Expected failures: what an implementer's own file says about results makes XFAIL and XPASS of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from conformance.judging.result import Result
from conformance.judging.verdict import Verdict


@dataclass(frozen=True)
class Expectation:
    """One expected failure: of a check (`LINE-4/long-lines`) or of all checks of a requirement (`LINE-4`)."""

    what: str
    reason: str
    match: str = ""  # has to occur in what the failure says
    until: date | None = None  # the last day on which it counts

    def means(self, result: Result) -> bool:
        """Whether it is about this result."""
        return self.what in (result.id, result.requirement.id)


class Expectations:
    """All expected failures of one implementation."""

    def __init__(self, expectations: Sequence[Expectation], today: date) -> None:
        self._all = sorted(expectations, key=lambda one: "/" not in one.what)  # the more exact ones first
        self._today = today

    def judge(self, result: Result) -> Result:
        """Return a result as it is, or as XFAIL, XPASS, or a failure with the reason why it is not an expected one."""
        expectation = next((one for one in self._all if one.means(result)), None)
        if expectation is None:
            return result
        if result.verdict is Verdict.PASS and expectation.what == result.id:
            return _unexpected(result, expectation)
        if result.verdict not in (Verdict.FAIL, Verdict.WARN):
            return result
        if expectation.until and self._today > expectation.until:
            note = f"expected to fail until {expectation.until} only: {expectation.reason}"
        elif expectation.match not in "\n".join((result.expected, result.received, result.reason)):
            note = f"expected to fail, but otherwise: {expectation.match!r} does not occur in this failure"
        else:
            return replace(result, verdict=Verdict.XFAIL, reason=_joined(result, f"expected: {expectation.reason}"))
        return replace(result, verdict=Verdict.FAIL, reason=_joined(result, note))

    def finish(self, results: Sequence[Result], known: Collection[str]) -> list[Result]:
        """Return the results of a run, with XPASS where a requirement that is expected to fail holds.

        `known`: the identifiers of all checks; where some of a requirement did not run, nothing is said.
        """
        ran = {result.id for result in results}
        fine = {Verdict.PASS, Verdict.SKIP}
        holding: dict[str, Expectation] = {}
        for one in self._all:
            mine = [result for result in results if result.requirement.id == one.what]
            whole = all(identifier in ran for identifier in known if identifier.partition("/")[0] == one.what)
            verdicts = {result.verdict for result in mine}
            if whole and Verdict.PASS in verdicts and verdicts <= fine:
                holding[one.what] = one
        return [
            _unexpected(result, holding[result.requirement.id])
            if result.requirement.id in holding and result.verdict is Verdict.PASS
            else result
            for result in results
        ]


def _unexpected(result: Result, expectation: Expectation) -> Result:
    reason = f"expected to fail ({expectation.reason}), and does not: take {expectation.what} out of the file"
    return replace(result, verdict=Verdict.XPASS, reason=reason)


def _joined(result: Result, note: str) -> str:
    return f"{note}\n{result.reason}".rstrip()
