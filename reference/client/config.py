"""The configuration file: what the user wants always."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference import wire
from reference.client.arguments import EDITORS, address
from reference.client.language import LANGUAGES
from reference.client.texts import Texts

_NAMES = ("name", "room")
_SWITCHES = ("colours", "times", "bell")


class ConfigError(Exception):
    """The file is wrong; the message says in one line what."""


def read(path: Path | None, texts: Texts) -> Mapping[str, Any]:
    """Return what the file says by its keys, all of them right; nothing where there is no file.

    `server` is host and port.  Raises ConfigError.
    """
    if path is None or not path.exists():
        return {}
    import tomllib  # takes a while, and most have no such file

    try:
        found = tomllib.loads(path.read_bytes().decode())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise ConfigError(texts.bad_config.format(file=path, why=why)) from error
    try:
        return {key: _checked(key, value, texts) for key, value in found.items()}
    except ValueError as error:
        raise ConfigError(texts.bad_config.format(file=path, why=error)) from error


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
        "editor": value in EDITORS,
        "language": value in LANGUAGES,
        "server": False,
    }
    if key not in right:
        raise ValueError(texts.unknown_key.format(key=key, keys=", ".join(sorted(right))))
    if not right[key]:
        raise ValueError(texts.bad_value.format(key=key, value=value))
    return value
