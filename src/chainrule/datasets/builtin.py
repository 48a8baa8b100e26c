"""Built-in data: real sets that come with scikit-learn, so that nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.datasets.table import Table

__all__ = ["BUILT_IN", "BuiltIn", "Dataset", "load_dataset", "table_of"]


class Dataset(NamedTuple):
    """Rows, targets and their names.

    Attributes
    ----------
    X : array of shape (n_rows, n_features)
    y : array of shape (n_rows,)
        Class numbers, or values.
    feature_names, target_names : tuple of str
        The second holds the name of each class; it is empty for a regression.
    """

    X: npt.NDArray[np.float64]
    y: npt.NDArray[Any]
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]


@dataclass(frozen=True)
class BuiltIn:
    """One data set.

    Parameters
    ----------
    name : str
    task : {"classification", "regression"}
    target : str
        What is to be predicted.
    description : str
        One line, with the source.
    function : str
        The function of ``sklearn.datasets`` that reads it.
    image_shape : tuple of int, optional
        Height and width, if the rows are images.
    """

    name: str
    task: Literal["classification", "regression"]
    target: str
    description: str
    function: str
    image_shape: tuple[int, int] | None = None

    def load(self) -> Dataset:
        """Read it from scikit-learn's package."""
        # Slow to import, and not needed to list what there is.
        import sklearn.datasets

        function: Callable[[], Any] = getattr(sklearn.datasets, self.function)
        bunch = function()
        names = bunch.target_names if self.task == "classification" else ()
        return Dataset(
            np.asarray(bunch.data, dtype=np.float64),
            np.asarray(bunch.target),
            tuple(str(name) for name in bunch.feature_names),
            tuple(str(name) for name in names),
        )


BUILT_IN = {
    each.name: each
    for each in (
        BuiltIn(
            "digits",
            "classification",
            "digit",
            "1,797 handwritten digits, 8 by 8 pixels (Alpaydin & Kaynak 1998)",
            "load_digits",
            (8, 8),
        ),
        BuiltIn(
            "iris",
            "classification",
            "species",
            "150 iris flowers of 3 species (Anderson 1935, Fisher 1936)",
            "load_iris",
        ),
        BuiltIn(
            "wine",
            "classification",
            "cultivar",
            "178 wines of 3 cultivars, by 13 chemical measurements (Forina 1988)",
            "load_wine",
        ),
        BuiltIn(
            "breast_cancer",
            "classification",
            "diagnosis",
            "569 breast tumours, by 30 measurements of cell nuclei (Wolberg & Street 1993)",
            "load_breast_cancer",
        ),
        BuiltIn(
            "diabetes",
            "regression",
            "progression",
            "442 patients: diabetes a year on, by 10 measurements (Efron et al. 2004)",
            "load_diabetes",
        ),
    )
}


def load_dataset(name: str) -> Dataset:
    """Read a built-in data set.

    Parameters
    ----------
    name : str
        A key of ``BUILT_IN``.

    Returns
    -------
    Dataset

    Examples
    --------
    >>> X, y, feature_names, target_names = load_dataset("iris")
    >>> X.shape, target_names
    ((150, 4), ('setosa', 'versicolor', 'virginica'))
    """
    return BUILT_IN[name].load()


def table_of(name: str) -> Table:
    """A built-in data set as a table: its classes by name, its target the last column."""
    about = BUILT_IN[name]
    X, y, feature_names, target_names = about.load()
    columns: dict[str, npt.NDArray[Any]] = dict(zip(feature_names, X.T, strict=True))
    columns[about.target] = np.array(target_names)[y] if target_names else y.astype(np.float64)
    return Table(name, columns, target=about.target, task=about.task, image_shape=about.image_shape)
