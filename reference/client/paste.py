"""What is pasted at one stroke: its lines, and asking before several are sent.

Pure.
"""

import re
from collections.abc import Sequence

BEGIN, END = "[200~", "[201~"  # what a terminal sends around it, behind an escape
_MOST_SHOWN = 10  # lines


class Paste:
    """Takes characters until the paste ends."""

    def __init__(self) -> None:
        self._text: list[str] = []

    def feed(self, char: str) -> bool:
        """Take a character; return whether the paste has ended."""
        self._text.append(char)
        return char == END[-1] and "".join(self._text[-len(END) - 1 :]) == f"\x1b{END}"

    def lines(self) -> list[str]:
        """Return the lines; what ends the last one begins no other."""
        lines = re.split(r"\r\n|\r|\n", "".join(self._text[: -len(END) - 1]))
        return lines if len(lines) == 1 or lines[-1] else lines[:-1]


def told(lines: Sequence[str], more: str) -> list[str]:
    """Return the lines as the user is shown them before they are sent; `more`: says how many are left out."""
    if len(lines) <= _MOST_SHOWN:
        return list(lines)
    left_out = len(lines) - _MOST_SHOWN + 1
    return [*lines[: -left_out - 1], more.format(count=left_out), lines[-1]]
