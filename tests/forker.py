"""Imports a server in Python once, and forks it for each request: python forker.py DESCRIPTOR FOLDER MODULE.

FOLDER is where MODULE is imported from, whose function `main` is the server. From the socket DESCRIPTOR comes for each
start one list in JSON, the arguments, and with it three descriptors: standard input, standard output, and where two
lines tell which process it is, and with which status of `waitpid` it has ended. Ends when no more can come.
"""

import contextlib
import fcntl
import gc
import importlib
import json
import os
import signal
import socket
import sys
import termios

_LONGEST = 65536  # octets of a request


def arguments_of_a_child(requests: socket.socket) -> list[str]:
    """Fork for each request; return its arguments in the child, which has a session and a process group of its own."""
    telling: dict[int, int] = {}  # the descriptor by the process
    gc.freeze()  # what stays as it is remains shared with all children
    signal.signal(signal.SIGCHLD, lambda number, frame: _tell_ends(telling))
    while True:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        asked, descriptors, _, _ = socket.recv_fds(requests, _LONGEST, 3)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        if not asked:
            sys.exit()
        stdin, stdout, news = descriptors
        pid = os.fork()
        if not pid:
            break
        telling[pid] = news
        os.close(stdin)
        os.close(stdout)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    os.setsid()
    for target, descriptor in enumerate((stdin, stdout, stdout)):
        os.dup2(descriptor, target)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.write(news, b"%d\n" % os.getpid())
    for descriptor in (*descriptors, *telling.values()):
        os.close(descriptor)
    return list(json.loads(asked))


def _tell_ends(telling: dict[int, int]) -> None:
    """Tell how processes have ended, and forget them."""
    with contextlib.suppress(ChildProcessError):
        while (end := os.waitpid(-1, os.WNOHANG))[0]:
            news = telling.pop(end[0])
            with contextlib.suppress(BrokenPipeError):
                os.write(news, b"%d\n" % end[1])
            os.close(news)


if __name__ == "__main__":
    _, _descriptor, sys.path[0], _module = sys.argv
    _server = importlib.import_module(_module)
    with socket.socket(fileno=int(_descriptor)) as _requests:
        sys.argv[1:] = arguments_of_a_child(_requests)
    _status = _server.main()
    sys.stdout.flush()
    os._exit(_status)  # to take the interpreter down costs as much as all before
