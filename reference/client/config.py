"""The configuration file: what the user wants always."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference import wire
from reference.client.arguments import EDITORS, address
from reference.client.language import LANGUAGES
from reference.client.texts import Texts

KEYS = ("name", "server", "room", "colours", "times", "bell", "language", "editor", "tls", "tls-ca")
_NAMES = ("name", "room")
_SWITCHES = ("colours", "times", "bell", "tls")
_FILES = ("tls-ca",)


class ConfigError(Exception):
    """The file is wrong; the message says in one line what."""


def read(path: Path | None, texts: Texts) -> Mapping[str, Any]:
    """Return what the file says by its keys, all of them right; nothing where there is no file.

    `server` is host and port; a file is beside the configuration where its path is not absolute.  Raises ConfigError.
    """
    if path is None or not os.path.exists(path):  # nor where its folder may not be searched
        return {}
    import tomllib  # takes a while, and most have no such file

    try:
        found = tomllib.loads(path.read_bytes().decode())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise ConfigError(texts.bad_config.format(file=path, why=why)) from error
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
        "language": value in LANGUAGES,
        "server": False,
    }
    if key not in KEYS:
        raise ValueError(texts.unknown_key.format(key=key, keys=", ".join(sorted(KEYS))))
    if not right[key]:
        raise ValueError(texts.bad_value.format(key=key, value=value))
    return value
