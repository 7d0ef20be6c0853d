"""Where the client's own files are: the configuration, and what was typed.

Pure.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

_FOLDER = "flurfunk"


def configuration(environment: Mapping[str, str]) -> Path | None:
    """Return the path of the configuration file; None where there is no place for one."""
    return _place(environment, "APPDATA", "XDG_CONFIG_HOME", ".config", "client.toml")


def history(environment: Mapping[str, str]) -> Path | None:
    """Return the path of the file with what was typed; None where there is no place for one."""
    return _place(environment, "LOCALAPPDATA", "XDG_STATE_HOME", ".local/state", "history")


def _place(environment: Mapping[str, str], windows: str, variable: str, otherwise: str, file: str) -> Path | None:
    if sys.platform == "win32":
        base = environment.get(windows, "")
    else:
        base = environment.get(variable, "")
        if not base.startswith("/") and environment.get("HOME"):  # what is not absolute does not count
            base = f"{environment['HOME']}/{otherwise}"
    return Path(base, _FOLDER, file) if Path(base).is_absolute() else None
