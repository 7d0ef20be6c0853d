"""The rules for a text, a user name and a room name: the checks of sections 3.2 and 4."""

import re
import unicodedata

from tests.asyncserver.faults import fault

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_RESERVED = frozenset({"operator", "server"})
_FAULTY_FORBIDDEN = {
    "c0-relayed": "[\x7f-\x9f\u2028\u2029]",
    "esc-relayed": "[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\u2028\u2029]",
    "nul-relayed": "[\x01-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]",
    "del-relayed": "[\x00-\x08\x0a-\x1f\x80-\x9f\u2028\u2029]",
    "c1-relayed": "[\x00-\x08\x0a-\x1f\x7f\u2028\u2029]",
    "separators-relayed": "[\x00-\x08\x0a-\x1f\x7f-\x9f]",
    "tab-refused": "[\x00-\x1f\x7f-\x9f\u2028\u2029]",
    "noncharacter-refused": "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufffe\uffff]",
    "bidi-refused": "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]",
}


class RefusalError(Exception):
    """A line is answered with ERROR: `code` is one of section 8.1."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def decode(octets: bytes) -> str:
    """Return the text of a line ([TEXT-1], [TEXT-2]); raise RefusalError("bad-text") for any that is none."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        if fault("utf8-replaced"):
            return octets.decode(errors="replace")
        if fault("utf8-latin1"):
            return octets.decode("latin-1")
        if fault("utf8-unchecked"):
            return octets.decode(errors="surrogateescape")
        if fault("utf8-surrogates"):
            return _decode_surrogates(octets)
        if fault("bad-text-silent"):
            return ""
        raise RefusalError("bad-text") from None
    if _forbidden().search(text):
        if fault("controls-removed"):
            return _FORBIDDEN.sub("", text)
        raise RefusalError("bad-text")
    return text


def _forbidden() -> re.Pattern[str]:
    """Return what finds a forbidden character."""
    for name, pattern in _FAULTY_FORBIDDEN.items():
        if fault(name):
            return re.compile(pattern)
    return _FORBIDDEN


def _decode_surrogates(octets: bytes) -> str:
    """Take surrogates for characters, as decoders that are too lenient do."""
    try:
        octets.decode(errors="surrogatepass")
    except UnicodeDecodeError:
        raise RefusalError("bad-text") from None
    return octets.decode(errors="surrogateescape")


def check_console(octets: bytes) -> str | None:
    """Return what the operator typed, or None when it cannot be announced ([OPER-10])."""
    try:
        text = octets.decode(errors="replace" if fault("console-utf8-replaced") else "strict")
    except UnicodeDecodeError:
        return None
    if _FORBIDDEN.search(text):
        if fault("console-controls-removed"):
            return _FORBIDDEN.sub("", text)
        return text if fault("console-controls-announced") else None
    return text


def check_user_name(name: str) -> str:
    """Return a user name as it is ([NAME-1], [NAME-2]); raise RefusalError("bad-name" or "name-taken", [NAME-6])."""
    if fault("name-cut"):
        name = name[:32]
    if fault("name-trimmed"):
        name = name.strip()
    if fault("name-mended"):
        name = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    if fault("name-odd-blanks-trimmed"):
        name = name.strip("\u00a0\u2003\u3000\ufeff")
    if not _is_user_name(name):
        raise RefusalError("bad-name")
    if fault("name-constructor-taken") and name.lower() in {"constructor", "tostring", "valueof"}:
        raise RefusalError("name-taken")
    if (name if fault("reserved-lower-only") else name.lower()) in _RESERVED and not fault("reserved-free"):
        raise RefusalError("bad-name" if fault("reserved-bad-name") else "name-taken")
    return name.lower() if fault("name-lowered") else name


def _is_user_name(name: str) -> bool:
    """Tell whether this has the form of a name."""
    if fault("name-33") and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{32}", name):
        return True
    if fault("name-31") and len(name) > 31:
        return False
    if fault("name-letter-first") and name[:1].isdigit():
        return False
    if fault("name-no-underscore") and "_" in name:
        return False
    if fault("name-any-first") and re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name):
        return True
    if fault("name-unicode") and re.fullmatch(r"\w[\w-]{0,31}", name):
        return True
    if fault("name-octets-latin1") and re.fullmatch(r"[^\W_][\w-]{0,31}", name.encode().decode("latin-1")):
        return True
    if fault("name-capitals-judged") and _NAME.fullmatch(name.upper()):
        return True
    if fault("name-dots") and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", name):
        return True
    return _NAME.fullmatch(name) is not None


def check_room_name(name: str) -> str:
    """Return a room name folded ([NAME-10]); raise RefusalError("bad-room") for what is none ([NAME-12])."""
    if fault("room-cut"):
        name = name[:32]
    if fault("room-mended"):
        name = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    if fault("room-trimmed"):
        name = name.strip()
    if fault("room-33") and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{32}", name):
        return name.lower()
    if fault("room-capitals-judged") and _NAME.fullmatch(name.upper()):
        return name.lower()
    if fault("room-odd-blanks-trimmed"):
        name = name.strip("\u2002\u2003\u2009")
    if fault("room-device-refused") and name.lower() in {"con", "prn", "aux", "nul", "com1", "lpt1"}:
        raise RefusalError("bad-room")
    if not _NAME.fullmatch(name) or (fault("room-31") and len(name) > 31):
        raise RefusalError("bad-room")
    if fault("room-fixed") and name.lower() not in {"main", "lounge", "coffee-break"}:
        raise RefusalError("bad-room")
    return name if fault("room-case-sensitive") else name.lower()


def as_number(name: str) -> str:
    """Return the number that a name can be read as, else the folded name, for faults only."""
    return str(float(name)) if re.fullmatch(r"[0-9]+(e[0-9]+)?", name, re.IGNORECASE) else name.lower()


def fold_strangely(name: str) -> str:
    """Fold a name in the way of the chosen fault; as the specification says where none is chosen."""
    if fault("names-as-numbers"):
        return as_number(name)
    if fault("names-turkish"):
        name = name.replace("I", "\u0131")
    if fault("names-hyphen-underscore"):
        name = name.replace("_", "-")
    return name.lower()


def relayed(text: str) -> str:
    """Return a text as it is relayed: octet for octet ([TEXT-5]). Only faults change it."""
    if fault("text-trimmed"):
        text = text.strip() or text
    if fault("text-trimmed-right"):
        text = text.rstrip(" ") or text
    if fault("text-nfc"):
        text = unicodedata.normalize("NFC", text)
    if fault("text-cut"):
        text = text[:400]
    if fault("text-cut-octets"):
        text = text.encode()[:401].decode(errors="surrogateescape")
    if fault("tabs-to-blanks"):
        text = text.replace("\t", " ")
    if fault("blanks-collapsed"):
        text = re.sub(" {2,}", " ", text)
    if fault("zero-width-removed"):
        text = re.sub("[\u200b-\u200f\ufeff]", "", text) or text
    if fault("text-html"):
        text = text.replace("&", "&amp;").replace("<", "&lt;")
    if fault("bom-everywhere"):
        text = text.removeprefix("\ufeff") or text
    return text
