"""The client in a terminal: completing, going back, pasting, ignoring, logging, as a person sees it."""

import re
from pathlib import Path

import pytest

from reference.client.texts_en import ENGLISH as TEXTS
from tests.reference.client.test_terminal import UP
from tests.scripted_server import ScriptedServer
from tests.terminal import ENVIRONMENT, Terminal, in_main


def paste(terminal: Terminal, text: str) -> None:
    """Paste as a terminal does that was told to mark it."""
    assert b"\x1b[?2004h" in terminal.output
    terminal.press(f"\x1b[200~{text}\x1b[201~")


def test_completing(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    connection.send("MEMBER Bob", "MEMBERS main 1", "JOINED Bert", "LIVE library 1", "ROOMS 1")
    terminal.until(lambda: any("library" in row for row in terminal.lines))
    terminal.press("b\t")
    terminal.until_typed("Ann@main> Bert,")
    terminal.press("\t")
    terminal.until_typed("Ann@main> Bob,")
    terminal.press("hi be\t\r")
    connection.expect("Bob, hi Bert ")
    terminal.press("/r\t\x7f\r/cd li\t\r")
    connection.expect("/rooms", "/cd library")


def test_who_was_there_before_is_completed(server: ScriptedServer, terminal: Terminal) -> None:
    """Nobody has told of them: the client has asked, and shows nothing of that."""
    connection = in_main(server, terminal)
    terminal.press("/cd attic\r")
    connection.expect("/cd attic")
    connection.send("ROOM attic")
    connection.expect("/who")
    connection.send("MEMBER Carla", "MEMBER Ann", "MEMBERS attic 2", "SAID Ann x")
    terminal.until_line("<Ann> x")
    terminal.press("c\t")
    terminal.until_typed("Ann@attic> Carla,")
    assert [row for row in terminal.lines if "Carla" in row] == [terminal.typed]


def test_tab_is_no_part_of_what_is_said(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    terminal.press("\tno\tbody\t\r")
    connection.expect("nobody")


def test_searching(server: ScriptedServer, terminal: Terminal, editor: str) -> None:
    """In the full mode, Enter ends the search, and Enter sends what was found."""
    found = "(reverse-i-search)`app': an apple" if editor == "full" else "(search: app)> an apple"
    connection = in_main(server, terminal)
    terminal.press("an apple\ra pear\r\x12app")
    connection.expect("an apple", "a pear")
    terminal.until_typed(found)
    connection.send("SAID Bob meanwhile")
    terminal.until_line("<Bob> meanwhile")
    terminal.until_typed(found)
    terminal.press("\r\r" if editor == "full" else "\r")
    connection.expect("an apple")
    terminal.until_typed("Ann@main>")


def test_what_was_typed_is_there_in_the_next_run(server: ScriptedServer, tmp_path: Path, editor: str) -> None:
    environment = {**ENVIRONMENT, "XDG_STATE_HOME": str(tmp_path)}
    for keys, sent in (("an apple\r", "an apple"), (f"{UP}{UP}{UP} again\r", "an apple again")):
        with Terminal(server.address, "--no-times", "--editor", editor, environment=environment) as terminal:
            connection = in_main(server, terminal)
            terminal.press(f"{keys}exit\r")
            connection.expect(sent, "exit")
            connection.dismiss()
            assert terminal.end() == 0
    assert "an apple again" in (tmp_path / "flurfunk" / "history").read_text().splitlines()


def test_a_password_is_not_remembered(server: ScriptedServer, tmp_path: Path, editor: str) -> None:
    """[PASS-13]."""
    environment = {**ENVIRONMENT, "XDG_STATE_HOME": str(tmp_path)}
    with Terminal(server.address, "--no-times", "--editor", editor, environment=environment) as terminal:
        connection = server.accept()
        connection.send("HELLO flurfunk/1 password", "NAME Ann")
        terminal.until_typed("Password (hidden):")
        terminal.press("secret\r")
        connection.expect("/password secret")
        connection.send("ADMITTED")
        terminal.until_typed("Room to enter:")
        terminal.press("/password secret\rmain\r")
        connection.expect("/password secret", "main")
    assert (tmp_path / "flurfunk" / "history").read_text() == "main\n"


def test_a_paste_is_asked_about(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    paste(terminal, "one\ntwo\r\n\tthree\n")
    terminal.until_typed("Send 3 lines? (y/n)")
    place = terminal.lines.index("- one")
    assert terminal.lines[place : place + 3] == ["- one", "- two", "-     three"]
    connection.send("SAID Bob meanwhile")
    terminal.until_line("<Bob> meanwhile")
    terminal.until_typed("Send 3 lines? (y/n)")
    terminal.press("y")
    connection.expect("one", "two", "\tthree")
    terminal.until_typed("Ann@main>")


def test_a_question_is_seen_in_a_narrow_terminal_too(server: ScriptedServer, terminal: Terminal) -> None:
    """It takes more than half of the row, which no other prompt does."""
    in_main(server, terminal)
    paste(terminal, "x\n" * 100)
    terminal.until_typed("Send 100 lines? (y/n)")


def test_the_password_is_asked_for_in_a_narrow_terminal_too(server: ScriptedServer, editor: str) -> None:
    """[PASS-13]: who sees nothing of what is typed has to see why."""
    options = ("--editor", editor, "--language", "de")
    with Terminal(server.address, *options, columns=40, environment=ENVIRONMENT) as terminal:
        server.accept().send("HELLO flurfunk/1 password", "NAME guest-1")
        terminal.until_typed("Passwort (unsichtbar):")


def test_a_refused_paste_is_not_lost(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    paste(terminal, "one\ntwo")
    terminal.until_typed("Send 2 lines? (y/n)")
    terminal.press("n")
    terminal.until_typed("Ann@main>")
    terminal.press(f"{UP}{UP}")
    terminal.until_typed("Ann@main> one")
    terminal.press("\r")
    connection.expect("one")


@pytest.mark.parametrize("keys", ["exit\r", "\x03"], ids=["exit", "Ctrl-C"])
def test_marking_of_pastes_ends_with_the_client(server: ScriptedServer, terminal: Terminal, keys: str) -> None:
    """[CLIENT-17]."""
    connection = in_main(server, terminal)
    terminal.press(keys)
    connection.expect("exit")
    connection.dismiss()
    assert terminal.end() == 0
    assert terminal.output.rindex(b"\x1b[?2004l") > terminal.output.rindex(b"\x1b[?2004h")


def test_a_question_can_be_left(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-15]."""
    connection = in_main(server, terminal)
    paste(terminal, "one\ntwo")
    terminal.until_typed("Send 2 lines? (y/n)")
    terminal.press("\x03")
    connection.expect("exit")
    connection.dismiss()
    assert terminal.end() == 0


def test_habits_and_ignoring(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    terminal.press("/quit\r/ignore Bob\r")
    terminal.until_line("! Not sent: type exit to leave.")
    terminal.until(lambda: any(row.startswith("* You no longer see what Bob says.") for row in terminal.lines))
    connection.send("SAID Bob Ann!", "SAID Cyd hello")
    terminal.until_line("<Cyd> hello")
    assert not any("<Bob>" in row for row in terminal.lines)
    assert b"\x07" not in terminal.output
    terminal.press("/ignore bob\r")
    terminal.until_line("* You see what bob says again.")
    connection.send("SAID Bob hello")
    terminal.until_line("<Bob> hello")


def test_logging(server: ScriptedServer, terminal: Terminal, tmp_path: Path) -> None:
    connection = in_main(server, terminal)
    terminal.press(f"/log {tmp_path}\r")
    terminal.until(lambda: any(row.startswith("! Cannot write to") for row in terminal.lines))
    path = tmp_path / "log"
    terminal.press(f"/log {path}\r")
    terminal.until(lambda: any(row.startswith("* From now on, ") for row in terminal.lines))
    connection.send("SAID Bob hello Ann", "JOINED Cyd")
    terminal.until_line("* Cyd entered.")
    terminal.press("/log\r")
    terminal.until(lambda: any(row.startswith("* Nothing more is written") for row in terminal.lines))
    connection.send("SAID Bob not this")
    terminal.until_line("<Bob> not this")
    lines = [re.sub(r"^[\d-]+ \d\d:\d\d ", "", line) for line in path.read_text().splitlines()]
    assert lines[1:3] == ["<Bob> hello Ann", "* Cyd entered."]
    assert not any("not this" in line for line in lines)


def test_help_lists_what_there_is(server: ScriptedServer, editor: str) -> None:
    with Terminal(server.address, "--no-times", "--editor", editor, columns=100, environment=ENVIRONMENT) as terminal:
        connection = in_main(server, terminal)
        terminal.press("/help\r")
        connection.expect("/help")
        for line in TEXTS.help:
            terminal.until_line(f"- {line}")
