"""The client in a terminal, with prompt_toolkit: what only this mode has, as a person sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.client.full import Full
from reference.client.history import History
from reference.client.screen import USUAL
from reference.client.session import Show, Style
from reference.client.texts_en import ENGLISH
from tests.reference.client.test_screen import Pty
from tests.scripted_server import ScriptedServer
from tests.terminal import ENVIRONMENT, Terminal, in_main

UP, LEFT = "\x1b[A", "\x1b[D"
# More than two rows of 80 columns, whose cells end with a character that is two wide in no row but the last.
LONG = f"{'half a line ' * 14}grüße 你好 \U0001f600"


@pytest.fixture(params=[80, 40])
def terminal(server: ScriptedServer, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    arguments = server.address, "--no-times", "--editor", "full"
    with Terminal(*arguments, columns=request.param, environment=ENVIRONMENT) as terminal:
        yield terminal


def typed(terminal: Terminal) -> str:
    """Return what stands from the prompt to the end of the cursor's row; the prompt stands there once."""
    rows = terminal.screen.display[: terminal.screen.cursor.y + 1]
    begins = [number for number, row in enumerate(rows) if row.startswith("Ann@main>")]
    return "".join(rows[begins[0] :]).rstrip() if len(begins) == 1 else ""


def until_typed(terminal: Terminal, text: str) -> None:
    """Wait until this is the line, over as many rows as it takes."""
    terminal.until(lambda: typed(terminal) == f"Ann@main> {text}")


def test_a_wrapped_line_stays_whole_below_what_arrives(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-14]: with text left and right of the cursor, which stays where it is."""
    connection = in_main(server, terminal)
    terminal.press(LONG)
    until_typed(terminal, LONG)
    for number in range(100):
        connection.send(f"SAID Bob number {number}")
    terminal.until_line("<Bob> number 99")
    until_typed(terminal, LONG)
    terminal.press(f"{LEFT * 3}x")
    until_typed(terminal, f"{LONG[:-3]}x{LONG[-3:]}")
    connection.send("SAID Bob last")
    terminal.until_line("<Bob> last")
    until_typed(terminal, f"{LONG[:-3]}x{LONG[-3:]}")
    place = terminal.lines.index("<Bob> last")
    assert terminal.lines[place - 1] == "<Bob> number 99"
    assert terminal.lines[place + 1].startswith("Ann@main> half a line")
    terminal.press("\r")
    connection.expect(f"{LONG[:-3]}x{LONG[-3:]}")
    terminal.until_typed("Ann@main>")


def test_a_burst_is_in_order_above_a_wrapped_line(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-10] [CLIENT-14]: none torn, while keys are pressed."""
    connection = in_main(server, terminal)
    terminal.press(LONG)
    until_typed(terminal, LONG)
    connection.send(*(f"SAID Bob ({number})" for number in range(20000)))
    terminal.press(" goes on")
    terminal.until_line("<Bob> (19999)")
    until_typed(terminal, f"{LONG} goes on")
    shown = [line for line in terminal.output.decode().splitlines() if "(" in line]
    assert [line.partition("(")[2].partition(")")[0] for line in shown] == list(map(str, range(20000)))
    terminal.press("\r")
    connection.expect(f"{LONG} goes on")


