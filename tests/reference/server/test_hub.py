"""Where the chat meets the delivery: real sockets, no thread for each client."""

import contextlib
import math
import socket
import struct
import threading
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from reference.server import hub
from reference.server.chat import Record
from reference.server.connection import BATCH_LINES
from reference.server.delivery import Peer
from reference.server.hub import Hub, Limits
from reference.wire import parse
from tests.support import DEADLINE, Client, wait_until


class Stage:
    """A hub, and clients whose lines are handed to it as a batch."""

    def __init__(self, limits: Limits = Limits(), is_password: Callable[[str], bool] | None = None) -> None:  # noqa: B008
        self.noted: list[Record] = []
        self.hub = Hub(limits, self.noted.append, is_password=is_password)
        self.stack = contextlib.ExitStack()
        self.hub.start()

    def connect(self, *lines: str, buffer: int | None = None) -> tuple[Peer, Client]:
        """Return a new client that has sent these lines; its greeting and what they brought is not read."""
        ours, theirs = socket.socketpair()
        if buffer:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        client = Client(theirs)
        self.stack.callback(client.close)
        self.stack.callback(ours.close)
        peer = Peer(self.hub.new_number(), ours)
        self.hub.connect(peer)
        self.say(peer, *lines)
        return peer, client

    def say(self, peer: Peer, *lines: str, flooding: bool = False) -> None:
        """Hand over lines in one batch."""
        messages = [message for line in lines if (message := parse(line.encode())) is not None]
        if messages:
            self.hub.receive(peer, messages, flooding)

    def barrier(self, peer: Peer, client: Client) -> list[str]:
        """Return the lines before the answer to a ping."""
        self.say(peer, "/ping barrier")
        return client.until("PONG barrier")

    def end(self, peer: Peer) -> None:
        """Tell the hub what a client's thread tells it in the end."""
        self.hub.end_of_stream(peer)
        self.hub.reader_ended(peer)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    with stage.stack:
        yield stage


def test_conversation(stage: Stage) -> None:
    ann, ann_client = stage.connect("/nick Ann", "main")
    bob, bob_client = stage.connect("/nick Bob", "main")
    stage.say(ann, "hello", "/nick Anna", "it is me", "/cd lounge", "anybody?")
    assert ann_client.until("SAID Anna anybody?")[3:] == [
        "NAME Ann",
        "ROOM main",
        "JOINED Bob",
        "SAID Ann hello",
        "NAME Anna",
        "SAID Anna it is me",
        "ROOM lounge",
    ]
    assert stage.barrier(bob, bob_client)[5:] == [
        "SAID Ann hello",
        "NICK Ann Anna",
        "SAID Anna it is me",
        "LEFT Anna moved",
    ]
    assert [user.name for user in stage.hub.users()] == ["Anna", "Bob"]
    assert stage.hub.rooms() == {"main": 1, "lounge": 1}


def test_end_of_stream_gets_what_the_lines_brought(stage: Stage) -> None:
    """[NET-4] [LEFT-1]."""
    ann, ann_client = stage.connect("/nick Ann", "main")
    bob, bob_client = stage.connect("main")
    stage.say(ann, "bye all")
    stage.end(ann)
    stage.end(ann)  # once more does no harm
    assert ann_client.rest()[-1] == "SAID Ann bye all"
    assert stage.barrier(bob, bob_client)[-2:] == ["SAID Ann bye all", "LEFT Ann lost"]
    assert ann.sock.fileno() == -1


def test_refused_protocol_is_closed_without_a_word(stage: Stage) -> None:
    """[NET-9]."""
    peer, client = stage.connect()
    stage.hub.refuse(peer, "HTTP")
    stage.hub.reader_ended(peer)
    assert not [line for line in client.rest() if line.startswith("BYE")]
    assert stage.hub.users() == []


