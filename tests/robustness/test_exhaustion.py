"""No descriptor left, no thread left, no place left: who comes then waits or is told, and all others notice nothing."""

import os
import resource
import subprocess
import sys

from tests.reference.server.test_listener import limited
from tests.robustness.support import Talker, converse, needs_proc, unharmed
from tests.support import ROOT, Server, wait_until

pytestmark = needs_proc

NOBODY = 54321  # a user without any process: root is not bound by the limit of threads
AS_NOBODY = f"""
import encodings.idna, locale, os, shutil, sys  # what is imported later may stand where only root can read it
sys.path.insert(0, {str(ROOT)!r})
from reference.server.cli import main
if os.getuid() == 0:
    os.setgroups([])
    os.setuid({NOBODY})
sys.exit(main())
"""


def allow_threads(server: Server, number: int) -> None:
    """Let the server start threads only while its user has fewer than so many."""
    user = NOBODY if os.getuid() == 0 else None
    subprocess.run(["prlimit", "--pid", str(server.process.pid), f"--nproc={number}:"], user=user, check=True)


def test_no_thread_left() -> None:
    """[SEC-1] [BYE-4] [BYE-5]: who comes is told so, and is served again when there are threads."""
    full = ["HELLO flurfunk/1 who rooms tell", "BYE full"]
    with Server(command=(sys.executable, "-c", AS_NOBODY)) as server, unharmed(server, "main") as same_room:
        ann = server.connect("main", "Ann")
        allow_threads(server, 1)
        assert [server.open().rest() for _ in range(50)] == [full] * 50
        same_room.rounds(20)
        ann.send("exit")  # its thread is free, and may not be had
        assert ann.until("BYE exit") is not None
        ann.close()
        assert server.open().rest() == full
        wait_until(lambda: server.log().count("there is no thread for it") == 51, "the log")
        allow_threads(server, resource.getrlimit(resource.RLIMIT_NPROC)[1])
        server.connect("main", "Bob").close()


def test_no_descriptor_left() -> None:
    """[SEC-1]: those after the last get their turn, in the end all."""
    with Server(command=limited("ulimit -n 40")) as server, unharmed(server, "main") as same_room:
        talkers = [Talker(server, None, b"main\nhello\nexit\n") for _ in range(200)]
        wait_until(lambda: "cannot accept a connection" in server.log(), "the descriptors to run out")
        same_room.rounds(20)
        converse(talkers)
        assert [talker.lines[-1] for talker in talkers] == ["BYE exit"] * 200
        assert all(any(line.endswith(" hello") for line in talker.lines) for talker in talkers)


def test_more_clients_than_allowed() -> None:
    """[BYE-4] [BYE-5]: 500 that come to a full server are told, and one comes in where one leaves."""
    with Server("--max-clients", "5") as server, unharmed(server, "main") as same_room:
        for _ in range(5):
            last = server.connect("main")
            talkers = [Talker(server, None, b"main\nhello\n") for _ in range(100)]
            converse(talkers)
            assert {tuple(talker.lines) for talker in talkers} == {("HELLO flurfunk/1 who rooms tell", "BYE full")}
            last.send("exit")
            last.until("BYE exit")
            last.close()
        same_room.rounds(5)
        assert not [line for line in same_room.heard if line.startswith("SAID")]
