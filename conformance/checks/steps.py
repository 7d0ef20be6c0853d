"""A step on the way to a conforming implementation: words for its author, and the checks that show it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step; `id` never changes, whatever its place and its title become."""

    id: str
    title: str
    build: str  # what to build, in two sentences
    sections: tuple[str, ...]  # of the specification, to be read for it
    checks: tuple[str, ...]  # identifiers, in the order in which their failures are best mended


def step(id: str, title: str, build: str, *, sections: str, checks: str) -> Step:
    """Return a step; `sections` and `checks` have white space between them."""
    return Step(id, title, build, tuple(sections.split()), tuple(checks.split()))
