"""A report as one HTML page that needs nothing from outside; every text in it is escaped."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from html import escape
from pathlib import Path

from conformance.reports.badge import message_and_colour
from conformance.reports.cards import cards, linked, sentence, verdict
from conformance.reports.document import Document

_HERE = Path(__file__).parent
ORDER = ("ERROR", "FAIL", "XPASS", "INCONCLUSIVE", "WARN", "XFAIL", "PASS", "SKIP")
WORDS = {
    "PASS": "passed", "FAIL": "failed", "WARN": "warnings", "SKIP": "skipped", "XFAIL": "failed as expected",
    "XPASS": "passed unexpectedly", "INCONCLUSIVE": "inconclusive", "ERROR": "errors of the suite",
}  # fmt: skip
_COLOURS = {
    "conformant": "PASS", "conformant-but-for-expected-failures": "XFAIL", "selection-holds": "PASS",
    "not-conformant": "FAIL", "suite-fault": "ERROR", "unreachable": "FAIL",
}  # fmt: skip
_MARKS = {
    "PASS": "M5 13l5 5L20 6",
    "XFAIL": "M5 13l5 5L20 6",
    "FAIL": "M6 6l12 12M18 6L6 18",
    "ERROR": "M12 5v9M12 19v.01",
}
_UNKNOWN = "M8.5 8.5a3.7 3.7 0 1 1 5 3.4c-1 .4-1.5 1-1.5 2.1M12 19v.01"


def page(report: Document) -> str:
    """Return the HTML of a report."""
    name = report["implementation"]["name"] or "Flurfunk/1 conformance"
    content = f"""\
{_header(report)}
<main id="main">
{cards(report)}
{_requirements(report)}
</main>
{_footer(report)}"""
    return shell(f"{name}: {message_and_colour(report)[0]}", content)


def shell(title: str, content: str) -> str:
    """Return a whole document around its content; a policy in it forbids whatever else could get into it."""
    css, script = (_HERE.joinpath(file).read_text(encoding="utf-8") for file in ("page.css", "page.js"))
    policy = f"default-src 'none'; style-src '{_digest(css)}'; script-src '{_digest(script)}'; img-src data:"
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{css}</style>
</head>
<body>
<a class="skip-link" href="#main">To the content</a>
{content}
<script>{script}</script>
</body>
</html>
"""


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _header(report: Document) -> str:
    colour = _COLOURS.get(report["conclusion"], "INCONCLUSIVE")
    implementation = report["implementation"]
    who = " ".join(word for word in (implementation["name"], implementation["version"]) if word)
    began = datetime.fromisoformat(report["run"]["began"])
    facts = [
        ("Checks", str(len(report["checks"]))),
        ("Took", f"{report['run']['seconds']:.1f} s"),
        ("Began (UTC)", f"{began:%Y-%m-%d %H:%M}"),
        ("Exit status", str(report["exit_status"])),
        ("Features", "not known" if report["features"] is None else ", ".join(report["features"]) or "none"),
    ]
    listed = "".join(f"<div><dt>{label}</dt><dd>{escape(value)}</dd></div>" for label, value in facts)
    return f"""\
<header>
<p class="kicker"><span>Flurfunk/1 conformance</span><span>{escape(report["subject"]["kind"])}</span></p>
<div class="hero {colour}">
<div class="hero-head">
<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="{_MARKS.get(colour, _UNKNOWN)}"/></svg>
<div><h1>{escape(report["summary"])}</h1>{f'<p class="who soft">{escape(who)}</p>' if who else ""}</div>
</div>
{_totals(report["totals"]["checks"])}
<dl class="facts">{listed}</dl>
</div>
</header>"""


def _totals(counts: dict[str, int]) -> str:
    total = sum(counts.values())
    if not total:
        return ""
    present = [
        one for one in ("PASS", "FAIL", "ERROR", "XPASS", "INCONCLUSIVE", "WARN", "XFAIL", "SKIP") if one in counts
    ]
    bars, left = [], 0.0
    for one in present:
        width = 100 * counts[one] / total
        bars.append(f'<rect class="{one}" x="{left:.3f}" width="{width:.3f}" height="1"/>')
        left += width
    told = "".join(
        f'<li class="{one}"><span><b>{counts[one]}</b> {_word(one, counts[one])}</span></li>' for one in present
    )
    return f"""\
<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">{"".join(bars)}</svg>
<ul class="totals" aria-label="Checks by verdict">{told}</ul>"""