def test_announcements_tell_how_many_hear_them(stage: Stage) -> None:
    """[OPER-1]: all rooms, or one, whose name is folded."""
    ann, ann_client = stage.connect("main")
    bob, bob_client = stage.connect("main")
    cyd, cyd_client = stage.connect("lounge")
    stage.connect()
    assert stage.hub.announce("noon") == (3, 2)
    assert stage.hub.announce("soon", "MAIN") == (2, 1)
    assert stage.hub.announce("never", "nowhere") == (0, 0)
    for peer, client, heard in ((ann, ann_client, 2), (bob, bob_client, 2), (cyd, cyd_client, 1)):
        lines = [line for line in stage.barrier(peer, client) if line.startswith("ANNOUNCE")]
        assert lines == ["ANNOUNCE noon", "ANNOUNCE soon"][:heard]


def test_locked(stage: Stage) -> None:
    """[BYE-4] [BYE-5]."""
    ann, ann_client = stage.connect("main")
    stage.hub.locked = True
    assert stage.connect()[1].rest() == ["HELLO flurfunk/1 who rooms tell", "BYE full"]
    stage.say(ann, "/cd lounge")
    assert stage.barrier(ann, ann_client)[-1] == "ROOM lounge"
    stage.hub.locked = False
    assert stage.connect("lounge")[1].until("ROOM lounge")
    assert stage.hub.counts == (2, 1)
    assert [record.name for record in stage.noted if "lock" in record.name] == ["locked", "unlocked"]


def test_kick(stage: Stage) -> None:
    """[OPER-4] [NAME-9] [BYE-3]."""
    ann, ann_client = stage.connect("/nick Ann", "main")
    bob, bob_client = stage.connect("/nick Bob", "main")
    assert stage.hub.kick("ANN") is True
    assert stage.hub.kick("Ann") is False
    stage.say(ann, "ghost", "/ping ghost")
    stage.say(bob, "/nick Ann")
    stage.end(ann)
    assert ann_client.rest()[-1] == "BYE removed"
    assert stage.barrier(bob, bob_client)[-2:] == ["LEFT Ann removed", "NAME Ann"]


def test_hint_about_an_unfinished_line(stage: Stage) -> None:
    """[LINE-10]: not after BYE."""
    peer, client = stage.connect()
    stage.hub.hint(peer)
    assert client.until("INFO A line ends")
    stage.say(peer, "exit")
    stage.hub.hint(peer)
    assert client.rest() == ["BYE exit"]


def test_limit_of_clients() -> None:
    """[BYE-4] [BYE-5]."""
    stage = Stage(Limits(max_clients=1))
    with stage.stack:
        first, _ = stage.connect("main")
        second, refused = stage.connect("main", "/ping x")
        stage.hub.hint(second)
        stage.end(second)
        assert refused.rest() == ["HELLO flurfunk/1 who rooms tell", "BYE full"]
        stage.say(first, "exit")
        _, third = stage.connect("main")
        third.until("ROOM main")


def test_time_to_choose_a_room() -> None:
    """[BYE-7] [BYE-8]: whatever is sent in the meantime, and not for those in a room."""
    stage = Stage(Limits(choose_timeout=0.5))
    with stage.stack:
        member, member_client = stage.connect("main")
        gone, _ = stage.connect()
        stage.end(gone)
        lobby, lobby_client = stage.connect("/nick Late", "/ping x", "no room")
        assert lobby_client.rest()[-1] == "BYE idle"
        assert stage.barrier(member, member_client)[-1] == "ROOM main"
        stage.end(lobby)


@pytest.mark.parametrize("line", ["", "main"])
def test_who_came_and_went_leaves_nothing_behind(line: str) -> None:
    """Whether it has chosen a room or not, and however long it might have taken."""
    stage = Stage(Limits(choose_timeout=86400))

    def come_and_go(times: int) -> int:
        for _ in range(times):
            ours, theirs = socket.socketpair()
            peer = Peer(stage.hub.new_number(), ours)
            stage.hub.connect(peer)
            stage.say(peer, line)
            stage.hub.reader_ended(peer)
            stage.hub.end_of_stream(peer)
            theirs.close()
        stage.noted.clear()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = come_and_go(200)
        assert come_and_go(2000) - before < 2000 * 50
    finally:
        tracemalloc.stop()


