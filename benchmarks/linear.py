"""LinearRegression on a tall table of doubles, chainrule against scikit-learn."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import machine
from benchmarks.networks import QUIET_SECONDS
from benchmarks.report import Table, milliseconds, progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOLERANCE = 1e-8
"""Largest difference allowed between two estimators' coefficients, all of which are below 1."""


def make_rows(rows: int, features: int, seed: int) -> tuple[NDArray[np.float64], ...]:
    """Normal features of different scales and offsets, and a noisy linear target."""
    import numpy as np

    generator = np.random.default_rng(seed)
    X = generator.standard_normal((rows, features))
    X *= generator.uniform(0.5, 2.0, features)
    X += generator.uniform(-1.0, 1.0, features)
    y = X @ generator.uniform(-1.0, 1.0, features) + 0.5 + generator.standard_normal(rows)
    return X, y


def estimators() -> dict[str, Any]:
    """The classes that are installed, by name."""
    found: dict[str, Any] = {}
    try:
        import chainrule

        found["chainrule"] = chainrule.LinearRegression
    except (ImportError, AttributeError) as error:
        print(f"chainrule: not available ({error})")
    try:
        from sklearn.linear_model import LinearRegression

        found["scikit-learn"] = LinearRegression
    except ImportError:
        print("scikit-learn: not installed")
    return found


def main(arguments: list[str]) -> int:
    """Fit in turn, print medians, and return 1 if the coefficients differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks linear", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    options = parser.parse_args(arguments)
    about = machine.description()
    print(machine.summary(about))

    import numpy as np

    X, y = make_rows(options.rows, options.features, options.seed)
    classes = estimators()
    times: dict[str, list[float]] = {name: [] for name in classes}
    solutions = {}
    for turn in range(options.rounds + 1):
        for name, estimator in classes.items():
            progress(f"round {turn} of {options.rounds}, {name}")
            time.sleep(QUIET_SECONDS)
            start = time.perf_counter()
            model = estimator().fit(X, y)
            if turn > 0:  # the first round warms caches up and is not counted
                times[name].append(time.perf_counter() - start)
            solutions[name] = np.append(model.coef_, model.intercept_)
    progress("")

    table = Table("estimator", "median", "fastest", "slowest", "x chainrule")
    for name, values in times.items():
        ratio = f"{median(values) / median(times['chainrule']):.2f}" if "chainrule" in times else ""
        table.row(name, *map(milliseconds, (median(values), min(values), max(values))), ratio)
    print(f"\nLinearRegression().fit, {options.rows:,} x {options.features} doubles")
    print(table)

    difference = max(
        (float(np.max(np.abs(a - b))) for a in solutions.values() for b in solutions.values()),
        default=0.0,
    )
    agree = difference <= TOLERANCE
    if len(solutions) > 1:
        verdict = "agree" if agree else "DIFFER"
        print(f"coefficients {verdict}: largest difference {difference:.1e}")
    if options.json:
        document = {"machine": about, "seconds": times, "largest_difference": difference}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return int(not agree)
