"""The configuration file: what the user wants always."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference import wire
from reference.client.arguments import EDITORS, address
from reference.client.files import opened, why
from reference.client.language import LANGUAGES
from reference.client.texts import Texts

KEYS = ("name", "server", "room", "colours", "times", "bell", "language", "editor", "tls", "tls-ca", "history")
_NAMES = ("name", "room")
_SWITCHES = ("colours", "times", "bell", "tls")
_FILES = ("tls-ca",)
MOST = 9999  # lines that a server can be asked for


class ConfigError(Exception):
    """The file is wrong; the message says in one line what."""


def read(path: Path | None, texts: Texts) -> Mapping[str, Any]:
    """Return what the file says by its keys, all of them right; nothing where there is no file.

    `server` is host and port; a file is beside the configuration where its path is not absolute.  Raises ConfigError.
    """
    if path is None or not os.path.lexists(path):  # nor where its folder may not be searched
        return {}
    import tomllib  # takes a while, and most have no such file

    try:
        # As people keep such files, it may be a link to another place.
        with open(opened(path, os.O_RDONLY, follow=True), "rb") as file:
            found = tomllib.loads(file.read().decode())
    except UnicodeDecodeError as error:
        raise ConfigError(texts.bad_config.format(file=path, why=texts.no_utf8)) from error
    except (OSError, ValueError, RecursionError) as error:  # as where it has a thousand brackets
        told = texts.instead(why(error)) if isinstance(error, OSError | ValueError) else texts.too_deep
        raise ConfigError(texts.bad_config.format(file=path, why=told)) from error
    try:
        checked = {key: _checked(key, value, texts) for key, value in found.items()}
    except ValueError as error:
        raise ConfigError(texts.bad_config.format(file=path, why=error)) from error
    files = {key: str(path.parent / os.path.expanduser(checked[key])) for key in _FILES if key in checked}
    return checked | files


def _checked(key: str, value: Any, texts: Texts) -> Any:
    """Return a value as it is used; raises ValueError with what is wrong."""
    if key == "server" and isinstance(value, str):
        try:
            return address(texts, value)
        except argparse.ArgumentTypeError as error:
            raise ValueError(str(error)) from error
    right = {
        **dict.fromkeys(_NAMES, isinstance(value, str) and wire.is_name(value)),
        **dict.fromkeys(_SWITCHES, isinstance(value, bool)),
        **dict.fromkeys(_FILES, isinstance(value, str) and value and "\0" not in value),
        "editor": value in EDITORS,
        "history": type(value) is int and 0 <= value <= MOST,
        "language": value in LANGUAGES,
        "server": False,
    }
    if key not in KEYS:
        raise ValueError(texts.unknown_key.format(key=key, keys=", ".join(sorted(KEYS))))
    if not right[key]:
        raise ValueError(texts.bad_value.format(key=key, value=value))
    return value
