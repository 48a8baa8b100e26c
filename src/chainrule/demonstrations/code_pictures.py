"""What came out of networks with an encoder: reconstructions, samples, latent spaces, features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from chainrule.demonstrations.base import Outcome
from chainrule.demonstrations.measures import with_noise
from chainrule.pages.maps import code_map
from chainrule.pages.markup import Markup, element
from chainrule.pages.page import figure
from chainrule.pages.pixels import mosaic

__all__ = ["features", "latent_map", "latent_space", "reconstructions", "restored", "samples"]

Numbers = npt.NDArray[np.float64]


def reconstructions(outcome: Outcome) -> list[Markup]:
    """Digits, what the network restores, and what principal components restore."""
    from sklearn.decomposition import PCA

    rows = _one_of_each(outcome)
    pca = PCA(outcome.model.n_components).fit(outcome.data.X_train)
    strips = (
        ("original", rows),
        ("network", outcome.model.reconstruct(rows)),
        ("PCA", pca.inverse_transform(pca.transform(rows))),
    )
    return [figure("Restored from eight numbers", _strips(strips))]


def restored(outcome: Outcome) -> list[Markup]:
    """Digits in noise, without it again, and as they were."""
    clean = outcome.data.X_test
    noisy, rows = with_noise(clean), _positions(outcome)
    strips = (
        ("noisy", noisy[rows]),
        ("restored", outcome.model.reconstruct(noisy[rows])),
        ("clean", clean[rows]),
    )
    return [figure("Noise removed", _strips(strips))]


def latent_space(outcome: Outcome) -> list[Markup]:
    """The codes of the digits held out."""
    codes = outcome.model.transform(outcome.data.X_test)
    return [figure("The plane of codes", code_map(codes, outcome.data.y_test, "codes of digits"))]


def samples(outcome: Outcome) -> list[Markup]:
    """New digits, and real ones beside them."""
    drawn = outcome.model.sample(80, random_state=outcome.seed, noise=False)
    real = outcome.data.X_test[:80]
    return [
        figure("Drawn by the network", _grid(drawn, "digits drawn by the network")),
        figure("Written by people", _grid(real, "digits written by people")),
    ]


def latent_map(outcome: Outcome) -> list[Markup]:
    """The codes of the digits held out, and the digits that places decode to."""
    # Places that cut a normal draw into equal parts, from top to bottom and left to right.
    cuts = ndtri((np.arange(14) + 0.5) / 14)
    places = np.array([(x, y) for y in cuts[::-1] for x in cuts])
    tiles = outcome.model.inverse_transform(places).reshape(-1, 8, 8)
    return [*latent_space(outcome), figure("Decoded", mosaic(tiles, 14, "decoded places"))]


def features(outcome: Outcome) -> list[Markup]:
    """The weights of each unit, each image with a scale of its own."""
    weights = outcome.model.coefs_[0].T
    tiles = 0.5 + 0.5 * weights / np.abs(weights).max(axis=1, keepdims=True)
    used = np.argsort(-np.abs(weights).max(axis=1))
    return [figure(f"The {len(tiles)} units", _grid(tiles[used], "weights of units"))]


def _positions(outcome: Outcome) -> list[int]:
    """One digit of each kind."""
    return [int(np.flatnonzero(outcome.data.y_test == k)[0]) for k in range(10)]


def _one_of_each(outcome: Outcome) -> Numbers:
    return outcome.data.X_test[_positions(outcome)]


def _strips(strips: tuple[tuple[str, Numbers], ...]) -> Markup:
    lines = [
        element("div", element("span", name), mosaic(rows.reshape(-1, 8, 8), len(rows), name))
        for name, rows in strips
    ]
    return element("div", *lines, class_="strips")


def _grid(rows: Numbers, alt: str) -> Markup:
    return mosaic(rows.reshape(-1, 8, 8), 10, alt)