def test_slow_reader_is_removed_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """[FLOW-5] [FLOW-6]: at a line's end, and the others are told."""
    monkeypatch.setattr(hub, "LINGER", DEADLINE)
    stage = Stage(Limits(max_waiting=262144))
    with stage.stack:
        slow, slow_client = stage.connect("/nick Slow", "main", buffer=4096)
        ann, ann_client = stage.connect("/nick Ann", "main")
        ann_client.until("ROOM main")
        text = "x" * 4000
        for _ in range(1000):
            stage.say(ann, text)
            if (line := ann_client.line()) != f"SAID Ann {text}":
                break
        assert line == "LEFT Slow removed"
        *lines, bye = slow_client.rest()
        assert bye == "BYE slow"
        said = [line for line in lines if line.startswith("SAID")]
        assert said
        assert set(said) == {f"SAID Ann {text}"}  # whole lines only
        assert stage.hub.kick("Slow") is False
        stage.end(slow)


def test_answers_to_one_batch_are_bounded() -> None:
    """[FLOW-2] [FLOW-7]: who reads what it asks for is not ended, however long the answers of one segment are."""
    stage = Stage(Limits(max_waiting=262144))
    with stage.stack:
        for number in range(300):
            stage.connect(f"room-with-a-long-name-{number:010}")
        asker, client = stage.connect(buffer=4096)

        def ask() -> None:
            for _ in range(3):
                stage.say(asker, *["/rooms"] * BATCH_LINES)
            stage.say(asker, "/ping end")

        thread = threading.Thread(target=ask)
        thread.start()
        lines = client.until("PONG end")
        thread.join(DEADLINE)
        assert lines.count("ROOMS 300") == 3 * BATCH_LINES
        assert sum(line.startswith("LIVE") for line in lines) == 3 * BATCH_LINES * 300


def test_everything_is_sent_while_many_come_and_go(stage: Stage) -> None:
    """[LEFT-2] [ORDER-1]: one LEFT for each JOINED, and the same order for all, whoever races."""
    watchers = [stage.connect("/nick W1", "main"), stage.connect("/nick W2", "main", buffer=4096)]

    def come_and_go(way: int) -> None:
        for number in range(30):
            peer, client = stage.connect(
                f"/nick n{way}-{number}",
                "main",
                "hello",
                "/cd x",
                "/cd main",
                f"/nick z-{way}",
                f"/nick n{way}-{number}",
            )
            if (way + number) % 3 == 0:
                client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                stage.end(peer)
            elif (way + number) % 3 == 1:
                exiting = threading.Thread(target=stage.say, args=(peer, "exit"))
                exiting.start()
                stage.end(peer)
                exiting.join(DEADLINE)
            else:
                stage.hub.kick(f"N{way}-{number}")
                stage.end(peer)

    threads = [threading.Thread(target=come_and_go, args=(way,)) for way in range(4)]
    got: list[list[str]] = [[], []]

    def watch(at: int) -> None:
        got[at] = watchers[at][1].until("SAID W1 that is all")

    readers = [threading.Thread(target=watch, args=(at,)) for at in (0, 1)]
    for thread in threads + readers:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    stage.say(watchers[0][0], "that is all")
    for thread in readers:
        thread.join(DEADLINE)
    first = got[0][got[0].index("JOINED W2") + 1 :]
    assert first == got[1][got[1].index("ROOM main") + 1 :]
    present: set[str] = set()
    joined = 0
    for line in first:
        word, name, *new = line.split(" ")
        if word == "JOINED":
            assert name not in present
            present.add(name)
            joined += 1
        elif word == "LEFT":
            present.remove(name)
        elif word == "NICK":
            present.remove(name)
            present.add(*new)
        else:
            assert word == "SAID"
            assert name in present
    assert joined == 2 * 4 * 30
    assert not present
    assert len(stage.hub.users()) == 2


def test_who_floods_a_room_in_passing_waits_for_who_reads() -> None:
    """[FLOW-1] [FLOW-7]: it is in another room whenever it has to wait, but for what it says in this one."""
    visit = ["/cd main", *["x" * 1000] * (BATCH_LINES - 2), "/cd away"]
    visits = 100
    stage = Stage(Limits(max_waiting=262144))
    with stage.stack:
        ann, client = stage.connect("main", buffer=4096)
        client.until("ROOM main")
        passing, passing_client = stage.connect("/nick Passing", "away")

        def come_and_go() -> None:
            for _ in range(visits):
                stage.say(passing, *visit, flooding=True)

        flood = threading.Thread(target=come_and_go)
        flood.start()
        reading = threading.Thread(target=passing_client.rest)
        reading.start()
        for _ in range(visits):
            assert client.line() == "JOINED Passing"
            assert [client.line() for _ in visit[2:]] == [f"SAID Passing {text}" for text in visit[1:-1]]
            assert client.line() == "LEFT Passing moved"
        flood.join(DEADLINE)
        assert not flood.is_alive()
        for peer in (ann, passing):
            stage.end(peer)
        reading.join(DEADLINE)


