"""A network in matrices: the graph's own numbers, marked, worked out, and written (N3, B1)."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import textwrap
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.matrices.form import MatrixForm
from chainrule.matrices.page import fillers, visible_places
from chainrule.networks.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS

Array = npt.NDArray[np.float64]

COLOR = re.compile(r"\x1b\[[\d;]*m")


def parameters(sizes: tuple[int, ...], seed: int = 0) -> tuple[list[Array], list[Array]]:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=pair) for pair in itertools.pairwise(sizes)]
    return weights, [rng.normal(size=size) for size in sizes[1:]]


def form_of(sizes: tuple[int, ...], rows: int, seed: int = 0, **options: object) -> MatrixForm:
    weights, biases = parameters(sizes, seed)
    X = np.random.default_rng(seed + 1).normal(size=(rows, sizes[0]))
    return cr.matrix_form(X, weights, biases, **options)


# --- N3: Y = X·W + b -------------------------------------------------------------------------


def test_one_row_times_one_column_is_one_entry_and_the_bias_joins_every_row() -> None:
    X, W, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6, 7], [8, 9, 0]]), [1.0, 2, 3]
    form = cr.matrix_form(X, W, b, entry=(1, 2))
    (layer,) = form.layers
    np.testing.assert_array_equal(layer.Z.value, [[22, 26, 10], [48, 56, 24]])
    assert form.entry.factors == ((3.0, 7.0), (4.0, 0.0))
    assert (form.entry.bias, form.entry.value, form.entry.total) == (3.0, 24.0, 24.0)
    assert (layer.X.row, layer.W.column, layer.b.column) == (1, 2, 2)
    assert (layer.Z.row, layer.Z.column) == (1, 2)
    np.testing.assert_array_equal(layer.Z.value - X @ W, [b, b])


def test_the_text_of_one_layer() -> None:
    text = str(cr.matrix_form([[1, 2], [3, 4]], [[5, 6, 7], [8, 9, 0]], [1, 2, 3], entry=(1, 2)))
    expected = """
        One layer, 2 → 3, for 2 rows

        Layer 1
               output      =     X      ·      W1     +      b1
                                                  ▾             ▾
          [ 22  26   10  ] =   [ 1  2 ] · [ 5  6  7 ] + [ 1  2  3 ]
          [ 48  56  ⟦24⟧ ]   ▸ [ 3  4 ]   [ 8  9  0 ]    3 numbers
                2×3             2×2           2×3       to every row

          output[1, 2] is row 1 of X times column 2 of W1, plus b1[2]:
          output[1, 2] = 3·7 + 4·0 + 3
                       = 21 + 0 + 3
                       = 24
    """
    assert text == textwrap.dedent(expected).strip()


def test_single_matrices_are_read_in_every_form() -> None:
    expected = cr.matrix_form([[1, 2]], [np.ones((2, 1))], [np.zeros(1)]).to_dict()
    for W in (np.ones((2, 1)), [[1], [1]], [[[1], [1]]]):
        for b in (np.zeros(1), [0], [[0]], [np.zeros(1)]):
            assert cr.matrix_form([[1, 2]], W, b).to_dict() == expected


@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=4),
    st.integers(1, 5),
    st.integers(0, 1000),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.data(),
)
def test_the_marked_entry_is_the_sum_that_is_worked_out(
    sizes: list[int], rows: int, seed: int, activation: str, data: st.DataObject
) -> None:
    layer = data.draw(st.integers(1, len(sizes) - 1))
    entry = (data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, sizes[layer] - 1)))
    form = form_of(tuple(sizes), rows, seed, activation=activation, layer=layer, entry=entry)
    chosen = form.layers[layer - 1]
    product = chosen.X.value @ chosen.W.value + chosen.b.value
    assert form.entry.value == chosen.Z.value[entry]
    np.testing.assert_allclose(form.entry.total, product[entry], rtol=1e-12, atol=1e-12)
    row, column = zip(*form.entry.factors, strict=True)
    np.testing.assert_array_equal(row, chosen.X.value[entry[0]])
    np.testing.assert_array_equal(column, chosen.W.value[:, entry[1]])


@given(st.integers(1, 20), st.integers(3, 8), st.none() | st.integers(0, 19), st.integers(0, 2))
def test_places_left_out_are_named_by_an_ellipsis_and_the_marked_one_is_shown(
    size: int, most: int, marked: int | None, edge: int
) -> None:
    marked = None if marked is None else marked % size
    places = visible_places(size, most, marked, edge)
    shown = [place for place in places if place is not None]
    assert shown == sorted(set(shown))
    assert marked is None or marked in shown
    assert (None in places) == (len(shown) < size)
    # An ellipsis stands for two places at least, and never beside another.
    bounded = [-1, *places, size]
    for before, here, after in zip(bounded, bounded[1:], bounded[2:], strict=False):
        if here is None:
            assert before is not None
            assert after is not None
            assert after - before > 2
        elif before is not None and here is not size:
            assert here == before + 1


def test_points_of_a_column_stand_in_one_line() -> None:
    numbers = ["2", "−0.53", "12.5", "10⁻⁹"]
    around = zip(numbers, fillers(numbers), strict=True)
    cells = [f"{before}{each}{after}" for each, (before, after) in around]
    assert len({len(cell) for cell in cells}) == 1
    assert len({(cell + ".").index(".") for cell in cells if "." in cell}) == 1


# --- B1: 3×4, 4×4, 4×2, forward and in reverse ---------------------------------------------------


def test_the_shapes_of_the_lecture_forward_and_in_reverse() -> None:
    form = form_of((3, 4, 4, 2), 5, y=np.zeros((5, 2)))
    forward = [(each.X.value.shape, each.W.value.shape, each.Z.value.shape) for each in form.layers]
    assert forward == [((5, 3), (3, 4), (5, 4)), ((5, 4), (4, 4), (5, 4)), ((5, 4), (4, 2), (5, 2))]
    for layer in form.layers:
        assert layer.gradients is not None
        for name in ("X", "W", "b", "Z"):
            assert getattr(layer.gradients, name).value.shape == getattr(layer, name).value.shape
    text = str(form)
    for line in (
        "h1_in  = X·W1 + b1        5×4 = 5×3 · 3×4 + 4",
        "output = h2_out·W3 + b3   5×2 = 5×4 · 4×2 + 2",
        "∂loss/∂W3     = h2_outᵀ·∂loss/∂output          4×2 = 4×5 · 5×2",
        "∂loss/∂h2_out = ∂loss/∂output·W3ᵀ              5×4 = 5×2 · 2×4",
        "∂loss/∂h2_in  = ∂loss/∂h2_out ⊙ relu′(h2_in)   5×4 = 5×4 ⊙ 5×4",
        "∂loss/∂W1     = Xᵀ·∂loss/∂h1_in                3×4 = 3×5 · 5×4",
    ):
        assert f"\n  {line}\n" in text


def test_the_reverse_shapes_need_no_targets() -> None:
    assert "∂loss/∂X      = ∂loss/∂h1_in·W1ᵀ" in str(form_of((3, 4, 4, 2), 1))


@pytest.mark.parametrize("output_activation", OUTPUT_ACTIVATIONS)
@pytest.mark.parametrize("activation", ["tanh", "relu", "identity", "unit_step", "gelu"])
def test_every_gradient_is_the_product_that_it_is_written_as(
    activation: str, output_activation: str
) -> None:
    y = np.eye(2)[[0, 1, 1]]
    form = form_of((3, 4, 4, 2), 3, activation=activation, output_activation=output_activation, y=y)
    assert form.loss is not None
    flowing = None
    for layer in reversed(form.layers):
        of = layer.gradients
        assert of is not None
        np.testing.assert_allclose(of.W.value, layer.X.value.T @ of.Z.value, atol=1e-14)
        np.testing.assert_allclose(of.b.value, of.Z.value.sum(axis=0), atol=1e-14)
        np.testing.assert_allclose(of.X.value, of.Z.value @ layer.W.value.T, atol=1e-14)
        if flowing is None:
            # For the loss that belongs to each output activation, it is always this.
            difference = (layer.out.value - y) / 3
            np.testing.assert_allclose(of.Z.value, difference, atol=1e-14)
            assert form.loss.slope is not None
        elif of.out is None:
            assert activation == "identity"
            np.testing.assert_array_equal(of.Z.value, flowing)
        else:
            assert of.slope is not None
            np.testing.assert_array_equal(of.out.value, flowing)
            np.testing.assert_allclose(of.Z.value, of.out.value * of.slope.value, atol=1e-15)
        flowing = of.X.value


def test_gradients_agree_with_differences_of_the_loss() -> None:
    weights, biases = parameters((2, 3, 2))
    X, y = [[0.5, -1.0], [2.0, 0.3]], [[1, 0], [0, 1]]

    def loss(k: int, change: float) -> float:
        moved = [each.copy() for each in weights]
        moved[k][1, 0] += change
        form = cr.matrix_form(X, moved, biases, "tanh", output_activation="softmax", y=y)
        assert form.loss is not None
        return form.loss.value

    form = cr.matrix_form(X, weights, biases, "tanh", output_activation="softmax", y=y)
    for k, layer in enumerate(form.layers):
        assert layer.gradients is not None
        quotient = (loss(k, 1e-6) - loss(k, -1e-6)) / 2e-6
        np.testing.assert_allclose(layer.gradients.W.value[1, 0], quotient, rtol=1e-6, atol=1e-9)


def test_the_loss_is_written_only_where_that_is_what_is_computed() -> None:
    options = {"output_activation": "logistic"}
    assert "log(output)" in str(form_of((2, 1), 3, y=[0, 1, 1], **options))
    # log(0) is in the formula of the textbook, not in the one that is computed.
    far = cr.matrix_form([[1.0]], [[-800.0]], [0.0], y=[0], **options)
    assert far.loss is not None
    assert far.loss.formula is None
    assert far.loss.value == 0.0


# --- as text -------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(1, 40), min_size=2, max_size=4),
    st.integers(1, 12),
    st.integers(-12, 12),
    st.integers(1, 17),
)
def test_no_line_is_wider_than_a_hundred_columns(
    sizes: list[int], rows: int, exponent: int, digits: int
) -> None:
    weights, biases = parameters(tuple(sizes))
    X = 10.0**exponent * np.random.default_rng(0).normal(size=(rows, sizes[0]))
    entry = (rows // 2, sizes[-1] // 2)
    y = np.zeros((rows, sizes[-1]))
    form = cr.matrix_form(X, weights, biases, "tanh", entry=entry, y=y)
    text = form.to_text(digits)
    assert max(map(len, text.splitlines())) <= 100
    assert all(line == line.rstrip() for line in text.splitlines())
    assert text.count("⟦") == 1 == text.count("▸")


def test_colours_change_nothing_else() -> None:
    form = form_of((3, 12, 2), 9, entry=(4, 1), y=np.zeros((9, 2)))
    colored = form.to_text(color=True)
    assert "\x1b[" in colored
    assert COLOR.sub("", colored) == form.to_text()
    assert "\x1b" not in str(form)


def test_a_wide_layer_is_shown_by_its_corners_with_the_marked_entry() -> None:
    form = form_of((784, 30, 10), 50, entry=(25, 15), layer=1)
    text = str(form)
    assert "50×784" in text
    assert "(780 more: " in text
    assert "Layer 2" not in text
    assert f"⟦{form.entry.value:.4g}⟧".replace("-", "−") in text
    count, rest = form.entry.left_out([0, 1, None, 782, 783])
    assert count == 780
    shown = [x * w for x, w in (form.entry.factors[k] for k in (0, 1, 782, 783))]
    np.testing.assert_allclose(rest + sum(shown) + form.entry.bias, form.entry.value)


# --- as HTML, LaTeX and data ------------------------------------------------------------------


class Tags(HTMLParser):
    """Checks that elements are closed in order, and counts their classes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.classes: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        self.classes += (dict(attributes).get("class") or "").split()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_loads_nothing_and_tints_what_is_marked() -> None:
    form = form_of((3, 4, 2), 2, entry=(1, 1), y=np.zeros((2, 2)))
    for page in (form.to_html(), form._repr_html_()):
        tags = Tags()
        tags.feed(page)
        assert not tags.open
        assert "http" not in page
        # In the matrices: four of the row; four of the column and one of the bias; one entry.
        # And in the sum and its caption: five of each, and the result.
        assert tags.classes.count("mx-row") == 4 + 5
        assert tags.classes.count("mx-column") == 5 + 5
        assert tags.classes.count("mx-entry") == 1 + 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs LaTeX")
