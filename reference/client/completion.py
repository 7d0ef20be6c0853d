"""The possible ends of a word that was begun: a command, the name of a user, the name of a room.

Pure.
"""

from collections.abc import Iterable

COMMANDS = (
    *("/cd", "/help", "/history", "/ignore", "/log", "/msg", "/nick", "/ping", "/query", "/rooms", "/say", "/tell"),
    *("/w", "/who"),
)


def candidates(before: str, names: Iterable[str], rooms: Iterable[str], in_room: bool) -> tuple[int, list[str]]:
    """Return where the word before the cursor begins, and what can stand in its place, the likeliest first.

    `before`: the line up to the cursor.  `in_room`: else the line is the name of a room.
    """
    start = before.rfind(" ") + 1
    word = before[start:].lower()
    if not start and word.startswith("/"):
        return start, [f"{command} " for command in COMMANDS if command.startswith(word)]
    if before.startswith("/cd ") or not (start or in_room):
        wanted, end = rooms, ""
    else:
        wanted, end = (names if word else ()), " " if start else ", "
    return start, [name + end for name in wanted if name.lower().startswith(word)]
