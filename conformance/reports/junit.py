"""A report as JUnit's XML: what systems for continuous integration read."""

from collections import Counter
from xml.etree import ElementTree as Xml

from conformance.reports.document import Document, url_of

_KINDS = {
    "FAIL": "failure",
    "XPASS": "failure",
    "ERROR": "error",
    "INCONCLUSIVE": "error",
    "SKIP": "skipped",
    "XFAIL": "skipped",
}


def junit(report: Document) -> bytes:
    """Return the XML as UTF-8: a suite for each section.

    An inconclusive check is an error, one that fails as expected is skipped, and a warning is passed, with a text.
    It is valid by junit-10.xsd of the xunit plugin for Jenkins, which knows `skipped` of a suite and not of all.
    """
    name = report["implementation"]["name"] or "flurfunk-conformance"
    checks: list[Document] = report["checks"]
    total = _counts(checks)
    root = Xml.Element("testsuites", {"name": name, **{key: total[key] for key in total if key != "skipped"}})
    titles = {one["section"]: f"{one['section']} {one['title']}" for one in report["requirements"]}
    for section in dict.fromkeys(check["section"] for check in checks):
        mine = [check for check in checks if check["section"] == section]
        suite = Xml.SubElement(root, "testsuite", {"name": titles[section], **_counts(mine)})
        suite.set("timestamp", report["run"]["began"])
        for check in mine:
            _case(suite, check, url_of(report, check["requirement"]))
    if not checks:  # a report without a single test is taken for success by many
        suite = Xml.SubElement(root, "testsuite", {"name": "run", "tests": "1", "failures": "0", "errors": "1"})
        case = Xml.SubElement(suite, "testcase", {"name": "run", "classname": "run"})
        Xml.SubElement(case, "error", {"message": report["summary"]})
        root.set("tests", "1")
        root.set("errors", "1")
    Xml.indent(root)
    xml: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml + b"\n"


def _case(suite: Xml.Element, check: Document, url: str) -> None:
    case = Xml.SubElement(suite, "testcase", {"name": check["id"], "classname": check["requirement"]})
    case.set("time", f"{check['seconds']:.3f}")
    verdict = check["verdict"]
    if verdict in _KINDS:
        kind = Xml.SubElement(case, _KINDS[verdict], {"message": _message(check)})
        if _KINDS[verdict] != "skipped":
            kind.set("type", verdict)
            kind.text = _explained(check, url)
    elif verdict == "WARN":
        Xml.SubElement(case, "system-out").text = f"{_message(check)}\n{_explained(check, url)}"


def _message(check: Document) -> str:
    told = f"expected {check['expected']}, received {check['received']}" if check["expected"] else ""
    first = check["reason"].partition("\n")[0]
    return f"{check['verdict']}: " + "; ".join(text for text in (first, told) if text)


def _explained(check: Document, url: str) -> str:
    lines = [
        f"{check['level']} [{check['requirement']}], section {check['section']}",
        *([url] if url else []),
        f'"{check["sentence"]}"',
        check["title"],
    ]
    lines += [f"{word}: {check[word]}" for word in ("expected", "received", "reason") if check[word]]
    lines += [f"{one['seconds']:9.4f}  {one['who']:>10} {one['arrow']} {one['text']}" for one in check["transcript"]]
    return "\n".join([*lines, f"again: {check['replay']}"])


def _counts(checks: list[Document]) -> dict[str, str]:
    kinds = Counter(_KINDS.get(check["verdict"]) for check in checks)
    seconds = sum(check["seconds"] for check in checks)
    return {
        "tests": str(len(checks)),
        "failures": str(kinds["failure"]),
        "errors": str(kinds["error"]),
        "skipped": str(kinds["skipped"]),
        "time": f"{seconds:.3f}",
    }
