"""Peak memory of a process that trains an epoch on Parquet files larger than memory may be.

The files are written in pieces, in a process of its own, and deleted at the end; the parent
imports no numerical library. Peaks are those of whole processes, libraries included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import machine
from benchmarks.report import Table, progress

FEATURES = 100
FILES_PER_GIGABYTE = 2

WRITE = """
import sys
import numpy as np
import pyarrow as pa
from pyarrow import parquet
folder, number, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(number)
names = [f"x{{k}}" for k in range({features})]
with parquet.ParquetWriter(
    f"{{folder}}/part-{{number:05d}}.parquet",
    pa.schema([*((name, pa.float32()) for name in names), ("label", pa.string())]),
    compression="none",
    use_dictionary=["label"],
) as writer:
    for start in range(0, rows, 100_000):
        X = rng.standard_normal((min(100_000, rows - start), {features}), dtype=np.float32)
        label = np.array(["low", "middle", "high"])[np.digitize(X[:, :5].sum(axis=1), [-1, 1])]
        columns = {{name: np.ascontiguousarray(X[:, k]) for k, name in enumerate(names)}}
        writer.write_table(pa.table({{**columns, "label": label}}, schema=writer.schema))
"""

TRAIN = """
import json, sys, time, warnings
import chainrule as cr
from tests.helpers.memory import peak_megabytes
warnings.simplefilter("ignore")
import pyarrow.parquet
# What libraries take, and code that is compiled.
tiny = [([[0.0], [1.0]], [0, 1])]
cr.MLPClassifier((64,), max_iter=1, random_state=0).fit_stream(tiny)
before = peak_megabytes()
model = cr.MLPClassifier((64,), max_iter=1, random_state=0)
start = time.perf_counter()
model.fit_stream(sys.argv[1], y="label")
seconds = time.perf_counter() - start
print(json.dumps({"before": before, "peak": peak_megabytes(), "seconds": seconds,
                  "rows": model.t_, "loss": model.loss_}))
"""


def run(program: str, *arguments: str) -> str:
    """What a program prints; raises ``CalledProcessError`` if it fails."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def write(folder: str, gigabytes: float) -> int:
    """Write the files, and return how many bytes they take."""
    n_files = max(1, round(gigabytes * FILES_PER_GIGABYTE))
    rows = int(gigabytes * 1e9 / n_files / (4 * FEATURES))
    for number in range(n_files):
        progress(f"writing file {number + 1} of {n_files}")
        run(WRITE.format(features=FEATURES), folder, str(number), str(rows))
    return sum(path.stat().st_size for path in Path(folder).iterdir())


def main(arguments: list[str]) -> int:
    """Measure a tenth of the data and all of it, and return 1 if memory grew above the limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks streaming", description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=10, help="of float32 features")
    parser.add_argument("--limit", type=float, default=1000, help="megabytes a process may take")
    parser.add_argument("--folder", type=Path, help="where there is room for the files")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    options = parser.parse_args(arguments)
    about = machine.description()
    print(machine.summary(about))

    table = Table("Parquet", "rows", "peak", "libraries alone", "rows/s")
    figures = []
    for gigabytes in (options.gigabytes / 10, options.gigabytes):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            size = write(folder, gigabytes)
            progress(f"training on {size / 1e9:.1f} GB")
            figure = {"bytes": size, **json.loads(run(TRAIN, folder))}
        progress("")
        figures.append(figure)
        table.row(
            f"{size / 1e9:.1f} GB",
            f"{figure['rows']:,}",
            f"{figure['peak']:.0f} MB",
            f"{figure['before']:.0f} MB",
            f"{figure['rows'] / figure['seconds']:,.0f}",
        )
    print("\nMLPClassifier((64,)).fit_stream, one epoch and the pass that finds the classes")
    print(table)
    if options.json:
        document = {"machine": about, "figures": figures}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    too_much = figures[-1]["peak"] > options.limit
    if too_much:
        print(f"! more than {options.limit:.0f} MB")
    return int(too_much)
