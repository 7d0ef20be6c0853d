"""Faults, really made, while a pair chats on and each of its lines is checked."""

import contextlib
import signal
from collections.abc import Iterator

import pytest

from benchmarks.nats import Nats, nats, three_nats
from reference.cluster.hub import SNAPSHOT_ENTRIES
from tests.cluster.support import Cable, Nodes, Pair, leaving, who
from tests.support import Client, Server, wait_until

# A node that is connected to a stopped server of NATS needs some seconds to find another one.
PATIENT = ("--cluster-timeout", "12")


@pytest.fixture(scope="module")
def engine() -> Iterator[Nats]:
    with nats() as server:
        yield server


def guests(node: Server, names: list[str]) -> None:
    for name in names:
        node.connect("hall", name)


def lefts(names: list[str], reason: str = "lost") -> list[str]:
    return [f"LEFT {name} {reason}" for name in names]


def test_the_clients_of_a_killed_node_are_lost_once_and_their_names_are_free(engine: Nats) -> None:
    names = [f"guest{number}" for number in range(5)]
    with Nodes([engine.url]) as nodes, Pair(nodes[0], nodes[1]) as pair:
        watchers = [node.connect("hall", f"watcher{number}") for number, node in enumerate(nodes.all[:2])]
        guests(nodes[2], names)
        for watcher in watchers:
            watcher.barrier()
        nodes[2].process.kill()
        for watcher in watchers:
            assert [watcher.line() for _ in names] == lefts(names)
        pair.go_on()
        again = nodes[1].connect("hall", names[0])
        assert [watcher.barrier() for watcher in watchers] == [[f"JOINED {names[0]}"]] * 2
        again.send("/who")
        assert len(again.until("MEMBERS")) == 3


def test_a_node_that_was_stopped_ends_its_clients_and_joins_again(engine: Nats) -> None:
    names = ["cyd", "dan"]
    with Nodes([engine.url]) as nodes, Pair(nodes[0], nodes[1]) as pair:
        watcher = nodes[0].connect("hall", "watcher")
        clients = [nodes[2].connect("hall", name) for name in names]
        watcher.barrier()
        nodes[2].process.send_signal(signal.SIGSTOP)
        assert [watcher.line() for _ in names] == lefts(names)
        back = [nodes[0].connect("hall", name) for name in names]  # their names are free
        for client in clients:
            client.send("said by a ghost")
        nodes[2].process.send_signal(signal.SIGCONT)
        assert [leaving(client) for client in clients] == ["BYE shutdown"] * 2
        fresh = nodes[2].connect("hall", "eve")
        fresh.send("/who")
        assert sorted(fresh.until("MEMBERS")) == [f"MEMBER {name}" for name in ("cyd", "dan", "eve", "watcher")]
        heard = watcher.barrier()
        assert not any("ghost" in line for line in heard), heard
        assert [line for line in heard if line.startswith("LEFT")] == []
        pair.go_on()
        assert back[0].barrier()[-1] == "JOINED eve"
        wait_until(lambda: "had given this one up" in nodes[2].log(), "the node tells why its clients were ended")


@contextlib.contextmanager
def cut_off(engine: Nats) -> Iterator[tuple[Cable, Nodes, Pair, Server, Client, Client]]:
    """Cut a node off from NATS; yield it with a client of it, whom a watcher on another node has seen lost."""
    cable = Cable(engine.port)
    with (
        contextlib.closing(cable),
        Nodes([engine.url], 2) as nodes,
        Pair(nodes[0], nodes[1]) as pair,
    ):
        nodes.options = ("--cluster", cable.url, *nodes.options[2:])
        alone = nodes.add()
        watcher = nodes[0].connect("hall", "watcher")
        client = alone.connect("hall", "cyd")
        watcher.barrier()
        cable.cut()
        assert watcher.line() == "LEFT cyd lost"
        yield cable, nodes, pair, alone, watcher, client


def test_a_node_that_was_cut_off_ends_its_clients_and_joins_again(engine: Nats) -> None:
    with cut_off(engine) as (cable, _, pair, alone, watcher, client):
        client.send("nobody hears this")
        pair.go_on()
        wait_until(lambda: "does not answer" in alone.log(), "the node notices that it is cut off")
        cable.mend()
        assert leaving(client) == "BYE shutdown"
        alone.connect("hall", "cyd")
        assert watcher.barrier() == ["JOINED cyd"]


