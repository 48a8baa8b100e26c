"""The chart of neural networks, as data: its 27 networks, their pictures, and which are built.

After "A mostly complete chart of Neural Networks", Fjodor van Veen, The Asimov Institute, 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.networks.papers import Paper
from chainrule.networks.pictures import Layers, LinkRule, Picture, layers_of, picture_of

__all__ = ["CHART", "ChartEntry"]


@dataclass(frozen=True)
class ChartEntry:
    """One network of the chart.

    Parameters
    ----------
    code : str
        As the chart abbreviates it.
    name : str
    layers : tuple of tuple of str
        The kinds of the cells of each layer, from left to right.
    links : str
        Which cells are joined; a :data:`~chainrule.networks.pictures.LinkRule`.
    paper : Paper
        Who described it.
    estimators : tuple of str
        The public estimators that are this network; none if it is not built yet.
    """

    code: str
    name: str
    layers: Layers
    links: LinkRule
    paper: Paper
    estimators: tuple[str, ...] = ()

    @property
    def picture(self) -> Picture:
        """Where the cells stand."""
        return picture_of(self.layers, self.links)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Each kind of its cells once, in the order of layers."""
        return tuple(dict.fromkeys(kind for layer in self.layers for kind in layer))


_BACKPROPAGATION = Paper(
    ("Rumelhart", "Hinton", "Williams"),
    "Learning representations by back-propagating errors",
    "Nature 323",
    1986,
)

