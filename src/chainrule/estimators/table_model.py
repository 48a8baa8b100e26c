"""An estimator together with the table it learned from: which columns, and how encoded."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import r2_score

from chainrule.datasets.features import Feature, encode, encoded_names
from chainrule.datasets.frames import Frame
from chainrule.datasets.read import read_table
from chainrule.datasets.table import Table
from chainrule.datasets.targets import Target, choose_target, read_target
from chainrule.engines.base import FloatType
from chainrule.errors import DataError, FileError
from chainrule.estimators.exporting import write_onnx
from chainrule.estimators.saving import describe_estimator
from chainrule.exchange.sources import encoded_columns
from chainrule.files.model_file import write_model_file

if TYPE_CHECKING:
    from onnx import ModelProto

    from chainrule.doctor.diagnosis import Diagnosis
    from chainrule.explain.derivation import Derivation

__all__ = ["TableModel", "measure"]


class TableModel:
    """An estimator that reads tables with named columns.

    ``chainrule fit`` makes and saves one; :func:`chainrule.load` reads it.

    Parameters
    ----------
    estimator : fitted estimator
    features : tuple of Feature
        The columns it learned from: kinds, means and scales, categories, fills.
    target : Target
        The column it predicts.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.datasets.features import Feature
    >>> from chainrule.datasets.targets import Target
    >>> line = cr.LinearRegression().fit([[0.0], [1.0]], [3.0, 5.0])
    >>> price = TableModel(line, (Feature("bmi", "number"),), Target("price", "regression"))
    >>> price
    <TableModel: LinearRegression predicts 'price' from 'bmi'>
    >>> price.predict("diabetes").shape
    (442,)
    """

    def __init__(self, estimator: Any, features: tuple[Feature, ...], target: Target) -> None:
        self.estimator = estimator
        self.features = features
        self.target = target

    def __repr__(self) -> str:
        names = ", ".join(repr(feature.name) for feature in self.features[:5])
        more = f" and {len(self.features) - 5} more" if len(self.features) > 5 else ""
        learner = type(self.estimator).__name__
        return f"<TableModel: {learner} predicts {self.target.name!r} from {names}{more}>"

    def predict(
        self, table: Table | Frame | str | Path, *, unknown_as_zeros: bool = False
    ) -> npt.NDArray[Any]:
        """The predicted class or value of each row.

        Parameters
        ----------
        table : DataFrame, str, Path or Table
            A DataFrame of pandas or polars, a table of Arrow, the path of a CSV or Parquet file,
            or the name of a built-in data set. Columns go by their names.
        unknown_as_zeros : bool, default=False
            Encode a category that was not there in training as none of those that were,
            instead of refusing it.

        Returns
        -------
        array of shape (n_rows,)

        Raises
        ------
        DataError
            If the table lacks a column, or a value cannot be used; the message says where.
        """
        return self.predict_encoded(self.encoded(table, unknown_as_zeros))

    def predict_encoded(self, X: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """The predicted class or value of rows that are encoded already."""
        predicted = self.estimator.predict(X)
        if self.target.task == "classification":
            return predicted
        return predicted * self.target.scale + self.target.mean

    def predict_proba(
        self, table: Table | Frame | str | Path, *, unknown_as_zeros: bool = False
    ) -> npt.NDArray[Any]:
        """The probability of each class, in the order of ``estimator.classes_``.

        Parameters
        ----------
        table, unknown_as_zeros
            As for :meth:`predict`.

        Returns
        -------
        array of shape (n_rows, n_classes)
        """
        return self.estimator.predict_proba(self.encoded(table, unknown_as_zeros))

    def score(self, table: Table | Frame | str | Path, *, unknown_as_zeros: bool = False) -> float:
        """How good predictions are: the accuracy of classes, R² of values.

        Parameters
        ----------
        table, unknown_as_zeros
            As for :meth:`predict`; the table has the target too.

        Returns
        -------
        float
        """
        table = read_table(table)
        choose_target(table, self.target.name)
        predicted = self.predict(table, unknown_as_zeros=unknown_as_zeros)
        return measure(self.target, read_target(self.target, table), predicted)[1]

    def explain(
        self,
        table: Table | Frame | str | Path,
        row: int = 0,
        parameter: str | None = None,
        *,
        unknown_as_zeros: bool = False,
    ) -> Derivation:
        """Derive the loss of one row of a table by one number of the network.

        Parameters
        ----------
        table, unknown_as_zeros
            As for :meth:`predict`; the table has the target too.
        row : int, default=0
            Counted from 0.
        parameter : str, optional
            As for the estimator's own ``explain``; inputs may be called by their columns, and
            for categories by ``column=category``.

        Returns
        -------
        Derivation

        Raises
        ------
        DataError
            If the table lacks a column or the row, or a value cannot be used.
        FormulaError
            If there is no such parameter; the message lists those that there are.
        """
        table = read_table(table)
        choose_target(table, self.target.name)
        if not 0 <= row < table.n_rows:
            raise DataError(
                f"There is no row {row} in {table.source}: it has {table.n_rows:,} rows, counted "
                f"from 0."
            )
        y = read_target(self.target, table)[row]
        if self.target.task == "regression":
            y = (y - self.target.mean) / self.target.scale
        elif y not in self.estimator.classes_:
            raise DataError(
                f"Row {row} of {table.source} is of class {y!r}, which was not there in training."
            )
        x = self.encoded(table, unknown_as_zeros)[row]
        return self.estimator.explain(x, y, parameter, names=tuple(encoded_names(self.features)))

    def diagnose(
        self, table: Table | Frame | str | Path, *, unknown_as_zeros: bool = False
    ) -> Diagnosis:
        """Look for what is wrong with the fit, on the rows of a table.

        Parameters
        ----------
        table, unknown_as_zeros
            As for :meth:`predict`; the table has the target too.

        Returns
        -------
        Diagnosis

        Raises
        ------
        DataError
            If the table cannot be used, or the estimator is none that can be examined.
        """
        if not hasattr(self.estimator, "diagnose"):
            raise DataError(
                f"{type(self.estimator).__name__} cannot be examined: "
                f"multi-layer perceptrons and recurrent networks can be."
            )
        table = read_table(table)
        choose_target(table, self.target.name)
        y = read_target(self.target, table)
        if self.target.task == "regression":
            y = (y - self.target.mean) / self.target.scale
        elif unknown := sorted(set(y.tolist()) - set(self.estimator.classes_.tolist())):
            raise DataError(
                f"{table.source} has the class {unknown[0]!r}, which was not there in training."
            )
        X = self.encoded(table, unknown_as_zeros)
        return self.estimator.diagnose(X, y, names=encoded_names(self.features))

    def encoded(
        self, table: Table | Frame | str | Path, unknown_as_zeros: bool = False
    ) -> npt.NDArray[np.float64]:
        """The rows as numbers, as the estimator gets them."""
        return encode(self.features, read_table(table), unknown_as_zeros)

    def save(self, path: str | Path) -> None:
        """Save the estimator and the description of its columns in one file.

        Parameters
        ----------
        path : str or Path
            By custom it ends in ``.safetensors``.

        Raises
        ------
        FileError
            If it cannot be written.
        """
        tensors: dict[str, npt.NDArray[Any]] = {}
        description = {
            "model": describe_estimator(self.estimator, tensors),
            "table": {
                "features": [dataclasses.asdict(feature) for feature in self.features],
                "target": dataclasses.asdict(self.target),
            },
        }
        write_model_file(path, description, tensors)

    def to_onnx(
        self,
        path: str | Path | None = None,
        *,
        dtype: FloatType | None = None,
        unknown_as_zeros: bool = False,
    ) -> ModelProto:
        """Write the model as ONNX, with the encoding of its columns.

        Parameters
        ----------
        path : str or Path, optional
            Where to write it; by custom it ends in ``.onnx``. By default nothing is written.
        dtype : {"float32", "float64"}, optional
            The precision of the network; by default that of its weights.
        unknown_as_zeros : bool, default=False
            Encode a category that was not there in training as none of those that were. If
            False, a runtime that meets one fails.

        Returns
        -------
        onnx.ModelProto
            It reads each column under its name, (rows, 1): numbers as float64, categories as
            text, without blanks around it. Where the model fills in missing values, these are NaN
            and the empty text. It gives what the estimator's own ``to_onnx`` gives; values
            are in the units of the table, and ``label`` is text.

        Raises
        ------
        ChainruleError
            If the package onnx is not installed.
        GraphError
            If ``dtype`` is unknown.
        FileError
            If the file cannot be written, or cannot hold the model.
        """
        exported = self.estimator._exported()
        (X,), outputs = exported.inputs, dict(exported.outputs)
        if self.target.task == "regression":
            for name, each in outputs.items():
                value = each.node * self.target.scale + self.target.mean
                outputs[name] = dataclasses.replace(each, node=value)
        columns = encoded_columns(self.features, X, unknown_as_zeros)
        exported = dataclasses.replace(exported, outputs=outputs, sources={X: columns})
        kind, names = type(self.estimator).__name__, [each.name for each in self.features]
        return write_onnx(exported, kind, names, path, dtype)

    @classmethod
    def restored(cls, estimator: Any, description: Any) -> TableModel:
        """The model whose file holds this description of a table.

        Raises
        ------
        FileError
            If the description is not sound, or is not that of the estimator's features.
        """
        match description:
            case {"features": list(items), "target": dict(target)}:
                features = tuple(_feature(item) for item in items)
            case _:
                raise FileError("the description of the table is not complete")
        if len(encoded_names(features)) != estimator.n_features_in_:
            raise FileError("the columns described are not as many as the model learned from")
        match target:
            case {
                "name": str(),
                "task": "classification" | "regression" as task,
                "reason": str(),
                "mean": float(mean),
                "scale": float(scale),
                **rest,
            } if (
                not rest
                and math.isfinite(mean)
                and 0 < scale < math.inf
                and (task == "classification") == hasattr(estimator, "classes_")
            ):
                return cls(estimator, features, Target(**target))
        raise FileError("the description of the target is not sound")


def measure(target: Target, y: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> tuple[str, float]:
    """How good predictions are: the name of the measure, and its value."""
    if target.task == "classification":
        return "accuracy", float(np.mean(y == predicted))
    # Of a single row, or equal ones, there is no variance to explain.
    return "R²", float(r2_score(y, predicted)) if len(y) > 1 else math.nan


def _feature(item: Any) -> Feature:
    match item:
        case {
            "name": str(name),
            "kind": "number" | "category" as kind,
            "mean": float(mean),
            "scale": float(scale),
            "categories": list(categories),
            "fill": fill,
            **rest,
        } if not rest and math.isfinite(mean) and 0 < scale < math.inf:
            fits = float if kind == "number" else str
            if all(isinstance(each, str) for each in categories) and (
                fill is None or isinstance(fill, fits)
            ):
                return Feature(name, kind, mean, scale, tuple(categories), fill)
    raise FileError(f"the description of a column is not sound: {str(item)[:60]}")
