"""The suite can fail, and at the right place: each fault is caught by checks of what it breaks, and by no others."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from conformance.judging.result import Result
from conformance.judging.verdict import Verdict
from conformance.reports.text import explained
from tests import faulty
from tests.forkserver import ForkServer
from tests.support import ROOT

Futures = dict[str, Future[list[Result]]]


@pytest.fixture(scope="module")
def looked(request: pytest.FixtureRequest) -> Iterator[Futures]:
    """The results of those faults whose tests are run, several at a time."""
    wanted = [item.callspec.params["fault"] for item in request.session.items if item.path == request.path]  # type: ignore[attr-defined]
    with ForkServer(ROOT, faulty.MODULE) as forks, ThreadPoolExecutor(faulty.AT_ONCE) as pool:
        yield {name: pool.submit(faulty.until_caught, forks, name) for name in wanted}


@pytest.mark.parametrize("fault", faulty.KNOWN)
def test_fault_is_caught_where_it_breaks_something(fault: str, looked: Futures) -> None:
    results = looked[fault].result()
    if not results:
        return  # no Flurfunk server any more: the first look says so
    assert set(faulty.KNOWN[fault].breaks) <= faulty.failed(results), faulty.KNOWN[fault].text
    assert faulty.blamed_wrongly(fault, results) == set()
    for result in results:
        if result.verdict in (Verdict.FAIL, Verdict.WARN):
            explanation = explained(result, ["--server-cmd", "x"])
            parts = ["sentence", "expected", "received", "again", result.requirement.section, result.requirement.id]
            assert [part for part in parts if part not in explanation] == []
