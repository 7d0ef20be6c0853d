"""A port for a server that is to be started: free, and nobody else's meanwhile."""

import errno
import random
import socket
from collections.abc import Sequence

# Below those that systems take by themselves: no client has one of them, and no connection ends where it begins.
_PORTS = range(10_000, 32_768)
_ATTEMPTS = 1000


class Port:
    """A port of 127.0.0.1.

    A server is told its number, and takes it some time later.  That no other run takes the same one meanwhile, and is
    then checked in its place, is seen to by holding the port of UDP that has the same number.
    """

    def __init__(self, among: Sequence[int] = _PORTS) -> None:
        """Take one of these, the first that is free from a random one on; raises OSError where none is."""
        begin = random.SystemRandom().randrange(len(among))
        for step in range(min(len(among), _ATTEMPTS)):
            number = among[(begin + step) % len(among)]
            held = socket.socket(type=socket.SOCK_DGRAM)
            try:
                held.bind(("127.0.0.1", number))
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", number))
            except OSError:
                held.close()
                continue
            self.number = number
            self._held = held
            return
        raise OSError(errno.EADDRINUSE, "no port is free")

    def give_back(self) -> None:
        """Let others have it."""
        self._held.close()
