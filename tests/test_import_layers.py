"""The import law: data flows down the list of layers, and a module imports only from above it.

The code is parsed, never run, so an import inside a function, under ``TYPE_CHECKING`` or through
``importlib.import_module("chainrule...")`` counts like any other.
"""

from __future__ import annotations

import ast
import graphlib
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "chainrule"

# In the order in which data flows. A module may import from its own layer and those before it.
LAYERS = (
    "errors",
    "version",
    "pages",
    "graph",
    "notation",
    "calculus",
    "engines",
    "networks",
    "training",
    "callbacks",
    "datasets",
    "explain",
    "matrices",
    "doctor",
    "files",
    "exchange",
    "estimators",
    "demonstrations",
    "reports",
    "cli",
    "studio",
)

# Users of the public interface, as any program is: only these may import from `chainrule` itself.
FACES = ("cli", "studio")

# Inside a layer: the first name may reach none of those after it, not even through a helper.
ORDER_WITHIN = {"engines": ("base", "reference", "native")}

# Modules at the top that gather public names or start a program; they may import anything.
UNLAYERED = ("", "__main__")

Imports = Mapping[str, Mapping[str, int]]


def imports_of(root: Path) -> Imports:
    """Return, for each module under ``root``, the modules of the package it imports and the line.

    ``root`` is the folder of a package. Importing ``a.b`` also runs ``a/__init__.py``; that is not
    counted, or a package could never gather the names of its modules.
    """
    package = root.name
    files = {}
    for path in sorted(root.rglob("*.py")):
        parts = (package, *path.relative_to(root).with_suffix("").parts)
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path

    found: dict[str, dict[str, int]] = {}
    for module, path in files.items():
        home = module if path.name == "__init__.py" else module.rpartition(".")[0]
        found[module] = {}
        for target, line in imported_names(ast.parse(path.read_text(encoding="utf-8")), home):
            if target.split(".")[0] != package:
                continue
            # `from a.b import c` names the module a.b.c or a value inside a.b.
            while target not in files and "." in target:
                target = target.rpartition(".")[0]
            if target != module:
                found[module].setdefault(target, line)
    return found


def imported_names(tree: ast.Module, home: str) -> Iterator[tuple[str, int]]:
    """Yield each dotted name that ``tree`` imports; relative ones are taken from ``home``."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield alias.name, node.lineno
            case ast.ImportFrom(module=base, names=names, level=level):
                if level:
                    above = home.split(".")[: len(home.split(".")) - level + 1]
                    base = ".".join([*above, base] if base else above)
                for alias in names:
                    yield f"{base}.{alias.name}", node.lineno
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield (home + name if name.startswith(".") else name), node.lineno


def part_of(module: str, depth: int) -> str:
    """Return one part of a dotted name, or an empty string where the name is shorter."""
    return (*module.split("."), *[""] * depth)[depth]


def layer_of(module: str) -> str:
    """Return the folder below the package: ``graph`` for ``chainrule.graph.node``."""
    return part_of(module, 1)


def upward_imports(imports: Imports) -> list[str]:
    """List the imports that go against the flow, and the modules that have no layer."""
    faults = []
    for module, targets in imports.items():
        here = layer_of(module)
        if here in UNLAYERED:
            continue
        if here not in LAYERS:
            faults.append(f"{module} belongs to no layer: move it, or add {here!r} to LAYERS")
            continue
        for target, line in targets.items():
            there = layer_of(target)
            if there == "" and here in FACES:
                continue
            if there not in LAYERS or LAYERS.index(there) > LAYERS.index(here):
                faults.append(f"{module} line {line} imports {target}, which is not above {here}")
    return faults


def upward_imports_within(imports: Imports) -> list[str]:
    """List the modules of one layer that reach a later part of it, directly or through others."""
    faults = []
    for layer, parts in ORDER_WITHIN.items():
        for module in imports:
            part = part_of(module, 2)
            if layer_of(module) != layer or part not in parts:
                continue
            forbidden = parts[parts.index(part) + 1 :]
            for reached in sorted(reachable(imports, module)):
                if layer_of(reached) == layer and part_of(reached, 2) in forbidden:
                    faults.append(f"{module} reaches {reached}, but {part} comes before it")
    return faults


def reachable(imports: Imports, start: str) -> set[str]:
    """Return the modules that ``start`` imports, directly or through others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for target in imports.get(waiting.pop(), {}):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def import_cycle(imports: Imports) -> list[str]:
    """Return one circle of modules that import one another, or an empty list."""
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def faults_in(root: Path) -> list[str]:
    """Return every breach of the import law in the package at ``root``."""
    imports = imports_of(root)
    faults = upward_imports(imports) + upward_imports_within(imports)
    if cycle := import_cycle(imports):
        faults.append("these modules import one another: " + " <- ".join(cycle))
    return faults


