"""The benchmarks, run on real servers: right ones pass, faulty ones do not, and nothing is left behind."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks.catalogue import USUAL, WORKLOADS
from benchmarks.cli import INTERRUPTED, NOT_STARTED, RIGHT, USAGE, WRONG
from benchmarks.cluster import KEPT, QUICK, Bench
from benchmarks.server import Command, Server
from tests.support import ROOT, wait_until
from tests.test_layering import imports, modules

DEADLINE = 120.0  # seconds: for a busy machine
REFERENCE = "{python} reference/server/server.py --port {port}"
SECOND = "{python} -m tests.asyncserver --port {port}"
COMMAND = (sys.executable, "-W", "error", "-m", "benchmarks")
SVG = "{http://www.w3.org/2000/svg}"


def benchmarks(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    words = [*COMMAND, *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False)


def tiny(work: str, *arguments: str | Path, clients: int = 12) -> subprocess.CompletedProcess[str]:
    return benchmarks("--quick", "--seconds", "0.3", "--clients", str(clients), "--work", work, *arguments)


def test_all_workloads_pass_on_two_servers_and_results_can_be_read(tmp_path: Path) -> None:
    output = tmp_path / "new" / "results"
    servers = ("--server-cmd", f"first={REFERENCE}", "--server-cmd", f"second={SECOND}")
    ended = benchmarks("--quick", "--seconds", "0.1", "--clients", "12", "--output", output, *servers)
    assert (ended.returncode, "WRONG" in ended.stdout) == (RIGHT, False), ended.stderr
    results = json.loads((output / "results.json").read_text(encoding="utf-8"))
    done = [(one["work"], one["server"]) for one in results["measurements"]]
    assert done == [(work, server) for work in USUAL for server in ("first", "second")]
    for one in results["measurements"]:
        assert one["errors"] == {}
        assert set(WORKLOADS[one["work"]].compared) <= {key for key, value in one["figures"].items() if value}
    assert {
        one["work"]: one["ratio"]["threads"] for one in results["summary"] if one["server"] == "first"
    } == dict.fromkeys(USUAL, 1)
    table = (output / "table.md").read_text(encoding="utf-8")
    assert [work for work in USUAL if f"| {work} |" not in table] == []
    chart = ET.fromstring((output / "chart.svg").read_text(encoding="utf-8"))
    texts = [text.text or "" for text in chart.iter(f"{SVG}text")]
    assert texts.count("second") == sum(len(WORKLOADS[work].compared) for work in USUAL)


def test_servers_take_turns_and_ratios_are_those_of_the_medians(tmp_path: Path) -> None:
    servers = ("--server-cmd", REFERENCE, "--server-cmd", REFERENCE)
    ended = tiny("latency", "--reps", "3", "--output", tmp_path, *servers)
    assert ended.returncode == RIGHT, ended.stderr
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    order = [(one["rep"], one["server"]) for one in results["measurements"]]
    assert order == [(rep, server) for rep in (1, 2, 3) for server in ("server-1", "server-2")]
    assert re.findall(r"^(\d/6)  latency, server-\d, rep \d: ", ended.stderr, re.M) == [f"{n}/6" for n in range(1, 7)]
    medians = [one["median"]["p50_ms"] for one in results["summary"]]
    for server, median in enumerate(medians, 1):
        reps = [one["figures"]["p50_ms"] for one in results["measurements"] if one["server"] == f"server-{server}"]
        assert median == sorted(reps)[1]
    assert results["summary"][1]["ratio"]["p50_ms"] == medians[1] / medians[0]


@pytest.mark.parametrize(
    ("work", "fault", "told"),
    [
        ("fanout", "said-lost-rare", r"missing.*: u00000 did not get "),
        ("fanout", "said-doubled-rare", r"doubled.*: u00000 got "),
        ("rooms", "leak-rare", r"misrouted.*: u\d+ got "),
        ("single", "order-differs", r"reordered.*: u\d+ got "),
        ("paced", "said-extra-word", r"altered.*: u\d+ got "),
        ("idle", "leak", r"misrouted.*: u\d+ got "),
        ("switch", "said-lost-rare", r"missing.*: the observer of r\d+ did not get "),
        ("switch", "history", r"doubled.*: c\d+ got "),
        ("soak", "reset-ends-server", r"died: the server ended by itself, with status "),
    ],
)
def test_a_faulty_server_is_found_out(work: str, fault: str, told: str) -> None:
    seconds = ("--seconds", "4") if work == "soak" else ()
    ended = tiny(work, "--server-cmd", f"{SECOND} --fault {fault}", *seconds, clients=40)
    assert ended.returncode == WRONG, ended.stdout
    found = re.search(rf"^WRONG  {work}, server-1, rep 1: {told}", ended.stdout, re.M)
    assert found, ended.stdout
    assert re.search(r"^  .* wrong$", ended.stdout, re.M)


def test_a_server_that_refuses_a_client_is_told() -> None:
    ended = tiny("idle", "--server-cmd", f"{SECOND} --max-clients 5")
    assert ended.returncode == WRONG, ended.stderr
    assert "WRONG  idle, server-1, rep 1: stopped: the server sent 'BYE full' to u00005\n" in ended.stdout


LEAKING = """
import os, sys
from tests.asyncserver.__main__ import main
from tests.asyncserver.hub import Hub
gone = Hub.gone
kept = []
def leak(*arguments):
    os.open(os.devnull, os.O_RDONLY)
    kept.append(b"x" * 2**20)
    gone(*arguments)
