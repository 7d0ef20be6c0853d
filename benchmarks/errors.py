"""The errors of a measurement: how often, and the first case of each kind in words."""

from collections import Counter

# As the report says them, the gravest first.
KINDS = ("died", "stopped", "missing", "doubled", "misrouted", "reordered", "altered", "grew")


class Errors:
    """A tally.  True as soon as there is something in it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self.counts)

    def add(self, kind: str, what: str, count: int = 1) -> None:
        """Count something of one of the KINDS; `what` says what happened, in one line."""
        assert kind in KINDS, kind
        self.counts[kind] += count
        self._first.setdefault(kind, what)

    def words(self) -> list[str]:
        """Return a line for each kind."""
        found = [(kind, self.counts[kind]) for kind in KINDS if self.counts[kind]]
        return [f"{kind}{f' {count}, first' if count > 1 else ''}: {self._first[kind]}" for kind, count in found]
