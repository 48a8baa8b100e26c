"""Training steps of recurrent networks: every contender, interleaved in one run."""

from __future__ import annotations

from benchmarks.contenders import RECURRENT
from benchmarks.networks import compare
from benchmarks.recurrent_task import TASKS


def main(arguments: list[str]) -> int:
    """Compare all contenders on RNN, LSTM and GRU."""
    return compare(arguments, "recurrent", TASKS, RECURRENT)
