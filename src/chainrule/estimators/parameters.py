"""The parameters that all trained networks share: what they may be, and their documentation."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from os import PathLike
from typing import Any, TypeVar

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from chainrule.engines.registry import ENGINES
from chainrule.files.checkpoints import Checkpoint
from chainrule.networks.activations import ACTIVATIONS
from chainrule.training.schedules import SCHEDULES, Schedule

__all__ = [
    "CLASSIFIER_LOSSES",
    "STOCHASTIC_SOLVERS",
    "TRAINING_CONSTRAINTS",
    "documented",
    "filled_in",
    "refuse_for_lbfgs",
]

STOCHASTIC_SOLVERS = ("sgd", "adam", "adamw", "adagrad", "rmsprop")

TRAINING_CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "solver": [StrOptions({"lbfgs", *STOCHASTIC_SOLVERS})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions(set(SCHEDULES)), Schedule],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "rho": [Interval(Real, 0, 1, closed="left")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "accumulate_steps": [Interval(Integral, 1, None, closed="left")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "scoring": [str, callable, list, tuple, dict, None],
    "callbacks": [list, tuple, None],
    "checkpoint": [str, PathLike, Checkpoint, None],
    "engine": [StrOptions(set(ENGINES))],
    "n_threads": [Interval(Integral, 1, None, closed="left"), None],
}

CLASSIFIER_LOSSES: dict[str, list[Any]] = {
    "loss": [StrOptions({"log_loss", "hinge"}), callable],
    "class_weight": [dict, StrOptions({"balanced"}), None],
}

_SCHEDULE = """learning_rate : str or schedule, default="constant"
        ``"constant"``; ``"invscaling"``, which divides the first rate by (rows seen + 1)^power_t
        after each epoch; ``"adaptive"``, which divides the rate by 5 whenever training would stop
        for want of progress; ``"step"``, ``"cosine"`` or ``"one_cycle"``; or a schedule with
        values of your own, and with a warm-up: :class:`~chainrule.ConstantSchedule`,
        :class:`~chainrule.InverseScalingSchedule`, :class:`~chainrule.AdaptiveSchedule`,
        :class:`~chainrule.StepSchedule`, :class:`~chainrule.CosineSchedule`,
        :class:`~chainrule.OneCycleSchedule`. ``"lbfgs"`` has no use for it; with ``"adam"``,
        ``"invscaling"`` and ``"adaptive"`` are ``"constant"``, as in scikit-learn."""

_CLIPPING = """clip_norm : float or None, default=None
        A gradient that is longer, all parameters together, is shortened to this length; not for
        ``"lbfgs"``."""

_FEATURES = """accumulate_steps : int, default=1
        The minibatches whose gradients are added up before each update: as if ``batch_size`` were
        so many times larger, in the memory of one; not for ``"lbfgs"``.
    l1_ratio : float, default=0.0
        Which share of the penalty ``alpha`` is Σ |W| instead of ½·Σ W². After each step, weights
        are brought nearer to 0 by what that asks for, so that some become 0; not for
        ``"lbfgs"``.
    weight_decay : float, default=0.0
        Each step shrinks the weights by learning rate times this, apart from their gradient; not
        for ``"lbfgs"``.
    scoring : str, callable, list, tuple or dict, default=None
        Scorers as :func:`sklearn.model_selection.cross_validate` takes them. ``history_`` has the
        value of each after each epoch, measured on the validation data or held-out rows, as
        ``validation_NAME``; without any, on the training rows, as ``training_NAME``. With
        ``early_stopping`` the first decides when to stop, and larger is better.
    checkpoint : str, Path or Checkpoint, default=None
        A folder in which ``fit`` keeps what it can go on from; a :class:`~chainrule.Checkpoint`
        says how often. Called again with the same parameters and data, after its process was
        killed, ``fit`` goes on from there, and ends with the same bits; not for ``"lbfgs"``."""

_RHO = """rho : float, default=0.9
        For ``"rmsprop"``: how much its running mean keeps at each step."""

_RUNNING = """callbacks : list of callable, default=None
        Called with a :class:`~chainrule.callbacks.Moment` about every 0.1 s and after
        each epoch; one that returns True after an epoch ends training.
        :class:`chainrule.callbacks.ProgressBar` draws a progress bar.
    engine : {"native", "reference"}, default="native"
        Machine code, or the NumPy interpreter that defines what it must compute.
    n_threads : int, default=None
        The most threads to use; by default one for each processor that this process may use,
        shared out among joblib's jobs that run beside each other, and no more than
        OMP_NUM_THREADS. The bits of the result depend on it."""

_SHARED_DOCUMENTATION = {
    "layers": """hidden_layer_sizes : int or array-like of int, default=(100,)
        The units of each hidden layer; ``()`` for none.
    activation : str, default="relu"
        Of the hidden layers: ``"identity"`` or ``"linear"``, ``"logistic"``, ``"tanh"``,
        ``"relu"``, ``"leaky_relu"``, ``"elu"``, ``"gelu"``, ``"silu"``, ``"softplus"``,
        ``"piecewise_linear"``, ``"unit_step"``, ``"sign"``. The last two are flat: no gradient
        flows back through them, so only the layer after them learns.""",
    "list_of_layers": """layers : sequence of layer, default=(Dense(100, "relu"),)
        What is between X and the output layer: :class:`~chainrule.Dense`,
        :class:`~chainrule.Activation`, :class:`~chainrule.Dropout`,
        :class:`~chainrule.GaussianNoise`, :class:`~chainrule.BatchNorm`,
        :class:`~chainrule.LayerNorm`, :class:`~chainrule.Residual`, or :class:`~chainrule.Layer`
        for one of your own; ``[]`` for none.""",
    "learned_by_layers": """weights_ : dict of str to array
        What is learned by descent, under the names of derivations: ``W1``, ``b1`` of the first
        dense layer, ``scale1``, ``shift1`` of a normalisation after it, and so on; the last two are
        those of the output layer. :meth:`summary` lists them.
    statistics_ : dict of str to array
        The running means and variances of batch normalisation: ``running_mean1`` and so on.""",
    "row_regressor_loss": """loss : str or callable, default="squared_error"
        ``"squared_error"`` (half of it), ``"absolute_error"``, ``"huber"``, ``"quantile"``,
        ``"poisson"`` or a callable, as for :class:`~chainrule.MLPRegressor`.
    quantile : float, default=0.5
        For ``"quantile"``.
    huber_delta : float, default=1.0
        For ``"huber"``: errors up to it count squared, larger ones linearly.""",
    "training": """solver : {"adam", "adamw", "sgd", "adagrad", "rmsprop", "lbfgs"}, default="adam"
        ``"lbfgs"`` looks at all rows at every step and suits small data; the others go through
        minibatches.
    alpha : float, default=0.0001
        Strength of the L2 penalty ½·alpha·Σ W², which is added to the sum of the losses of a
        minibatch. With ``"adamw"``, each step shrinks the weights by learning rate times alpha.
    batch_size : int or "auto", default="auto"
        Rows of a minibatch; ``"auto"`` is 200, or all rows if there are fewer.
    {schedule}
    learning_rate_init : float, default=0.001
        The first learning rate.
    power_t : float, default=0.5
        The exponent of ``"invscaling"``.
    max_iter : int, default=200
        The most epochs, or iterations of L-BFGS.
    shuffle : bool, default=True
        Visit the rows in a new random order at each epoch.
    random_state : int, RandomState or None, default=None
        Determines the first weights, the held-out rows, the order of rows and dropout. The same
        value gives the weights that scikit-learn's MLP starts from, and its order of rows.
    tol : float, default=0.0001
        Training stops when the loss (with ``early_stopping`` the validation score) did not
        improve by ``tol`` for ``n_iter_no_change`` epochs. For L-BFGS, the largest element of
        the gradient at which it has converged.
    verbose : bool or int, default=False
        Whether to print the loss of each epoch, as scikit-learn does. For a progress bar, see
        ``callbacks``.
    warm_start : bool, default=False
        Start ``fit`` from the weights of the fit before.
    momentum : float, default=0.9
        For ``"sgd"``: the share of the last step that is taken again.
    nesterovs_momentum : bool, default=True
        For ``"sgd"``: look ahead along the momentum.
    early_stopping : bool, default=False
        Hold out ``validation_fraction`` of the rows (or use ``validation_data``), stop when
        their score no longer improves, and return to the weights that had the best score.
    validation_fraction : float, default=0.1
    beta_1, beta_2 : float, default=0.9, 0.999
        For ``"adam"`` and ``"adamw"``: how much their running means keep at each step.
    epsilon : float, default=1e-8
        For ``"adam"``, ``"adamw"``, ``"adagrad"``, ``"rmsprop"``: added to the denominator.
    n_iter_no_change : int, default=10
    max_fun : int, default=15000
        The most evaluations of the loss by L-BFGS.""",
    "recurrent": """num_layers : int, default=1
        Layers; each reads the states of the one below.
    bidirectional : bool, default=False
        Whether each layer also runs through the sequences from their ends.
    output : {"last", "mean", "max", "each"}, default="last"
        What predictions are made from: the state after the last step of a sequence, the mean or
        the largest of its states, or each of them; ``"each"`` gives an output for each step.
    truncation : int, default=None
        Cut series into windows of so many steps, to whose start gradients flow back; the state
        goes on from window to window, as it is without dropout. For long series with an output
        at each step. Then all steps count alike; without it, all series.""",
    "recurrent_training": """solver : str, default="adam"
        ``"adam"``, ``"adamw"``, ``"sgd"``, ``"adagrad"``, ``"rmsprop"`` or ``"lbfgs"``.
        ``"lbfgs"`` looks at all sequences at every step and suits small data; the others go
        through minibatches, each of sequences of about the same length.
    alpha : float, default=0.0
        Strength of the L2 penalty ½·alpha·Σ W² on all matrices, which is added to the sum of the
        losses of a minibatch. With ``"adamw"``, each step shrinks them by learning rate times
        alpha.
    batch_size : int or "auto", default="auto"
        Sequences, or windows, of a minibatch; ``"auto"`` is 32, or all if there are fewer.
    learning_rate, learning_rate_init, power_t, max_iter, shuffle, random_state, tol, verbose,\
    warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1,\
    beta_2, epsilon, n_iter_no_change, max_fun
        As for :class:`~chainrule.MLPClassifier`; the first learning rate is 0.003, and 30 epochs
        in a row may bring no progress: recurrent networks rest on plateaus.""",
    "classifier_loss": """loss : {"log_loss", "hinge"} or callable, default="log_loss"
        ``"hinge"`` gives no probabilities. A callable gets nodes ``y`` (0 or 1) and ``output``
        (before the last activation), both (rows, outputs), and returns a loss for each row.
    class_weight : dict, "balanced" or None, default=None
        A factor for the sample weights of each class.""",
    "regressor_loss": """loss : str or callable, default="squared_error"
        ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"quantile"`` or ``"poisson"``.
        A callable gets nodes ``y`` and ``output``, both (rows, outputs), and returns a loss for
        each row. The loss of a sequence with several outputs in time is their mean.
    quantile : float or array-like of float, default=0.5
        For ``"quantile"``: which one, or several in rising order, of which ``predict`` gives the
        one nearest to ½, and ``predict_quantiles`` all.
    huber_delta : float, default=1.0
        For ``"huber"``: from where on errors count linearly.""",
    "recurrent_attributes": """weights_ : dict of str to array
        For each layer k the weights ``"Wk"`` of the input, ``"Uk"`` of the state before, and the
        biases ``"bk"``, those of all gates side by side (LSTM: i, f, o, g; GRU: r, z, n), and
        for a GRU with ``reset_after`` ``"bk_n"``; with ``_back`` for the other direction. Last
        come ``"V"`` and ``"d"``, which make the outputs.
    loss_ : float
        The latest loss, with its penalty.
    history_ : dict of list
        A row for each epoch: ``epoch``, ``loss``, ``learning_rate``, ``seconds``, and with
        validation data ``validation_loss`` (without penalty) and ``validation_score``.
    loss_curve_, best_loss_, validation_scores_, best_validation_score_
        As of :class:`~chainrule.MLPClassifier`.
    n_iter_ : int
        Epochs, or iterations of L-BFGS, of the latest fit.
    t_ : int
        Sequences, or windows, seen in training.
    n_outputs_ : int
    out_activation_ : str
    n_features_in_ : int
        Features of a step; of an array of shape (n_samples, n_timesteps), its steps.
    feature_names_in_ : array of str
        Only where the columns of a table have names.""",
    "normalization": """normalization : {"batch", "layer"} or None, default=None
        What brings each hidden layer to mean 0 and variance 1 before its activation: over the rows
        of the minibatch as :class:`~chainrule.BatchNorm` does, or over the units of the row as
        :class:`~chainrule.LayerNorm` does. ``alpha`` does not count what it learns.""",
    "ours": f"""{_RHO}
    dropout : float, default=0.0
        The share of hidden activations that are set to 0 at each training step.
    {{clipping}}
    {{features}}
    {_RUNNING}""",
    "without_dropout": f"{_RHO}\n    {{clipping}}\n    {{features}}\n    {_RUNNING}",
    "schedule": _SCHEDULE,
    "clipping": _CLIPPING,
    "features": _FEATURES,
    "weights": """coefs_ : list of array
        ``coefs_[k]`` of shape (units of layer k, units of layer k + 1); ``W1, W2, ...`` in
        derivations.
    intercepts_ : list of array
        ``intercepts_[k]`` of shape (units of layer k + 1,); ``b1, b2, ...`` in derivations.
    n_layers_ : int
        Layers, those of inputs and outputs included.""",
    "normalised": """scales_, shifts_ : list of array
        Only with ``normalization``: one of shape (units,) for each hidden layer; ``scale1, shift1,
        ...`` in derivations.
    running_means_, running_variances_ : list of array
        Only with ``normalization="batch"``: what predictions are made with, likewise.""",
    "attributes": """loss_ : float
        The latest loss, with its penalty; without one for ``"adamw"``, which shrinks the weights
        apart from the loss.
    history_ : dict of list
        A row for each epoch: ``epoch``, ``loss``, ``learning_rate``, ``seconds``, and with
        validation data ``validation_loss`` (without penalty) and ``validation_score``.
        ``pandas.DataFrame(model.history_)`` makes a table of it.
    loss_curve_ : list of float
        The loss of each epoch; not with ``"lbfgs"``.
    best_loss_ : float or None
        The least loss of an epoch; None with ``early_stopping``.
    validation_scores_ : list of float or None
        The score of each epoch with ``early_stopping``.
    best_validation_score_ : float or None
    n_iter_ : int
        Epochs, or iterations of L-BFGS, of the latest fit.
    t_ : int
        Rows seen in training.
    n_outputs_ : int
    out_activation_ : str
        Of the output layer.
    n_features_in_ : int
    feature_names_in_ : array of str
        Only where the columns of X have names.""",
    "differences": """Training differs from scikit-learn's where that contradicts itself:

    - The loss of a class whose probability is below the machine epsilon is exact here, and cut
      off at 36 (16 in single precision) there, which can turn L-BFGS another way.
    - L-BFGS on several outputs minimises the sum of the squared errors here; there, it pairs
      the mean of the losses with the gradient of their sum.
    - ``warm_start`` with ``early_stopping`` returns to the best weights of all fits here; there,
      to the latest ones if no score was better.
    - ``predict_log_proba`` is exact also where a probability is rounded to 0 or 1. Single precision
      stays single with L-BFGS, too.
    - Refused here, and taken there: a ``y`` of one class only, negative sample weights, negative
      counts for the Poisson loss, a warm start with layers of other sizes (there, it silently goes
      on with the old ones), ``partial_fit`` of a regressor with L-BFGS.
    - A loss that becomes NaN or infinite is an error that names the operation and the row; with
      ``early_stopping``, a warning, and training ends with the best weights so far.""",
}


def refuse_for_lbfgs(estimator: Any) -> None:
    """ValueError where an estimator's parameters ask for what L-BFGS cannot do."""
    if estimator._is_random:
        raise ValueError(
            "dropout draws anew at every step, which 'lbfgs' cannot work with: choose "
            "another solver, or dropout=0."
        )
    if estimator.checkpoint is not None:
        raise ValueError(
            "checkpoint is for training by minibatches: 'lbfgs' cannot be broken off and go on. "
            "Choose another solver, or checkpoint=None."
        )
    if (estimator.alpha and estimator.l1_ratio) or estimator.weight_decay:
        name = "weight_decay" if estimator.weight_decay else "l1_ratio"
        raise ValueError(
            f"{name} changes weights apart from the gradient, which 'lbfgs' cannot work with: "
            f"choose another solver, or {name}=0; alpha is a penalty that it knows."
        )


T = TypeVar("T", bound=Callable[..., Any])


def documented(estimator: T) -> T:
    """Fill in what the docstrings of estimators share, at ``{layers}``, ``{training}`` etc.

    Where an estimator starts from another value than most, that is its default.
    """
    documentation = filled_in(estimator, _SHARED_DOCUMENTATION).__doc__ or ""
    for name, parameter in inspect.signature(estimator).parameters.items():
        line = re.compile(rf"^( *{name} : .*default=).*$", re.MULTILINE)
        documentation = line.sub(rf"\g<1>{_as_text(parameter.default)}", documentation)
    estimator.__doc__ = documentation
    return estimator


def _as_text(default: Any) -> str:
    """A default as the pages write it."""
    return f'"{default}"' if isinstance(default, str) else repr(default).replace("e-0", "e-")


def filled_in(estimator: T, texts: Mapping[str, str]) -> T:
    """Put each text in the place of its name in braces in the docstring of an estimator."""
    documentation = estimator.__doc__ or ""
    for name, text in texts.items():
        documentation = documentation.replace(f"{{{name}}}", text)
    estimator.__doc__ = documentation
    return estimator
