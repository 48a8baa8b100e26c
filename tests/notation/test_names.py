"""Names are taken apart as a person would set them."""

from __future__ import annotations

import pytest

from chainrule.notation.names import Name, split_name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("x", Name("x")),
        ("w1", Name("w", ("1",))),
        ("h2_in", Name("h", ("2", "in"))),
        ("W2[3, 1]", Name("W", ("2",), "[3, 1]")),
        ("W2_new[3, :]", Name("W", ("2", "new"), "[3, :]")),
        ("loss", Name("loss")),
        ("alpha", Name("α")),
        ("learning_rate", Name("learning_rate")),
        ("output_in[2]", Name("output", ("in",), "[2]")),
        ("row1_loss[2]", Name("row1_loss", (), "[2]")),
        ("net income", Name("net income")),
        ("<b>", Name("<b>")),
        ("x_", Name("x_")),
        ("", Name("")),
    ],
)
def test_split_name(name: str, parts: Name) -> None:
    assert split_name(name) == parts
