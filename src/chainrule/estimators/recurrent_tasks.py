"""What recurrent networks are for: classes, or numbers and forecasts."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array, Program
from chainrule.estimators.base import is_stochastic
from chainrule.estimators.decorators import available_if, parameters_checked
from chainrule.estimators.fit_task import fit_method
from chainrule.estimators.hints import ArrayLike, Outputs, SequencesLike, ValidationSequences
from chainrule.estimators.parameters import CLASSIFIER_LOSSES, TRAINING_CONSTRAINTS
from chainrule.estimators.quantiles import REGRESSION_CONSTRAINTS, RegressionTargets
from chainrule.estimators.recurrent_base import BaseRecurrent
from chainrule.estimators.sequences import Sequences, is_one_series
from chainrule.estimators.step_targets import StepTargets
from chainrule.estimators.targets import ClassTargets, has_probabilities
from chainrule.networks.losses import Loss, classification_loss
from chainrule.networks.recurrent import RecurrentNetwork

__all__ = [
    "CLASSIFIER_CONSTRAINTS",
    "REGRESSOR_CONSTRAINTS",
    "RecurrentClassifier",
    "RecurrentRegressor",
]

_NOT_OF_LAYERS = ("hidden_layer_sizes", "activation")

RECURRENT_CONSTRAINTS: dict[str, list[Any]] = {
    **{name: kinds for name, kinds in TRAINING_CONSTRAINTS.items() if name not in _NOT_OF_LAYERS},
    "hidden_size": [Interval(Integral, 1, None, closed="left")],
    "num_layers": [Interval(Integral, 1, None, closed="left")],
    "bidirectional": ["boolean"],
    "output": [StrOptions({"last", "mean", "max", "each"})],
    "truncation": [Interval(Integral, 1, None, closed="left"), None],
}

CLASSIFIER_CONSTRAINTS: dict[str, list[Any]] = {**RECURRENT_CONSTRAINTS, **CLASSIFIER_LOSSES}

REGRESSOR_CONSTRAINTS: dict[str, list[Any]] = {
    **RECURRENT_CONSTRAINTS,
    **REGRESSION_CONSTRAINTS,
}


class RecurrentClassifier(StepTargets, ClassTargets, BaseRecurrent):
    """A recurrent network whose outputs are classes."""

    _learned = (*BaseRecurrent._learned, *ClassTargets._learned_of_classes)

    @fit_method
    def fit(
        self,
        X: SequencesLike,
        y: SequencesLike,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationSequences | None = None,
    ) -> Self:
        """Learn from labelled sequences.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features), or list
            A list holds sequences of shape (n_timesteps_i, n_features), of any lengths. An array
            of shape (n_samples, n_timesteps) holds univariate sequences.
        y : array-like of shape (n_samples,)
            The class of each sequence. With ``output="each"`` the class of each step:
            (n_samples, n_timesteps), or a list of arrays of shape (n_timesteps_i,).
        sample_weight : array-like of shape (n_samples,), optional
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Sequences to measure loss and score on after each epoch; with ``early_stopping`` they
            decide when to stop, and none of X are held out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a sequence has no steps, other features than the first, NaN or infinity.
        NonFiniteLossError
            If a loss becomes NaN or infinite: it names the operation where that happened.
        """
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(is_stochastic)
    @parameters_checked
    def partial_fit(
        self,
        X: SequencesLike,
        y: SequencesLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        validation_data: ValidationSequences | None = None,
    ) -> Self:
        """Train for one epoch on some more sequences.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.
        classes : array-like of shape (n_classes,), optional
            All labels there will ever be; needed in the first call.
        validation_data : optional
            As for :meth:`fit`. With ``early_stopping``, a call that is the last of
            ``n_iter_no_change`` without progress puts back the best weights, and later calls
            change nothing.

        Returns
        -------
        self
        """
        self._learn_all_classes(y, classes)
        return self._fit(X, y, sample_weight, validation_data, incremental=True)

    def predict(self, X: SequencesLike) -> Outputs:
        """The most probable class of each sequence; with ``output="each"`` of each step.

        Parameters
        ----------
        X : sequences
            As for :meth:`fit`.

        Returns
        -------
        array of shape (n_samples,), or (n_samples, n_timesteps); or a list, if X is one
            Of several labels, with an axis of them at the end.
        """
        outputs, sequences = self._outputs(X)
        if not self._each_step:
            return self._labels(outputs)
        labels = self._labels(outputs.reshape(-1, outputs.shape[-1]))
        # Of several labels, each step has some.
        labels = labels.reshape(*outputs.shape[:2], *labels.shape[1:])
        return self._given_back(labels, sequences)

    @available_if(has_probabilities)
    def predict_proba(self, X: SequencesLike) -> Outputs:
        """The probability of each class.

        Parameters
        ----------
        X : sequences
            As for :meth:`fit`.

        Returns
        -------
        array of shape (n_samples, n_classes), or (n_samples, n_timesteps, n_classes)
            With ``output="each"`` and X a list: a list of arrays.
        """
        outputs, sequences = self._outputs(X)
        return self._of_columns(self._probabilities, outputs, sequences)

    @available_if(has_probabilities)
    def predict_log_proba(self, X: SequencesLike) -> Outputs:
        """The logarithm of the probabilities, also of those too small for ``predict_proba``.

        Parameters
        ----------
        X : sequences
            As for :meth:`fit`.

        Returns
        -------
        array of shape (n_samples, n_classes), or (n_samples, n_timesteps, n_classes)
            With ``output="each"`` and X a list: a list of arrays.
        """
        raw, sequences = self._outputs(X, activated=False)
        return self._of_columns(self._log_probabilities, raw, sequences)

    def _of_columns(
        self, function: Callable[[Array], Array], outputs: Array, sequences: Sequences
    ) -> Outputs:
        values = function(outputs.reshape(-1, outputs.shape[-1]))
        values = values.reshape(*outputs.shape[:-1], values.shape[-1])
        return self._given_back(values, sequences)

    def _learn_targets(self, y: Any, incremental: bool) -> None:
        self._learn_classes(y, incremental)

    def _row_loss(self) -> Loss:
        return classification_loss(self.loss, self._label_binarizer.y_type_ == "multiclass")

    def _row_weights(self, sample_weight: Any, X: Any, Y: Array) -> Array | None:
        if self._each_step and self.class_weight is not None:
            raise ValueError(
                "class_weight gives each sequence a weight by its class, and with output='each' "
                "its steps may have several: use sample_weight."
            )
        return super()._row_weights(sample_weight, X, Y)


class RecurrentRegressor(StepTargets, RegressionTargets, BaseRecurrent):
    """A recurrent network whose outputs are numbers."""

    _learned = (*BaseRecurrent._learned, *RegressionTargets._learned_of_numbers)

    @fit_method
    def fit(
        self,
        X: SequencesLike,
        y: SequencesLike | None = None,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationSequences | None = None,
    ) -> Self:
        """Learn from sequences with targets, or to go on with series.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps, n_features), or list
            A list holds sequences of shape (n_timesteps_i, n_features), of any lengths. An array
            of shape (n_samples, n_timesteps) holds univariate sequences, and one of shape
            (n_timesteps,) is a single series.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            A target for each sequence. With ``output="each"`` for each step: (n_samples,
            n_timesteps) or (n_samples, n_timesteps, n_outputs), or a list of arrays. Without y
            the network learns, at each step, the values of the next one; see :meth:`forecast`.
        sample_weight : array-like of shape (n_samples,), optional
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Sequences to measure loss and score on after each epoch; with ``early_stopping`` they
            decide when to stop, and none of X are held out. ``(X,)`` if there is no y.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a sequence has no steps, other features than the first, NaN or infinity.
        NonFiniteLossError
            If a loss becomes NaN or infinite: it names the operation where that happened.
        """
        return self._fit(X, y, sample_weight, validation_data)

    @available_if(is_stochastic)
    @parameters_checked
    def partial_fit(
        self,
        X: SequencesLike,
        y: SequencesLike | None = None,
        sample_weight: ArrayLike | None = None,
        validation_data: ValidationSequences | None = None,
    ) -> Self:
        """Train for one epoch on some more sequences.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.
        validation_data : optional
            As for :meth:`fit`. With ``early_stopping``, a call that is the last of
            ``n_iter_no_change`` without progress puts back the best weights, and later calls
            change nothing.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, validation_data, incremental=True)

    def predict(self, X: SequencesLike) -> Outputs:
        """The target of each sequence; with ``output="each"``, or without y, of each step.

        Parameters
        ----------
        X : sequences
            As for :meth:`fit`.

        Returns
        -------
        array
            Of shape (n_samples,) or (n_samples, n_outputs); for each step (n_samples,
            n_timesteps) or (n_samples, n_timesteps, n_outputs), as a list if X is one. A model
            fitted without y gives, at each step, the values it expects at the next; of a single
            series, given as an array of shape (n_timesteps,), (n_timesteps,).
        """
        outputs, sequences = self._outputs(X)
        outputs = self._predicted(outputs)
        if outputs.shape[-1] == 1:
            outputs = outputs[..., 0]
        if self._is_forecaster and is_one_series(X):
            return outputs[0]
        return self._given_back(outputs, sequences)

    def forecast(self, horizon: int, X: SequencesLike | None = None) -> Array:
        """Go on with series for some steps, each predicted from those before.

        Parameters
        ----------
        horizon : int
            The number of steps.
        X : sequences, optional
            The series to go on with; by default those of the fit, which a saved model has not.

        Returns
        -------
        array of shape (n_samples, horizon, n_features)
            Of univariate series (n_samples, horizon), and of a single one, given as an array of
            shape (n_timesteps,), (horizon,).

        Raises
        ------
        ValueError
            If the model was fitted with targets, or no series are at hand.
        """
        check_is_fitted(self)
        if not self._is_forecaster:
            raise ValueError(
                "forecast goes on with series, but this model was fitted to targets of its own: "
                "fit it without y, and it learns to predict each next step."
            )
        if not isinstance(horizon, Integral) or isinstance(horizon, bool) or horizon < 1:
            raise ValueError(f"horizon must be a number of steps, at least 1, but got {horizon!r}.")
        if X is None and not hasattr(self, "_series_of_fit"):
            raise ValueError("A saved model does not hold the series of its fit: give X.")
        series, single = self._series_of_fit if X is None else self._with_form(X, reset=False)
        reader, network = self._network.continuing(masked=True), self._network.continuing()
        dtype, parameters = series.values.dtype, self._parameters

        def ahead(network: RecurrentNetwork) -> Program:
            value = network.prediction(network.raw_output())
            return Program((*network.inputs, *network.parameters), (value, *network.last_states()))

        read = self._compiled(("ahead", reader), dtype, lambda: ahead(reader))
        go_on = self._compiled(("ahead", network), dtype, lambda: ahead(network))
        states = [np.zeros((len(series), network.hidden_size), dtype) for _ in network.start]
        value, *states = read(series.values, series.mask, *states, *parameters)
        values = [value]
        for _ in range(int(horizon) - 1):
            value, *states = go_on(value[:, np.newaxis], *states, *parameters)
            values.append(value)
        result = np.stack(values, axis=1)
        result = result[..., 0] if result.shape[2] == 1 else result
        return result[0] if single else result

    def _with_form(self, X: Any, reset: bool) -> tuple[Sequences, bool]:
        """Series, and whether they are a single one, given as a row of numbers."""
        return self._series(X, reset), is_one_series(X)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: Any = None,
        incremental: bool = False,
    ) -> Self:
        super()._fit(X, y, sample_weight, validation_data, incremental)
        if self._is_forecaster:
            self._series_of_fit = self._with_form(X, reset=False)
        return self

    def _learn_targets(self, y: Any, incremental: bool) -> None:
        self._learn_quantiles()
        if self._is_forecaster and self._n_quantiles > 1:
            raise ValueError(
                f"Without y the network learns one value of each next step, but quantile="
                f"{self.quantile!r} asks for several: give y, or one quantile."
            )

    def _quantiles_of(self, X: Any) -> Outputs:
        outputs, sequences = self._outputs(X)
        quantiles = self._by_quantile(outputs)
        quantiles = quantiles[..., 0, :] if quantiles.shape[-2] == 1 else quantiles
        return self._given_back(quantiles, sequences)
