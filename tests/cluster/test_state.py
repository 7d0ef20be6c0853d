"""The same entries make the same state: of the log's forms, and of what they lead to."""

import json

import pytest

from reference.cluster.entries import BadEntryError, Entry, decode_entry, encode_entry, pack_message, unpack_message
from reference.cluster.state import NUMBERS, Down, Ended, Refuse, State
from reference.server.chat import Append, Close, Tell
from reference.server.history import DAY, Drop, History
from reference.wire import Bare, ByeReason, Message, Password, Past, Ping, Rename, parse

BASE = 7  # place of the first entry


def begun(*tokens: str, wants_password: bool = False) -> State:
    """Return the state that nodes have joined, the first at the place BASE."""
    state = State(wants_password)
    for number, token in enumerate(tokens):
        state.apply(BASE + number, Entry(token, 0, [["node", f"host-{token}"]]))
    return state


def say(state: State, token: str, *inputs: list[object], at: int = 0) -> list[object]:
    """Let a node have its next entry, at a time; return all effects of its inputs."""
    done = state.apply(state.seq + 1, Entry(token, state.nodes[token].number + 1, list(inputs), at))
    assert done is not None
    return [effect for one in done for effect in one.effects]


def come(number: int, most: int = 0) -> list[object]:
    return ["come", number, "192.0.2.1", 1.5, most]


def lines(number: int, *messages: Message) -> list[object]:
    return ["lines", number, [pack_message(message, False) for message in messages]]


@pytest.mark.parametrize(
    "line", [b"main", b"/say  x", b"/cd x", b"/nick N", b"/ping t", b"/help", b"/who", b"/rooms", b"exit", b"/x", None]
)
def test_every_message_comes_back_from_the_log_as_it_was(line: bytes | None) -> None:
    message = parse(line)
    assert message is not None
    octets = encode_entry(Entry("node", 3, [["lines", 1, [pack_message(message, False)]]]))
    assert unpack_message(decode_entry(octets).inputs[0][2][0]) == message


def test_the_words_of_a_password_are_not_in_the_log() -> None:
    for verdict in (True, False):
        assert "sesame" not in " ".join(pack_message(Password("sesame"), verdict))
    assert pack_message(Password(""), False) == ["Password", ""]


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"hello", "it is no entry of Flurfunk"),
        (b"{}", "it is no entry of Flurfunk"),
        (b'[2,"node",1,[]]', "it has format 2, and this version knows 1"),
        (b'[1,"node",1]', "its form is unknown"),
        (b'[1,"node",1,[]]', "its form is unknown"),
        (b'[1,"node",1,[["dance"]],0]', "does not know the input 'dance'"),
        (b'[1,"node",1,[["end"]],0]', "does not know the input 'end'"),
        (b'[1,"node",1,[["end","ann"]],0]', "the input 'end' names no client"),
        (b'[1,"node",1,["end"],0]', "an input in it has no name"),
    ],
)
def test_an_entry_that_is_not_known_is_refused(octets: bytes, why: str) -> None:
    with pytest.raises(BadEntryError, match=why):
        decode_entry(octets)


@pytest.mark.parametrize("words", [["Dance"], ["Say"], ["Refused", "no-such-code", "text"], []])
def test_a_message_that_is_not_known_is_refused(words: list[str]) -> None:
    with pytest.raises(BadEntryError):
        unpack_message(words)


def test_an_input_with_words_of_another_kind_is_refused() -> None:
    with pytest.raises(BadEntryError, match="cannot carry out the input 'kick'"):
        say(begun("a"), "a", ["kick", 3])


def test_users_of_two_nodes_are_apart_and_share_the_names() -> None:
    state = begun("a", "b")
    say(state, "a", come(1), lines(1, Rename("Ann"), Bare("main")))
    effects = say(state, "b", come(1), lines(1, Rename("ANN"), Bare("main"), Bare("hi")))
    user = (BASE + 1) << NUMBERS | 1
    assert [effect.lines for effect in effects if isinstance(effect, Tell) and effect.user == user][1].startswith(
        b"ERROR name-taken"
    )
    assert Append("main", b"SAID guest-2 hi\n") in effects


def test_an_entry_counts_once_and_in_its_turn() -> None:
    state = begun("a")
    assert state.apply(20, Entry("a", 2, [["beat"]])) is None  # the first is missing
    assert state.apply(21, Entry("a", 1, [["beat"]])) is not None
    assert state.apply(22, Entry("a", 1, [["beat"]])) is None
    assert state.apply(23, Entry("stranger", 1, [["beat"]])) is None
    assert state.seq == 23


