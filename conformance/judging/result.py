"""What came out of a check, and how checks are run."""

from dataclasses import KW_ONLY, dataclass, field

from conformance.judging.verdict import Verdict
from conformance.text.requirements import Requirement
from conformance.wire.transcript import Transcript

SYNTHETIC = ("every-line", "whole-run", "declared-features")  # results that come from no check of their own


@dataclass(frozen=True)
class Result:
    """What came out of one check."""

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
    barrier_broken: bool = False
    seconds: float = 0.0
    transcript: Transcript = field(default_factory=Transcript)


@dataclass
class Settings:
    """How checks are run."""

    features: frozenset[str]  # that the server advertises
    deadline: float = 3.0
    jobs: int = 4
    seed: int = 1
    declared: frozenset[str] = frozenset()  # features that it is said to have
    examples: int = 100  # conversations by chance
