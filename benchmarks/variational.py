"""Training steps of a variational auto encoder: every contender, interleaved in one run."""

from __future__ import annotations

from benchmarks.contenders import VARIATIONAL
from benchmarks.networks import compare
from benchmarks.variational_task import TASKS


def main(arguments: list[str]) -> int:
    """Compare all contenders."""
    return compare(arguments, "variational", TASKS, VARIATIONAL)