def test_another_size_with_a_wrapped_line(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    text = "half a line " * 10 + "end"
    terminal.press(text)
    until_typed(terminal, text)
    terminal.resize(60, 24)
    connection.send("SAID Bob narrow")
    terminal.until_line("<Bob> narrow")
    terminal.until(lambda: typed(terminal).endswith(text[-50:]))
    terminal.resize(100, 24)
    connection.send("SAID Bob wide")
    terminal.until_line("<Bob> wide")
    terminal.until(lambda: typed(terminal).endswith(text[-50:]))
    terminal.press("\r")
    connection.expect(text)


def test_completions_are_a_menu(server: ScriptedServer, terminal: Terminal) -> None:
    """Which goes when something else is typed, and stays when something arrives."""
    connection = in_main(server, terminal)
    connection.send("MEMBER Bob", "MEMBERS main 1", "JOINED Bert")
    terminal.until_line("* Bert entered.")

    def menu() -> list[str]:
        return [row.strip() for row in terminal.screen.display[terminal.screen.cursor.y + 1 :] if row.strip()]

    terminal.press("b\t")
    terminal.until_typed("Ann@main> Bert,")
    assert menu() == ["Bert,", "Bob,"]
    connection.send("SAID Cyd hi")
    terminal.until_line("<Cyd> hi")
    terminal.until_typed("Ann@main> Bert,")
    assert menu() == ["Bert,", "Bob,"]
    terminal.press("\t")
    terminal.until_typed("Ann@main> Bob,")
    terminal.press("hi ")
    terminal.until_typed("Ann@main> Bob, hi")
    assert menu() == []
    terminal.press("\r")
    connection.expect("Bob, hi ")


def test_a_name_does_nothing_in_line_and_menu(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-9]: what a server calls somebody, when that is completed."""
    connection = in_main(server, terminal)
    connection.send("MEMBER B\u202e\x1b[2J", "MEMBERS main 1", "JOINED Bert")
    terminal.until_line("* Bert entered.")
    terminal.press("b\t\t")
    terminal.until_typed("Ann@main> B<U+202E><U+001B>[2J,")
    assert terminal.screen.display[terminal.screen.cursor.y + 2].strip() == "B<U+202E><U+001B>[2J,"
    assert "\u202e" not in terminal.output.decode()
    assert b"\x1b[2J" not in terminal.output


def test_a_password_is_nowhere_afterwards(server: ScriptedServer, terminal: Terminal) -> None:
    """[PASS-13]: neither searched, nor brought back when it was erased."""
    connection = server.accept()
    connection.send("HELLO flurfunk/1 password", "NAME Ann")
    terminal.until_typed("Password (hidden):")
    terminal.press("sesame\x15\x12sesame\r")
    connection.expect("/password sesame")
    connection.send("ADMITTED")
    terminal.until_typed("Room to enter:")
    terminal.press(f"\x19{UP}main\r")
    connection.expect("main")
    connection.send("ROOM main")
    terminal.until_typed("Ann@main>")
    assert b"ses" not in terminal.output


def test_without_the_library_there_is_the_own_editor(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "prompt_toolkit.py").write_text("raise ImportError\n")
    environment = {**ENVIRONMENT, "PYTHONPATH": str(tmp_path)}
    with Terminal(server.address, "--no-times", environment=environment) as terminal:
        connection = in_main(server, terminal)
        terminal.press("\x12mai")
        terminal.until_typed("(search: mai)> main")
        terminal.press("\x07exit\r")
        connection.expect("exit")
        connection.dismiss()
        assert terminal.end() == 0


def test_the_library_is_not_imported_where_there_is_no_terminal(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "prompt_toolkit.py").write_text("raise SystemExit('imported')\n")
    environment = {**ENVIRONMENT, "PYTHONPATH": str(tmp_path)}
    with Terminal(server.address, "--editor", "plain", environment=environment) as terminal:
        connection = in_main(server, terminal)
        terminal.press("exit\r")
        connection.expect("exit")
        connection.dismiss()
        assert terminal.end() == 0


KEYS = (*map(chr, range(32)), "abc ", "y", "\x7f", UP, LEFT, "\x1b[Z", "\x1b5", "\x1b<", "\x1b[1;1R")
KEYS += ("\x18(", "\x18)", "\x18e")  # a macro
PASTES = ("\x1b[200~one\x03\x1b[201~", "\x1b[200~one\rtwo\x1b[201~")


@settings(deadline=None)
@given(st.lists(st.sampled_from((*KEYS, *PASTES)), max_size=50), st.booleans())
def test_no_keys_disturb_it(keys: list[str], secret: bool) -> None:
    """It goes on with every key: the next line is taken as it is typed."""
    terminal = Pty()
    full = Full(terminal.out, ENVIRONMENT, USUAL, ENGLISH, History(None), lambda _: (0, ["Bob, ", "Bert, "]))
    full.conceal(secret)
    for key in keys:
        full.feed(key.encode())
        full.show([Show(Style.SAID, "hi", "Bob")], "main> ")
        terminal.taken()
    full.feed(b"n")  # an answer, if something is asked
    full.conceal(not secret)
    assert full.feed(b"hello\r") == [b"hello"]
    full.close()
    terminal.taken()
    terminal.close()
