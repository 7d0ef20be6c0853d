"""The screen of the user: lines, made harmless, above the line being typed or, without a terminal, one by one."""

import io
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from reference.client.editor import Editor
from reference.client.moments import moment
from reference.client.render import Bell, render
from reference.client.session import Show, Style
from reference.terminal.cells import visible
from reference.terminal.line import Line, columns, is_dumb, write

NARROW_PROMPT = "> "


class Look(NamedTuple):
    """The user's wishes for the look of lines; None: as is usual where they are written."""

    times: bool | None = None
    colours: bool | None = None
    bell: bool | None = None


USUAL = Look()


class Screen(Protocol):
    """Where a session is shown.  Both methods raise OSError when what they write to is gone."""

    def show(self, shows: Sequence[Show], prompt: str) -> None:
        """Show lines, in this order, and what the user is asked for now; no lines: only redraw."""

    def close(self) -> None:
        """Leave the place clean for whoever writes next."""


class PlainScreen:
    """Lines and no more, for a pipe, a file, or a terminal that is not typed on."""

    def __init__(
        self, out: io.RawIOBase, environment: Mapping[str, str], look: Look = USUAL, echoed: bool = False
    ) -> None:
        """`echoed`: the terminal itself has shown what the user said [CLIENT-11]."""
        self._out = out
        self._echoed = echoed
        self._writer = Writer(out, environment, look)

    def show(self, shows: Sequence[Show], prompt: str) -> None:
        """Write the lines; on a terminal, divided as it is wide."""
        cells = columns(self._out) if self._out.isatty() else None
        shown = [show for show in shows if not (self._echoed and show.style is Style.OWN)]
        write(self._out, self._writer.written(shown, cells))

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

    def __init__(self, out: io.RawIOBase, environment: Mapping[str, str], editor: Editor, look: Look = USUAL) -> None:
        """`editor`: holds the line being typed, which is drawn anew whenever something is shown [CLIENT-14]."""
        self._out = out
        self._editor = editor
        self._line = Line(out, environment, editor.view)
        self._prompt = ""
        self._writer = Writer(out, environment, look)
        self._bell = Bell(look.bell is not False)

    def show(self, shows: Sequence[Show], prompt: str) -> None:
        """Write the lines where the typed one stood, and that one below them, all at one stroke."""
        self._prompt = visible(prompt)
        if self._editor.column:
            self._line.located(self._editor.column)
            self._editor.column = 0
        begin = self._bell.ring(shows, time.monotonic())
        self._line.show(begin + self._writer.written(shows, columns(self._out)), *self._prompts)

    def close(self) -> None:
        """Remove the prompt; what was typed and not sent is left to be seen."""
        if self._editor.text:
            self._line.leave(*self._prompts)
        else:
            self._line.remove()

    @property
    def _prompts(self) -> tuple[str, ...]:
        question = visible(self._editor.prompt)
        return prompts(question, self._prompt, self._editor.secret)


def prompts(question: str, prompt: str, secret: bool) -> tuple[str, ...]:
    """Return what can stand before the typed line, see Line.show.

    `question`: of the editor itself; mostly nothing.  `prompt`: what the session asks for.  `secret`: nothing is seen
    of what is typed.  A question has to be seen in a narrow terminal too, and so has why nothing is seen [PASS-13].
    """
    if asked := prompt if secret else question:
        return (asked,)
    return prompt, NARROW_PROMPT


class Writer:
    """How lines look on one output."""

    def __init__(self, out: io.RawIOBase, environment: Mapping[str, str], look: Look) -> None:
        terminal = out.isatty()
        wanted = not environment.get("NO_COLOR") if look.colours is None else look.colours
        self.colour = terminal and wanted and not is_dumb(environment)
        self._times = terminal if look.times is None else look.times

    def written(self, shows: Sequence[Show], cells: int | None) -> str:
        now = time.strftime("%H:%M ") if self._times else ""
        return "".join(render(show, self.colour, cells, moment(show.time) or now) for show in shows)
