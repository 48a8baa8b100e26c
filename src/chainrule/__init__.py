"""chainrule: classic neural networks as scikit-learn estimators.

Compiled to native code, explained to the last derivative. The names below are loaded when
they are first used, so that importing chainrule costs next to nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from chainrule.version import VERSION

__version__ = VERSION

_HOME = {
    "chainrule.errors": (
        "ChainruleError",
        "DataError",
        "FileError",
        "FormulaError",
        "GraphError",
        "NonFiniteLossError",
        "ShapeError",
    ),
    "chainrule.graph.node": ("Node", "constant", "variable"),
    "chainrule.graph.functions": (
        "absolute",
        "broadcast_to",
        "concatenate",
        "cos",
        "equal",
        "erf",
        "exp",
        "expm1",
        "log",
        "log1p",
        "logistic",
        "logsumexp",
        "matmul",
        "maximum",
        "mean",
        "minimum",
        "normal",
        "power",
        "reciprocal",
        "relu",
        "reshape",
        "select",
        "sign",
        "sin",
        "softmax",
        "softplus",
        "sqrt",
        "square",
        "stop_gradient",
        "sum",
        "take",
        "tanh",
        "transpose",
        "uniform",
    ),
    "chainrule.graph.loop": ("scan",),
    "chainrule.graph.parser": ("parse_formula",),
    "chainrule.graph.printer": ("format_graph",),
    "chainrule.calculus.reverse": ("gradient",),
    "chainrule.calculus.simplify": ("simplify",),
    "chainrule.engines.registry": ("compile",),
    "chainrule.networks.plain_layers": (
        "Activation",
        "Dense",
        "Dropout",
        "GaussianNoise",
        "Residual",
    ),
    "chainrule.networks.norm_layers": ("BatchNorm", "LayerNorm"),
    "chainrule.networks.own_layer": ("Layer",),
    "chainrule.matrices.collapse": ("collapse",),
    "chainrule.explain.derivation": ("explain",),
    "chainrule.matrices.form": ("matrix_form",),
    "chainrule.training.schedules": (
        "AdaptiveSchedule",
        "ConstantSchedule",
        "CosineSchedule",
        "InverseScalingSchedule",
        "OneCycleSchedule",
        "StepSchedule",
    ),
    "chainrule.files.checkpoints": ("Checkpoint",),
    "chainrule.estimators.linear": ("LinearRegression",),
    "chainrule.estimators.logistic": ("LogisticRegression",),
    "chainrule.estimators.mlp": ("MLPClassifier", "MLPRegressor"),
    "chainrule.estimators.custom_network": ("NetworkClassifier", "NetworkRegressor"),
    "chainrule.estimators.recurrent_classifiers": (
        "GRUClassifier",
        "LSTMClassifier",
        "RNNClassifier",
    ),
    "chainrule.estimators.recurrent_regressors": (
        "GRURegressor",
        "LSTMRegressor",
        "RNNRegressor",
    ),
    "chainrule.estimators.perceptron": ("Adaline", "Perceptron"),
    "chainrule.estimators.radial": ("RBFClassifier", "RBFRegressor"),
    "chainrule.estimators.autoencoder": ("Autoencoder", "DenoisingAutoencoder"),
    "chainrule.estimators.sparse_autoencoder": ("SparseAutoencoder",),
    "chainrule.estimators.variational_autoencoder": ("VariationalAutoencoder",),
    "chainrule.estimators.loading": ("load",),
    "chainrule.estimators.table_model": ("TableModel",),
    "chainrule.estimators.scikit_learn": ("from_sklearn", "to_sklearn"),
    "chainrule.estimators.from_torch": ("from_torch",),
}
_FOLDERS = ("callbacks",)
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted([*_MODULE_OF, *_FOLDERS])

# What the table above says, for type checkers and editors; a test compares the two.
if TYPE_CHECKING:
    from chainrule import callbacks as callbacks
    from chainrule.calculus.reverse import gradient as gradient
    from chainrule.calculus.simplify import simplify as simplify
    from chainrule.engines.registry import compile as compile
    from chainrule.errors import (
        ChainruleError as ChainruleError,
        DataError as DataError,
        FileError as FileError,
        FormulaError as FormulaError,
        GraphError as GraphError,
        NonFiniteLossError as NonFiniteLossError,
        ShapeError as ShapeError,
    )
    from chainrule.estimators.autoencoder import (
        Autoencoder as Autoencoder,
        DenoisingAutoencoder as DenoisingAutoencoder,
    )
    from chainrule.estimators.custom_network import (
        NetworkClassifier as NetworkClassifier,
        NetworkRegressor as NetworkRegressor,
    )
    from chainrule.estimators.from_torch import from_torch as from_torch
    from chainrule.estimators.linear import LinearRegression as LinearRegression
    from chainrule.estimators.loading import load as load
    from chainrule.estimators.logistic import LogisticRegression as LogisticRegression
    from chainrule.estimators.mlp import (
        MLPClassifier as MLPClassifier,
        MLPRegressor as MLPRegressor,
    )
    from chainrule.estimators.perceptron import (
        Adaline as Adaline,
        Perceptron as Perceptron,
    )
    from chainrule.estimators.radial import (
        RBFClassifier as RBFClassifier,
        RBFRegressor as RBFRegressor,
    )
    from chainrule.estimators.recurrent_classifiers import (
        GRUClassifier as GRUClassifier,
        LSTMClassifier as LSTMClassifier,
        RNNClassifier as RNNClassifier,
    )
    from chainrule.estimators.recurrent_regressors import (
        GRURegressor as GRURegressor,
        LSTMRegressor as LSTMRegressor,
        RNNRegressor as RNNRegressor,
    )
    from chainrule.estimators.scikit_learn import (
        from_sklearn as from_sklearn,
        to_sklearn as to_sklearn,
    )
    from chainrule.estimators.sparse_autoencoder import SparseAutoencoder as SparseAutoencoder
    from chainrule.estimators.table_model import TableModel as TableModel
    from chainrule.estimators.variational_autoencoder import (
        VariationalAutoencoder as VariationalAutoencoder,
    )
    from chainrule.explain.derivation import explain as explain
    from chainrule.files.checkpoints import Checkpoint as Checkpoint
    from chainrule.graph.functions import (
        absolute as absolute,
        broadcast_to as broadcast_to,
        concatenate as concatenate,
        cos as cos,
        equal as equal,
        erf as erf,
        exp as exp,
        expm1 as expm1,
        log as log,
        log1p as log1p,
        logistic as logistic,
        logsumexp as logsumexp,
        matmul as matmul,
        maximum as maximum,
        mean as mean,
        minimum as minimum,
        normal as normal,
        power as power,
        reciprocal as reciprocal,
        relu as relu,
        reshape as reshape,
        select as select,
        sign as sign,
        sin as sin,
        softmax as softmax,
        softplus as softplus,
        sqrt as sqrt,
        square as square,
        stop_gradient as stop_gradient,
        sum as sum,
        take as take,
        tanh as tanh,
        transpose as transpose,
        uniform as uniform,
    )
    from chainrule.graph.loop import scan as scan
    from chainrule.graph.node import (
        Node as Node,
        constant as constant,
        variable as variable,
    )
    from chainrule.graph.parser import parse_formula as parse_formula
    from chainrule.graph.printer import format_graph as format_graph
    from chainrule.matrices.collapse import collapse as collapse
    from chainrule.matrices.form import matrix_form as matrix_form
    from chainrule.networks.norm_layers import (
        BatchNorm as BatchNorm,
        LayerNorm as LayerNorm,
    )
    from chainrule.networks.own_layer import Layer as Layer
    from chainrule.networks.plain_layers import (
        Activation as Activation,
        Dense as Dense,
        Dropout as Dropout,
        GaussianNoise as GaussianNoise,
        Residual as Residual,
    )
    from chainrule.training.schedules import (
        AdaptiveSchedule as AdaptiveSchedule,
        ConstantSchedule as ConstantSchedule,
        CosineSchedule as CosineSchedule,
        InverseScalingSchedule as InverseScalingSchedule,
        OneCycleSchedule as OneCycleSchedule,
        StepSchedule as StepSchedule,
    )


def __getattr__(name: str) -> Any:
    if name in _FOLDERS:
        return importlib.import_module(f"chainrule.{name}")
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


class _Package(ModuleType):
    """Keeps a public name when Python, importing the folder of that name, would replace it.

    ``chainrule.explain`` is a function; its code is in a folder that is also called explain.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _MODULE_OF or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        # Functions that name this module are sent to worker processes, by cloudpickle for one,
        # which knows how to send a module, but not one of a class of its own.
        return importlib.import_module, (__name__,)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
