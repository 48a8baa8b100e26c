"""Networks without memory: perceptrons, layers, radial bases."""

from __future__ import annotations

from chainrule.demonstrations import data, measures, pictures
from chainrule.demonstrations.base import Demonstration

__all__ = ["FEED_FORWARD"]

_TUMOURS = "breast tumours"
_DIGITS = "digits"

FEED_FORWARD = (
    *(
        Demonstration(
            "P",
            _TUMOURS,
            data.tumours,
            estimator,
            {},
            measures.ACCURACY,
            measures.MAJORITY,
            pictures.line_and_ring,
            remark,
            label,
        )
        for estimator, label, remark in (
            (
                "Perceptron",
                "P",
                "A line, moved whenever a tumour is on its wrong side. Where classes overlap it "
                "never comes to rest; no line tells the ring from the rest.",
            ),
            (
                "Adaline",
                "Adaline",
                "A line fitted to −1 and 1 by squared error: it comes to rest also where classes "
                "overlap.",
            ),
            (
                "LogisticRegression",
                "Logistic",
                "A line with a probability on each side, which the tint shows.",
            ),
        )
    ),
    Demonstration(
        "FF",
        "ring 1 ≤ ‖x‖ ≤ 2",
        data.ring,
        "MLPClassifier",
        {"hidden_layer_sizes": (16,), "solver": "lbfgs", "max_iter": 500},
        measures.ACCURACY,
        measures.LOGISTIC,
        pictures.boundaries,
        "One hidden layer bends the line around the ring.",
    ),
    Demonstration(
        "FF",
        _DIGITS,
        data.digits,
        "MLPClassifier",
        {"hidden_layer_sizes": (100,), "learning_rate_init": 0.003, "alpha": 0.01},
        measures.ACCURACY,
        measures.LOGISTIC,
        pictures.misread,
        "The digits that were read wrong, with the answer under each.",
    ),
    Demonstration(
        "RBF",
        "three modes",
        data.three_modes,
        "RBFClassifier",
        {"n_centres": 12, "fine_tune": True},
        measures.ACCURACY,
        measures.LOGISTIC,
        pictures.boundaries,
        "Bumps around twelve centres, moved by gradients to where they serve best.",
    ),
    Demonstration(
        "RBF",
        _DIGITS,
        data.digits,
        "RBFClassifier",
        {"n_centres": 100},
        measures.ACCURACY,
        measures.LOGISTIC,
        pictures.centres,
        "A hundred centres: the means of heaps of similar digits. A digit is told by how near it "
        "is to each.",
    ),
    Demonstration(
        "DFF",
        "parity of 8 pixels",
        data.parity,
        "MLPClassifier",
        {"hidden_layer_sizes": (32, 32), "learning_rate_init": 0.01},
        measures.ACCURACY,
        measures.LOGISTIC,
        pictures.parity,
        "Each pixel changes the answer, so that the probability of “odd” has to jump up and down.",
    ),
    Demonstration(
        "DFF",
        _DIGITS,
        data.digits,
        "MLPClassifier",
        {"hidden_layer_sizes": (128, 64), "dropout": 0.2},
        measures.ACCURACY,
        measures.LOGISTIC,
        pictures.misread,
        "The digits that were read wrong, with the answer under each.",
    ),
)
"""In the order of the chart."""
