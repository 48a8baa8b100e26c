"""What the doctor measures of a fit, as data: layers, inputs, targets, history.

Everything is measured on the rows given, at most 5,000 of them; nothing is judged here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.engines.base import Array
from chainrule.engines.reference import evaluate
from chainrule.graph.node import Node
from chainrule.graph.traversal import topological_order
from chainrule.training.diagnosis import Fault, find_fault

__all__ = ["Examination", "Layer", "Patient", "examine"]

MOST_ROWS = 5_000
_BINS = 40
_MOST_SHOWN = 16


@dataclass(frozen=True, eq=False)
class Patient:
    """A fitted network as the doctor sees it.

    Attributes
    ----------
    row_losses : Node
        The loss of each row: (rows,).
    layers : tuple of (Node, Node, str)
        For each hidden layer its sums and its activations, (rows, units), and which activation it
        is that stands between them.
    output : Node
        The raw outputs: (rows, outputs).
    weights : tuple of Node
    parameters : mapping of Node to array
        And what else is given, but for the data.
    X, Y : Node
        The variables of the data.
    history : mapping of str to sequence of float
    learning_rate : float or None
        None where there is none.
    solver : str
    labels : array or None
        The class of each row, of a classifier with one class for each row.
    classes : sequence
    features : sequence of str
    score : float
        Accuracy or R² on these rows.
    comparable : bool, default=True
        Whether a linear model, fitted by least squares, aims at the same score.
    place : str, default="layer"
        What ``layers`` are: those of a recurrent net are its steps in time.
    """

    row_losses: Node
    layers: tuple[tuple[Node, Node, str], ...]
    output: Node
    weights: tuple[Node, ...]
    parameters: Mapping[Node, Array]
    X: Node
    Y: Node
    history: Mapping[str, Sequence[float]]
    learning_rate: float | None
    solver: str
    labels: npt.NDArray[np.generic] | None
    classes: Sequence[object]
    features: Sequence[str]
    score: float
    comparable: bool = True
    place: str = "layer"


@dataclass(frozen=True, eq=False)
class Layer:
    """A hidden layer on the rows examined.

    Attributes
    ----------
    number : int
        Counted from 1.
    activation : str
    n_units : int
    dead : int
        Units that are 0 for every row.
    saturated : float
        The share of activations at which the slope is below 1 % of the steepest.
    activation_size, gradient_size : float
        Root mean squares: of the activations, and of the gradient of a row's loss by the sums.
    rank : int
        Of the matrix of activations.
    activations, gradients : tuple of (array, array)
        Histograms: counts and edges.
    """

    number: int
    activation: str
    n_units: int
    dead: int
    saturated: float
    activation_size: float
    gradient_size: float
    rank: int
    activations: tuple[Array, Array]
    gradients: tuple[Array, Array]


@dataclass(frozen=True, eq=False)
class Examination:
    """All that was measured.

    Attributes
    ----------
    patient : Patient
    n_rows : int
        The rows examined.
    n_given : int
        The rows there were.
    loss : float
        Their mean loss.
    fault : Fault or None
        Where a value is not finite.
    layers : tuple of Layer
    weight_sizes : tuple of float
        The root mean square of each weight matrix.
    gradient_sizes : tuple of float
        The root mean square of each weight matrix's gradient.
    spreads, middles : array
        The standard deviation and the mean of each feature.
    duplicates : list of (int, int, float)
        Pairs of features, and how they are correlated, where that is ±1 but for rounding.
    class_counts : array or None
    noise : float or None
        Where the rows around a row agree the most, the share of rows of another class than they.
    baseline : float
        The score of a linear model on the same rows.
    """

    patient: Patient
    n_rows: int
    n_given: int
    loss: float
    fault: Fault | None
    layers: tuple[Layer, ...] = ()
    weight_sizes: tuple[float, ...] = ()
    gradient_sizes: tuple[float, ...] = ()
    spreads: Array = field(default_factory=lambda: np.zeros(0))
    middles: Array = field(default_factory=lambda: np.zeros(0))
    duplicates: list[tuple[int, int, float]] = field(default_factory=list)
    class_counts: npt.NDArray[np.int64] | None = None
    noise: float | None = None
    baseline: float = math.nan

    @property
    def shown_layers(self) -> tuple[Layer, ...]:
        """The layers, or of many steps in time some, evenly spread from the first to the last."""
        if len(self.layers) <= _MOST_SHOWN:
            return self.layers
        places = np.linspace(0, len(self.layers) - 1, _MOST_SHOWN).round().astype(int)
        return tuple(self.layers[place] for place in places)

    @property
    def update_shares(self) -> tuple[float, ...]:
        """How large a step of the optimizer is beside the weights that it changes.

        The steps of Adam and its kin are about as large as the learning rate, whatever the
        gradient is; those of gradient descent are the learning rate times the gradient.
        """
        rate = self.patient.learning_rate
        if rate is None:
            return ()
        plain = self.patient.solver in ("sgd", "gradient descent")
        return tuple(
            rate * (slope if plain else 1.0) / max(weight, 1e-300)
            for weight, slope in zip(self.weight_sizes, self.gradient_sizes, strict=True)
        )


def examine(patient: Patient, X: Array, Y: Array) -> Examination:
    """Measure a network on some rows.

    Parameters
    ----------
    patient : Patient
    X : array of shape (rows, features), or (rows, time, features)
    Y : array of shape (rows, outputs), or (rows, time, outputs)

    Returns
    -------
    Examination
        Of a network that gives values that are not finite, only the fault.
    """
    n_given = len(X)
    rows = np.arange(n_given)
    if n_given > MOST_ROWS:
        rows = np.linspace(0, n_given - 1, MOST_ROWS).astype(np.int64)
        X, Y = X[rows], Y[rows]
    given = {patient.X: X, patient.Y: Y, **patient.parameters}
    total = fn.sum(patient.row_losses)
    sums = [before for before, *_ in patient.layers]
    bars = gradient(total, [*sums, *patient.weights])
    fault = find_fault([total, *bars], given, rows)
    if fault is not None:
        return Examination(patient, len(X), n_given, math.nan, fault)
    wanted = [total, *bars, *(node for pair in patient.layers for node in pair[:2])]
    known = set(topological_order(wanted))
    values = {node: each for node, each in evaluate(wanted, given) if node in known}
    slopes = [values[bar] for bar in bars]
    labels = None if patient.labels is None else patient.labels[rows]
    columns = X.reshape(-1, X.shape[-1])  # of sequences, each step
    return Examination(
        patient=patient,
        n_rows=len(X),
        n_given=n_given,
        loss=float(values[total]) / len(X),
        fault=None,
        layers=tuple(
            _layer(number, activation, values[before], values[after], slope)
            for number, ((before, after, activation), slope) in enumerate(
                zip(patient.layers, slopes, strict=False), 1
            )
        ),
        weight_sizes=tuple(_size(patient.parameters[each]) for each in patient.weights),
        gradient_sizes=tuple(_size(slope) / len(X) for slope in slopes[len(sums) :]),
        spreads=columns.std(axis=0),
        middles=columns.mean(axis=0),
        duplicates=_duplicates(columns),
        class_counts=None if labels is None else _counts(labels, patient.classes),
        noise=None if labels is None else _noise(X.reshape(len(X), -1), labels),
        baseline=_baseline(X, Y, labels) if patient.comparable else math.nan,
    )


def _layer(number: int, activation: str, sums: Array, outputs: Array, slopes: Array) -> Layer:
    return Layer(
        number=number,
        activation=activation,
        n_units=outputs.shape[1],
        dead=int(np.sum(np.all(outputs == 0.0, axis=0))),
        saturated=_saturated(activation, sums),
        activation_size=_size(outputs),
        gradient_size=_size(slopes),
        rank=int(np.linalg.matrix_rank(outputs[:500])) if outputs.size else 0,
        activations=_histogram(outputs),
        gradients=_histogram(slopes),
    )


def _saturated(activation: str, sums: Array) -> float:
    """The share of sums at which an S-shaped activation is flat."""
    match activation:
        case "tanh":
            flat = 1.0 - np.tanh(sums) ** 2 < 0.01
        case "logistic":
            flat = np.abs(sums) > 6.0  # the slope is 1 % of that at 0
        case "piecewise_linear":
            flat = np.abs(sums) > 0.5
        case _:
            return 0.0
    return float(np.mean(flat))


def _size(array: Array) -> float:
    """The root mean square."""
    return float(np.sqrt(np.mean(np.square(array)))) if array.size else 0.0


def _histogram(values: Array) -> tuple[Array, Array]:
    spread = float(np.ptp(values)) if values.size else 0.0
    low = float(values.min(initial=0.0))
    counts, edges = np.histogram(values, bins=_BINS, range=(low, low + (spread or 1.0)))
    return counts.astype(np.float64), edges


def _duplicates(X: Array) -> list[tuple[int, int, float]]:
    """Pairs of columns of which one is the other, moved and stretched."""
    # Columns that hardly ever leave one value, and any in few rows, agree by chance.
    moves = np.sum(np.median(X, axis=0) != X, axis=0)
    varying = np.flatnonzero((moves >= max(10, 0.02 * len(X))) & (X.std(axis=0) > 0))
    if len(varying) < 2 or len(X) < 100:
        return []
    with np.errstate(all="ignore"):
        related = np.corrcoef(X[:, varying], rowvar=False)
    pairs = np.argwhere(np.triu(np.abs(related) > 1.0 - 1e-6, 1))
    return [(int(varying[i]), int(varying[j]), float(related[i, j])) for i, j in pairs]


def _counts(labels: npt.NDArray[np.generic], classes: Sequence[object]) -> npt.NDArray[np.int64]:
    return np.array([int(np.sum(labels == each)) for each in classes], dtype=np.int64)


def _noise(X: Array, labels: npt.NDArray[np.generic]) -> float | None:
    """Where neighbours agree the most, the share of rows that are of another class than they.

    Wilson, "Asymptotic properties of nearest neighbor rules using edited data", 1972: a row that
    its neighbours outvote is likely to be mislabelled. Where classes merely overlap, there are
    places without doubt; wrong labels are everywhere. So only the half of the rows is looked at
    whose neighbours are most of one mind.
    """
    from sklearn.neighbors import NearestNeighbors

    # Fifteen neighbours of a row must be able to be of its class.
    if np.min(np.unique(labels, return_counts=True)[1]) < 20 or len(X) < 60:
        return None
    spread = X.std(axis=0)
    scaled = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    near = NearestNeighbors(n_neighbors=15).fit(scaled)
    others = labels[near.kneighbors(return_distance=False)]
    values, coded = np.unique(labels, return_inverse=True)
    places = np.searchsorted(values, others)
    votes = np.zeros((len(X), len(values)), dtype=np.int64)
    np.add.at(votes, (np.arange(len(X))[:, None], places), 1)
    agreed = votes.max(axis=1)
    # Where neighbours know no better than chance, they cannot accuse anybody.
    commonest = float(np.bincount(coded).max()) / len(coded)
    if float(np.mean(votes.argmax(axis=1) == coded)) < commonest + 0.5 * (1.0 - commonest) - 0.2:
        return None
    sure = agreed >= np.median(agreed)
    return float(np.mean(votes.argmax(axis=1)[sure] != coded[sure]))


def _baseline(X: Array, Y: Array, labels: npt.NDArray[np.generic] | None) -> float:
    """What a linear model reaches on these rows."""
    from sklearn.linear_model import Ridge, RidgeClassifier
    from sklearn.preprocessing import StandardScaler

    # Fitted to few rows, a line is near them all, whatever they are.
    if len(X) < 5 * X.shape[1]:
        return math.nan
    scaled = StandardScaler().fit_transform(X)
    if labels is not None:
        if len(np.unique(labels)) < 2:
            return math.nan
        return float(RidgeClassifier().fit(scaled, labels).score(scaled, labels))
    # Of a constant there is nothing to explain; of several labels, R² is no accuracy.
    if np.ptp(Y) == 0 or np.isin(Y, (0.0, 1.0)).all():
        return math.nan
    return float(Ridge().fit(scaled, Y).score(scaled, Y))
