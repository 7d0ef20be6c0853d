"""reference/password.py: what stands in a file, and what equals it."""

import os
from pathlib import Path

import pytest

from reference.password import MAX_PASSWORD, PasswordFileError, is_exposed, matcher, read_password


@pytest.mark.parametrize(
    ("octets", "password"),
    [
        (b"secret", "secret"),
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b"secret\nnot this\n\xff", "secret"),
        (b" two  blanks \n", " two  blanks "),
        ("gr\u00fc\u00dfe\t\u4f60\n".encode(), "gr\u00fc\u00dfe\t\u4f60"),
        (b"x" * MAX_PASSWORD + b"\r\n", "x" * MAX_PASSWORD),
    ],
)
def test_the_first_line_is_the_password(octets: bytes, password: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(octets)
    assert read_password(str(file)) == password


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "is empty"),
        (b"\nsecret\n", "is empty"),
        (b"s" * (MAX_PASSWORD + 1), "more than 128 octets"),
        (b"s" * 1_000_000, "more than 128 octets"),
        (b"secret\xff\n", "is not UTF-8"),
        (b"secret\x1b\n", "control characters"),
        (b"secret\r\r\n", "control characters"),
    ],
)
def test_what_cannot_be_a_password_is_told_in_one_line(octets: bytes, why: str, tmp_path: Path) -> None:
    """[PASS-10]: and without a word of it."""
    file = tmp_path / "file"
    file.write_bytes(octets)
    with pytest.raises(PasswordFileError, match=why) as told:
        read_password(str(file))
    assert str(file) in str(told.value)
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "missing", "No such file"), (tmp_path, "directory")):
        with pytest.raises(PasswordFileError, match=why):
            read_password(str(path))


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o640, True), (0o604, True), (0o200, False)])
def test_a_file_that_others_can_read(mode: int, exposed: bool, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(mode)
    assert is_exposed(str(file)) == exposed


def test_what_is_no_file_any_more_is_not_exposed(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    fifo.chmod(0o644)
    assert not is_exposed(str(fifo))
    assert not is_exposed(str(tmp_path / "missing"))


def test_octets_are_compared() -> None:
    """[PASS-3]."""
    matches = matcher("Gr\u00fc\u00dfe ")
    assert matches("Gr\u00fc\u00dfe ")
    for words in ("gr\u00fc\u00dfe ", "Gr\u00fc\u00dfe", "Gru\u0308\u00dfe ", "", "Gr\u00fc\u00dfe  ", "x" * 4096):
        assert not matches(words)
