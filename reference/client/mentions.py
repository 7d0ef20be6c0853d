"""Whether a text calls somebody by name: a name within an address, of whatever kind, calls nobody.

Pure.
"""

import re

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://\S+")
_WORD = re.compile(r"[#-&+\-./0-:=?-Z\\^_a-z~]+")  # no blanks, and none of the signs that enclose words
# user@host; dots within, as hosts and files have them; a path; host:port.
_ADDRESS = re.compile(r"[\w-]@\w|[\w-]\.[\w-]|^[/~]|^\.+/|/.*/|\\|:[0-9]{2,5}(?![0-9])")


def mentions(text: str, name: str) -> bool:
    """Return whether the text calls `name`, which is ASCII, upper and lower case aside."""
    without = _WORD.sub(lambda word: " " if _ADDRESS.search(word[0]) else word[0], _URL.sub(" ", text))
    letters = "".join(f"[{char.lower()}{char.upper()}]" for char in name)
    # Any character that is not ASCII ends a name. It may stand in a host, though.
    alone = rf"(?<![A-Za-z0-9_-])(?<!\w[.@]){letters}(?![A-Za-z0-9_-])(?![.@]\w)"
    return re.search(alone, without) is not None
