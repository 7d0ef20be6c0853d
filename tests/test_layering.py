"""Imports point downward only, pure modules are pure, and no module hides one of the standard library's."""

import ast
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

REFERENCE = ROOT / "reference"
SERVER = "reference.server"
CLIENT = "reference.client"
CLUSTER = "reference.cluster"
FULL = f"{CLIENT}.full"
# Each may import those before it and not those beside or after it.
LEVELS = (
    ("reference.wire", "reference.address"),
    ("reference.password", "reference.terminal.cells", "reference.terminal.keymode", "reference.terminal.recall"),
    ("reference.terminal.narrowing", "reference.terminal.paste"),
    ("reference.terminal.editor", "reference.terminal.line"),
    (f"{SERVER}.history",),
    (f"{SERVER}.ahead", f"{SERVER}.chat", f"{SERVER}.stream", f"{SERVER}.tls", f"{SERVER}.proxy"),
    (f"{SERVER}.delivery", f"{SERVER}.store"),
    (f"{SERVER}.hub",),
    (f"{CLUSTER}.options", f"{CLUSTER}.entries"),
    (f"{CLUSTER}.log", f"{CLUSTER}.state"),
    (f"{CLUSTER}.hub",),
    (f"{SERVER}.connection", f"{SERVER}.console"),
    (f"{SERVER}.listener", f"{SERVER}.journal"),
    (f"{SERVER}.terminal",),
    (f"{SERVER}.cli",),
    (f"{SERVER}.server",),
)
PURE = (
    "reference.wire",
    "reference.address",
    f"{SERVER}.chat",
    f"{SERVER}.history",
    f"{SERVER}.stream",
    f"{CLUSTER}.entries",
    f"{CLUSTER}.state",
    *(
        f"{CLIENT}.{name}"
        for name in ("completion", "crowd", "language", "mentions", "past", "retry", "session", "wishes")
    ),
    "reference.terminal.cells",
    "reference.terminal.editor",
    "reference.terminal.narrowing",
    "reference.terminal.paste",
    "reference.terminal.recall",
)
HARMLESS = {
    "codecs",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "string",
    "typing",
    "unicodedata",
}


def modules(folder: str) -> dict[str, Path]:
    """Return the modules below a folder of the checkout by their dotted names."""
    found = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / folder).rglob("*.py")}
    assert found, folder
    return {name.removesuffix(".__init__"): path for name, path in found.items()}


