"""Real sequences: sunspots, and three sets of the UCR and UEA archives that aeon brings along."""

from __future__ import annotations

from importlib import resources
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError

__all__ = [
    "LabelledSequences",
    "load_basic_motions",
    "load_italy_power_demand",
    "load_japanese_vowels",
    "load_sunspots",
]

Split = Literal["train", "test"]


class LabelledSequences(NamedTuple):
    """Sequences and the class of each.

    Attributes
    ----------
    X : list of array of shape (n_timesteps_i, n_features)
    y : array of str, of shape (n_samples,)
    """

    X: list[npt.NDArray[np.float64]]
    y: npt.NDArray[np.str_]


def load_sunspots() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The yearly mean number of sunspots from 1700 to 2008 (SIDC, public domain).

    Returns
    -------
    years : array of int64, of shape (309,)
    numbers : array of shape (309,)

    Examples
    --------
    >>> years, numbers = load_sunspots()
    >>> years[[0, -1]], numbers[:3]
    (array([1700, 2008]), array([ 5., 11., 16.]))
    """
    text = resources.files("chainrule.datasets").joinpath("sunspots.csv").read_text("utf-8")
    table = np.loadtxt(text.splitlines(), delimiter=",", skiprows=1)
    return table[:, 0].astype(np.int64), table[:, 1]


def load_japanese_vowels(split: Split) -> LabelledSequences:
    """Two vowels said by nine speakers: 12 coefficients of 7 to 29 frames; who is speaking?

    Parameters
    ----------
    split : {"train", "test"}
        270 and 370 recordings.

    Raises
    ------
    DataError
        If aeon, which brings the data, is not installed.

    References
    ----------
    Kudo, Toyama & Shimbo, "Multidimensional curve classification using passing-through
    regions", 1999.
    """
    return _from_aeon("load_japanese_vowels", split)


def load_italy_power_demand(split: Split) -> LabelledSequences:
    """The electric power of Italy in 24 hours of a day: winter, or summer?

    Parameters
    ----------
    split : {"train", "test"}
        67 and 1,029 days.

    Raises
    ------
    DataError
        If aeon, which brings the data, is not installed.

    References
    ----------
    Keogh et al., "Intelligent icons: integrating lite-weight data mining and visualization into
    GUI operating systems", 2006.
    """
    return _from_aeon("load_italy_power_demand", split)


def load_basic_motions(split: Split) -> LabelledSequences:
    """Ten seconds of a smart watch's six sensors: standing, walking, running or badminton?

    Parameters
    ----------
    split : {"train", "test"}
        40 recordings each.

    Raises
    ------
    DataError
        If aeon, which brings the data, is not installed.

    References
    ----------
    Bagnall et al., "The UEA multivariate time series classification archive", 2018.
    """
    return _from_aeon("load_basic_motions", split)


def _from_aeon(function: str, split: Split) -> LabelledSequences:
    try:
        import aeon.datasets
    except ImportError:
        raise DataError(
            "These sequences come with aeon, which is not installed: pip install aeon."
        ) from None
    X, y = getattr(aeon.datasets, function)(split=split)
    # aeon has time last.
    return LabelledSequences(
        [np.ascontiguousarray(np.asarray(each).T) for each in X], np.asarray(y)
    )
