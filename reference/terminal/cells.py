"""Text to the cells of a terminal: made harmless, measured, divided into rows.

Pure.
"""

import re
import unicodedata

# What [CLIENT-9] forbids to write as it is, and lone surrogates, which no output can hold.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f\ud800-\udfff]"
)
# The joiners belong to ordinary writing (emoji, Persian); what they join is legible without them.
_SPELLED = {"\t": "    ", "\u200c": "", "\u200d": ""}
_INDENT = "    "
_NARROWEST = 10


def visible(text: str) -> str:
    """Return text that can be written to a terminal, from any text at all [CLIENT-9].

    HTAB becomes blanks, joiners are left out, all else that is unsafe is spelled, as `<U+001B>`.
    """
    return _UNSAFE.sub(lambda match: _SPELLED.get(match[0], f"<U+{ord(match[0]):04X}>"), text)


def width(text: str) -> int:
    """Return how many cells a harmless text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def fitting(text: str, cells: int) -> int:
    """Return how many characters from the beginning of a harmless text fit into so many cells."""
    if text.isascii():
        return min(len(text), max(cells, 0))
    used = 0
    for place, char in enumerate(text):
        used += _cells(char)
        if used > cells:
            return place
    return len(text)


def rows(text: str, cells: int) -> list[str]:
    """Divide a harmless text into rows of so many cells, at blanks where there are some; nothing is left out.

    Each row but the first is indented: else somebody could fill a row with blanks so that what follows begins
    a row as an announcement does [CLIENT-12].
    """
    cells = max(cells, _NARROWEST)
    divided = []
    while (end := fitting(text, cells)) < len(text):
        end = text.rfind(" ", end // 2, end) + 1 or end
        divided.append(text[:end])
        if len(divided) == 1:
            cells -= len(_INDENT)
        text = text[end:]
    divided.append(text)
    return [_INDENT * (number > 0) + row for number, row in enumerate(divided)]


def _cells(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
