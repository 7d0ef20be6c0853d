"""The static pages: built without a fault, and looked at in a real browser, on a phone's width and a desktop's.

`tox -e site` has what builds them and what drives the browser. Without it, or without Chromium, they are left out,
visibly.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pygments.token import Error

from conformance.checks.registry import all_checks, client_checks
from conformance.conversations.session import session_checks
from conformance.text.requirements import TEXT, parse_requirements
from docs.site.evidence import evidence
from docs.site.lexers import SessionLexer
from docs.site.sources import specification
from tests.support import ROOT

SPEC = ROOT / "spec"
REQUIREMENTS = parse_requirements((SPEC / TEXT).read_text(encoding="utf-8"))
LONGEST = 300.0  # seconds: for a busy machine
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
# One of each kind.
PAGES = ("index", "spec/flurfunk-1", "spec/grammar", "spec/sessions/names", "docs/implementers", "search")
# Elements that reach out of the window, and that nothing scrolls by itself: the page must not scroll sideways.
CUT_OFF = """() => [...document.querySelectorAll("article *, header *, footer *")].filter((one) => {
  const { left, right, width } = one.getBoundingClientRect();
  if (!width || (left >= 0 && right <= innerWidth + 1)) return false;
  for (let above = one.parentElement; above && !above.matches(".content"); above = above.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(above).overflowX)) return false;
  return true;
}).map((one) => one.outerHTML.slice(0, 80))"""
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")


def _is_there(*modules: str) -> bool:
    return all(importlib.util.find_spec(name) for name in modules)


needs_sphinx = pytest.mark.skipif(
    not _is_there("sphinx", "myst_parser", "furo"),
    reason="Sphinx is not installed, the pages were not built: tox -e site",
)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None or not _is_there("playwright", "axe_playwright_python"),
    reason="no Chromium, or nothing that drives it, is installed, the pages were not looked at: tox -e site",
)


# ---------------------------------------------------------------- what goes into them


def test_each_check_and_each_session_stands_beside_its_requirement() -> None:
    found = evidence(SPEC)
    checks = [*all_checks(), *session_checks(SPEC), *client_checks()]
    assert len(checks) > 300
    assert {name for one in found.values() for name, _ in one.checks} == {check.id for check in checks}
    assert ("http-served", "the server serves browsers") in found["NET-7"].faults
    assert ("auto-reply", "the client answers whoever mentions its user") in found["CLIENT-3"].faults
    assert [name for name, _ in found["NAME-3"].sessions] == ["names"]


def test_a_requirement_becomes_an_anchor_and_code_stays_as_it_is() -> None:
    text = (SPEC / TEXT).read_text(encoding="utf-8")
    page = specification(text, {one.id: one for one in REQUIREMENTS}, {})
    assert re.findall(r'<div class="requirement" id="([^"]+)">', page) == [one.id for one in REQUIREMENTS]
    assert "    - **[LINE-2]** *(MUST, both)* A receiver MUST ..." in page  # the example of section 1.3
    assert re.findall(r"(?m)^- \*\*\[", page) == []
    assert page.count("```") == text.count("```")


@pytest.mark.parametrize("path", sorted((SPEC / "sessions").glob("*.session")), ids=lambda path: path.stem)
def test_a_session_is_coloured_and_not_changed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tokens = list(SessionLexer(stripnl=False).get_tokens(text))
    assert "".join(value for _, value in tokens) == text
    assert Error not in {kind for kind, _ in tokens}
    assert len({kind for kind, _ in tokens}) > 5


# ---------------------------------------------------------------- building them


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages, just built; a warning of the generator is a failure."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "docs.site", "--output", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{folder / 'index.html'}\n", "")
    return folder


@needs_sphinx
def test_each_requirement_has_its_anchor_and_each_guide_its_page(site: Path) -> None:
    page = (site / "spec" / "flurfunk-1.html").read_text(encoding="utf-8")
    assert re.findall(r'<div class="requirement" id="([^"]+)">', page) == [one.id for one in REQUIREMENTS]
    guides = [path.stem for path in (ROOT / "docs").glob("*.md")]
    assert guides
    assert [name for name in guides if not (site / "docs" / f"{name}.html").is_file()] == []
    for readme in ROOT.glob("README.*.md"):
        assert f'lang="{readme.stem.rpartition(".")[2]}"' in (site / f"{readme.stem}.html").read_text(encoding="utf-8")


@needs_sphinx
def test_links_lead_to_pages_and_anchors_that_are_there(site: Path) -> None:
    pages = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    anchors = {path: {*re.findall(r'\bid="([^"]+)"', text)} for path, text in pages.items()}
    lost = []
    for path, text in pages.items():
        for target in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', text):
            file, _, anchor = target.partition("#")
            to = (path.parent / file.partition("?")[0]).resolve() if file else path
            if ":" not in file and (not to.is_file() or (anchor and anchor not in anchors[to])):
                lost.append((str(path.relative_to(site)), target))
    assert len(pages) > 25
    assert lost == []


# ---------------------------------------------------------------- looking at them


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Look:
    """A window on the pages, that keeps what they ask for and complain about."""

    def __init__(self, browser: Any, site: Path, size: str, colours: str) -> None:
        width, height = SIZES[size]
        viewport = {"width": width, "height": height}
        self.context = browser.new_context(viewport=viewport, color_scheme=colours, reduced_motion="reduce")
        self.page = self.context.new_page()
        self.site = site.as_uri()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def go(self, path: str) -> None:
        self.page.goto(f"{self.site}/{path}")

    def nothing_from_outside(self) -> None:
        """All that was asked for lies in the folder, and no page complained."""
        assert self.asked
        assert [url for url in self.asked if not url.startswith((f"{self.site}/", "data:"))] == []
        assert self.said == []


@pytest.fixture(params=["light", "dark"])
def colours(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[*SIZES])
def look(browser: Any, site: Path, colours: str, request: pytest.FixtureRequest) -> Iterator[Look]:
    look = Look(browser, site, str(request.param), colours)
    yield look
    look.context.close()


@needs_sphinx
@needs_browser
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_its_width_can_be_read_by_all_and_asks_for_nothing_from_outside(look: Look, path: str) -> None:
    look.go(f"{path}.html")
    assert look.page.evaluate(CUT_OFF) == []
    # Unfolded, so that all is looked at.
    look.page.evaluate("[...document.querySelectorAll('details')].slice(0, 20).forEach((one) => { one.open = true })")
    look.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = look.page.evaluate("(rules) => axe.run({ runOnly: rules, preload: false })", list(RULES))
    assert [(one["id"], one["nodes"][0]["html"], len(one["nodes"])) for one in found["violations"]] == []
    assert look.page.evaluate(CUT_OFF) == []
    look.nothing_from_outside()


@needs_sphinx
@needs_browser
def test_the_colours_are_those_that_the_reader_wants(look: Look, colours: str) -> None:
    look.go("index.html")
    ground = look.page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = map(int, re.findall(r"\d+", ground)[:3])
    assert (min(red, green, blue) > 200) == (colours == "light")
    assert (max(red, green, blue) < 60) == (colours == "dark")


@needs_sphinx
@needs_browser
def test_the_search_finds_a_requirement(look: Look) -> None:
    look.go("search.html?q=NICK-2")
    first = look.page.locator("#search-results li a").first
    assert first.inner_text() == "NICK-2"
    first.click()
    look.page.wait_for_url(re.compile(r"/spec/flurfunk-1\.html.*#NICK-2$"))
    look.page.wait_for_function(
        "(({ top }) => top >= 0 && top < innerHeight)(document.getElementById('NICK-2').getBoundingClientRect())"
    )
    look.nothing_from_outside()


@needs_sphinx
@needs_browser
def test_the_keyboard_reaches_the_content_the_search_and_the_menu(browser: Any, site: Path, colours: str) -> None:
    look = Look(browser, site, "desktop", colours)
    look.go("spec/grammar.html")
    reached = []
    for _ in range(12):
        look.page.keyboard.press("Tab")
        reached.append(
            look.page.evaluate("(({ className, name, href }) => [className, name, href])(document.activeElement)")
        )
    assert reached[0][2].endswith("#furo-main-content")  # past the menu
    assert "q" in [name for _, name, _ in reached]
    assert any(href and href.endswith("/spec/flurfunk-1.html") for _, _, href in reached)
    look.page.locator("input[name=q]").first.focus()
    look.page.keyboard.type("moving-is-told")
    look.page.keyboard.press("Enter")
    look.page.locator("#search-results li a", has_text="Flurfunk/1").first.wait_for()
    look.nothing_from_outside()
    look.context.close()
