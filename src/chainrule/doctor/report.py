"""The doctor's report as a page: findings at the top, then pictures of what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from chainrule.doctor.examination import Examination
from chainrule.doctor.finding import Finding
from chainrule.engines.base import Array
from chainrule.notation.formula_text import number_text
from chainrule.pages.markup import Markup, element, join, raw
from chainrule.pages.page import figure, page, section
from chainrule.pages.plots import line_plot

__all__ = ["to_fragment", "to_html"]

_WIDTH, _HEIGHT = 300, 84
_HEALTHY = "Nothing is wrong"

_STYLE = """
.findings { list-style: none; margin: 1.4rem 0 0; padding: 0; display: grid; gap: .7rem; }
.findings li { border-left: 4px solid var(--wrong); }
.findings b { display: block; }
.findings small { color: var(--soft); font-size: .9rem; display: block; margin-top: .2rem; }
.bars-plot rect { fill: var(--model); }
.bars-plot text { font-size: 11px; }
"""


def to_html(exam: Examination, findings: Sequence[Finding]) -> str:
    """A page of its own: no network, light and dark, on screen and on paper."""
    title = f"{len(findings)} finding{'s' * (len(findings) > 1)}" if findings else _HEALTHY
    return page(f"The doctor: {title}", to_fragment(exam, findings))


def to_fragment(exam: Examination, findings: Sequence[Finding]) -> Markup:
    """The report as a piece of a page."""
    parts = [element("style", raw(_STYLE)), _header(exam, findings)]
    if exam.fault is None:
        parts += [_history(exam), _layers(exam), _inputs(exam)]
    return join(parts)


def _header(exam: Examination, findings: Sequence[Finding]) -> Markup:
    headline, said = _HEALTHY, f"as far as {exam.n_rows:,} rows can show"
    if findings:
        headline, said = findings[0].illness.capitalize(), findings[0].where
    score = "" if exam.fault else f" · score {number_text(exam.patient.score, 3)}"
    return element(
        "header",
        element("p", f"chainrule · the doctor · {exam.n_rows:,} rows{score}"),
        element("h1", element("b", headline), said),
        element("ol", *(_finding(each) for each in findings), class_="findings"),
    )


def _finding(finding: Finding) -> Markup:
    return element(
        "li",
        element("b", f"{finding.illness.capitalize()} · {finding.where}"),
        element("span", f"{finding.evidence}."),
        element("small", f"What helps: {finding.remedy}."),
        class_="card",
    )


def _history(exam: Examination) -> Markup:
    history = exam.patient.history
    losses = [float(each) for each in history.get("loss", ())]
    if len(losses) < 2:
        return raw("")
    lines = [("rows it learns from", losses)]
    if "validation_loss" in history:
        lines.append(("rows held out", [float(each) for each in history["validation_loss"]]))
    positive = all(v > 0 for _, line in lines for v in line if math.isfinite(v))
    plot = line_plot(
        list(range(1, len(losses) + 1)),
        lines,
        x_label="epoch",
        y_label="loss",
        logarithmic=positive,
    )
    card = figure("Loss", plot, legend=[name for name, _ in lines])
    return section("How it learned", element("div", card, class_="narrow"))


def _layers(exam: Examination) -> Markup:
    if not exam.layers:
        return raw("")
    cards = []
    for layer in exam.shown_layers:
        facts = f"{layer.dead:,} of {layer.n_units:,} units dead"
        if layer.saturated:
            facts += f", {layer.saturated:.0%} of the activations saturated"
        cards.append(
            figure(
                f"{exam.patient.place.capitalize()} {layer.number}: {facts}",
                element("h3", "activations"),
                _histogram(*layer.activations),
                element("h3", "gradients of a row's loss by the sums"),
                _histogram(*layer.gradients),
            )
        )
    rows = [
        element(
            "tr",
            element("th", f"W{number}"),
            *(
                element("td", number_text(value, 2))
                for value in (weight, slope, *exam.update_shares[number - 1 : number])
            ),
        )
        for number, (weight, slope) in enumerate(
            zip(exam.weight_sizes, exam.gradient_sizes, strict=True), 1
        )
    ]
    heads = ["", "weights", "gradient", *(["step / weights"] if exam.update_shares else [])]
    table = element(
        "table",
        element("thead", element("tr", *(element("th", head) for head in heads))),
        element("tbody", *rows),
        class_="list",
    )
    return section(
        "Layer by layer",
        element("div", *cards, class_="columns"),
        element("div", table, class_="card narrow", style="margin-top:1rem"),
        lead="How often each value occurs; heights are on a logarithmic scale. Below, root mean "
        "squares of the weights and of their gradients.",
    )


def _inputs(exam: Examination) -> Markup:
    sizes = np.sqrt(exam.spreads**2 + exam.middles**2)
    if len(sizes) > 40 or not len(sizes):
        return raw("")
    names = exam.patient.features
    rows = [
        element(
            "tr",
            element("th", names[k] if k < len(names) else f"column {k}"),
            element("td", number_text(float(exam.middles[k]), 3)),
            element("td", number_text(float(exam.spreads[k]), 3)),
        )
        for k in range(len(sizes))
    ]
    heads = ("column", "mean", "standard deviation")
    table = element(
        "table",
        element("thead", element("tr", *(element("th", head) for head in heads))),
        element("tbody", *rows),
        class_="list",
    )
    return section("The inputs", element("div", table, class_="card scroll narrow"))


def _histogram(counts: Array, edges: Array) -> Markup:
    """Bars for the counts, on a logarithmic scale, with the ends of the range below."""
    heights = np.log1p(counts)
    tallest = float(heights.max(initial=0.0)) or 1.0
    step = _WIDTH / len(counts)
    bars = [
        element(
            "rect",
            x=f"{k * step:.1f}",
            y=f"{_HEIGHT * (1 - height / tallest):.1f}",
            width=f"{step - 0.8:.1f}",
            height=f"{_HEIGHT * height / tallest:.1f}",
        )
        for k, height in enumerate(heights)
        if height > 0
    ]
    low, high = number_text(float(edges[0]), 2), number_text(float(edges[-1]), 2)
    ends = (
        element("text", low, x=0, y=_HEIGHT + 14),
        element("text", high, x=_WIDTH, y=_HEIGHT + 14, text_anchor="end"),
    )
    return element(
        "svg",
        element("title", f"From {low} to {high}"),
        *bars,
        *ends,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT + 18}",
        class_="bars-plot",
        role="img",
    )
