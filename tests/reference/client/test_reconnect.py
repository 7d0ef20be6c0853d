"""The client in a terminal loses its server, and comes back."""

import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from reference.client.texts_en import ENGLISH as TEXTS
from tests.reference.client.test_cli import Client
from tests.scripted_server import DEADLINE, Connection, ScriptedServer
from tests.terminal import ENVIRONMENT, Terminal, enter, in_main


@pytest.fixture(params=[80, 40])
def terminal(server: ScriptedServer, editor: str, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    options = ("--no-times", "--reconnect", "--editor", editor)
    with Terminal(server.address, *options, columns=request.param, environment=ENVIRONMENT) as terminal:
        yield terminal


def until_said(terminal: Terminal, start: str) -> None:
    """Wait for a row that begins so."""
    terminal.until(lambda: any(row.startswith(start) for row in terminal.lines))


def back_in_main(server: ScriptedServer, terminal: Terminal) -> Connection:
    """Let the client come back."""
    connection = server.welcome("guest-7")
    connection.expect("/nick Ann", "/cd main")
    connection.send("NAME Ann")
    enter(connection)
    until_said(terminal, "* You are back in main as Ann.")
    return connection


def test_it_comes_back_and_nothing_typed_is_lost(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-6] [CLIENT-14]."""
    connection = in_main(server, terminal)
    terminal.press("half")
    terminal.until_typed("Ann@main> half")
    connection.close()
    until_said(terminal, "! The connection to the server was")
    terminal.until_typed("(offline)> half")
    terminal.press(" a line\rand another\r")
    terminal.until_line("* Kept until you are back: and another")
    terminal.press("later")
    connection = back_in_main(server, terminal)
    connection.expect("half a line", "and another")
    terminal.until_typed("Ann@main> later")
    terminal.press("\r")
    connection.expect("later")
    terminal.press("exit\r")
    connection.expect("exit")
    connection.dismiss()
    assert terminal.end() == 0


def test_several_losses(server: ScriptedServer, terminal: Terminal) -> None:
    in_main(server, terminal).close()
    server.accept().close()  # no greeting
    connection = server.welcome("guest-7")
    connection.expect("/nick Ann", "/cd main")
    connection.close()
    back_in_main(server, terminal).dismiss("shutdown")
    back_in_main(server, terminal)


def test_a_name_that_the_lost_connection_still_has_is_asked_for_again(
    server: ScriptedServer, terminal: Terminal
) -> None:
    in_main(server, terminal).close()
    connection = server.welcome("guest-2")
    connection.expect("/nick Ann", "/cd main")
    connection.send("ERROR name-taken no")
    enter(connection)
    terminal.until_typed("guest-2@main>")
    connection.expect("/nick Ann")
    connection.send("ERROR name-taken not yet")
    connection.expect("/nick Ann")
    connection.send("NAME Ann")
    terminal.until_typed("Ann@main>")
    terminal.until_line("* You are now called Ann.")
    assert not any("not yet" in line for line in terminal.lines)


def test_a_server_that_is_started_anew(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    host, port = server.address.split(":")
    server.close()
    connection.dismiss("shutdown")
    until_said(terminal, f"* Nothing listens at {host}:{port}"[:39])
    with socket.create_server((host, int(port))) as listening:
        listening.settimeout(DEADLINE)
        again = Connection(listening.accept()[0])
        again.send("HELLO flurfunk/1", "NAME guest-1")
        again.expect("/nick Ann", "/cd main")
        again.send("NAME Ann", "ROOM main")
        terminal.until_typed("Ann@main>")
        again.close()


def say_in_vain(server: ScriptedServer, terminal: Terminal) -> None:
    """Let the client lose a server that does not come back, and keep what is typed then."""
    connection = in_main(server, terminal)
    server.close()
    connection.close()
    terminal.until_typed("(offline)>")
    terminal.press("in vain\r")
    terminal.until_line("* Kept until you are back: in vain")


@pytest.mark.parametrize("keys", ["exit\r", "\x04", "\x03"], ids=["exit", "Ctrl-D", "Ctrl-C"])
def test_leaving_while_it_waits_is_at_once(server: ScriptedServer, terminal: Terminal, keys: str) -> None:
    """[CLIENT-15] [CLIENT-17]; what was kept is given back."""
    say_in_vain(server, terminal)
    terminal.press(keys)
    assert terminal.end() == 0
    terminal.until_line("! Not sent: in vain")


def test_leaving_while_it_is_greeted(server: ScriptedServer, terminal: Terminal) -> None:
    """[CLIENT-15]."""
    in_main(server, terminal).close()
    server.accept()
    terminal.until_typed("(offline)>")
    terminal.press("\x03")
    assert terminal.end() == 0


def test_sigterm_gives_back_what_was_kept(server: ScriptedServer, terminal: Terminal) -> None:
    say_in_vain(server, terminal)
    os.kill(terminal.process, signal.SIGTERM)
    assert terminal.end() == 128 + signal.SIGTERM
    terminal.until_line("! Not sent: in vain")


def test_what_may_not_have_arrived_is_told(server: ScriptedServer, terminal: Terminal) -> None:
    connection = in_main(server, terminal)
    terminal.press("one\rtwo\r")
    connection.expect("one", "two")
    connection.send("SAID Ann one")
    terminal.until_line("<Ann> one")
    connection.close()
    terminal.until_line("! This may not have arrived: two")
    assert "! This may not have arrived: one" not in terminal.lines


@pytest.mark.parametrize("options", [(), ("--no-reconnect",)])
def test_it_does_not_come_back(server: ScriptedServer, options: tuple[str, ...]) -> None:
    """Where it is not wanted; nor, if nothing was said of it, before the user was a while in a room."""
    with Terminal(server.address, "--no-times", *options, environment=ENVIRONMENT) as terminal:
        in_main(server, terminal).close()
        assert terminal.end() == 1
        terminal.until_line(f"client.py: {TEXTS.lost}")


def test_who_was_removed_stays_away(server: ScriptedServer, terminal: Terminal) -> None:
    in_main(server, terminal).dismiss("removed")
    assert terminal.end() == 1


def test_a_pipe_does_not_come_back(server: ScriptedServer) -> None:
    client = Client(server.address, "--reconnect")
    server.welcome().close()
    assert client.end() == (1, ["* You are guest-1."], [f"client.py: {TEXTS.lost}"])


def test_a_silent_server_is_asked_and_its_answer_not_shown(server: ScriptedServer) -> None:
    options = ("--no-times", "--reconnect", "--ping-after", "0.2")
    with Terminal(server.address, *options, environment=ENVIRONMENT) as terminal:
        connection = in_main(server, terminal)
        asked = connection.line()
        assert asked
        assert asked.startswith("/ping ")
        connection.send(f"PONG {asked.removeprefix('/ping ')}", "PONG shown", "SAID Bob hello")
        terminal.until_line("<Bob> hello")
        assert [row for row in terminal.lines if "answers" in row] == ["* The server answers: shown"]


def test_a_dead_server_is_noticed(server: ScriptedServer) -> None:
    """It reads and says nothing: the client closes, and comes back."""
    options = ("--no-times", "--reconnect", "--ping-after", "0.2")
    with Terminal(server.address, *options, environment=ENVIRONMENT) as terminal:
        connection = in_main(server, terminal)
        end = time.monotonic() + DEADLINE
        while connection.line() is not None:
            assert time.monotonic() < end
        until_said(terminal, "! The connection to the server was")
        back_in_main(server, terminal)


def test_a_client_that_was_stopped_asks_before_it_gives_the_server_up(server: ScriptedServer) -> None:
    """It is stopped until another one, which is not, has given up its own silent server."""
    options = (server.address, "--no-times", "--no-reconnect", "--ping-after", "4")
    with Terminal(*options, environment=ENVIRONMENT) as stopped:
        connection = in_main(server, stopped)
        os.kill(stopped.process, signal.SIGSTOP)
        with Terminal(*options, environment=ENVIRONMENT) as other:
            in_main(server, other)
            assert other.end() == 1
        os.kill(stopped.process, signal.SIGCONT)
        stopped.press("still here\r")
        while (line := connection.line()) != "still here":
            assert line
            connection.send(line.replace("/ping", "PONG"))


def test_a_client_that_was_stopped_reads_before_it_gives_the_server_up(server: ScriptedServer) -> None:
    """Lines that came meanwhile count: here the goodbye that another one, which is not stopped, waits for in vain."""
    with Terminal(server.address, environment=ENVIRONMENT) as stopped:
        connection = in_main(server, stopped)
        stopped.press("exit\r")
        connection.expect("exit")
        os.kill(stopped.process, signal.SIGSTOP)
        connection.send("BYE exit")
        with Terminal(server.address, environment=ENVIRONMENT) as other:
            in_main(server, other)
            other.press("exit\r")
            assert other.end() == 1
        os.kill(stopped.process, signal.SIGCONT)
        assert stopped.end() == 0


def test_what_a_lost_connection_did_not_take_does_not_end_the_next(server: ScriptedServer) -> None:
    """The next one is silent for longer than a goodbye would be waited for, and only asked whether it is there."""
    options = ("--no-times", "--reconnect", "--ping-after", "6")
    with Terminal(server.address, *options, environment=ENVIRONMENT) as terminal:
        in_main(server, terminal).close()
        connection = server.accept()
        os.kill(terminal.process, signal.SIGSTOP)
        connection.send("HELLO flurfunk/1", "NAME guest-7")
        connection.close()
        os.kill(terminal.process, signal.SIGCONT)  # it reads the greeting, and has to answer when it reads the end
        asked = back_in_main(server, terminal).line()
        assert asked
        assert asked.startswith("/ping ")
