"""The client in a real terminal, as a person sees it."""

import os
import re
import shlex
import signal
import sys

import pytest

from reference.client.texts_en import ENGLISH as TEXTS
from tests.scripted_server import ScriptedServer
from tests.terminal import CLIENT, ENVIRONMENT, Terminal, enter, in_main

# Text of which terminals and libraries do not agree how wide it is.
WRITINGS = {
    "flag": "\U0001f1e9\U0001f1ea",
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "keycap": "1\ufe0f\u20e3",
    "jamo": "\u1112\u1161\u11ab",
    "emoji": "\u2764\ufe0f",
    "no emoji": "\u231a\ufe0e",
    "Devanagari": "\u0915\u094d\u0937\u093f",
    "unassigned": "\U0002fff0",
    "Arabic": "\u0633\u0644\u0627\u0645",
}
UP, LEFT = "\x1b[A", "\x1b[D"


def test_a_conversation(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-10] [CLIENT-11] [CLIENT-12]: one's own words appear once, when they come back."""
    connection = server.welcome()
    terminal.until_typed("Room to enter:")
    terminal.press("B.B.\r")
    connection.expect("B.B.")
    connection.send("ERROR bad-room no")
    terminal.until(lambda: any(line.startswith("! No room can have that name") for line in terminal.lines))
    terminal.until_typed("Room to enter:")
    terminal.press("main\r")
    connection.expect("main")
    enter(connection)
    connection.send("JOINED Bob")
    terminal.until_line("* Bob entered.")
    terminal.press("my own words\r")
    connection.expect("my own words")
    terminal.until_typed("guest-1@main>")
    connection.send("SAID guest-1 my own words", "SAID Bob hi", "ANNOUNCE noon", "NAME Ann", "LEFT Bob lost")
    terminal.until_typed("Ann@main>")
    terminal.until_line("* Bob is gone: the connection was lost.")
    lines = terminal.lines
    start = lines.index("<guest-1> my own words")
    assert sum("my own words" in line for line in lines) == 1
    assert lines[start + 1 : start + 3] == ["<Bob> hi", "*** ANNOUNCEMENT: noon ***"]
    terminal.press("exit\r")
    connection.expect("exit")
    connection.dismiss()
    assert terminal.end() == 0


def test_half_a_line_survives_what_arrives(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-14]."""
    connection = in_main(server, terminal)
    terminal.press("hxllo grüße 你好")
    terminal.until_typed("Ann@main> hxllo grüße 你好")
    for number in range(50):
        connection.send(f"SAID Bob number {number}")
    terminal.until_line("<Bob> number 49")
    terminal.until_typed("Ann@main> hxllo grüße 你好")
    assert [line for line in terminal.lines if "Ann@main>" in line] == [terminal.typed]
    terminal.press(f"\x01\x1b[C\x1b[3~e{LEFT}")
    terminal.until_typed("Ann@main> hello grüße 你好")
    connection.send("SAID Bob last")
    terminal.until_line("<Bob> last")
    terminal.press("\r")
    connection.expect("hello grüße 你好")
    terminal.press(UP)
    terminal.until_typed("Ann@main> hello grüße 你好")


@pytest.mark.parametrize("text", WRITINGS.values(), ids=WRITINGS)
def test_every_writing_stays_whole(server: ScriptedServer, terminal: Terminal, text: str) -> None:
    """[CLIENT-14]: where one types, and where others do; the joiners are not shown."""
    shown = text.replace("\u200d", "")
    connection = in_main(server, terminal)
    terminal.press(f"a{text}b{text}cde")
    terminal.until_typed(f"Ann@main> a{shown}b{shown}cde")
    connection.send(f"SAID Bob <{text}> and more")
    terminal.until_line(f"<Bob> <{shown}> and more")
    terminal.until_typed(f"Ann@main> a{shown}b{shown}cde")
    terminal.press(f"{LEFT * 3}X\r")
    connection.expect(f"a{text}b{text}Xcde")


def test_controls_of_others_do_nothing(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-9]: in every word that a server can send."""
    connection = in_main(server, terminal)
    evil = "\x1b[2J\x1b]0;title\x07\x9b2J\x08\r\x85\u202e"
    shown = "<U+001B>[2J<U+001B>]0;title<U+0007><U+009B>2J<U+0008><U+000D><U+0085><U+202E>"
    lines = ["SAID Bob {}", "SAID {} x", "JOINED {}", "LEFT Bob {}", "NICK {} Bob", "ANNOUNCE {}", "INFO {}"]
    lines += ["ERROR {} x", "ERROR bad-room {}", "MEMBER {}", "MEMBERS {} 1", "PONG {}"]
    for line in lines:
        connection.send(line.format(evil))
    connection.send(f"LIVE {evil} 1", "ROOMS 1", f"NAME {evil}", f"ROOM {evil}", "SAID Bob the end")
    terminal.until_line("<Bob> the end")
    assert terminal.screen.title == ""
    for control in (b"\x1b[2J", b"\x1b]0", b"title\x07", b"J\x08", "\x9b".encode(), "\x85".encode(), "\u202e".encode()):
        assert control not in terminal.output
    seen = re.sub(r"\x1b\[[0-9;]*m", "", terminal.output.decode()).replace("\r\n    ", "")
    assert seen.count(shown) >= len(lines) + 2


