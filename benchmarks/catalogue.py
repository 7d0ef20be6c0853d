"""All workloads by name: what each does, how large it is, and which figures it is compared by."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.churn import soak, switch
from benchmarks.figures import Figures
from benchmarks.workloads import Stage, Talk, idle, storm


@dataclass(frozen=True)
class Workload:
    """A workload; with `quick_...`, its size for --quick."""

    text: str  # what it does; {clients} is the number of connections
    run: Callable[[Stage], Figures]
    compared: tuple[str, ...]  # figures of the chart, of which less is better
    clients: int
    quick_clients: int
    seconds: float = 3
    quick_seconds: float = 0.5
    once: bool = False  # not repeated


_CPU = "cpu_us_per_delivery"

WORKLOADS = {
    "fanout": Workload(
        "{clients} in one room, 20 talk as fast as they can, 10 messages of each on the way",
        Talk(rooms=1, speakers=20, window=10, stride=50).run,
        (_CPU,),
        200,
        50,
    ),
    "rooms": Workload(
        "{clients} in 20 rooms, all talk as fast as they can, 10 messages of each on the way",
        Talk(rooms=20, speakers=1000, window=10, stride=20).run,
        (_CPU,),
        400,
        100,
    ),
    "single": Workload(
        "{clients} in one room, 20 talk, one message of each on the way",
        Talk(rooms=1, speakers=20, window=1, stride=10).run,
        (_CPU,),
        200,
        50,
    ),
    "paced": Workload(
        "{clients} in one room, 200 messages a second in all",
        Talk(rooms=1, speakers=20, rate=200).run,
        (_CPU, "p50_ms"),
        200,
        50,
    ),
    "latency": Workload(
        "{clients} in one room, one message at a time",
        Talk(rooms=1, speakers=1000).run,
        ("p50_ms", "p99_ms"),
        10,
        10,
    ),
    "switch": Workload(
        "{clients} go from room to room among 20, and say something in each",
        switch,
        ("cpu_us_per_switch",),
        100,
        40,
    ),
    "idle": Workload(
        "{clients} connect into 100 rooms, then one message in each room",
        idle,
        ("memory_kib_per_connection", "cpu_us_per_connect"),
        1000,
        200,
    ),
    "storm": Workload(
        "{clients} ask /ping at the same moment",
        storm,
        ("all_answered_ms", "cpu_us_per_answer"),
        1000,
        200,
    ),
    "soak": Workload(
        "{clients} talk, move, rename, come and go in 10 rooms; nothing may grow",
        soak,
        ("cpu_us_per_step",),
        100,
        40,
        seconds=900,
        quick_seconds=8,
        once=True,
    ),
}
USUAL = tuple(name for name in WORKLOADS if name != "soak")  # those that are done where none is named
