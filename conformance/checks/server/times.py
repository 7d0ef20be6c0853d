"""Checks of time: nothing comes too soon."""

import time

from conformance.wire.failure import Failed

TOLERANCE = 0.05  # seconds by which clocks may differ in what a second is


def took(began: float, least: float, what: str) -> None:
    """The line that came now did not come sooner than so many seconds after it began; raise Failed where it did.

    `began`: of `time.monotonic`, not later than the server's own time began to run.
    """
    passed = time.monotonic() - began
    if passed < least - TOLERANCE:
        raise Failed(f"{what}, after {least:.0f} s or more", f"it came after {passed:.3f} s")
