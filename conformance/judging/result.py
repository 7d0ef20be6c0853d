"""The result of a check, and the running of checks."""

from dataclasses import KW_ONLY, dataclass, field

from conformance.judging.verdict import Verdict
from conformance.text.requirements import Requirement
from conformance.wire.transcript import Transcript

SYNTHETIC = (
    "every-line",
    "whole-run",
    "declared-features",
    "on-the-way",
)  # results that come from no check of their own


@dataclass(frozen=True)
class Result:
    """The result of one check."""

    id: str
    requirement: Requirement
    title: str
    _: KW_ONLY
    kind: str = "server"  # or "client": what was checked
    verdict: Verdict = Verdict.PASS
    reason: str = ""
    expected: str = ""
    received: str = ""
    missing: bool = False  # not run, although the requirement holds for the subject
    asks: str = ""  # the requirement that asks for what was expected, where it is told
    preparing: bool = False  # the check failed on its way to what it is about
    timed: bool = False  # it failed by the clock, so that a machine that has too much to do can be the reason
    ended: bool = False  # the subject has ended by itself, it seems while the check ran
    used: frozenset[str] = frozenset()  # the requirements that the check used on its way
    because: str = ""  # the requirement that does not hold, and without which the check was not reached
    seen_in: str = ""  # the check that saw it, where the result is no check's own
    seconds: float = 0.0
    transcript: Transcript = field(default_factory=Transcript)


@dataclass
class Settings:
    """How checks are run."""

    features: frozenset[str]  # that the server advertises
    deadline: float = 3.0
    jobs: int = 32
    seed: int = 1
    declared: frozenset[str] = frozenset()  # features that it is said to have
    examples: int = 100  # conversations by chance
    patient: bool = False  # the checks that take long run as well
