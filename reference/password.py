"""The password of a server that wants one: read from a file, and compared."""

import os
import stat
from collections.abc import Callable

from reference.wire import LineSplitter, decode

MAX_PASSWORD = 128  # octets


class PasswordFileError(Exception):
    """There is no password in a file; the message says why, in one line, without a word of what is in it."""


def read_password(path: str) -> str:
    """Return the first line of a file; raises PasswordFileError where that cannot be a password."""
    try:
        with open(path, "rb") as file:
            # Two octets for the end of the line, and one to see that it is too long.
            octets = file.readline(MAX_PASSWORD + 3)
    except (OSError, ValueError) as error:
        raise PasswordFileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    line = LineSplitter(MAX_PASSWORD).feed(octets.removesuffix(b"\n") + b"\n")[0]
    if line is None:
        raise PasswordFileError(f"the first line of {path} has more than {MAX_PASSWORD} octets")
    password = decode(line)
    if password is None:
        raise PasswordFileError(f"the first line of {path} is not UTF-8, or has control characters in it")
    if not password:
        raise PasswordFileError(f"the first line of {path} is empty")
    return password


def is_exposed(path: str) -> bool:
    """Return whether others than its owner may read a file."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # it is gone by now
        return False
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def matcher(password: str) -> Callable[[str], bool]:
    """Return what tells whether words are the password, octet by octet, in a time that tells nothing [PASS-11]."""
    import hashlib  # only where a password is wanted: a server starts faster without them
    import hmac

    def digest(words: str) -> bytes:
        return hashlib.sha256(words.encode()).digest()

    wanted = digest(password)
    return lambda words: hmac.compare_digest(digest(words), wanted)
