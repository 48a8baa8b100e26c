"""From measures to findings: one small rule for each illness.

A rule says nothing about a healthy fit. Each threshold stands with its reason; they were chosen so
that planted illnesses are found and healthy fits on real data are not accused, over many seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from chainrule.doctor.examination import Examination
from chainrule.notation.formula_text import number_text

__all__ = ["Finding", "find"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    illness : str
        Its name.
    severity : float
        From 0 to 100: how much it matters, causes above what they bring about.
    where : str
        The layer, feature or class.
    evidence : str
        What was measured.
    remedy : str
        What helps.
    """

    illness: str
    severity: float
    where: str
    evidence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.evidence}; {self.remedy}."


def find(examination: Examination) -> list[Finding]:
    """All findings, those that matter most first."""
    if examination.fault is not None:
        return [_not_finite(examination)]
    found = [finding for rule in _RULES for finding in rule(examination)]
    return sorted(found, key=lambda finding: -finding.severity)


def _not_finite(exam: Examination) -> Finding:
    assert exam.fault is not None
    feature = exam.fault.feature
    named = "" if feature is None else f", most of it from {_feature(exam, feature)}"
    remedy = "scale the inputs, with StandardScaler for one, and lower the learning rate"
    if exam.fault.node.operation in ("log", "log1p", "sqrt", "divide", "reciprocal", "power"):
        remedy = (
            "keep the operand away from where the operation has no value: add a small number to "
            "it, or choose a loss that takes raw outputs, such as 'log_loss'"
        )
    return Finding("not finite", 100.0, "loss", f"{exam.fault}{named}", remedy)


# --- inputs ------------------------------------------------------------------------------


def _unscaled(exam: Examination) -> Iterator[Finding]:
    """A feature that is many times larger than the others drowns them.

    Standardised features differ by a factor of 1, raw ones that are known to train well (iris,
    pixels) by less than 30. A hundred makes the loss a narrow valley.
    """
    sizes = np.sqrt(exam.spreads**2 + exam.middles**2)
    used = sizes > 0
    if used.sum() < 2:
        if used.sum() == 1 and float(sizes.max()) > _LARGE:
            yield _scale(exam, int(np.argmax(sizes)), float(sizes.max()), None)
        return
    usual = float(np.median(sizes[used]))
    largest = int(np.argmax(sizes))
    others = np.delete(sizes[used], int(np.argmax(sizes[used])))
    if float(sizes[largest]) > 100.0 * max(float(np.median(others)), 1e-300):
        yield _scale(exam, largest, float(sizes[largest]), float(np.median(others)))
    elif usual > _LARGE:
        yield _scale(exam, largest, float(sizes[largest]), None)


_LARGE = 100.0
"""First weights are drawn for inputs near 1; at 100 they drive every unit into its flat part."""


def _scale(exam: Examination, feature: int, size: float, usual: float | None) -> Finding:
    others = "and a network starts out for values near 1"
    if usual is not None:
        others = f"where the others are about {number_text(usual, 2)}"
    return Finding(
        "unscaled feature",
        95.0,
        _feature(exam, feature),
        f"its values are about {number_text(size, 2)}, {others}",
        "bring the columns to one scale, with StandardScaler for one",
    )


def _duplicated(exam: Examination) -> Iterator[Finding]:
    """Correlated by ±1 but for rounding: one column says nothing that the other does not."""
    pairs = [(a, b, c) for a, b, c in exam.duplicates if not _of_one_column(exam, a, b)]
    if not pairs:
        return
    first, second, related = pairs[0]
    more = len(pairs) - 1
    yield Finding(
        "duplicated column",
        50.0,
        _feature(exam, second),
        f"it is {_feature(exam, first)} again (correlation {number_text(related, 6)})"
        + (f", and there are {more} more such pairs" if more else ""),
        "leave one of the two out",
    )


