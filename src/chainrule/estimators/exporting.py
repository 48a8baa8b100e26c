"""``model.to_onnx``: a fitted estimator for runtimes that know nothing of chainrule."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array, FloatType
from chainrule.errors import FileError, GraphError
from chainrule.estimators.compiled import float_type
from chainrule.exchange.onnx_model import Exported, Value, onnx_model
from chainrule.files.whole import write_whole
from chainrule.networks.linear import LinearModel

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["Exportable", "LinearExport", "write_onnx"]


class Exportable:
    """An estimator that can be written as ONNX. A subclass says what of it is written."""

    @abstractmethod
    def _exported(self) -> Exported:
        """What the fitted network reads, has learned, and gives."""

    def to_onnx(
        self, path: str | Path | None = None, *, dtype: FloatType | None = None
    ) -> ModelProto:
        """Write the fitted model as ONNX, for other languages, browsers and small devices.

        Parameters
        ----------
        path : str or Path, optional
            Where to write it; by custom it ends in ``.onnx``. A file there is replaced once the
            new one is complete. By default nothing is written.
        dtype : {"float32", "float64"}, optional
            The precision of inputs, weights and outputs; by default that of the weights. Not
            every runtime has double precision.

        Returns
        -------
        onnx.ModelProto
            ``.SerializeToString()`` gives the bytes of the file. It reads ``X``, (rows, features),
            with any number of rows.

            A classifier gives ``label``, of int64 or text, for several labels 0 and 1 for each;
            and ``probabilities``, as ``predict_proba``, or else ``scores``, the outputs whose
            sign or largest decides: (rows, classes), and (rows, 1) for two classes. A regressor
            gives ``variable``, (rows, outputs), and where it has learned several quantiles,
            ``quantiles``, (rows, outputs, quantiles); an auto encoder ``reconstruction`` and
            ``code``.

        Raises
        ------
        NotFittedError
            If there is nothing to write yet.
        ChainruleError
            If the package onnx is not installed: ``pip install 'chainrule[onnx]'``.
        GraphError
            If the network has an operation that ONNX has nothing for, or ``dtype`` is unknown.
        FileError
            If the file cannot be written, or cannot hold the model.

        Notes
        -----
        Of operators, those of version 17 are used (2022). What is written is the graph that
        predicts here: dropout, noise and the loss are not in it. The metadata have the kind of
        estimator, and ``feature_names`` as JSON where they are known.

        Examples
        --------
        >>> import chainrule as cr
        >>> line = cr.LinearRegression().fit([[0.0], [1.0]], [3.0, 5.0])
        >>> model = line.to_onnx()
        >>> [each.name for each in model.graph.input], [each.name for each in model.graph.output]
        (['X'], ['variable'])
        """
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", ())
        return write_onnx(self._exported(), type(self).__name__, names, path, dtype)


class LinearExport(Exportable):
    """The same for X·coef_ᵀ + intercept_."""

    coef_: Array
    intercept_: Array | float

    def _exported(self) -> Exported:
        w = np.atleast_2d(self.coef_).T
        model = LinearModel(*w.shape)
        b = np.broadcast_to(self.intercept_, w.shape[1:])
        parameters = dict(zip(model.parameters, (w, b), strict=True))
        return Exported((model.X,), parameters, {"variable": Value(model.output)})


def write_onnx(
    exported: Exported,
    kind: str,
    feature_names: Sequence[str],
    path: str | Path | None,
    dtype: FloatType | None,
) -> ModelProto:
    """The ONNX model of a network, written to a file where one is named."""
    if path is not None and not isinstance(path, (str, PathLike)):
        raise FileError(
            f"path must be the name of a file, as str or Path, but got {type(path).__name__}: "
            f"to_onnx('model.onnx') for one."
        )
    if dtype is None:
        dtype = float_type(next(iter(exported.parameters.values())).dtype)
    elif dtype not in ("float32", "float64"):
        raise GraphError(f"dtype must be 'float32' or 'float64', but got {dtype!r}.")
    model = onnx_model(exported, dtype, kind, feature_names)
    if path is not None:
        write_whole(path, model.SerializeToString())
    return model
