"""Callbacks: watch training as it goes, log it, stop it.

Any function of a :class:`Moment` is one: ``MLPClassifier(callbacks=[print])``.
"""

from chainrule.callbacks.mlflow import MLflow
from chainrule.callbacks.progress import ProgressBar
from chainrule.callbacks.tensorboard import TensorBoard
from chainrule.training.callbacks import Callback, Moment

__all__ = ["Callback", "Moment", "ProgressBar", "TensorBoard", "MLflow"]
