"""The chart of neural networks, as data: its 27 networks, and which of them are built.

After "A mostly complete chart of Neural Networks", Fjodor van Veen, The Asimov Institute, 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CHART", "ChartEntry"]


@dataclass(frozen=True)
class ChartEntry:
    """One network of the chart.

    Parameters
    ----------
    code : str
        As the chart abbreviates it.
    name : str
    source : str
        Who described it, and when.
    estimators : tuple of str
        The public estimators that are this network; none if it is not built yet.
    """

    code: str
    name: str
    source: str
    estimators: tuple[str, ...] = ()


_MLP = ("MLPClassifier", "MLPRegressor")

CHART = (
    ChartEntry("P", "Perceptron", "Rosenblatt 1958"),
    ChartEntry("FF", "Feed forward", "Rumelhart, Hinton & Williams 1986", _MLP),
    ChartEntry("RBF", "Radial basis network", "Broomhead & Lowe 1988"),
    ChartEntry("DFF", "Deep feed forward", "Rumelhart, Hinton & Williams 1986", _MLP),
    ChartEntry("RNN", "Recurrent neural network", "Elman 1990"),
    ChartEntry("LSTM", "Long short-term memory", "Hochreiter & Schmidhuber 1997"),
    ChartEntry("GRU", "Gated recurrent unit", "Cho et al. 2014"),
    ChartEntry("AE", "Auto encoder", "Bourlard & Kamp 1988"),
    ChartEntry("VAE", "Variational auto encoder", "Kingma & Welling 2013"),
    ChartEntry("DAE", "Denoising auto encoder", "Vincent et al. 2008"),
    ChartEntry("SAE", "Sparse auto encoder", "Ranzato et al. 2007"),
    ChartEntry("MC", "Markov chain", "Markov 1906"),
    ChartEntry("HN", "Hopfield network", "Hopfield 1982"),
    ChartEntry("BM", "Boltzmann machine", "Hinton & Sejnowski 1986"),
    ChartEntry("RBM", "Restricted Boltzmann machine", "Smolensky 1986"),
    ChartEntry("DBN", "Deep belief network", "Hinton, Osindero & Teh 2006"),
    ChartEntry("DCN", "Deep convolutional network", "LeCun et al. 1998"),
    ChartEntry("DN", "Deconvolutional network", "Zeiler et al. 2010"),
    ChartEntry("DCIGN", "Deep convolutional inverse graphics network", "Kulkarni et al. 2015"),
    ChartEntry("GAN", "Generative adversarial network", "Goodfellow et al. 2014"),
    ChartEntry("LSM", "Liquid state machine", "Maass, Natschläger & Markram 2002"),
    ChartEntry("ELM", "Extreme learning machine", "Huang, Zhu & Siew 2006"),
    ChartEntry("ESN", "Echo state network", "Jaeger 2001"),
    ChartEntry("DRN", "Deep residual network", "He et al. 2015"),
    ChartEntry("KN", "Kohonen network", "Kohonen 1982"),
    ChartEntry("SVM", "Support vector machine", "Cortes & Vapnik 1995"),
    ChartEntry("NTM", "Neural Turing machine", "Graves, Wayne & Danihelka 2014"),
)
"""In the order of the chart, from left to right and top to bottom."""
