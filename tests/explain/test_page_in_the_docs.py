"""What docs/explaining.md shows is what comes out."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "explaining.md"
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
# How far a gradient is from its difference is rounding, and differs between machines.
ROUNDING = re.compile(r"✓ [\d·⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+$", re.MULTILINE)


def test_every_output_on_the_page_is_a_real_one() -> None:
    examples = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    assert len(examples) >= 5
    names: dict[str, object] = {}
    for code, shown in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert ROUNDING.sub("✓", printed.getvalue()) == ROUNDING.sub("✓", shown), code