Hub.gone = leak
sys.argv[1:] = ["--port", sys.argv[1]]
sys.exit(main())
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not tell descriptors")
def test_a_server_that_keeps_memory_and_descriptors_is_found_out(tmp_path: Path) -> None:
    script = tmp_path / "leaking.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{LEAKING}", encoding="utf-8")
    ended = tiny("soak", "--server-cmd", f"{{python}} {shlex.quote(str(script))} {{port}}")
    assert ended.returncode == WRONG, ended.stderr
    grew = r"grew: memory grown, KiB: \d+, at most \d+; descriptors more: \d+, at most 2"
    assert re.search(rf"^WRONG  soak, server-1, rep 1: {grew}$", ended.stdout, re.M), ended.stdout


def test_a_soak_of_the_reference_keeps_everything_and_nothing_grows(tmp_path: Path) -> None:
    ended = benchmarks("--work", "soak", "--seconds", "16", "--clients", "60", "--output", tmp_path)
    assert ended.returncode == RIGHT, ended.stdout
    (soak,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["measurements"]
    assert soak["figures"]["events_checked"] > 1000
    assert soak["figures"]["steps_per_second"] > 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--work", "fanout,nothing"], "'nothing' is no workload; there are fanout, "),
        (["--server-cmd", "./server"], "{port} does not stand in './server'"),
        (["--server-cmd", "./server {port} {what}"], "a brace that means nothing"),
        (["--server-cmd", "./server '{port}"], "No closing quotation"),
        (["--server-cmd", "a=./a {port}", "--server-cmd", "a=./b {port}"], "two servers have the same name"),
        (["--seconds", "nan"], "'nan' is not a number from 0.1"),
        (["--reps", "0"], "'0' is not a number from 1"),
        (["--clients", "1"], "'1' is not a number from 2"),
        (["--clients", "1000000"], "1000000 clients need 1000064 descriptors, and the system allows "),
        (["--output", "LICENSE/here"], "LICENSE/here: Not a directory"),
    ],
)
def test_wrong_usage_is_told_in_one_line(arguments: list[str], told: str) -> None:
    ended = benchmarks(*arguments)
    assert (ended.returncode, ended.stdout) == (USAGE, "")
    assert told in ended.stderr
    assert re.fullmatch(r"benchmarks: .*\n", ended.stderr)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("./no-such-server {port}", "cannot be started: "),
        (
            "{python} -c \"import sys; sys.exit('no {port}')\"",
            r"ended by itself, with status 1; its last line is 'no \d+'",
        ),
    ],
)
def test_a_server_that_does_not_start_is_told(command: str, told: str) -> None:
    ended = tiny("latency", "--server-cmd", f"mine={command}")
    assert (ended.returncode, ended.stdout) == (NOT_STARTED, "")
    assert re.fullmatch(rf"benchmarks: mine {told}.*\n", ended.stderr)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, INTERRUPTED), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_an_interrupted_run_leaves_no_server_behind(tmp_path: Path, number: signal.Signals, status: int) -> None:
    told = tmp_path / "pid"
    script = f'echo $$ > {shlex.quote(str(told))}; exec "$0" reference/server/server.py --port "$1"'
    server = f"sh -c {shlex.quote(script)} {{python}} {{port}}"
    run = subprocess.Popen(
        [*COMMAND, "--work", "fanout", "--seconds", str(DEADLINE), "--server-cmd", server],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: told.exists() and told.read_text().endswith("\n"), "the server starts")
    run.send_signal(number)
    shown, said = run.communicate(timeout=DEADLINE)
    assert run.returncode == status
    assert "Traceback" not in said
    assert shown == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


def test_a_cluster_is_measured_beside_one_server() -> None:
    """All deliveries are right, and each figure is there."""
    words = [sys.executable, "-W", "error", "-m", "benchmarks.cluster", "--quick"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert ended.returncode == RIGHT, ended.stdout + ended.stderr
    rows = [line.strip("|").split("|") for line in ended.stdout.splitlines()[2:]]
    assert len(rows) == 8
    assert all(float(row[2]) > 0 for row in rows)
    assert sum(bool(row[1].strip()) for row in rows) == 3


def test_a_node_that_has_not_the_whole_chat_is_found_out() -> None:
    bench = Bench([], QUICK)
    with Server(Command("alone", f"{REFERENCE} --history {KEPT}")) as alone:
        bench.ask(alone, {b"r0000": 0})
    told = "a node that joined says [b'HISTORY r0000 0', b'MEMBERS r0000 1'] of r0000"
    assert bench.errors.words() == [f"missing: {told}"]


def test_the_page_names_all_workloads_and_options() -> None:
    page = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z]+)` \| (.*?) \|", page, re.M))
    assert list(rows) == list(WORKLOADS)
    sizes = {name: int(found[0]) for name, text in rows.items() if (found := re.search(r"\d+(?= clients)", text))}
    assert sizes == {name: WORKLOADS[name].clients for name in sizes}
    assert len(sizes) > 6
    options = set(re.findall(r"^  (--[a-z-]+)", benchmarks("--help").stdout, re.M))
    assert set(re.findall(r"^\| `(--[a-z-]+)", page, re.M)) == options


def test_benchmarks_need_no_library() -> None:
    """Of the suite they have what finds a port, and that needs none either."""
    used = {name for path in modules("benchmarks").values() for name in imports(path)}
    assert "conformance.wire.port" in used
    used |= set(imports(ROOT / "conformance/wire/port.py"))
    others = {name for name in used if name.partition(".")[0] not in {*sys.stdlib_module_names, "benchmarks"}}
    assert others == {"conformance.wire.port"}
