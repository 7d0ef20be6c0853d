"""What the user sees: lines, made harmless, above the line being typed or, without a terminal, one by one."""

import io
import os
import select
import zlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from reference.client import texts
from reference.client.session import Show, Style
from reference.terminal.cells import rows, visible, width
from reference.terminal.editor import Editor

# No name and no text can begin a line in one of these ways: a speaker stands in angle brackets [CLIENT-12].
_PREFIXES = {Style.EVENT: "* ", Style.INFO: "- ", Style.ANNOUNCE: "*** ", Style.ERROR: "! "}
# Select Graphic Rendition: faint, bold on yellow, red.
_COLOURS = {Style.EVENT: "2", Style.INFO: "2", Style.ANNOUNCE: "1;30;43", Style.ERROR: "31"}
_OWN_NAME = "1"
_NAMES = ("32", "33", "34", "35", "36")
_USUAL_COLUMNS = 80


class Screen(Protocol):
    """Where a session is shown.  Both methods raise OSError when what they write to is gone."""

    def show(self, shows: Sequence[Show], prompt: str) -> None:
        """Show lines, in this order, and what the user is asked for now; no lines: only redraw."""

    def close(self) -> None:
        """Leave the place clean for whoever writes next."""


class PlainScreen:
    """Lines and no more, for a pipe, a file, or a terminal that is not typed on."""

    def __init__(self, out: io.RawIOBase, environment: Mapping[str, str], echoed: bool = False) -> None:
        """`echoed`: the terminal itself has shown what the user said [CLIENT-11]."""
        self._out = out
        self._echoed = echoed
        self._colour = _has_colour(out, environment)

    def show(self, shows: Sequence[Show], prompt: str) -> None:
        """Write the lines; on a terminal, divided as it is wide."""
        columns = _columns(self._out) if self._out.isatty() else None
        shown = [show for show in shows if not (self._echoed and show.style is Style.OWN)]
        _write(self._out, "".join(_render(show, self._colour, columns) for show in shown))

    def close(self) -> None:
        """Nothing: every line was written whole."""


class NoScreen:
    """Nobody looks any more."""

    def show(self, shows: Sequence[Show], prompt: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class TerminalScreen:
    """Lines above the one that is being typed, which takes one row and scrolls sideways."""

    def __init__(self, out: io.RawIOBase, environment: Mapping[str, str], editor: Editor) -> None:
        """`editor`: holds the line being typed, which is drawn anew whenever something is shown [CLIENT-14]."""
        self._out = out
        self._editor = editor
        self._prompt = ""
        self._colour = _has_colour(out, environment)
        self._dumb = _is_dumb(environment)

    def show(self, shows: Sequence[Show], prompt: str) -> None:
        """Write the lines where the typed one stood, and that one below them, all at one stroke."""
        self._prompt = visible(prompt)
        columns = _columns(self._out)
        lines = "".join(_render(show, self._colour, columns) for show in shows)
        _write(self._out, self._erased(columns) + lines + self._typed(columns))

    def close(self) -> None:
        """Remove the prompt; what was typed and not sent is left to be seen."""
        columns = _columns(self._out)
        _write(self._out, self._erased(columns) + (self._typed(columns) + "\n" if self._editor.text else ""))

    def _erased(self, columns: int) -> str:
        return f"\r{' ' * (columns - 1)}\r" if self._dumb else "\r\x1b[K"

    def _typed(self, columns: int) -> str:
        prompt = self._prompt if width(self._prompt) <= columns // 2 else texts.PROMPT_NARROW
        # The last column stays free: a character there makes some terminals begin a row.
        left, right = self._editor.view(columns - 1 - width(prompt))
        back = "\r" + prompt + left if right else ""
        return prompt + left + right + back


def _render(show: Show, colour: bool, columns: int | None) -> str:
    """Return a line as it is written, LF included; `columns`: None where rows have no width."""
    speaker = f"<{visible(show.speaker)}>" if show.speaker else ""
    text = (f"{speaker} " if speaker else _PREFIXES[show.style]) + visible(show.text)
    divided = [text] if columns is None else rows(text, columns - 1)
    if colour and not speaker:
        divided = [f"\x1b[{_COLOURS[show.style]}m{row}\x1b[0m" for row in divided]
    elif colour and divided[0].startswith(speaker):
        name = _OWN_NAME if show.style is Style.OWN else _NAMES[zlib.crc32(speaker.encode()) % len(_NAMES)]
        divided[0] = f"\x1b[{name}m{speaker}\x1b[0m{divided[0].removeprefix(speaker)}"
    return "\n".join(divided) + "\n"


def _has_colour(out: io.RawIOBase, environment: Mapping[str, str]) -> bool:
    return out.isatty() and not environment.get("NO_COLOR") and not _is_dumb(environment)


def _is_dumb(environment: Mapping[str, str]) -> bool:
    return environment.get("TERM", "") in ("", "dumb")


def _columns(out: io.RawIOBase) -> int:
    try:
        return os.get_terminal_size(out.fileno()).columns or _USUAL_COLUMNS
    except OSError:
        return _USUAL_COLUMNS


def _write(out: io.RawIOBase, text: str) -> None:
    octets = text.encode()
    while octets:
        written = out.write(octets)
        if written is None:  # another program made the terminal non-blocking
            select.select([], [out], [])
        octets = octets[written or 0 :]
