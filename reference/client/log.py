"""The shown lines, appended to a file that the user names: plain, with times."""

import contextlib
import os
import time
from collections.abc import Sequence

from reference.client.files import append, opened, why
from reference.client.moments import moment
from reference.client.render import render
from reference.client.session import Show, Style
from reference.client.texts import Texts


class Log:
    """A file, or none."""

    def __init__(self, texts: Texts) -> None:
        """`texts`: what the user is told of it."""
        self._texts = texts
        self._path = ""  # as the user wrote it
        self._place = ""
        self._file: int | None = None

    def switch(self, path: str) -> Show:
        """Write to this file from here on, to none if the path is empty; return what to tell the user."""
        before = self._path
        self.close()
        if not path:
            return Show(Style.EVENT, self._texts.log_ended.format(path=before) if before else self._texts.log_none)
        place = os.path.abspath(os.path.expanduser(path))
        try:
            self._file = opened(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, devices=True)
        except (OSError, ValueError) as error:
            return self._failed(path, why(error))
        self._path, self._place = path, place
        return Show(Style.EVENT, self._texts.log_begun.format(path=path))

    def write(self, shows: Sequence[Show]) -> list[Show]:
        """Append what is shown; return what to tell the user if that fails."""
        if self._file is None or not shows:
            return []
        now = time.strftime("%Y-%m-%d %H:%M ")
        path = self._path
        try:
            if not _is_at(self._file, self._place):
                self.close()
                return [self._failed(path, self._texts.log_moved)]
            text = "".join(render(show, False, None, moment(show.time) or now) for show in shows)
            append(self._file, text.encode())
        except OSError as error:
            self.close()
            return [self._failed(path, why(error))]
        return []

    def close(self) -> None:
        """Write no more."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what a disk of the network could not keep
                os.close(self._file)
        self._file = None
        self._path = ""

    def _failed(self, path: str, reason: str) -> Show:
        return Show(Style.ERROR, self._texts.log_failed.format(path=path, why=self._texts.instead(reason)))


def _is_at(descriptor: int, path: str) -> bool:
    """Whether an open file is still the one at this path: else nobody would find what is written to it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False
