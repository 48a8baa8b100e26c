"""Multi-layer perceptrons of scikit-learn, taken over and given back."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from chainrule.engines.base import Array
from chainrule.estimators.mlp import MLPClassifier, MLPRegressor
from chainrule.estimators.mlp_base import BaseMLP
from chainrule.training.history import History

__all__ = ["from_sklearn", "to_sklearn"]

_OURS: dict[type[Any], type[Any]] = {
    sklearn.neural_network.MLPClassifier: MLPClassifier,
    sklearn.neural_network.MLPRegressor: MLPRegressor,
}
_THEIRS = {ours: theirs for theirs, ours in _OURS.items()}

_COPIED = (
    "best_loss_",
    "best_validation_score_",
    "coefs_",
    "feature_names_in_",
    "intercepts_",
    "loss_",
    "loss_curve_",
    "n_features_in_",
    "n_iter_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "t_",
    "validation_scores_",
)
"""What both learn alike, besides the classes."""

_ONLY_SPEED = ("engine", "n_threads", "callbacks")
"""Parameters of ours that do not change what is learned."""


def from_sklearn(
    fitted: sklearn.neural_network.MLPClassifier | sklearn.neural_network.MLPRegressor,
) -> MLPClassifier | MLPRegressor:
    """Take over a multi-layer perceptron that scikit-learn has fitted.

    The weights are copied, so predictions are the same, and so are parameters, learned attributes
    and the state of training: ``partial_fit`` and ``warm_start`` go on as they would have there,
    with the same momentum, running means and learning rate.

    Parameters
    ----------
    fitted : sklearn.neural_network.MLPClassifier or MLPRegressor

    Returns
    -------
    MLPClassifier or MLPRegressor

    Raises
    ------
    TypeError
        If it is another object.
    NotFittedError
    ValueError
        If it has a single class, or a parameter that chainrule does not know.

    See Also
    --------
    to_sklearn : The way back.
    from_torch : Networks of PyTorch.

    Notes
    -----
    scikit-learn keeps no times and no rates of its epochs, so ``history_`` begins with losses and
    scores only.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> theirs = MLPClassifier((10,), solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> ours = cr.from_sklearn(theirs)
    >>> bool(abs(ours.predict_proba(X) - theirs.predict_proba(X)).max() < 1e-12)
    True
    """
    kind = _OURS.get(type(fitted))
    if kind is None:
        raise TypeError(_not_one_of_theirs(fitted))
    check_is_fitted(fitted)
    parameters = fitted.get_params(deep=False)
    unknown = set(parameters) - set(kind._get_param_names())
    if unknown:
        raise ValueError(
            f"This {type(fitted).__name__} has parameters that chainrule does not know: "
            f"{', '.join(sorted(unknown))}."
        )
    if len(getattr(fitted, "classes_", (0, 1))) < 2:
        raise ValueError(
            f"The classifier knows one class only, {fitted.classes_.tolist()[0]!r}, and there is "
            f"nothing to tell apart."
        )
    model = kind(**parameters)
    model._validate_params()
    _copy_learned(fitted, model)
    if hasattr(fitted, "classes_"):
        model.classes_ = fitted.classes_.copy()
        model._label_kind = fitted._label_binarizer.y_type_
    model._activation = fitted.activation
    model.history_ = _history(fitted)
    model._restore()
    _take_over_training(fitted, model)
    return model


def to_sklearn(
    model: MLPClassifier | MLPRegressor,
) -> sklearn.neural_network.MLPClassifier | sklearn.neural_network.MLPRegressor:
    """Give a fitted multi-layer perceptron to scikit-learn.

    What comes back needs scikit-learn only: for an environment that has nothing else, or for what
    is written for its classes. It predicts the same. Training goes on from these weights, but the
    optimizer begins anew.

    Parameters
    ----------
    model : MLPClassifier or MLPRegressor
        Fitted, and with nothing that scikit-learn's own cannot be.

    Returns
    -------
    sklearn.neural_network.MLPClassifier or MLPRegressor

    Raises
    ------
    TypeError
        If it is another object.
    NotFittedError
    ValueError
        If a parameter, or the network, cannot be expressed; the message says which.

    See Also
    --------
    from_sklearn : The way here.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> ours = cr.MLPClassifier((10,), solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
    >>> theirs = cr.to_sklearn(ours)
    >>> bool(abs(ours.predict_proba(X) - theirs.predict_proba(X)).max() < 1e-12)
    True
    """
    kind = _THEIRS.get(type(model))
    if kind is None:
        raise TypeError(
            f"to_sklearn takes a fitted MLPClassifier or MLPRegressor of chainrule, but got "
            f"{type(model).__name__}: scikit-learn has no other networks."
        )
    check_is_fitted(model)
    parameters = {**model.get_params(deep=False), "normalization": model._normalised_by}
    _refuse_what_they_lack(model, kind, parameters)
    theirs = kind(**{name: parameters[name] for name in kind._get_param_names()})
    theirs.activation = model._activation
    theirs._validate_params()
    _copy_learned(model, theirs)
    if hasattr(model, "classes_"):
        theirs.classes_ = model.classes_.copy()
        theirs._label_binarizer = model._label_binarizer
    theirs._no_improvement_count = model._progress.epochs_without_progress
    theirs._random_state = check_random_state(model.random_state)
    best = model._progress.best_parameters or [*theirs.coefs_, *theirs.intercepts_]
    half = len(best) // 2
    theirs._best_coefs = [each.copy() for each in best[:half]]
    theirs._best_intercepts = [each.copy() for each in best[half:]]
    return theirs


def _not_one_of_theirs(given: Any) -> str:
    hint = ""
    if isinstance(given, BaseMLP):
        hint = " It is one of chainrule's already."
    elif hasattr(given, "steps"):
        hint = " Give the last step of the pipeline, pipeline[-1]."
    elif hasattr(given, "best_estimator_"):
        hint = " Give its best_estimator_."
    elif isinstance(given, type):
        hint = " It is a class: give an instance that is fitted."
    elif isinstance(given, tuple(_OURS)):
        hint = " A class derived from one of them may do otherwise than they do."
    name = given.__name__ if isinstance(given, type) else type(given).__name__
    return (
        f"from_sklearn takes a fitted MLPClassifier or MLPRegressor of scikit-learn, but got "
        f"{name}.{hint}"
    )


def _copy_learned(source: Any, target: Any) -> None:
    for name in _COPIED:
        if hasattr(source, name):
            value = getattr(source, name)
            if isinstance(value, list):
                value = [each.copy() if isinstance(each, np.ndarray) else each for each in value]
            setattr(target, name, value)


def _history(fitted: Any) -> History:
    """What is known of each epoch."""
    losses = getattr(fitted, "loss_curve_", [])
    scores = getattr(fitted, "validation_scores_", None) or [None] * len(losses)
    history = History()
    for k, (loss, score) in enumerate(zip(losses, scores, strict=True), 1):
        measured = {} if score is None else {"validation_score": float(score)}
        history.record(epoch=k, loss=float(loss), **measured)
    return history


def _take_over_training(fitted: Any, model: Any) -> None:
    """The state in which the latest epoch has left the optimizer, and the stopping rule."""
    optimizer, progress = getattr(fitted, "_optimizer", None), model._progress
    progress.epochs, progress.rows_seen, progress.loss = fitted.n_iter_, fitted.t_, fitted.loss_
    if optimizer is None:
        return
    progress.epochs_without_progress = fitted._no_improvement_count
    if fitted.best_loss_ is not None:
        progress.best_loss = fitted.best_loss_
    if fitted.validation_scores_ is not None:
        progress.best_score = fitted.best_validation_score_
        best = [*fitted._best_coefs, *fitted._best_intercepts]
        progress.best_parameters = [each.copy() for each in best]
    nodes, memory = model._network.parameters, {}
    if hasattr(optimizer, "ms"):
        progress.steps = int(optimizer.t)
        memory = _named(nodes, "mean", optimizer.ms) | _named(nodes, "squares", optimizer.vs)
        memory["step_number"] = np.array(optimizer.t)
    else:
        progress.learning_rate = float(optimizer.learning_rate)
        memory = _named(nodes, "velocity", optimizer.velocities)
    # In the order of our step, and as far as it remembers: without momentum, no velocity.
    dtype = fitted.coefs_[0].dtype
    names = [str(node.name) for node in model._step(False).state[len(nodes) :]]
    if set(names) <= set(memory):
        model._memory = {name: np.array(memory[name], dtype, order="C") for name in names}


def _named(nodes: Any, name: str, arrays: list[Array]) -> dict[str, Array]:
    return {f"{node.name}_{name}": each for node, each in zip(nodes, arrays, strict=True)}


def _refuse_what_they_lack(model: Any, kind: type[Any], parameters: dict[str, Any]) -> None:
    """ValueError for what would be lost on the way to scikit-learn."""
    defaults = inspect.signature(type(model)).parameters
    known = kind._get_param_names()
    lacking = [
        f"{name}={value!r}"
        for name, value in parameters.items()
        if name not in known
        and name not in _ONLY_SPEED
        and not (value is defaults[name].default or value == defaults[name].default)
    ]
    for name, value in {**parameters, "activation": model._activation}.items():
        constraints = kind._parameter_constraints.get(name, ())
        choices = {each for some in constraints for each in getattr(some, "options", ())}
        if isinstance(value, str) and choices and value not in choices:
            lacking.append(f"{name}={value!r}")
    if lacking:
        raise ValueError(
            f"scikit-learn's {kind.__name__} has no {', '.join(lacking)}. What says only how to "
            f"train can be set to what it has, with set_params, before; the network cannot."
        )
