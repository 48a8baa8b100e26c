"""The fastest single-precision matrix product of this machine's BLAS, on all cores.

Runs as a process of its own (``python -m benchmarks.peak``) and prints one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

SIZES = (1024, 2048, 3072)
SECONDS_EACH = 0.25


def measure() -> dict[str, Any]:
    """Best rate of ``sgemm`` over square products, in GFLOP/s, and the BLAS that reached it."""
    import numpy as np
    from scipy.linalg.blas import sgemm
    from threadpoolctl import threadpool_info

    best = 0.0
    for size in SIZES:
        a = np.ones((size, size), dtype=np.float32, order="F")
        c = np.zeros_like(a)
        deadline = time.perf_counter() + SECONDS_EACH
        while (start := time.perf_counter()) < deadline:
            c = sgemm(1.0, a, a, c=c, overwrite_c=True)
            best = max(best, 2.0 * size**3 / (time.perf_counter() - start))
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    # NumPy's wheels bring a BLAS of their own; SciPy's is the one measured.
    blas = min(pools, key=lambda pool: "numpy" in pool["filepath"].rpartition("site-packages")[2])
    name = f"{blas['internal_api']} {blas['version']}, {blas.get('architecture')} kernels"
    return {"gflops": best / 1e9, "threads": blas["num_threads"], "blas": name}


def measured() -> dict[str, Any]:
    """:func:`measure` in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.peak"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(answer.stdout)
    return result


if __name__ == "__main__":
    print(json.dumps(measure()))
