"""The step graph: loss, penalty, gradients and updates, joined into one training step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import chainrule.graph.functions as fn
from chainrule.calculus.reverse import gradient
from chainrule.calculus.simplify import simplify
from chainrule.engines.base import Array, Program, TrainingStep
from chainrule.graph.node import Node, constant, variable
from chainrule.training.optimizers import Optimizer, soft_threshold
from chainrule.training.schedules import SCHEDULES, Schedule

__all__ = ["Objective", "StepRules", "initial_state", "training_step"]


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
        The parameters with a penalty of alpha times ½·Σ W², as scikit-learn has it, or what
        ``l1_ratio`` makes of it.
    share : float, default=1.0
        The loss that is reported is this share of the row losses, and all of the rest.
    term : Node, optional
        A single number that depends on all rows of the minibatch together.
    running : tuple of (Node, Node), default=()
        What ``term`` knows of the minibatches before: variables that start as zeros, and the
        value of each after the step.
    statistics : tuple of (Node, Node), default=()
        What is learned besides the parameters, and not by descent: variables that belong to the
        network as these do, and the value of each after the step.
    penalty_in_shares : bool, default=False
        Whether a step has the penalty once for each unit of weight in its minibatch. Given alpha
        over Σ weight of all rows, an epoch then has it once, however the rows are cut.
    l1_ratio : float, default=0.0
        Which share of the penalty is Σ |W| instead.
    decayed : tuple of Node, default=()
        The parameters that each step shrinks by learning rate times ``weight_decay``.
    """

    row_losses: Node
    minibatch: tuple[Node, ...]
    parameters: tuple[Node, ...]
    sample_weight: Node | None = None
    penalised: tuple[Node, ...] = ()
    share: float = 1.0
    term: Node | None = None
    running: tuple[tuple[Node, Node], ...] = ()
    statistics: tuple[tuple[Node, Node], ...] = ()
    penalty_in_shares: bool = False
    l1_ratio: float = 0.0
    decayed: tuple[Node, ...] = ()

    @property
    def alpha(self) -> Node:
        """The strength of the penalty."""
        return variable("alpha")

    @property
    def learned(self) -> tuple[Node, ...]:
        """The parameters, and the variables of the statistics: what makes predictions."""
        return (*self.parameters, *(node for node, _ in self.statistics))

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
        """Alpha times the penalty of all penalised parameters."""
        if not self.l1_ratio:
            return self.smooth_penalty
        sizes = constant(0.0)
        for each in self.penalised:
            sizes = sizes + fn.sum(fn.absolute(each))
        return self.smooth_penalty + self.l1_ratio * self.alpha * sizes

    @property
    def smooth_penalty(self) -> Node:
        """The penalty's share of squares, which is in the gradient; that of Σ |W| is not."""
        squares = constant(0.0)
        for each in self.penalised:
            squares = squares + fn.sum(fn.square(each))
        return 0.5 * (1.0 - self.l1_ratio) * self.alpha * squares

    @property
    def penalty_of_step(self) -> Node:
        """The penalty that a minibatch has."""
        return self._in_step(self.penalty)

    @property
    def smooth_penalty_of_step(self) -> Node:
        """The part of it that is in the gradient."""
        return self._in_step(self.smooth_penalty)

    def _in_step(self, penalty: Node) -> Node:
        return self.weight_sum * penalty if self.penalty_in_shares else penalty

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


