"""The printed page is what one would write on a blackboard, line by line."""

from __future__ import annotations

import textwrap

import chainrule as cr


def page(text: str) -> str:
    return textwrap.dedent(text).strip()


def lines(text: str) -> str:
    """Lines of a section: they are indented by two spaces."""
    return textwrap.indent(page(text), "  ")


def test_the_whole_page_of_a_small_formula() -> None:
    work = cr.explain("q = x + y; q * z", x=-2, y=5, z=-4)
    written = str(work).splitlines()
    assert sum("✓" in line for line in written) == 4
    without_errors = "\n".join(line.partition("  ✓ ")[0].rstrip() for line in written[:-1])
    assert without_errors == page("""
        q = x + y
        f = q·z
        at x = −2, y = 5, z = −4

        Forward
          q = x + y = −2 + 5 = 3
          f = q·z   = 3·(−4) = −12

        Backward: ∂f/∂u · ∂u/∂v for every use u of v
          ∂f/∂f                        = 1
          ∂f/∂q = ∂f/∂f · z = 1 · (−4) = −4
          ∂f/∂x = ∂f/∂q · 1 = −4 · 1   = −4
          ∂f/∂y = ∂f/∂q · 1 = −4 · 1   = −4
          ∂f/∂z = ∂f/∂f · q = 1 · 3    = 3

        Chain rule
          ∂f/∂x = ∂f/∂q · ∂q/∂x
                = z · 1
                = −4 · 1
                = −4
          ∂f/∂y = ∂f/∂q · ∂q/∂y
                = z · 1
                = −4 · 1
                = −4
          ∂f/∂z = q
                = 3

        Result
          f             = −12
          ∂f/∂x = z     = −4
          ∂f/∂y = z     = −4
          ∂f/∂z = x + y = 3
    """)


def test_a_chain_in_the_names_of_the_user() -> None:
    formula = "H2_in = w2*sig(w1*x + b1) + b2; H2_out = sig(H2_in); loss = w3*H2_out + b3 - y"
    point = {"x": 2, "w1": 0.5, "b1": 0.1, "w2": -0.3, "b2": 0.2, "w3": 0.7, "b3": 0.1, "y": 1}
    text = str(cr.explain(formula, point, wrt="w2"))
    assert (
        page("""
        Chain rule
          ∂loss/∂w2 = ∂loss/∂H2_out · ∂H2_out/∂H2_in · ∂H2_in/∂w2
                    = w3 · σ′(H2_in) · σ(w1·x + b1)
                    ≈ 0.7 · 0.25 · 0.7503
                    ≈ 0.1313
        """)
        in text
    )
    assert "  where σ′(z) = σ(z)·(1 − σ(z))\n" in text


def test_the_uses_of_a_value_stand_below_one_another_and_are_added_up() -> None:
    text = str(cr.explain("x*x*x - 2/x", x=2))
    assert (
        lines("""
          ∂f/∂x = ∂f/∂a · x       = 2 · 2       = 4
                + ∂f/∂a · x       = 2 · 2       = 4
                + ∂f/∂b · a       = 1 · 4       = 4
                + ∂f/∂c · (−2/x²) = −1 · (−0.5) = 0.5
                = 4 + 4 + 4 + 0.5               = 12.5
        """)
        in text
    )


def test_paths_are_added_up() -> None:
    text = str(cr.explain("q = x + y; p = x*z; q*p", x=3, y=1, z=2, wrt="x"))
    assert (
        lines("""
          ∂f/∂x = ∂f/∂q · ∂q/∂x + ∂f/∂p · ∂p/∂x
                = p · 1 + q · z
                = 6 · 1 + 4 · 2
                = 14
        """)
        in text
    )


def test_rounded_numbers_are_not_called_equal() -> None:
    text = str(cr.explain("x/3 + y", x=1, y=0.5))
    assert "a = x/3   = 1/3          ≈ 0.3333\n" in text
    assert "f = a + y ≈ 0.3333 + 0.5 ≈ 0.8333\n" in text
    assert "∂f/∂x = ∂f/∂a · 1/3 ≈ 1 · 0.3333 ≈ 0.3333\n" in text
    assert "∂f/∂y = ∂f/∂f · 1   = 1 · 1      = 1\n" in text


def test_more_digits_are_shown_on_request() -> None:
    work = cr.explain("x/3", x=1)
    assert "= 1/3 ≈ 0.33333333\n" in work.to_text(digits=8)
    assert work.to_text() == str(work)


def test_longer_derivatives_stand_on_lines_of_their_own() -> None:
    text = str(cr.explain("1/(1 + exp(-(w*x + b)))", w=2, x=-1, b=3, wrt="w"))
    assert (
        lines("""
          ∂f/∂w = e^(−(w·x + b))·x/(1 + e^(−(w·x + b)))²
                = σ(w·x + b)·(1 − σ(w·x + b))·x
                ≈ −0.1966  ✓
        """)
        in text
    )


def test_long_lines_are_broken_between_factors() -> None:
    names = [f"a_rather_long_name_{i}" for i in range(8)]
    parts = "; ".join(f"{b} = sin({a} + 1)" for a, b in zip(["x", *names], names, strict=False))
    text = str(cr.explain(parts, x=1.0))
    assert max(map(len, text.partition("Chain rule")[2].partition("Result")[0].splitlines())) <= 100


def test_a_line_has_no_spaces_at_its_end() -> None:
    text = str(cr.explain("q = x*y; q + q/x", x=1, y=2))
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "\N{NO-BREAK SPACE}" not in text


def test_a_name_is_not_parted_from_its_places() -> None:
    letters = [cr.variable(f"w[{k}, 0]") for k in range(40)]
    text = str(cr.explain(sum(letters[1:], start=letters[0]), dict.fromkeys(letters, 1.0)))
    assert max(map(len, text.splitlines())) <= 100
    for line in text.splitlines():
        assert line.count("[") == line.count("]"), line


def test_one_number_is_in_the_singular() -> None:
    v = cr.variable("v", (1,))
    text = str(cr.explain(cr.sum(cr.exp(v)), v=[1.0]))
    assert "v = 1 number\n" in text
    assert "1 numbers" not in text


def test_why_there_is_no_chain_rule_is_said() -> None:
    W, s = cr.variable("W", (2, 2)), cr.variable("s")
    given = {"W": [[1, 2], [3, 4]]}
    back_to = cr.explain(cr.sum(cr.exp(W)), given)
    through = cr.explain(cr.sum(cr.exp(W * s)), given, s=2.0, wrt="s")
    itself = cr.explain("x", x=2)
    for work, words in [(back_to, "back to arrays"), (through, "through arrays"), (itself, "x is")]:
        assert "Chain rule" not in str(work)
        for page in (str(work), work.to_html(), work.to_latex()):
            assert words in " ".join(page.split())
    assert not cr.explain("x*y", x=2, y=3).worksheet.notes