CHART = (
    ChartEntry(
        "P",
        "Perceptron",
        layers_of("2 input, 1 output"),
        "dense",
        Paper(
            ("Rosenblatt",),
            "The perceptron: a probabilistic model for information storage and organization in "
            "the brain",
            "Psychological Review 65",
            1958,
        ),
        ("Perceptron",),
    ),
    ChartEntry(
        "FF",
        "Feed forward",
        layers_of("2 input, 2 hidden, 1 output"),
        "dense",
        _BACKPROPAGATION,
        ("MLPClassifier", "MLPRegressor"),
    ),
    ChartEntry(
        "RBF",
        "Radial basis network",
        layers_of("2 input, 2 hidden, 1 output"),
        "dense",
        Paper(
            ("Broomhead", "Lowe"),
            "Multivariable functional interpolation and adaptive networks",
            "Complex Systems 2",
            1988,
        ),
        ("RBFClassifier", "RBFRegressor"),
    ),
    ChartEntry(
        "DFF",
        "Deep feed forward",
        layers_of("3 input, 4 hidden, 4 hidden, 2 output"),
        "dense",
        _BACKPROPAGATION,
        ("MLPClassifier", "MLPRegressor"),
    ),
    ChartEntry(
        "RNN",
        "Recurrent neural network",
        layers_of("3 input, 3 recurrent, 3 recurrent, 3 output"),
        "dense",
        Paper(("Elman",), "Finding structure in time", "Cognitive Science 14", 1990),
        ("RNNClassifier", "RNNRegressor"),
    ),
    ChartEntry(
        "LSTM",
        "Long short-term memory",
        layers_of("3 input, 3 memory, 3 memory, 3 output"),
        "dense",
        Paper(
            ("Hochreiter", "Schmidhuber"), "Long short-term memory", "Neural Computation 9", 1997
        ),
        ("LSTMClassifier", "LSTMRegressor"),
    ),
    ChartEntry(
        "GRU",
        "Gated recurrent unit",
        layers_of("3 input, 3 different_memory, 3 different_memory, 3 output"),
        "dense",
        Paper(
            ("Cho", "van Merriënboer", "Gulcehre", "Bahdanau", "Bougares", "Schwenk", "Bengio"),
            "Learning phrase representations using RNN encoder–decoder for statistical machine "
            "translation",
            "EMNLP",
            2014,
        ),
        ("GRUClassifier", "GRURegressor"),
    ),
    ChartEntry(
        "AE",
        "Auto encoder",
        layers_of("4 input, 2 hidden, 4 match_input_output"),
        "dense",
        Paper(
            ("Bourlard", "Kamp"),
            "Auto-association by multilayer perceptrons and singular value decomposition",
            "Biological Cybernetics 59",
            1988,
        ),
        ("Autoencoder",),
    ),
    ChartEntry(
        "VAE",
        "Variational auto encoder",
        layers_of("4 input, 4 probabilistic_hidden, 4 match_input_output"),
        "dense",
        Paper(("Kingma", "Welling"), "Auto-encoding variational Bayes", "arXiv:1312.6114", 2013),
        ("VariationalAutoencoder",),
    ),
    ChartEntry(
        "DAE",
        "Denoising auto encoder",
        layers_of("4 noisy_input, 4 hidden, 4 match_input_output"),
        "dense",
        Paper(
            ("Vincent", "Larochelle", "Bengio", "Manzagol"),
            "Extracting and composing robust features with denoising autoencoders",
            "ICML",
            2008,
        ),
        ("DenoisingAutoencoder",),
    ),
    ChartEntry(
        "SAE",
        "Sparse auto encoder",
        layers_of("2 input, 4 hidden, 2 match_input_output"),
        "dense",
        Paper(
            ("Ranzato", "Poultney", "Chopra", "LeCun"),
            "Efficient learning of sparse representations with an energy-based model",
            "NIPS 19",
            2007,
        ),
        ("SparseAutoencoder",),
    ),
    ChartEntry(
        "MC",
        "Markov chain",
        layers_of("8 probabilistic_hidden"),
        "all",
        Paper(
            ("Markov",),
            "Extension of the law of large numbers to quantities that depend on each other",
            "Kazan, in Russian",
            1906,
        ),
    ),
    ChartEntry(
        "HN",
        "Hopfield network",
        layers_of("8 backfed_input"),
        "all",
        Paper(
            ("Hopfield",),
            "Neural networks and physical systems with emergent collective computational abilities",
            "PNAS 79",
            1982,
        ),
    ),
    ChartEntry(
        "BM",
        "Boltzmann machine",
        layers_of("2 backfed_input + 4 probabilistic_hidden + 2 backfed_input"),
        "all",
        Paper(
            ("Hinton", "Sejnowski"),
            "Learning and relearning in Boltzmann machines",
            "Parallel Distributed Processing 1",
            1986,
        ),
    ),
    ChartEntry(
        "RBM",
        "Restricted Boltzmann machine",
        layers_of("4 backfed_input, 3 probabilistic_hidden"),
        "dense",
        Paper(
            ("Smolensky",),
            "Information processing in dynamical systems: foundations of harmony theory",
            "Parallel Distributed Processing 1",
            1986,
        ),
    ),
    ChartEntry(
        "DBN",
        "Deep belief network",
        layers_of(
            "3 backfed_input, 4 probabilistic_hidden, 4 probabilistic_hidden, 3 match_input_output"
        ),
        "dense",
        Paper(
            ("Hinton", "Osindero", "Teh"),
            "A fast learning algorithm for deep belief nets",
            "Neural Computation 18",
            2006,
        ),
    ),
    ChartEntry(
        "DCN",
        "Deep convolutional network",
        layers_of("5 input, 5 kernel, 4 convolution, 3 convolution, 3 hidden, 2 output"),
        "local",
        Paper(
            ("LeCun", "Bottou", "Bengio", "Haffner"),
            "Gradient-based learning applied to document recognition",
            "Proceedings of the IEEE 86",
            1998,
        ),
    ),
    ChartEntry(
        "DN",
        "Deconvolutional network",
        layers_of("2 input, 3 hidden, 3 convolution, 4 convolution, 5 kernel, 5 output"),
        "local",
        Paper(("Zeiler", "Krishnan", "Taylor", "Fergus"), "Deconvolutional networks", "CVPR", 2010),
    ),
    ChartEntry(
        "DCIGN",
        "Deep convolutional inverse graphics network",
        layers_of(
            "4 input, 4 kernel, 3 convolution, 2 probabilistic_hidden, 3 convolution, 4 kernel, "
            "4 output"
        ),
        "local",
        Paper(
            ("Kulkarni", "Whitney", "Kohli", "Tenenbaum"),
            "Deep convolutional inverse graphics network",
            "NIPS 28",
            2015,
        ),
    ),
    ChartEntry(
        "GAN",
        "Generative adversarial network",
        layers_of(
            "3 backfed_input, 4 hidden, 4 hidden, 3 match_input_output, 4 hidden, 4 hidden, "
            "3 match_input_output"
        ),
        "dense",
        Paper(
            (
                "Goodfellow",
                "Pouget-Abadie",
                "Mirza",
                "Xu",
                "Warde-Farley",
                "Ozair",
                "Courville",
                "Bengio",
            ),
            "Generative adversarial nets",
            "NIPS 27",
            2014,
        ),
    ),
    ChartEntry(
        "LSM",
        "Liquid state machine",
        layers_of("3 input, 4 spiking_hidden, 5 spiking_hidden, 4 spiking_hidden, 3 output"),
        "sparse",
        Paper(
            ("Maass", "Natschläger", "Markram"),
            "Real-time computing without stable states: a new framework for neural computation "
            "based on perturbations",
            "Neural Computation 14",
            2002,
        ),
    ),
    ChartEntry(
        "ELM",
        "Extreme learning machine",
        layers_of("3 input, 4 hidden, 5 hidden, 4 hidden, 3 output"),
        "sparse",
        Paper(
            ("Huang", "Zhu", "Siew"),
            "Extreme learning machine: theory and applications",
            "Neurocomputing 70",
            2006,
        ),
    ),
    ChartEntry(
        "ESN",
        "Echo state network",
        layers_of("3 input, 4 recurrent, 5 recurrent, 4 recurrent, 3 output"),
        "sparse",
        Paper(
            ("Jaeger",),
            "The ‘echo state’ approach to analysing and training recurrent neural networks",
            "GMD Report 148",
            2001,
        ),
    ),
    ChartEntry(
        "DRN",
        "Deep residual network",
        layers_of("3 input, 3 hidden, 3 hidden, 3 hidden, 3 hidden, 3 hidden, 3 output"),
        "skip",
        Paper(
            ("He", "Zhang", "Ren", "Sun"),
            "Deep residual learning for image recognition",
            "arXiv:1512.03385",
            2015,
        ),
    ),
    ChartEntry(
        "KN",
        "Kohonen network",
        layers_of("2 input, 4 hidden, 4 hidden, 4 hidden"),
        "lattice",
        Paper(
            ("Kohonen",),
            "Self-organized formation of topologically correct feature maps",
            "Biological Cybernetics 43",
            1982,
        ),
    ),
    ChartEntry(
        "SVM",
        "Support vector machine",
        layers_of("3 input, 4 hidden, 1 output"),
        "dense",
        Paper(("Cortes", "Vapnik"), "Support-vector networks", "Machine Learning 20", 1995),
    ),
    ChartEntry(
        "NTM",
        "Neural Turing machine",
        layers_of("3 input, 3 hidden, 4 memory, 3 output"),
        "memory",
        Paper(("Graves", "Wayne", "Danihelka"), "Neural Turing machines", "arXiv:1410.5401", 2014),
    ),
)
"""In the order of the chart. The first eleven have the cells of the chart; those that are not built
yet have its kinds of cells, joined in its manner, in numbers that make a small picture readable."""
