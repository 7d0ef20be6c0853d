"""The pictures of README and guides: drawn rightly, made by the script, and up to date."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pyte
import pytest

from docs.pictures.svg import CELL, LEFT, ROW, TOP, svg
from tests.support import ROOT

PICTURES = ROOT / "docs" / "pictures"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LONGEST = 300.0  # seconds: for a busy machine
MOST = 200_000  # octets
NAMESPACE = "{http://www.w3.org/2000/svg}"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def drawn(written: str) -> Xml.Element:
    """Return what is drawn of a screen of 20 by 2 on which this was written."""
    screen = pyte.Screen(20, 2)
    pyte.Stream(screen).feed(written)
    return Xml.fromstring(svg(screen, "<title> & more"))


def texts(picture: Xml.Element) -> list[Xml.Element]:
    """Return the texts, but that of the frame."""
    return picture.findall(f"{NAMESPACE}g/{NAMESPACE}text")[1:]


def grounds(picture: Xml.Element) -> list[dict[str, str]]:
    return [rect.attrib for rect in picture.findall(f"{NAMESPACE}g/{NAMESPACE}rect")]


def shown(path: Path) -> str:
    """Return the words of a picture, a blank between those that are drawn apart."""
    return " ".join(str(text.text) for text in texts(Xml.parse(path).getroot()))


def make(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "docs.pictures", *map(str, arguments)],
        cwd=ROOT,
        env=environment or None,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


# ---------------------------------------------------------------- drawing


def test_texts_stand_in_their_cells() -> None:
    picture = drawn("a<b & c\r\n  \x1b[1;31mred\x1b[0m  far")
    places = [(text.text, text.get("x"), text.get("y"), text.get("textLength")) for text in texts(picture)]
    first, second = (str(TOP + ROW * row + 15) for row in (0, 1))
    assert places == [
        ("a<b & c", str(LEFT), first, str(7 * CELL)),
        ("red", str(LEFT + 2 * CELL), second, str(3 * CELL)),
        ("far", str(LEFT + 7 * CELL), second, str(3 * CELL)),
    ]
    assert (picture.get("width"), picture.get("height")) == (str(2 * LEFT + 20 * CELL), str(TOP + 2 * ROW + 14))
    assert picture.findtext(f"{NAMESPACE}title") == "<title> & more"


def test_gaps_in_a_text_are_kept() -> None:
    places = [(text.text, text.get("x")) for text in texts(drawn("one two   three"))]
    assert places == [("one two", str(LEFT)), ("three", str(LEFT + 10 * CELL))]


def test_wide_characters_take_two_cells() -> None:
    places = [(text.text, text.get("x"), text.get("textLength")) for text in texts(drawn("a\u8336\u2615b e\u0301f"))]
    assert places == [
        ("a", str(LEFT), None),
        ("\u8336", str(LEFT + CELL), None),
        ("\u2615", str(LEFT + 3 * CELL), None),
        ("b \u00e9f", str(LEFT + 5 * CELL), str(4 * CELL)),
    ]


def test_colours_and_the_cursor_are_drawn() -> None:
    picture = drawn(
        "\x1b[1;30;43mloud\x1b[0m \x1b[31;7mback\x1b[0m \x1b[38;2;1;2;3mmine\x1b[0m \x1b[4mlow\x1b[0m\x1b[D"
    )
    loud, back, mine, low, cursor = texts(picture)
    assert loud.get("font-weight") == "bold"
    assert mine.get("fill") == "#010203"
    assert (low.text, low.get("text-decoration"), cursor.text) == ("lo", "underline", "w")
    yellow, red, block = grounds(picture)
    assert (yellow["x"], yellow["width"], yellow["height"]) == (str(LEFT), str(4 * CELL), str(ROW))
    assert loud.get("fill") == back.get("fill") == cursor.get("fill") != yellow["fill"]
    assert (red["x"], block["x"]) == (str(LEFT + 5 * CELL), str(LEFT + 17 * CELL))
    assert len({yellow["fill"], red["fill"], block["fill"]}) == 3


def test_a_hidden_cursor_is_not_drawn() -> None:
    assert len(grounds(drawn("x"))) == 1
    assert grounds(drawn("x\x1b[?25l")) == []


# ---------------------------------------------------------------- the script


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("client", ["Dora, Emil and Fritz entered.", "ANNOUNCEMENT: Cake", "Ann, lunch", "Ann@main> sure, at half"]),
        ("console", ["listening on 127.0.0.1:8080", "> /who", "Announced to 3 people", "2 clients, 1 room> /kick B"]),
        ("next", ["Step 4 of 15: Two in a room", "Steps 1 to 3 hold.", "did not come"]),
    ],
)
def test_pictures_are_what_the_programs_show_now(name: str, said: list[str], tmp_path: Path) -> None:
    done = make("--only", name, "--output", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    new = tmp_path / f"{name}.svg"
    assert [text for text in said if text not in shown(new)] == []
    kept = PICTURES / new.name
    same = new.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")
    assert same, f"{kept.name} is out of date: `python -m docs.pictures --only {name}` makes it anew; look at it"


def test_a_picture_of_some_checks(tmp_path: Path) -> None:
    done = make("--only", "conformance", "--select", "SAY-2", "--output", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    words = shown(tmp_path / "conformance.svg")
    assert re.search(r"SAY-2 MUST PASS \d", words)
    assert re.search(r"\d+ checks in 25\.0 s, seed 1: \d+ PASS All selected checks hold", words)


def test_a_reference_that_does_not_conform_has_no_picture(tmp_path: Path) -> None:
    done = make("--only", "conformance", "--select", "NONE-1", "--output", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("no picture conformance: ")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_a_browser_the_page_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "report.png").write_bytes(b"before")
    done = make("--only", "report", "--output", tmp_path, PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no Chromium is installed: report.png is left as it is\n"
    assert (tmp_path / "report.png").read_bytes() == b"before"


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no Chromium is installed: no page was photographed")
def test_a_browser_shows_the_page(tmp_path: Path) -> None:
    done = make("--only", "report", "--output", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    is_photograph(tmp_path / "report.png")


def is_photograph(path: Path) -> None:
    octets = path.read_bytes()
    assert octets.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(octets[16:20], "big") == 900
    assert 20_000 < len(octets) < MOST


# ---------------------------------------------------------------- the pages


def test_every_picture_is_shown_once_and_tells_what_is_to_be_seen() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    found = re.findall(r"!\[([^\]]+)\]\((?:docs/)?pictures/([a-z.]+)\)", pages)
    assert sorted(name for _, name in found) == sorted(path.name for path in PICTURES.glob("*.[sp][vn]g"))
    assert [alt for alt, _ in found if len(alt) < 30] == []


def test_pictures_need_nothing_from_outside() -> None:
    paths = sorted(PICTURES.glob("*.svg"))
    assert len(paths) == 4
    for path in paths:
        tags = {element.tag.removeprefix(NAMESPACE) for element in Xml.parse(path).iter()}
        assert tags <= {"svg", "title", "g", "rect", "path", "circle", "text"}
        assert not re.search(r"href|url\(|/(?:tmp|home|root|Users)/", path.read_text(encoding="utf-8"))
        assert path.stat().st_size < MOST
    assert "The server and client conform to Flurfunk/1." in shown(PICTURES / "conformance.svg")
    is_photograph(PICTURES / "report.png")
