"""The part of a page that shows what needs a look: each failure with sentence, difference, conversation and command."""

import re
from collections import Counter
from collections.abc import Iterable
from html import escape
from itertools import pairwise

from conformance.reports.document import Document, url_of
from conformance.reports.picture import picture

_ORDER = ("ERROR", "FAIL", "XPASS", "INCONCLUSIVE", "WARN", "XFAIL")
_ALIKE = 3  # more inconclusive checks than this with one reason are shown as one
_ALIKE_TIME = 0.0005  # seconds; what follows within so short a time has no label of its own on a small screen
_LANES = 5  # more connections than this are shown in one column
_HEAD, _TAIL = 40, 120  # entries of a conversation that are shown
_LEGEND = "\N{RIGHTWARDS ARROW} to the server, \N{LEFTWARDS ARROW} from the server"
_WAYS = {"->": ("sent", "to the server"), "<-": ("got", "from the server"), "--": ("note", "")}
_CODE = re.compile(r"`([^`]+)`")
_ESCAPE = re.compile(r"\\(?:x[0-9a-f]{2}|u\{[0-9a-f]+\}|[nrt\\]|&quot;)")


def cards(report: Document) -> str:
    """Return the HTML of all results that are neither PASS nor SKIP, by cause."""
    checks: list[Document] = [check for check in report["checks"] if check["verdict"] in _ORDER]
    if not checks:
        return ""
    checks = _by_cause(checks)
    titles = {one["id"]: one["title"] for one in report["requirements"]}
    groups: dict[object, list[Document]] = {}
    for check in checks:
        alike = check["verdict"] == "INCONCLUSIVE" and ("alike", check["reason"])
        groups.setdefault(alike or check["id"], []).append(check)
    shown = [
        html
        for number, group in enumerate(groups.values())
        for html in (
            [_alike(group)]
            if len(group) > _ALIKE
            else [
                _card(check, titles[check["requirement"]], linked(report, check["requirement"]), first=not number)
                for check in group
            ]
        )
    ]
    return "\n".join(['<h2 id="look">What needs a look</h2>', *shown])


def _by_cause(checks: list[Document]) -> list[Document]:
    """Return the checks so that those which were not reached stand after what kept them from it, the gravest first."""
    hidden = Counter(check.get("because", "") for check in checks)

    def rank(check: Document) -> tuple[int, int, str, int]:
        cause = check.get("because") or check["requirement"]
        grave = _ORDER.index("FAIL" if check.get("because") else check["verdict"])
        return grave, -hidden[cause], cause, _ORDER.index(check["verdict"])

    return sorted(checks, key=rank)


def verdict(word: str) -> str:
    """Return a verdict as a coloured word."""
    return f'<span class="verdict {word}">{word}</span>'


def sentence(text: str) -> str:
    """Return a sentence of the specification as HTML."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def linked(report: Document, requirement: str) -> str:
    """Return the identifier of a requirement as HTML: a link to its sentence, where the report has an address of it."""
    url = url_of(report, requirement)
    return f'<a href="{escape(url)}">{escape(requirement)}</a>' if url else escape(requirement)


def _card(check: Document, title: str, requirement: str, *, first: bool) -> str:
    where = f"{check['level']} [{requirement}], section {escape(check['section'])}, {sentence(title)}"
    return f"""\
<details class="card {check["verdict"]}" id="check-{escape(check["id"])}"{" open" if first else ""}>
<summary>{verdict(check["verdict"])} <h3>{escape(check["id"])}</h3>
<p class="title">{escape(check["title"])}</p></summary>
<div class="body">
<blockquote>{sentence(check["sentence"])}<cite>{where}</cite></blockquote>
{_compared(check)}
{_drawn(check)}
{_conversation(check)}
<div><h4>Run it again</h4>
<div class="again"><pre>{escape(check["replay"])}</pre><button type="button" data-copy hidden>Copy</button></div></div>
</div>
</details>"""


def _alike(checks: list[Document]) -> str:
    listed = "".join(
        f'<li id="check-{escape(check["id"])}"><code>{escape(check["id"])}</code></li>' for check in checks
    )
    return f"""\
