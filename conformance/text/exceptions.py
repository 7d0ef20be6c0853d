"""The line that tells most, of an exception that a program shows on its console."""

import re
from collections.abc import Iterator
from itertools import islice

_SHOWN = 200  # characters of a line
_PYTHON = "Traceback (most recent call last):"
_NAMED = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?")
_THROWN = re.compile(
    r"(?:Exception in thread \S.*? |Uncaught |Caused by: )?((?:[\w$]+\.)*[A-Z][\w$]*(?:Error|Exception)\b.*)"
)
_FRAME = re.compile(r"\s+at \S")
_RUST = re.compile(r"thread '.*'.* panicked at (?:'(.*)', )?\S+:\d+:\d+:?")
_RUBY = re.compile(r"\S+:\d+:in [`'].*: .* \([\w:]+\)")
_WHOLE = (
    re.compile(r"panic: .+|fatal error: .+"),  # Go
    re.compile(r"(?:PHP )?Fatal error: .+"),
    re.compile(r"Unhandled exception\. .+"),  # .NET
    re.compile(r"terminate called after throwing .+"),  # C++
    _RUBY,
)


def exceptions(console: str) -> list[str]:
    """Return, for each exception that a console shows, the line that tells most of it; long ones are shortened."""
    # Of two threads, one can begin where the other has not ended its line.
    lines = [line.rstrip() for line in re.sub(rf"(?<=\S)(?={re.escape(_PYTHON)})", "\n", console).splitlines()]
    told = [line for one in (_of_python, _of_frames, _of_rust, _of_one_line) for line in one(lines)]
    return [line.strip()[:_SHOWN] for _, line in sorted(told)]


_Told = Iterator[tuple[int, str]]  # the number of a line, and its text


def _of_python(lines: list[str]) -> _Told:
    for number, line in enumerate(lines):
        if line.strip() == _PYTHON:
            margin = line[: line.index("T")]
            # Other threads can print between its lines.
            behind = ((at, one) for at, one in enumerate(lines[number + 1 :], number + 1) if one.startswith(margin))
            yield from islice((line for line in behind if _NAMED.fullmatch(line[1].removeprefix(margin))), 1)


def _of_frames(lines: list[str]) -> _Told:
    """Java and Node: the exception, and a frame in each line after it."""
    for number, line in enumerate(lines[:-1]):
        if (thrown := _THROWN.match(line.strip())) and _FRAME.match(lines[number + 1]):
            yield number, thrown[1]


def _of_rust(lines: list[str]) -> _Told:
    for number, line in enumerate(lines):
        if found := _RUST.match(line.strip()):
            yield number, found[1] or " ".join(lines[number + 1 : number + 2]) or line


def _of_one_line(lines: list[str]) -> _Told:
    for number, line in enumerate(lines):
        if any(pattern.match(line.strip()) for pattern in _WHOLE):
            yield number, line
