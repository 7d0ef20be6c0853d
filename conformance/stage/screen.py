"""The screen of a terminal, and what draws on it what a program prints.

No sequence of a program ends the run: what is unknown here is passed over, as terminals do. The
promises of TERM are kept, and the questions that programs ask a terminal are answered, or passed over where many
terminals do so.
"""

import contextlib
import re
from collections import deque
from collections.abc import Callable
from itertools import islice

import pyte
import pyte.modes
from pyte.screens import Char
from wcwidth import wcwidth

_KEPT_ROWS = 10_000  # of those that have scrolled out
_LONGEST_STRING = 4096  # characters of a string that are kept: such as titles and pictures can be long
_LONGEST_SEQUENCE = 256
_LONGEST_REPEAT = 10_000  # characters
_SEQUENCE = re.compile(
    r"\x1b(?:\[(?P<mark>[<-?]?)(?P<numbers>[0-9:;]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|(?P<short>[ -/]*[0-OQ-WYZ\\`-~]))"
)
_BEGINS_STRING = re.compile(r"\x1b([P\]X^_])")
_ENDS_STRING = re.compile("\x07|\x1b\\\\|[\x18\x1a\x9c]|\x1b(?=[^\\\\])")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)\Z")
_UNSHOWN = re.compile("[\x80-\x9f]")
# The sequences that move, erase or insert: with how many numbers.
_PLAIN = {**dict.fromkeys("@ABCDEFGJKLMPXad`egs", 1), "H": 2, "f": 2, "r": 2, "h": 99, "l": 99}
_WHOLE_SCREEN = {"47", "1047", "1049"}
_SWITCHES = {"1", "7", "25", "2004"}  # modes of which a terminal tells
_FAINTNESS = {0: False, 2: True, 22: False}  # what a number of SGR says of it
_FAINT = "faint "  # before the name of a colour
_OTHER_COLOURS, _BY_NUMBER = (38, 48), 5
_COLOUR = {"10": "ffff/ffff/ffff", "11": "0000/0000/0000", "12": "ffff/ffff/ffff"}  # of text, ground and cursor


class _Cells(dict[str, Char]):
    """The cells of all characters in one look: each is made once, since most characters come again."""

    def __init__(self, look: Char) -> None:
        super().__init__()
        self._look = look

    def __missing__(self, character: str) -> Char:
        cell = self[character] = self._look._replace(data=character)
        return cell


