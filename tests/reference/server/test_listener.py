"""Accepting: the limit of clients, no descriptors left, ending under load."""

import contextlib
import re
import resource
import shlex
import socket
import subprocess
import sys
import threading
from ipaddress import ip_address
from pathlib import Path

import pytest

from reference.address import with_port
from reference.server.hub import LEAVING, TURNED_AWAY, Hub, Limits
from reference.server.listener import SPARE, Listener, plain
from tests.support import DEADLINE, SERVER, Client, Server, wait_until
from tests.tls import certified

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="/proc tells the number of threads")


def limited(limits: str, *, text: str = "") -> tuple[str, ...]:
    """Return a command that runs the server under a shell's limits, and Python code before it."""
    python = [sys.executable, "-c", f"{text}\nimport runpy\nrunpy.run_path({str(SERVER)!r}, run_name='__main__')"]
    return "sh", "-c", f'{limits}; exec {shlex.join(python)} "$@"', "sh"


def test_full_server_says_so_and_recovers() -> None:
    """[BYE-4] [BYE-5]."""
    with Server("--max-clients", "2") as server:
        server.connect("main")
        lobby = server.connect()
        third = server.open()
        third.send("main", "/ping x")
        assert third.rest() == ["HELLO flurfunk/1 who rooms tell", "BYE full"]
        lobby.send("exit")
        assert lobby.rest() == ["BYE exit"]
        bob = server.connect("main", "Bob")
        bob.send("hello")
        assert bob.barrier() == ["SAID Bob hello"]


def test_full_server_serves_again_after_any_end() -> None:
    """[BYE-5]: an exit, an end of stream, a reset."""
    with Server("--max-clients", "1") as server:
        for number, end in enumerate(("exit", "half close", "close", "reset", "exit"), 1):
            client = server.connect("main")
            assert server.open().rest()[1:] == ["BYE full"]
            if end == "exit":
                client.send("exit")
                assert client.rest() == ["BYE exit"]
            elif end == "half close":
                client.half_close()
                assert client.rest() == []
            elif end == "reset":
                client.reset()
            client.close()
            wait_until(lambda number=number: server.log().count(" is gone ") == number, "the client's end")  # type: ignore[misc]


def test_no_descriptors_left() -> None:
    """[SEC-1]: those who are in talk on, and others get in once somebody leaves."""
    with Server(command=limited("ulimit -n 24")) as server:
        ann = server.connect("main", "Ann")
        waiting = [server.open() for _ in range(40)]
        wait_until(lambda: "cannot accept" in server.log(), "the descriptors to run out")
        ann.send("still here")
        assert ann.barrier() == ["SAID Ann still here"]
        for client in waiting:  # each gets its turn when those before it have left
            assert client.line().startswith("HELLO")
            client.close()
        late = server.connect("main")
        late.send("me too")
        assert "SAID" in late.barrier()[0]
        assert server.end() == 0
        assert "Traceback" not in server.log()


def test_no_descriptors_left_does_not_hinder_the_end() -> None:
    with Server(command=limited("ulimit -n 24")) as server:
        client = server.connect("main")
        for _ in range(40):
            server.open()
        wait_until(lambda: "cannot accept" in server.log(), "the descriptors to run out")
        assert server.end() == 0
        assert client.rest() == ["BYE shutdown"]


@needs_proc
def test_threads_end_with_their_clients() -> None:
    """With every end, and with any number that come and go."""
    with Server() as server:
        ann = server.connect("main")
        before = server.threads()
        for _ in range(5):
            clients = [server.connect("main") for _ in range(10)]
            assert server.threads() >= before + 10
            for number, client in enumerate(clients):
                if number % 3 == 0:
                    client.send("exit")
                    client.until("BYE exit")
                if number % 3 == 1:
                    client.reset()
                client.close()
        wait_until(lambda: server.threads() == before, f"{before} threads again")
        lines = ann.barrier()
        assert sum(line.startswith("JOINED") for line in lines) == 50
        assert sum(line.startswith("LEFT") for line in lines) == 50


