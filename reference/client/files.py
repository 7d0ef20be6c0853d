"""Opening the client's own files: one that cannot be what it should be is an error, and never something to wait for."""

import errno
import os
import stat

NOT_A_FILE = "it is not a regular file"
A_LINK = "it is a link"


class WrongFileError(OSError):
    """A path leads to something else than a file; `strerror` says in English to what."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.EINVAL, what)


def opened(path: str | os.PathLike[str], flags: int, *, follow: bool = False, devices: bool = False) -> int:
    """Return a descriptor of a file, which is created for its owner alone where `flags` say so.

    `follow`: where the path is a link, the file to which it leads: else somebody else may have chosen what is written
    to.  `devices`: take one, too, that is no terminal.  Raises OSError, and ValueError for what cannot be a path.
    """
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)  # a pipe may have nobody at its other end
    try:
        descriptor = os.open(path, flags | (0 if follow else getattr(os, "O_NOFOLLOW", 0)), 0o600)
    except OSError as error:
        if not follow and os.path.islink(path):
            raise WrongFileError(A_LINK) from error
        if error.errno == errno.ENXIO:  # a pipe without a reader, or a socket
            raise WrongFileError(NOT_A_FILE) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or (devices and stat.S_ISCHR(mode) and not os.isatty(descriptor)):
        return descriptor
    os.close(descriptor)
    raise WrongFileError(os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else NOT_A_FILE)


def append(descriptor: int, octets: bytes) -> None:
    """Write all octets at the end of a file; raises OSError."""
    while octets:
        octets = octets[os.write(descriptor, octets) :]


def why(error: OSError | ValueError) -> str:
    """Return in words what was wrong."""
    return getattr(error, "strerror", None) or " ".join(str(error).split())
