"""The client as a program: its arguments, connecting, the one line that says why it ended, exit status."""

import argparse
import contextlib
import importlib.util
import io
import os
import socket
import sys
from typing import Any

from reference import wire
from reference.client import places
from reference.client.arguments import DEFAULT_ADDRESS, WRONG_USAGE, complain, parser
from reference.client.comeback import Comeback
from reference.client.config import ConfigError, read
from reference.client.dial import Target, connect, why_not
from reference.client.editor import Editor
from reference.client.history import History
from reference.client.interrupts import Interrupts, Output
from reference.client.language import asked_for, of_locale, texts_in
from reference.client.lines import Lines, PipedLines, as_socket
from reference.client.past import USUAL
from reference.client.runner import Runner
from reference.client.screen import Look, NoScreen, PlainScreen, Screen, TerminalScreen
from reference.client.session import FAILED, LEFT_AS_WISHED, Quit, Session
from reference.client.texts import Texts
from reference.password import PasswordFileError, read_password
from reference.terminal.line import is_dumb
from reference.terminal.recall import Recall

# A terminal that ends lines itself cuts them to 4095 octets: one of that length may be half a line [CLIENT-13].
_TERMINAL_LINE = 4094


def main() -> int:
    """Run the client with the arguments of the process; return its exit status: 0, 1 or 2."""
    try:
        return _main()
    except KeyboardInterrupt:
        return LEFT_AS_WISHED


def _main() -> int:
    arguments, texts = _wishes()
    host, port = arguments.address
    target = Target(host, port, arguments.tls, arguments.tls_ca)
    try:
        password = None if arguments.password_file is None else read_password(arguments.password_file)
    except PasswordFileError as error:
        return complain(FAILED, texts.instead(str(error)))
    try:
        connection = connect(target, texts)
    except (OSError, ValueError) as error:
        return complain(FAILED, why_not(error, target, texts))
    comeback = Comeback(target, texts, arguments.reconnect, arguments.ping_after)
    look = Look(arguments.times, arguments.colours, arguments.bell)
    history = arguments.history if arguments.history is not None else USUAL if _is_typed_on() else 0
    session = Session(texts, arguments.name, arguments.room, password, history)
    end = _run(connection, session, look, comeback, arguments.editor)
    return complain(end.status, end.message) if end.message else end.status


def _wishes() -> tuple[argparse.Namespace, Texts]:
    """Return what the command line says and, where it says nothing, the configuration file; and in which language.

    Raises SystemExit where one of them is wrong.
    """
    asked, locale = asked_for(sys.argv[1:]), of_locale(os.environ)
    texts, wrong = texts_in(asked or locale), ""
    settings: dict[str, Any] = {}
    try:
        settings.update(read(places.configuration(os.environ), texts))
    except ConfigError as error:
        wrong = str(error)
    texts = texts_in(asked or settings.get("language", locale))
    arguments = parser(texts).parse_args()
    if arguments.editor == "full" and importlib.util.find_spec("prompt_toolkit") is None:
        wrong = texts.no_library  # of the file, it is a wish: other machines may have the library
    if wrong:
        sys.exit(complain(WRONG_USAGE, wrong))
    if arguments.address is not None:
        settings.pop("room", None)  # it is one of the usual server
    arguments.address = arguments.address or settings.pop("server", DEFAULT_ADDRESS)
    if arguments.tls is None and arguments.tls_ca is not None:
        arguments.tls = True  # even where the file says no
    for key, value in settings.items():
        name = key.replace("-", "_")
        if getattr(arguments, name, value) is None:
            setattr(arguments, name, value)
    if arguments.tls is None:
        arguments.tls = arguments.tls_ca is not None
    return arguments, texts


def _is_typed_on() -> bool:
    """Whether a person types on a terminal, and reads on it."""
    return bool(sys.stdin and sys.stdout and sys.stdin.isatty() and sys.stdout.isatty())


def _run(
    connection: socket.socket, session: Session, look: Look, comeback: Comeback, editor: str | None = None
) -> Quit:
    """Run the session on the standard streams, with the keys of a terminal where both are one."""
    source = sys.stdin.fileno() if sys.stdin else None
    on_terminal = source is not None and os.isatty(source)
    lines = PipedLines(_TERMINAL_LINE if on_terminal else wire.MAX_CLIENT_LINE)
    with_keys = sys.platform != "win32" and on_terminal and sys.stdout is not None and sys.stdout.isatty()
    interrupts = Interrupts(with_keys)
    if not sys.stdout:
        return Runner(connection, session, NoScreen(), lines, source, interrupts).run()
    # Not sys.stdout: what that could not write, it would try to write again at the end.
    out = Output(sys.stdout.fileno(), interrupts)
    if sys.platform == "win32":
        screen = PlainScreen(out, os.environ, look, echoed=on_terminal)
        place = None if source is None else as_socket(source)
        return Runner(connection, session, screen, lines, place, interrupts).run()
    if source is not None and with_keys:
        from reference.terminal.keymode import KeyMode  # not everywhere there is a termios

        session.on_terminal = True
        history = History(places.history(os.environ))
        screen, typed = _typed_on(out, session, look, editor, history)
        keys = KeyMode(source)
        return Runner(connection, session, screen, typed, source, interrupts, keys, comeback, history).run()
    return Runner(connection, session, PlainScreen(out, os.environ, look), lines, source, interrupts).run()


def _typed_on(
    out: io.RawIOBase, session: Session, look: Look, editor: str | None, history: History
) -> tuple[Screen, Lines]:
    """Return what a terminal shows and what makes lines of its keys: the full mode, or what needs no library."""
    if editor != "plain" and not is_dumb(os.environ):
        with contextlib.suppress(ImportError):
            from reference.client.full import Full  # takes a while, and the library is not everywhere

            full = Full(out, os.environ, look, session.texts, history, session.complete)
            return full, full
    plain = Editor(session.texts, Recall(history.lines(), history.add), session.complete)
    return TerminalScreen(out, os.environ, plain, look), plain
