"""The measured figures: the figures, how tables call them, and how they are made."""

from array import array

Figures = dict[str, float | None]  # None: the system does not tell

# How the tables call the figures, in their order.
NAMES = {
    "deliveries_per_second": "deliveries/s",
    "switches_per_second": "switches/s",
    "connects_per_second": "connects/s",
    "answers_per_second": "answers/s",
    "steps_per_second": "steps/s",
    "events_checked": "events checked",
    "all_answered_ms": "all answered, ms",
    "cpu_us_per_delivery": "processor us/delivery",
    "cpu_us_per_switch": "processor us/switch",
    "cpu_us_per_connect": "processor us/connect",
    "cpu_us_per_answer": "processor us/answer",
    "cpu_us_per_step": "processor us/step",
    "memory_kib_per_connection": "KiB/connection",
    "p50_ms": "p50, ms",
    "p90_ms": "p90, ms",
    "p99_ms": "p99, ms",
    "max_ms": "max, ms",
    "memory_mib": "memory, MiB",
    "threads": "threads",
    "descriptors": "descriptors",
    "memory_growth_kib": "memory grown, KiB",
    "threads_growth": "threads more",
    "descriptors_growth": "descriptors more",
    "generator_percent": "generator busy, %",
}


def difference(after: float | None, before: float | None) -> float | None:
    """Subtract, where both are known."""
    return None if after is None or before is None else after - before


def ratio(number: float | None, by: float) -> float | None:
    """Divide, where that can be done."""
    return None if number is None or not by else number / by


def percentiles(seconds: "array[float] | list[float]") -> Figures:
    """Return the percentiles of times, in milliseconds."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    places = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "max_ms": 1}
    return {key: 1000 * ordered[min(int(place * len(ordered)), len(ordered) - 1)] for key, place in places.items()}