def test_a_long_line_is_sent_whole(server: ScriptedServer, terminal: Terminal, editor: str) -> None:
    """[CLIENT-13]: more than the 4095 octets that a terminal's own lines have; it scrolls, or fills the screen."""
    connection = in_main(server, terminal)
    line = "".join(f"{number:04} " for number in range(819)) + "x"
    assert len(line) == 4096
    terminal.press(line)
    terminal.until(lambda: terminal.typed.endswith("0818 x"))
    if editor == "full":
        shown = "".join(terminal.screen.display).rstrip()
        assert len(shown) > 22 * terminal.screen.columns
        assert line.endswith(shown)
    else:
        assert terminal.typed.startswith("Ann@main> ")
    terminal.press("\r")
    connection.expect(line)
    terminal.press(f"{line}x\rshort\r")
    connection.expect("short")
    terminal.until(lambda: any(row.startswith("! Not sent") for row in terminal.lines))


def test_a_line_with_a_control_is_told_and_not_sent(server: ScriptedServer, terminal: Terminal) -> None:
    """[TEXT-7] [CLIENT-13]: one that is pasted, and what is no UTF-8."""
    connection = in_main(server, terminal)
    terminal.press(b"\x1b[200~a\x07b\x1b[201~\r\xff\rfine\r")
    connection.expect("fine")
    terminal.until(lambda: sum(line.startswith("! Not sent") for line in terminal.lines) == 2)


