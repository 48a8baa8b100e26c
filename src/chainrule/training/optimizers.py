"""Optimizers: update rules written as graph.

A rule gets a parameter, its gradient, the learning rate and what it remembers of the parameter,
and returns their new values: nodes in, nodes out. SGD and Adam are, to the letter, the rules of
scikit-learn's MLP. All arithmetic is element by element, with one number shared by all: the
learning rate, and for Adam the number of the step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import chainrule.graph.functions as fn
from chainrule.graph.node import Node

__all__ = ["SGD", "AdaGrad", "Adam", "Optimizer", "RMSProp", "soft_threshold"]


Update = tuple[Node, tuple[Node, ...]]
"""The parameter's new value, and the new value of each thing remembered."""


class Optimizer(ABC):
    """An update rule. What it remembers starts as zeros of the parameter's shape.

    Attributes
    ----------
    counts_steps : bool
        Whether the rule needs the number of the step, 1 for the first.
    decoupled_decay : bool
        Whether the L2 penalty is kept out of the gradient, and weights are instead shrunk by
        learning_rate·alpha at each step.
    """

    counts_steps: ClassVar[bool] = False
    decoupled_decay: bool = False

    @property
    @abstractmethod
    def memory(self) -> tuple[str, ...]:
        """The names of what is remembered of each parameter."""

    @abstractmethod
    def update(
        self,
        parameter: Node,
        gradient: Node,
        memory: Sequence[Node],
        learning_rate: Node,
        step: Node,
        l1: Node | None = None,
    ) -> Update:
        """The values after one step.

        Parameters
        ----------
        parameter, gradient : Node
        memory : sequence of Node
        learning_rate : Node
        step : Node
            The number of the step, if the rule counts steps.
        l1 : Node, optional
            λ of a penalty λ·Σ |W| beside the loss. A step along its gradient would only ever jump
            across 0; instead, what the step of the loss leads to is brought nearer to 0.

        References
        ----------
        Yun, Lozano & Yang, "Adaptive proximal gradient methods for structured neural networks",
        2021.
        """


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: plain, with momentum, or with Nesterov's.

    Parameters
    ----------
    momentum : float, default=0.0
        The share of the last step that is taken again (Polyak 1964).
    nesterov : bool, default=False
        Look ahead along the momentum (Nesterov 1983; in this form Sutskever, Martens, Dahl &
        Hinton 2013).
    """

    momentum: float = 0.0
    nesterov: bool = False

    @property
    def memory(self) -> tuple[str, ...]:
        """The velocity; without momentum there is none."""
        return ("velocity",) if self.momentum else ()

    def update(
        self,
        parameter: Node,
        gradient: Node,
        memory: Sequence[Node],
        learning_rate: Node,
        step: Node,
        l1: Node | None = None,
    ) -> Update:
        """v ← μ·v - η·g, and W ← W + v, or W + μ·v - η·g with Nesterov's momentum."""
        descent = learning_rate * gradient
        threshold = None if l1 is None else learning_rate * l1
        if not self.momentum:
            return soft_threshold(parameter - descent, threshold), ()
        pushed = self.momentum * memory[0]
        velocity = pushed - descent
        if threshold is None:
            move = self.momentum * velocity - descent if self.nesterov else velocity
            return parameter + move, (velocity,)
        # The velocity is the way that was really gone, so that none is left at 0. Nesterov's W is
        # already ahead, by the momentum's share of the step that led there.
        if self.nesterov:
            reached = soft_threshold(parameter - descent, threshold)
            velocity = reached - (parameter - pushed)
            return reached + self.momentum * velocity, (velocity,)
        value = soft_threshold(parameter + velocity, threshold)
        return value, (value - parameter,)


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """Steps that shrink with the sum of the squared gradients (Duchi, Hazan & Singer 2011)."""

    epsilon: float = 1e-8

    @property
    def memory(self) -> tuple[str, ...]:
        """The sum of the squared gradients."""
        return ("sum_of_squares",)

    def update(
        self,
        parameter: Node,
        gradient: Node,
        memory: Sequence[Node],
        learning_rate: Node,
        step: Node,
        l1: Node | None = None,
    ) -> Update:
        """s ← s + g², and W ← W - η·g/(√s + ε)."""
        squares = memory[0] + fn.square(gradient)
        root = fn.sqrt(squares) + self.epsilon
        value = parameter - learning_rate * gradient / root
        return soft_threshold(value, _over(learning_rate, l1, root)), (squares,)


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """Steps over the running mean of the squared gradients (Tieleman & Hinton 2012)."""

    rho: float = 0.9
    epsilon: float = 1e-8

    @property
    def memory(self) -> tuple[str, ...]:
        """The running mean of the squared gradients."""
        return ("squares",)

    def update(
        self,
        parameter: Node,
        gradient: Node,
        memory: Sequence[Node],
        learning_rate: Node,
        step: Node,
        l1: Node | None = None,
    ) -> Update:
        """s ← ρ·s + (1 - ρ)·g², and W ← W - η·g/(√s + ε)."""
        squares = self.rho * memory[0] + (1.0 - self.rho) * fn.square(gradient)
        root = fn.sqrt(squares) + self.epsilon
        value = parameter - learning_rate * gradient / root
        return soft_threshold(value, _over(learning_rate, l1, root)), (squares,)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Running means of the gradient and its square, corrected for their start at zero.

    Parameters
    ----------
    beta_1, beta_2 : float
        How much of the running means each step keeps.
    epsilon : float
    decoupled_decay : bool, default=False
        Shrink the weights apart from the gradient: AdamW.

    References
    ----------
    Kingma & Ba, "Adam: a method for stochastic optimization", 2014, in the form at the end of
    its section 2. Loshchilov & Hutter, "Decoupled weight decay regularization", 2017.
    """

    counts_steps: ClassVar[bool] = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    decoupled_decay: bool = False

    @property
    def memory(self) -> tuple[str, ...]:
        """The running means of the gradient and of its square."""
        return ("mean", "squares")

    def update(
        self,
        parameter: Node,
        gradient: Node,
        memory: Sequence[Node],
        learning_rate: Node,
        step: Node,
        l1: Node | None = None,
    ) -> Update:
        """m ← β₁·m + (1 - β₁)·g, v ← β₂·v + (1 - β₂)·g², and W ← W - η̂·m/(√v + ε)."""
        mean = self.beta_1 * memory[0] + (1.0 - self.beta_1) * gradient
        squares = self.beta_2 * memory[1] + (1.0 - self.beta_2) * fn.square(gradient)
        correction = fn.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        rate = (learning_rate * correction).named("step_size")
        root = fn.sqrt(squares) + self.epsilon
        value = parameter - rate * mean / root
        return soft_threshold(value, _over(rate, l1, root)), (mean, squares)


def soft_threshold(x: Node, threshold: Node | None) -> Node:
    """x, brought nearer to 0 by ``threshold``, and 0 where it is no further away than that.

    References
    ----------
    Daubechies, Defrise & De Mol, "An iterative thresholding algorithm for linear inverse
    problems with a sparsity constraint", 2004.
    """
    if threshold is None:
        return x
    return fn.sign(x) * fn.maximum(fn.absolute(x) - threshold, 0.0)


def _over(rate: Node, l1: Node | None, root: Node) -> Node | None:
    """How far an L1 penalty brings a parameter whose steps are divided by ``root``."""
    return None if l1 is None else rate * l1 / root