def test_a_node_that_was_cut_off_until_the_log_was_cut_short_begins_from_a_snapshot(engine: Nats) -> None:
    with cut_off(engine) as (cable, nodes, pair, alone, watcher, client):
        for _ in range(3 * SNAPSHOT_ENTRIES):  # the log is cut when the second snapshot has been stored
            watcher.barrier()
        pair.go_on()
        cable.mend()
        assert leaving(client) == "BYE shutdown"
        alone.connect("hall", "cyd")
        assert watcher.barrier() == ["JOINED cyd"]
        assert "this node was away for too long" in alone.log()
        assert who(alone) == who(nodes[0]) == ["Ann pair", "Bob pair", "watcher hall", "cyd hall"]


def test_a_node_that_ends_by_a_signal_leaves_the_others_undisturbed(engine: Nats) -> None:
    """As in a rolling upgrade: one after the other is ended and started again, and who stays gets everything."""
    with Nodes([engine.url]) as nodes, Pair(nodes[0], nodes[1]) as pair:
        watcher = nodes[0].connect("hall", "watcher")
        for turn in range(2):
            client = nodes[2 + turn].connect("hall", "cyd")
            assert watcher.barrier() == ["JOINED cyd"]
            assert nodes[2 + turn].end() == 0
            assert leaving(client) == "BYE shutdown"
            assert watcher.barrier() == ["LEFT cyd lost"]
            nodes.add()
            pair.go_on()


def test_exit_on_one_console_ends_all_nodes(engine: Nats) -> None:
    with Nodes([engine.url]) as nodes:
        clients = [node.connect("hall", f"member{number}") for number, node in enumerate(nodes.all)]
        for client in clients:
            client.barrier()
        nodes[1].type("exit")
        assert [client.rest() for client in clients] == [["BYE shutdown"]] * 3
        assert [node.process.wait(30) for node in nodes.all] == [0, 0, 0]
        fresh = nodes.add()  # whatever the log has
        fresh.connect("hall", "member0")
        assert who(fresh) == ["member0 hall"]


def test_one_engine_killed_and_started_again_loses_nothing() -> None:
    with nats() as engine, Nodes([engine.url]) as nodes, Pair(nodes[0], nodes[1]) as pair:
        watcher = nodes[2].connect("hall", "watcher")
        for _ in range(3):
            pair.go_on()
            engine.end()
            engine.start()
        pair.go_on()
        assert watcher.barrier() == []


def test_an_engine_that_is_stopped_and_continued_loses_nothing() -> None:
    with nats() as engine, Nodes([engine.url], 3, *PATIENT) as nodes, Pair(nodes[0], nodes[1]) as pair:
        pair.go_on()
        engine.send(signal.SIGSTOP)
        wait_until(lambda: all("does not answer" in node.log() for node in nodes.all), "the nodes notice it")
        engine.send(signal.SIGCONT)
        pair.go_on()


def test_an_engine_that_is_gone_for_good_ends_the_nodes() -> None:
    with nats() as engine, Nodes([engine.url], 2, "--cluster-wait", "3") as nodes:
        client = nodes[0].connect("hall", "ann")
        engine.end()
        client.send("too late")
        assert client.rest() == ["BYE shutdown"]
        assert [node.process.wait(30) for node in nodes.all] == [1, 1]
        assert "the cluster's log has not answered for 3 s" in nodes[0].log()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_of_three_engines_each_may_be_lost_and_come_back(number: int) -> None:
    with (
        three_nats() as engines,
        Nodes([engine.url for engine in engines], 3, *PATIENT) as nodes,
        Pair(nodes[0], nodes[1]) as pair,
    ):
        watcher = nodes[2].connect("hall", "watcher")
        for engine in engines:
            pair.go_on()
            engine.end(number)
            pair.go_on()
            engine.start()
        pair.go_on()
        assert watcher.barrier() == []


def test_of_three_engines_one_may_be_gone_for_good_or_stopped() -> None:
    with (
        three_nats() as engines,
        Nodes([engine.url for engine in engines], 3, *PATIENT) as nodes,
        Pair(nodes[0], nodes[1]) as pair,
    ):
        watcher = nodes[2].connect("hall", "watcher")
        for engine in engines[1:]:
            engine.send(signal.SIGSTOP)
            pair.go_on()
            engine.send(signal.SIGCONT)
            pair.go_on()
        engines[0].end()
        pair.go_on(20)
        assert watcher.barrier() == []
