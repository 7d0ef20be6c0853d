"""The day and time of words that were said before."""

import time


def moment(milliseconds: int) -> str:
    """Return a time since 1970 in local time, with a blank after it; nothing for 0, and where there is no such day."""
    try:
        return time.strftime("%Y-%m-%d %H:%M ", time.localtime(milliseconds / 1000)) if milliseconds else ""
    except (OverflowError, ValueError, OSError):
        return ""
