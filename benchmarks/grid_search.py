"""GridSearchCV on digits, 24 candidates and 5 folds, against scikit-learn's MLPClassifier."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine
from benchmarks.contenders import named
from benchmarks.networks import cache_variables
from benchmarks.report import Table, milliseconds, progress

CONTENDERS = {"chainrule": "chainrule", "scikit-learn": "sklearn.neural_network"}
"""Where each one's ``MLPClassifier`` is."""

SEARCH = """
import json, sys, time
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from {package} import MLPClassifier

order = json.loads(sys.argv[1])
X, y = load_digits(return_X_y=True)
model = MLPClassifier(random_state=0)
search = GridSearchCV(model, order["grid"], cv=5, n_jobs=order["jobs"])
seconds = []
for _ in range(2):  # the workers of the first one are still there for the second
    start = time.perf_counter()
    search.fit(X / 16, y)
    seconds.append(time.perf_counter() - start)
print(json.dumps({{"seconds": seconds, "scores": search.cv_results_["mean_test_score"].tolist()}}))
"""

SHARED = {
    "hidden_layer_sizes": [[16], [32], [64]],
    "alpha": [1e-4, 1e-2],
    "learning_rate_init": [1e-3, 1e-2],
}
GRIDS: dict[str, dict[str, list[Any]]] = {
    "batch_size": {**SHARED, "batch_size": [32, 200]},
    "activation": {**SHARED, "activation": ["relu", "tanh"]},
}
"""24 candidates each, in the default 200 epochs at most, called after what only they vary."""

TOLERANCE = 0.005
"""How far a candidate's mean accuracy may be from the peer's: some training is chaotic."""


def searched(contender: str, order: dict[str, Any], cache: str) -> dict[str, Any]:
    """Two searches in a new process; raises ``CalledProcessError`` if it fails."""
    environment = {
        **os.environ,
        **cache_variables(named("chainrule"), cache),
        "PYTHONWARNINGS": "ignore",  # some candidates do not converge in the default epochs
    }
    program = SEARCH.format(package=CONTENDERS[contender])
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(order)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(arguments: list[str]) -> int:
    """Search in turn, print medians, and return 1 if the candidates' scores differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks grid_search", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--grid", choices=GRIDS, default="batch_size")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    options = parser.parse_args(arguments)
    about = machine.description()
    print(machine.summary(about))

    order = {"grid": GRIDS[options.grid], "jobs": options.jobs}
    times: dict[str, list[list[float]]] = {name: [] for name in CONTENDERS}
    scores: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as cache:
        for turn in range(options.rounds + 1):
            for name in CONTENDERS:
                progress(f"round {turn} of {options.rounds}, {name}")
                found = searched(name, order, cache)
                scores[name] = found["scores"]
                if turn > 0:  # the first round fills the file system's and our own caches
                    times[name].append(found["seconds"])
    progress("")

    table = Table("search", "median", "fastest", "slowest", "x chainrule")
    for position, which in enumerate(("workers to be started", "workers that are there")):
        for name in CONTENDERS:
            values = [each[position] for each in times[name]]
            ratio = median(values) / median(each[position] for each in times["chainrule"])
            row = map(milliseconds, (median(values), min(values), max(values)))
            table.row(f"{name}, {which}", *row, f"{ratio:.2f}")
    print(f"\nGridSearchCV, 24 candidates x 5 folds, {options.jobs} jobs: {order['grid']}")
    print(table)

    pairs = zip(*scores.values(), strict=True)
    difference = max(abs(ours - theirs) for ours, theirs in pairs)
    agree = difference <= TOLERANCE
    print(f"mean accuracies {'agree' if agree else 'DIFFER'}: largest difference {difference:.4f}")
    if options.json:
        document = {"machine": about, "order": order, "seconds": times, "scores": scores}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return int(not agree)