@dataclass(frozen=True)
class StepRules:
    """How a step is made of gradients, beside the optimizer.

    Parameters
    ----------
    clip_norm : float, optional
        A gradient that is longer is shortened to this length, all parameters together.
    accumulate : int, default=1
        The minibatches whose gradients are added up before each update. The last update of an
        epoch has those that are left: it all is as if minibatches were so many times larger.
    schedule : Schedule
    """

    clip_norm: float | None = None
    accumulate: int = 1
    schedule: Schedule = SCHEDULES["constant"]

    @property
    def watch_time(self) -> bool:
        """Whether a step has to know which one of its epoch it is."""
        return self.accumulate > 1 or self.schedule.within_epochs

    def kept_within_epochs(self, parameters: Sequence[Node]) -> set[str]:
        """The names of the state that is zeros before each epoch.

        An epoch leaves it so by itself, unless it is broken off.
        """
        names = {"minibatch"} if self.watch_time else set()
        if self.accumulate > 1:
            names |= {"accumulated", "accumulated_weight"}
            names |= {f"{each.name}_sum" for each in parameters}
        return names


def training_step(
    objective: Objective, optimizer: Optimizer, rules: StepRules | None = None
) -> TrainingStep:
    """One step of ``optimizer`` down the gradient of ``objective``.

    Settings of the step are ``learning_rate``; ``alpha`` where something is penalised and
    ``weight_decay`` where something decays; and where ``rules`` watch the time, ``minibatches``
    (of an epoch), ``epoch`` (how many are over) and ``epochs`` (the most there may be).

    Parameters
    ----------
    objective : Objective
    optimizer : Optimizer
    rules : StepRules, optional

    Returns
    -------
    TrainingStep
        Its state are the parameters and the statistics, then what the optimizer remembers of each
        parameter, the number of the step if the optimizer counts, what is running along, and what
        ``rules`` keep.

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
    rules = rules or StepRules()
    clock = _Clock() if rules.watch_time else None
    gathered = _gathered(objective, optimizer.decoupled_decay, rules.accumulate, clock)
    gradients = gathered.gradients
    if rules.clip_norm is not None:
        gradients = _clipped(gradients, rules.clip_norm)
    learning_rate, count = variable("learning_rate"), variable("step_number")
    rate = learning_rate
    if clock is not None and rules.schedule.within_epochs:
        rate = (rate * rules.schedule.factor(clock.time, clock.epochs)).named("rate")

    memory: list[Node] = []
    new_parameters: list[Node] = []
    new_memory: list[Node] = []
    for parameter, bar in zip(objective.parameters, gradients, strict=True):
        remembered = [
            variable(f"{parameter.name}_{name}", parameter.shape) for name in optimizer.memory
        ]
        decay = _decay(objective, parameter, optimizer.decoupled_decay)
        start = parameter if decay is None else parameter * (1.0 - rate * decay)
        l1 = None
        if objective.l1_ratio and parameter in objective.penalised:
            l1 = objective.alpha * objective.l1_ratio
            if not (optimizer.decoupled_decay or objective.penalty_in_shares):
                l1 = l1 * gathered.scale
        if optimizer.decoupled_decay:
            value, kept = optimizer.update(start, bar, remembered, rate, count + 1.0)
            value = soft_threshold(value, None if l1 is None else rate * l1)
        else:
            value, kept = optimizer.update(start, bar, remembered, rate, count + 1.0, l1)
        new_parameters.append(value)
        memory.extend(remembered)
        new_memory.extend(kept)
    if optimizer.counts_steps:
        memory.append(count)
        new_memory.append(count + 1.0)
    if gathered.due is not None:
        new_parameters = _where(gathered.due, new_parameters, objective.parameters)
        new_memory = _where(gathered.due, new_memory, memory)
    for kept, value in (*objective.running, *gathered.kept, *(clock.kept if clock else ())):
        memory.append(kept)
        new_memory.append(value)

    # These follow each minibatch, whether or not it brings an update of the parameters.
    new_parameters += [value for _, value in objective.statistics]
    loss, *updates = simplify([gathered.reported, *new_parameters, *new_memory])
    settings = [learning_rate]
    settings += [objective.alpha] if objective.penalised else []
    settings += [variable("weight_decay")] if objective.decayed else []
    settings += clock.settings if clock else []
    state = (*objective.learned, *memory)
    return TrainingStep(objective.minibatch, state, tuple(updates), tuple(settings), loss)


class _Clock:
    """Which minibatch of which epoch a step has."""

    def __init__(self) -> None:
        minibatch, minibatches = variable("minibatch"), variable("minibatches")
        epoch, self.epochs = variable("epoch"), variable("epochs")
        following = minibatch + 1.0
        self.ends_epoch = fn.less_equal(minibatches, following)
        self.time = epoch + following / minibatches
        self.kept = ((minibatch, fn.select(self.ends_epoch, 0.0, following)),)
        self.settings = [minibatches, epoch, self.epochs]


@dataclass(frozen=True)
class _Gathered:
    """What a step descends, and when.

    Attributes
    ----------
    gradients : list of Node
        Those of the mean loss with its penalty.
    scale : Node
        1 / Σ weight of the rows that they are of.
    reported : Node
        The loss of the minibatch.
    due : Node or None
        Whether the step updates the parameters; None if each does.
    kept : tuple of (Node, Node)
        What is added up until then.
    """

    gradients: list[Node]
    scale: Node
    reported: Node
    due: Node | None = None
    kept: tuple[tuple[Node, Node], ...] = ()


def _gathered(
    objective: Objective, decoupled: bool, accumulate: int, clock: _Clock | None
) -> _Gathered:
    """The gradients of a minibatch, or of as many as are accumulated."""
    smooth = [objective.smooth_penalty_of_step] if objective.penalised and not decoupled else []
    told = [objective.penalty_of_step] if smooth else []
    scale = 1.0 / objective.weight_sum
    if accumulate == 1 or clock is None:
        rest = objective.term_sums
        descended = sum([*smooth, *rest], start=objective.loss_sum)
        reported = sum([*told, *rest], start=objective.share * objective.loss_sum)
        gradients = [each * scale for each in gradient(descended, objective.parameters)]
        return _Gathered(gradients, scale, reported * scale)

    minibatches = variable("accumulated")
    so_far = minibatches + 1.0
    full = float(accumulate)
    due = fn.less_equal(full, fn.select(clock.ends_epoch, full, so_far))
    # A penalty that an update has once is not added up; one that each row has its share of is.
    each_time = objective.term_sums + (smooth if objective.penalty_in_shares else [])
    once = [] if objective.penalty_in_shares else smooth
    weight = variable("accumulated_weight")
    weights = weight + objective.weight_sum
    descended = sum(each_time, start=objective.loss_sum)
    sums, kept = [], []
    for parameter, bar in zip(
        objective.parameters, gradient(descended, objective.parameters), strict=True
    ):
        total = variable(f"{parameter.name}_sum", parameter.shape)
        sums.append(total + bar)
        kept.append((total, fn.select(due, 0.0, total + bar)))
    if once:
        penalty = gradient(once[0], objective.parameters)
        sums = [total + bar for total, bar in zip(sums, penalty, strict=True)]
    kept.append((weight, fn.select(due, 0.0, weights)))
    kept.append((minibatches, fn.select(due, 0.0, so_far)))
    reported = objective.share * objective.loss_sum
    for each in objective.term_sums:
        reported = reported + each
    for each in told:
        reported = reported + (each if objective.penalty_in_shares else fn.select(due, each, 0.0))
    return _Gathered(
        [each / weights for each in sums], 1.0 / weights, reported * scale, due, tuple(kept)
    )


def _decay(objective: Objective, parameter: Node, decoupled: bool) -> Node | None:
    """What a parameter is shrunk by, apart from its gradient, for each unit of the rate."""
    strengths = []
    if decoupled and parameter in objective.penalised:
        strengths.append(objective.alpha * (1.0 - objective.l1_ratio))
    if parameter in objective.decayed:
        strengths.append(variable("weight_decay"))
    return sum(strengths[1:], start=strengths[0]) if strengths else None


def _where(condition: Node, values: Sequence[Node], others: Sequence[Node]) -> list[Node]:
    return [fn.select(condition, *pair) for pair in zip(values, others, strict=True)]


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
