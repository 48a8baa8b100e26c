"""Recurrent networks as ONNX: sequences that are all complete, or padded at their end."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from sklearn.utils.validation import check_is_fitted

import chainrule.graph.functions as fn
from chainrule.engines.base import FloatType
from chainrule.estimators.evaluating import EvaluatingEstimator
from chainrule.estimators.exporting import write_onnx
from chainrule.exchange.onnx_model import Exported, Source
from chainrule.exchange.sources import mask_of_lengths, univariate
from chainrule.graph.node import Node
from chainrule.networks.recurrent import RecurrentNetwork

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["SequenceExport", "rows_first"]


class SequenceExport(EvaluatingEstimator):
    """``to_onnx`` of an estimator whose inputs are sequences."""

    _network: RecurrentNetwork
    _is_table: bool

    def to_onnx(
        self,
        path: str | Path | None = None,
        *,
        dtype: FloatType | None = None,
        lengths: bool = False,
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
        lengths : bool, default=False
            Whether sequences of several lengths are read side by side, padded at their end with
            any finite numbers: the model then has a second input, ``lengths``, int64 of shape
            (rows,), with the steps of each, at least 1.

        Returns
        -------
        onnx.ModelProto
            ``.SerializeToString()`` gives the bytes of the file. It reads ``X``, (rows, time,
            features), or (rows, time) where it was fitted to a table; and gives, for each row,
            what other models give: ``label`` and ``probabilities`` or ``scores``, or ``variable``.
            With an output at each step, they have the axis time after that of rows, and mean
            nothing after the end of a sequence. A model fitted without y gives the values that it
            expects at each next step.

        Raises
        ------
        NotFittedError
            If there is nothing to write yet.
        ChainruleError
            If the package onnx is not installed: ``pip install 'chainrule[onnx]'``.
        GraphError
            If ``dtype`` is unknown.
        FileError
            If the file cannot be written, or cannot hold the model.

        Examples
        --------
        >>> import numpy as np
        >>> import chainrule as cr
        >>> X = np.random.default_rng(0).normal(size=(50, 6, 2))
        >>> model = cr.GRURegressor(4, tol=0.1, random_state=0).fit(X, X[:, 0, 0])
        >>> [each.name for each in model.to_onnx(lengths=True).graph.input]
        ['X', 'lengths']
        """
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", ())
        return write_onnx(self._exported(lengths), type(self).__name__, names, path, dtype)

    def _exported(self, lengths: bool = False) -> Exported:
        network = self._used_as if lengths else self._network
        sources: dict[Node, Source] = {network.mask: mask_of_lengths}
        if self._is_table:
            sources[network.X] = univariate(network.X)
        return Exported(
            network.inputs,
            dict(zip(network.parameters, self._parameters, strict=True)),
            self._exported_outputs(rows_first(network.prediction(network.raw_output()))),
            sources,
        )

    @property
    def _used_as(self) -> RecurrentNetwork:
        """The network as it predicts: for sequences of any lengths, side by side."""
        return dataclasses.replace(self._network, masked=True)


def rows_first(output: Node) -> Node:
    """An output at each step, (time, rows, outputs), with rows first."""
    return fn.transpose(output, (1, 0, 2)) if output.rank == 3 else output
