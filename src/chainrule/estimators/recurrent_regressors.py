"""Recurrent regressors: plain, long short-term memory, gated recurrent units."""

from __future__ import annotations

from typing import Any, Literal

from sklearn.utils._param_validation import StrOptions

from chainrule.estimators.hints import (
    ArrayLike,
    BatchSize,
    Callbacks,
    CheckpointFolder,
    EngineName,
    LearningRate,
    NumberLoss,
    Pooling,
    RandomState,
    Scoring,
    Solver,
)
from chainrule.estimators.parameters import documented
from chainrule.estimators.recurrent_tasks import REGRESSOR_CONSTRAINTS, RecurrentRegressor

__all__ = ["GRURegressor", "LSTMRegressor", "RNNRegressor"]


@documented
class RNNRegressor(RecurrentRegressor):
    """Recurrent network that predicts numbers from sequences, and goes on with series.

    ``h_t = activation(x_t·W + h_(t-1)·U + b)``: Elman's network.

    Parameters
    ----------
    hidden_size : int, default=64
        The units of each layer, in each direction.
    activation : {"tanh", "relu"}, default="tanh"
    {recurrent}
    {recurrent_training}
    {regressor_loss}
    {ours}

    Attributes
    ----------
    {recurrent_attributes}

    References
    ----------
    Elman, "Finding structure in time", 1990; Werbos, "Backpropagation through time: what it
    does and how to do it", 1990.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> series = np.sin(0.3 * np.arange(200))
    >>> model = cr.RNNRegressor(8, truncation=20, max_iter=1000, random_state=0)
    >>> ahead = model.fit(series).forecast(5)
    >>> bool(np.abs(ahead - np.sin(0.3 * np.arange(200, 205))).max() < 0.2)
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **REGRESSOR_CONSTRAINTS,
        "activation": [StrOptions({"tanh", "relu"})],
    }

    def __init__(
        self,
        hidden_size: int = 64,
        *,
        activation: Literal["tanh", "relu"] = "tanh",
        num_layers: int = 1,
        bidirectional: bool = False,
        output: Pooling = "last",
        truncation: int | None = None,
        clip_norm: float | None = 1.0,
        solver: Solver = "adam",
        alpha: float = 0.0,
        batch_size: BatchSize = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.003,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 30,
        max_fun: int = 15000,
        loss: NumberLoss = "squared_error",
        quantile: float | ArrayLike = 0.5,
        huber_delta: float = 1.0,
        rho: float = 0.9,
        dropout: float = 0.0,
        accumulate_steps: int = 1,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.0,
        scoring: Scoring = None,
        callbacks: Callbacks = None,
        checkpoint: CheckpointFolder = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    @property
    def _cell(self) -> str:
        return f"rnn_{self.activation}"


@documented
class LSTMRegressor(RecurrentRegressor):
    """Long short-term memory that predicts numbers from sequences, and goes on with series.

    A cell ``c_t = f⊙c_(t-1) + i⊙g`` that the gates i, f and o let in, keep and let out, with
    ``h_t = o⊙tanh(c_t)``. The forget gate starts with a bias of 1.

    Parameters
    ----------
    hidden_size : int, default=64
        The units of each layer, in each direction.
    {recurrent}
    {recurrent_training}
    {regressor_loss}
    {ours}

    Attributes
    ----------
    {recurrent_attributes}

    References
    ----------
    Hochreiter & Schmidhuber, "Long short-term memory", 1997; Gers, Schmidhuber & Cummins,
    "Learning to forget: continual prediction with LSTM", 2000.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> series = np.sin(0.3 * np.arange(200))
    >>> model = cr.LSTMRegressor(8, truncation=20, max_iter=1000, random_state=0)
    >>> ahead = model.fit(series).forecast(5)
    >>> bool(np.abs(ahead - np.sin(0.3 * np.arange(200, 205))).max() < 0.2)
    True
    """

    _parameter_constraints: dict[str, list[Any]] = REGRESSOR_CONSTRAINTS

    def __init__(
        self,
        hidden_size: int = 64,
        *,
        num_layers: int = 1,
        bidirectional: bool = False,
        output: Pooling = "last",
        truncation: int | None = None,
        clip_norm: float | None = 1.0,
        solver: Solver = "adam",
        alpha: float = 0.0,
        batch_size: BatchSize = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.003,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 30,
        max_fun: int = 15000,
        loss: NumberLoss = "squared_error",
        quantile: float | ArrayLike = 0.5,
        huber_delta: float = 1.0,
        rho: float = 0.9,
        dropout: float = 0.0,
        accumulate_steps: int = 1,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.0,
        scoring: Scoring = None,
        callbacks: Callbacks = None,
        checkpoint: CheckpointFolder = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    @property
    def _cell(self) -> str:
        return "lstm"


@documented
class GRURegressor(RecurrentRegressor):
    """Gated recurrent units that predicts numbers from sequences, and goes on with series.

    ``h_t = (1 - z)⊙n + z⊙h_(t-1)``: the gate z keeps the old state, and the gate r says how much of
    it goes into the new one, n.

    Parameters
    ----------
    hidden_size : int, default=64
        The units of each layer, in each direction.
    reset_after : bool, default=True
        Apply the reset gate after the product with the recurrent weights, with a bias of its own,
        as PyTorch and Keras do; False is the paper's form, before the product.
    {recurrent}
    {recurrent_training}
    {regressor_loss}
    {ours}

    Attributes
    ----------
    {recurrent_attributes}

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
    machine translation", 2014; Chung, Gulcehre, Cho & Bengio, "Empirical evaluation of gated
    recurrent neural networks on sequence modeling", 2014.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> series = np.sin(0.3 * np.arange(200))
    >>> model = cr.GRURegressor(8, truncation=20, max_iter=1000, random_state=0)
    >>> ahead = model.fit(series).forecast(5)
    >>> bool(np.abs(ahead - np.sin(0.3 * np.arange(200, 205))).max() < 0.2)
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {
        **REGRESSOR_CONSTRAINTS,
        "reset_after": ["boolean"],
    }

    def __init__(
        self,
        hidden_size: int = 64,
        *,
        reset_after: bool = True,
        num_layers: int = 1,
        bidirectional: bool = False,
        output: Pooling = "last",
        truncation: int | None = None,
        clip_norm: float | None = 1.0,
        solver: Solver = "adam",
        alpha: float = 0.0,
        batch_size: BatchSize = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.003,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 30,
        max_fun: int = 15000,
        loss: NumberLoss = "squared_error",
        quantile: float | ArrayLike = 0.5,
        huber_delta: float = 1.0,
        rho: float = 0.9,
        dropout: float = 0.0,
        accumulate_steps: int = 1,
        l1_ratio: float = 0.0,
        weight_decay: float = 0.0,
        scoring: Scoring = None,
        callbacks: Callbacks = None,
        checkpoint: CheckpointFolder = None,
        engine: EngineName = "native",
        n_threads: int | None = None,
    ) -> None:
        self._store(locals())

    @property
    def _cell(self) -> str:
        return "gru" if self.reset_after else "gru_reset_before"
