"""A report as a badge for a README: an SVG without anything from outside."""

from html import escape

from conformance.reports.document import Document

_LABEL = "flurfunk/1"
_GREEN, _YELLOW, _RED, _GREY = "#1a7f37", "#8a6100", "#c4281c", "#59636e"
_CHARACTER, _PADDING = 6.6, 12  # pixels


def badge(report: Document) -> str:
    """Return the SVG."""
    message, colour = message_and_colour(report)
    left, right = (round(len(text) * _CHARACTER + _PADDING) for text in (_LABEL, message))
    spoken = escape(f"{_LABEL}: {message}")
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{spoken}">
<title>{spoken}</title>
<clipPath id="r"><rect width="{left + right}" height="20" rx="4"/></clipPath>
<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#32383f"/>
<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{left / 2}" y="14" textLength="{left - _PADDING}">{_LABEL}</text>
<text x="{left + right / 2}" y="14" textLength="{right - _PADDING}">{escape(message)}</text>
</g>
</svg>
"""


def message_and_colour(report: Document) -> tuple[str, str]:
    """Return what the badge says and the colour behind it."""
    counts = report["totals"]["checks"]
    expected = counts.get("XFAIL", 0)
    failures = counts.get("FAIL", 0)
    match report["conclusion"]:
        case "conformant":
            return "conformant", _GREEN
        case "conformant-but-for-expected-failures":
            return f"conformant but for {_some(expected, 'expected failure')}", _YELLOW
        case "not-conformant":
            return (_some(failures, "failure"), _RED) if failures else ("expected failures out of date", _RED)
        case "selection-holds":
            return "selection holds", _GREY
        case other:
            return other.replace("-", " "), _GREY


def _some(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
