"""A paste at one stroke: its lines, and asking before several are typed.

Pure.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from reference.terminal.recall import Recall

BEGIN, END = "[200~", "[201~"  # what a terminal sends around it, behind an escape
_MOST_SHOWN = 10  # lines
_CTRL_D, _CTRL_G = "\x04", "\x07"


class Words(NamedTuple):
    """The texts of the question; braces are filled by `str.format`."""

    prompt: str
    yes: str  # the keys that mean it
    no: str
    more: str


ENGLISH = Words("Enter these {count} lines? (y/n) ", "yY", "nN", "... ({count} lines more) ...")


class Paste:
    """Takes characters until the paste ends."""

    def __init__(self) -> None:
        self.dropped = False  # nothing is to become of it [PASS-15]
        self._text: list[str] = []

    def feed(self, char: str) -> bool:
        """Take a character; return whether the paste has ended."""
        self._text.append(char)
        return char == END[-1] and "".join(self._text[-len(END) - 1 :]) == f"\x1b{END}"

    @property
    def text(self) -> str:
        """The pasted text, after the paste has ended."""
        return "".join(self._text[: -len(END) - 1])


class Question:
    """Whether the lines of a paste are to be taken as typed."""

    def __init__(self, words: Words, recall: Recall) -> None:
        """`recall`: gets the lines whatever the answer is: they can be gone back to."""
        self._words = words
        self._recall = recall
        self._news: list[str] = []
        self.lines: list[str] = []  # those that are asked about; none: nothing is asked

    @property
    def prompt(self) -> str:
        """The question to the user; mostly empty."""
        return self._words.prompt.format(count=len(self.lines)) if self.lines else ""

    def pasted(self, text: str, left: str, right: str) -> str:
        """Take what was pasted between two texts; return it where it is one line, or else ask."""
        lines = _lines(text)
        if len(lines) == 1:
            return lines[0]
        lines[0] = left + lines[0]
        lines[-1] += right
        for line in lines:
            self._recall.add(line)
        self.lines = lines
        self._news += told(lines, self._words.more)
        return ""

    def answered(self, key: str) -> list[str]:
        """Take a key; return the lines if they are to be taken.  Keys that are no answer do nothing."""
        lines = self.lines if key and key in self._words.yes else []
        if lines or (key and key in self._words.no + _CTRL_D + _CTRL_G):
            self.lines = []
        return lines

    def news(self) -> list[str]:
        """Return what is to be shown of a paste, once."""
        news, self._news = self._news, []
        return news


def split(text: str) -> list[str]:
    """Return the lines of a paste; the last one is not ended, and may be empty."""
    return re.split(r"\r\n|\r|\n", text)


def _lines(text: str) -> list[str]:
    """Return the lines of a paste; what ends the last one begins no other."""
    lines = split(text)
    return lines if len(lines) == 1 or lines[-1] else lines[:-1]


def told(lines: Sequence[str], more: str) -> list[str]:
    """Return the lines as the user is shown them before they are taken; `more`: says how many are left out."""
    if len(lines) <= _MOST_SHOWN:
        return list(lines)
    left_out = len(lines) - _MOST_SHOWN + 1
    return [*lines[: -left_out - 1], more.format(count=left_out), lines[-1]]
