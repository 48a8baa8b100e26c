"""What tests of engines share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chainrule.engines.native import loop, lowering, sharing


@pytest.fixture(params=["own state", "shared state"])
def threads_are_worthwhile(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Let even small steps run on as many threads as are asked for.

    Each has a copy of the state, as is usual for small steps, or there is one for all of them.
    """
    monkeypatch.setattr(sharing, "_WORTH_A_THREAD", 1)
    if request.param == "shared state":
        monkeypatch.setattr(lowering, "_SMALL", 0)
    loop._compiled.cache_clear()
    yield
    loop._compiled.cache_clear()
