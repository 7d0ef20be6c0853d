"""Several servers as one, on a real server of NATS: what is one for all nodes, joining, and what is said where not."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from nats.aio.client import Client as NatsClient
from nats.js.api import StreamConfig

from benchmarks.nats import Nats, free_ports, nats
from reference.cluster.entries import FORMAT
from reference.cluster.hub import SNAPSHOT_ENTRIES
from tests.cluster.support import Nodes, leaving, who
from tests.support import DEADLINE, ROOT, SERVER, Client, wait_until

MARKS = 20
CERTIFICATES = ROOT / "tests" / "certificates"


@pytest.fixture(scope="module")
def engine() -> Iterator[Nats]:
    with nats() as server:
        yield server


@pytest.fixture
def nodes(engine: Nats) -> Iterator[Nodes]:
    with Nodes([engine.url]) as three:
        yield three


def stream(nodes: Nodes) -> str:
    return f"FLURFUNK_{nodes.options[3]}"


def ask_nats(url: str, what: str, *words: object) -> None:
    """Do something with JetStream: what, a method of its context, and words for it."""

    async def ask() -> None:
        client = NatsClient()
        await client.connect(url)
        await getattr(client.jetstream(), what)(*words)
        await client.close()

    asyncio.run(ask())


def refused(*options: str, command: tuple[str, ...] = (str(SERVER),)) -> str:
    """Return what a server says that ends at once, in one line, with status 1."""
    ran = subprocess.run(
        [sys.executable, *command, "--port", "0", *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert ran.returncode == 1, ran
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1, ran.stderr
    return ran.stderr


# ---------------------------------------------------------------- one for all nodes


def test_each_console_tells_the_same(nodes: Nodes) -> None:
    for number, node in enumerate(nodes.all):
        node.connect("main", f"member{number}").barrier()
    assert [who(node) for node in nodes.all] == [[f"member{number} main" for number in range(3)]] * 3
    nodes[2].type("/rooms")
    assert nodes[2].printed("1 room\n") == "main  3\n1 room\n"


def test_the_console_of_any_node_announces_and_removes(nodes: Nodes) -> None:
    ann, bob = nodes[0].connect("main", "ann"), nodes[1].connect("main", "bob")
    assert ann.line() == "JOINED bob"
    nodes[2].type("Lunch!", "/say MAIN and coffee", "/kick BOB")
    assert leaving(bob) == "BYE removed"
    assert [ann.line() for _ in range(3)] == ["ANNOUNCE Lunch!", "ANNOUNCE and coffee", "LEFT bob removed"]
    assert nodes[2].printed("removed.\n").splitlines() == [
        "Announced to 2 people in 1 room.",
        "Announced to 2 people in MAIN.",
        "BOB is removed.",
    ]
    nodes[2].type("/kick bob")
    assert nodes[2].printed(".\n") == "Nobody here is called bob.\n"
    wait_until(lambda: "bob is gone (removed)" in nodes[1].log(), "the log of its node tells it")


def test_a_word_to_one_alone_reaches_it_on_another_node(nodes: Nodes) -> None:
    ann, bob = nodes[0].connect(name="ann"), nodes[1].connect(name="bob")
    ann.send("/tell BOB hello")
    assert (ann.line(), bob.line()) == ("TOLD bob hello", "TELL ann hello")


def test_the_lock_holds_on_all_nodes(nodes: Nodes) -> None:
    nodes[0].type("/lock")
    nodes[0].printed("those inside stay.\n")
    for node in nodes.all:
        assert leaving(node.open()) == "BYE full"
    nodes[1].type("/unlock")
    nodes[1].printed("Unlocked.\n")
    nodes[2].connect("main")


def test_the_limit_of_clients_holds_for_all_nodes_together(engine: Nats) -> None:
    with Nodes([engine.url], 2, "--max-clients", "2") as nodes:
        first = nodes[0].connect("main")
        nodes[1].connect("main")
        assert leaving(nodes[0].open()) == "BYE full"
        first.send("exit")
        assert leaving(first) == "BYE exit"
        nodes[1].connect("main")


def test_of_two_who_take_one_name_at_once_on_two_nodes_one_gets_it(nodes: Nodes) -> None:
    pair = [node.connect("main") for node in nodes.all[:2]]
    pair[0].line()

    def take(client: Client, name: str) -> bool:
        client.send(f"/nick {name}", "/ping done")
        lines = client.until("PONG")
        return f"NAME {name}" in lines

    with ThreadPoolExecutor(2) as pool:
        for number in range(200):
            assert sorted(pool.map(take, pair, [f"name{number}"] * 2)) == [False, True]


def test_all_nodes_tell_the_same_at_every_mark(nodes: Nodes) -> None:
    """Clients of all nodes enter rooms, leave them, take names and go, all at once."""
    chance = Random(1)
    clients = [nodes[number % 3].connect() for number in range(12)]
    for _ in range(MARKS):
        for number, client in enumerate(clients):
            lines = [f"/cd room{chance.randrange(5)}" for _ in range(chance.randrange(20))]
            client.send(*lines, f"/nick name{chance.randrange(20)}", "a word")
            if chance.random() < 0.1:
                client.close()
                clients[number] = nodes[chance.randrange(3)].connect()
        for client in clients:
            client.barrier()
        wait_until(lambda: all(len(who(node)) == len(clients) for node in nodes.all), "those that went are gone")
        told = [who(node) for node in nodes.all]
        assert told[1:] == told[:1] * 2


def test_a_flood_on_one_node_waits_for_a_slow_reader_on_another(engine: Nats) -> None:
    """Its member reads all the time, only not as fast, so it stays and gets everything."""
    with Nodes([engine.url], 2, "--max-waiting", "262144", "--max-clients", "100") as nodes:
        slow, loud = nodes[0].connect("main", "slow"), nodes[1].connect("main", "loud")
        slow.line()
        text, count = "x" * 4000, 1000
        with ThreadPoolExecutor(2) as pool:
            sending = pool.submit(loud.send, *[text] * count)
            pool.submit(loud.until, f"SAID loud {text[:-1]}y")
            pause = wait_slowly()
            for _ in range(count):
                assert slow.line() == f"SAID loud {text}"
                next(pause)
            sending.result()
            loud.send(f"{text[:-1]}y")
        assert slow.line().endswith("y")


def wait_slowly() -> Iterator[None]:
    """Be slow, but never for long."""
    while True:
        for _ in range(20):
            yield
        sum(range(200_000))


# ---------------------------------------------------------------- joining


def test_a_node_that_joins_has_the_state_and_its_clients_wait_meanwhile(nodes: Nodes) -> None:
    """After so many entries that there is a snapshot, and the log before it is gone."""
    ann = nodes[0].connect("main", "ann")
    for number in range(20):
        nodes[1].connect(f"room{number}", f"member{number}")
    for number in range(2 * SNAPSHOT_ENTRIES + 50):
        ann.send(f"/ping {number}")
        assert ann.line() == f"PONG {number}"
    late = nodes.add()
    bob = late.connect("main", "bob")
    assert ann.barrier() == ["JOINED bob"]
    bob.send("/nick member3")
    assert bob.line().startswith("ERROR name-taken")
    assert who(late) == ["ann main", *(f"member{number} room{number}" for number in range(20)), "bob main"]


def test_who_is_left_of_a_cluster_of_which_all_nodes_were_killed_is_lost_soon(nodes: Nodes) -> None:
    nodes[0].connect("main", "ann")
    for node in nodes.all:
        node.process.kill()
        node.process.wait(DEADLINE)
    fresh = nodes.add()
    wait_until(lambda: who(fresh) == [], "the dead are forgotten")
    fresh.connect("main", "ann")


def test_what_was_said_is_the_same_on_all_nodes_and_survives_them(engine: Nats) -> None:
    """They are all killed, and one is started again."""
    with Nodes([engine.url], 2, "--history", "20") as nodes:
        ann, bob = (nodes[number].connect("main", name) for number, name in ((0, "ann"), (1, "bob")))
        for number in range(30):
            bob.send(f"word {number}")
            assert bob.line() == f"SAID bob word {number}"
        answers = []
        for client in (ann, bob):
            client.barrier()
            client.send("/history 9999")
            answers.append([client.line() for _ in range(21)])
        assert answers[0] == answers[1]
        assert [line.split(" ", 2)[2] for line in answers[0][:-1]] == [f"SAID bob word {n}" for n in range(10, 30)]
        for node in nodes.all:
            node.process.kill()
            node.process.wait(DEADLINE)
        fresh = nodes.add()
        wait_until(lambda: who(fresh) == [], "the dead are forgotten")
        cyd = fresh.connect("main", "cyd")
        cyd.send("/history 9999")
        assert [cyd.line() for _ in range(21)] == answers[0]
        fresh.type("/forget main")
        fresh.printed("Dropped what was kept of main.")
        cyd.barrier()
        cyd.send("/history 9999")
        assert cyd.line() == answers[0][-1].replace(" 20 ", " 0 ")


# ---------------------------------------------------------------- what is said where it cannot be


def test_where_nobody_answers() -> None:
    port = free_ports(1)[0]
    said = refused("--cluster", f"nats://ann:secret@127.0.0.1:{port}", "--cluster-wait", "1")
    assert f"no NATS server answers at 127.0.0.1:{port}: " in said
    assert "secret" not in said


def test_where_the_library_is_missing() -> None:
    hidden = "import sys; sys.modules['nats'] = None; from reference.server.cli import main; sys.exit(main())"
    said = refused("--cluster", "nats://127.0.0.1:4222", command=("-c", hidden))
    assert "--cluster needs the library nats" in said
    assert "pip install 'flurfunk[cluster]'" in said


def test_where_jetstream_is_switched_off(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    plain = Nats(tmp_path / "nats", port)
    plain._command.remove("-js")
    try:
        said = refused("--cluster", plain.start().url, "--cluster-wait", "1")
    finally:
        plain.end()
    assert f"JetStream of NATS does not answer at 127.0.0.1:{port}" in said


@pytest.mark.parametrize("mark", [{}, {"flurfunk-format": "99"}])
def test_where_the_stream_is_of_another_version_or_not_ours(engine: Nats, mark: dict[str, str]) -> None:
    name = f"other{len(mark)}"
    config = StreamConfig(name=f"FLURFUNK_{name}", subjects=[f"flurfunk.{name}.log"], metadata=mark)
    ask_nats(engine.url, "add_stream", config)
    said = refused("--cluster", engine.url, "--cluster-name", name)
    why = f"belongs to another version: its format is 99, and this one's is {FORMAT}" if mark else "is not Flurfunk's"
    assert f"the stream FLURFUNK_{name} of NATS {why}" in said


def test_where_the_others_want_a_password(nodes: Nodes, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.touch(0o600)
    file.write_text("sesame\n")
    said = refused(*nodes.options, "--password-file", str(file))
    assert f"the servers of the cluster {nodes.options[3]} run who rooms tell, and this one" in said
    assert "who rooms tell password: give all the same options" in said


def test_where_the_others_keep_other_words(engine: Nats) -> None:
    with Nodes([engine.url], 1, "--history", "20") as nodes:
        options = nodes.options[: nodes.options.index("--history")]
        assert "run who rooms tell history (20 lines, 7 days), and this one" in refused(*options, "--history", "30")
        assert "run who rooms tell history (20 lines, 7 days), and this one who rooms tell:" in refused(*options)


def test_a_file_of_history_is_for_a_server_alone(tmp_path: Path) -> None:
    words = ["--cluster", "nats://127.0.0.1:4222", "--history", "20", "--history-file", str(tmp_path / "file")]
    ran = subprocess.run([sys.executable, str(SERVER), *words], capture_output=True, text=True, timeout=DEADLINE)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "with --cluster, the log keeps what --history asks for" in ran.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:4222", "nats://127.0.0.1", "nats://:4222", "nats://h:1,", "h:x"])
def test_a_url_that_is_none(url: str) -> None:
    ran = subprocess.run(
        [sys.executable, SERVER, "--cluster", url], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert ran.returncode == 2
    assert "a URL of NATS is nats://HOST:PORT" in ran.stderr


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"hello", "it is no entry of Flurfunk"),
        (json.dumps([FORMAT + 1, "x", 0, []]).encode(), f"it has format {FORMAT + 1}, and this version knows {FORMAT}"),
        (json.dumps([FORMAT, "x", 0, [["dance"]], 0]).encode(), "this version does not know the input 'dance'"),
    ],
)
def test_a_bad_entry_ends_each_node_with_a_clear_line(nodes: Nodes, octets: bytes, why: str) -> None:
    clients = [node.connect("main") for node in nodes.all]
    ask_nats(nodes.options[1], "publish", f"flurfunk.{nodes.options[3]}.log", octets)
    assert [leaving(client) for client in clients] == ["BYE shutdown"] * 3
    assert [node.process.wait(DEADLINE) for node in nodes.all] == [1, 1, 1]
    for node in nodes.all:
        assert f"of the stream {stream(nodes)} cannot be carried out: {why}" in node.log()
        assert "Traceback" not in node.log()


def test_a_stream_that_is_deleted_ends_a_node_with_a_clear_line(engine: Nats) -> None:
    with Nodes([engine.url], 1, "--cluster-wait", "2") as nodes:
        client = nodes[0].connect("main")
        ask_nats(engine.url, "delete_stream", stream(nodes))
        assert leaving(client) == "BYE shutdown"
        assert nodes[0].process.wait(DEADLINE) == 1
        assert "the cluster's log has not answered for 2 s: no response from stream" in nodes[0].log()


def test_a_stream_that_is_begun_anew_ends_a_node_with_a_clear_line(engine: Nats) -> None:
    with Nodes([engine.url], 1) as nodes:
        client = nodes[0].connect("main")
        ask_nats(engine.url, "delete_stream", stream(nodes))
        nodes.add()
        assert leaving(client) == "BYE shutdown"
        assert nodes[0].process.wait(DEADLINE) == 1
        assert f"the stream {stream(nodes)} of NATS was begun anew" in nodes[0].log()


# ---------------------------------------------------------------- NATS with TLS, and with names and passwords


def test_nats_with_tls_and_a_password() -> None:
    tls = ("--tls", "--tlscert", str(CERTIFICATES / "server.pem"), "--tlskey", str(CERTIFICATES / "server.key"))
    with nats(*tls, "--user", "chat", "--pass", "sesame") as engine:
        url = f"tls://chat:sesame@127.0.0.1:{engine.port}"
        ca = ("--cluster-ca", str(CERTIFICATES / "authority.pem"))
        with Nodes([url], 2, *ca) as nodes:
            ann = nodes[0].connect("main", "ann")
            nodes[1].connect("main", "bob")
            assert ann.barrier() == ["JOINED bob"]
        wrong = f"tls://chat:wrong@127.0.0.1:{engine.port}"
        said = refused("--cluster", wrong, *ca, "--cluster-wait", "5")
        assert "Authorization Violation" in said
        assert "wrong" not in said
        said = refused("--cluster", url, "--cluster-wait", "1")
        assert "certificate verify failed" in said


# ---------------------------------------------------------------- without a cluster


def test_a_server_alone_does_not_import_the_library() -> None:
    told = "import sys, reference.server.cli; print(sorted({'nats', 'asyncio'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
