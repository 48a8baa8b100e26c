"""What came out of networks without an encoder: boundaries, forecasts, digits that were read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.demonstrations import data
from chainrule.demonstrations.base import Outcome, Split
from chainrule.pages.maps import decision_map
from chainrule.pages.markup import Markup, element
from chainrule.pages.page import figure
from chainrule.pages.pixels import image, mosaic
from chainrule.pages.plots import line_plot, scatter_plot

__all__ = [
    "boundaries",
    "centres",
    "forecasts",
    "line_and_ring",
    "misread",
    "parity",
    "reading",
    "sums",
]

Numbers = npt.NDArray[np.float64]

_FINE = 150  # places across a plane
_MOST_POINTS = 250
_MOST_IMAGES = 12


def line_and_ring(outcome: Outcome) -> list[Markup]:
    """The line between the classes, and what the same estimator makes of the ring."""
    ring = data.ring()
    other = outcome.demonstration.estimator_of(outcome.seed).fit(ring.X_train, ring.y_train)
    share = other.score(ring.X_test, ring.y_test)
    return [
        _plane("Benign (blue) and malignant", outcome.model, outcome.data),
        _plane(f"The ring 1 ≤ ‖x‖ ≤ 2: {share:.3f}", other, ring),
    ]


def boundaries(outcome: Outcome) -> list[Markup]:
    """A line, and what the network draws in its place."""
    from sklearn.linear_model import LogisticRegression

    line = LogisticRegression().fit(outcome.data.X_train, outcome.data.y_train)
    return [
        _plane(f"Logistic regression: {outcome.baseline:.3f}", line, outcome.data),
        _plane(f"The network: {outcome.figure:.3f}", outcome.model, outcome.data),
    ]


def _plane(heading: str, model: Any, split: Split) -> Markup:
    points = split.X_test[:_MOST_POINTS]
    (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
    across, up = 0.06 * (right - left), 0.06 * (top - bottom)
    extent = (left - across, right + across, bottom - up, top + up)
    x, y = np.meshgrid(np.linspace(*extent[:2], _FINE), np.linspace(*extent[2:], _FINE))
    places = np.column_stack([x.ravel(), y.ravel()])
    if hasattr(model, "predict_proba"):
        share = model.predict_proba(places)[:, 1]
    else:
        share = model.predict(places).astype(np.float64)
    drawn = decision_map(
        share.reshape(x.shape), extent, points, split.y_test[:_MOST_POINTS], heading
    )
    return figure(heading, drawn)


def misread(outcome: Outcome) -> list[Markup]:
    """Images that were read wrong, with the answers."""
    said, true = outcome.model.predict(outcome.data.X_test), outcome.data.y_test
    wrong = np.flatnonzero(said != true)
    figures = [
        element(
            "figure",
            image(outcome.data.X_test[k].reshape(8, 8), f"a {true[k]}, read as {said[k]}"),
            element("figcaption", element("b", f"{said[k]}, not {true[k]}")),
            class_="missed",
        )
        for k in wrong[:_MOST_IMAGES]
    ]
    heading = f"{len(figures)} of the {len(wrong)} that were read wrong, of {len(true)}"
    return [figure(heading, element("div", *figures, class_="digits"))]


def centres(outcome: Outcome) -> list[Markup]:
    """The centres of the bumps, which are images themselves."""
    tiles = outcome.model.centres_.reshape(-1, 8, 8)
    return [figure(f"The {len(tiles)} centres", mosaic(tiles, 10, "centres, as digits"))]


def parity(outcome: Outcome) -> list[Markup]:
    """How probable an odd number is held, by the number of pixels above zero."""
    from sklearn.linear_model import LogisticRegression

    split = outcome.data
    line = LogisticRegression().fit(split.X_train, split.y_train)
    count = (split.X_test > 0).sum(axis=1)
    counts = np.unique(count)
    lines = [
        (name, [float(each.predict_proba(split.X_test[count == k])[:, 1].mean()) for k in counts])
        for name, each in (("the network", outcome.model), ("logistic regression", line))
    ]
    drawn = line_plot(
        counts.tolist(), lines, x_label="pixels above zero", y_label="probability of odd"
    )
    return [figure("Probability of “odd”", drawn, legend=[name for name, _ in lines])]


def forecasts(outcome: Outcome) -> list[Markup]:
    """One step ahead beside the truth, and a forecast of eleven steps."""
    n_test, n_before = len(outcome.data.y_test), 15
    truth = 100 * np.append(outcome.data.X_test, outcome.data.y_test[-1])[-n_test - n_before :]
    ahead, cycle = np.full((2, len(truth)), np.nan)
    ahead[n_before:] = 100 * outcome.model.predict(outcome.data.X_test)[-n_test:]
    cycle[n_before : n_before + 11] = 100 * outcome.model.forecast(11)
    years = list(range(1956 - len(truth), 1956))
    pairs = (("One year ahead", ahead), ("Eleven years ahead, from 1920", cycle))
    return [
        figure(
            heading,
            line_plot(
                years,
                [("forecast", told.tolist()), ("truth", truth.tolist())],
                x_label="year",
                y_label="sunspots",
            ),
            legend=("forecast", "truth"),
        )
        for heading, told in pairs
    ]


def reading(outcome: Outcome) -> list[Markup]:
    """The probabilities after each row of some digits."""
    shown = [int(np.flatnonzero(outcome.data.y_test == k)[0]) for k in (2, 5, 9)]
    figures = []
    for k in shown:
        X = outcome.data.X_test[k]
        grown = [outcome.model.predict_proba(X[None, : step + 1])[0] for step in range(len(X))]
        table = mosaic(np.array([grown]), 1, "probabilities of 0 to 9 after each row")
        scale = element("div", *(element("span", str(each)) for each in range(10)), class_="scale")
        figures.append(
            element(
                "figure",
                element(
                    "div",
                    image(X, f"a {outcome.data.y_test[k]}"),
                    element("div", table, scale),
                    class_="beside",
                ),
            )
        )
    return [
        figure(
            "A digit, and beside each of its rows the probabilities of 0 to 9 so far",
            element("div", *figures, class_="readings"),
        )
    ]


def sums(outcome: Outcome) -> list[Markup]:
    """Answers beside the truth."""
    true = outcome.data.y_test[:_MOST_POINTS]
    told = outcome.model.predict(outcome.data.X_test[:_MOST_POINTS])
    plot = scatter_plot(true, told, x_label="true sum", y_label="answer")
    return [figure("Answer (upward) and true sum (across)", plot)]
