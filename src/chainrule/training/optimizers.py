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

__all__ = ["SGD", "AdaGrad", "Adam", "Optimizer", "RMSProp"]

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
    ) -> Update:
        """The values after one step; ``step`` is its number, if the rule counts steps."""


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
    ) -> Update:
        """v ← μ·v - η·g, and W ← W + v, or W + μ·v - η·g with Nesterov's momentum."""
        descent = learning_rate * gradient
        if not self.momentum:
            return parameter - descent, ()
        velocity = self.momentum * memory[0] - descent
        move = self.momentum * velocity - descent if self.nesterov else velocity
        return parameter + move, (velocity,)


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
    ) -> Update:
        """s ← s + g², and W ← W - η·g/(√s + ε)."""
        squares = memory[0] + fn.square(gradient)
        return parameter - learning_rate * gradient / (fn.sqrt(squares) + self.epsilon), (squares,)


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
    ) -> Update:
        """s ← ρ·s + (1 - ρ)·g², and W ← W - η·g/(√s + ε)."""
        squares = self.rho * memory[0] + (1.0 - self.rho) * fn.square(gradient)
        return parameter - learning_rate * gradient / (fn.sqrt(squares) + self.epsilon), (squares,)


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
    ) -> Update:
        """m ← β₁·m + (1 - β₁)·g, v ← β₂·v + (1 - β₂)·g², and W ← W - η̂·m/(√v + ε)."""
        mean = self.beta_1 * memory[0] + (1.0 - self.beta_1) * gradient
        squares = self.beta_2 * memory[1] + (1.0 - self.beta_2) * fn.square(gradient)
        correction = fn.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        rate = (learning_rate * correction).named("step_size")
        return parameter - rate * mean / (fn.sqrt(squares) + self.epsilon), (mean, squares)
