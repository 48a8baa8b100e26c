from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import chainrule as cr
from chainrule.datasets.builtin import table_of
from chainrule.datasets.table import Table
from chainrule.datasets.targets import describe_target
from chainrule.estimators.table_fit import TableFit, fit_table
from chainrule.reports.fit_report import fit_report

# A few epochs are enough to have something to report.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

HOSTILE = "<script>alert('x')</script> & \"co\""
VOID = {"meta", "img"}


class Balance(HTMLParser):
    """Checks that every element is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def checked(page: str) -> Balance:
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    return parser


def fitted(table: Table, target: str, estimator: object, **options: object) -> TableFit:
    described = describe_target(table, target)
    return fit_table(estimator, table, described, **options)  # type: ignore[arg-type]


@pytest.fixture(name="digits", scope="module")
def a_fit_of_digits() -> TableFit:
    model = cr.MLPClassifier((16,), max_iter=20, learning_rate_init=0.01, random_state=0)
    return fitted(table_of("digits"), "digit", model, fit_options="validation_data")


def test_the_page_of_digits_shows_images_curves_and_answers(digits: TableFit) -> None:
    page = fit_report(digits, "1.2")
    seen = checked(page).seen
    wrong = int(np.sum(digits.predicted != digits.y_test))
    assert f"{360 - wrong} of 360 images" in page
    assert seen.count("img") == min(wrong, 12) + 10
    assert seen.count("svg") == 3 + 5  # plots and the network; five signs of its legend
    assert page.count('class="missed"') == min(wrong, 12)
    assert "∂f/∂x" in page


def test_the_page_needs_no_network(digits: TableFit) -> None:
    page = fit_report(digits, "1.2")
    assert not re.search(r"https?:|url\(|<link|<script|@import", page)
    assert len(page) < 200_000


def test_the_page_of_values_shows_predictions_and_columns() -> None:
    model = cr.MLPRegressor(hidden_layer_sizes=8, max_iter=3, random_state=0)
    page = fit_report(fitted(table_of("diabetes"), "progression", model, scale_target=True), "1")
    assert checked(page).seen.count("circle") > 89
    assert "<td>bmi</td>" in page


def test_a_fit_in_one_step_has_no_curve() -> None:
    page = fit_report(fitted(table_of("diabetes"), "progression", cr.LinearRegression()), "1")
    checked(page)
    assert "How it learned" not in page


@pytest.mark.parametrize(
    "model",
    [
        cr.LogisticRegression(),
        cr.MLPClassifier((3,), max_iter=5, random_state=0),
        cr.RBFClassifier(4, random_state=0),
        cr.RNNClassifier(3, max_iter=2, random_state=0),
        cr.LSTMClassifier(2, bidirectional=True, max_iter=2, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_weights_have_the_names_and_values_that_explain_gives_them(model: object) -> None:
    fit = fitted(table_of("iris"), "species", model)
    titles = re.findall(r"<title>(\w+\[\d+, \d+\]) = (.*?)</title>", fit_report(fit, "1"))
    assert titles
    estimator, row = fit.model.estimator, np.zeros(fit.model.estimator.n_features_in_)
    for name, value in titles[:: max(1, len(titles) // 4)]:
        given = estimator.explain(row, estimator.classes_[0], name).to_dict()["given"]
        assert f"{given[name]:.4g}" == value


def test_text_from_the_table_is_escaped() -> None:
    random = np.random.default_rng(0)
    columns = {
        HOSTILE: random.normal(size=60).astype(str),
        "c": np.where(np.arange(60) % 2, HOSTILE, "plain"),
        "y" + HOSTILE: np.where(np.arange(60) % 3, HOSTILE + "1", HOSTILE + "2"),
    }
    table = Table(HOSTILE + ".csv", columns)
    model = cr.MLPClassifier((4,), max_iter=3, random_state=0)
    page = fit_report(fitted(table, "y" + HOSTILE, model), "1")
    checked(page)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_many_classes_are_a_list_of_mistakes() -> None:
    random = np.random.default_rng(0)
    y = np.array([f"class {k % 30}" for k in range(300)])
    table = Table("t", {"x": random.normal(size=300), "y": y})
    model = cr.MLPClassifier((4,), max_iter=2, random_state=0)
    page = fit_report(fitted(table, "y", model), "1")
    checked(page)
    assert 'class="confusion"' not in page
    assert "<th>truth</th>" in page


def test_a_perfect_result_is_said_to_be_one() -> None:
    x = np.repeat([0.0, 1.0], 30)
    table = Table("t", {"x": x, "y": np.where(x > 0, "one", "none")})
    model = cr.MLPClassifier((), solver="lbfgs", random_state=0)
    page = fit_report(fitted(table, "y", model), "1")
    assert "Every row held out was told right." in page
    assert "100.0 %" in page


def test_scales_and_shifts_are_counted_among_the_parameters() -> None:
    model = cr.MLPClassifier((5,), normalization="batch", max_iter=5, random_state=0)
    page = fit_report(fitted(table_of("iris"), "species", model), "1.2")
    assert "4 → 5 → 3, relu, batch normalization, 53 parameters" in page
