"""Interrupts by a signal, at a moment at which all that was started is known, and can be ended."""

import contextlib
import threading
from collections.abc import Iterator

_held = 0  # how many parts of the main thread are to be done whole
_noted = False


def interrupt() -> None:
    """Raise KeyboardInterrupt, at once or when what is being done whole is done; called by a handler of signals."""
    global _noted
    if _held:
        _noted = True
        return
    raise KeyboardInterrupt


@contextlib.contextmanager
def whole() -> Iterator[None]:
    """Let no signal interrupt what is done here; raise KeyboardInterrupt after it, where one came."""
    global _held, _noted
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread alone
        return
    _held += 1
    try:
        yield
    finally:
        _held -= 1
        if _noted and not _held:
            _noted = False
            raise KeyboardInterrupt
