"""All demonstrations, by the networks of the chart."""

from __future__ import annotations

from chainrule.demonstrations.autoencoders import AUTOENCODERS
from chainrule.demonstrations.base import Demonstration
from chainrule.demonstrations.feed_forward import FEED_FORWARD
from chainrule.demonstrations.recurrent import RECURRENT
from chainrule.networks.chart import ChartEntry

__all__ = ["DEMONSTRATIONS", "demonstrations_of"]

DEMONSTRATIONS = (*FEED_FORWARD, *RECURRENT, *AUTOENCODERS)
"""In the order of the chart."""


def demonstrations_of(entry: ChartEntry) -> tuple[Demonstration, ...]:
    """Those of one network and its neighbours; none if it is not built yet.

    Parameters
    ----------
    entry : ChartEntry

    Examples
    --------
    >>> from chainrule.networks.chart import CHART
    >>> [each.estimator for each in demonstrations_of(CHART[1])]
    ['MLPClassifier', 'MLPClassifier']
    """
    return tuple(each for each in DEMONSTRATIONS if each.network == entry.code)