def _of_one_column(exam: Examination, first: int, second: int) -> bool:
    """Whether two features are categories of one column: ``sex=m`` and ``sex=f``."""
    names = exam.patient.features
    if second >= len(names):
        return False
    stems = [names[each].rpartition("=")[0] for each in (first, second)]
    return bool(stems[0]) and stems[0] == stems[1]


# --- targets -----------------------------------------------------------------------------


def _imbalance(exam: Examination) -> Iterator[Finding]:
    """A class of which there is hardly any: a seventh of its fair share, and below 3 %.

    A class of which no row was given cannot be judged: these may be some rows of many.
    """
    counts = exam.class_counts
    if counts is None or counts.sum() == 0:
        return
    rare = int(np.argmin(np.where(counts > 0, counts, counts.sum() + 1)))
    share = counts[rare] / counts.sum()
    if share < min(0.15 / len(counts), 0.03):
        yield Finding(
            "class imbalance",
            60.0,
            f"class {exam.patient.classes[rare]!r}",
            f"only {counts[rare]:,} of {counts.sum():,} rows are of it ({share:.1%})",
            "collect more of them, or give class_weight='balanced', and judge by another score "
            "than accuracy",
        )


def _label_noise(exam: Examination) -> Iterator[Finding]:
    """Even where neighbours agree the most, many rows are of another class than they.

    In iris, wine, breast cancer and digits these are below 1 %, in classes that overlap widely up
    to 15 %; where a share p of the labels is drawn at random, nearly that share.
    """
    if exam.noise is not None and exam.noise > 0.16 and exam.patient.score < 0.99:
        yield Finding(
            "label noise",
            55.0,
            "targets",
            f"even where the rows around a row agree the most, {exam.noise:.0%} are of another "
            f"class than they",
            "look at these rows: their labels may be wrong, or the columns do not tell the classes "
            "apart; dropout, a larger alpha and early "
            "stopping keep a network from learning them by heart",
        )


# --- training ----------------------------------------------------------------------------


def _rate_too_high(exam: Examination) -> Iterator[Finding]:
    """Steps as large as the weights, and a loss that leaps.

    A healthy step changes a weight by about a thousandth. At a tenth, what has been learned is
    overwritten within a few steps.
    """
    losses = np.asarray(exam.patient.history.get("loss", ()), dtype=np.float64)
    rate = exam.patient.learning_rate
    if rate is None or len(losses) < 3:
        return
    share = max(exam.update_shares, default=0.0)
    start = float(losses[0])
    rises = np.diff(losses)
    scale = max(abs(float(np.median(losses))), 1e-12)
    leaps = float(np.mean(rises > 0.1 * scale)) if len(rises) else 0.0
    worse = float(losses[-1]) > 1.5 * float(losses.min()) and leaps > 0.05
    poor = exam.patient.score < exam.baseline - 0.03
    grown = float(losses[-1]) > start
    if (share > 0.1 and (leaps > 0.1 or poor)) or (grown and leaps > 0.1) or (worse and poor):
        evidence = f"the loss rose by a tenth or more in {leaps:.0%} of the epochs"
        if leaps <= 0.1:
            evidence = (
                f"steps are {share:.0%} of the weights that they change, and the score of "
                f"{_score(exam)} is below the {exam.baseline:.2f} of a linear model"
            )
        yield Finding(
            "learning rate too high",
            90.0,
            "training",
            evidence,
            f"lower learning_rate_init from {number_text(rate)} to {number_text(rate / 10)}, or "
            f"less",
        )


