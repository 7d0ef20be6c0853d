"""The line being typed on a terminal: keys in, lines and what is to be seen of the line out.

Pure.  It needs no library, since the standard one's readline can neither be interrupted nor redrawn safely.
"""

import codecs
from collections.abc import Callable

from reference.client import paste
from reference.client.recall import Recall
from reference.client.texts import Texts
from reference.terminal.cells import fitting, visible, width

_ESCAPE, _ENTER, _TAB = "\x1b", "\r", "\t"
_BACKSPACE, _CTRL_D, _CTRL_G, _CTRL_R = "\x7f\x08", "\x04", "\x07", "\x12"
Complete = Callable[[str], tuple[int, list[str]]]


class Editor:
    """A line of text with a cursor, and the lines typed before it."""

    def __init__(self, texts: Texts, recall: Recall, complete: Complete) -> None:
        """`complete`: for the line up to the cursor, where its last word begins, and what can stand there instead."""
        self._texts = texts
        self._recall = recall
        self._complete = complete
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text: list[str] = []
        self._cursor = 0
        self._escape = ""  # the beginning of a key's escape sequence
        self._needle: str | None = None  # what is searched
        self._found: list[str] = []  # what Tab goes round
        self._paste: paste.Paste | None = None  # one that has not ended
        self._asked: list[str] = []  # the lines of a paste which are to be sent or not
        self._news: list[str] = []
        self._lines: list[bytes] = []
        self._secret = False
        self.ended = False  # Ctrl-D on an empty line

    @property
    def text(self) -> str:
        """The line as typed so far; octets that are no UTF-8 stand in it as lone surrogates."""
        return "".join(self._text)

    @property
    def prompt(self) -> str:
        """What the user is asked by the editor itself; mostly nothing."""
        if self._asked:
            return self._texts.prompt_paste.format(count=len(self._asked))
        return "" if self._needle is None else self._texts.prompt_search.format(needle=self._needle)

    def news(self) -> list[str]:
        """Return what is to be shown of a paste, once."""
        news, self._news = self._news, []
        return news

    def feed(self, octets: bytes) -> list[bytes]:
        """Take keys as the terminal sends them; return the lines that they end, as octets without terminator.

        Control characters that are no key here stand in the line: the user sees them and nothing is lost of a paste.
        """
        for char in self._decoder.decode(octets):
            self._key(char)
        lines, self._lines = self._lines, []
        return lines

    def conceal(self, secret: bool) -> None:
        """Neither show nor remember what is typed from here on, or do; what was typed before is dropped [PASS-13]."""
        if secret != self._secret:
            self._secret = secret
            self._asked = []
            self._begin()

    def finish(self) -> list[bytes]:
        """Take that the terminal is gone; a line that was not ended is not a line."""
        return []

    def view(self, cells: int) -> tuple[str, str]:
        """Return what is to be seen left and right of the cursor, in so many cells; a longer line is scrolled."""
        if self._secret:
            return "", ""
        left = visible("".join(self._text[: self._cursor]))
        step = max(cells // 2, 1)
        beyond = width(left) - max(cells, 1)
        if beyond >= 0:
            left = left[fitting(left, (beyond // step + 1) * step) :]
        right = visible("".join(self._text[self._cursor :]))
        return left, right[: fitting(right, cells - width(left))]

    # ------------------------------------------------------------ keys

    def _key(self, char: str) -> None:
        if char != _TAB:
            self._found = []
        if self._paste:
            self._pasted(self._paste, char)
        elif self._escape:
            self._in_escape(char)
        elif char == _ESCAPE:
            self._escape = char
        elif self._asked:
            self._answered(char)
        elif self._needle is not None:
            self._seek(self._needle, char)
        elif char in _KEYS:
            _KEYS[char](self)
        else:
            self._insert(char)

    def _insert(self, text: str) -> None:
        self._text[self._cursor : self._cursor] = text
        self._cursor += len(text)

    def _in_escape(self, char: str) -> None:
        begun, self._escape = self._escape[1:], ""
        if not begun and char not in "[O":
            self._key(char)  # Alt and a key: the key
        elif not begun or (begun[0] == "[" and "\x20" <= char <= "\x3f"):
            self._escape = _ESCAPE + begun + char
        else:
            # With Shift or Ctrl, a letter's sequence has parameters: the key is the same.
            name = begun[0] + char if char.isalpha() else begun + char
            if not self._asked:
                self._needle = None
                _SEQUENCES.get(name, _nothing)(self)

    def _enter(self) -> None:
        self._lines.append(self.text.encode("utf-8", "surrogateescape"))
        if not self._secret:
            self._recall.add(self.text)
        self._begin()

    def _begin(self) -> None:
        self._recall.begin()
        self._needle = None
        self._set("")

    def _set(self, text: str) -> None:
        self._text = list(text)
        self._cursor = len(text)

    # ------------------------------------------------------------ pasting

    def _begin_paste(self) -> None:
        if not self._secret:
            self._paste = paste.Paste()

    def _pasted(self, pasted: paste.Paste, char: str) -> None:
        if not pasted.feed(char):
            return
        self._paste = None
        lines = pasted.lines()
        if len(lines) == 1:
            self._insert(lines[0])
            return
        lines[0] = "".join(self._text[: self._cursor]) + lines[0]
        lines[-1] += "".join(self._text[self._cursor :])
        for line in lines:
            self._recall.add(line)  # whatever the answer is, they can be gone back to
        self._begin()
        self._asked = lines
        self._news += paste.told(lines, self._texts.more_lines)

    def _answered(self, char: str) -> None:
        """Take an answer to whether the lines of a paste are to be sent; any other key is none."""
        if char in self._texts.yes:
            self._lines += [line.encode("utf-8", "surrogateescape") for line in self._asked]
            self._asked = []
        elif char in self._texts.no or char in (_CTRL_D, _CTRL_G):
            self._asked = []

    # ------------------------------------------------------------ completing, going back, searching

    def _tab(self) -> None:
        if not self._found:
            start, found = self._complete("".join(self._text[: self._cursor]))
            if self._secret or not found:
                self._insert(_TAB)  # a text may have it, and that of a paste is not to lose it
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

    def _older(self) -> None:
        self._set(self._recall.go(-1, self.text))

    def _newer(self) -> None:
        self._set(self._recall.go(1, self.text))

    # ------------------------------------------------------------ moving and erasing

    def _left(self) -> None:
        self._cursor = max(self._cursor - 1, 0)

    def _right(self) -> None:
        self._cursor = min(self._cursor + 1, len(self._text))

    def _home(self) -> None:
        self._cursor = 0

    def _end(self) -> None:
        self._cursor = len(self._text)

    def _delete(self) -> None:
        del self._text[self._cursor : self._cursor + 1]

    def _delete_or_end(self) -> None:
        if self._text:
            self._delete()
        else:
            self.ended = True

    def _erase(self, start: int) -> None:
        del self._text[start : self._cursor]
        self._cursor = start

    def _backspace(self) -> None:
        self._erase(max(self._cursor - 1, 0))

    def _erase_before(self) -> None:
        self._erase(0)

    def _erase_word(self) -> None:
        before = "".join(self._text[: self._cursor]).rstrip()
        self._erase(len(before) - len(before.split(" ")[-1]))

    def _erase_behind(self) -> None:
        del self._text[self._cursor :]


def _nothing(_: Editor) -> None:
    """A key without a meaning here; Ctrl-L needs none, since every key redraws."""


_KEYS: dict[str, Callable[[Editor], None]] = {
    _ENTER: Editor._enter,
    "\n": Editor._enter,
    "\x7f": Editor._backspace,
    "\x08": Editor._backspace,
    "\x01": Editor._home,
    "\x02": Editor._left,
    _CTRL_D: Editor._delete_or_end,
    "\x05": Editor._end,
    "\x06": Editor._right,
    "\x0b": Editor._erase_behind,
    "\x0c": _nothing,
    _TAB: Editor._tab,
    _CTRL_R: Editor._search,
    "\x0e": Editor._newer,
    "\x10": Editor._older,
    "\x15": Editor._erase_before,
    "\x17": Editor._erase_word,
}
_LETTERS: dict[str, Callable[[Editor], None]] = {
    "A": Editor._older,
    "B": Editor._newer,
    "C": Editor._right,
    "D": Editor._left,
    "H": Editor._home,
    "F": Editor._end,
}
_SEQUENCES: dict[str, Callable[[Editor], None]] = {
    **{start + letter: action for letter, action in _LETTERS.items() for start in "[O"},
    "[1~": Editor._home,
    "[7~": Editor._home,
    "[4~": Editor._end,
    "[8~": Editor._end,
    "[3~": Editor._delete,
    paste.BEGIN: Editor._begin_paste,
}
