"""Places in a room's stream, and outboxes: what each member gets, in which order, and where it can be cut."""

from hypothesis import given
from hypothesis import strategies as st

from reference.server.stream import Outbox, Stream


def hand_out(stream: Stream[Outbox]) -> None:
    """Hand out, to sockets of which none takes anything."""
    for member, octets in stream.hand_out()[0]:
        member.sent(octets, 0)


def drain(outbox: Outbox, most: int = 1 << 20) -> bytes:
    """Send all that waits, and return it."""
    octets = b""
    while outbox.waiting:
        octets += (piece := outbox.pop(most))
        outbox.sent(piece, len(piece))
    return octets


def test_member_gets_lines_between_entering_and_leaving() -> None:
    """[ORDER-1] [ORDER-2]."""
    stream = Stream[Outbox]()
    first, second = Outbox(), Outbox()
    first.enter(stream)
    stream.append(b"1\n")
    second.enter(stream)
    stream.append(b"2\n")
    first.leave()
    stream.append(b"3\n")
    hand_out(stream)
    assert drain(first) == b"1\n2\n"
    assert drain(second) == b"2\n3\n"
    assert stream.members == {second}


def test_own_lines_stand_between_those_of_the_stream() -> None:
    """[ORDER-4]."""
    stream = Stream[Outbox]()
    outbox = Outbox()
    outbox.enter(stream)
    stream.append(b"1\n")
    outbox.tell(b"own\n")
    stream.append(b"2\n")
    hand_out(stream)
    outbox.tell(b"own too\n")
    stream.append(b"3\n")
    hand_out(stream)
    assert drain(outbox) == b"1\nown\n2\nown too\n3\n"


def test_octets_are_joined_once_for_all_at_one_place() -> None:
    stream = Stream[Outbox]()
    outboxes = [Outbox() for _ in range(3)]
    for outbox in outboxes:
        outbox.enter(stream)
    stream.append(b"1\n")
    stream.append(b"2\n")
    hand_out(stream)
    assert len({id(outbox.pop(1)) for outbox in outboxes}) == 1


def test_octets_are_counted() -> None:
    stream = Stream[Outbox]()
    outbox = Outbox()
    outbox.enter(stream)
    stream.append(b"12345\n")
    assert (stream.octets, outbox.waiting) == (6, 0)
    hand_out(stream)
    assert (stream.octets, outbox.waiting) == (0, 6)
    octets = outbox.pop(100)
    assert outbox.waiting == 0
    outbox.sent(octets, 2)
    assert outbox.waiting == 4
    outbox.clear()
    assert outbox.waiting == 0


def test_leaving_ends_lagging() -> None:
    stream = Stream[Outbox]()
    outbox = Outbox()
    outbox.enter(stream)
    stream.lagging.add(outbox)
    outbox.leave()
    assert not stream.lagging
    outbox.leave()  # once more does no harm
    assert drain(outbox) == b""


def test_dropping_completes_the_line_that_is_begun() -> None:
    """[FLOW-6]."""
    outbox = Outbox()
    for line in (b"first\nsecond\n", b"third\n"):
        outbox.tell(line)
    outbox.sent(outbox.pop(1), 3)
    outbox.drop()
    outbox.tell(b"BYE slow\n")
    assert drain(outbox) == b"st\nBYE slow\n"


def test_dropping_at_a_line_end_drops_all() -> None:
    outbox = Outbox()
    outbox.tell(b"first\nsecond\n")
    outbox.sent(outbox.pop(1), 6)
    outbox.drop()
    outbox.tell(b"BYE slow\n")
    assert drain(outbox) == b"BYE slow\n"


@given(st.data())
def test_dropping_cuts_at_a_line_end_wherever_the_sending_stands(data: st.DataObject) -> None:
    """[FLOW-6]: also where a write is under way, whose octets come back after the drop."""
    lines = data.draw(st.lists(st.integers(0, 9).map(lambda size: b"x" * size + b"\n"), min_size=1))
    outbox = Outbox()
    for line in lines:
        outbox.tell(line)
    sent = b""
    for _ in range(data.draw(st.integers(0, 4))):
        octets = outbox.pop(data.draw(st.integers(1, 20)))
        count = data.draw(st.integers(0, len(octets)))
        outbox.sent(octets, count)
        sent += octets[:count]
    under_way = outbox.pop(10) if data.draw(st.booleans()) else None
    outbox.drop()
    if under_way is not None:
        count = data.draw(st.integers(0, len(under_way)))
        outbox.sent(under_way, count)
        sent += under_way[:count]
    outbox.tell(b"BYE slow\n")
    got = sent + drain(outbox)
    *before, bye, nothing = got.split(b"\n")
    assert (bye, nothing) == (b"BYE slow", b"")
    missing = iter(line[:-1] for line in lines)
    assert all(line in missing for line in before)  # whole lines, in their order, some left out


@given(st.lists(st.integers(0, 30), min_size=1), st.integers(1, 40), st.lists(st.integers(0, 40)))
def test_partial_writes_lose_and_double_nothing(sizes: list[int], most: int, taken: list[int]) -> None:
    """However much the socket takes of its input."""
    lines = [bytes([97 + at % 26]) * size + b"\n" for at, size in enumerate(sizes)]
    outbox = Outbox()
    for line in lines:
        outbox.tell(line)
    got = b""
    while outbox.waiting:
        octets = outbox.pop(most)
        assert octets
        count = min(taken.pop(), len(octets)) if taken else len(octets)
        outbox.sent(octets, count)
        got += octets[:count]
        assert outbox.mid_line is (got[-1:] not in (b"", b"\n"))
    assert got == b"".join(lines)
