"""What a fit came to, in a few lines: for the terminal and for the page."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.engines.threads import available_threads
from chainrule.estimators.table_fit import TableFit

__all__ = ["facts", "hidden_kind", "layer_kinds", "layer_weights", "name_of_weight", "short"]


def facts(fit: TableFit) -> list[tuple[str, str]]:
    """Pairs of a heading and a line of text.

    Parameters
    ----------
    fit : TableFit

    Returns
    -------
    list of tuple of str
    """
    lines = [
        ("data", f"{fit.table.source}: {fit.table.n_rows:,} rows, {_columns(fit)}"),
        ("target", _target(fit)),
        ("rows", f"{fit.n_train:,} to learn from, {len(fit.held_out):,} held out"),
        ("network", _network(fit.model.estimator)),
        ("training", _training(fit)),
        (fit.measure, f"{fit.score:.3f} on the rows held out ({_baseline(fit)})"),
    ]
    if fit.interrupted:
        lines.append(("note", "training was interrupted; the model is kept as far as it got"))
    return [*lines, *(("note", note) for note in fit.notes)]


def layer_weights(estimator: Any) -> list[npt.NDArray[np.floating]]:
    """The weights of each layer, (units before, units).

    Of a gate of its own each recurrent cell has many; these are those of what its state is made of.
    """
    if hasattr(estimator, "weights_"):
        return _recurrent_weights(estimator)
    if hasattr(estimator, "coefs_"):
        return list(estimator.coefs_)
    if hasattr(estimator, "centres_"):
        return [estimator.centres_.T, estimator.coef_.T]
    return [np.atleast_2d(estimator.coef_).T]


def name_of_weight(estimator: Any, number: int, unit: int, target: int) -> str:
    """What ``explain`` calls the weight in this place of ``layer_weights(estimator)[number]``."""
    if hasattr(estimator, "weights_"):
        network = estimator._network
        if number == network.num_layers:
            return f"V[{unit}, {target}]"
        back, own = divmod(target, network.hidden_size)
        name = f"W{number + 1}_back" if back else f"W{number + 1}"
        first = estimator.weights_[name].shape[1] - network.hidden_size
        return f"{name}[{unit}, {first + own}]"
    if hasattr(estimator, "coefs_"):
        return f"W{number + 1}[{unit}, {target}]"
    if hasattr(estimator, "centres_") and number == 0:
        return f"C[{target}, {unit}]"
    return f"w[{unit}, {target}]"


def short(value: Any) -> str:
    """A number in four digits, large ones without an exponent."""
    number = float(value)
    return f"{number:,.0f}" if 1e3 <= abs(number) < 1e9 else f"{number:.4g}"


def _columns(fit: TableFit) -> str:
    n_columns, inputs = len(fit.model.features), fit.model.estimator.n_features_in_
    text = f"{n_columns} column{'s' * (n_columns != 1)}"
    return text if inputs == n_columns else f"{text} that become {inputs} inputs"


def _target(fit: TableFit) -> str:
    target = fit.model.target
    kind = "a number"
    if target.task == "classification":
        kind = f"{len(fit.model.estimator.classes_)} classes"
    reason = f" ({target.reason}; --task says otherwise)" if target.reason else ""
    return f"{target.name}: {kind}{reason}"


def layer_kinds(estimator: Any) -> list[str] | None:
    """The cells of each layer where they are recurrent: keys of ``CELL_KINDS``."""
    if not hasattr(estimator, "weights_"):
        return None
    cell = {"lstm": "memory", "gru": "different_memory"}.get(
        estimator._network.cell.split("_")[0], "recurrent"
    )
    return ["input", *[cell] * estimator._network.num_layers, "output"]


def _recurrent_weights(estimator: Any) -> list[npt.NDArray[np.floating]]:
    weights, units = estimator.weights_, estimator._network.hidden_size
    layers = []
    for k in range(1, estimator._network.num_layers + 1):
        directions = [name for name in (f"W{k}", f"W{k}_back") if name in weights]
        layers.append(np.hstack([weights[name][:, -units:] for name in directions]))
    return [*layers, weights["V"]]


def _network(estimator: Any) -> str:
    weights = layer_weights(estimator)
    sizes = [len(weights[0]), *(each.shape[1] for each in weights)]
    if hasattr(estimator, "weights_"):
        n_parameters = sum(each.size for each in estimator.weights_.values())
        cells = f"{hidden_kind(estimator)}, {estimator.n_features_in_} steps"
        return f"{' → '.join(map(str, sizes))}, {cells}, {n_parameters:,} parameters"
    n_parameters = sum((before + 1) * after for before, after in pairwise(sizes))
    kind = f", {hidden_kind(estimator)}" if len(sizes) > 2 else ""
    if hasattr(estimator, "scales_"):
        n_parameters += 2 * sum(each.size for each in estimator.scales_)
        kind += f", {estimator._normalised_by} normalization"
    layers = " → ".join(str(size) for size in sizes)
    return f"{layers}{kind}, {n_parameters:,} parameters"


def hidden_kind(estimator: Any) -> str:
    """What the hidden units of a network are."""
    kinds = layer_kinds(estimator)
    if kinds is not None:
        return f"{kinds[1].replace('_', ' ')} cells"
    return "gaussian" if hasattr(estimator, "centres_") else str(estimator.activation)


def _training(fit: TableFit) -> str:
    estimator = fit.model.estimator
    n_threads = available_threads(estimator.n_threads)
    threads = f"at most {n_threads} threads" if n_threads > 1 else "1 thread"
    solver = _solver(estimator)
    epochs = ""
    if solver not in ("normal equation", "random search", "ridge regression"):
        one = "iteration" if solver == "lbfgs" else "epoch"
        epochs = f", {estimator.n_iter_} {one}{'s' * (estimator.n_iter_ != 1)}"
    return f"{solver}{epochs}, {fit.seconds:.2f} s, {estimator.engine} engine, {threads}"


def _solver(estimator: Any) -> str:
    if not getattr(estimator, "fine_tune", True):
        return "ridge regression"
    return getattr(estimator, "solver", "row by row").replace("_", " ")


def _baseline(fit: TableFit) -> str:
    if fit.model.target.task == "classification":
        return f"always saying {fit.guess!r}: {fit.baseline:.3f}"
    return f"always the mean, {short(fit.guess)}: {fit.baseline:.3f}"
