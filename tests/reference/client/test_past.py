"""The words that were said before, and a word to somebody alone, as the client sees them."""

import pytest

from reference.client.past import MISSED, USUAL, Past
from reference.client.session import Effect, Send, Session, Show, Style
from reference.client.texts_en import ENGLISH as TEXTS

ASK = Send(f"/history {USUAL}")
BEGIN = Show(Style.EVENT, TEXTS.past_begins.format(room="main"))
END = Show(Style.EVENT, TEXTS.past_ends)


def greeted(features: str = "who rooms tell history", history: int = USUAL) -> Session:
    """A session after HELLO and NAME."""
    session = Session(TEXTS, history=history)
    received(session, f"HELLO flurfunk/1 {features}".rstrip(), "NAME Ann")
    return session


def received(session: Session, *lines: str) -> list[Effect]:
    return [effect for line in lines for effect in session.received(line.encode())]


def answer(room: str, last: int, *events: str) -> list[str]:
    """The lines that answer /history: each event has a time of its own."""
    lines = [f"PAST {1000 * number} {event}" for number, event in enumerate(events, last - len(events) + 1)]
    return [*lines, f"HISTORY {room} {len(events)} {last}"]


def said(number: int, text: str, speaker: str = "Bob") -> Show:
    """The line that is shown of such an event."""
    return Show(Style.PAST, text, speaker=speaker, time=1000 * number)


def back(session: Session) -> list[Effect]:
    """Lose the connection, and come back into main; return what that brings."""
    session.lose("lost")
    received(session, "HELLO flurfunk/1 who rooms tell history", "NAME guest-1")
    return received(session, "ROOM main")


def test_the_last_lines_are_shown_where_a_room_is_entered() -> None:
    session = greeted()
    assert received(session, "ROOM main")[0] == ASK
    announced = Show(Style.PAST, TEXTS.announce.format(text="noon"), time=8000)
    shown = received(session, *answer("main", 9, "SAID Bob hi", "ANNOUNCE noon", "SAID Ann yes"))
    assert shown == [BEGIN, said(7, "hi"), announced, said(9, "yes", "Ann"), END]


def test_nothing_is_shown_of_a_room_in_which_nothing_was_said() -> None:
    session = greeted()
    assert received(session, "ROOM main", *answer("main", 9)) == [ASK, Show(Style.EVENT, "You are in main.")]


@pytest.mark.parametrize(("features", "history"), [("who rooms tell", USUAL), ("history", 0)])
def test_nobody_asks_where_it_is_not_there_or_not_wanted(features: str, history: int) -> None:
    session = greeted(features, history)
    assert not any(isinstance(effect, Send) for effect in received(session, "ROOM main", "ROOM lounge"))


def test_lines_that_came_before_the_answer_are_not_shown_twice() -> None:
    session = greeted()
    received(session, "ROOM main", "SAID Bob two", "JOINED Cyd", "ANNOUNCE three")
    assert received(session, *answer("main", 3, "SAID Bob one", "SAID Bob two", "ANNOUNCE three"))[1:-1] == [
        said(1, "one")
    ]


def test_after_a_lost_connection_the_missed_ones_are_shown_and_no_others() -> None:
    session = greeted()
    received(session, "ROOM main", *answer("main", 3, "SAID Bob a"), "SAID Bob same", "ANNOUNCE same", "NICK Bob Cyd")
    assert Send(f"/history {MISSED}") in back(session)
    events = [f"SAID Bob {text}" for text in ("a", "same", "same", "same", "same")]
    assert received(session, *answer("main", 7, *events))[1:-1] == [said(6, "same"), said(7, "same")]
    assert Send(f"/history {MISSED}") in back(session)
    assert received(session, *answer("main", 7, *events)) == []


def test_it_is_told_where_more_was_missed_than_is_kept() -> None:
    session = greeted()
    received(session, "ROOM main", *answer("main", 3, "SAID Bob a"))
    back(session)
    gap = Show(Style.EVENT, TEXTS.past_gap)
    assert received(session, *answer("main", 9, "SAID Bob y", "SAID Bob z")) == [
        *(BEGIN, gap, said(8, "y"), said(9, "z"), END)
    ]


def test_a_server_that_counts_anew_is_believed() -> None:
    session = greeted()
    received(session, "ROOM main", *answer("main", 30, "SAID Bob a"))
    back(session)
    assert received(session, *answer("main", 1, "SAID Bob new")) == [BEGIN, said(1, "new"), END]


def test_a_room_that_is_entered_again_shows_what_was_said_meanwhile() -> None:
    session = greeted()
    received(session, "ROOM main", *answer("main", 3, "SAID Bob a"), "SAID Bob b")
    received(session, "ROOM lounge", *answer("lounge", 0))
    assert received(session, "ROOM main")[0] == ASK
    assert received(session, *answer("main", 5, "SAID Bob a", "SAID Bob b", "SAID Bob c"))[1:-1] == [said(5, "c")]
    assert ASK not in received(session, "ROOM main"), "the same room again"


