"""Data: built-in sets, the lecture's generated ones, sequences, and tables read from files.

The names below are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "chainrule.datasets.builtin": ("load_dataset",),
    "chainrule.datasets.sequences": (
        "load_basic_motions",
        "load_italy_power_demand",
        "load_japanese_vowels",
        "load_sunspots",
    ),
    "chainrule.datasets.generated": (
        "make_adding",
        "make_linear",
        "make_parity",
        "make_ring",
        "make_shift_register",
        "make_spirals",
        "make_three_modes",
    ),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'chainrule.datasets' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
