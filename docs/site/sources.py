"""Writes the folder that the generator reads: the repository's Markdown files, with what only pages have."""

import re
import shutil
from collections.abc import Callable, Collection
from html import escape
from os.path import relpath
from pathlib import Path

from conformance.conversations.session import read_session
from conformance.text.requirements import GRAMMAR, SESSIONS, TEXT, Requirement, parse_requirements
from docs.site.evidence import Evidence, evidence

CORE = "flurfunk-1-core.abnf"
INDEX = "index.md"
# The entries of the menu, by heading; each pattern is one of paths in the repository, or of pages made here.
_MENU = {
    "Flurfunk": ("README*.md", "docs/tutorial.md"),
    "Specification": ("spec/flurfunk-1.md", "spec/grammar.md", "spec/sessions/README.md"),
    "Guides": ("docs/implementers.md", "docs/*.md"),
    "Project": ("contrib/README.md", "CONTRIBUTING.md", "CHANGELOG.md"),
}
_FENCE = re.compile(r"(?ms)^ *(```|~~~).*?^ *\1 *$")
_LINK = re.compile(r"(\[(?:[^][]|\[[^]]*\])*\])\(([^)\s]+)\)")
_REFERENCE = re.compile(r"(?<![`*])\[([A-Z]+-\d+)\](?![(`])")
_ITEM = re.compile(r"(?m)^- \*\*\[([A-Z]+-\d+)\]\*\* \*\(([^)]*)\)\* (.+(?:\n  .*)*)\n")
_EXAMPLE = re.compile(r"(?m)^```session (\S+)$")


def write_sources(root: Path, target: Path) -> list[str]:
    """Write the pages of the checkout `root` into the folder `target`; return the identifiers of all requirements."""
    spec = root / "spec"
    pages = dict.fromkeys(
        path for patterns in _MENU.values() for pattern in patterns for path in sorted(root.glob(pattern))
    )
    names = {path.relative_to(root) for path in pages}
    requirements = parse_requirements((spec / TEXT).read_text(encoding="utf-8"))
    proofs = evidence(spec)
    for path in pages:
        text = path.read_text(encoding="utf-8")
        if path == spec / TEXT:
            text = specification(text, {one.id: one for one in requirements}, proofs)
        name = path.relative_to(root)
        _write(target / _page(name), _relinked(text, name, names, root, target))
    _write_grammar(spec, target / "spec")
    _write_sessions(spec, target / "spec" / SESSIONS)
    index = target / INDEX
    _write(index, index.read_text(encoding="utf-8") + _menu(target))
    return [one.id for one in requirements]


def specification(text: str, requirements: dict[str, Requirement], proofs: dict[str, Evidence]) -> str:
    """Return the text with an anchor for each requirement, what proves it below it, and references as links."""

    def item(match: re.Match[str]) -> str:
        one = requirements[match[1]]
        sentence = re.sub(r"\n +", "\n", match[3])
        kind = f'<span class="level {one.level}">{one.level}</span> <span class="binds">{escape(_binds(one))}</span>'
        head = f'<p class="label"><a class="own" href="#{one.id}">{one.id}</a> {kind}</p>'
        below = _proofs(proofs.get(one.id, Evidence()))
        return f'\n<div class="requirement" id="{one.id}">\n{head}\n\n{sentence}\n\n{below}\n</div>\n\n'

    def prose(part: str) -> str:
        return _REFERENCE.sub(r'<a href="#\1">\1</a>', _ITEM.sub(item, part))

    text = _outside_of_code(text, prose)
    return _EXAMPLE.sub(r'<p class="example"><a href="sessions/\1.html">\1.session</a></p>\n\n```session', text)


def _binds(requirement: Requirement) -> str:
    who = "server and client" if requirement.binds == "both" else requirement.binds
    return f"{who}, {requirement.condition}" if requirement.condition else who


