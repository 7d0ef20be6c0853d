"""Do something a little later: what only faults need."""

import asyncio
from collections.abc import Callable
from typing import Any


def later(seconds: float, function: Callable[..., object], *arguments: Any) -> None:
    """Call a function after some seconds."""
    asyncio.get_running_loop().call_later(seconds, function, *arguments)