def test_the_document_compiles_with_amsmath_alone(tmp_path: Path) -> None:
    y = np.eye(10)[np.arange(20) % 10]
    wide = form_of((50, 30, 10), 20, activation="logistic", output_activation="softmax", y=y)
    small = form_of((2, 3, 1), 2, activation="leaky_relu", y=[1, 2])
    refused = cr.collapse(*parameters((3, 4, 2)), "leaky_relu")
    tiny = cr.matrix_form([[1e-9, 2e12]], [[1], [2]], [0])
    for k, shown in enumerate((wide, small, refused, tiny)):
        document = shown.to_latex()
        assert re.findall(r"\\usepackage.*", document) == [
            r"\usepackage[utf8]{inputenc}",
            r"\usepackage{amsmath}",
        ]
        (tmp_path / f"{k}.tex").write_text(document, encoding="utf-8")
        run = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{k}.tex"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        assert run.returncode == 0, run.stdout[-2000:]
        assert "Overfull" not in run.stdout


def test_latex_is_plain_ascii_so_that_no_font_is_missing() -> None:
    form = form_of((3, 4, 2), 2, activation="logistic", output_activation="softmax", y=np.eye(2))
    assert form.to_latex().isascii()
    assert cr.collapse(*parameters((3, 4, 2)), "tanh").to_latex().isascii()


