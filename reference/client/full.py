"""The line being typed as prompt_toolkit edits it, and lines above it: the full mode of the client on a terminal.

The library's own loop is not run: keys go in when the runner has read them, and what is to be seen comes out when the
runner shows something. So there is nothing that can happen at the same time, and no mode of the terminal but KeyMode's.
"""

import asyncio
import atexit
import codecs
import io
import time
from bisect import bisect
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, groupby

from prompt_toolkit import PromptSession
from prompt_toolkit.application.current import get_app_session
from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.clipboard import InMemoryClipboard
from prompt_toolkit.completion import Completion, DummyCompleter
from prompt_toolkit.data_structures import Size
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import DummyInput
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings, KeyPress, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.search import stop_search

from reference.client.editor import Complete
from reference.client.history import History
from reference.client.render import Bell
from reference.client.screen import Look, Writer, prompts
from reference.client.session import Show
from reference.client.texts import Texts
from reference.terminal.cells import visible
from reference.terminal.line import ERASED, shortened, size, write
from reference.terminal.narrowing import Narrowing
from reference.terminal.paste import Question, split
from reference.terminal.recall import Recall


class Full:
    """Both what the user sees (see Screen) and what makes lines of keys (see Lines)."""

    def __init__(
        self,
        out: io.RawIOBase,
        environment: Mapping[str, str],
        look: Look,
        texts: Texts,
        history: History,
        complete: Complete,
    ) -> None:
        """`out`: a terminal that understands escape sequences; `history`, `complete`: see Recall and Editor."""
        self._out = out
        self._writer = Writer(out, environment, look)
        self._bell = Bell(look.bell is not False)
        self._complete = complete
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._presses: deque[KeyPress] = deque()
        self._parser = Vt100Parser(self._presses.append)
        self._lines: list[str] = []
        self._prompt = ""
        self._secret = False
        self._dropped = False  # nothing is to become of the paste that has not ended [PASS-15]
        self.ended = False  # Ctrl-D on an empty line
        self._narrowing = Narrowing()
        typed = history.lines()
        memory = InMemoryHistory(typed)

        def remember(text: str) -> None:
            memory.append_string(text)
            history.add(text)

        self._recall = Recall(typed, remember)
        self._question = Question(texts.paste, self._recall)
        self._drawn = io.StringIO()
        self._session: PromptSession[None] = PromptSession(
            lambda: [("", self._asked)],
            history=memory,
            key_bindings=self._bindings(),
            input_processors=[_Harmless(lambda: self._secret)],
            completer=DummyCompleter(),  # with none, no room is left for the menu
            complete_while_typing=False,
            validate_while_typing=False,
            color_depth=None if self._writer.colour else ColorDepth.DEPTH_1_BIT,
            input=DummyInput(),
            output=_Output(self._drawn, self._size, term=environment["TERM"], enable_bell=False, enable_cpr=False),
        )
        self._app = self._session.app
        self._app.timeoutlen = None  # type: ignore[assignment]  # as the library documents: never wait for more keys
        self._app.loop = self._loop = asyncio.new_event_loop()
        atexit.register(self._loop.close)
        get_app_session().app = self._app
        self._buffer = self._session.default_buffer
        self._buffer.accept_handler = self._accept
        self._buffer.auto_suggest = None  # it is one that suggests nothing, but has to be awaited
        self._begin()

    # ------------------------------------------------------------ keys in, lines out

    def feed(self, octets: bytes) -> list[bytes]:
        """Take keys; return the lines that they end, see Lines."""
        self._parser.feed(self._decoder.decode(octets))
        while self._presses:
            self._press(self._presses.popleft())
        lines, self._lines = self._lines, []
        return [line.encode("utf-8", "surrogateescape") for line in lines]

    def finish(self) -> list[bytes]:
        """A line that was not ended is not a line."""
        return []

    def news(self) -> list[str]:
        """Return what is to be shown of a paste, once."""
        return self._question.news()

    def conceal(self, secret: bool) -> None:
        """Neither show nor remember what is typed from here on, or do; what was typed before is dropped [PASS-13]."""
        if secret != self._secret:
            self._secret = secret
            self._dropped = getattr(self._parser, "_in_bracketed_paste", False)
            self._question.lines = []
            self._session.clipboard = InMemoryClipboard()
            self._app.key_processor.reset()
            self._app.emacs_state.reset()
            self._app.emacs_state.macro = []
            stop_search()
            self._begin()

    def _press(self, press: KeyPress) -> None:
        """Do what a key does; a text that came at once is typed at once, which is a hundred times faster."""
        if press.key is Keys.CPRResponse:
            self._narrowing.answered(self._size().columns, int(press.data[:-1].partition(";")[2]))
            return
        if self._question.lines:
            self._lines += self._question.answered(press.data)
            return
        processor = self._app.key_processor
        text = press.data
        while len(press.key) == 1 and not processor.key_buffer and self._presses and len(self._presses[0].key) == 1:
            text += self._presses.popleft().data
        processor.feed(KeyPress(press.key, text))
        processor.process_keys()

    def _accept(self, buffer: Buffer) -> bool:
        """Take the line that Enter ends."""
        self._lines.append(buffer.text)
        if not self._secret:
            self._recall.add(buffer.text)
        self._begin()
        return True

    def _begin(self) -> None:
        """Begin a line, behind all that were typed before."""
        self._buffer.reset()
        self._buffer.load_history_if_not_yet_loaded()
        self._settle()

    def _settle(self) -> None:
        """Let the library do what it has put off: to bring the lines that were typed before, and nothing else."""
        self._loop.run_until_complete(asyncio.sleep(0))

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        typing = Condition(lambda: has_focus(self._buffer)())
        secret = Condition(lambda: self._secret)
        dropped = Condition(lambda: self._dropped)

        @bindings.add("c-d", filter=typing & Condition(lambda: not self._buffer.text))
        def end(event: KeyPressEvent) -> None:
            self.ended = True

        @bindings.add("c-c", filter=typing)
        def insert(event: KeyPressEvent) -> None:
            """Take the character, which is part of a paste: the key is a signal."""
            self._buffer.insert_text(event.data)

        @bindings.add("tab", filter=typing)
        def tab(event: KeyPressEvent) -> None:
            self._tab()

        @bindings.add(Keys.BracketedPaste, filter=dropped)
        def drop(event: KeyPressEvent) -> None:
            self._dropped = False

        @bindings.add(Keys.BracketedPaste, filter=~secret & ~dropped)
        def paste(event: KeyPressEvent) -> None:
            here = event.current_buffer.document
            line = self._question.pasted(event.data, here.text_before_cursor, here.text_after_cursor)
            if self._question.lines:
                stop_search()
                self._begin()
            else:
                event.current_buffer.insert_text(line)

        @bindings.add(Keys.BracketedPaste, filter=secret & ~dropped)
        def paste_secret(event: KeyPressEvent) -> None:
            first, *more = split(event.data)
            self._buffer.insert_text(first)
            for line in more:
                self._accept(self._buffer)
                self._buffer.insert_text(line)

        @bindings.add("c-r", filter=secret)
        @bindings.add("c-s", filter=secret)
        def search(event: KeyPressEvent) -> None:
            """Nothing: it would be seen."""

        return bindings

    def _tab(self) -> None:
        """Put the likeliest word in the place of the one that was begun, and the next one at the next Tab."""
        if self._buffer.complete_state:
            self._buffer.complete_next()
            return
        document = self._buffer.document
        before = document.text_before_cursor
        start, found = self._complete(before)
        if self._secret or not found:
            return
        words = [Completion(word, start - len(before), display=visible(word)) for word in found]
        self._buffer.complete_state = CompletionState(document, words)
        self._buffer.complete_next()
        if len(words) == 1:
            self._buffer.complete_state = None

    # ------------------------------------------------------------ what is seen

    def show(self, shows: Sequence[Show], prompt: str) -> None:
        """Write the lines where the typed one stood, and that one below them, all at one stroke."""
        self._prompt = visible(prompt)
        size = self._size()
        self._session.output.write_raw(self._narrowing.question(size.columns, bool(shows)))
        self._erase()
        rung = self._bell.ring(shows, time.monotonic())
        self._session.output.write_raw(rung + self._writer.written(shows, size.columns))
        self._app.renderer.render(self._app, self._app.layout)
        self._place_cursor(size.columns)
        self._write()

    def close(self) -> None:
        """Remove the prompt; what was typed and not sent is left to be seen."""
        self._buffer.complete_state = None
        self._erase()
        if self._buffer.text:
            self._app.renderer.render(self._app, self._app.layout, is_done=True)
        self._write()

    def _erase(self) -> None:
        """Erase the line.

        It is drawn anew each time, not where it differs: that would go by how wide the library thinks that characters
        are, and there the terminal may be of another opinion.  So it begins where all agree, in the first column.
        """
        self._session.output.write_raw("\r")
        self._app.renderer.erase()
        if above := self._narrowing.above():
            self._session.output.write_raw(f"\x1b[{above}A{ERASED}")

    def _place_cursor(self, columns: int) -> None:
        """Bring the cursor right behind what stands left of it, however wide the terminal has drawn that."""
        renderer, output = self._app.renderer, self._session.output
        screen = renderer.last_rendered_screen
        if not screen:
            return
        place = screen.get_cursor_position(self._app.layout.current_window)
        rows = [screen.data_buffer[number] for number in range(place.y + 1)]
        widths = [max((x + 1 for x, cell in row.items() if cell.char.strip()), default=0) for row in rows]
        self._narrowing.drawn(columns, widths, place.x)
        # Nothing stands in the second cell of a wide character.
        cells = [rows[-1][column] for column in range(place.x) if rows[-1][column].char]
        if all(cell.char.isascii() for cell in cells):
            return
        output.disable_autowrap()
        output.write_raw("\r")
        for style, alike in groupby(cells, lambda cell: cell.style):
            output.set_attributes(renderer.style.get_attrs_for_style_str(style), self._app.color_depth)
            output.write("".join(cell.char for cell in alike))
        output.reset_attributes()
        output.enable_autowrap()

    @property
    def _asked(self) -> str:
        """The text before the typed line."""
        return shortened(prompts(self._question.prompt, self._prompt, self._secret), self._size().columns)

    def _size(self) -> Size:
        columns, rows = size(self._out)
        return Size(rows, columns)

    def _write(self) -> None:
        self._settle()
        self._session.output.flush()
        drawn = self._drawn.getvalue()
        self._drawn.seek(0)
        self._drawn.truncate()
        write(self._out, drawn)


class _Output(Vt100_Output):
    """Erases as the other editor does, see ERASED."""

    def erase_down(self) -> None:
        """Erase the row and all below it; the library does so in the first column."""
        self.write_raw(ERASED)


class _Harmless(Processor):
    """Shows what is typed as what others wrote is shown [CLIENT-9], and nothing of a password [PASS-13]."""

    def __init__(self, secret: Callable[[], bool]) -> None:
        self._secret = secret

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Return what is to be seen, and which place in it belongs to which in the text, and the other way round."""
        if self._secret():
            return Transformation([], lambda _: 0, lambda _: 0)
        typed = explode_text_fragments(transformation_input.fragments)
        shown: StyleAndTextTuples = [(style, visible(char)) for style, char, *_ in typed]
        places = [0, *accumulate(len(text) for _, text, *_ in shown)]
        end = len(typed)
        return Transformation(
            shown,
            lambda place: places[min(place, end)] + max(place - end, 0),
            lambda place: bisect(places, place) - 1,
        )
