"""Text to the cells of a terminal: made harmless, measured, divided into rows.

Pure.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import accumulate

# The characters that [CLIENT-9] forbids to write as they are, and lone surrogates, which no output can hold.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f\ud800-\udfff]"
)
# The joiners belong to ordinary writing (emoji, Persian); what they join is legible without them.
_SPELLED = {"\t": "    ", "\u200c": "", "\u200d": ""}
INDENT = "    "
# A blank, or what is not ASCII, ends it: hence a row that a terminal itself begins within one looks like no event.
_LINK = re.compile(r"https?://[!#-;=?-~]+")
_NARROWEST = 10
_EMOJI = "\ufe0f"  # after a character: it is to look like an emoji, which many terminals draw in two cells
# Characters that Unicode 16 made wide, and halves of flags: two cells in some terminals, one in others.
_WIDER = re.compile("[\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff\U0001d300-\U0001d376\U0001f1e6-\U0001f1ff]")


def visible(text: str) -> str:
    """Return text that can be written to a terminal, from any text at all [CLIENT-9].

    HTAB becomes blanks, joiners are left out, all else that is unsafe is spelled, as `<U+001B>`.
    """
    return _UNSAFE.sub(lambda match: _SPELLED.get(match[0], f"<U+{ord(match[0]):04X}>"), text)


def width(text: str) -> int:
    """Return how many cells a harmless text takes; where terminals differ, in the one that draws it the widest."""
    return len(text) if text.isascii() else sum(_cells(text))


def fitting(text: str, cells: int) -> int:
    """Return how many characters from the beginning of a harmless text fit into so many cells, see `width`."""
    if text.isascii():
        return min(len(text), max(cells, 0))
    return next((place for place, used in enumerate(accumulate(_cells(text))) if used > cells), len(text))


def rows(text: str, cells: int, indent: str = INDENT) -> list[str]:
    """Divide a harmless text into rows of so many cells, at blanks where there are some; nothing is left out.

    A link is never divided: one that is longer than a row makes its row longer, and the terminal wraps that.
    Each row but the first begins with `indent`: else somebody could fill a row with blanks so that what follows begins
    a row as an announcement does [CLIENT-12].  Nor does the terminal begin one within a row: where terminals differ in
    how wide they draw a character, the widest counts.
    """
    cells = max(cells, _NARROWEST)
    divided = []
    following = cells - len(indent)
    while (end := fitting(text, cells)) < len(text):
        end = _end(text, end, following)
        divided.append(text[:end])
        text, cells = text[end:], following
    if text or not divided:
        divided.append(text)
    return [indent * (number > 0) + row for number, row in enumerate(divided)]


def _end(text: str, end: int, cells: int) -> int:
    """Return where the row ends that has room for so many characters, if the next one has room for so many cells."""
    for link in _LINK.finditer(text):
        if link.start() < end < link.end():
            moves = link.start() and len(link[0]) <= cells
            return link.start() if moves else link.end()
    return text.rfind(" ", end // 2, end) + 1 or end


def _cells(text: str) -> Iterable[int]:
    return map(_most_cells, text, text[1:] + " ")


def _most_cells(char: str, following: str) -> int:
    """Return how many cells a character takes in a terminal of today at most.

    East Asia's ambiguous characters are not taken for wide, as some terminals can be told to draw them: Greek and
    Cyrillic are among them, whose rows would be half as long for everybody.
    """
    category = unicodedata.category(char)
    # The terminal may know of a later Unicode what is not assigned in Python's.
    if following == _EMOJI or category == "Cn" or _WIDER.match(char):
        return 2
    if category in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
