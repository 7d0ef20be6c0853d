"""The oracle for clients that act at the same time: is there an order of their lines that explains what all received?

An order is explained when, line after line in it, each line's effects are what everybody receives next. The lines
of one client keep their order; all members of a room see one order, because each line is done at one moment [ORDER-1].
Where the specification promises no more than that, an answer may come later than what its line did to others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from conformance.conversations.world import Expected, World, skip_info, take

_T = TypeVar("_T")


@dataclass(frozen=True)
class _State:
    """How far an order has come: the world, lines done, lines received, and answers not yet given."""

    world: World
    done: tuple[int, ...]
    read: tuple[int, ...]
    owed: tuple[Expected | None, ...]


@dataclass(frozen=True)
class Unexplained:
    """No order explains what was received; this is as far as the best one came."""

    label: str
    received: bytes | None
    expected: Expected | None


class Search:
    """The search for an order; complete, and quick where texts differ."""

    def __init__(
        self, world: World, batches: Mapping[str, Sequence[bytes]], received: Mapping[str, Sequence[bytes]]
    ) -> None:
        """`batches`: the lines of each client that acted; `received`: all lines of each client, acting or not."""
        self._labels = tuple(batches)
        self._watchers = tuple(received)
        self._batches = tuple(batches[label] for label in self._labels)
        self._received = tuple(received[label] for label in self._watchers)
        self._start = _State(world, (0,) * len(batches), (0,) * len(received), (None,) * len(batches))
        self._refused: dict[_State, Unexplained] = {}

    def run(self) -> World | Unexplained:
        """Return the world after the first order that explains everything, or where the best order ended."""
        stack, seen = [self._start], {self._start}
        best = self._start
        while stack:
            state = stack.pop()
            if sum(state.read) + sum(state.done) >= sum(best.read) + sum(best.done):
                best = state
            if self._is_complete(state):
                return state.world
            for following in self._following(state):
                if following not in seen:
                    seen.add(following)
                    stack.append(following)
        return self._unexplained(best)

    def _following(self, state: _State) -> Iterator[_State]:
        """Return the states after each next line that agree with what was received."""
        for actor in range(len(self._labels)):
            for following in (self._next(state, actor), self._refused_early(state, actor)):
                if following is not None:
                    yield following

    def _refused_early(self, state: _State, actor: int) -> _State | None:
        """Refuse a name to a client since another, of whom it has not heard yet, has just asked for it too."""
        line = self._line_to_do(state, actor)
        if line is None or not line.startswith(b"/nick ") or state.owed[actor] is not None:
            return None
        coming = [one for n, batch in enumerate(self._batches) if n != actor for one in batch[state.done[n] :]]
        if line.lower() not in map(bytes.lower, coming):
            return None
        refused = Expected(b"ERROR name-taken", "NAME-3", open=True)
        done = _put(state.done, actor, state.done[actor] + 1)
        return self._deliver(state, [(self._labels[actor], refused)], state.owed, done, state.world)

    def _line_to_do(self, state: _State, actor: int) -> bytes | None:
        done, batch = state.done[actor], self._batches[actor]
        return batch[done] if done < len(batch) and state.world.get(self._labels[actor]) is not None else None

    def _next(self, state: _State, actor: int) -> _State | None:
        """Let one client's owed answer come, or its next line take effect; None where that was not received so."""
        label, owed = self._labels[actor], state.owed[actor]
        if owed is not None:
            return self._deliver(state, [(label, owed)], _put(state.owed, actor, None), state.done, state.world)
        line = self._line_to_do(state, actor)
        if line is None:
            return None
        world, effects = state.world.act(label, line)
        late = next((expected for to, expected in effects if to == label and expected.late), None)
        now = [(to, expected) for to, expected in effects if not expected.late]
        done = _put(state.done, actor, state.done[actor] + 1)
        return self._deliver(state, now, _put(state.owed, actor, late), done, world)

    def _deliver(
        self,
        state: _State,
        effects: Sequence[tuple[str, Expected]],
        owed: tuple[Expected | None, ...],
        done: tuple[int, ...],
        world: World,
    ) -> _State | None:
        read = list(state.read)
        for to, expected in effects:
            watcher = self._watchers.index(to)
            position = take(self._received[watcher], read[watcher], expected)
            if position is None:
                self._refused.setdefault(state, Unexplained(to, self._line(watcher, read[watcher]), expected))
                return None
            read[watcher] = position
        return _State(world, done, tuple(read), owed)

    def _is_complete(self, state: _State) -> bool:
        acted = all(
            done == len(batch) or state.world.get(label) is None
            for label, done, batch in zip(self._labels, state.done, self._batches, strict=True)
        )
        return acted and not any(state.owed) and all(self._line(n, at) is None for n, at in enumerate(state.read))

    def _line(self, watcher: int, position: int) -> bytes | None:
        lines = self._received[watcher]
        position = skip_info(lines, position)
        return lines[position] if position < len(lines) else None

    def _unexplained(self, best: _State) -> Unexplained:
        if best in self._refused:
            return self._refused[best]
        left = next(n for n, at in enumerate(best.read) if self._line(n, at) is not None)
        return Unexplained(self._watchers[left], self._line(left, best.read[left]), None)


def _put(values: tuple[_T, ...], index: int, value: _T) -> tuple[_T, ...]:
    return (*values[:index], value, *values[index + 1 :])