def test_modules_import_only_from_above() -> None:
    assert imports_of(SOURCE), f"no modules under {SOURCE}"
    assert not faults_in(SOURCE), "\n" + "\n".join(faults_in(SOURCE))


# Tests of the test: a small package that keeps the law, and one breach of it at a time.

LAWFUL = {
    "__init__.py": "from chainrule.estimators.mlp import MLP",
    "__main__.py": "from chainrule.cli.main import main",
    "errors.py": "import math",
    "graph/__init__.py": "from .node import Node",
    "graph/node.py": "from .. import errors",
    "engines/__init__.py": "from . import native, reference",
    "engines/base.py": "from chainrule.graph import Node",
    "engines/reference.py": "from chainrule.engines import base",
    "engines/native/__init__.py": "from ..reference import run",
    "explain/__init__.py": "import chainrule.graph.node as node",
    "estimators/__init__.py": "",
    "estimators/mlp.py": "def explain():\n    from chainrule import explain",
    "cli/main.py": "import chainrule as cr",
}

BREACHES = {
    "an upward import": (
        {"graph/node.py": "import chainrule.engines.base"},
        "chainrule.graph.node line 1 imports chainrule.engines.base",
    ),
    "an upward import inside a function": (
        {"graph/node.py": "def f():\n    from chainrule.estimators.mlp import MLP"},
        "chainrule.graph.node line 2 imports chainrule.estimators.mlp",
    ),
    "an upward relative import": (
        {"graph/node.py": "from ..estimators import mlp"},
        "chainrule.graph.node line 1 imports chainrule.estimators.mlp",
    ),
    "an upward relative import out of a package": (
        {"engines/native/__init__.py": "from ...cli.main import main"},
        "chainrule.engines.native line 1 imports chainrule.cli.main",
    ),
    "an upward import for types only": (
        {"errors.py": "if TYPE_CHECKING:\n    from chainrule.graph import Node"},
        "chainrule.errors line 2 imports chainrule.graph",
    ),
    "an upward import by a computed name": (
        {"errors.py": "import importlib\nimportlib.import_module('chainrule.graph.node')"},
        "chainrule.errors line 2 imports chainrule.graph.node",
    ),
    "a public name used inside the library": (
        {"explain/__init__.py": "from chainrule import MLP"},
        "chainrule.explain line 1 imports chainrule, which is not above explain",
    ),
    "explain importing an estimator": (
        {"explain/__init__.py": "from chainrule.estimators import mlp"},
        "chainrule.explain line 1 imports chainrule.estimators.mlp",
    ),
    "the reference engine importing the native one": (
        {"engines/reference.py": "from . import native"},
        "chainrule.engines.reference reaches chainrule.engines.native",
    ),
    "the base of engines reaching the native one through a helper": (
        {
            "engines/base.py": "from . import helper",
            "engines/helper.py": "from . import native",
            "engines/native/__init__.py": "",
        },
        "chainrule.engines.base reaches chainrule.engines.native",
    ),
    "a circle inside a layer": (
        {"graph/a.py": "from . import b", "graph/b.py": "from . import a"},
        "these modules import one another",
    ),
    "a module importing from its own package's gathered names": (
        {"graph/node.py": "from chainrule.graph import Node"},
        "these modules import one another",
    ),
    "a folder that is in no layer": (
        {"helpers/text.py": ""},
        "chainrule.helpers.text belongs to no layer",
    ),
}


def package_of(files: Mapping[str, str], folder: Path) -> Path:
    """Write ``files`` as a package in ``folder`` and return its root."""
    root = folder / "chainrule"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text) + "\n", encoding="utf-8")
    return root


def test_a_lawful_package_passes(tmp_path: Path) -> None:
    assert faults_in(package_of(LAWFUL, tmp_path)) == []


@pytest.mark.parametrize("breach", BREACHES)
def test_a_planted_breach_is_caught(breach: str, tmp_path: Path) -> None:
    planted, message = BREACHES[breach]
    faults = faults_in(package_of({**LAWFUL, **planted}, tmp_path))
    assert any(message in fault for fault in faults), faults
