"""Recurrent regressors: plain, long short-term memory, gated recurrent units."""

from __future__ import annotations

from typing import Any

from sklearn.utils._param_validation import StrOptions

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
        hidden_size=64,
        *,
        activation="tanh",
        num_layers=1,
        bidirectional=False,
        output="last",
        truncation=None,
        clip_norm=1.0,
        solver="adam",
        alpha=0.0,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.003,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=30,
        max_fun=15000,
        loss="squared_error",
        quantile=0.5,
        huber_delta=1.0,
        rho=0.9,
        dropout=0.0,
        accumulate_steps=1,
        l1_ratio=0.0,
        weight_decay=0.0,
        scoring=None,
        callbacks=None,
        checkpoint=None,
        engine="native",
        n_threads=None,
    ):
        self._store(locals())

    @property
    def _cell(self):
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
        hidden_size=64,
        *,
        num_layers=1,
        bidirectional=False,
        output="last",
        truncation=None,
        clip_norm=1.0,
        solver="adam",
        alpha=0.0,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.003,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=30,
        max_fun=15000,
        loss="squared_error",
        quantile=0.5,
        huber_delta=1.0,
        rho=0.9,
        dropout=0.0,
        accumulate_steps=1,
        l1_ratio=0.0,
        weight_decay=0.0,
        scoring=None,
        callbacks=None,
        checkpoint=None,
        engine="native",
        n_threads=None,
    ):
        self._store(locals())

    @property
    def _cell(self):
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
        hidden_size=64,
        *,
        reset_after=True,
        num_layers=1,
        bidirectional=False,
        output="last",
        truncation=None,
        clip_norm=1.0,
        solver="adam",
        alpha=0.0,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.003,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=30,
        max_fun=15000,
        loss="squared_error",
        quantile=0.5,
        huber_delta=1.0,
        rho=0.9,
        dropout=0.0,
        accumulate_steps=1,
        l1_ratio=0.0,
        weight_decay=0.0,
        scoring=None,
        callbacks=None,
        checkpoint=None,
        engine="native",
        n_threads=None,
    ):
        self._store(locals())

    @property
    def _cell(self):
        return "gru" if self.reset_after else "gru_reset_before"