def test_data_is_ready_for_json() -> None:
    form = form_of((3, 4, 2), 2, activation="tanh", y=np.zeros((2, 2)))
    plain = json.loads(json.dumps(form.to_dict()))
    assert [each["Z"]["name"] for each in plain["layers"]] == ["h1_in", "output"]
    assert plain["layers"][0]["gradients"]["W"]["name"] == "∂loss/∂W1"
    assert plain["layers"][0]["gradients"]["slope"]["name"] == "tanh′(h1_in)"
    assert plain["entry"]["name"] == "output[0, 0]"
    assert repr(form) == "<MatrixForm of 3-4-2, 2 rows>"
    assert json.dumps(form_of((2, 1), 1).to_dict()["loss"]) == "null"


# --- what is refused -------------------------------------------------------------------------

ONES = np.ones((2, 2))


@pytest.mark.parametrize(
    ("error", "words", "arguments"),
    [
        (cr.ShapeError, "Layer 1 .* X is 2×2 and W1 is 3×1", (ONES, np.ones((3, 1)), [1])),
        (
            cr.ShapeError,
            "Layer 2 .* W1 is 2×3 and W2 is 2×1",
            (ONES, [np.ones((2, 3)), np.ones((2, 1))], [np.ones(3), [1]]),
        ),
        (cr.ShapeError, "Layer 1 .* W1 is 2×2, so b1 .* 3 numbers", (ONES, ONES, [1, 2, 3])),
        (cr.ShapeError, "2 weight matrices, but 1 biases", (ONES, [ONES, ONES], [[1, 2]])),
        (cr.ShapeError, "W1 must be a matrix .* 3 numbers", (ONES, [1, 2, 3], [1])),
        (cr.ShapeError, "X must be a matrix .* 2 numbers", ([1, 2], ONES, [1, 2])),
        (cr.ShapeError, "X has no rows", (np.ones((0, 2)), ONES, [1, 2])),
        (cr.DataError, r"X has nan at \[0, 1\]", ([[1, np.nan]], ONES, [1, 2])),
        (cr.DataError, r"b1 has inf at \[1\]", (ONES, ONES, [1, np.inf])),
        (cr.DataError, "W1 is no array of numbers", (ONES, [["a", "b"], ["c", "d"]], [1, 2])),
        (cr.DataError, "output has entries that are too large", (ONES, 1e308 * ONES, [1, 2])),
    ],
)
def test_matrices_that_do_not_fit_are_named(
    error: type[Exception], words: str, arguments: tuple[object, ...]
) -> None:
    with pytest.raises(error, match=words):
        cr.matrix_form(*arguments)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (r"no entry \(2, 0\): it is 2×2, with rows 0 to 1 and columns 0 to 1", {"entry": (2, 0)}),
        (r"no entry \(0, -1\)", {"entry": (0, -1)}),
        (r"no entry \(0, 0.5\)", {"entry": (0, 0.5)}),
        (r"\(row, column\), but is 3", {"entry": 3}),
        (r"\(row, column\), but is \(1, 2, 3\)", {"entry": (1, 2, 3)}),
        ("no layer 2: layers are counted from 1 to 1", {"layer": 2}),
        ("no layer 0", {"layer": 0}),
        ("y must have the shape of the output, 2×2, but it is 3 numbers", {"y": [1, 2, 3]}),
    ],
)
def test_what_is_not_there_is_refused(words: str, options: dict[str, object]) -> None:
    with pytest.raises(cr.ShapeError, match=words):
        cr.matrix_form(ONES, ONES, [1, 2], **options)


def test_unknown_activations_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(cr.FormulaError, match=r"no activation 'rleu'; there are .*relu"):
        cr.matrix_form(ONES, ONES, [1, 2], "rleu")
    with pytest.raises(cr.FormulaError, match=r"no output activation 'relu'; .*softmax"):
        cr.matrix_form(ONES, ONES, [1, 2], output_activation="relu")
