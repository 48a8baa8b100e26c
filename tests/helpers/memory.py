"""How much memory a process has taken."""

from __future__ import annotations

import sys


def peak_megabytes() -> float:
    """The most memory that this process has held so far.

    On Linux it is read where a process that was started by another does not inherit its peak.
    """
    if sys.platform == "linux":
        with open("/proc/self/status", encoding="ascii") as status:
            line = next(each for each in status if each.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1024)
