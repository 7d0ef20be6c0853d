"""The kept words of rooms, in memory and in a file; and a word to one client, through the hub."""

import itertools
import resource
import sqlite3
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.server.ahead import Part
from reference.server.ahead import encode as encode_changes
from reference.server.history import ANSWER, DAY, LEAST, ROOMS, Drop, History, Keep
from reference.server.store import BrokenStoreError, Store, StoreError
from reference.wire import encode
from tests.support import DEADLINE, SERVER, Server, locked, nobody, past, wait_until

NOW = 1_800_000_000_000


def said(text: str) -> bytes:
    return encode("SAID", "Ann", text)


def lines(history: History, room: str = "main", most: int = 9999, now: int = NOW) -> list[str]:
    """Return the lines of an answer."""
    return history.answer(room, most, now, {"main"})[0].decode().splitlines()


def number(answer: list[str]) -> int:
    return int(answer[-1].split(" ")[3])


# ---------------------------------------------------------------- in memory


def test_an_answer_has_the_last_events() -> None:
    """[HIST-1] [HIST-2] [HIST-4]."""
    history = History(LEAST, 0)
    first = number(lines(history))
    for count in range(30):
        history.keep("main", said(str(count)), NOW + count, {"main"})
    answer = lines(history, most=3)
    assert answer == [f"PAST {NOW + count} SAID Ann {count}" for count in (27, 28, 29)] + [
        f"HISTORY main 3 {first + 30}"
    ]
    assert len(lines(history)) == LEAST + 1
    assert lines(history, "other")[:-1] == []


def test_numbers_go_on_whatever_is_dropped() -> None:
    """[HIST-8]."""
    history = History(LEAST, 1)
    history.keep("main", said("a"), NOW, {"main"})
    last = number(lines(history))
    assert history.forget("main") == [Drop("main", last + 1)]
    assert history.forget("main") == []
    assert lines(history) == [f"HISTORY main 0 {last}"]
    history.keep("main", said("b"), NOW, {"main"})
    assert history.expire(NOW + 2 * DAY) == [Drop("main", last + 2)]
    assert number(lines(history, now=NOW + 2 * DAY)) == last + 1
    for count in range(3 * ROOMS):
        history.keep(f"room{count}", said("x"), NOW, {"main"})
    assert number(lines(history)) == last + 1, "a room with members"
    assert number(lines(history, "room0", now=NOW - DAY)) > last, "a room that was forgotten, and a clock set back"


def test_times_never_decrease() -> None:
    """[HIST-10]."""
    history = History(LEAST, 0)
    for now in (NOW, NOW - 5, NOW + 1):
        history.keep("main", said("x"), now, {"main"})
    assert [line.split(" ")[1] for line in lines(history)[:-1]] == [str(now) for now in (NOW, NOW, NOW + 1)]


def test_all_has_a_bound() -> None:
    """[HIST-5]: twenty of the longest fit in, and a room's octets are bounded as the number of rooms is."""
    history = History(9999, 0)
    longest = said("x" * 4096)
    for _ in range(100):
        history.keep("main", longest, NOW, {"main"})
    answer, _ = history.answer("main", 9999, NOW, {"main"})
    assert LEAST <= answer.count(b"PAST ") < 100
    assert len(answer) < ANSWER + 100
    for count in range(4 * ROOMS):
        history.keep(f"room{count}", longest, NOW, {"main"})
    _, rooms, octets = history.size
    assert rooms == ROOMS + 1
    assert octets <= (ROOMS + 1) * ANSWER
    assert lines(history, f"room{4 * ROOMS - 1}")[:-1], "the latest stay"


def test_rooms_in_which_people_only_ask_have_a_bound_too() -> None:
    history = History(LEAST, 0)
    for count in range(4 * ROOMS):
        history.answer(f"room{count}", 1, NOW, {f"room{count}"})
    assert len(history.dump()["shelves"]) == ROOMS + 1


