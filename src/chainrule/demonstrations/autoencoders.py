"""Networks that restore their input: codes, samples, clean images, features."""

from __future__ import annotations

from chainrule.demonstrations import code_pictures as pictures
from chainrule.demonstrations import data, measures
from chainrule.demonstrations.base import Demonstration
from chainrule.demonstrations.measures import principal_components, probabilistic_components

__all__ = ["AUTOENCODERS"]

_DIGITS = "digits"
_LAYERS = {
    "encoder_sizes": (100,),
    "batch_size": 64,
    "learning_rate_init": 0.003,
    "n_iter_no_change": 300,
}

AUTOENCODERS = (
    Demonstration(
        "AE",
        f"{_DIGITS} → 8 numbers",
        data.digit_images,
        "Autoencoder",
        {"n_components": 8, **_LAYERS, "loss": "log_loss", "max_iter": 150},
        measures.RECONSTRUCTION_ERROR,
        principal_components(8),
        pictures.reconstructions,
        "Digits it had never seen, told by eight numbers each.",
    ),
    Demonstration(
        "AE",
        f"{_DIGITS} → 2 numbers",
        data.digit_images,
        "Autoencoder",
        {"n_components": 2, **_LAYERS, "loss": "log_loss", "max_iter": 300},
        measures.RECONSTRUCTION_ERROR,
        principal_components(2),
        pictures.latent_space,
        "Each digit held out, where its code puts it. The network was never told which digit is "
        "which.",
    ),
    Demonstration(
        "VAE",
        f"{_DIGITS} → 8 numbers",
        data.digit_images,
        "VariationalAutoencoder",
        {"n_components": 8, **_LAYERS, "max_iter": 150},
        measures.BOUND,
        probabilistic_components(8),
        pictures.samples,
        "Digits that nobody wrote: normal draws, decoded. PPCA is probabilistic PCA, the best that "
        "a linear decoder can do; the network's figure is a lower bound.",
    ),
    Demonstration(
        "VAE",
        f"{_DIGITS} → 2 numbers",
        data.digit_images,
        "VariationalAutoencoder",
        {"n_components": 2, **_LAYERS, "max_iter": 150},
        measures.BOUND,
        probabilistic_components(2),
        pictures.latent_map,
        "Codes are spread like a normal draw, so every place between them is a digit as well.",
    ),
    Demonstration(
        "DAE",
        "digits in noise",
        data.digit_images,
        "DenoisingAutoencoder",
        {
            "n_components": 128,
            "code_activation": "relu",
            "noise": measures.NOISE,
            "loss": "log_loss",
            "batch_size": 64,
            "learning_rate_init": 0.003,
            "n_iter_no_change": 100,
            "max_iter": 100,
        },
        measures.DENOISING_ERROR,
        measures.LINEAR_FILTER,
        pictures.restored,
        "The noise is drawn anew in every step of training, and is as strong here as it was there. "
        "The linear filter is the best there is for the covariance of the pixels.",
    ),
    Demonstration(
        "SAE",
        _DIGITS,
        data.digit_images,
        "SparseAutoencoder",
        {
            "n_components": 100,
            "sparsity": 0.05,
            "loss": "log_loss",
            "solver": "lbfgs",
            "alpha": 0.003,
            "max_iter": 200,
        },
        measures.ACCURACY_OF_FEATURES,
        measures.PIXELS,
        pictures.features,
        "The weights of each unit of the code, as an image: dark pixels excite it, light ones "
        "quiet it. A linear classifier tells digits from these codes, or from the pixels.",
    ),
)
"""In the order of the chart."""
