"""The client in tmux, whose characters are not all as wide as Python's libraries say: the cursor is where one types."""

from collections.abc import Iterator

import pytest

from tests.reference.client.test_terminal import WRITINGS
from tests.scripted_server import Connection, ScriptedServer
from tests.terminal import enter
from tests.tmux import Tmux, needs_tmux

pytestmark = needs_tmux
LEFT, BACKSPACE = "\x1b[D", "\x7f"


@pytest.fixture
def tmux(server: ScriptedServer, editor: str) -> Iterator[Tmux]:
    with Tmux(server.address, "--no-times", "--editor", editor) as tmux:
        yield tmux


def in_main(server: ScriptedServer, tmux: Tmux) -> Connection:
    """Let the client enter main as Ann."""
    connection = server.welcome("Ann")
    tmux.until_typed("Room to enter:")
    tmux.press("main\r")
    connection.expect("main")
    enter(connection)
    tmux.until_typed("Ann@main>")
    return connection


def width(text: str) -> int:
    """Return how wide tmux draws a text: how far the cursor goes when it is the only thing in a row."""
    with Tmux(program=["sh", "-c", 'printf %s "$1"; exec cat', "sh", text]) as other:
        other.until(lambda: other.cursor[0] > 0 or other.ended)
        other.press("!")
        other.until(lambda: other.typed.endswith("!"))
        return other.cursor[0] - 1


@pytest.mark.parametrize("text", WRITINGS.values(), ids=WRITINGS)
def test_the_cursor_stands_where_one_types(server: ScriptedServer, tmux: Tmux, text: str) -> None:
    """[CLIENT-14]: before a line arrives, and after it; and nothing is left of what was there."""
    shown = text.replace("\u200d", "")
    connection = in_main(server, tmux)
    before, all_ = (width(f"Ann@main> {part}") for part in (f"a{shown}b{shown}", f"a{shown}b{shown}cde"))
    tmux.press(f"a{text}b{text}cde")
    tmux.until(lambda: tmux.cursor[0] == all_)
    connection.send("SAID Bob one")
    tmux.until_line("<Bob> one")
    tmux.until(lambda: tmux.cursor[0] == all_)
    tmux.press(LEFT * 3)
    tmux.until(lambda: tmux.cursor[0] == before)
    row = tmux.typed
    connection.send("SAID Bob two")
    tmux.until_line("<Bob> two")
    tmux.until(lambda: tmux.cursor[0] == before)
    assert tmux.typed == row
    assert [line for line in tmux.lines if line.startswith("Ann")] == [row]
    tmux.press("X")
    tmux.until(lambda: tmux.cursor[0] == before + 1)
    tmux.press(BACKSPACE * (len(text) + 1))
    tmux.until_typed(row.replace(f"b{row[row.index('b') + 1 :]}", "bcde"))
    tmux.press("\r")
    connection.expect(f"a{text}bcde")
    tmux.until_typed("Ann@main>")


@pytest.mark.parametrize("text", ["".join(f"{number:02} " for number in range(30)), "hello world"], ids=["90", "11"])
@pytest.mark.parametrize("back", [0, 9])
def test_a_narrower_window_has_the_line_once(server: ScriptedServer, tmux: Tmux, text: str, back: int) -> None:
    """[CLIENT-14]: tmux makes several rows of one that has become too long, as most terminals do."""
    connection = in_main(server, tmux)
    connection.send("SAID Bob one")
    tmux.until_line("<Bob> one")
    tmux.press(text + LEFT * back)
    tmux.until(lambda: tmux.typed.startswith("Ann@main> ") or len(tmux.lines) > 4)
    for columns in (40, 20, 19, 13):
        tmux.resize(columns, 24)
        tmux.press("!")  # when that is drawn, the new size has been dealt with
        tmux.until(lambda: "!" in tmux.typed)
        tmux.press(BACKSPACE)
        tmux.until(lambda: "!" not in tmux.typed)
        tmux.until(lambda columns=columns: _once(tmux, columns))  # type: ignore[misc]
    tmux.resize(80, 24)
    connection.send("SAID Bob two")
    tmux.until_line("<Bob> two")
    assert tmux.lines.count("<Bob> one") == 1
    tmux.press("\r")
    connection.expect(text)


def _once(tmux: Tmux, columns: int) -> bool:
    """Whether the line is there once, directly below what Bob has said, in rows that are so wide.

    Rows that tmux itself has moved out of the screen are beyond anybody's reach.
    """
    rows = tmux.visible
    begins = [place for place, row in enumerate(rows) if row.startswith(("Ann@main>", "> "))]
    if len(begins) != 1 or any(len(row) > columns for row in rows):
        return False
    above = "".join(rows[: begins[0]]).replace(" ", "")
    return "*YouareAnn.*Youareinmain.<Bob>one".endswith(above)


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (1, 24), (2, 2), (3, 1), (9, 3)])
def test_a_terminal_may_be_tiny(server: ScriptedServer, editor: str, columns: int, rows: int) -> None:
    """Even where nearly nothing is to be seen, what is typed is sent, and what comes is shown."""
    line = "hello \u4f60\u597d \U0001f1e9\U0001f1ea"
    with Tmux(server.address, "--no-times", "--editor", editor, columns=columns, rows=rows) as tmux:
        connection = server.welcome("Ann")
        tmux.press("main\r")
        connection.expect("main")
        enter(connection)
        connection.send("SAID Bob hi")
        tmux.press(f"{line}{LEFT}{LEFT}")
        connection.send("SAID Bob ho")
        tmux.press("\r")
        connection.expect(line)
        tmux.resize(80, 24)
        connection.send("SAID Bob wide")
        tmux.until_line("<Bob> wide")
        tmux.until_typed("Ann@main>")
        tmux.press("exit\r")
        connection.expect("exit")
        connection.dismiss()
        tmux.until(lambda: tmux.ended)