def _proofs(found: Evidence) -> str:
    """Return what proves a requirement, folded up, as HTML without an empty line."""
    sessions = [(f'<a href="sessions/{name}.html">{name}</a>', title) for name, title in found.sessions]
    kinds = (
        ("check", "Checks", [(_code(name), title) for name, title in found.checks]),
        ("fault", "Faults that break it", [(_code(name), text) for name, text in found.faults]),
        ("session", "Sessions that show it", sessions),
    )
    told = ", ".join(f"{len(some)} {word}{'' if len(some) == 1 else 's'}" for word, _, some in kinds if some)
    if not told:
        return '<p class="proofs">No check of the suite cites it.</p>'
    lists = "".join(
        f"<p>{heading}</p><ul>{''.join(f'<li>{name} {_words(text)}</li>' for name, text in some)}</ul>"
        for _, heading, some in kinds
        if some
    )
    return f'<details class="proofs"><summary>{told}</summary>{lists}</details>'


def _code(name: str) -> str:
    return f"<code>{escape(name)}</code>"


def _words(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(text.split())))


def _outside_of_code(text: str, change: Callable[[str], str]) -> str:
    """Return a text whose fenced code stays as it is, while all between is changed."""
    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(text[end:])])


def _page(name: Path) -> Path:
    """Return where a file of the repository has its page."""
    if name.suffix == ".abnf":
        return name.with_name("grammar.md")
    return Path(INDEX) if name == Path("README.md") else name


def _relinked(text: str, name: Path, pages: Collection[Path], root: Path, target: Path) -> str:
    """Return the text of a page with links to other pages; other files are copied, and links to folders are words.

    `pages`: the files of the repository that have one.
    """

    def link(match: re.Match[str]) -> str:
        words, (path, _, anchor) = match[1], match[2].partition("#")
        if not path or ":" in path:
            return match[0]
        file = (root / name.parent / path).resolve()
        inside = file.relative_to(root)
        if file.is_dir():
            return words[1:-1]
        if inside not in pages and inside.suffix != ".abnf":
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target / inside)
        to = relpath(_page(inside), _page(name).parent)
        return f"{words}({to}{'#' + anchor if anchor else ''})"

    return _outside_of_code(text, lambda part: _LINK.sub(link, part))


def _write_grammar(spec: Path, target: Path) -> None:
    grammar, core = ((spec / name).read_text(encoding="ascii") for name in (GRAMMAR, CORE))
    _write(target / "grammar.md", f"# Grammar\n\n```abnf\n{grammar}```\n\n## Core rules\n\n```abnf\n{core}```\n")


def _write_sessions(spec: Path, target: Path) -> None:
    """Write a page for each session, and the list of them into that of their notation."""
    names = []
    for path in sorted((spec / SESSIONS).glob("*.session")):
        session = read_session(path)
        shown = ", ".join(f'<a href="../{Path(TEXT).stem}.html#{one}">{one}</a>' for one in session.shows)
        _write(
            target / f"{path.stem}.md",
            f"# {session.title}\n\n`{path.name}` shows {shown}.\n\n```session\n{path.read_text(encoding='utf-8')}```\n",
        )
        names.append(path.stem)
    readme = target / "README.md"
    _write(readme, readme.read_text(encoding="utf-8") + "\n## All of them\n\n" + _toctree("", names))


def _menu(target: Path) -> str:
    """Return the menu, of pages that are there, each under the first heading that has it."""
    seen = {INDEX}
    trees = []
    for caption, patterns in _MENU.items():
        found = [str(path.relative_to(target)) for pattern in patterns for path in sorted(target.glob(pattern))]
        fresh = [name for name in dict.fromkeys(found) if name not in seen]
        seen |= {*fresh}
        trees.append(_toctree(caption, [name.removesuffix(".md") for name in fresh], hidden=True))
    return "\n" + "\n".join(trees)


def _toctree(caption: str, names: list[str], *, hidden: bool = False) -> str:
    options = [*([f":caption: {caption}"] if caption else []), *([":hidden:"] if hidden else []), ":maxdepth: 1"]
    return "\n".join(["```{toctree}", *options, "", *names, "```", ""])


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
