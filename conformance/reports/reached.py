"""How far an implementation is: the step that `next` would stop at, read from the report of a whole run."""

from dataclasses import dataclass

from conformance.checks.client import steps as client_steps
from conformance.checks.server import steps as server_steps
from conformance.checks.steps import Step
from conformance.reports.document import Document

STEPS: dict[str, tuple[Step, ...]] = {"server": server_steps.STEPS, "client": client_steps.STEPS}
_FAILS = ("FAIL", "ERROR", "XPASS")


@dataclass(frozen=True)
class Reached:
    """How many steps hold, of how many; the title of the next one, and which requirement fails there, if one does."""

    held: int
    steps: int
    title: str
    fails: str

    def __str__(self) -> str:
        if self.held == self.steps:
            return f"all {self.steps} steps"
        fails = f", {self.fails}" if self.fails else ""
        return f"step {self.held + 1} of {self.steps}: {self.title}{fails}"


def reached(report: Document) -> Reached:
    """Return how far the server is that a report is about, or the client where it is about none.

    A step holds whose checks ran, or were skipped, and did not fail. A check that was not reached because of what a
    later step asks for is no sign against its own. Raises KeyError or TypeError where it is not the report of a run.
    """
    kinds = {check["kind"] for check in report["checks"]}
    kind = "client" if kinds == {"client"} else "server"
    checks = {check["id"]: check for check in report["checks"] if check["kind"] == kind}
    failing: dict[str, int] = {}  # requirements, and in which step they fail first
    for number, step in enumerate(STEPS[kind]):
        for check in step.checks:
            if check in checks and checks[check]["verdict"] in _FAILS:
                failing.setdefault(str(checks[check]["requirement"]), number)
    for number, step in enumerate(STEPS[kind]):
        mine = [checks.get(check) for check in step.checks]
        against = [one for one in mine if one and _is_against(one, failing, number)]
        if against or None in mine:
            fails = str(against[0].get("because") or against[0]["requirement"]) if against else ""
            return Reached(number, len(STEPS[kind]), step.title, fails)
    return Reached(len(STEPS[kind]), len(STEPS[kind]), "", "")


def _is_against(check: Document, failing: dict[str, int], number: int) -> bool:
    """Whether what came out of a check tells that a step does not hold, or leaves open whether it does."""
    if check["verdict"] in _FAILS:
        return True
    unknown = check["verdict"] == "INCONCLUSIVE" and check["level"] == "MUST"
    return unknown and failing.get(str(check.get("because")), 0) <= number
