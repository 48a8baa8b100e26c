"""The page about the networks of the chart at work."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.demonstrations.base import Outcome
from chainrule.demonstrations.listing import listing
from chainrule.networks.chart import ChartEntry
from chainrule.pages.cells import CELL_KINDS, cell_icon
from chainrule.pages.markup import Markup, element, join, raw
from chainrule.pages.page import figure, page
from chainrule.pages.plots import line_plot
from chainrule.reports.chart_drawing import LINK_STYLE, draw_entry, layers_in_words
from chainrule.reports.training_table import HEADS, cells, number

__all__ = ["training_page"]

_STYLE = """
main { max-width: 78rem; }
h1 { font-size: 2.2rem; letter-spacing: -.015em; }
header p + p { max-width: 46rem; margin-top: .5rem; }
.network-legend { margin: 1.2rem 0 0; }
.results { margin-top: 1.6rem; }
.results td, .results th { white-space: nowrap; }
.results td { padding: .3rem 1.2rem .3rem 0; border-top: 1px solid var(--rule); }
.results th { padding: 0 1.2rem .3rem 0; color: var(--soft); font-weight: 500; }
.results .number { text-align: right; } .results td:nth-child(6) { padding-left: 1rem; }
.results .ours { color: var(--model); font-weight: 600; }
a { color: inherit; text-decoration-color: var(--rule); text-underline-offset: .2em; }
.trained { border-top: 1px solid var(--rule); margin-top: 3.2rem; padding-top: 1.8rem; }
.about { display: grid; grid-template-columns: 1fr auto; gap: 1rem 2.5rem; align-items: center; }
.about h2 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
.about h2 span { color: var(--soft); font-weight: 400; margin-left: .35em; }
.about p { margin: .15rem 0 0; color: var(--soft); max-width: 44rem; }
.about svg.network { width: auto; max-width: 100%; }
.at-work { margin-top: 2rem; }
.at-work h3 { font-size: 1.08rem; margin: 0; }
.at-work h3 code { font-size: .92em; font-weight: 400; color: var(--soft); margin-left: .5em; }
.at-work > p { margin: .2rem 0 .8rem; max-width: 60rem; }
.at-work .came-to { color: var(--soft); } .came-to b { color: var(--model); font-size: 1.15em; }
.shown { display: grid; gap: 1rem; grid-template-columns: repeat(3, minmax(0, 1fr)); }
.shown > :nth-child(2):last-child { grid-column: span 2; }
.shown .card { display: flex; flex-direction: column; }
.shown .card > :last-child { margin-block: auto; }
.shown svg.plot { max-width: 27rem; margin-inline: auto; }
.shown h3 { font-size: .9rem; margin: 0 0 .6rem; }
svg.map, .mosaic { max-width: 25rem; margin-inline: auto; }
.mosaic { aspect-ratio: auto; height: auto; }
.map { border-radius: .35rem; } .map .border { fill: none; stroke: var(--rule); }
.map circle { stroke: var(--card); stroke-width: .5; }
.of-class-0 { fill: #c2571a; } .of-class-1 { fill: #0f7fb0; }
.map .codes text { font-size: 8px; font-weight: 600; text-anchor: middle; fill: inherit; }
.strips { display: grid; gap: .5rem; }
.strips > div { display: grid; grid-template-columns: 4.4rem 1fr; align-items: center; gap: .6rem;
  font-size: .85rem; color: var(--soft); }
.strips .mosaic { max-width: none; margin: 0; }
.readings { display: grid; gap: 1.4rem;
  grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); }
.readings figure { margin: 0; }
.beside { display: grid; grid-template-columns: 8fr 10fr; gap: .5rem; }
.beside .pixels { margin: 0; width: 100%; }
.scale { display: grid; grid-template-columns: repeat(10, 1fr); text-align: center;
  font-size: .72rem; color: var(--soft); margin-top: .15rem; }
