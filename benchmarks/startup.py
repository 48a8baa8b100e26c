"""Whole processes, from start to exit: imports, and fitting iris with the defaults."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.contenders import named
from benchmarks.networks import cache_variables
from benchmarks.report import Table, milliseconds, progress

FIT = """
from sklearn.datasets import load_iris
from {package} import MLPClassifier
MLPClassifier(random_state=0).fit(*load_iris(return_X_y=True))
"""


@dataclass(frozen=True)
class Process:
    """A program, whom it is compared with, and the state of the cache of compiled code."""

    title: str
    program: str
    peer: str | None = None
    empty_cache: bool = False


PROCESSES = (
    Process("Python alone", "pass"),
    Process("import sklearn.neural_network", "import sklearn.neural_network"),
    Process("import chainrule", "import chainrule", "import sklearn.neural_network"),
    Process("fit iris, scikit-learn", FIT.format(package="sklearn.neural_network")),
    Process("fit iris, chainrule", FIT.format(package="chainrule"), "fit iris, scikit-learn"),
    Process(
        "fit iris, chainrule, empty cache",
        FIT.format(package="chainrule"),
        "fit iris, scikit-learn",
        empty_cache=True,
    ),
)


def seconds(process: Process, kept_cache: str) -> float:
    """Duration of one process; raises ``CalledProcessError`` if it fails."""
    with tempfile.TemporaryDirectory() as fresh_cache:
        folder = fresh_cache if process.empty_cache else kept_cache
        environment = {**os.environ, **cache_variables(named("chainrule"), folder)}
        # Warnings about convergence are the defaults' doing, and cost nothing when printed.
        command = [sys.executable, "-W", "ignore", "-c", process.program]
        start = time.perf_counter()
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return time.perf_counter() - start


def main(arguments: list[str]) -> int:
    """Run every process in turn, print medians, and return 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks startup", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    options = parser.parse_args(arguments)
    about = machine.description()
    print(machine.summary(about))

    times: dict[str, list[float]] = {process.title: [] for process in PROCESSES}
    failures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as kept_cache:
        for turn in range(options.rounds + 1):
            for process in PROCESSES:
                progress(f"round {turn} of {options.rounds}, {process.title}")
                if process.title in failures:
                    continue
                try:
                    duration = seconds(process, kept_cache)
                except subprocess.CalledProcessError as error:
                    failures[process.title] = error.stderr.strip().rpartition("\n")[2]
                    continue
                if turn > 0:  # the first round fills the file system's and our own caches
                    times[process.title].append(duration)
    progress("")

    table = Table("process", "median", "fastest", "slowest", "against peer")
    for process in PROCESSES:
        values, peer = times[process.title], times.get(process.peer or "")
        if not values:
            continue
        against = ""
        if peer:
            difference = 1e3 * (median(values) - median(peer))
            against = f"x {median(values) / median(peer):.2f}, {difference:+.0f} ms"
        table.row(
            process.title,
            *map(milliseconds, (median(values), min(values), max(values))),
            against,
        )
    print(table)
    for title, message in failures.items():
        print(f"! {title}: {message}")
    if options.json:
        document = {"machine": about, "seconds": times, "failures": failures}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return int(bool(failures))
