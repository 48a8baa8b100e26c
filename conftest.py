"""Set up a test session, for the tests in tests/ and for the doctests in src/ alike."""

from __future__ import annotations

import os
import signal
import tempfile

import pytest
from hypothesis import settings

# "fixed": the same examples on every run, so that a failure is never a matter of luck.
# "explore": new examples, and more of them, to hunt for faults: HYPOTHESIS_PROFILE=explore.
# No deadlines: the first example of a test may have to compile a network.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.register_profile("explore", max_examples=1000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C work, and keep compiled code in a folder of this session's own.

    Neither the user's cache nor code left by an earlier run can then change a result. Processes
    started by pytest-xdist, and by tests, inherit the variable and share the folder.
    """
    # A process started in the background may have been told to ignore Ctrl-C, which tests press.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput"):
        return
    folder = tempfile.TemporaryDirectory(prefix="chainrule-tests-", ignore_cleanup_errors=True)
    os.environ["CHAINRULE_CACHE_DIR"] = folder.name
    config.add_cleanup(folder.cleanup)