.at-work .digits { grid-template-columns: repeat(auto-fill, minmax(4.2rem, 1fr)); }
details { margin-top: .8rem; } summary { color: var(--soft); font-size: .9rem; }
@media (max-width: 62rem) {
  .shown { grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); }
  .shown > :nth-child(2):last-child { grid-column: auto; }
}
@media (max-width: 40rem) { .about { grid-template-columns: 1fr; } main { padding-top: 1.5rem; } }
@media print {
  .shown { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .5rem; }
  .shown > :nth-child(2):last-child { grid-column: span 2; }
  .shown .card { padding: .6rem; }
  .scroll { overflow: visible; } .results { font-size: 8pt; }
  .results td, .results th { padding-right: .6rem; }
  .trained { margin-top: 1.4rem; padding-top: 1rem; } .at-work { margin-top: 1rem; }
  .about { break-after: avoid; } .at-work { break-inside: avoid; }
  details:not([open]) { display: none; }
}
"""


def training_page(
    trained: Sequence[tuple[ChartEntry, Sequence[Outcome]]],
    missing: Sequence[ChartEntry],
    version: str,
) -> str:
    """A self-contained page: a section for each network.

    Parameters
    ----------
    trained : sequence of tuple (ChartEntry, sequence of Outcome)
    missing : sequence of ChartEntry
        Networks of the lecture that are not built yet.
    version : str
        Of the program, for the foot of the page.
    """
    kinds = dict.fromkeys(kind for entry, _ in trained for kind in entry.kinds)
    legend = (element("span", cell_icon(kind), f" {CELL_KINDS[kind].label}") for kind in kinds)
    title = trained[0][0].name if len(trained) == 1 else "Neural networks at work"
    header = element(
        "header",
        element("p", "chainrule · chart"),
        element("h1", title),
        element(
            "p",
            "Every figure is of rows that the network had not seen, beside what something simpler "
            "reaches on the same rows.",
        ),
        *([element("p", _not_built(missing))] if missing else []),
    )
    return page(
        title,
        element("style", raw(LINK_STYLE + _STYLE)),
        header,
        _table([each for _, outcomes in trained for each in outcomes]),
        element("div", join(legend, raw(" ")), class_="network-legend"),
        *(_section(entry, outcomes) for entry, outcomes in trained),
        element("footer", f"Written by chainrule {version}."),
    )


def _not_built(missing: Sequence[ChartEntry]) -> str:
    return "Not built yet: " + ", ".join(entry.name for entry in missing) + "."


def _table(outcomes: Sequence[Outcome]) -> Markup:
    rows = []
    for outcome in outcomes:
        texts: list[str] = list(cells(outcome))
        code = outcome.demonstration.network
        texts[0] = element("a", texts[0], href=f"#{code}")
        kinds = ("", "", "", "", "number ours", "", "number", "number")
        rows.append(
            element("tr", *(element("td", t, class_=k) for t, k in zip(texts, kinds, strict=True)))
        )
    heads = element("tr", *(element("th", head) for head in HEADS))
    table = element("table", element("thead", heads), element("tbody", *rows), class_="results")
    return element("div", table, class_="scroll")


def _section(entry: ChartEntry, outcomes: Sequence[Outcome]) -> Markup:
    about = element(
        "div",
        element("h2", entry.name, element("span", entry.code)),
        element("p", f"{entry.paper}."),
        element("p", layers_in_words(entry)),
    )
    return element(
        "section",
        element("div", about, draw_entry(entry, 1.3), class_="about"),
        *map(_at_work, outcomes),
        class_="trained",
        id=entry.code,
    )


def _at_work(outcome: Outcome) -> Markup:
    demonstration, data = outcome.demonstration, outcome.demonstration.data
    n_train, n_test = outcome.rows
    came_to = element(
        "p",
        f"{demonstration.measure.name.capitalize()} ",
        element("b", number(outcome.figure)),
        f" on {n_test:,} rows held out; {demonstration.baseline.name}: {number(outcome.baseline)}. "
        f"Learned from {n_train:,} rows in {outcome.seconds:.2f} s.",
        class_="came-to",
    )
    return element(
        "div",
        element("h3", data[0].upper() + data[1:], element("code", demonstration.estimator)),
        came_to,
        element("p", demonstration.remark),
        element("div", _curve(outcome), *demonstration.picture(outcome), class_="shown"),
        element(
            "details",
            element("summary", "In Python"),
            element("pre", listing(demonstration, outcome.seed)),
        ),
        class_="at-work",
    )


def _curve(outcome: Outcome) -> Markup:
    losses = outcome.losses
    if len(losses) < 2:
        text = "Its weights were solved for in one step: nothing had to be learned epoch by epoch."
        return figure("Loss", element("p", text))
    epochs = list(range(1, len(losses) + 1))
    one = "iteration" if getattr(outcome.model, "solver", "") == "lbfgs" else "epoch"
    # Only where it falls far: on a short logarithmic scale there is next to nothing to read.
    far = min(losses) > 0 and max(losses) > 10 * min(losses)
    drawn = line_plot(epochs, [("loss", losses)], x_label=one, y_label="loss", logarithmic=far)
    return figure("Loss, of the rows it learns from", drawn)