def _word(one: str, count: int) -> str:
    """Return what so many verdicts are called."""
    return {"WARN": "warning", "ERROR": "error of the suite"}.get(one, WORDS[one]) if count == 1 else WORDS[one]


def _requirements(report: Document) -> str:
    kinds = {*report["subject"]["kind"].split(" and "), "both"}
    requirements: list[Document] = [one for one in report["requirements"] if one["binds"] in kinds]
    checks = {check["id"]: check for check in report["checks"]}
    counts = Counter(one["verdict"] or "none" for one in requirements)
    labels = "".join(_choice(one, counts[one]) for one in (*ORDER, "none") if counts[one])
    sections = "\n".join(
        _section(report, [one for one in requirements if one["section"] == section], checks)
        for section in dict.fromkeys(one["section"] for one in requirements)
    )
    return f"""\
<h2 id="requirements">Requirements</h2>
<fieldset class="filter"><legend class="only-heard">Show requirements with the verdict</legend>
<input type="radio" name="show" id="show-all" checked><label for="show-all">All {len(requirements)}</label>
{labels}</fieldset>
{sections}"""


def _choice(one: str, count: int) -> str:
    word = "not run" if one == "none" else one
    label = f'<label class="{one}" for="show-{one}"><b>{word}</b> {count}</label>'
    return f'<input type="radio" name="show" id="show-{one}">{label}'


def _section(report: Document, requirements: list[Document], checks: dict[str, Document]) -> str:
    first = requirements[0]
    verdicts = [one["verdict"] or "none" for one in requirements]
    told = ", ".join(f"{verdicts.count(one)} {_word(one, verdicts.count(one))}" for one in ORDER if one in verdicts)
    rows = "\n".join(_row(report, one, checks) for one in requirements)
    return f"""\
<section class="section" data-has="{" ".join(sorted(set(verdicts)))}">
<h3>{first["section"]} {sentence(first["title"])} <small>{told}</small></h3>
<table><thead><tr><th scope="col">Requirement</th><th scope="col">Sentence</th><th scope="col">Verdict</th></tr></thead>
<tbody>
{rows}
</tbody></table>
</section>"""


def _row(report: Document, requirement: Document, checks: dict[str, Document]) -> str:
    kind = requirement["verdict"] or "none"
    mine = [checks[identifier] for identifier in requirement["checks"]]
    reasons = {check["reason"].partition("\n")[0] for check in mine if check["verdict"] == kind and check["reason"]}
    why = f'<p class="why {kind}">{escape("; ".join(sorted(reasons)))}</p>' if kind != "PASS" and reasons else ""
    not_run = '<span class="soft">not run</span>'
    condition = f", {requirement['condition']}" if requirement["condition"] else ""
    return f"""\
<tr data-verdict="{kind}"><th scope="row" id="{requirement["id"]}">{linked(report, requirement["id"])}
<small>{requirement["level"]}{condition}</small></th>
<td class="text">{sentence(requirement["text"])}{why}{_details(mine)}</td>
<td>{verdict(requirement["verdict"]) if mine else not_run}</td></tr>"""


def _details(checks: Iterable[Document]) -> str:
    items = "".join(
        f"<li>{verdict(check['verdict'])} {_linked(check)} <span class=soft>{escape(check['title'])}</span></li>"
        for check in checks
    )
    count = items.count("<li>")
    return (
        f"<details><summary>{count} check{'s' if count != 1 else ''}</summary><ul>{items}</ul></details>"
        if count
        else ""
    )


def _linked(check: Document) -> str:
    name = f"<code>{escape(check['id'])}</code>"
    return name if check["verdict"] in ("PASS", "SKIP") else f'<a href="#check-{escape(check["id"])}">{name}</a>'


def _footer(report: Document) -> str:
    versions = report["versions"]
    return f"""\
<footer>
<h2>Run it again</h2>
<div class="again"><pre>{escape(report["run"]["replay"])}</pre>
<button type="button" data-copy hidden>Copy</button></div>
<p>Suite {escape(versions["suite"])}, specification {versions["specification"]}
(<code>{versions["specification_digest"][:16]}</code>), Python {escape(versions["python"])}.</p>
</footer>"""
