"""The verdicts that a check can have."""

from enum import StrEnum


class Verdict(StrEnum):
    """The verdict on a check."""

    PASS = "PASS"
    FAIL = "FAIL"
    WARN = "WARN"  # what a SHOULD asks for is not there
    SKIP = "SKIP"  # with the reason
    XFAIL = "XFAIL"  # FAIL or WARN, as the implementer's own file says
    XPASS = "XPASS"  # that file says that it fails, and it does not any more
    INCONCLUSIVE = "INCONCLUSIVE"  # nothing can be said, for instance because the barrier does not hold
    ERROR = "ERROR"  # a fault of the suite
