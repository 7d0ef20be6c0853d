"""The checks of clients: functions, each citing the one requirement that it is about."""

import importlib
import pkgutil
from collections.abc import Callable

import conformance.client.checks
from conformance.client.scene import ClientScene
from conformance.registry import Check

Function = Callable[[ClientScene], None]

_checks: list[Check] = []


def client_check(requirement: str, digest: str, *, slow: bool = False) -> Callable[[Function], Function]:
    """Register a function as a check of clients; `digest` is that of the requirement's sentence at that time."""

    def register(function: Function) -> Function:
        title = (function.__doc__ or "").strip().splitlines()[0]
        _checks.append(Check(requirement, digest, function.__name__.replace("_", "-"), title, function, slow=slow))
        return function

    return register


def client_checks() -> list[Check]:
    """Return all checks of clients, in the order of the specification's sections."""
    for module in sorted(found.name for found in pkgutil.iter_modules(conformance.client.checks.__path__)):
        importlib.import_module(f"conformance.client.checks.{module}")
    return list(_checks)
