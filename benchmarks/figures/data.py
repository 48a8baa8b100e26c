"""Data that several figures are measured on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

Array = npt.NDArray[np.float64]

FIFTH = ("digits/16", "accuracy on a fifth, stratified, split with seed 0")
"""What :func:`digits_and_a_fifth` is for, in words."""


def digits_and_a_fifth() -> tuple[Array, Array, Array, Array]:
    """Rows, the fifth held out, classes, and those of the fifth."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.2, stratify=y, random_state=0)
    return X, X_test, y, y_test