<details class="card INCONCLUSIVE">
<summary>{verdict("INCONCLUSIVE")} <h3>{len(checks)} checks</h3>
<p class="title">{escape(checks[0]["reason"])}</p></summary>
<div class="body"><ul class="ids">{listed}</ul></div>
</details>"""


def _compared(check: Document) -> str:
    expected, received = check["expected"], check["received"]
    rows = []
    if expected:
        same = next((n for n, (a, b) in enumerate(zip(expected, received, strict=False)) if a != b), None)
        at = min(len(expected), len(received)) if same is None else same
        rows = [("expected", "Expected", _marked(expected, at)), ("received", "Received", _marked(received, at))]
    if check["reason"]:
        rows.append(("reason", "Reason", escape(check["reason"])))
    return "".join(
        [
            '<dl class="compare">',
            *(f'<dt>{label}</dt><dd class="{kind}">{html}</dd>' for kind, label, html in rows),
            "</dl>",
        ]
    )


def _marked(text: str, at: int) -> str:
    """Return a text as HTML with all from the first difference on marked."""
    return escape(text[:at]) + (f"<mark>{escape(text[at:])}</mark>" if text[at:] else "")


def _drawn(check: Document) -> str:
    """Return the picture of a failure; nothing where nothing was expected."""
    svg = picture(check) if check["expected"] else ""
    return f'<div><h4>Where it failed</h4><div class="scroll">{svg}</div></div>' if svg else ""


def _conversation(check: Document) -> str:
    entries: list[Document] = check["transcript"]
    if not entries:
        return ""
    names = list(dict.fromkeys(entry["who"] for entry in entries))
    few = len(names) <= _LANES
    lanes = {name: f"l{number % _LANES}" for number, name in enumerate(names)}
    guilty = max(
        (n for n, one in enumerate(entries) if f"{one['who']} {one['arrow']} {one['text']}" == check["received"]),
        default=-1,
    )
    steps = [
        _step(one, before, lanes[one["who"]], here=number == guilty)
        for number, (before, one) in enumerate(pairwise([None, *entries]))
        if one
    ]
    left_out = check["transcript_left_out"]
    if len(steps) > _HEAD + _TAIL:
        left_out += len(steps) - _HEAD - _TAIL
        steps = [*steps[:_HEAD], f'<li class="gap">{left_out} more, most of them in report.json</li>', *steps[-_TAIL:]]
    elif left_out:
        steps.append(f'<li class="gap">{left_out} more</li>')
    heads = "".join(f'<b class="{lane}">{escape(name)}</b>' for name, lane in lanes.items())
    head = f'<li class="heads" aria-hidden="true">{heads}</li>' if few else ""
    lanes_class = f" n{len(names)}" if few else ""
    return f"""<div><h4>Who said what <small>{_LEGEND}</small></h4><ol class="talk{lanes_class}">{head}
{_joined(steps)}
</ol></div>"""


def _step(entry: Document, before: Document | None, lane: str, *, here: bool) -> str:
    """Return one entry as HTML; `here`: it is what was received and should not have been."""
    same = before is not None and (before["who"], before["arrow"]) == (entry["who"], entry["arrow"])
    same = same and before is not None and entry["seconds"] - before["seconds"] < _ALIKE_TIME
    kind, way = _WAYS[entry["arrow"]]
    text = _ESCAPE.sub(lambda found: f"<i>{found[0]}</i>", escape(entry["text"]))
    arrow = {"sent": "\N{RIGHTWARDS ARROW} ", "got": "\N{LEFTWARDS ARROW} ", "note": ""}[kind]
    return (
        f'<li class="{kind} {lane}{" here" if here else ""}{" same" if same else ""}"><span class="label">'
        f"<time>{_seconds(entry['seconds'])}</time> <b>{escape(entry['who'])}</b> "
        f'<span class="way">{way}</span></span><span class="said">{arrow}{text}</span></li>'
    )


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _joined(steps: Iterable[str]) -> str:
    return "\n".join(steps)
