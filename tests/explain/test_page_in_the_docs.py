"""What the pages about explaining and diagnosing show is what comes out."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
# How far a gradient is from its difference is rounding, and differs between machines.
ROUNDING = re.compile(r"✓ [\d·⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+$", re.MULTILINE)


@pytest.mark.parametrize(("page", "least"), [("explaining.md", 5), ("diagnosing.md", 1)])
def test_every_output_on_the_page_is_a_real_one(page: str, least: int) -> None:
    examples = EXAMPLE.findall((DOCS / page).read_text(encoding="utf-8"))
    assert len(examples) >= least
    names: dict[str, object] = {}
    for code, shown in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert ROUNDING.sub("✓", printed.getvalue()) == ROUNDING.sub("✓", shown), code
