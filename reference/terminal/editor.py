"""The line being typed on a terminal: keys in, lines and what is to be seen of the line out.

Pure.  It needs no library, since the standard one's readline can neither be interrupted nor redrawn safely.
"""

import codecs
import re
from collections.abc import Callable, Sequence

from reference.terminal import paste
from reference.terminal.cells import fitting, visible, width
from reference.terminal.recall import Recall

_ESCAPE = "\x1b"
_PLACE = re.compile(r"\[[0-9]{1,5};([0-9]{1,5})R", re.ASCII)

# The text left of the cursor -> what can stand in the place of its last word; None: there, Tab does nothing.
Completer = Callable[[str], Sequence[str] | None]


class Editor:
    """A line of text with a cursor, and the lines typed before it."""

    def __init__(
        self,
        complete: Completer = lambda text: None,
        recall: Recall | None = None,
        words: paste.Words = paste.ENGLISH,
    ) -> None:
        """`complete`: what Tab does; what it returns begins as the last word does, upper and lower case aside.

        `recall`: the lines typed before; none if not given.  `words`: in which it asks about a paste.
        """
        self._complete = complete
        self._recall = recall or Recall()
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text: list[str] = []
        self._cursor = 0
        self._escape = ""  # the beginning of a key's escape sequence
        self._lines: list[bytes] = []
        self._secret = False
        self._paste: paste.Paste | None = None  # one that has not ended
        self._question = paste.Question(words, self._recall)
        self.ended = False  # Ctrl-D on an empty line
        self.column = 0  # of the cursor, from 1, where the terminal has answered that to whoever asked; 0: not yet
        self.choices: Sequence[str] = ()  # where Tab does not know which one is meant; until the next keys

    @property
    def text(self) -> str:
        """The line as typed so far; octets that are no UTF-8 stand in it as lone surrogates."""
        return "".join(self._text)

    @property
    def secret(self) -> bool:
        """Whether nothing of the line is to be seen."""
        return self._secret

    @property
    def prompt(self) -> str:
        """The question that the editor itself asks the user; mostly empty."""
        return self._question.prompt

    def news(self) -> list[str]:
        """Return what is to be shown of a paste, once."""
        return self._question.news()

    def feed(self, octets: bytes) -> list[bytes]:
        """Take keys as the terminal sends them; return the lines that they end, as octets without terminator.

        Control characters that are no key here stand in the line: the user sees them and nothing is lost of a paste.
        """
        self.choices = ()
        for char in self._decoder.decode(octets):
            self._key(char)
        lines, self._lines = self._lines, []
        return lines

    def conceal(self, secret: bool) -> None:
        """Neither show nor remember what is typed from here on, or do; what was typed before is dropped [PASS-13]."""
        if secret != self._secret:
            self._question.lines = []
            if self._paste:
                self._paste.dropped = True
            self._secret = secret
            self._begin()

    def finish(self) -> list[bytes]:
        """Take that the terminal is gone; a line that was not ended is not a line."""
        return []

    def view(self, cells: int) -> tuple[str, str]:
        """Return what is to be seen left and right of the cursor, in so many cells; a longer line is scrolled."""
        if self._secret or cells < 1:
            return "", ""
        left = visible("".join(self._text[: self._cursor]))
        step = max(cells // 2, 1)
        beyond = width(left) - cells
        if beyond >= 0:
            left = left[fitting(left, (beyond // step + 1) * step) :]
        right = visible("".join(self._text[self._cursor :]))
        return left, right[: fitting(right, cells - width(left))]

    # ------------------------------------------------------------ keys

    def _key(self, char: str) -> None:
        if self._paste:
            self._pasted(self._paste, char)
        elif self._escape:
            self._in_escape(char)
        elif char == _ESCAPE:
            self._escape = char
        elif self._question.lines:
            self._lines += [line.encode("utf-8", "surrogateescape") for line in self._question.answered(char)]
        elif char in _KEYS:
            _KEYS[char](self)
        else:
            self._insert(char)

    def _in_escape(self, char: str) -> None:
        begun, self._escape = self._escape[1:], ""
        if not begun and char not in "[O":
            self._key(char)  # Alt and a key: the key
        elif not begun or (begun[0] == "[" and "\x20" <= char <= "\x3f"):
            self._escape = _ESCAPE + begun + char
        elif place := _PLACE.fullmatch(begun + char):
            self.column = int(place[1])
        else:
            # With Shift or Ctrl, a letter's sequence has parameters: the key is the same.
            name = begun[0] + char if char.isalpha() else begun + char
            self._sequence(name)

    def _sequence(self, name: str) -> None:
        """Do what a key does whose escape sequence ends with `name`."""
        if self._question.lines:
            return
        if name == paste.BEGIN:
            self._paste = paste.Paste()
        else:
            _SEQUENCES.get(name, _nothing)(self)

    def _pasted(self, pasted: paste.Paste, char: str) -> None:
        if not pasted.feed(char):
            return
        self._paste = None
        if pasted.dropped:
            return
        if self._secret:
            self._pasted_secret(pasted.text)
            return
        line = self._question.pasted(
            pasted.text, "".join(self._text[: self._cursor]), "".join(self._text[self._cursor :])
        )
        if self._question.lines:
            self._begin()
        else:
            self._insert(line)

    def _pasted_secret(self, text: str) -> None:
        """Take what was pasted as it is: nothing of it is to be seen, and so nothing is asked."""
        first, *more = paste.split(text)
        self._insert(first)
        for line in more:
            self._enter()
            self._insert(line)

    def _insert(self, text: str) -> None:
        self._text[self._cursor : self._cursor] = text
        self._cursor += len(text)

    def _tab(self) -> None:
        before = "".join(self._text[: self._cursor])
        choices = None if self._secret else self._complete(before)
        if choices is None:
            return
        word = before.split(" ")[-1]
        common = _common([choice.lower() for choice in choices])
        if len(choices) == 1 or common > len(word):
            self._erase(len(before) - len(word))
            self._insert(choices[0][:common] + " " * (len(choices) == 1))
        else:
            self.choices = choices

    def _enter(self) -> None:
        self._lines.append(self.text.encode("utf-8", "surrogateescape"))
        if not self._secret:
            self._recall.add(self.text)
        self._begin()

    def _begin(self) -> None:
        self._recall.begin()
        self._set("")

    def _set(self, text: str) -> None:
        self._text = list(text)
        self._cursor = len(text)

    def _older(self) -> None:
        self._set(self._recall.go(-1, self.text))

    def _newer(self) -> None:
        self._set(self._recall.go(1, self.text))

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


def _common(words: list[str]) -> int:
    """Return how many characters all words have in common at their beginnings."""
    differing = (place for place, chars in enumerate(zip(*words, strict=False)) if len(set(chars)) > 1)
    return next(differing, min(map(len, words), default=0))


def _nothing(_: Editor) -> None:
    """A key without a meaning here; Ctrl-L needs none, since every key redraws."""


_KEYS: dict[str, Callable[[Editor], None]] = {
    "\r": Editor._enter,
    "\n": Editor._enter,
    "\x7f": Editor._backspace,
    "\x08": Editor._backspace,
    "\t": lambda editor: editor._tab(),  # the client's does something else
    "\x01": Editor._home,
    "\x02": Editor._left,
    "\x04": Editor._delete_or_end,
    "\x05": Editor._end,
    "\x06": Editor._right,
    "\x0b": Editor._erase_behind,
    "\x0c": _nothing,
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
}
