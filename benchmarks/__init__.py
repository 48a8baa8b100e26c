"""Timed claims only, against named peers, in one run.

``OPENBLAS_CORETYPE`` and ``OPENBLAS_L2_SIZE`` pin OpenBLAS to kernels chosen for another
machine, which can halve the speed of matrix products.  They are removed here, before any
numerical library is loaded, for this process and for every process it starts.
"""

import os

for _pin in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(_pin, None)
