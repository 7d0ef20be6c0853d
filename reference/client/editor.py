"""The line being typed on the client's terminal: besides what every line can, searching and completing.

Pure.
"""

from collections.abc import Callable

from reference.client.texts import Texts
from reference.terminal import editor
from reference.terminal.recall import Recall

_ESCAPE, _TAB = "\x1b", "\t"
_BACKSPACE, _CTRL_G, _CTRL_R = "\x7f\x08", "\x07", "\x12"
Complete = Callable[[str], tuple[int, list[str]]]


class Editor(editor.Editor):
    """A line of text with a cursor, and the lines typed before it."""

    def __init__(self, texts: Texts, recall: Recall, complete: Complete) -> None:
        """`complete`: for the line up to the cursor, where its last word begins, and what can stand there instead."""
        super().__init__(recall=recall, words=texts.paste)
        self._texts = texts
        self._instead = complete
        self._needle: str | None = None  # what is searched
        self._found: list[str] = []  # what Tab goes round

    @property
    def prompt(self) -> str:
        """The words that are searched, or the question that the editor itself asks the user; mostly empty."""
        if self._needle is not None:
            return self._texts.prompt_search.format(needle=self._needle)
        return super().prompt

    # ------------------------------------------------------------ keys

    def _key(self, char: str) -> None:
        if char != _TAB:
            self._found = []
        if self._paste or self._escape or char == _ESCAPE or self._question.lines:
            super()._key(char)
        elif self._needle is not None:
            self._seek(self._needle, char)
        elif char == _CTRL_R:
            self._search()
        else:
            super()._key(char)

    def _sequence(self, name: str) -> None:
        if not self._question.lines:
            self._needle = None
        super()._sequence(name)

    def _begin(self) -> None:
        self._needle = None
        super()._begin()

    # ------------------------------------------------------------ completing, going back, searching

    def _tab(self) -> None:
        if not self._found:
            start, found = self._instead("".join(self._text[: self._cursor]))
            if self._secret or not found:
                return
            self._found = [*found, "".join(self._text[start : self._cursor])]
        else:
            start = self._cursor - len(self._found[-1])
        self._erase(start)
        self._insert(self._found[0])
        self._found = [*self._found[1:], self._found[0]]

    def _search(self) -> None:
        if not self._secret:
            self._needle = ""

    def _seek(self, needle: str, char: str) -> None:
        if char == _CTRL_G:
            self._needle = None
            self._set(self._recall.leave(self.text))
        elif char == _CTRL_R:
            self._set(self._recall.find(needle, self.text, older=True))
        elif char in _BACKSPACE:
            self._needle = needle[:-1]
        elif char < " ":
            self._needle = None
            self._key(char)
        else:
            self._needle = needle + char
            self._set(self._recall.find(self._needle, self.text, older=False))
