"""What the multi-layer perceptron's classifier and regressor share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule.engines.base import Array
from chainrule.errors import FileError, NonFiniteLossError
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.diagnosing import Diagnosable
from chainrule.estimators.explaining import Explainable
from chainrule.estimators.matrices import NetworkMatrices
from chainrule.estimators.parameters import TRAINING_CONSTRAINTS
from chainrule.estimators.saving import Savable, require_numbers
from chainrule.networks.activations import ACTIVATIONS, OUTPUT_ACTIVATIONS
from chainrule.networks.losses import Loss
from chainrule.networks.mlp import MLP
from chainrule.training.history import History
from chainrule.training.loop import Progress

__all__ = ["BaseMLP"]


class BaseMLP(NetworkMatrices, Diagnosable, Explainable, Savable, NetworkEstimator):
    """What the classifier and the regressor share."""

    _parameter_constraints: dict[str, list[Any]] = TRAINING_CONSTRAINTS
    _learned: ClassVar[tuple[str, ...]] = (
        "best_loss_",
        "best_validation_score_",
        "coefs_",
        "feature_names_in_",
        "history_",
        "intercepts_",
        "loss_",
        "loss_curve_",
        "n_features_in_",
        "n_iter_",
        "out_activation_",
        "t_",
        "validation_scores_",
        "_activation",
    )

    @abstractmethod
    def _validate_input(self, X, y, incremental, reset):
        """X, and y as columns of numbers, one for each output."""

    @abstractmethod
    def _columns(self, y, dtype):
        """Targets as columns of numbers, one for each output."""

    @abstractmethod
    def _row_loss(self) -> Loss:
        """The loss that the parameters ask for."""

    def _store(self, parameters: Mapping[str, Any]) -> None:
        """Keep what ``__init__`` was called with, and nothing more."""
        for name in self._get_param_names():
            setattr(self, name, parameters[name])

    def _validate_params(self) -> None:
        super()._validate_params()
        for each in self.callbacks or ():
            if not callable(each):
                raise InvalidParameterError(
                    f"The 'callbacks' parameter of {type(self).__name__} must hold functions or "
                    f"other callables. Got {each!r} in it instead."
                )

    @property
    def _parameters(self) -> list[Array]:
        return [*self.coefs_, *self.intercepts_]

    @_parameters.setter
    def _parameters(self, parameters: list[Array]) -> None:
        half = len(parameters) // 2
        self.coefs_, self.intercepts_ = parameters[:half], parameters[half:]

    def _fit(self, X, y, sample_weight=None, validation_data=None, incremental=False):
        hidden = _hidden_sizes(self.hidden_layer_sizes)
        fresh = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, Y = self._validate_input(X, y, incremental, reset=fresh)
        data = [X, Y]
        weights = self._row_weights(sample_weight, X, Y)
        if weights is not None:
            data.append(weights)
        held_out = None
        if validation_data is not None:
            held_out = self._held_out(validation_data, X.dtype, Y.shape[1])
        loss = self._row_loss()
        network = MLP(
            (X.shape[1], *hidden, Y.shape[1]),
            self.activation,
            loss.output_activation,
            float(self.dropout),
        )
        self._random_state = check_random_state(self.random_state)
        self._start(network, X.dtype, fresh)
        # Updated in place, so they must not be the read-only ones of a memory-mapped file.
        self._parameters = [np.require(each, X.dtype, ["C", "W"]) for each in self._parameters]
        try:
            if self.solver == "lbfgs":
                self._parameters = self._fit_lbfgs(loss, data, held_out)
            else:
                self._fit_epochs(loss, data, held_out, incremental)
        except NonFiniteLossError as error:
            raise error.with_names(getattr(self, "feature_names_in_", ())) from None
        if not all(np.isfinite(each).all() for each in self._parameters):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )
        return self

    def _validate_rows(self, X, y, dtype, reset, **options) -> tuple[Array, Array]:
        """Checked rows, dense, in the order of C: nothing is copied if they are so already."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=dtype,
            order="C",
            reset=reset,
            **options,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X.toarray(order="C") if sparse.issparse(X) else X, y

    def _row_weights(self, sample_weight, X, Y) -> Array | None:
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)

    def _start(self, network: MLP, dtype: Any, fresh: bool) -> None:
        """First weights, or a check that the network is still that of the fit before."""
        if not fresh and network.layer_sizes != self._network.layer_sizes:
            raise ValueError(
                f"Training goes on from layers of sizes {self._network.layer_sizes}, but now "
                f"{network.layer_sizes} are asked for: fit with warm_start=False first."
            )
        if network != getattr(self, "_network", network):
            self._built = {}  # programs of another network would only fill memory
        self._network = network
        self.n_outputs_ = network.layer_sizes[-1]
        self._activation = network.activation  # the parameter may be set to another one
        self.out_activation_ = network.output_activation
        if fresh:
            self.n_layers_ = len(network.layer_sizes)
            self.coefs_, self.intercepts_ = network.initial_parameters(self._random_state, dtype)
            self.n_iter_ = self.t_ = 0
            self._memory = None
            self._progress = Progress(float(self.learning_rate_init))

    def _held_out(self, validation_data, dtype, n_outputs) -> list[Array]:
        """The rows of ``validation_data`` in the form of the training data."""
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ValueError(
                "validation_data must be (X, y) or (X, y, sample_weight), but got "
                f"{type(validation_data).__name__}."
            )
        X, y, *weight = validation_data
        X, y = self._validate_rows(X, y, dtype, reset=False)
        self._check_held_out(y)
        held_out = [X, self._columns(y, dtype)]
        if held_out[1].shape[1] != n_outputs:
            raise ValueError(
                f"The y of validation_data has {held_out[1].shape[1]} outputs, but that of the "
                f"training data has {n_outputs}."
            )
        if weight and weight[0] is not None:
            held_out.append(
                _check_sample_weight(weight[0], X, dtype=dtype, ensure_non_negative=True)
            )
        return held_out

    def _check_held_out(self, y: Array, name: str = "The y of validation_data") -> None:
        """Refuse a y that the training data could not have; ``name`` is what it is called."""
        return

    def _restore(self) -> None:
        sizes = (self.coefs_[0].shape[0], *(len(biases) for biases in self.intercepts_))
        dtype = self.coefs_[0].dtype
        for k, (weights, biases) in enumerate(zip(self.coefs_, self.intercepts_, strict=True)):
            require_numbers(weights, sizes[k : k + 2], f"W{k + 1}", dtype)
            require_numbers(biases, sizes[k + 1 : k + 2], f"b{k + 1}", dtype)
        if sizes[0] != self.n_features_in_:
            raise FileError(f"W1 is for {sizes[0]} columns, not {self.n_features_in_}")
        self.history_ = History(self.history_)
        self._progress = Progress(
            float(self.learning_rate_init),
            losses=list(getattr(self, "loss_curve_", ())),
            scores=list(getattr(self, "validation_scores_", None) or ()),
            history=self.history_,
        )
        self._memory = None
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        hidden, output = self._activation, self.out_activation_
        if hidden not in ACTIVATIONS or output not in OUTPUT_ACTIVATIONS:
            raise FileError(f"the activations {hidden!r} and {output!r} are not both known")
        self._network = MLP(sizes, hidden, output, float(self.dropout))

    def _examined_rows(self, X, y):
        X, y = self._validate_rows(X, y, np.float64, reset=False)
        self._check_held_out(y, "y")
        return X, self._columns(y, np.float64)

    def _target_row(self, y):
        columns = self._columns(self._one_target(y), np.float64)
        if columns.shape != (1, self.n_outputs_) or not np.isfinite(columns).all():
            raise ValueError(f"y must be the target of one row, as fit takes it, but got {y!r}.")
        return columns

    @abstractmethod
    def _one_target(self, y):
        """A target of one row as one of several rows; ValueError if it cannot be one."""

    def _trained_network(self, x, y):
        from chainrule.estimators.trained_networks import trained_mlp

        return trained_mlp(self, x, y)

    def _outputs(self, X, activated=True) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return self._evaluate(X, activated)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _hidden_sizes(given: Any) -> list[int]:
    """The units of each hidden layer."""
    sizes = list(given) if hasattr(given, "__iter__") else [given]
    for size in sizes:
        if not isinstance(size, Integral) or isinstance(size, bool):
            raise ValueError(
                f"hidden_layer_sizes must hold whole numbers, but got {size!r}: give the units "
                f"of each hidden layer, such as (100,) for one or (100, 50) for two."
            )
    hidden = [int(size) for size in sizes]
    if any(size <= 0 for size in hidden):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, got {hidden}: leave out layers without units; () "
            f"is a network without hidden layers."
        )
    return hidden
