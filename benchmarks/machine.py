"""The machine a benchmark ran on, in words and numbers."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any


def cores() -> int:
    """Logical cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            return answer.stdout.strip()
    return platform.processor() or platform.machine()


def load() -> float | None:
    """Processes that wanted a core over the last minute, or None where nobody counts them."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def description() -> dict[str, Any]:
    """Everything a reader needs to judge a timing."""
    return {
        "cpu": cpu_model(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": load(),
    }


def summary(machine: dict[str, Any]) -> str:
    """One line of :func:`description`, and a warning where the machine was busy."""
    line = "{cpu}, {cores} cores, {system}, Python {python}".format(**machine)
    if machine["load"] is not None and machine["load"] > 0.25 * machine["cores"]:
        line += (
            f"\nWARNING: the load average was {machine['load']:.1f} at the start: "
            "figures of a busy machine support no claim"
        )
    return line
