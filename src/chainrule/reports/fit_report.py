"""The page about a fit: what came out, how it was learned, what went wrong."""

from __future__ import annotations

from functools import partial

import numpy as np

from chainrule.estimators.table_fit import TableFit
from chainrule.explain.derivation import explain
from chainrule.pages.markup import Markup, element, join, raw
from chainrule.pages.network_drawing import draw_network
from chainrule.pages.page import figure, page, section
from chainrule.pages.plots import line_plot, scatter_plot
from chainrule.reports.facts import (
    facts,
    hidden_kind,
    layer_kinds,
    layer_weights,
    name_of_weight,
    short,
)
from chainrule.reports.results import class_results, image_results

__all__ = ["fit_report"]

FORMULA = "q = x + y; q * z"


def fit_report(fit: TableFit, version: str) -> str:
    """A self-contained HTML page.

    Parameters
    ----------
    fit : TableFit
    version : str
        Of the program, for the foot of the page.

    Returns
    -------
    str
        It needs no network, adapts to light and dark, and can be printed.
    """
    if fit.model.target.task == "classification":
        results = [class_results(fit)]
        if fit.table.image_shape is not None:
            results.insert(0, image_results(fit))
    else:
        results = [_value_results(fit)]
    title = f"{fit.table.source}: {fit.measure} {fit.score:.3f}"
    return page(
        title, _header(fit), _learning(fit), *results, _facts(fit), _columns(fit), _board(version)
    )


def _header(fit: TableFit) -> Markup:
    n, target = len(fit.held_out), fit.model.target
    if target.task == "classification":
        right = int(np.sum(fit.predicted == fit.y_test))
        headline = f"{100 * fit.score:.1f} %"
        things, read = ("images", "read") if fit.table.image_shape else ("rows", "told")
        said = f"{right:,} of {n:,} {things} that it had never seen are {read} right"
        guess = f"always {fit.guess!r}"
    else:
        headline = f"R² {fit.score:.3f}"
        said = f"for {target.name}, on {n:,} rows that it had never seen"
        guess = f"always the mean, {short(fit.guess)}"
    bars = [
        _bar("this network", fit.score, fit.score, "model"),
        _bar(guess, fit.baseline, fit.score, "guess"),
    ]
    notes = [text for name, text in facts(fit) if name == "note"]
    return element(
        "header",
        element("p", f"chainrule · {fit.table.source}"),
        element("h1", element("b", headline), said),
        element("div", *bars, class_="bars"),
        *(element("p", f"Note: {text.rstrip('.')}.", class_="note") for text in notes),
    )


def _bar(name: str, value: float, best: float, kind: str) -> Markup:
    width = 100 * min(max(value, 0.0), 1.0)
    return element(
        "div",
        element("span", name),
        element("i", element("i", style=f"width:{width:.1f}%")),
        element("span", f"{value:.3f}"),
        class_=kind,
    )


def _learning(fit: TableFit) -> Markup:
    """The curves of the history, or nothing where there was one step only."""
    history = fit.model.estimator.history_
    x_name = "epoch" if "epoch" in history else "trial"
    if len(history.get("loss", ())) < 2:
        return raw("")
    losses = [("rows it learns from", history["loss"])]
    lead = "How the loss fell, epoch by epoch."
    if "validation_loss" in history:
        losses.append(("rows held out", history["validation_loss"]))
        # With early stopping the estimator has held rows out for itself.
        lead = (
            "The rows held out are measured after each epoch for these curves; nothing is "
            "decided by them. Where their loss turns upwards, the network has begun to learn its "
            "rows by heart."
        )
        if getattr(fit.model.estimator, "early_stopping", False):
            lead = "A part of the rows to learn from is held out: its score decides when to stop."
    x = history[x_name]
    figures = [
        figure(
            "Loss",
            line_plot(x, losses, x_label=x_name, y_label="loss", logarithmic=True),
            legend=[name for name, _ in losses],
        )
    ]
    if "validation_score" in history:
        score = [("rows held out", history["validation_score"])]
        figures.append(
            figure(
                fit.measure.capitalize() + " on rows held out",
                line_plot(x, score, x_label=x_name, y_label=fit.measure),
            )
        )
    return section("How it learned", element("div", *figures, class_="columns"), lead=lead)


def _value_results(fit: TableFit) -> Markup:
    errors = np.abs(fit.predicted - fit.y_test)
    simple = np.abs(fit.y_test - float(fit.guess))
    plot = scatter_plot(fit.y_test, fit.predicted, x_label="true", y_label="predicted")
    return section(
        "What it predicts",
        element("div", figure("Predicted (upward) and true (across)", plot), class_="narrow"),
        lead=(
            f"A point for each row held out; on the dashed line, prediction and truth agree. Half "
            f"of the predictions are off by at most {short(np.median(errors))}; if the mean were "
            f"always predicted, by {short(np.median(simple))}."
        ),
    )


def _facts(fit: TableFit) -> Markup:
    estimator = fit.model.estimator
    weights = layer_weights(estimator)
    last = "outputs" if weights[-1].shape[1] > 1 else "output"
    names = ["inputs", *["hidden"] * (len(weights) - 1), last]
    rows = [
        element("tr", element("th", name.capitalize()), element("td", text))
        for name, text in facts(fit)
        if name != "note"
    ]
    hidden = (
        f"{hidden_kind(estimator)} in the hidden layers" if len(weights) > 1 else "no hidden layer"
    )
    return section(
        "The network",
        element(
            "div",
            figure(
                f"Layers: {hidden}",
                draw_network(
                    weights,
                    names=names,
                    kinds=layer_kinds(estimator),
                    name_of_weight=partial(name_of_weight, estimator),
                ),
            ),
            figure("The fit", element("table", join(rows), class_="list")),
            class_="columns",
        ),
    )


def _columns(fit: TableFit) -> Markup:
    """What the network was given, and how it was encoded; pixels need no list."""
    if fit.table.image_shape is not None:
        return raw("")
    rows = []
    for feature in fit.model.features:
        if feature.kind == "number":
            encoding = f"(x − {feature.mean:.4g}) / {feature.scale:.4g}"
        else:
            encoding = "0 or 1 for each of " + ", ".join(feature.categories)
        fill = "refused" if feature.fill is None else f"taken for {feature.fill}"
        cells = (feature.name, feature.kind, encoding, fill)
        rows.append(element("tr", *(element("td", cell) for cell in cells)))
    heads = ("column", "kind", "given to the network as", "if missing")
    return section(
        "The columns",
        element(
            "div",
            element(
                "table",
                element("thead", element("tr", *(element("th", head) for head in heads))),
                element("tbody", *rows),
                class_="list",
            ),
            class_="card scroll",
        ),
        lead="The model keeps this description, and encodes further tables in the same way.",
    )


def _board(version: str) -> Markup:
    return section(
        "The rule behind it",
        element(
            "p",
            "The network learned by one rule: the derivative of a composition is the product of "
            "the derivatives of its parts. Here it is on a formula of two operations, as ",
            element("code", f'chainrule explain "{FORMULA}" x=-2 y=5 z=-4'),
            " writes it; any other formula works alike.",
        ),
        element("pre", str(explain(FORMULA, x=-2, y=5, z=-4))),
        element("footer", f"Written by chainrule {version}."),
    )
