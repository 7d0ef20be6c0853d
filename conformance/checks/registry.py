"""The lists of all checks, of servers and of clients, in the order of the specification's sections."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import TypeVar

from conformance.judging.check import AnyFunction, Check
from conformance.stage.client import ClientScene
from conformance.stage.server import Stage

_Function = TypeVar("_Function", bound=AnyFunction)

_of_servers: list[Check] = []
_of_clients: list[Check] = []


def check(
    requirement: str,
    digest: str,
    *,
    needs: tuple[str, ...] = (),
    ground: int = 0,
    fact: str = "",
    slow: int = 0,
    patient: int = 0,
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Register a function as a check of servers; `digest` is that of the requirement's sentence at that time.

    `slow`: the seconds that it waits, about, where it is about time: the longest are begun first, so that a run has not
    to wait for one of them in the end. `patient`: those that it takes, where it runs only when it is asked for.
    """

    def register(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
        seconds = slow or patient
        _of_servers.append(Check(requirement, digest, *_named(function), needs, ground, fact, seconds, patient))
        return function

    return register


def client_check(
    requirement: str,
    digest: str,
    *,
    ground: int = 0,
    fact: str = "",
    slow: int = 0,
    plays: tuple[Callable[[ClientScene], None], ...] = (),
) -> Callable[[Callable[[ClientScene], None]], Callable[[ClientScene], None]]:
    """Register a function as a check of clients; see `check`, and for `plays` the class Check."""

    def register(function: Callable[[ClientScene], None]) -> Callable[[ClientScene], None]:
        number = len(_of_clients)
        _of_clients.append(
            Check(
                requirement,
                digest,
                *_named(function),
                ground=ground,
                fact=fact,
                slow=slow,
                plays=plays,
                number=number,
            )
        )
        return function

    return register


def all_checks() -> list[Check]:
    """Return all checks of servers, in the order of the specification's sections."""
    _import_modules("conformance.checks.server")
    return list(_of_servers)


def client_checks() -> list[Check]:
    """Return all checks of clients, in the order of the specification's sections."""
    _import_modules("conformance.checks.client")
    return list(_of_clients)


def _named(function: _Function) -> tuple[str, str, _Function]:
    """Return a check's name and title, made of the function's name and docstring, and the function."""
    title = (function.__doc__ or "").strip().splitlines()[0]
    return function.__name__.replace("_", "-"), title, function


def _import_modules(package: str) -> None:
    """Import all modules of a package: they register their checks."""
    for name in sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)):
        importlib.import_module(f"{package}.{name}")
