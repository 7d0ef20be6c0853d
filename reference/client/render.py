"""From lines to be shown to text to be written: prefixes, colours, times, rows.

Pure.
"""

import zlib
from collections.abc import Sequence

from reference.client.session import Show, Style
from reference.terminal.cells import INDENT, rows, visible

# No name and no text can begin a line in one of these ways: a speaker stands in angle brackets [CLIENT-12].
_PREFIXES = {Style.EVENT: "* ", Style.INFO: "- ", Style.ANNOUNCE: "*** ", Style.ERROR: "! ", Style.PAST: "*** "}
# Select Graphic Rendition: faint, bold on yellow, red, bold in yellow.
_COLOURS = {Style.EVENT: "2", Style.INFO: "2", Style.ANNOUNCE: "1;30;43", Style.ERROR: "31", Style.MENTION: "1;33"}
_COLOURS |= {Style.PRIVATE: "1;35", Style.TOLD: "35", Style.PAST: "2"}
_OWN_NAME = "1"
_NAMES = ("32", "33", "34", "35", "36")
_TIME = "2"
_ALARMING = (Style.MENTION, Style.ANNOUNCE, Style.PRIVATE)
_BETWEEN_BELLS = 1.0  # seconds


def render(show: Show, colour: bool, columns: int | None, time: str = "") -> str:
    """Return a line as it is written, LF included.

    `columns`: None where rows have no width.  `time`: what stands before it, a blank at its end.
    """
    speaker = f"<{visible(show.speaker)}>" if show.speaker else f"[{visible(show.label)}]" if show.label else ""
    text = time + (f"{speaker} " if speaker else _PREFIXES[show.style]) + visible(show.text)
    # Without colours, what a user says must not look like the second row of an event either.
    indent = INDENT if speaker or colour else _PREFIXES[show.style].ljust(len(INDENT))
    divided = [text] if columns is None else rows(text, columns - 1, indent)
    if colour:
        divided = [_coloured(row, show.style, speaker, "" if number else time) for number, row in enumerate(divided)]
    return "\n".join(divided) + "\n"


def _coloured(row: str, style: Style, speaker: str, time: str) -> str:
    row = row.removeprefix(time)
    begin = _in(_TIME, time)
    if speaker and row.startswith(speaker) and style not in (Style.PAST, Style.PRIVATE, Style.TOLD):
        own = style is Style.OWN
        begin += _in(_OWN_NAME if own else _NAMES[zlib.crc32(speaker.encode()) % len(_NAMES)], speaker)
        row = row.removeprefix(speaker)
    return begin + _in(_COLOURS.get(style, ""), row)


def _in(colour: str, text: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and text else text


class Bell:
    """Rings when the user is mentioned and at announcements, at most once in a second."""

    def __init__(self, wanted: bool) -> None:
        """`wanted`: else it never rings."""
        self._wanted = wanted
        self._silent_until = 0.0

    def ring(self, shows: Sequence[Show], now: float) -> str:
        """Return what rings because of these lines, or nothing; `now`: seconds of a clock that never goes back."""
        if not self._wanted or now < self._silent_until or not any(show.style in _ALARMING for show in shows):
            return ""
        self._silent_until = now + _BETWEEN_BELLS
        return "\a"
