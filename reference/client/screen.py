"""What the user sees: lines, made harmless, above the line being typed or, without a terminal, one by one."""

import io
import zlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from reference.client import texts
from reference.client.session import Show, Style
from reference.terminal.cells import rows, visible
from reference.terminal.editor import Editor
from reference.terminal.line import Line, columns, is_dumb, write

# No name and no text can begin a line in one of these ways: a speaker stands in angle brackets [CLIENT-12].
_PREFIXES = {Style.EVENT: "* ", Style.INFO: "- ", Style.ANNOUNCE: "*** ", Style.ERROR: "! "}
# Select Graphic Rendition: faint, bold on yellow, red.
_COLOURS = {Style.EVENT: "2", Style.INFO: "2", Style.ANNOUNCE: "1;30;43", Style.ERROR: "31"}
_OWN_NAME = "1"
_NAMES = ("32", "33", "34", "35", "36")


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
        cells = columns(self._out) if self._out.isatty() else None
        shown = [show for show in shows if not (self._echoed and show.style is Style.OWN)]
        write(self._out, "".join(_render(show, self._colour, cells) for show in shown))

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
        self._line = Line(out, environment, editor.view)
        self._prompt = ""
        self._colour = _has_colour(out, environment)

    def show(self, shows: Sequence[Show], prompt: str) -> None:
        """Write the lines where the typed one stood, and that one below them, all at one stroke."""
        self._prompt = visible(prompt)
        cells = columns(self._out)
        self._line.show("".join(_render(show, self._colour, cells) for show in shows), *self._prompts)

    def close(self) -> None:
        """Remove the prompt; what was typed and not sent is left to be seen."""
        if self._editor.text:
            self._line.show("", *self._prompts)
            write(self._out, "\n")
        else:
            self._line.remove()

    @property
    def _prompts(self) -> tuple[str, str]:
        return self._prompt, texts.PROMPT_NARROW


def _render(show: Show, colour: bool, cells: int | None) -> str:
    """Return a line as it is written, LF included; `cells`: None where rows have no width."""
    speaker = f"<{visible(show.speaker)}>" if show.speaker else ""
    text = (f"{speaker} " if speaker else _PREFIXES[show.style]) + visible(show.text)
    divided = [text] if cells is None else rows(text, cells - 1)
    if colour and not speaker:
        divided = [f"\x1b[{_COLOURS[show.style]}m{row}\x1b[0m" for row in divided]
    elif colour and divided[0].startswith(speaker):
        name = _OWN_NAME if show.style is Style.OWN else _NAMES[zlib.crc32(speaker.encode()) % len(_NAMES)]
        divided[0] = f"\x1b[{name}m{speaker}\x1b[0m{divided[0].removeprefix(speaker)}"
    return "\n".join(divided) + "\n"


def _has_colour(out: io.RawIOBase, environment: Mapping[str, str]) -> bool:
    return out.isatty() and not environment.get("NO_COLOR") and not is_dumb(environment)
