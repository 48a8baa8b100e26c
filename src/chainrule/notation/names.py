"""The parts of a name: ``h2_in[3]`` is h with 2 and "in" below it, at place 3."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["GREEK", "Name", "split_name"]

GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "zeta": "ζ",
    "eta": "η",
    "theta": "θ",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "phi": "φ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
}
"""Letters that are written where their names stand."""

_PARTS = re.compile(r"([^\W\d_]+)([0-9]*)((?:_[^\W_]+)*)(\[[0-9a-z:, ]*\])?")

_SHORT = 3
"""Letters of a word that may stand below another: in, out, new."""


@dataclass(frozen=True)
class Name:
    """A name taken apart.

    Attributes
    ----------
    stem : str
        A letter or a word.
    below : tuple of str
        What stands below it: a number, and words.
    places : str
        Where in an array: ``[3, 1]``, or nothing.
    """

    stem: str
    below: tuple[str, ...] = ()
    places: str = ""


def split_name(name: str) -> Name:
    """Take a name apart; one that is no name in this sense is a stem.

    Examples
    --------
    >>> split_name("h2_in[3]")
    Name(stem='h', below=('2', 'in'), places='[3]')
    >>> split_name("alpha"), split_name("net income")
    (Name(stem='α', below=(), places=''), Name(stem='net income', below=(), places=''))
    """
    match = _PARTS.fullmatch(name)
    if match is None:
        return Name(name)
    stem, digits, words, places = match.groups()
    after = [word for word in words.split("_") if word]
    if len(stem) > 1 and any(len(word) > _SHORT for word in after):
        # Two words, such as row_loss: neither is an index of the other.
        return Name(f"{stem}{digits}{words}", (), places or "")
    below = (*([digits] if digits else []), *after)
    return Name(GREEK.get(stem, stem), below, places or "")
