"""How far an implementation is: the step that `next` would stop at, read from the report of a whole run."""

from dataclasses import dataclass

from conformance.checks.client import steps as client_steps
from conformance.checks.server import steps as server_steps
from conformance.checks.steps import Step
from conformance.reports.document import Document

STEPS: dict[str, tuple[Step, ...]] = {"server": server_steps.STEPS, "client": client_steps.STEPS}
_HOLDS = ("PASS", "SKIP", "WARN", "XFAIL")


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

    A step holds whose checks ran, or were skipped, and did not fail.  Raises KeyError or TypeError where the report has
    not the form of one.
    """
    kinds = {check["kind"] for check in report["checks"]}
    kind = "client" if kinds == {"client"} else "server"
    checks = {check["id"]: check for check in report["checks"] if check["kind"] == kind}
    for number, step in enumerate(STEPS[kind]):
        mine = [checks.get(check) for check in step.checks]
        failed = next((one for one in mine if one and one["verdict"] not in _HOLDS), None)
        if failed or None in mine:
            fails = str(failed.get("because") or failed["requirement"]) if failed else ""
            return Reached(number, len(STEPS[kind]), step.title, fails)
    return Reached(len(STEPS[kind]), len(STEPS[kind]), "", "")
