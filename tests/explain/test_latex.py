"""The LaTeX of a derivation says all that the text says, and compiles as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris

import chainrule as cr
from chainrule.explain.derivation import Derivation
from chainrule.explain.equations import Equation
from chainrule.explain.latex_rows import Line, RowWriter
from chainrule.explain.worksheet import CHECKED_AGAINST
from chainrule.graph.node import variable
from chainrule.notation.formula import Formula, Product, Sum, Symbol


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


def long_names() -> Derivation:
    text = "net_income_after_tax/number_of_shares + value_of_a_long_name*number_of_shares^2"
    point = {"net_income_after_tax": 1e6, "number_of_shares": 333, "value_of_a_long_name": -2.5}
    return cr.explain(f"result_of_everything = {text}", point)


def very_long_names() -> Derivation:
    a, b = variable("x" * 180), variable("y & " * 60)
    return cr.explain(cr.tanh(a * b).named("z_" * 70), {a: 1, b: 2})


def nested() -> Derivation:
    text = "x"
    for k in range(12):
        text = f"sin({text})*w{k} + b{k}"
    point = {f"{letter}{k}": 1 + k / 7 for letter in "wb" for k in range(12)}
    return cr.explain(text, {"x": 1, **point}, wrt=["x"])


def wide_arrays() -> Derivation:
    X, v = variable("X", (8, 8)), variable("v_1 & $", (8,))
    random = np.random.default_rng(0)
    point = {X: random.normal(size=(8, 8)) * 1e-12, v: random.normal(size=8) * 1e-13}
    return cr.explain(cr.sum(cr.exp(X * v)).named("s"), point)


DERIVATIONS = {
    "one variable": lambda: cr.explain("x", x=1),
    "logistic": lambda: cr.explain(
        "1/(1 + e^(-(w0*x0 + w1*x1 + w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3
    ),
    "long names": long_names,
    "very long names": very_long_names,
    "nested": nested,
    "wide arrays": wide_arrays,
    "B4": lambda: cr.explain("q = x + y; q * z", x=-2, y=5, z=-4),
    "kink": lambda: cr.explain("max(w·x, 0)·w + |x|", w=0, x=3),
    "powers": lambda: cr.explain("(x^2 + 1)^(y/3) - 1e-9*x*y", x=1e5, y=2),
    "arrays": arrays,
    "long": long,
    "hostile": hostile,
    "network": network,
}


def body(document: str) -> str:
    return document.partition(r"\begin{document}")[2].partition(r"\end{document}")[0]


def block(*equations: Equation) -> str:
    return "\n".join(RowWriter(4).block(map(Line, equations)))


def test_b4_stands_in_columns() -> None:
    document = DERIVATIONS["B4"]().to_latex()
    for line in (
        r"\section*{The derivative of $f$}",
        r"f & = q \cdot z",
        r"at $x = -2$, $y = 5$, $z = -4$",
        r"q & = x + y &\quad& = -2 + 5 &\quad& = 3 \\*",
        r"f & = q \cdot z &\quad& = 3 \cdot \left(-4\right) &\quad& = -12",
        r"$\partial f/\partial u \cdot \partial u/\partial v$ for every use $u$ of $v$",
        r"\frac{\partial f}{\partial f} &  &\quad&  &\quad& = 1 \\*",
        r"{\partial q} & = \frac{\partial f}{\partial f} \cdot z &\quad& = 1 \cdot \left(-4\right)",
        r" & = \frac{\partial f}{\partial q} \cdot \frac{\partial q}{\partial x} \\*",
        r" & = z \cdot 1 \\*",
        r"f &  &\quad& = -12 \\*",
        r"\frac{\partial f}{\partial z} & = x + y &\quad& = 3 &\quad& \quad \text{$\checkmark\ ",
    ):
        assert line in document


def test_the_logistic_graph_is_recognised() -> None:
    document = DERIVATIONS["logistic"]().to_latex()
    total = r"w_{0} \cdot x_{0} + w_{1} \cdot x_{1} + w_{2}"
    slope = f"\\sigma\\left({total}\\right) \\cdot \\left(1 - \\sigma\\left({total}\\right)\\right)"
    for line in (
        f"f & = \\frac{{1}}{{1 + e^{{-\\left({total}\\right)}}}}",
        r"k & = e^{h} &\quad& = e^{-1} &\quad& \approx 0.3679",
        f" & = {slope} \\\\*\n & \\approx 0.1966\\quad \\text{{$\\checkmark",
    ):
        assert line in document


def test_what_the_distance_is_to_is_said_once_in_the_words_of_the_text() -> None:
    words = CHECKED_AGAINST.partition(" (")[0]
    document = DERIVATIONS["logistic"]().to_latex()
    assert document.count(f"$\\checkmark$ {words}") == 1


@pytest.mark.parametrize("name", DERIVATIONS)
def test_every_environment_is_closed(name: str) -> None:
    document = re.sub(r"\\textbackslash\{\}\w+\\\{\w*\\\}", "", DERIVATIONS[name]().to_latex())
    for environment in set(re.findall(r"\\begin\{(\w+\*?)\}", document)):
        opened = document.count(f"\\begin{{{environment}}}")
        assert opened == document.count(f"\\end{{{environment}}}"), environment


def test_a_kink_is_told_below_its_line_and_a_missing_check_too() -> None:
    document = DERIVATIONS["kink"]().to_latex()
    note = r"\intertext{Note: max(w$\cdot$x, 0) has no derivative where its sides are equal; its"
    assert re.search(r"b & = .* \\\\\*?\n" + re.escape(note), document)
    assert "not checked: " in document


def test_a_network_has_its_update_sums_and_notes() -> None:
    document = network().to_latex()
    for words in (
        "Update by adam",
        r"W_{1,\mathrm{new}}[2, 1]",
        "the largest terms: ",
        ", and 3 more",
        "Note: W1[2, 1] is the weight",
        r"\eta & = 0.001 &\quad& \quad \text{learning rate}",
    ):
        assert words in document


def test_numbers_stand_in_columns_though_arrays_are_among_them() -> None:
    document = network().to_latex()
    assert r"g & = a + \mathrm{rest}_{1} &\quad& \approx 0.6741 + 1.173 &\quad& " in document


def test_digits_are_a_choice() -> None:
    work = cr.explain("x/3", x=2)
    assert "0.67" in work.to_latex(2)
    assert "0.666666667" in work.to_latex(9)


def test_arrays_show_their_corners_and_their_shapes() -> None:
    written = block(Equation(Symbol("D"), (("=", np.diag(np.arange(9.0))),)))
    assert written == (
        "\\begin{alignat*}{1}\n"
        r"D & = \left[\begin{array}{@{}rrrrr@{}} 0 & 0 & \cdots & 0 & 0 \\ "
        r"0 & 1 & \cdots & 0 & 0 \\ "
        r"\multicolumn{1}{c}{\vdots} & \multicolumn{1}{c}{\vdots} & \ddots & "
        r"\multicolumn{1}{c}{\vdots} & \multicolumn{1}{c}{\vdots} \\ "
        r"0 & 0 & \cdots & 7 & 0 \\ 0 & 0 & \cdots & 0 & 8 \end{array}\right]_{\text{9$\times$9}}"
        "\n\\end{alignat*}"
    )


@pytest.mark.parametrize(
    ("value", "latex"),
    [
        (np.zeros((2, 2, 2)), r"\text{2$\times$2$\times$2}"),
        (np.zeros((0, 3)), r"\text{0$\times$3}"),
        (np.array([1.0, 2.0]), r"\left[\begin{array}{@{}rr@{}} 1 & 2 \end{array}\right]_{"),
        (True, r"\text{true}"),
    ],
)
def test_each_kind_of_value(value: object, latex: str) -> None:
    assert latex in block(Equation(Symbol("a"), (("=", value),)))  # type: ignore[arg-type]


def test_few_lines_stay_on_one_page_and_many_do_not() -> None:
    one = Equation(Symbol("a"), (("=", 1.0),))
    assert block(*[one] * 8).count(r"\\*") == 7
    assert r"\\*" not in block(*[one] * 9)


def test_a_sum_too_wide_for_a_line_is_broken_at_its_signs() -> None:
    total: Formula = Symbol("income")
    for k in range(12):
        total = Sum(total, Product(Symbol(f"price{k}"), Symbol(f"amount{k}")), minus=k % 2 == 1)
    written = block(Equation(Symbol("a"), (("=", total), ("=", 3.0))))
    assert "a & \\free{\\pieces{" in written
    assert "{\\penalty0\\piece{{} = \\mathrm{income}}%\n\\penalty0\\piece{{} + " in written
    assert "\\penalty0\\piece{{} - \\mathrm{price}_{3} \\cdot \\mathrm{amount}_{3}}" in written
    assert " & \\free{= 3 }" in written


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(max_examples=40)
@given(NAMES, NAMES)
def test_no_name_of_a_user_is_a_command(first: str, second: str) -> None:
    x, y = variable(first), variable(second if second != first else f"{first}2")
    document = body(cr.explain((x * y).named(first + second), {x: 2, y: 3}).to_latex())
    bare = re.sub(r"\\.", "", document)
    depth = 0
    for sign in bare:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    assert not re.search(r"[#~]|%(?!\n)", bare)
    assert set(re.findall(r"\\([a-zA-Z]+)", document)) <= COMMANDS
    assert all(each.isascii() or each.isalpha() for each in document)


COMMANDS = set(
    re.findall(
        r"\w+",
        """
        section subsection begin end alignat quad free fit linewidth pieces piece penalty frac
        partial cdot left right bigl bigr Bigl Bigr displaystyle checkmark intertext text mathrm
        parbox raggedright textbackslash textasciitilde textasciicircum textless textgreater
        textbar textquotedbl alpha beta gamma delta varepsilon zeta eta theta kappa lambda mu nu
        xi pi rho sigma tau varphi chi psi omega Sigma times odot approx le to infty surd ldots
        ne
        """,
    )
)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
@pytest.mark.parametrize("name", DERIVATIONS)
def test_it_compiles_as_it_stands_and_nothing_runs_off_the_page(name: str, tmp_path: Path) -> None:
    (tmp_path / "page.tex").write_text(DERIVATIONS[name]().to_latex(), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stdout[-1500:].decode("utf-8", "replace")
    log = (tmp_path / "page.log").read_text(encoding="utf-8", errors="replace")
    too_wide = map(float, re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", log))
    assert not [points for points in too_wide if points > 2.0]