def test_what_an_answer_finds_too_old_is_dropped_from_the_file_too() -> None:
    history = History(LEAST, 1)
    history.keep("main", said("x"), NOW, {"main"})
    (_, drops) = history.answer("main", 9999, NOW + 2 * DAY, {"main"})
    assert drops == [Drop("main", number(lines(history)) + 1)]
    assert history.expire(NOW + 2 * DAY) == []


EVENTS = st.lists(st.tuples(st.sampled_from(["main", "lounge"]), st.integers(0, 3)), max_size=80)


@given(EVENTS)
def test_changes_repeat_what_is_kept(events: list[tuple[str, int]]) -> None:
    """All that a store has, after the effects, is what is kept; and what is loaded from it is the same again."""
    history = History(LEAST, 1)
    stored: dict[tuple[str, int], tuple[int, bytes]] = {}
    now = NOW
    for room, what in events:
        now += DAY // 5 * (what == 0)
        changes: list[Keep | Drop] = []
        if what == 1:
            changes += history.forget(room)
        elif what == 2:
            changes += history.expire(now)
        else:
            changes += history.keep(room, said(str(now)), now, {"main"})
        for change in changes:
            if isinstance(change, Keep):
                stored[change.room, change.number] = (change.time, change.line)
            old = [key for key in stored if key[0] == change.room and key[1] < change.first]
            for key in old:
                del stored[key]
    for drop in history.expire(now):
        for key in [key for key in stored if key[0] == drop.room and key[1] < drop.first]:
            del stored[key]
    kept = deque((room, at, *stored[room, at]) for room, at in sorted(stored))
    again = History(LEAST, 1)
    again.load(kept)
    for room in ("main", "lounge"):
        assert lines(again, room, now=now)[:-1] == lines(history, room, now=now)[:-1]


def test_of_a_file_with_a_gap_the_last_events_are_taken() -> None:
    history = History(LEAST, 0)
    assert history.load([("main", at, NOW, said(str(at))) for at in (1, 2, 5, 6)]) == [Drop("main", 5)]
    assert lines(history) == [f"PAST {NOW} SAID Ann 5", f"PAST {NOW} SAID Ann 6", "HISTORY main 2 6"]


# ---------------------------------------------------------------- the file


def kept(path: Path) -> list[tuple[str, int]]:
    """Return rooms and numbers that stand in a file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT room, number FROM event ORDER BY room, number").fetchall()


def octets_of_all(folder: Path) -> bytes:
    """Return what stands in the files of a folder, which come and go."""
    octets = b""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            octets += path.read_bytes()
    return octets


@contextmanager
def smallest_files(octets: int) -> Iterator[None]:
    """Have no file become larger than this."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def beside(path: Path, number: int, *records: list[Keep | Drop]) -> Path:
    """Leave a file beside the database, as after a sudden end."""
    part = Part(f"{path}-new{number}")
    for changes in records:
        part.append(encode_changes(changes))
    part.close()
    return Path(part.path)


def event(at: int, first: int = 0) -> Keep:
    return Keep("main", at, NOW, said(str(at)), first)


def test_changes_are_written_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    store = Store(str(path), pytest.fail)
    store.write([event(1), event(2), event(3)])
    wait_until(lambda: kept(path) == [("main", at) for at in (1, 2, 3)], "it is in the database before it is closed")
    store.write([event(4, first=3), Drop("lounge", 9)])
    store.close()
    assert sorted(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o077 == 0
    store = Store(str(path), pytest.fail)
    assert store.kept == [("main", at, NOW, said(str(at))) for at in (3, 4)]
    store.close()


def test_one_server_uses_a_file_at_a_time(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "history.db"), pytest.fail)
    with pytest.raises(StoreError, match="another server uses it"):
        Store(str(tmp_path / "history.db"), pytest.fail)
    store.close()
    Store(str(tmp_path / "history.db"), pytest.fail).close()


