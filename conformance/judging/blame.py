"""Which requirement a failure counts for: the one that does not hold, not the one that was to be looked at next."""

from collections.abc import Iterable
from dataclasses import replace

from conformance.judging.result import Result
from conformance.judging.verdict import Verdict
from conformance.wire.standing import GREETING, ISOLATION

_FAILURES = (Verdict.FAIL, Verdict.WARN)


class Blame:
    """What is known not to hold, as far as a run has come."""

    def __init__(self) -> None:
        self.broken: list[str] = []  # requirements of the ground that do not hold, the most basic first

    def ground(self, results: Iterable[Result]) -> list[Result]:
        """Return the results of the ground's checks as they count; they are in the order in which each needs others."""
        counted = []
        for result in results:
            result = self.counted(result)
            counted.append(result)
            if result.verdict in _FAILURES and result.requirement.id not in self.broken:
                self.broken.append(result.requirement.id)
        return counted

    def counted(self, result: Result) -> Result:
        """Return a failure as it is; or INCONCLUSIVE where what the check used on its way does not hold."""
        if result.verdict not in _FAILURES:
            return result
        used = {*GREETING, *ISOLATION, *result.used} - {result.requirement.id}
        because = next((one for one in self.broken if one in used), "")
        if not because and result.preparing and result.asks not in ("", result.requirement.id):
            because = result.asks
        return not_reached(result, because) if because else result


def not_reached(result: Result, because: str) -> Result:
    """Return a result as that of a check that did not come to what it is about, since something else does not hold."""
    reason = f"not reached: {because} does not hold"
    return replace(result, verdict=Verdict.INCONCLUSIVE, reason=reason, because=because)
