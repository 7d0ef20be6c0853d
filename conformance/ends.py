"""The ways in which a run is cut off: signals, and an output that nobody takes any more."""

import contextlib
import errno
import io
import signal
import sys
import threading
from collections.abc import Iterator

from conformance.judging.outcome import INTERRUPTED, NOT_PROVEN
from conformance.reports.progress import complain, print_into_nothing
from conformance.wire import interrupts

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
GONE = (errno.EPIPE, errno.EIO)  # nobody reads any more: `| head`, or a closed window
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let the first signal that asks to end raise KeyboardInterrupt, as Ctrl-C does.

    So what was started is ended, and reports are written. Signals after it come too late for that, and do nothing.

    SIGINT too: a shell without job control, as in continuous integration, starts what runs in the background so
    that it is ignored, and what is started from here would inherit that and be deaf to Ctrl-C.  SIGHUP stays ignored
    where it is: that is what nohup is for.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    cut_off = False

    def interrupt(number: int, frame: object) -> None:
        nonlocal cut_off
        if not cut_off:
            cut_off = True
            interrupts.interrupt()

    heeded = [one for one in SIGNALS if one is signal.SIGINT or signal.getsignal(one) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def print_anything() -> None:
    """Let no character be one that cannot be printed."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def status_of(error: OSError) -> int:
    """Return the exit status where the output cannot be written; raises the error where it is about anything else."""
    if error.errno not in (*GONE, *_FULL):
        raise error
    print_into_nothing()
    if error.errno in GONE:
        return INTERRUPTED
    return complain(f"the output cannot be written: {error.strerror}", NOT_PROVEN)