def test_operator_who_floods_waits_for_who_reads() -> None:
    """[FLOW-7] [OPER-1]: a file as long as many bounds, to a member for which the system takes little at a time."""
    lines = [f"{number} {'x' * 4000}" for number in range(1000)]
    stage = Stage(Limits(max_waiting=262144))
    with stage.stack:
        ann, client = stage.connect("main", buffer=4096)
        client.until("ROOM main")
        operator = threading.Thread(target=lambda: [stage.hub.announce(line) for line in lines])
        operator.start()
        for line in lines:
            assert client.line() == f"ANNOUNCE {line}"
        operator.join(DEADLINE)
        assert not operator.is_alive()
        stage.end(ann)


def test_operator_waits_for_who_reads_slowly_after_much_alone(stage: Stage) -> None:
    """[OPER-13]: not before each line, while one lags of whom it seems at each moment that it has just read."""
    slow, _ = stage.connect("main", buffer=4096)
    ann, client = stage.connect("main")
    reading = threading.Thread(target=client.rest)
    reading.start()
    for _ in range(20):
        stage.say(ann, *["x" * 1000] * 10)
    room = slow.stream
    assert room
    wait_until(lambda: slow in room.lagging, "much waits for the slow one")
    slow.progress = math.inf
    operator = threading.Thread(target=lambda: [stage.hub.announce("x" * 1000) for _ in range(60)], daemon=True)
    operator.start()
    operator.join(DEADLINE / 3)
    assert not operator.is_alive()
    assert stage.hub.kick("guest-1")
    stage.end(ann)
    reading.join(DEADLINE)


def test_operator_does_not_wait_for_who_reads_nothing() -> None:
    """[FLOW-3] [FLOW-5]: who is removed in the end."""
    stage = Stage(Limits(max_waiting=262144))
    with stage.stack:
        stuck, _ = stage.connect("/nick Stuck", "main", buffer=4096)
        ann, client = stage.connect("main")
        client.until("ROOM main")
        lines = [f"{number} {'x' * 4000}" for number in range(200)]
        operator = threading.Thread(target=lambda: [stage.hub.announce(line) for line in lines])
        operator.start()
        heard = client.until(f"ANNOUNCE {lines[-1]}")
        heard.remove("LEFT Stuck removed")
        assert heard == [f"ANNOUNCE {line}" for line in lines[:-1]]
        operator.join(DEADLINE)
        assert not operator.is_alive()
        for peer in (stuck, ann):
            stage.end(peer)


def test_shutting_down(stage: Stage) -> None:
    """[OPER-2]: all get what is queued and BYE; who comes later is sent away; it waits until all are gone."""
    ann, ann_client = stage.connect("main", buffer=4096)
    lobby, lobby_client = stage.connect()
    for _ in range(50):
        stage.say(ann, "x" * 1000)
    ender = threading.Thread(target=stage.hub.shut_down, args=(DEADLINE,))
    ender.start()
    lines = ann_client.rest()
    assert lines[-1] == "BYE shutdown"
    assert sum(line.startswith("SAID") for line in lines) == 50
    assert lobby_client.rest()[-1] == "BYE shutdown"
    late, late_client = stage.connect("main")
    assert late_client.rest() == ["HELLO flurfunk/1 who rooms tell", "BYE shutdown"]
    assert ender.is_alive()
    for peer in (ann, lobby, late):
        stage.end(peer)
    ender.join(DEADLINE)
    assert not ender.is_alive()


