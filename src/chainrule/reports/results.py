"""Results of a classification: which classes are taken for which, and images with their answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.estimators.table_fit import TableFit
from chainrule.pages.markup import Markup, element, join
from chainrule.pages.page import section
from chainrule.pages.pixels import image

__all__ = ["class_results", "image_results"]

MOST_CLASSES = 20
"""With more, the mistakes are listed instead of drawn as a matrix."""

MOST_IMAGES = 12


def class_results(fit: TableFit) -> Markup:
    """The confusion matrix, or a list of the most frequent mistakes."""
    classes = _in_order({*fit.y_test.tolist(), *fit.predicted.tolist()})
    counts = np.array(
        [
            [np.sum((fit.y_test == true) & (fit.predicted == said)) for said in classes]
            for true in classes
        ]
    )
    wrong = int(counts.sum() - np.trace(counts))
    lead = "Every row held out was told right." if not wrong else ""
    if len(classes) <= MOST_CLASSES:
        lead = lead or (
            "Each line is a true class, each column an answer; what is off the diagonal is wrong."
        )
        return section("What is taken for what", _matrix(classes, counts), lead=lead)
    return section("What is taken for what", _mistakes(classes, counts), lead=lead)


def image_results(fit: TableFit) -> Markup:
    """Images that were read wrong, then some that were read right."""
    wrong = np.flatnonzero(fit.predicted != fit.y_test)[:MOST_IMAGES]
    right = [
        np.flatnonzero((fit.y_test == each) & (fit.predicted == each))[:1]
        for each in _in_order(set(fit.y_test.tolist()))
    ]
    shown = np.concatenate(right)[:MOST_IMAGES] if right else wrong[:0]
    n_wrong = int(np.sum(fit.predicted != fit.y_test))
    parts = []
    if n_wrong:
        few = f"{len(wrong)} of the {n_wrong}" if n_wrong > len(wrong) else f"All {n_wrong}"
        heading = f"{few} that were read wrong" if n_wrong > 1 else "The one that was read wrong"
        parts += [element("h3", heading), _images(fit, wrong)]
    parts += [element("h3", "Some that were read right"), _images(fit, shown)]
    return section(
        "What it saw",
        element("div", *parts, class_="card gallery"),
        lead="Under each image: the answer, and how probable the network thought it.",
    )


def _images(fit: TableFit, positions: npt.NDArray[np.int64]) -> Markup:
    pixels = np.stack([fit.table.columns[each.name] for each in fit.model.features], axis=1)
    figures = []
    for position in positions:
        true, said = str(fit.y_test[position]), str(fit.predicted[position])
        picture = pixels[fit.held_out[position]].reshape(fit.table.image_shape)
        answer = f"{said}" if said == true else f"{said}, not {true}"
        caption: list[str] = [element("b", answer)]
        if fit.probabilities is not None:
            chance = float(fit.probabilities[position].max())
            caption += [
                f"{100 * chance:.0f} %",
                element("div", element("i", style=f"width:{100 * chance:.0f}%"), class_="chance"),
            ]
        alt = f"image of a {true}, read as {said}"
        figures.append(
            element(
                "figure",
                image(picture, alt),
                element("figcaption", *caption),
                class_="read" if said == true else "missed",
            )
        )
    return element("div", *figures, class_="digits")


def _matrix(classes: list[Any], counts: npt.NDArray[np.int64]) -> Markup:
    rows = []
    for k, true in enumerate(classes):
        cells: list[str] = [element("th", str(true), scope="row")]
        for column, count in enumerate(counts[k]):
            kind = "none" if not count else "right" if column == k else "wrong"
            share = count / max(counts[k].sum(), 1)
            cells.append(element("td", str(count), class_=kind, style=f"--share:{share:.3f}"))
        rows.append(element("tr", *cells))
    heads = [element("th", "", scope="col"), *(element("th", str(c), scope="col") for c in classes)]
    return element(
        "div",
        element(
            "table",
            element("caption", "lines: the truth · columns: the answer"),
            element("thead", element("tr", *heads)),
            element("tbody", *rows),
            class_="confusion",
        ),
        class_="card scroll fitting",
    )


def _mistakes(classes: list[Any], counts: npt.NDArray[np.int64]) -> Markup:
    found = [
        (int(counts[i, j]), str(classes[i]), str(classes[j]))
        for i, j in zip(*np.nonzero(counts), strict=True)
        if i != j
    ]
    found.sort(key=lambda each: (-each[0], each[1], each[2]))
    rows = [
        element("tr", element("td", true), element("td", said), element("td", str(count)))
        for count, true, said in found[:30]
    ]
    heads = element("tr", *(element("th", head) for head in ("truth", "answer", "rows")))
    table = element("table", element("thead", heads), join(rows), class_="list")
    return element("div", table, class_="card scroll")


def _in_order(classes: set[Any]) -> list[Any]:
    """Numbers by size, text by the alphabet."""
    try:
        return sorted(classes, key=float)
    except ValueError:
        return sorted(classes, key=str)
