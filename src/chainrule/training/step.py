"""The step graph: loss, penalty, gradients and updates, joined into one training step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.calculus.simplify import simplify
from chainrule.engines.base import Array, Program, TrainingStep
from chainrule.graph.node import Node, constant, variable
from chainrule.training.optimizers import Optimizer

__all__ = ["Objective", "initial_state", "training_step"]


@dataclass(frozen=True)
class Objective:
    """What training makes small: (Σ weight·loss over the rows + penalty) / Σ weight + term.

    The sum is differentiated, and the gradient divided by Σ weight: the same number, and each
    thread can go on to the end with its own rows before any sum over all rows is needed.

    Parameters
    ----------
    row_losses : Node
        The loss of each row: (rows,).
    minibatch : tuple of Node
        The variables that are read from the data, ``sample_weight`` included.
    parameters : tuple of Node
    sample_weight : Node, optional
        The weight of each row: (rows,). Without it each row counts 1.
    penalised : tuple of Node, default=()
        The parameters with an L2 penalty of ½·alpha·Σ W², as scikit-learn has it.
    share : float, default=1.0
        The loss that is reported is this share of the row losses, and all of the rest.
    term : Node, optional
        A single number that depends on all rows of the minibatch together.
    running : tuple of (Node, Node), default=()
        What ``term`` knows of the minibatches before: variables that start as zeros, and the
        value of each after the step.
    penalty_in_shares : bool, default=False
        Whether a step has the penalty once for each unit of weight in its minibatch. Given alpha
        over Σ weight of all rows, an epoch then has it once, however the rows are cut.
    """

    row_losses: Node
    minibatch: tuple[Node, ...]
    parameters: tuple[Node, ...]
    sample_weight: Node | None = None
    penalised: tuple[Node, ...] = ()
    share: float = 1.0
    term: Node | None = None
    running: tuple[tuple[Node, Node], ...] = ()
    penalty_in_shares: bool = False

    @property
    def alpha(self) -> Node:
        """The strength of the penalty."""
        return variable("alpha")

    @property
    def loss_sum(self) -> Node:
        """Σ weight·loss."""
        if self.sample_weight is None:
            return fn.sum(self.row_losses)
        return fn.sum(self.sample_weight * self.row_losses)

    @property
    def weight_sum(self) -> Node:
        """Σ weight: the number of rows if they have none."""
        if self.sample_weight is None:
            return fn.size(self.row_losses.shape[0])
        return fn.sum(self.sample_weight)

    @property
    def penalty(self) -> Node:
        """½·alpha·Σ W² over the penalised parameters."""
        squares = constant(0.0)
        for each in self.penalised:
            squares = squares + fn.sum(fn.square(each))
        return 0.5 * self.alpha * squares

    @property
    def penalty_of_step(self) -> Node:
        """The penalty that a minibatch has."""
        return self.weight_sum * self.penalty if self.penalty_in_shares else self.penalty

    @property
    def term_sums(self) -> list[Node]:
        """Σ weight times the term, if there is one."""
        return [] if self.term is None else [self.weight_sum * self.term]

    def sums_and_gradients(self) -> Program:
        """Σ weight·loss, the penalty with the term, and the gradient of their sum.

        The inputs are the minibatch, the parameters and alpha. Over blocks of rows the outputs
        may be added up, with alpha given once and 0 for the other blocks; but where there is a
        term, all rows must be in one block.
        """
        rest = sum(self.term_sums, start=self.penalty)
        outputs = [self.loss_sum, rest, *gradient(self.loss_sum + rest, self.parameters)]
        inputs = (*self.minibatch, *self.parameters, self.alpha)
        return Program(inputs, tuple(simplify(outputs)))


def training_step(
    objective: Objective, optimizer: Optimizer, clip_norm: float | None = None
) -> TrainingStep:
    """One step of ``optimizer`` down the gradient of ``objective``.

    Settings of the step are ``learning_rate``, and ``alpha`` where something is penalised.

    Parameters
    ----------
    objective : Objective
    optimizer : Optimizer
    clip_norm : float, optional
        A gradient that is longer is shortened to this length, all parameters together.

    Returns
    -------
    TrainingStep
        Its state are the parameters, then what the optimizer remembers of each, what is running
        along, and the number of the step if the optimizer counts.

    References
    ----------
    Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent neural networks", 2013,
    for clipping.

    Examples
    --------
    >>> import chainrule as cr
    >>> from chainrule.training.optimizers import SGD
    >>> x, w = cr.variable("x", ("rows",)), cr.variable("w")
    >>> step = training_step(Objective(cr.square(w * x), (x,), (w,)), SGD())
    >>> [each.name for each in step.state], [each.name for each in step.settings]
    (['w'], ['learning_rate'])
    """
    learning_rate, count = variable("learning_rate"), variable("step_number")
    in_gradient = bool(objective.penalised) and not optimizer.decoupled_decay
    rest = [objective.penalty_of_step] if in_gradient else []
    rest += objective.term_sums
    descended = sum(rest, start=objective.loss_sum)
    reported = sum(rest, start=objective.share * objective.loss_sum)
    scale = 1.0 / objective.weight_sum

    memory: list[Node] = []
    new_parameters: list[Node] = []
    new_memory: list[Node] = []
    gradients = [each * scale for each in gradient(descended, objective.parameters)]
    if clip_norm is not None:
        gradients = _clipped(gradients, clip_norm)
    for parameter, bar in zip(objective.parameters, gradients, strict=True):
        remembered = [
            variable(f"{parameter.name}_{name}", parameter.shape) for name in optimizer.memory
        ]
        start = parameter
        if optimizer.decoupled_decay and parameter in objective.penalised:
            start = parameter * (1.0 - learning_rate * objective.alpha)
        value, kept = optimizer.update(start, bar, remembered, learning_rate, count + 1.0)
        new_parameters.append(value)
        memory.extend(remembered)
        new_memory.extend(kept)
    for running, value in objective.running:
        memory.append(running)
        new_memory.append(value)
    if optimizer.counts_steps:
        memory.append(count)
        new_memory.append(count + 1.0)

    loss, *updates = simplify([reported * scale, *new_parameters, *new_memory])
    settings = (learning_rate, objective.alpha) if objective.penalised else (learning_rate,)
    state = (*objective.parameters, *memory)
    return TrainingStep(objective.minibatch, state, tuple(updates), settings, loss)


def _clipped(gradients: list[Node], longest: float) -> list[Node]:
    """Gradients, all of them shortened alike where they are longer than ``longest`` together."""
    squares = constant(0.0)
    for each in gradients:
        squares = squares + fn.sum(fn.square(each))
    factor = longest / fn.maximum(fn.sqrt(squares), longest)
    return [each * factor for each in gradients]


def initial_state(step: TrainingStep, parameters: Mapping[Node, Array]) -> list[Array]:
    """The state before the first step: the parameters given, and zeros for the rest.

    The arrays of the parameters are used as they are, so that training updates them in place.
    """
    dtype = np.result_type(*parameters.values())
    return [
        parameters[node] if node in parameters else np.zeros(node.shape, dtype)  # type: ignore[arg-type]
        for node in step.state
    ]
