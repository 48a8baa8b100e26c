"""Networks with memory: forecasts, and sequences of any kind."""

from __future__ import annotations

from chainrule.demonstrations import data, measures, pictures
from chainrule.demonstrations.base import Demonstration

__all__ = ["RECURRENT"]


def _sunspots(network: str, learning_rate_init: float) -> Demonstration:
    return Demonstration(
        network,
        "sunspots, next year",
        data.sunspots,
        f"{network}Regressor",
        {
            "hidden_size": 16,
            "truncation": 24,
            "learning_rate_init": learning_rate_init,
            "max_iter": 300,
            "n_iter_no_change": 300,
        },
        measures.ERROR_OVER_VARIANCE,
        measures.AUTOREGRESSION,
        pictures.forecasts,
        "One year ahead, from all years before; and a whole cycle ahead, each year from the "
        "forecast of the last. AR(12) takes each year for a linear function of the twelve before.",
    )


def _digit_rows(network: str) -> Demonstration:
    return Demonstration(
        network,
        "digits, row by row",
        data.digit_rows,
        f"{network}Classifier",
        {"hidden_size": 32, "learning_rate_init": 0.01, "max_iter": 60},
        measures.ACCURACY,
        measures.LOGISTIC,
        pictures.reading,
        "What it makes of a digit after each row of eight pixels.",
    )


RECURRENT = (
    _sunspots("RNN", 0.003),
    _digit_rows("RNN"),
    _sunspots("LSTM", 0.003),
    Demonstration(
        "LSTM",
        "adding 2 of 100",
        data.adding,
        "LSTMRegressor",
        {
            "hidden_size": 16,
            "learning_rate_init": 0.01,
            "batch_size": 50,
            "max_iter": 60,
            "n_iter_no_change": 60,
        },
        measures.ERROR_OF_SUMS,
        measures.ALWAYS_ZERO,
        pictures.sums,
        "Two of a hundred values are marked, and the first has to be kept for up to 99 steps.",
    ),
    _sunspots("GRU", 0.003),
    _digit_rows("GRU"),
)
"""In the order of the chart."""
