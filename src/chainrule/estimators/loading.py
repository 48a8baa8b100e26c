"""Loading a saved model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import FileError
from chainrule.estimators.autoencoder import Autoencoder, DenoisingAutoencoder
from chainrule.estimators.custom_network import NetworkClassifier, NetworkRegressor
from chainrule.estimators.linear import LinearRegression
from chainrule.estimators.logistic import LogisticRegression
from chainrule.estimators.mlp import MLPClassifier, MLPRegressor
from chainrule.estimators.perceptron import Adaline, Perceptron
from chainrule.estimators.radial import RBFClassifier, RBFRegressor
from chainrule.estimators.recurrent_classifiers import (
    GRUClassifier,
    LSTMClassifier,
    RNNClassifier,
)
from chainrule.estimators.recurrent_regressors import GRURegressor, LSTMRegressor, RNNRegressor
from chainrule.estimators.saving import restore_estimator
from chainrule.estimators.sparse_autoencoder import SparseAutoencoder
from chainrule.estimators.table_model import TableModel
from chainrule.estimators.variational_autoencoder import VariationalAutoencoder
from chainrule.files.model_file import read_model_file
from chainrule.files.values import FunctionLacking

__all__ = ["load"]

ESTIMATORS = {
    each.__name__: each
    for each in (
        Adaline,
        Autoencoder,
        DenoisingAutoencoder,
        GRUClassifier,
        GRURegressor,
        LSTMClassifier,
        LSTMRegressor,
        LinearRegression,
        LogisticRegression,
        MLPClassifier,
        MLPRegressor,
        NetworkClassifier,
        NetworkRegressor,
        Perceptron,
        RBFClassifier,
        RBFRegressor,
        RNNClassifier,
        RNNRegressor,
        SparseAutoencoder,
        VariationalAutoencoder,
    )
}


def load(path: str | Path, functions: Mapping[str, Callable[..., Any]] | None = None) -> Any:
    """Load a model that ``model.save(path)`` or ``chainrule fit --out`` has written.

    Parameters
    ----------
    path : str or Path
    functions : mapping of str to callable, optional
        The functions that the model uses, a loss of your own for one, by the names that they had
        when it was saved. A file keeps these names only; nothing is looked up or run by name.

    Returns
    -------
    estimator or TableModel
        The fitted estimator; for a model that was fitted to a table with named columns, a
        :class:`TableModel`, which encodes further tables in the same way.

    Raises
    ------
    FileError
        If the file cannot be read, is damaged, is not a model, or uses a function that is not
        given. Nothing in it is ever run.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = cr.MLPClassifier((10,), max_iter=300, solver="lbfgs", random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "iris.safetensors"
    ...     model.save(path)
    ...     again = cr.load(path)
    >>> bool((again.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    given = _checked(functions)
    description, tensors = read_model_file(path)
    if "checkpoint" in description:
        raise FileError(
            f"{path} is a checkpoint, not a model: fit with the same parameters and data goes on "
            f"from it; model.save(path) writes a model."
        )
    try:
        estimator = restore_estimator(ESTIMATORS, description.get("model"), tensors, given)
        if "table" not in description:
            return estimator
        return TableModel.restored(estimator, description["table"])
    except FunctionLacking as error:
        raise FileError(f"{path} cannot be loaded alone: {error}") from None
    except FileError as error:
        # It may repeat what is in the file, whatever that is.
        reason = str(error).splitlines()[0][:300].rstrip(".")
        raise FileError(
            f"{path} is not a sound model file: {reason}. Save the model again."
        ) from None


def _checked(functions: Any) -> Mapping[str, Callable[..., Any]]:
    if functions is None:
        return {}
    if not isinstance(functions, Mapping) or not all(map(callable, functions.values())):
        raise FileError(
            f"functions must name each function that the model uses, such as "
            f"{{'my_loss': my_loss}}, but got {functions!r}."
        )
    return functions
