"""The contenders, one module each, and the protocol they share.

A contender's module has one function::

    prepare(task, X, Y, seed) -> Training

It builds the network on ``task.initial_weights(seed)``, compiles whatever can be compiled
ahead, and returns a :class:`Training`.  Everything is float32 on the CPU, with all cores.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.task import Array, Task


class Training(Protocol):
    """A network in training."""

    compile_seconds: float | None
    """Time to compile it, or None where nothing is compiled."""

    def epoch(self) -> float:
        """Train on every row once, in a new random order, in minibatches.

        Returns the mean over the rows of the squared error, each row's error taken before
        the update of its minibatch.  All work is finished when this returns.
        """
        ...


@dataclass(frozen=True)
class Contender:
    """An entry of the table of contenders.

    Parameters
    ----------
    name
        What the command line calls it.
    title
        What the report calls it.
    module
        Its module in this package.
    packages
        The distributions it needs; it is skipped where one is not installed.
    environment
        Variables set for its process.
    cache
        Variables that point its on-disk cache of compiled code at ``{folder}``.  Each run
        starts with an empty folder.
    """

    name: str
    title: str
    module: str
    packages: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    cache: Mapping[str, str] = field(default_factory=dict)

    def versions(self) -> dict[str, str]:
        """Version of each package; raises ``PackageNotFoundError`` where one is missing."""
        return {package: metadata.version(package) for package in self.packages}

    def prepare(self, task: Task, X: Array, Y: Array, seed: int) -> Training:
        """Import the contender's module and call its ``prepare``."""
        module = import_module(f"{__name__}.{self.module}")
        prepare = cast("Callable[[Task, Array, Array, int], Training]", module.prepare)
        return prepare(task, X, Y, seed)


_JAX_PACKAGES = ("jax", "jaxlib", "optax")
_JAX_ENVIRONMENT = {"JAX_PLATFORMS": "cpu"}
_JAX_CACHE = {
    "JAX_COMPILATION_CACHE_DIR": "{folder}",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}

CONTENDERS = (
    Contender(
        name="chainrule",
        title="chainrule",
        module="chainrule_native",
        packages=("chainrule",),
        cache={"CHAINRULE_CACHE_DIR": "{folder}"},
    ),
    Contender(
        name="sklearn",
        title="scikit-learn",
        module="scikit_learn",
        packages=("scikit-learn",),
    ),
    Contender(
        name="torch",
        title="PyTorch eager",
        module="pytorch_eager",
        packages=("torch",),
    ),
    Contender(
        name="torch-fused",
        title="PyTorch eager, fused Adam",
        module="pytorch_fused",
        packages=("torch",),
    ),
    Contender(
        name="jax-step",
        title="JAX, jit per step",
        module="jax_step",
        packages=_JAX_PACKAGES,
        environment=_JAX_ENVIRONMENT,
        cache=_JAX_CACHE,
    ),
    Contender(
        name="jax-scan",
        title="JAX, epoch in one scan",
        module="jax_scan",
        packages=_JAX_PACKAGES,
        environment=_JAX_ENVIRONMENT,
        cache=_JAX_CACHE,
    ),
)

RECURRENT = (
    Contender(
        name="chainrule",
        title="chainrule",
        module="chainrule_recurrent",
        packages=("chainrule",),
        cache={"CHAINRULE_CACHE_DIR": "{folder}"},
    ),
    Contender(
        name="torch",
        title="PyTorch eager, fused Adam",
        module="pytorch_recurrent",
        packages=("torch",),
    ),
    Contender(
        name="torch-single",
        title="PyTorch eager, fused Adam, 1 thread",
        module="pytorch_recurrent_single",
        packages=("torch",),
    ),
    Contender(
        name="jax-scan",
        title="JAX, epoch in one scan",
        module="jax_recurrent",
        packages=_JAX_PACKAGES,
        environment=_JAX_ENVIRONMENT,
        cache=_JAX_CACHE,
    ),
)
"""Those that train over time."""

VARIATIONAL = (
    Contender(
        name="chainrule",
        title="chainrule",
        module="chainrule_variational",
        packages=("chainrule",),
        cache={"CHAINRULE_CACHE_DIR": "{folder}"},
    ),
    Contender(
        name="torch",
        title="PyTorch eager, fused Adam",
        module="pytorch_variational",
        packages=("torch",),
    ),
    Contender(
        name="torch-single",
        title="PyTorch eager, fused Adam, 1 thread",
        module="pytorch_variational_single",
        packages=("torch",),
    ),
    Contender(
        name="jax-scan",
        title="JAX, epoch in one scan",
        module="jax_variational",
        packages=_JAX_PACKAGES,
        environment=_JAX_ENVIRONMENT,
        cache=_JAX_CACHE,
    ),
)
"""Those that draw a code at every step."""

BASELINE = "chainrule"
"""The contender that ratios are taken against."""


def named(name: str) -> Contender:
    """The contender of that name."""
    return next(contender for contender in CONTENDERS if contender.name == name)
