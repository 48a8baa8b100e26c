"""The LaTeX of a derivation says all that the text says, and compiles as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest
from sklearn.datasets import load_iris

import chainrule as cr
from chainrule.explain.derivation import Derivation
from chainrule.graph.node import variable


def network() -> Derivation:
    X, y = load_iris(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cr.MLPClassifier((8, 6), max_iter=20, random_state=0).fit(X, y)
    return model.explain(X[0], y[0], "W1[2, 1]")


def hostile() -> Derivation:
    a, b = variable(r"$x$ \input{/etc/passwd}"), variable("가격 & 50%")
    c = variable("a_b^c~#")
    named = (a * b + cr.select(a < b, a, c)).named(r"_{weird} \end{document}")
    return cr.explain(named, {a: 1, b: 2, c: 3})


def arrays() -> Derivation:
    X, W, y = variable("X", ("rows", 2)), variable("W", (2, 1)), variable("y", ("rows", 1))
    loss = cr.mean(cr.square(X @ W - y)).named("loss")
    return cr.explain(loss, X=[[1, 2], [3, 4], [5, 6]], W=[[0.5], [0]], y=[[1], [2], [3]], wrt="W")


def long() -> Derivation:
    terms = " + ".join(f"w{k}*sin(x{k})^2/(1 + exp(-x{k}))" for k in range(9))
    point = {f"{letter}{k}": k / 7 for letter in "wx" for k in range(9)}
    return cr.explain(terms, point, wrt=["w3", "x4"])


DERIVATIONS = {
    "B4": lambda: cr.explain("q = x + y; q * z", x=-2, y=5, z=-4),
    "kink": lambda: cr.explain("max(w·x, 0)·w + |x|", w=0, x=3),
    "powers": lambda: cr.explain("(x^2 + 1)^(y/3) - 1e-9*x*y", x=1e5, y=2),
    "arrays": arrays,
    "long": long,
    "hostile": hostile,
    "network": network,
}


def test_b4_is_written_out() -> None:
    document = DERIVATIONS["B4"]().to_latex()
    for line in (
        r"f & = q \cdot z",
        r"f & = q \cdot z = 3 \cdot \left(-4\right) = -12",
        r"\frac{\partial f}{\partial q} & = \frac{\partial f}{\partial f} \cdot z = 1 \cdot",
        r"& = \frac{\partial f}{\partial q} \cdot \frac{\partial q}{\partial x}",
        r"\frac{\partial f}{\partial z} & = x + y",
        "checked; relative distance",
    ):
        assert line in document


@pytest.mark.parametrize("name", DERIVATIONS)
def test_every_environment_is_closed(name: str) -> None:
    document = DERIVATIONS[name]().to_latex()
    body = re.sub(r"\\textbackslash\{\}\w+\\\{\w*\\\}", "", document)
    for environment in set(re.findall(r"\\begin\{(\w+\*?)\}", body)):
        opened = body.count(f"\\begin{{{environment}}}")
        assert opened == body.count(f"\\end{{{environment}}}"), environment


def test_a_kink_is_told_and_a_missing_check_too() -> None:
    document = DERIVATIONS["kink"]().to_latex()
    assert "has no derivative where its sides are equal" in document
    assert "not checked" in document


def test_a_network_has_its_update_sums_and_notes() -> None:
    document = network().to_latex()
    for words in ("Update by adam", r"W_{1,\mathrm{new}}[2, 1]", "The largest terms", "Note:"):
        assert words in document


def test_digits_are_a_choice() -> None:
    work = cr.explain("x/3", x=2)
    assert "0.67" in work.to_latex(2)
    assert "0.666666667" in work.to_latex(9)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
@pytest.mark.parametrize("name", DERIVATIONS)
def test_it_compiles_as_it_stands(name: str, tmp_path: Path) -> None:
    (tmp_path / "page.tex").write_text(DERIVATIONS[name]().to_latex(), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stdout[-1500:].decode("utf-8", "replace")
    assert (tmp_path / "page.pdf").stat().st_size > 1000
