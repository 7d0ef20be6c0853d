"""The third server: it takes the freedoms that its docstring lists, each of which is seen here from outside."""

import select
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.support import DEADLINE, Client, Server, until_broken, wait_until

COMMAND = (sys.executable, "-m", "tests.contraryserver")
TRIES = 400  # so many that chance does not leave out what comes once in twenty times


def contrary(*options: str) -> Server:
    return Server(*options, command=COMMAND)


@pytest.fixture
def server() -> Iterator[Server]:
    with contrary() as running:
        yield running


def said(client: Client) -> str:
    """Return the next line that is not INFO."""
    while (line := client.line()).startswith("INFO "):
        pass
    return line


def member(server: Server, name: str, room: str = "main") -> Client:
    """Return a client that is in a room, after all that it was sent for that."""
    client = server.open()
    client.send(f"/nick {name}", room)
    client.until(f"ROOM {room}")
    return client


def until_seen(wanted: set[object], attempt: Callable[[], object], tries: int = TRIES) -> None:
    """Try until all outcomes have been seen."""
    seen: set[object] = set()
    for _ in range(tries):
        seen.add(attempt())
        if wanted <= seen:
            return
    raise AssertionError(f"never seen: {wanted - seen}, but {seen}")


def several(attempt: Callable[[], object]) -> None:
    """Try until an outcome is not the first one."""
    first = attempt()
    assert any(attempt() != first for _ in range(TRIES)), first


def is_read(client: Client) -> bool:
    """Return whether the server still takes what is sent after its end of stream."""
    try:
        client.sock.send(b"\n")
    except OSError:
        return False
    return True


def made_up(client: Client) -> str:
    assert client.line().startswith("HELLO ")
    return client.line().removeprefix("NAME ")


# ---------------------------------------------------------------- names, orders, texts


def test_the_smallest_free_name_is_used_again() -> None:
    with contrary("--names", "smallest") as server:
        clients = [server.open() for _ in range(3)]
        assert [made_up(client) for client in clients] == ["guest-1", "guest-2", "guest-3"]
        clients[1].send("/nick Ann", "exit")
        clients[1].until("BYE exit")
        clients[0].send("/nick Bob")
        clients[0].until("NAME Bob")
        assert [made_up(server.open()) for _ in range(3)] == ["guest-1", "guest-2", "guest-4"]


def test_made_up_names_have_every_form(server: Server) -> None:
    def form() -> str:
        client = server.open()
        name = made_up(client)
        client.close()
        if name.startswith("guest-"):
            return "guest"
        return "digits" if name.isdigit() else {1: "one", 32: "long"}.get(len(name), "letters")

    until_seen({"guest", "digits", "one", "long", "letters"}, form)


def test_orders_change(server: Server) -> None:
    for number in range(4):
        member(server, f"Name{number}", f"room{number}")
    asker = [member(server, f"Member{number}") for number in range(4)][-1]
    for command, last in (("/who", "MEMBERS main 4"), ("/rooms", "ROOMS 5")):

        def answer(command: str = command, last: str = last) -> list[str]:
            asker.barrier()
            asker.send(command)
            return [line for line in asker.until(last) if line.startswith(("MEMBER ", "LIVE "))]

        several(answer)
    several(lambda: server.open().line())


def test_texts_are_of_any_length_and_script(server: Server) -> None:
    client = server.open()
    client.until("NAME")

    def kind() -> str:
        client.send("no room")
        text = said(client).removeprefix("ERROR bad-room ")
        if len(text.encode()) > 8000:
            return "long"
        return "blank" if text == " " else "ascii" if text.isascii() else "script"

    until_seen({"long", "blank", "ascii", "script"}, kind)


def test_somebody_who_is_silent_gets_info_lines(server: Server) -> None:
    client = server.open()
    client.barrier()  # the greeting is over
    assert client.line().startswith("INFO ")


def test_an_experiment_is_a_feature(server: Server) -> None:
    client = server.open()
    assert "x-moon" in client.line().split(" ")
    client.send("/moon", "/moon full")
    client.until("MOON ")
    client.until("ERROR no-moon ")


def test_features_and_info_lines_can_be_missing() -> None:
    with contrary(*(word for one in ("who", "rooms", "history") for word in ("--without", one)), "--quiet") as server:
        client = server.open()
        client.send("/who", "/rooms", "/ping x")
        lines = [client.line().split(" ")[:2] for _ in range(5)]
        assert lines[0] == ["HELLO", "flurfunk/1"]
        assert lines[2:] == [["ERROR", "unknown-command"]] * 2 + [["PONG", "x"]]


# ---------------------------------------------------------------- order