def _rate_too_low(exam: Examination) -> Iterator[Finding]:
    """A loss that still falls, and has hardly fallen, while a linear model does better."""
    losses = np.asarray(exam.patient.history.get("loss", ()), dtype=np.float64)
    rate = exam.patient.learning_rate
    if rate is None or len(losses) < 3 or not exam.patient.score < exam.baseline - 0.03:
        return
    fallen = 1.0 - float(losses[-1]) / max(float(losses[0]), 1e-300)
    falling = float(np.mean(np.diff(losses) < 0))
    last = losses[-max(len(losses) // 5, 2) :]
    steady = float(last[0] - last[-1]) > 0.02 * max(float(losses[0] - losses[-1]), 1e-300)
    if falling > 0.8 and steady and fallen < 0.7:
        yield Finding(
            "learning rate too low",
            65.0,
            "training",
            f"after {len(losses):,} epochs the loss has fallen by {fallen:.1%} and is still "
            f"falling; the score of {_score(exam)} is below the {exam.baseline:.2f} of a linear "
            f"model",
            f"raise learning_rate_init from {number_text(rate)} to {number_text(rate * 10)}, or "
            f"max_iter",
        )


def _overfitting(exam: Examination) -> Iterator[Finding]:
    """The loss of rows held out has turned upward, well above its lowest."""
    history = exam.patient.history
    held_out = np.asarray(history.get("validation_loss", ()), dtype=np.float64)
    held_out = held_out[np.isfinite(held_out)]
    losses = np.asarray(history.get("loss", ()), dtype=np.float64)
    if len(held_out) < 5 or len(losses) < 5:
        return
    best = int(np.argmin(held_out))
    if held_out[-1] > 1.5 * held_out[best] and losses[-1] < 0.5 * held_out[-1]:
        yield Finding(
            "overfitting",
            40.0,
            "training",
            f"the loss of rows held out was lowest, {number_text(held_out[best], 3)}, in epoch "
            f"{best + 1}, and is {number_text(held_out[-1], 3)} now, while that of the rows it "
            f"learns from is {number_text(losses[-1], 3)}",
            "set early_stopping=True, dropout or a larger alpha, or take fewer units",
        )


def _underfitting(exam: Examination) -> Iterator[Finding]:
    """A network that is clearly worse than a straight line has not learned."""
    if exam.patient.score < exam.baseline - 0.1:
        yield Finding(
            "underfitting",
            30.0,
            "network",
            f"the score of {_score(exam)} is below the {exam.baseline:.2f} of a linear model on "
            f"the same rows",
            "train longer, lower alpha, or take more units",
        )


# --- layers ------------------------------------------------------------------------------


def _dead(exam: Examination) -> Iterator[Finding]:
    """Units that are 0 for every row pass nothing on, and no gradient comes back to them.

    A few are harmless. In a first layer whose inputs are all of one sign, such as lengths, about
    four in ten are dead from the start, and the others learn as well; so it takes more there.
    """
    centred = float(np.median(np.abs(exam.middles) / np.maximum(exam.spreads, 1e-300))) < 1.0
    layers = [
        layer
        for layer in exam.layers
        if layer.dead
        >= max(3, layer.n_units * (0.65 if layer.number == 1 and not centred else 0.4))
    ]
    if exam.patient.place == "step":  # the units of all steps are the same
        layers = sorted(layers, key=lambda layer: -layer.dead)[:1]
    for layer in layers:
        share = layer.dead / layer.n_units
        rate = exam.patient.learning_rate
        lower = f"lower learning_rate_init from {number_text(rate)} or " if rate else ""
        if exam.patient.activation not in ("relu", "elu", "gelu", "silu", "softplus"):
            lower = ""
        yield Finding(
            "dead units",
            70.0 + 10.0 * share,
            f"{exam.patient.place} {layer.number}",
            f"{layer.dead:,} of {layer.n_units:,} units are dead: they output 0 for all "
            f"{exam.n_rows:,} rows{' examined' if exam.n_rows < exam.n_given else ''}",
            f"{lower}use activation='leaky_relu'",
        )


def _saturated(exam: Examination) -> Iterator[Finding]:
    """A layer's activations at the flat ends, where hardly any gradient passes.

    Trained to the end, a good network may have three quarters there; so it takes nine tenths, or
    half and a score that shows the harm.
    """
    harmed = exam.patient.score < exam.baseline - 0.03
    layers = [each for each in exam.layers if each.saturated > (0.5 if harmed else 0.9)]
    if layers:
        place = exam.patient.place
        worst = max(layers, key=lambda each: each.saturated)
        where = ", ".join(str(each.number) for each in layers)
        yield Finding(
            "saturated units",
            80.0 + worst.saturated,
            f"{place}{'s' * (len(layers) > 1)} {where}",
            f"{worst.saturated:.0%} of the activations of {place} {worst.number} are at the flat "
            f"ends of {exam.patient.activation}, where its slope is below 1 % of the steepest",
            "raise alpha, scale the inputs if they are not, or use activation='relu'",
        )


def _exploding(exam: Examination) -> Iterator[Finding]:
    """Activations or gradients that grow by a factor of four from layer to layer.

    Over many layers, or steps in time, a thousandfold is enough: then a step that is right for
    one end is a thousand times too large for the other.
    """
    if len(exam.layers) < 3:
        return
    for words, sizes in (
        ("activations grow", [each.activation_size for each in exam.layers]),
        ("gradients grow", [each.gradient_size for each in exam.layers][::-1]),
    ):
        growth = sizes[-1] / max(sizes[0], 1e-300)
        if growth > min(max(4.0 ** (len(sizes) - 1), 100.0), 1000.0) and sizes[0] > 0:
            place = exam.patient.place
            ends = exam.layers[0], exam.layers[-1]
            first, last = ends if words.startswith("act") else ends[::-1]
            yield Finding(
                "exploding",
                92.0,
                f"{place}s {first.number} to {last.number}",
                f"{words} by a factor of {number_text(growth, 2)} from {place} {first.number} to "
                f"{place} {last.number}",
                "start with smaller weights, raise alpha, lower the learning rate, or "
                + ("take an LSTM or GRU" if place == "step" else "take fewer layers"),
            )
            return


def _vanishing(exam: Examination) -> Iterator[Finding]:
    """The first layer's gradient is below a ten-thousandth of the last one's: it cannot learn.

    Of steps in time, the first may well have nothing to say to the result.
    """
    layers = [each for each in exam.layers if each.gradient_size > 0]
    if len(layers) < 3 or exam.patient.place == "step":
        return
    first, last = layers[0], layers[-1]
    shrink = first.gradient_size / last.gradient_size
    if shrink < 1e-4:
        yield Finding(
            "vanishing gradients",
            72.0,
            f"{exam.patient.place}s {last.number} to {first.number}",
            f"the gradient shrinks to {number_text(shrink, 2)} of its size on the way back from "
            f"{exam.patient.place} {last.number} to {exam.patient.place} {first.number}",
            "use activation='relu', or fewer layers",
        )


def _rank(exam: Examination) -> Iterator[Finding]:
    """Many units that say the same: fewer directions than the outputs need."""
    outputs = int(exam.patient.output.shape[-1])  # type: ignore[arg-type]
    inputs = int(np.sum(exam.spreads > 0))
    for layer in exam.layers:
        alive = layer.n_units - layer.dead
        needed = min(outputs, inputs, layer.n_units, exam.n_rows)
        if layer.rank < needed and alive > layer.rank:
            yield Finding(
                "loss of rank",
                45.0,
                f"{exam.patient.place} {layer.number}",
                f"its {layer.n_units:,} units span {layer.rank} dimensions for {needed} that the "
                f"outputs need",
                "take another random_state or more units, or lower alpha",
            )


def _score(exam: Examination) -> str:
    score = exam.patient.score
    return "no number" if math.isnan(score) else f"{score:.2f}"


def _feature(exam: Examination, index: int) -> str:
    names = exam.patient.features
    return f"column {names[index]!r}" if index < len(names) else f"column {index}"


Rule = Callable[[Examination], Iterator[Finding]]

_RULES: tuple[Rule, ...] = (
    _unscaled,
    _exploding,
    _rate_too_high,
    _saturated,
    _dead,
    _vanishing,
    _rate_too_low,
    _imbalance,
    _label_noise,
    _duplicated,
    _rank,
    _overfitting,
    _underfitting,
)
"""Causes before what they bring about; severities put findings in order."""
