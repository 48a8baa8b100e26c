"""What a fitted recurrent network makes of sequences: outputs, and the states of its layers."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.estimators.hidden import HiddenLayers, chosen_layer
from chainrule.estimators.hints import Outputs, SequencesLike
from chainrule.estimators.sequence_export import SequenceExport, rows_first
from chainrule.estimators.sequence_input import SequenceInput
from chainrule.estimators.sequences import Sequences, unpadded
from chainrule.graph.node import Node
from chainrule.networks.recurrent import RecurrentNetwork

__all__ = ["RecurrentOutputs"]


class RecurrentOutputs(SequenceInput, SequenceExport, HiddenLayers):
    """Evaluates a recurrent network for sequences of any lengths."""

    _network: RecurrentNetwork
    _is_forecaster: bool
    _each_step: bool
    _steps: int

    def hidden_activations(  # type: ignore[override]  # of sequences, where others have rows
        self, X: SequencesLike, layer: int = -1
    ) -> Outputs:
        """The states of a layer at each step.

        Parameters
        ----------
        X : sequences, as ``predict`` takes them
        layer : int, default=-1
            Which recurrent layer, from 0; negative ones count from the last, -1.

        Returns
        -------
        array of shape (n_samples, n_timesteps, n_units), or list of array
            Of each sequence of a list, (its n_timesteps, n_units). In an array, the state after the
            end of a sequence is its last one. The units of both directions stand side by side. An
            LSTM's states are its h.

        Raises
        ------
        NotFittedError
            If there is no network yet.
        ValueError
            If there is no such layer, or X has other features than in ``fit``.

        Examples
        --------
        >>> import chainrule as cr
        >>> import numpy as np
        >>> X = np.random.RandomState(0).normal(size=(20, 7, 2))
        >>> model = cr.GRUClassifier(5, solver="lbfgs", random_state=0)
        >>> model.fit(X, X.sum(axis=(1, 2)) > 0).hidden_activations(X).shape
        (20, 7, 5)
        """
        sequences = self._sequences_to_predict(X)
        place = chosen_layer(layer, len(self._describe_hidden()[1]))
        states = self._hidden_values((sequences.values, sequences.mask), place)
        return unpadded(states, sequences.lengths) if sequences.listed else states

    def _describe_output(self, activated: bool) -> tuple[tuple[Node, ...], Node]:
        network = self._used_as
        output = network.raw_output()
        if activated:
            output = network.prediction(output)
        return network.inputs, rows_first(output)

    def _describe_hidden(self) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
        network = self._used_as
        return network.inputs, tuple(map(rows_first, network.states_of_layers()))

    def _outputs(self, X: Any, activated: bool = True) -> tuple[Array, Sequences]:
        """The outputs for each sequence, or each step of it, and the sequences."""
        sequences = self._sequences_to_predict(X)
        outputs = self._evaluate(sequences.values, sequences.mask, activated=activated)
        return outputs, sequences

    def _sequences_to_predict(self, X: Any) -> Sequences:
        """Checked sequences."""
        check_is_fitted(self)
        read = self._series if self._is_forecaster else lambda *given: self._sequences(*given)[0]
        sequences = read(X, False)
        self._steps = sequences.values.shape[1]
        return sequences

    def _given_back(self, values: Array, sequences: Sequences) -> Outputs:
        """Values of each sequence, or of each step, in the form in which sequences were given."""
        if not self._each_step or not sequences.listed:
            return values
        return unpadded(values, sequences.lengths)