def test_an_answer_comes_after_events_that_came_later(server: Server) -> None:
    ann, bob, cyd = (member(server, name) for name in ("Ann", "Bob", "Cyd"))
    for client in (ann, bob, cyd):
        client.barrier()
    numbers = iter(range(TRIES))

    def what_comes_first() -> str:
        name = f"Ann{next(numbers)}"
        ann.send(f"/nick {name}")
        bob.send(*["word"] * 5, "end")
        behind = [line for line in cyd.until("SAID Bob end") if line.startswith(("NICK", "SAID"))]
        lines = [line for line in ann.until("SAID Bob end") if not line.startswith("INFO")]
        if f"NAME {name}" not in lines:
            ann.until(f"NAME {name}")
            return "event"
        at, place = lines.index(f"NAME {name}"), next(n for n, line in enumerate(behind) if line.startswith("NICK"))
        return "event" if at > place else "answer"

    until_seen({"event", "answer"}, what_comes_first)


def test_whoever_is_told_first_is_another_each_time(server: Server) -> None:
    ann, bob, cyd = (member(server, name) for name in ("Ann", "Bob", "Cyd"))
    for client in (ann, bob, cyd):
        client.barrier()

    def first() -> object:
        cyd.send("word")
        ready, _, _ = select.select([ann.sock, bob.sock], [], [], DEADLINE)
        for client in (ann, bob, cyd):
            client.until("SAID Cyd word")
        return tuple(name for name, client in (("ann", ann), ("bob", bob)) if client.sock in ready)

    until_seen({("ann",), ("bob",)}, first)


def test_a_flood_is_read_one_line_a_turn(server: Server) -> None:
    ann, bob = member(server, "Ann"), member(server, "Bob")
    ann.send(*["flood"] * 5000)
    bob.send("word")
    bob.until("SAID Bob word")
    assert "SAID Ann flood" in bob.barrier()


# ---------------------------------------------------------------- octets


def test_a_write_can_end_within_a_character(server: Server) -> None:
    client = server.open()
    client.barrier()

    def whole() -> bool:
        client.send("/ping \u20ac")
        octets, cut = b"", False
        while "PONG \u20ac\n".encode() not in octets:  # an INFO line may come with it
            octets += client.sock.recv(65536)
            cut = cut or octets[-1] in b"\xe2\x82"
        return not cut

    until_seen({False}, whole)


# ---------------------------------------------------------------- ends


def test_a_foreign_connection_ends_in_three_ways(server: Server) -> None:
    def end() -> object:
        client = server.open()
        client.sock.sendall(b"GET ")
        octets, broken = b"", False
        try:
            while more := client.sock.recv(65536):
                octets += more
        except ConnectionResetError:
            broken = True
        client.close()
        return broken, b"HELLO" in octets

    until_seen({(True, False), (False, True), (False, False)}, end)


def test_lines_before_a_reset_are_done_or_dropped(server: Server) -> None:
    bob = member(server, "Bob")

    def done() -> bool:
        ann = member(server, "Ann")
        ann.barrier()
        ann.send("last words")
        ann.reset()
        return "SAID Ann last words" in bob.until("LEFT Ann lost")

    until_seen({True, False}, done)


def test_lines_before_a_removal_are_dropped(server: Server) -> None:
    ann, bob = member(server, "Ann"), member(server, "Bob")
    ann.send(*["words"] * 5000)
    server.type("/kick Ann")
    assert bob.until("LEFT Ann removed").count("SAID Ann words") < 5000


def test_what_waits_for_a_slow_client_is_kept_or_dropped(server: Server) -> None:
    ann = member(server, "Ann")

    def last(lines: list[str]) -> int:
        return int(next(line for line in reversed(lines) if line.startswith("SAID")).split(" ")[2])

    def kept() -> bool:
        cyd = server.open()
        cyd.send("/nick Cyd", "main")
        ann.until("JOINED Cyd")
        before: list[str] = []
        for batch in range(TRIES):
            ann.send(*(f"{32 * batch + number} {'x' * 4000}" for number in range(32)))
            before += ann.barrier()
            if "LEFT Cyd removed" in before:
                break
        return last(before[: before.index("LEFT Cyd removed")]) - last(cyd.until("BYE slow")) < 10

    until_seen({True, False}, kept, tries=16)


def test_after_bye_some_are_read_for_long_and_others_are_not(server: Server) -> None:
    clients = [server.connect() for _ in range(16)]
    for client in clients:
        client.send("exit")
        client.until("BYE exit")

    def overtaken() -> bool:
        """Return whether one that left later is closed, and one that left earlier is open."""
        read = [is_read(client) for client in reversed(clients)]
        return False in read and True in read[read.index(False) :]

    wait_until(overtaken, "a connection that is closed before an older one")


def test_the_console_prints_what_it_has_to(server: Server) -> None:
    ann = member(server, "Ann", "lounge")
    server.type("lunch", "", "/rooms", "/who", "/help", "/kick Ann", "/no-such")
    ann.until("BYE removed")
    assert server.printed("[lounge]Ann\n") == "1*lounge\n[lounge]Ann\n"
    assert server.printed("\n") == "exit /help /kick /rooms /who\n"
    assert server.printed("\n").strip()
    assert until_broken(ann.sock) == b""
    ann.close()
    server.type("exit")
    assert server.process.wait(DEADLINE) == 0
