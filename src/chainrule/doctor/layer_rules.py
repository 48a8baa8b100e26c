"""What is wrong with the units of a layer, or of a step in time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.doctor.examination import Examination
from chainrule.doctor.finding import Finding, ranges_text
from chainrule.notation.formula_text import number_text

__all__ = ["dead", "exploding", "rank", "saturated", "vanishing"]


def dead(exam: Examination) -> Iterator[Finding]:
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
        if layer.activation not in ("relu", "elu", "gelu", "silu", "softplus"):
            lower = ""
        yield Finding(
            "dead units",
            70.0 + 10.0 * share,
            f"{exam.patient.place} {layer.number}",
            f"{layer.dead:,} of {layer.n_units:,} units are dead: they output 0 for all "
            f"{exam.n_rows:,} rows{' examined' if exam.n_rows < exam.n_given else ''}",
            f"{lower}use activation='leaky_relu'",
        )


def saturated(exam: Examination) -> Iterator[Finding]:
    """A layer's activations at the flat ends, where hardly any gradient passes.

    Trained to the end, a good network may have three quarters there; so it takes nine tenths, or
    half and a score that shows the harm.
    """
    harmed = exam.patient.score < exam.baseline - 0.03
    layers = [each for each in exam.layers if each.saturated > (0.5 if harmed else 0.9)]
    if layers:
        place = exam.patient.place
        worst = max(layers, key=lambda each: each.saturated)
        where = ranges_text([each.number for each in layers])
        yield Finding(
            "saturated units",
            80.0 + worst.saturated,
            f"{place}{'s' * (len(layers) > 1)} {where}",
            f"{worst.saturated:.0%} of the activations of {place} {worst.number} are at the flat "
            f"ends of {worst.activation}, where its slope is below 1 % of the steepest",
            "raise alpha, scale the inputs if they are not, or use activation='relu'",
        )


def exploding(exam: Examination) -> Iterator[Finding]:
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


def vanishing(exam: Examination) -> Iterator[Finding]:
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


def rank(exam: Examination) -> Iterator[Finding]:
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
