"""The arguments of the client's command line, explained in the user's language."""

import argparse
import functools
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from reference import wire
from reference.client.language import LANGUAGES, OPTION
from reference.client.texts import Texts
from reference.terminal.cells import visible
from reference.version import VERSION

# Installed, and in the one file, it has another name than the file of a checkout.
_NAME = Path(sys.argv[0]).name.removesuffix(".exe")
PROGRAM = _NAME if _NAME in ("flurfunk", "flurfunk.pyz client") else "client.py"
DEFAULT_ADDRESS = ("127.0.0.1", 8080)
WRONG_USAGE = 2
EDITORS = ("full", "plain")
_ADDRESS = re.compile(r"(?:\[(?P<v6>[^]]+)]|(?P<host>[^:[]+))(?::(?P<port>.*))?", re.DOTALL)


def parser(texts: Texts) -> argparse.ArgumentParser:
    """Return the parser; at wrong usage it says in one line what is wrong, and ends the program."""
    result = _Parser(texts)
    name = functools.partial(_name, texts)
    arguments = result.add_argument_group(texts.arguments)
    arguments.add_argument(
        "address", nargs="?", type=functools.partial(address, texts), metavar="HOST[:PORT]", help=texts.address_help
    )
    options = result.add_argument_group(texts.options)
    options.add_argument("-h", "--help", action="help", help=texts.help_help)
    options.add_argument("--version", action="version", version=f"flurfunk {VERSION}", help=texts.version_help)
    options.add_argument("--name", type=name, help=texts.name_help)
    options.add_argument("--room", type=name, help=texts.room_help)
    options.add_argument("--password-file", metavar="FILE", help=texts.password_help)
    options.add_argument("--tls", action=argparse.BooleanOptionalAction, help=texts.tls_help)
    options.add_argument("--tls-ca", metavar="FILE", help=texts.tls_ca_help)
    options.add_argument(OPTION, choices=LANGUAGES, help=texts.language_help)
    options.add_argument("--editor", choices=EDITORS, help=texts.editor_help)
    for option, explained in (
        ("--times", texts.times_help),
        ("--bell", texts.bell_help),
        ("--colours", texts.colours_help),
        ("--reconnect", texts.reconnect_help),
    ):
        options.add_argument(option, action=argparse.BooleanOptionalAction, help=explained)
    lines = functools.partial(_lines, texts)
    options.add_argument("--history", type=lines, metavar="N", help=texts.history_help)
    seconds = functools.partial(_seconds, texts)
    options.add_argument("--ping-after", type=seconds, default=60.0, metavar="SECONDS", help=texts.ping_help)
    return result


class _Parser(argparse.ArgumentParser):
    def __init__(self, texts: Texts) -> None:
        formatter = functools.partial(_Formatter, usage=texts.usage)
        super().__init__(
            prog=PROGRAM,
            description=texts.description,
            epilog=texts.epilog,
            allow_abbrev=False,
            add_help=False,
            formatter_class=formatter,
        )
        self._texts = texts

    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, and end."""
        sys.exit(complain(WRONG_USAGE, self._texts.instead(message)))


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str, usage: str, **options: Any) -> None:
        super().__init__(prog, **options)
        self._usage = usage

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        """Begin the line with the user's word for it."""
        super().add_usage(usage, actions, groups, self._usage if prefix is None else prefix)


def complain(status: int, message: str) -> int:
    """Say on standard error, in one line, why the program ends; return its exit status."""
    if sys.stderr:
        sys.stderr.write(f"{PROGRAM}: {visible(message)}\n")
    return status


def address(texts: Texts, text: str) -> tuple[str, int]:
    """Return host and port; an address of IPv6 stands in brackets if a port follows, or alone.

    Raises argparse.ArgumentTypeError.
    """
    if text.count(":") > 1 and not text.startswith("["):
        return text, DEFAULT_ADDRESS[1]
    match = _ADDRESS.fullmatch(text)
    if not match:
        raise argparse.ArgumentTypeError(texts.bad_host.format(address=text))
    host, port = match["v6"] or match["host"], match["port"]
    if port is None:
        return host, DEFAULT_ADDRESS[1]
    if not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise argparse.ArgumentTypeError(texts.bad_port.format(port=port))
    return host, int(port)


def _name(texts: Texts, name: str) -> str:
    if not wire.is_name(name):
        raise argparse.ArgumentTypeError(texts.bad_name.format(name=name))
    return name


def _lines(texts: Texts, text: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", text):
        raise argparse.ArgumentTypeError(texts.bad_lines.format(text=text))
    return int(text)


def _seconds(texts: Texts, text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text):
        raise argparse.ArgumentTypeError(texts.bad_seconds.format(text=text))
    return float(text)
