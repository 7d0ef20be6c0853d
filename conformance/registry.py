"""The checks: functions, each citing the one requirement that it is about."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import conformance.checks
from conformance.stage import Stage

Function = Callable[[Stage], None]
AnyFunction = Callable[[Any], None]  # of a Stage, or of what a check of a client plays on


@dataclass(frozen=True)
class Check:
    """One check of the suite."""

    requirement: str
    digest: str  # of the sentence that it was written for
    name: str
    title: str
    function: AnyFunction
    needs: tuple[str, ...] = ()  # features and conditions, besides the requirement's own
    barrier: bool = False  # one of those that prove the barrier, and run first
    slow: bool = False  # waits for a time limit of the server; begun first

    @property
    def id(self) -> str:
        """What the check is called on the command line and in reports."""
        return f"{self.requirement}/{self.name}"


_checks: list[Check] = []


def check(
    requirement: str, digest: str, *, needs: tuple[str, ...] = (), barrier: bool = False, slow: bool = False
) -> Callable[[Function], Function]:
    """Register a function as a check of the requirement; `digest` is that of its sentence at that time."""

    def register(function: Function) -> Function:
        title = (function.__doc__ or "").strip().splitlines()[0]
        name = function.__name__.replace("_", "-")
        _checks.append(Check(requirement, digest, name, title, function, needs, barrier, slow))
        return function

    return register


def all_checks() -> list[Check]:
    """Return all registered checks, in the order of the specification's sections."""
    modules = sorted(module.name for module in pkgutil.iter_modules(conformance.checks.__path__))
    for name in modules:
        importlib.import_module(f"conformance.checks.{name}")
    return list(_checks)