class Screen(pyte.Screen):
    """A screen that keeps the rows that scroll out at its top."""

    def __init__(self, columns: int, rows: int) -> None:
        self.gone: deque[str] = deque(maxlen=_KEPT_ROWS)  # those that are not empty
        self._cells: dict[Char, _Cells] = {}
        super().__init__(columns, rows)

    @property
    def text(self) -> list[str]:
        """The rows on the screen, without blanks at their ends."""
        return [self._text(row) for row in range(self.lines)]

    def draw(self, data: str) -> None:
        """Draw characters: those of ASCII a row at a time, which is much faster than one by one."""
        if pyte.modes.IRM in self.mode or pyte.modes.DECAWM not in self.mode or self.charset:
            self._draw_each(data)
        elif data.isascii() and data.isprintable():
            self._draw_fast(data)
        else:
            self._draw_each(data)

    def _draw_fast(self, data: str) -> None:
        look, cursor = self.cursor.attrs, self.cursor
        cells = self._cells.get(look) or self._cells.setdefault(look, _Cells(look))
        while data:
            if cursor.x == self.columns:
                self.carriage_return()
                self.linefeed()
            part, data = data[: self.columns - cursor.x], data[self.columns - cursor.x :]
            self.buffer[cursor.y].update(enumerate(map(cells.__getitem__, part), cursor.x))
            cursor.x += len(part)

    def _draw_each(self, data: str) -> None:
        """Draw characters of any width: one of none belongs to the one before it, and ends nothing."""
        wide = ""
        for character in data:
            width = wcwidth(character)
            if width > 0:
                wide += character
                continue
            super().draw(wide)
            wide = ""
            if width == 0:
                self._join(character)
        super().draw(wide)

    def _join(self, character: str) -> None:
        """Put a character of no width to the one before the cursor."""
        row, column = self.cursor.y, self.cursor.x - 1
        if column < 0 < row:
            row, column = row - 1, self.columns - 1
        line = self.buffer[row]
        if column > 0 and not line[column].data:  # the second cell of a wide one
            column -= 1
        if column >= 0:
            line[column] = line[column]._replace(data=line[column].data + character)

    def select_graphic_rendition(self, *attributes: int) -> None:
        """Choose how characters look: faint, too, which the library does not know; it is kept with the colour."""
        super().select_graphic_rendition(*attributes)
        left = iter(attributes or (0,))
        for attribute in left:
            if attribute in _OTHER_COLOURS:  # its numbers follow
                deque(islice(left, 1 if next(left, 0) == _BY_NUMBER else 3), 0)
            elif attribute in _FAINTNESS:
                self._faint = _FAINTNESS[attribute]
        look = self.cursor.attrs
        colour = look.fg.removeprefix(_FAINT)
        self.cursor.attrs = look._replace(fg=_FAINT + colour if self._faint else colour)

    def reset(self) -> None:
        """Forget all that was drawn and chosen."""
        self._faint = False
        super().reset()

    def index(self) -> None:
        """Move down, and scroll at the bottom."""
        top, bottom = self.margins or (0, self.lines - 1)
        if self.cursor.y == bottom:
            self._keep(top)
        super().index()

    def scroll(self, count: int) -> None:
        """Scroll up by some rows, or down by `-count`; the cursor stays."""
        top, bottom = self.margins or (0, self.lines - 1)
        row = self.cursor.y
        for _ in range(min(abs(count), self.lines)):
            self.cursor.y = bottom if count > 0 else top
            (self.index if count > 0 else self.reverse_index)()
        self.cursor.y = row

    def back_tab(self, count: int) -> None:
        """Move to a tab stop before the cursor."""
        for _ in range(min(count, self.columns)):
            self.cursor.x = max((stop for stop in self.tabstops if stop < self.cursor.x), default=0)

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Change the size; rows that find no place are at the top."""
        for row in range(max(self.lines - (lines or self.lines), 0)):
            self._keep(row)
        super().resize(lines, columns)

    def _keep(self, row: int) -> None:
        if text := self._text(row):
            self.gone.append(text)

    def _text(self, row: int) -> str:
        cells = self.buffer[row]
        return "".join([cells[column].data for column in range(max(cells, default=-1) + 1)]).rstrip()


class Stream(pyte.ByteStream):
    """The octets that a program prints: text is drawn, sequences are carried out, questions are answered."""

    def __init__(self, screen: Screen, answer: Callable[[bytes], None] = lambda octets: None) -> None:
        """`answer`: gets what the terminal types by itself."""
        super().__init__(screen)
        self.took_whole_screen = False
        self._screen = screen
        self._answer = answer
        self._rest = ""  # of a sequence that has not come whole
        self._string: str | None = None  # the string within which we are, from its kind on
        self._last = " "  # the character that was drawn last
        self._modes: set[str] = {"7", "25"}  # that are set

    def feed(self, data: bytes) -> None:  # type: ignore[override]  # as in pyte
        """Draw what some octets say."""
        text, place = self._rest + self.utf8_decoder.decode(data), 0
        self._rest = ""
        while place < len(text):
            if self._string is not None:
                place = self._read_string(text, place)
                continue
            escape = text.find("\x1b", place)
            self._draw(text[place : escape if escape >= 0 else None])
            if escape < 0:
                return
            if found := _SEQUENCE.match(text, escape):
                with contextlib.suppress(Exception):  # whatever a program prints, the terminal goes on
                    self._carry_out(found)
                place = found.end()
            elif found := _BEGINS_STRING.match(text, escape):
                self._string, place = found[1], found.end()
            elif _UNFINISHED.match(text, escape) and len(text) - escape < _LONGEST_SEQUENCE:
                self._rest = text[escape:]
                return
            else:
                place = escape + 1

    def _draw(self, text: str) -> None:
        if text := _UNSHOWN.sub("", text):
            self._last = text[-1] if text[-1].isprintable() else self._last
            pyte.Stream.feed(self, text)

    def _read_string(self, text: str, place: int) -> int:
        """Read on in a string; return the place after it."""
        assert self._string is not None
        found = _ENDS_STRING.search(text, place)
        if found is None:
            end = len(text) - text.endswith("\x1b")
            self._rest = text[end:]
            self._string = (self._string + text[place:end])[:_LONGEST_STRING]
            return len(text)
        string, self._string = self._string + text[place : found.start()], None
        if found[0] not in "\x18\x1a\x1b":
            self._reply(string, found[0])
        return found.start() if found[0] == "\x1b" else found.end()

    def _reply(self, string: str, end: str) -> None:
        """Answer the question that a string asks, if it is one."""
        if string.startswith("]"):
            words = string[1:].split(";")
            if words[-1] == "?" and words[0] in _COLOUR:
                self._answer(f"\x1b]{words[0]};rgb:{_COLOUR[words[0]]}{end}".encode())
            elif words[-1] == "?" and words[0] == "4" and len(words) == 3:
                self._answer(f"\x1b]4;{words[1]};rgb:8080/8080/8080{end}".encode())
        elif string.startswith(("P$q", "P+q")):  # settings, and what terminfo says
            self._answer(f"\x1bP0{string[1]}r\x1b\\".encode())

    def _carry_out(self, found: re.Match[str]) -> None:
        """Carry out a sequence; raises anything where it is none that makes sense."""
        screen = self._screen
        mark, final = found["mark"], found["final"]
        words = (found["numbers"] or "").split(";")
        if short := found["short"]:
            if short in self.escape:
                getattr(screen, self.escape[short])()
            elif short == "#8":
                screen.alignment_display()
            elif short == "Z":
                self._answer(b"\x1b[?6c")
            return
        if found["between"]:
            if (found["between"], final) == ("$", "p") and mark == "?":
                state = 0 if words[0] not in _SWITCHES else 1 if words[0] in self._modes else 2
                self._answer(f"\x1b[?{words[0]};{state}$y".encode())
            return
        if final == "m":
            if not mark:
                screen.select_graphic_rendition(*(int(word.partition(":")[0] or 0) for word in words))
            return
        if self._asks(mark, words[0], final):
            return
        numbers = [min(int(word or 0), 9999) for word in words]
        if final in "hl" and mark == "?":
            self.took_whole_screen = self.took_whole_screen or (
                final == "h" and bool(_WHOLE_SCREEN.intersection(words))
            )
            (self._modes.update if final == "h" else self._modes.difference_update)(words)
            (screen.set_mode if final == "h" else screen.reset_mode)(*numbers, private=True)
        elif mark and (mark != "?" or final not in "JK"):
            return
        elif final in "ST":
            screen.scroll(max(numbers[0], 1) * (1 if final == "S" else -1))
        elif final == "b":
            screen.draw(self._last * min(max(numbers[0], 1), _LONGEST_REPEAT))
        elif final == "Z":
            screen.back_tab(max(numbers[0], 1))
        elif final in "su":
            (screen.save_cursor if final == "s" else screen.restore_cursor)()
        elif final in _PLAIN:
            getattr(screen, self.csi[final])(*numbers[: _PLAIN[final]])

    def _asks(self, mark: str, number: str, final: str) -> bool:
        """Answer the question that a sequence asks; whether it is one."""
        row, column = self._screen.cursor.y + 1, min(self._screen.cursor.x + 1, self._screen.columns)
        answers = {
            ("", "5", "n"): "\x1b[0n",
            ("", "6", "n"): f"\x1b[{row};{column}R",
            ("?", "6", "n"): f"\x1b[?{row};{column}R",
            ("", "18", "t"): f"\x1b[8;{self._screen.lines};{self._screen.columns}t",
            ("", "19", "t"): f"\x1b[9;{self._screen.lines};{self._screen.columns}t",
            ("", "", "c"): "\x1b[?6c",
            (">", "", "c"): "\x1b[>0;0;0c",
        }
        if answer := answers.get((mark, number if final != "c" or number != "0" else "", final)):
            self._answer(answer.encode())
        return final in "cnt"