@needs_proc
def test_descriptors_are_closed() -> None:
    with Server() as server:
        ann = server.connect("main")
        folder = Path(f"/proc/{server.process.pid}/fd")
        before = len(list(folder.iterdir()))
        for number in range(60):
            client = server.open()
            client.sock.sendall(
                (b"", b"main\n", b"main\nexit\n", b"GET / HTTP/1.1\r\n", b"\x16", b"main\nx")[number % 6]
            )
            if number % 2:
                client.reset()
            else:
                client.half_close()
                client.close()
        wait_until(lambda: len(list(folder.iterdir())) == before, f"{before} descriptors again")
        ann.barrier()


def test_storm_of_connections() -> None:
    """[SEC-1]: 1000 connections that are reset at once."""
    with Server() as server:
        ann = server.connect("main", "Ann")
        for number in range(1000):
            client = server.open()
            if number % 2:
                with contextlib.suppress(OSError):
                    client.send("storm", "hello")
            client.reset()
        bob = server.connect("main", "Bob")
        bob.send("quiet again")
        bob.barrier()
        assert "SAID Bob quiet again" in ann.barrier()
        assert "Traceback" not in server.log()
        assert server.end() == 0


def test_end_under_load() -> None:
    """[OPER-2]: everybody who was served gets BYE shutdown, last, while all talk and others come."""
    with Server() as server:
        clients = [server.connect("main") for _ in range(20)]
        ends: list[str] = []
        stop = threading.Event()

        def talk(client: Client) -> None:
            with contextlib.suppress(OSError):  # the server's end closes the connection under it
                while not stop.is_set():
                    client.send("hello")

        def listen(client: Client) -> None:
            last = ""
            for line in iter(client.line, ""):
                last = line
            ends.append(last)

        def come() -> None:
            with contextlib.suppress(OSError):
                while not stop.is_set():
                    with socket.create_connection(server.address, DEADLINE) as newcomer:
                        newcomer.sendall(b"/ping\n")

        threads = [threading.Thread(target=talk, args=(client,)) for client in clients[:4]]
        threads += [threading.Thread(target=listen, args=(client,)) for client in clients]
        threads += [threading.Thread(target=come) for _ in range(2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: server.log().count(" connected") > 40, "newcomers")
        status = server.end()
        stop.set()
        for thread in threads:
            thread.join(DEADLINE)
        assert status == 0
        assert ends == ["BYE shutdown"] * 20
        assert "Traceback" not in server.log()
        assert "Fatal" not in server.log()


def test_end_does_not_wait_for_who_does_not_read() -> None:
    """[OPER-2]: within 10 seconds, though one client reads nothing and another never closes."""
    with Server("--max-waiting", "16777216") as server:
        silent, talker = server.connect("main", "Silent"), server.connect("main")
        silent.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(20):
            talker.send(*["x" * 4000] * 100)
            talker.barrier()
        assert server.end() == 0
        assert talker.rest()[-1] == "BYE shutdown"


def own_address() -> str | None:
    """Return an IPv4 address of this machine that is no loopback one, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.connect(("192.0.2.1", 9))  # sends nothing; the system only chooses an address of its own
        address = str(sock.getsockname()[0])
        return None if ip_address(address).is_loopback else address
    return None


@needs_proc
def test_connections_from_one_address_are_limited() -> None:
    """[BYE-4] [NET-6]: not those from loopback addresses, and whoever leaves, in whatever way, makes room for another.

    A client that is turned away is told, and is not reset for what it sends right after.
    """
    address = own_address()
    if address is None:
        pytest.skip("this machine has none but loopback addresses; what is counted is tested below")
    full = ["HELLO flurfunk/1 who rooms tell", "BYE full"]
    with Server("--host", "0.0.0.0", "--max-per-address", "3") as server:
        local = [server.connect("main") for _ in range(5)]
        server.address = (address, server.address[1])
        remote = [server.connect("main") for _ in range(3)]
        threads = server.threads()
        for end in (b"exit\n", b"", b"GET / "):
            refused = server.open()
            assert refused.rest() == full
            for line in ("main", "hello", "exit"):
                refused.send(line)  # which would raise an error by now
            refused.close()
            leaving = remote.pop(0)
            leaving.sock.sendall(end)
            leaving.reset() if not end else leaving.close()
            wait_until(lambda: server.threads() == threads - 1, "its thread's end")
            remote.append(server.connect("main"))
        assert server.open().rest() == full
        for client in (*local, *remote):
            client.barrier()


@pytest.mark.parametrize(
    ("address", "limit", "allowed"), [("192.0.2.7", 3, 3), ("192.0.2.7", 0, 9), ("127.0.0.2", 3, 9)]
)
def test_counting_of_connections_by_address(address: str, limit: int, allowed: int) -> None:
    """On machines without such an address, too: each has places of its own, and whoever goes gives its place back."""
    hub = Hub(Limits())
    hub.start()
    listener = Listener(hub, "127.0.0.1", 0, limit)
    for _ in range(3):
        assert [listener._comes(address) for _ in range(9)].count(True) == allowed
        assert listener._comes("192.0.2.8")
        listener._goes("192.0.2.8")
        for _ in range(allowed):
            listener._goes(address)
    assert not listener._connections
    close_sockets(listener)


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    """Its 64 bits are in one hand: somebody who has it can come from as many addresses as there are."""
    hub = Hub(Limits())
    hub.start()
    listener = Listener(hub, "127.0.0.1", 0, 3)
    for network in ("2001:db8::", "2001:db8:0:1::", "fe80::"):
        scope = "%eth0" if network == "fe80::" else ""
        assert [listener._comes(f"{network}{number}{scope}") for number in range(1, 9)].count(True) == 3
        for number in range(4, 7):
            listener._goes(f"{network}{number}{scope}")
    assert not listener._connections
    close_sockets(listener)


def test_a_check_of_health_leaves_no_line_and_takes_no_number() -> None:
    with Server() as server:
        for _ in range(3):
            check = server.open()
            assert check.line().startswith("HELLO ")
            threads = server.threads()
            check.close()
            wait_until(lambda: server.threads() < threads, "the end of its thread")  # noqa: B023
        silent = server.open()
        wait_until(lambda: "guest-1 connected" in server.log(), "somebody who stays and says nothing")
        silent.close()
        wait_until(lambda: "guest-1 is gone" in server.log(), "the end of somebody who was told of")
        assert len(server.log().splitlines()) == 2


def test_who_is_turned_away_is_not_kept() -> None:
    """However many come, and whatever they send."""
    hub = Hub(Limits())
    hub.start()
    for _ in range(3 * TURNED_AWAY):
        ours, theirs = socket.socketpair()
        theirs.sendall(b"x" * 5000)
        hub.turn_away(ours)
        client = Client(theirs)
        assert client.line() == "HELLO flurfunk/1 who rooms tell"
        assert client.line() == "BYE full"
        client.close()
    assert len(hub._turned_away) <= TURNED_AWAY
    wait_until(lambda: not hub._turned_away, "all to be closed")


def close_sockets(listener: Listener) -> None:
    """Close those of a listener that never ran."""
    for value in vars(listener).values():
        if isinstance(value, socket.socket):
            value.close()


def ipv6_address() -> str | None:
    """Return the loopback address of IPv6, where this machine has it."""
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return "::1"
    return None


needs_ipv6 = pytest.mark.skipif(ipv6_address() is None, reason="this machine has no IPv6")


@needs_ipv6
def test_an_address_of_ipv6() -> None:
    with Server("--host", "::1") as server:
        assert server.shown == f"[::1]:{server.address[1]}"
        server.connect("main", "Ann")
        server.type("/who")
        assert re.search(r"^Ann +main +::1 +since ", server.printed("1 connected"), re.M)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", server.address[1]), DEADLINE)
        assert server.end() == 0
        assert "without TLS" not in server.log()


@needs_ipv6
@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this system has no sockets for IPv6 and IPv4")
@pytest.mark.parametrize("host", ["::", "0::0"])
def test_all_addresses_of_both_versions(host: str) -> None:
    """An address of IPv4 stays one: it is shown as such, and a loopback one has no limit."""
    with Server("--host", host, "--max-per-address", "1") as server:
        port = server.address[1]
        assert server.shown == f"[::]:{port}"
        for address in ("127.0.0.1", "::1"):
            server.address = (address, port)
            for number in range(2):
                server.connect("main", f"{'v6' if ':' in address else 'v4'}-{number}")
        server.type("/who")
        told = re.findall(r"^(v[46])-\d +main +(\S+) +since ", server.printed("4 connected"), re.M)
        assert told == [("v4", "127.0.0.1")] * 2 + [("v6", "::1")] * 2
        assert server.end() == 0
        assert "everybody on the way to :: can read" in server.log()


def test_what_an_address_is_called_and_whether_it_is_limited() -> None:
    hub = Hub(Limits())
    hub.start()
    listener = Listener(hub, "127.0.0.1", 0, 1)
    for address, told, is_limited in (
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("::ffff:127.0.0.1", "127.0.0.1", False),
        ("::1", "::1", False),
        ("fe80::1%eth0", "fe80::1%eth0", True),
        ("2001:db8::7", "2001:db8::7", True),
        ("192.0.2.7", "192.0.2.7", True),
    ):
        assert plain(address) == told
        assert listener._limited(told) is is_limited
    close_sockets(listener)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("::1", "[::1]:8080"), ("127.0.0.1", "127.0.0.1:8080"), ("fe80::1%eth0", "[fe80::1%eth0]:8080")],
)
def test_how_an_address_with_its_port_is_written(host: str, shown: str) -> None:
    assert with_port(host, 8080) == shown


@pytest.mark.parametrize("host", ["1::2::3", "fe80::1%no-such-interface"])
def test_an_address_of_ipv6_that_cannot_be_had(host: str) -> None:
    command = [sys.executable, str(SERVER), "--host", host]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert done.stderr.startswith(f"server.py: cannot listen on [{host}]:8080: ")


# ---------------------------------------------------------------- descriptors


def test_the_server_allows_itself_the_descriptors_that_its_clients_need() -> None:
    """[BYE-4]: what is asked of a shell is often less, and the system lets it have more."""
    with Server(command=limited("ulimit -S -n 30")) as server:
        clients = [server.connect("main") for _ in range(60)]
        assert len(clients[-1].barrier()) <= 1
        assert server.end() == 0
        assert "descriptors" not in server.log()


def allowed(server: Server) -> tuple[int, int]:
    """Return the soft limit of descriptors, and the hard one."""
    return resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)


needs_prlimit = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="nobody tells another process's limits")


@needs_prlimit
@pytest.mark.parametrize(
    ("limits", "options", "soft"),
    [
        ("ulimit -S -n 60; ulimit -H -n 900", ("--max-clients", "100"), 2 * 100 + LEAVING + TURNED_AWAY + SPARE),
        (
            "ulimit -S -n 60; ulimit -H -n 900",
            ("--max-clients", "1", *certified()),
            3 * (2 + LEAVING) + TURNED_AWAY + SPARE,
        ),
        ("ulimit -S -n 60; ulimit -H -n 900", ("--max-clients", "800"), 900),
        ("ulimit -S -n 60; ulimit -H -n 900", ("--max-clients", "0"), 900),
        ("ulimit -S -n 800; ulimit -H -n 900", ("--max-clients", "1"), 800),  # never less
    ],
)
def test_how_many_descriptors_it_allows_itself(limits: str, options: tuple[str, ...], soft: int) -> None:
    hard = 900
    with Server(*options, command=limited(limits)) as server:
        assert allowed(server) == (soft, hard)
        assert server.end() == 0
        assert "descriptors" not in server.log()


@pytest.mark.parametrize(("options", "fitting"), [((), 150), (certified(), 50)])
def test_too_few_descriptors_are_told_once(options: tuple[str, ...], fitting: int) -> None:
    with Server("--max-clients", "151", *options, command=limited(f"ulimit -n {150 + SPARE}")) as server:
        assert server.end() == 0
        said = f"the system allows {150 + SPARE} file descriptors: enough for {fitting} clients, but not for 151"
        assert server.log().count(said) == server.log().count("descriptors") == 1


def test_nothing_of_the_environment_is_needed() -> None:
    """It starts with an empty environment, too."""
    with Server(command=("env", "-i", sys.executable, str(SERVER))) as server:
        server.connect("main").close()
        assert server.end() == 0


def test_a_server_that_cannot_go_on_ends_with_a_status_of_its_own() -> None:
    """Rather than that it runs on and serves nobody; whoever watches over it can start it again."""
    broken = "import sys; from reference.server import chat, cli; del chat.Chat.dismiss; sys.exit(cli.main())"
    with Server("--choose-timeout", "0.1", command=(sys.executable, "-c", broken)) as server:
        client = server.open()
        assert client.rest()[-1] == "BYE shutdown"
        client.close()
        assert server.process.wait(DEADLINE) == 1
        assert "the server cannot go on" in server.log()
