"""What is shown, appended to a file that the user names: plain, with times."""

import os
import time
from collections.abc import Sequence
from typing import BinaryIO

from reference.client.render import render
from reference.client.session import Show, Style
from reference.client.texts import Texts


class Log:
    """A file, or none."""

    def __init__(self, texts: Texts) -> None:
        """`texts`: what the user is told of it."""
        self._texts = texts
        self._path = ""
        self._file: BinaryIO | None = None

    def switch(self, path: str) -> Show:
        """Write to this file from here on, to none if the path is empty; return what to tell the user."""
        before = self._path
        self.close()
        if not path:
            return Show(Style.EVENT, self._texts.log_ended.format(path=before) if before else self._texts.log_none)
        # A pipe that nobody reads must not keep the client waiting.
        how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        try:
            self._file = open(os.open(os.path.expanduser(path), how, 0o600), "wb", buffering=0)  # noqa: SIM115
        except (OSError, ValueError) as error:
            return self._failed(path, error)
        self._path = path
        return Show(Style.EVENT, self._texts.log_begun.format(path=path))

    def write(self, shows: Sequence[Show]) -> list[Show]:
        """Append what is shown; return what to tell the user if that fails."""
        if self._file is None or not shows:
            return []
        now = time.strftime("%Y-%m-%d %H:%M ")
        try:
            self._file.write("".join(render(show, False, None, now) for show in shows).encode())
        except OSError as error:
            path = self._path
            self.close()
            return [self._failed(path, error)]
        return []

    def close(self) -> None:
        """Write no more."""
        if self._file:
            self._file.close()
        self._file = None
        self._path = ""

    def _failed(self, path: str, error: OSError | ValueError) -> Show:
        why = getattr(error, "strerror", None) or error
        return Show(Style.ERROR, self._texts.log_failed.format(path=path, why=why))