def test_the_clients_of_a_dead_node_are_lost_and_its_entries_do_not_count_any_more() -> None:
    state = begun("a", "b")
    say(state, "a", come(1), lines(1, Rename("Ann"), Bare("main")))
    say(state, "b", come(1), lines(1, Bare("main")))
    effects = say(state, "b", ["dead", "a", state.nodes["a"].number])
    assert effects[0] == Down("a", "host-a")
    assert Append("main", b"LEFT Ann lost\n") in effects
    assert state.apply(state.seq + 1, Entry("a", 2, [lines(1, Bare("a ghost"))])) is None
    assert say(state, "b", ["dead", "a", 1]) == []


def test_a_node_that_says_something_meanwhile_is_not_dead() -> None:
    state = begun("a", "b")
    number = state.nodes["a"].number
    say(state, "a", ["beat"])
    assert say(state, "b", ["dead", "a", number]) == []
    assert "a" in state.nodes


def test_the_limit_of_clients_and_the_lock_hold_for_all_nodes() -> None:
    state = begun("a", "b")
    say(state, "a", come(1, 1))
    assert say(state, "b", come(1, 1)) == [Refuse("b", 1, ByeReason.FULL)]
    say(state, "a", ["end", 1], ["lock", True])
    assert say(state, "b", come(2, 1)) == [Refuse("b", 2, ByeReason.FULL)]
    say(state, "b", ["lock", False])
    assert isinstance(say(state, "b", come(3, 1))[0], Tell)


def test_exit_ends_all() -> None:
    state = begun("a", "b")
    say(state, "a", come(1))
    user = BASE << NUMBERS | 1
    assert say(state, "b", ["exit"]) == [Ended(), Close(user, ByeReason.SHUTDOWN)]
    assert not state.nodes


def test_time_to_choose_is_over_only_for_who_is_in_no_room() -> None:
    state = begun("a")
    say(state, "a", come(1), come(2), lines(1, Bare("main")))
    effects = say(state, "a", ["idle", 1], ["idle", 2])
    assert [effect.user & 3 for effect in effects if isinstance(effect, Close)] == [2]


def test_a_snapshot_has_all_of_the_state() -> None:
    state = begun("a", "b", wants_password=True)
    right = ["lines", 1, [pack_message(Password("x"), True), pack_message(Bare("main"), False)]]
    say(state, "a", come(1), right, come(2), come(3), ["end", 2], ["lock", True], ["snapshot", 9])
    say(state, "a", ["lock", False])
    other = State(True)
    other.load(state.dump())
    assert other.dump() == state.dump()
    for one in (state, other):
        say(one, "b", come(1), ["lines", 1, [pack_message(Password("x"), True)]], lines(1, Bare("main"), Ping("t")))
        say(one, "a", lines(1, Bare("hello")), ["denied", 3])
    assert other.dump() == state.dump()
    assert other.chat.rooms() == {"main": 2}


def test_what_is_kept_of_rooms_is_the_same_on_all_nodes_and_in_a_snapshot() -> None:
    state = State(False, History(20, 1))
    for number, token in enumerate("ab"):
        state.apply(BASE + number, Entry(token, 0, [["node", token]]))
    say(state, "a", come(1), lines(1, Rename("Ann"), Bare("main"), Bare("Grüße"), Bare("more")), at=1000)
    say(state, "b", ["announce", "Cake!", None], at=900)  # its clock is slow
    for one in (state, copied(state, History(20, 1))):
        (past, *_) = say(one, "a", lines(1, Past("2")), at=1001)
        assert isinstance(past, Tell)
        assert past.lines == b"PAST 1000 SAID Ann more\nPAST 1000 ANNOUNCE Cake!\nHISTORY main 2 1003\n"
        assert say(one, "b", ["forget", "MAIN"]) == [Drop("main", 1004)]
        assert say(one, "b", ["forget", "main"]) == []
        say(one, "a", lines(1, Bare("after")), at=2000)
        assert copied(one, History(20, 1)).dump() == one.dump()
        say(one, "b", ["snapshot", 9], at=2001 + DAY)
        (past, *_) = say(one, "a", lines(1, Past("9")), at=2002 + DAY)
        assert isinstance(past, Tell)
        assert past.lines == b"HISTORY main 0 1004\n"


def copied(state: State, history: History) -> State:
    """Return what a node has that joins now."""
    other = State(False, history)
    other.load(state.dump())
    return other


@pytest.mark.parametrize(
    ("octets", "why"),
    [(b"x", "its form is unknown"), (b'{"format":1}', "its form is unknown"), (b'{"format":9}', "it has format 9")],
)
def test_a_snapshot_that_is_not_known_is_refused(octets: bytes, why: str) -> None:
    with pytest.raises(BadEntryError, match=why):
        State(False).load(octets)


def test_a_snapshot_is_json() -> None:
    assert json.loads(begun("a").dump())["nodes"] == {"a": ["host-a", BASE, 0]}
