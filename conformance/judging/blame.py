"""Which requirement a failure counts for: the one that does not hold, not the one that was to be looked at next."""

from collections.abc import Sequence
from dataclasses import replace

from conformance.judging.check import Check
from conformance.judging.result import Result
from conformance.judging.verdict import Verdict
from conformance.wire.standing import ALWAYS, requirement_of

_FAILURES = (Verdict.FAIL, Verdict.WARN)


class Blame:
    """The requirements known not to hold, as far as a run has come."""

    def __init__(self) -> None:
        # Facts of the ground that do not hold, or were not reached, the most basic first; and because of which.
        self.broken: dict[str, str] = {}
        self.deadly: list[str] = []  # those of them that end the subject

    def ground(self, checks: Sequence[Check], results: Sequence[Result]) -> list[Result]:
        """Return the results of the ground's checks as they count; they are in the order in which each needs others."""
        counted = []
        for check, result in zip(checks, results, strict=True):
            counted.append(self.counted(result))
            fact = check.fact or counted[-1].requirement.id
            if counted[-1].verdict in _FAILURES and fact not in self.broken:
                self.broken[fact] = requirement_of(fact)
                self.deadly += [fact] if result.ended else []
            elif counted[-1].because:
                self.broken.setdefault(fact, counted[-1].because)
        return [result if result.verdict in _FAILURES else self.counted(result) for result in counted]

    def counted(self, result: Result) -> Result:
        """Return a failure as it is; or INCONCLUSIVE where what the check used on its way does not hold.

        A check that is inconclusive for another reason is told that one, too.
        """
        failed = result.verdict in _FAILURES
        if not failed and (result.verdict is not Verdict.INCONCLUSIVE or result.because):
            return result
        own = result.requirement.id
        used = {*ALWAYS, *result.used}
        because = next((root for one, root in self.besides(own).items() if one in used), "")
        if failed and not because and result.preparing and result.asks not in ("", own):
            because = own if own in self.broken.values() else result.asks
        return not_reached(result, because) if because else result

    def besides(self, requirement: str) -> dict[str, str]:
        """Return what is broken without what has to do with a requirement."""
        return {one: root for one, root in self.broken.items() if requirement not in (root, requirement_of(one))}


def not_reached(result: Result, because: str) -> Result:
    """Return a result as that of a check that did not come to what it is about, since a fact does not hold."""
    because = requirement_of(because)
    reason = f"not reached: {because} does not hold"
    return replace(result, verdict=Verdict.INCONCLUSIVE, reason=reason, because=because)
