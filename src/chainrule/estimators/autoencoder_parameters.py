"""The parameters that all auto encoders share: what they may be, and their documentation."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from chainrule.estimators.normalised import NORMALIZATION
from chainrule.estimators.parameters import (
    STOCHASTIC_SOLVERS,
    TRAINING_CONSTRAINTS,
    documented,
    filled_in,
)
from chainrule.networks.activations import ACTIVATIONS

__all__ = [
    "AUTOENCODER_CONSTRAINTS",
    "CODE_ACTIVATION",
    "RECONSTRUCTION_CONSTRAINTS",
    "STOCHASTIC_ONLY",
    "autoencoder_documented",
    "layer_sizes",
]

_SIZES = ["array-like", Interval(Integral, 1, None, closed="left")]

AUTOENCODER_CONSTRAINTS: dict[str, list[Any]] = {
    "n_components": [Interval(Integral, 1, None, closed="left")],
    "encoder_sizes": _SIZES,
    "decoder_sizes": [*_SIZES, None],
    "tied_weights": ["boolean"],
    "contamination": [Interval(Real, 0, 0.5, closed="right")],
    **{name: each for name, each in TRAINING_CONSTRAINTS.items() if name != "hidden_layer_sizes"},
    **NORMALIZATION,
}

RECONSTRUCTION_CONSTRAINTS: dict[str, list[Any]] = {
    "loss": [StrOptions({"squared_error", "log_loss"})],
    "output_activation": [StrOptions({"auto", "identity", "logistic"})],
}

CODE_ACTIVATION: dict[str, list[Any]] = {"code_activation": [StrOptions(set(ACTIVATIONS))]}


class _SolversOfDraws(StrOptions):
    """Those for networks that draw at every step; an error tells why L-BFGS is not among them."""

    def __init__(self) -> None:
        super().__init__(set(STOCHASTIC_SOLVERS))

    def __str__(self) -> str:
        return (
            f"{super().__str__()} ('lbfgs' needs a loss that stays the same from step to step, "
            f"and this network draws anew at every step)"
        )


STOCHASTIC_ONLY: dict[str, list[Any]] = {"solver": [_SolversOfDraws()]}

_SOLVERS = """solver : {"adam", "adamw", "sgd", "adagrad", "rmsprop", "lbfgs"}, default="adam"
        ``"lbfgs"`` looks at all rows at every step and suits small data; the others go through
        minibatches."""

_SOLVERS_OF_DRAWS = """solver : {"adam", "adamw", "sgd", "adagrad", "rmsprop"}, default="adam"
        All go through minibatches. There is no ``"lbfgs"``: it needs a loss that stays the same
        from step to step, and this network draws anew at every step."""

_DOCUMENTATION = {
    "sizes": """encoder_sizes : int or array-like of int, default=(100,)
        The units of each layer between the input and the code; ``()`` for none.
    decoder_sizes : int or array-like of int, default=None
        The units of each layer between the code and the output; None for those of the encoder,
        in reverse.
    activation : str, default="relu"
        Of the layers before and after the code: ``"identity"`` or ``"linear"``, ``"logistic"``,
        ``"tanh"``, ``"relu"``, ``"leaky_relu"``, ``"elu"``, ``"gelu"``, ``"silu"``,
        ``"softplus"``, ``"piecewise_linear"``, ``"unit_step"``, ``"sign"``.""",
    "reconstruction": """loss : {"squared_error", "log_loss"}, default="squared_error"
        Half the squared distance between a row and its reconstruction, or, for values from 0 to
        1, the sum over the features of -x·log p - (1 - x)·log(1 - p).
    output_activation : {"auto", "identity", "logistic"}, default="auto"
        Of the reconstruction; ``"auto"`` is ``"logistic"`` for the log loss, which takes nothing
        else, and ``"identity"`` for the squared error.""",
    "shared": """tied_weights : bool, default=False
        Use the encoder's weights, transposed, for the decoder, which must mirror it.
    contamination : float, default=0.1
        The share of the training rows that ``predict`` is to call outliers: above 0, at most ½.
        It decides ``offset_``.
    {training}
    {normalization}
        The code and the output are left as they are.
    {ours}""",
    "learned": """coefs_ : list of array
        ``coefs_[k]`` of shape (units of layer k, units of layer k + 1); ``W1, W2, ...`` in
        derivations. With ``tied_weights``, those of the decoder are views of the encoder's.
    intercepts_ : list of array
        ``intercepts_[k]`` of shape (units of layer k + 1,); ``b1, b2, ...`` in derivations.
    {normalised}
        Layers are counted through: after the code of layer 2 comes ``scale3``.
    offset_ : float
        ``decision_function`` is ``score_samples`` less this: the ``contamination`` quantile of
        the scores of the training rows. It is taken over all of them if there are no more than
        1,000, else over 1,000 of them from the first to the last; after ``partial_fit`` over at
        most 100.
    loss_ : float
        The latest loss, all penalties included; without ``alpha``'s for ``"adamw"``, which
        shrinks the weights apart from the loss.
    history_ : dict of list
        A row for each epoch: ``epoch``, ``loss``, ``learning_rate``, ``seconds``, and with
        validation data ``validation_loss`` (without penalties) and ``validation_score``.
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
    n_layers_ : int
        Layers, those of inputs and outputs included.
    n_features_in_ : int
    feature_names_in_ : array of str
        Only where the columns of X have names.""",
}

T = TypeVar("T", bound=type)


def autoencoder_documented(estimator: T) -> T:
    """Fill in what the docstrings of auto encoders share, at ``{sizes}``, ``{learned}`` etc."""
    filled_in(estimator, _DOCUMENTATION)
    documented(estimator)
    documentation = estimator.__doc__ or ""
    if vars(estimator)["_parameter_constraints"]["solver"] == STOCHASTIC_ONLY["solver"]:
        documentation = documentation.replace(_SOLVERS, _SOLVERS_OF_DRAWS)
    estimator.__doc__ = documentation
    return estimator


def layer_sizes(given: Any, name: str) -> tuple[int, ...]:
    """The units of each layer, from one number or several.

    Raises
    ------
    ValueError
        If they are not whole numbers from 1 on.
    """
    sizes = tuple(np.atleast_1d(np.asarray(given)).tolist())
    if not all(isinstance(each, int) and each > 0 for each in sizes):
        raise ValueError(
            f"{name} must hold whole numbers from 1 on, but got {given!r}: give the units of each "
            f"layer, such as (100,) for one, or () for no layer."
        )
    return sizes
