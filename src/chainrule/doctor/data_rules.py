"""What is wrong with the rows: features and targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.doctor.examination import Examination
from chainrule.doctor.finding import Finding, feature_text
from chainrule.notation.formula_text import number_text

__all__ = ["duplicated", "imbalance", "label_noise", "unscaled"]


def unscaled(exam: Examination) -> Iterator[Finding]:
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
        feature_text(exam, feature),
        f"its values are about {number_text(size, 2)}, {others}",
        "bring the columns to one scale, with StandardScaler for one",
    )


def duplicated(exam: Examination) -> Iterator[Finding]:
    """Correlated by ±1 but for rounding: one column says nothing that the other does not."""
    pairs = [(a, b, c) for a, b, c in exam.duplicates if not _of_one_column(exam, a, b)]
    if not pairs:
        return
    first, second, related = pairs[0]
    more = len(pairs) - 1
    yield Finding(
        "duplicated column",
        50.0,
        feature_text(exam, second),
        f"it is {feature_text(exam, first)} again (correlation {number_text(related, 6)})"
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


def imbalance(exam: Examination) -> Iterator[Finding]:
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


def label_noise(exam: Examination) -> Iterator[Finding]:
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