@pytest.mark.parametrize("octets", [b"x" * 5000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_history_stays_as_it_is(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(octets)
    with pytest.raises(BrokenStoreError, match=r"history\.db"):
        Store(str(path), pytest.fail)
    assert path.read_bytes() == octets


def test_a_folder_that_cannot_be_written_to_is_told() -> None:
    """SQLite would say that the file cannot be written to, which is not so."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "history.db")
        Store(str(path), pytest.fail).close()
        path.chmod(0o666)
        path.parent.chmod(0o555)
        with nobody(), pytest.raises(StoreError, match=r"history\.db: its folder cannot be written to") as caught:
            Store(str(path), pytest.fail)
        assert type(caught.value) is StoreError


def test_whatever_it_is_called_it_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(":memory:", pytest.fail)
    store.write([event(1)])
    store.close()
    assert kept(tmp_path / ":memory:") == [("main", 1)]


def test_a_file_of_a_later_version_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(BrokenStoreError, match="later version"):
        Store(str(path), pytest.fail)


def test_a_file_that_another_program_locks_is_written_later(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    told: list[str] = []
    store = Store(str(path), told.append)
    with locked(path):
        store.write([event(1)])
        store.write([event(2)])
        wait_until(lambda: len(told) == 1, "the first note")
        assert "at present" in told[0]
    wait_until(lambda: len(told) == 2, "the second note")
    assert "again" in told[1]
    assert kept(path) == [("main", 1), ("main", 2)]
    store.close()


def test_the_file_beside_it_does_not_grow_for_ever_while_much_is_written(tmp_path: Path) -> None:
    """Nothing but a file of which SQLite has copied all to the other begins anew: while writing goes on, none is."""
    path = tmp_path / "history.db"
    beside = tmp_path / "history.db-wal"
    store = Store(str(path), pytest.fail)
    numbers = itertools.count(1)
    biggest = 0

    def shrinks() -> bool:
        nonlocal biggest
        for number in itertools.islice(numbers, 50):
            store.write([event(number, first=number - LEAST)])
        size = beside.stat().st_size
        biggest = max(biggest, size)
        return size < biggest

    wait_until(shrinks, "the file beside it is emptied")
    store.close()


def test_what_was_dropped_stands_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    store = Store(str(path), pytest.fail)
    store.write([Keep("main", 1, NOW, said("a secret"), 0)])
    store.write([Drop("main", 2)])
    store.write([event(2)])
    wait_until(lambda: kept(path) == [("main", 2)], "it is dropped")
    wait_until(lambda: b"a secret" not in octets_of_all(tmp_path), "it is overwritten")
    store.close()


def test_a_file_that_was_moved_is_told_and_written_again_where_it_comes_back(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "history.db", tmp_path / "elsewhere.db"
    told: list[str] = []
    store = Store(str(path), told.append)
    store.write([event(1)])
    wait_until(lambda: kept(path) == [("main", 1)], "the first is there")
    path.rename(elsewhere)
    store.write([event(2)])
    store.write([event(3)])
    wait_until(lambda: len(told) == 1, "the first note")
    assert "it was moved or deleted" in told[0]
    assert not path.exists()
    elsewhere.rename(path)
    wait_until(lambda: len(told) == 2, "the second note")
    assert kept(path) == [("main", at) for at in (1, 2, 3)]
    store.close()


def test_what_stands_beside_it_after_a_sudden_end_comes_into_it(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    beside(path, 9, [event(1), event(2)], [event(3, first=2)])
    beside(path, 10, [Keep("lounge", 7, NOW, said("x"), 7), Drop("lounge", 8)], [event(4, first=2)])
    store = Store(str(path), pytest.fail)
    assert store.kept == [("main", at, NOW, said(str(at))) for at in (2, 3, 4)]
    store.close()
    assert list(tmp_path.iterdir()) == [path]


def test_what_comes_into_it_twice_is_there_once_and_what_was_dropped_stays_away(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    store = Store(str(path), pytest.fail)
    store.write([event(1), event(2), event(3, first=2)])
    store.close()
    beside(path, 1, [event(1), event(2)], [event(1)])
    beside(path, 2, [event(3, first=2)], [event(3, first=2)])
    store = Store(str(path), pytest.fail)
    assert [number for _, number, *_ in store.kept] == [2, 3]
    store.close()


@pytest.mark.parametrize("cut", [1, 30, 50])
def test_of_a_torn_record_nothing_is_taken(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "history.db"
    torn = beside(path, 1, [event(1)], [event(2), event(3)])
    torn.write_bytes(torn.read_bytes()[:-cut])
    store = Store(str(path), pytest.fail)
    assert [number for _, number, *_ in store.kept] == [1]
    store.close()


@pytest.mark.parametrize(("old", "new"), [(b"Ann 2", b"Ann 5"), (b"Ann 1\n\0", b"Ann 1\n\1")])
def test_an_altered_record_ends_the_reading(tmp_path: Path, old: bytes, new: bytes) -> None:
    path = tmp_path / "history.db"
    altered = beside(path, 1, [event(1)], [event(2)], [event(3)])
    altered.write_bytes(altered.read_bytes().replace(old, new, 1))
    store = Store(str(path), pytest.fail)
    assert [number for _, number, *_ in store.kept] == [1]
    store.close()


def test_a_file_beside_it_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    store = Store(str(path), pytest.fail)
    (first,) = tmp_path.glob("*-new*")
    first.unlink()
    store.write([event(1)])
    wait_until(lambda: kept(path) == [("main", 1)], "it is in the database")
    wait_until(lambda: any(tmp_path.glob("*-new*")), "there is another one")
    store.close()


def test_what_does_not_fit_on_the_disk_waits_in_memory(tmp_path: Path) -> None:
    """The limit of a file's size takes the place of a disk."""
    path = tmp_path / "history.db"
    told: list[str] = []
    store = Store(str(path), told.append)
    store.write([event(1)])
    with smallest_files(100):
        store.write([event(2)])
        store.write([event(3)])
        wait_until(lambda: len(told) == 1, "the first note")
    store.write([event(4)])
    wait_until(lambda: len(told) == 2, "the second note")
    assert kept(path) == [("main", at) for at in (1, 2, 3, 4)]
    store.close()
    assert not any(tmp_path.glob("*-new*"))


def test_what_cannot_be_brought_into_it_at_the_end_comes_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    told: list[str] = []
    store = Store(str(path), told.append)
    with locked(path):
        store.write([event(1)])
        store.close()
    assert len(told) == 1
    store = Store(str(path), pytest.fail)
    assert [number for _, number, *_ in store.kept] == [1]
    store.close()


def test_what_waits_for_the_database_does_not_grow_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    told: list[str] = []
    store = Store(str(path), told.append)
    numbers = itertools.count(1)
    biggest = last = 0

    def shrinks() -> bool:
        nonlocal biggest, last
        for last in itertools.islice(numbers, 500):
            store.write([Keep("main", last, NOW, said("x" * 4000), last - LEAST)])
        size = 0
        for one in tmp_path.glob("*-new*"):
            with suppress(FileNotFoundError):
                size += one.stat().st_size
        biggest = max(biggest, size)
        return size < biggest // 2

    with locked(path):
        wait_until(shrinks, "the files beside it are one")
    wait_until(lambda: len(told) == 2, "the second note")
    store.close()
    assert kept(path) == [("main", at) for at in range(last - LEAST, last + 1)]
    assert not any(tmp_path.glob("*-new*"))


# ---------------------------------------------------------------- the server


def test_words_survive_a_restart_and_announcements_too(tmp_path: Path) -> None:
    options = ("--history", "20", "--history-file", str(tmp_path / "history.db"))
    with Server(*options) as server:
        ann = server.connect("main", "Ann")
        ann.send("hello")
        ann.until("SAID Ann hello")
        server.type("noon")
        ann.until("ANNOUNCE noon")
        before = past(ann)
        assert server.end() == 0
    with Server(*options) as server:
        assert past(server.connect("main")) == before == ["SAID Ann hello", "ANNOUNCE noon"]


def test_nothing_older_stays_in_the_file_although_nobody_is_there(tmp_path: Path) -> None:
    """Neither what is too old, nor what is too much for a server that keeps fewer lines, nor what was dropped last."""
    path = tmp_path / "history.db"
    long_ago, now = int(time.time() * 1000) - 2 * DAY, int(time.time() * 1000)
    store = Store(str(path), pytest.fail)
    store.write([Keep("old", at, long_ago, said("x"), 0) for at in range(5)])
    store.write([Keep("many", at, now, said("x"), 0) for at in range(40)])
    store.write([Keep("dropped", at, now, said("x"), 0) for at in range(5)])
    store.close()
    with Server("--history", "20", "--history-days", "1", "--history-file", str(path)) as server:
        wait_until(lambda: {room for room, _ in kept(path)} == {"many", "dropped"}, "the old ones are dropped")
        assert [at for room, at in kept(path) if room == "many"] == [*range(20, 40)]
        server.type("/forget dropped", "exit")
        assert server.process.wait(DEADLINE) == 0
    assert {room for room, _ in kept(path)} == {"many"}


def test_the_console_counts_and_drops(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with Server("--history", "20", "--history-file", str(path)) as server:
        ann = server.connect("main", "Ann")
        ann.send("one", "two")
        ann.until("SAID Ann two")
        server.type("/stats")
        assert "Kept: 2 lines of 1 room, " in server.printed("Runs since")
        server.type("/forget MAIN")
        server.printed("Dropped what was kept of MAIN.\n")
        server.type("/forget main")
        server.printed("Nothing is kept of main.\n")
        assert past(ann) == []
        wait_until(lambda: b"Ann" not in octets_of_all(tmp_path) and kept(path) == [], "it is dropped in the file")


def test_without_history_nothing_is_kept() -> None:
    with Server() as server:
        ann = server.connect("main")
        ann.send("hello", "/history 20", "/history")
        assert [line.split(" ")[1] for line in ann.barrier()[-2:]] == ["unknown-command"] * 2
        server.type("/forget main")
        server.printed("Nothing is kept of any room: the server runs without --history.\n")


def test_the_greeting_tells_what_is_kept() -> None:
    """[HIST-9]."""
    with Server("--history", "30", "--history-days", "1") as server:
        greeting = server.open().barrier()
        assert [line for line in greeting if line.startswith("INFO ") and "30 lines" in line and "1 day." in line]


def test_a_full_disk_is_one_line_and_the_chat_goes_on(tmp_path: Path) -> None:
    """The limit of a file's size takes the place of a disk."""
    limited = ("sh", "-c", 'ulimit -f 64; exec "$0" "$@"', sys.executable, str(SERVER))
    path = tmp_path / "history.db"
    with Server("--history", "9999", "--history-file", str(path), command=limited) as server:
        ann = server.connect("main", "Ann")
        texts = [f"{count} {'x' * 3000}" for count in range(100)]
        for text in texts:
            ann.send(text)
            ann.until(f"SAID Ann {text}")
        assert past(ann, count=9999)[-1] == f"SAID Ann {texts[-1]}"
        wait_until(lambda: "history is not kept in" in server.log(), "the line")
        assert server.end() == 0
        assert server.log().count("history is not kept in") == 1
        assert "Traceback" not in server.log()


def test_a_broken_file_is_one_line_and_the_chat_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(b"x" * 5000)
    with Server("--history", "20", "--history-file", str(path)) as server:
        ann = server.connect("main", "Ann")
        ann.send("hello")
        ann.until("SAID Ann hello")
        assert past(ann) == ["SAID Ann hello"]
        wait_until(lambda: "the chat goes on, and keeps nothing in a file" in server.log(), "the warning")
        assert server.end() == 0


def test_a_teller_waits_for_one_who_reads_slowly_and_only_if_it_floods() -> None:
    """[FLOW-7] [FLOW-8]: the one that is told is in no room."""
    with Server("--max-waiting", "262144") as server:
        ann, talker, slow = server.connect("main", "Ann"), server.connect("lounge"), server.connect(name="Slow")
        words = [f"/tell Slow {count} {'x' * 4000}" for count in range(1500)]
        telling = threading.Thread(target=ann.send, args=words, daemon=True)
        telling.start()
        talker.send("/tell slow hello")
        talker.until("TOLD Slow hello")
        for count in range(1500):
            slow.until(f"TELL Ann {count} ")
            if count % 10 == 0:
                ann.until(f"TOLD Slow {count} ")
        telling.join(DEADLINE)
        assert "LEFT" not in "".join(slow.barrier())