def test_shutting_down_by_deadline(stage: Stage) -> None:
    """[OPER-2]: whoever does not read is cut off."""
    stuck, _ = stage.connect("main", buffer=4096)
    for _ in range(50):
        stage.say(stuck, "x" * 1000)

    def read() -> None:
        while stuck.sock.recv(100):
            pass
        stage.end(stuck)

    reader = threading.Thread(target=read)
    reader.start()
    stage.hub.shut_down(0.1)
    reader.join(DEADLINE)
    assert not reader.is_alive()
    wait_until(lambda: stuck.sock.fileno() == -1, "the socket to be closed")


def test_shutting_down_waits_for_what_a_half_closed_client_is_to_get(stage: Stage) -> None:
    """[NET-4] [OPER-2]: although its thread has ended."""
    peer, client = stage.connect("main", buffer=4096)
    for _ in range(100):
        stage.say(peer, "x" * 1000)
    stage.end(peer)
    ender = threading.Thread(target=stage.hub.shut_down, args=(DEADLINE,))
    ender.start()
    ender.join(0.2)
    assert ender.is_alive()
    assert sum(line.startswith("SAID") for line in client.rest()) == 100
    ender.join(DEADLINE)
    assert not ender.is_alive()


# ---------------------------------------------------------------- numbers


def test_numbers(stage: Stage) -> None:
    ann, client = stage.connect("main", "hello")
    stage.connect("lounge")
    stage.barrier(ann, client)
    stage.hub.note_stats()
    numbers = {"clients": 2, "rooms": 2, "messages": 4, "waiting": 0, "dropped": 0}
    assert stage.noted[-1] == Record("stats", numbers)


def test_numbers_again_and_again(stage: Stage) -> None:
    stage.hub.note_stats(0.01)
    wait_until(lambda: [event.name for event in stage.noted].count("stats") > 2, "the third line of numbers")


# ---------------------------------------------------------------- the feature password


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A hub that wants a password, and would let who gives a wrong one wait for longer than any test."""
    monkeypatch.setattr(hub, "HOLD", 10 * DEADLINE)
    stage = Stage(is_password="Open sesame".__eq__)
    with stage.stack:
        yield stage


def guess(stage: Stage) -> tuple[Peer, Client, threading.Thread]:
    """Return a client that has given a wrong password and sent more, and the thread in which it waits."""
    peer, client = stage.connect()
    lines = ("/ping with", "/password wrong", "/ping behind")
    thread = threading.Thread(target=stage.say, args=(peer, *lines), daemon=True)
    thread.start()
    client.until("PONG with")
    return peer, client, thread


def test_who_waits_for_a_wrong_password_holds_nobody_up(closed: Stage) -> None:
    """[PASS-6]."""
    guess(closed)
    _, ann_client = closed.connect("/password Open sesame", "main")
    _, bob_client = closed.connect("/password Open sesame", "main", "hello")
    for client in (ann_client, bob_client):
        client.until("SAID guest-3 hello")


def test_who_waits_for_a_wrong_password_can_be_kicked(closed: Stage) -> None:
    """[BYE-2] [BYE-3]: and gets no answer any more."""
    peer, client, thread = guess(closed)
    assert closed.hub.kick("guest-1")
    assert client.rest() == ["BYE removed"]
    thread.join(DEADLINE)
    assert not thread.is_alive()
    closed.end(peer)


def test_who_waits_for_a_wrong_password_does_not_hold_up_the_end(closed: Stage) -> None:
    """[BYE-2] [BYE-3] [OPER-2]: and gets no answer any more."""
    peer, client, thread = guess(closed)
    ender = threading.Thread(target=closed.hub.shut_down, args=(DEADLINE,))
    ender.start()
    assert client.rest() == ["BYE shutdown"]
    thread.join(DEADLINE)
    assert not thread.is_alive()
    closed.end(peer)
    ender.join(DEADLINE)
    assert not ender.is_alive()


def test_the_time_to_choose_a_room_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """[BYE-7]: it runs from the connection on."""
    monkeypatch.setattr(hub, "HOLD", 10 * DEADLINE)
    stage = Stage(Limits(choose_timeout=0.5), is_password="Open sesame".__eq__)
    with stage.stack:
        _, client, thread = guess(stage)
        assert client.until("BYE idle") == []
        thread.join(DEADLINE)
        assert not thread.is_alive()
