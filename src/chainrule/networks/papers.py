"""Where networks were described."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Paper"]


@dataclass(frozen=True)
class Paper:
    """Where a network was described.

    Parameters
    ----------
    authors : tuple of str
        Their family names.
    title : str
    place : str
        The journal, conference, book or archive.
    year : int
    """

    authors: tuple[str, ...]
    title: str
    place: str
    year: int

    @property
    def short(self) -> str:
        """Who and when.

        Examples
        --------
        >>> Paper(("Rumelhart", "Hinton", "Williams"), "", "", 1986).short
        'Rumelhart, Hinton & Williams 1986'
        >>> Paper(("Vincent", "Larochelle", "Bengio", "Manzagol"), "", "", 2008).short
        'Vincent et al. 2008'
        """
        if len(self.authors) > 3:
            return f"{self.authors[0]} et al. {self.year}"
        return f"{_listed(self.authors)} {self.year}"

    def __str__(self) -> str:
        return f"{_listed(self.authors)}: “{self.title}”, {self.place}, {self.year}"


def _listed(names: tuple[str, ...]) -> str:
    *most, last = names
    return f"{', '.join(most)} & {last}" if most else last
