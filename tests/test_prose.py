"""The Markdown, docstrings and comments of the project are plain: narrow lines, short sentences, the subject first.

The rules are data.  A sentence is what stands between two of `.`, `!` and `?` in a paragraph, a list item or a heading;
code blocks and tables have none.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.support import ROOT

COLUMNS = 100
MOST_WORDS = 40  # of a sentence
MEAN_WORDS = 17.0  # of the sentences of a page
SPEC = "spec/flurfunk-1.md"
SPEC_MEAN_WORDS = 15.0
MOST_WORDS_UNNUMBERED = 35  # of a sentence of the specification that is no requirement
# How no sentence begins, unless it is a question: who reads it has to wait for the subject.
BEGINNINGS = ("Who", "Whoever", "What", "Whatever")
# Words that mean something else than a reader expects, and where they mean what they say.
WORDS = {"behind": ("behind a proxy", "behind a load balancer", "behind a router")}

PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted(ROOT.rglob("*.md"))
    if not any(part.startswith(".") or part == "node_modules" for part in path.relative_to(ROOT).parts)
}

FENCE = re.compile(r"^ *```.*?^ *```[^\n]*$|<!--.*?-->", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^)]*\)")
# Of a requirement, identifier, level and side are no words of its sentence.
ITEM = re.compile(r"^ *(?:[-*]|\d+\.|#+) +(?:\*\*\[[A-Z]+-\d+\]\*\* \*\([^)]*\)\* +)?")
CODE = re.compile(r"``.+?``|`[^`]*`", re.DOTALL)


def prose(page: str) -> list[str]:
    """Return the lines of a page without its code blocks; these leave one empty line each."""
    return FENCE.sub("", page).splitlines()


def paragraphs(page: str) -> Iterator[str]:
    """Yield paragraphs, list items and headings, each on one line, its code as one word and of its links the text."""
    found: list[str] = []
    for line in [*prose(page), ""]:
        begins, ends = ITEM.match(line), not line.strip() or line.startswith("|")
        if found and (begins or ends or found[-1].startswith("#")):
            yield plain(" ".join(found))
            found = []
        if not ends:
            found.append(line.strip())


def plain(text: str) -> str:
    return re.sub(r"[*\"]|<[^>]*>", "", LINK.sub(r"\1", CODE.sub("code", ITEM.sub("", text)))).strip()


def sentences(page: str) -> list[str]:
    return [one for text in paragraphs(page) for one in re.split(r"(?<=[.!?])[)]? +(?=\S)", text) if one]


def words(sentence: str) -> int:
    return len(re.findall(r"[^\W_]\S*", sentence))


def test_the_splitter() -> None:
    page = "# One thing\nIt is `a b c` [here. Or\nthere](x.md)! *Two*: no?\n- item\n\n"
    page += "```sh\ncode. Code\n```\n| a | b |\n1. Last"
    assert sentences(page) == ["One thing", "It is code here.", "Or there!", "Two: no?", "item", "Last"]
    assert [words(one) for one in sentences(page)] == [2, 4, 2, 2, 1, 1]


def test_all_pages_are_held() -> None:
    assert {"README.md", "README.de.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/client.md"} | {SPEC} < set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_lines_are_narrow(name: str) -> None:
    wide = [line for line in prose(PAGES[name]) if len(line) > COLUMNS and not line.startswith("|")]
    # A link cannot be divided, nor can a picture.
    assert [line for line in wide if not re.fullmatch(rf"\S* *{LINK.pattern}\S*", line)] == []


@pytest.mark.parametrize("name", PAGES)
def test_sentences_begin_with_their_subject(name: str) -> None:
    begun = re.compile(rf"(?:{'|'.join(BEGINNINGS)})\b")
    assert [one for one in sentences(PAGES[name]) if begun.match(one) and not one.endswith("?")] == []


@pytest.mark.parametrize("folder", ["benchmarks", "conformance", "contrib", "docs", "reference", "tests"])
def test_docstrings_and_comments_begin_with_their_subject(folder: str) -> None:
    begun = re.compile(rf"(?:{'|'.join(BEGINNINGS)})\b")
    texts = [(path, text) for path in (ROOT / folder).rglob("*.py") for text in remarks(path.read_text("utf-8"))]
    found = [(str(path), one) for path, text in texts for one in re.split(r"(?<=[.!?:;])\s+|\n\n", text)]
    assert len(found) > len(texts)  # there is something to look at, in pieces
    assert [(path, one) for path, one in found if begun.match(one) and not one.endswith("?")] == []


def remarks(source: str) -> Iterator[str]:
    """Yield the docstrings and the comments of a Python source; comments on consecutive lines are one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    lines: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if lines and token.start[0] > last + 1:
                yield "\n".join(lines)
                lines = []
            lines.append(token.string.lstrip("#: "))
            last = token.start[0]
    yield "\n".join(lines)


@pytest.mark.parametrize("name", PAGES)
def test_words_mean_what_they_say(name: str) -> None:
    text = " ".join("\n".join(prose(PAGES[name])).split())
    for word, allowed in WORDS.items():
        places = [text[max(0, match.start() - 30) : match.end() + 20] for match in re.finditer(rf"\b{word}\b", text)]
        assert [place for place in places if not any(phrase in place for phrase in allowed)] == []


@pytest.mark.parametrize("name", PAGES)
def test_sentences_are_short(name: str) -> None:
    counts = {one: words(one) for one in sentences(PAGES[name])}
    assert [one for one, count in counts.items() if count > MOST_WORDS] == []
    whole = [count for one, count in counts.items() if one.endswith((".", "!", "?"))]  # no headings, no short items
    assert sum(whole) / len(whole) <= (SPEC_MEAN_WORDS if name == SPEC else MEAN_WORDS)


def test_what_is_no_requirement_is_shorter() -> None:
    unnumbered = re.sub(r"(?m)^- \*\*\[[A-Z]+-\d+\].*\n(?:  .*\n)*", "", PAGES[SPEC])
    assert len(sentences(PAGES[SPEC])) - len(sentences(unnumbered)) > 150
    assert [one for one in sentences(unnumbered) if words(one) > MOST_WORDS_UNNUMBERED] == []
