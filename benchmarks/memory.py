"""Peak memory of a whole process that fits an MLPClassifier on many float32 rows.

The parent imports no numerical library: on Linux a process inherits the peak of the one
that started it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.report import Table, progress

FEATURES = 50

PROGRAM = """
import resource, sys, warnings
import numpy as np
warnings.simplefilter("ignore")
X = np.random.default_rng(0).standard_normal(({rows}, {features}), dtype=np.float32)
y = X[:, :4].argmax(axis=1)
{fit}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024))
"""

FITS = {
    "rows and NumPy alone": "",
    "scikit-learn": """
from sklearn.neural_network import MLPClassifier
MLPClassifier(max_iter=2, random_state=0).fit(X, y)
""",
    "chainrule": """
from chainrule import MLPClassifier
MLPClassifier(max_iter=2, random_state=0).fit(X, y)
""",
}


def megabytes(fit: str, rows: int) -> float:
    """Peak resident memory of one process; raises ``CalledProcessError`` if it fails."""
    program = PROGRAM.format(rows=rows, features=FEATURES, fit=fit)
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(answer.stdout)


def main(arguments: list[str]) -> int:
    """Run every process in turn, print medians, and return 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=200, help="size of the rows")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    options = parser.parse_args(arguments)
    if sys.platform == "win32":
        print("memory: not available, Windows has no getrusage")
        return 0
    about = machine.description()
    print(machine.summary(about))

    rows = options.megabytes * 1_000_000 // (4 * FEATURES)
    peaks: dict[str, list[float]] = {name: [] for name in FITS}
    failures: dict[str, str] = {}
    for turn in range(options.rounds):
        for name, fit in FITS.items():
            progress(f"round {turn + 1} of {options.rounds}, {name}")
            try:
                peaks[name].append(megabytes(fit, rows))
            except subprocess.CalledProcessError as error:
                failures[name] = error.stderr.strip().rpartition("\n")[2]
    progress("")

    table = Table("process", "peak", "x scikit-learn")
    for name, values in peaks.items():
        if values:
            peer = peaks["scikit-learn"]
            ratio = f"{median(values) / median(peer):.2f}" if peer else ""
            table.row(name, f"{median(values):.0f} MB", ratio)
    print(f"\nMLPClassifier(max_iter=2).fit, {rows:,} x {FEATURES} float32 rows")
    print(table)
    for name, message in failures.items():
        print(f"! {name}: {message}")
    if options.json:
        document = {"machine": about, "megabytes": peaks, "failures": failures}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return int(bool(failures))
