"""reference/client/retry.py: when to connect again, and when to ask; all times are given."""

from math import inf

from reference.client.retry import Retries, Silence


def test_waiting_doubles_up_to_half_a_minute() -> None:
    retries = Retries(True, lambda: 1.0)
    assert [retries.wait() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    retries = Retries(True, lambda: 0.0)
    assert [retries.wait() for _ in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]


def test_it_begins_anew_after_a_while_in_a_room() -> None:
    retries = Retries(True, lambda: 1.0)
    assert [retries.wait() for _ in range(3)] == [1, 2, 4]
    retries.entered(100.0)
    retries.entered(109.0)
    assert retries.lost(109.9)
    assert retries.wait() == 8
    retries.entered(200.0)
    retries.entered(209.0)
    assert retries.lost(210.0)
    assert retries.wait() == 1


def test_whether_to_try() -> None:
    assert Retries(True, lambda: 0.0).lost(0.0)
    never = Retries(False, lambda: 0.0)
    never.entered(0.0)
    assert not never.lost(100.0)


def test_what_was_usual_once_lasts() -> None:
    """Only who was a while in a room comes back, and then as often as it is needed."""
    retries = Retries(None, lambda: 0.0)
    assert not retries.lost(5.0)
    retries.entered(0.0)
    assert not retries.lost(9.9)
    retries.entered(0.0)
    assert retries.lost(10.0)
    assert retries.lost(10.1)


def test_silence() -> None:
    silence = Silence(60.0)
    assert silence.due == inf
    silence.begin(100.0)
    assert silence.due == 160.0
    silence.begin(110.0)
    assert silence.due == 170.0
    assert silence.passed(170.0)
    assert silence.due == 200.0
    silence.begin(180.0)
    assert silence.due == 240.0
    assert silence.passed(240.0)
    assert not silence.passed(270.0)
    silence.end()
    assert silence.due == inf


def test_the_time_for_an_answer_begins_when_the_server_is_asked() -> None:
    """However late that is: who was stopped for long asks late."""
    silence = Silence(60.0)
    silence.begin(100.0)
    assert silence.passed(1000.0)
    assert silence.due == 1030.0


def test_silence_that_does_not_matter() -> None:
    silence = Silence(0.0)
    silence.begin(100.0)
    assert silence.due == inf