def test_a_paste_arrives_whole(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    lines = [f"line {number} " + "x" * 50 for number in range(2000)]
    terminal.press("\r".join([*lines, "exit", "behind"]))
    connection.expect(*lines, "exit")
    connection.dismiss()
    assert terminal.end() == 0


def test_a_burst_is_shown_in_order_while_keys_are_pressed(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-10] [CLIENT-14]."""
    connection = in_main(server, terminal)
    terminal.press("half ")
    terminal.until_typed("Ann@main> half")
    connection.send(*(f"SAID Bob ({number})" for number in range(20000)))
    terminal.press("a line")
    terminal.until_line("<Bob> (19999)")
    terminal.until_typed("Ann@main> half a line")
    shown = [line for line in terminal.output.decode().splitlines() if "(" in line]
    assert [line.partition("(")[2].partition(")")[0] for line in shown] == list(map(str, range(20000)))
    terminal.press("\r")
    connection.expect("half a line")


def test_another_size(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    terminal.press("typed")
    terminal.until_typed("Ann@main> typed")
    terminal.resize(16, 10)
    terminal.until_typed("> typed")
    connection.send("SAID Bob ten ten ten ten ")
    terminal.until_line("<Bob> ten ten")
    terminal.resize(60, 10)
    terminal.until_typed("Ann@main> typed")


def test_a_narrower_terminal_that_cuts_its_rows_keeps_what_others_said(
    server: ScriptedServer, terminal: Terminal
) -> None:
    """It answers where its cursor is, and nothing above the line is erased for that."""
    connection = in_main(server, terminal)
    connection.send(*(f"SAID Bob {number}" for number in range(5)))
    terminal.until_line("<Bob> 4")
    terminal.press("x" * 25)
    terminal.until_typed(f"Ann@main> {'x' * 25}")
    terminal.resize(20, 24)
    terminal.until(lambda: b"\x1b[6n" in terminal.output)
    terminal.press("y")
    connection.send("SAID Bob 5")
    terminal.until_line("<Bob> 5")
    terminal.until(lambda: "y" in terminal.typed)
    assert [line for line in terminal.lines if line.startswith("<Bob>")] == [f"<Bob> {number}" for number in range(6)]


def test_a_terminal_that_tells_no_size(server: ScriptedServer, editor: str) -> None:
    """As one on a serial line: it is taken for 80 by 24."""
    program = ("sh", "-c", 'stty cols 0 rows 0; exec "$@"', "sh", sys.executable, str(CLIENT))
    arguments = server.address, "--no-times", "--editor", editor
    with Terminal(*arguments, environment=ENVIRONMENT, program=program) as terminal:
        connection = in_main(server, terminal)
        terminal.press("half a line")
        connection.send(f"SAID Bob {'word ' * 20}")
        terminal.until_typed("Ann@main> half a line")
        terminal.press("\r")
        connection.expect("half a line")


def test_a_stopped_client_goes_on(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-14]."""
    connection = in_main(server, terminal)
    terminal.press("half")
    terminal.until_typed("Ann@main> half")
    os.kill(terminal.process, signal.SIGSTOP)
    connection.send("SAID Bob meanwhile")
    os.kill(terminal.process, signal.SIGCONT)
    terminal.until_line("<Bob> meanwhile")
    terminal.until_typed("Ann@main> half")
    terminal.press(" a line\r")
    connection.expect("half a line")


# ---------------------------------------------------------------- how it ends [CLIENT-15] [CLIENT-16] [CLIENT-17]


@pytest.mark.parametrize("keys", ["exit\r", "\x04", "\x03", "half\x03"], ids=["exit", "Ctrl-D", "Ctrl-C", "half"])
def test_leaving(server: ScriptedServer, terminal: Terminal, keys: str) -> None:
    connection = in_main(server, terminal)
    terminal.press(keys)
    connection.expect("exit")
    connection.dismiss()
    assert terminal.end() == 0


def test_a_second_interrupt_does_not_wait(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    terminal.press("\x03")
    connection.expect("exit")
    terminal.press("\x03")
    assert terminal.end() == 0


@pytest.mark.parametrize("keys", ["\x04", "\x03"], ids=["Ctrl-D", "Ctrl-C"])
def test_leaving_without_a_room(server: ScriptedServer, terminal: Terminal, keys: str) -> None:
    connection = server.welcome()
    terminal.until_typed("Room to enter:")
    terminal.press(keys)
    connection.expect("exit")
    connection.dismiss()
    assert terminal.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals(server: ScriptedServer, terminal: Terminal, number: int) -> None:
    in_main(server, terminal)
    os.kill(terminal.process, number)
    assert terminal.end() == 128 + number


def test_the_server_is_gone(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-6]; what was typed is left to be seen."""
    connection = in_main(server, terminal)
    terminal.press("unsent")
    terminal.until_typed("Ann@main> unsent")
    connection.close()
    assert terminal.end() == 1
    place = terminal.lines.index("Ann@main> unsent")
    assert terminal.lines[place + 1].startswith("client.py: The connection")


def test_the_server_dismisses(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-18]."""
    in_main(server, terminal).dismiss("removed")
    assert terminal.end() == 1
    terminal.until_line(f"client.py: {TEXTS.bye['removed']}")


def test_a_shell_has_the_terminal_while_the_client_is_stopped(server: ScriptedServer, editor: str) -> None:
    """[CLIENT-14] [CLIENT-17]: Ctrl-Z, and fg."""
    client = shlex.join([sys.executable, str(CLIENT), server.address, "--editor", editor])
    environment = {**ENVIRONMENT, "PS1": "shell$ "}
    with Terminal("-i", columns=200, environment=environment, program=["/bin/sh"]) as shell:

        def mode(name: str) -> str:
            shell.until_typed("shell$")
            shell.press(f"echo {name}=$(stty -g)\r")
            shell.until(lambda: any(re.fullmatch(rf"{name}=\S+", row) for row in shell.lines))
            return next(row for row in shell.lines if row.startswith(f"{name}=")).partition("=")[2]

        before = mode("before")
        shell.press(f"{client}\r")
        connection = server.welcome("Ann")
        shell.until_typed("Room to enter:")
        shell.press("ma")
        shell.until_typed("Room to enter: ma")
        shell.press("\x1a")
        assert mode("stopped") == before
        shell.press("fg\r")
        shell.until_typed("Room to enter: ma")
        shell.press("in\r")
        connection.expect("main")
        shell.press("\x03")
        connection.expect("exit")
        connection.dismiss()
        assert mode("after") == before


@pytest.mark.parametrize(
    ("environment", "colours", "escapes"),
    [(ENVIRONMENT, True, True), ({**ENVIRONMENT, "NO_COLOR": "1"}, False, True), ({"TERM": "dumb"}, False, False)],
)
def test_colour(server: ScriptedServer, environment: dict[str, str], colours: bool, escapes: bool, editor: str) -> None:
    with Terminal(server.address, "--no-times", "--editor", editor, environment=environment) as terminal:
        connection = in_main(server, terminal)
        connection.send("SAID Bob one")
        terminal.until_line("<Bob> one")
        terminal.press("\x04")
        connection.expect("exit")
        connection.dismiss()
        assert terminal.end() == 0
    assert (b"m<Bob>" in terminal.output) == colours
    assert (b"\x1b" in terminal.output) == escapes


def test_a_password_is_asked_for_and_not_seen(server: ScriptedServer, terminal: Terminal) -> None:
    """[PASS-12] [PASS-13]: nor kept, nor a half one shown when it has turned out that the one before was right."""
    connection = server.accept()
    connection.send("HELLO flurfunk/1 who rooms password", "NAME Ann")
    terminal.until_typed("Password (hidden):")
    terminal.press("0pen sesame\r")
    connection.expect("/password 0pen sesame")
    connection.send("ERROR bad-password no")
    terminal.until(lambda: any(line.startswith("! That is not the password.") for line in terminal.lines))
    terminal.press("Open sesame\rOpen ses")
    connection.expect("/password Open sesame")
    connection.send("ADMITTED")
    terminal.until_typed("Room to enter:")
    terminal.press(f"{UP}main\r")
    connection.expect("main")
    enter(connection)
    terminal.until_typed("Ann@main>")
    terminal.press("exit\r")
    connection.expect("exit")
    connection.dismiss()
    assert terminal.end() == 0
    assert b"ses" not in terminal.output


def test_a_mention_rings_and_stands_out(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    connection.send("SAID Ann Ann says Ann", "SAID Bob nothing")
    terminal.until_line("<Bob> nothing")
    assert b"\x07" not in terminal.output
    connection.send("SAID Bob hello Ann")
    terminal.until_line("<Bob> hello Ann")
    assert terminal.output.count(b"\x07") == 1
    row = terminal.lines.index("<Bob> hello Ann")
    assert terminal.screen.buffer[row][8].bold
    assert not terminal.screen.buffer[row - 1][8].bold


def test_no_bell(server: ScriptedServer, editor: str) -> None:
    with Terminal(server.address, "--no-times", "--editor", editor, "--no-bell", environment=ENVIRONMENT) as terminal:
        in_main(server, terminal).send("SAID Bob hello Ann")
        terminal.until_line("<Bob> hello Ann")
        assert b"\x07" not in terminal.output


def test_times(server: ScriptedServer, editor: str) -> None:
    with Terminal(server.address, "--editor", editor, environment=ENVIRONMENT) as terminal:
        in_main(server, terminal).send("SAID Bob hello", "ANNOUNCE noon")
        terminal.until(lambda: any(re.fullmatch(r"\d\d:\d\d <Bob> hello", row) for row in terminal.lines))
        terminal.until(lambda: any(re.fullmatch(r"\d\d:\d\d \*\*\* .* noon \*\*\*", row) for row in terminal.lines))
        terminal.until_typed("Ann@main>")


def test_a_crowd_is_one_line(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    connection.send(*(f"JOINED {name}" for name in ("Bob", "Cyd", "Dan", "Eve")), "SAID Bob hi", "LEFT Eve lost")
    terminal.until_line("* Eve is gone: the connection was lost.")
    place = terminal.lines.index("<Bob> hi")
    assert terminal.lines[place - 1 : place + 1] == ["* Bob, Cyd and 2 others entered.", "<Bob> hi"]


def test_right_to_left_text_stays_in_its_line(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-9]: letters are shown as they are, what turns the direction is spelled."""
    connection = in_main(server, terminal)
    connection.send("SAID Bob \u202e\u05e9\u05dc\u05d5\u05dd\u2067", "SAID Bob next")
    terminal.until_line("<Bob> next")
    assert "<Bob> <U+202E>\u05e9\u05dc\u05d5\u05dd<U+2067>" in terminal.lines