def imports(path: Path) -> set[str]:
    """Return the dotted names of the modules that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            module = node.module or ""
            package = (ROOT / module.replace(".", "/")).is_dir()
            names |= {f"{module}.{alias.name}" for alias in node.names} if package else {module}
    return names


def test_imports_are_seen_wherever_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text("import os.path\ndef f():\n    from a.b import c\nfrom reference import wire\n", encoding="utf-8")
    assert imports(file) == {"os.path", "a.b", "reference.wire"}


def test_every_module_of_the_server_has_a_level() -> None:
    known = {name for level in LEVELS for name in level if name.startswith((SERVER, CLUSTER))}
    assert set(modules("reference/server")) | set(modules("reference/cluster")) == known | {SERVER, CLUSTER}


def test_what_server_and_client_share_imports_neither() -> None:
    for name, path in modules("reference/terminal").items():
        used = {other for other in imports(path) if other.startswith("reference")}
        assert all(other.startswith("reference.terminal.") for other in used), name


@pytest.mark.parametrize("level", range(len(LEVELS)))
def test_server_imports_point_downward(level: int) -> None:
    allowed = {name for below in LEVELS[:level] for name in below}
    for name in LEVELS[level]:
        used = {other for other in imports(modules("reference")[name]) if other.startswith("reference")}
        assert used <= allowed, name


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_import_nothing_that_has_effects(name: str) -> None:
    used = {other.partition(".")[0] for other in imports(modules("reference")[name])}
    assert used <= HARMLESS | {"reference"}
    inner = {other for other in imports(modules("reference")[name]) if other.startswith("reference")}
    assert inner <= {*PURE, *(f"{CLIENT}.{name}" for name in ("texts", "texts_de", "texts_en"))}


def test_server_and_client_do_not_import_each_other() -> None:
    server = set[str]().union(*map(imports, modules("reference/server").values()))
    client = set[str]().union(*map(imports, modules("reference/client").values()))
    assert server
    assert client
    assert not {name for name in server if name.startswith("reference.client")}
    assert not {name for name in client if name.startswith("reference.server")}


def test_reference_imports_the_standard_library_and_itself() -> None:
    """And, in a module of each that it can do without, prompt_toolkit for the client and nats for the server."""
    own = sys.stdlib_module_names | {"reference"}
    foreign = {
        (name, top)
        for name, path in modules("reference").items()
        for top in {other.partition(".")[0] for other in imports(path)} - own
    }
    assert foreign == {(FULL, "prompt_toolkit"), (f"{CLUSTER}.log", "nats")}


def test_what_needs_a_library_is_imported_where_it_is_used() -> None:
    """Inside a function of one module, so that the program starts without it."""
    for needing, using in ((FULL, f"{CLIENT}.cli"), (f"{CLUSTER}.hub", f"{SERVER}.cli")):
        assert {name for name, path in modules("reference").items() if needing in imports(path)} == {using}
        tree = ast.parse(modules("reference")[using].read_text(encoding="utf-8"))
        assert needing not in {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}


def test_no_module_bears_a_name_of_the_standard_library() -> None:
    """A script puts its own folder first on the path, where such a module would hide that of the library."""
    names = {path.stem for path in [*modules("reference/server").values(), *modules("reference/client").values()]}
    assert not names & sys.stdlib_module_names


def test_conformance_knows_nothing_of_reference() -> None:
    for name, path in modules("conformance").items():
        assert not {other for other in imports(path) if other.partition(".")[0] in {"reference", "tests"}}, name


# The packages of the suite: each may import those before it, and its own modules.
SUITE = ("text", "wire", "stage", "judging", "conversations", "checks", "reports")
# Modules beside them, which put everything together; each may import those before it.
TOP = ("ends", "subjectfile", "run", "next", "slips", "cli", "__main__")


def test_every_package_of_the_suite_has_a_floor() -> None:
    names = {name.split(".")[1] for name in modules("conformance") if "." in name}
    assert names == {*SUITE, *TOP}


@pytest.mark.parametrize("package", SUITE)
def test_packages_of_the_suite_import_downward(package: str) -> None:
    allowed = {f"conformance.{name}" for name in SUITE[: SUITE.index(package) + 1]}
    for name, path in modules(f"conformance/{package}").items():
        used = {".".join(other.split(".")[:2]) for other in imports(path) if other.startswith("conformance")}
        assert used <= allowed, name


def test_modules_beside_the_packages_import_downward() -> None:
    packages = {f"conformance.{name}" for name in SUITE}
    for number, module in enumerate(TOP):
        used = {other for other in imports(ROOT / f"conformance/{module}.py") if other.startswith("conformance")}
        beside = {other for other in used if ".".join(other.split(".")[:2]) not in packages}
        assert {other.split(".")[1] for other in beside} <= set(TOP[:number]), module


def test_no_module_of_the_suite_imports_itself_through_others() -> None:
    """The modules can be put into an order in which each imports earlier ones alone."""
    waiting = {
        name: {other for other in imports(path) if other in modules("conformance")} - {name}
        for name, path in modules("conformance").items()
    }
    while free := {name for name, needs in waiting.items() if not needs & waiting.keys()}:
        for name in free:
            del waiting[name]
    assert waiting == {}


def test_every_package_of_the_suite_says_its_job() -> None:
    for package in SUITE:
        tree = ast.parse((ROOT / f"conformance/{package}/__init__.py").read_text(encoding="utf-8"))
        assert (ast.get_docstring(tree) or "").endswith("."), package