def test_what_the_user_asks_for_is_shown_whole() -> None:
    session = greeted()
    received(session, "ROOM main", *answer("main", 3, "SAID Bob a"))
    assert session.typed(b"/history 5") == [Send("/history 5")]
    assert received(session, *answer("main", 3, "SAID Bob a")) == [BEGIN, said(3, "a"), END]
    session.typed(b"/history 5")
    none = Show(Style.EVENT, TEXTS.past_none.format(room="main"))
    assert received(session, *answer("main", 3)) == [none]


def test_a_question_from_the_lobby_is_refused_and_forgotten() -> None:
    session = greeted()
    session.typed(b"/history 5")
    received(session, "ERROR no-room x", "ROOM main")
    assert received(session, *answer("main", 3)) == []


def test_ignored_people_are_not_shown() -> None:
    session = greeted()
    session.typed(b"/ignore bob")
    received(session, "ROOM main")
    assert received(session, *answer("main", 2, "SAID Bob a", "SAID Cyd b"))[1:-1] == [said(2, "b", "Cyd")]


def test_what_no_server_sends_is_passed_over() -> None:
    session = greeted()
    received(session, "ROOM main")
    lines = ["PAST x SAID Bob a", "PAST \u0665 SAID Bob a", "PAST 1 BYE exit", "PAST 1", "HISTORY main 0 x", "HISTORY"]
    assert received(session, *lines) == []


def test_numbers_of_rooms_are_their_own() -> None:
    past = Past(USUAL)
    past.greeted(offered=True)
    for room, last in (("main", 5), ("lounge", 50)):
        past.entered(room, back=False)
        past.happened("SAID")
        past.ended(room, str(last))
        past.happened("ANNOUNCE")
        past.happened("JOINED")
    assert past.entered("main", back=True) == [f"/history {MISSED}"]
    past.told("1", "SAID Bob x")
    assert past.ended("main", "6").events == []


# ---------------------------------------------------------------- to one alone


def test_a_word_to_somebody_alone_is_shown_apart() -> None:
    session = greeted()
    private = Show(Style.PRIVATE, "psst", label=TEXTS.whispered.format(name="Bob"))
    assert received(session, "ROOM main", "TELL Bob psst")[-1] == private
    assert session.typed(b"/tell Bob yes ") == [Send("/tell Bob yes ")]
    assert received(session, "TOLD Bob yes ") == [Show(Style.TOLD, "yes ", label=TEXTS.told.format(name="Bob"))]


@pytest.mark.parametrize("word", ["/msg", "/query", "/w"])
def test_other_words_for_it_lead_there_where_the_server_has_it(word: str) -> None:
    assert greeted().typed(f"{word} Bob  hi".encode()) == [Send("/tell Bob  hi")]
    assert greeted("who").typed(f"{word} Bob hi".encode()) == [Show(Style.ERROR, TEXTS.habits[word])]
    assert greeted("who").typed(b"/tell Bob hi") == [Send("/tell Bob hi")]


def test_ignored_people_tell_nothing() -> None:
    session = greeted()
    session.typed(b"/ignore bob")
    assert received(session, "TELL Bob psst") == []


def test_names_are_completed() -> None:
    session = greeted()
    received(session, "ROOM main", "JOINED Bob", "TELL Bert psst", "TOLD Bea psst")
    assert session.complete("/tell B") == (6, ["Bea ", "Bert ", "Bob "])
    assert session.complete("/w be") == (3, ["Bea ", "Bert "])
    assert session.complete("B") == (0, ["Bob, "])
    assert session.complete("/te") == (0, ["/tell "])
    assert session.complete("/hi") == (0, ["/history "])


def test_somebody_with_a_new_name_is_completed_by_that_name() -> None:
    """Somebody else can have the old one by then, and would be told what is not for them."""
    session = greeted()
    received(session, "ROOM main", "TELL Bob psst", "TELL Zoe psst", "NICK Bob Bert", "NICK Zoe Bob")
    assert session.complete("/tell b") == (6, ["Bob ", "Bert "])
    received(session, "NICK Bob Bert")
    assert session.complete("/tell b") == (6, ["Bert "])


def test_a_word_to_somebody_that_is_not_answered_is_told_where_the_connection_is_lost() -> None:
    session = greeted()
    session.on_terminal = True
    received(session, "ROOM main")
    for line in (b"/tell bob one", b"/tell nobody two", b"/tell bob", b"/tell Bob three", b"/w Bob four"):
        session.typed(line)
    received(session, "TOLD Bob one", "ERROR no-user x", "ERROR bad-argument x")
    told = [Show(Style.ERROR, f"This may not have arrived: /tell Bob {text}") for text in ("three", "four")]
    assert session.lose("lost")[1:] == told
    assert session.leftover() == []
