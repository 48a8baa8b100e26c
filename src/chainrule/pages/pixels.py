"""Pixels as a PNG inside the page: images in grey, many as a mosaic, tints."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

from chainrule.pages.markup import Markup, element

__all__ = ["image", "mosaic", "tint"]

Numbers = npt.NDArray[np.float64]


def image(pixels: Numbers, alt: str) -> Markup:
    """An ``img`` of pixels, ink dark on light; one pixel of the file for each.

    Parameters
    ----------
    pixels : array of shape (height, width)
        0 for paper, the largest for full ink.
    alt : str
        What the image shows, for those who cannot see it.
    """
    spread = np.ptp(pixels) or 1.0
    grey = np.round(255 * (1 - (pixels - pixels.min()) / spread)).astype(np.uint8)
    return element("img", src=_png(grey, 0), alt=alt, class_="pixels")


def mosaic(tiles: Numbers, columns: int, alt: str) -> Markup:
    """Many small images as one, a pixel of paper between them.

    Parameters
    ----------
    tiles : array of shape (n_images, height, width)
        0 for paper, 1 for full ink; what lies beyond is cut off.
    columns : int
    alt : str

    Examples
    --------
    >>> mosaic(np.ones((6, 8, 8)), 3, "six black squares").count("<img")
    1
    """
    n_tiles, height, width = tiles.shape
    lines = -(-n_tiles // columns)
    grey = np.full((lines * (height + 1) - 1, columns * (width + 1) - 1), 255, np.uint8)
    for k, tile in enumerate(tiles):
        top, left = k // columns * (height + 1), k % columns * (width + 1)
        ink = np.clip(tile, 0.0, 1.0)
        grey[top : top + height, left : left + width] = np.round(255 * (1 - ink))
    return element("img", src=_png(grey, 0), alt=alt, class_="pixels mosaic")


def tint(share: Numbers, colours: tuple[str, str]) -> str:
    """The source of an image between two colours, clear in the middle: for light and dark pages.

    Parameters
    ----------
    share : array of shape (height, width)
        0 for the first colour, 1 for the second, ½ for neither.
    colours : tuple of str
        Such as ``"#0b6e99"``.
    """
    chosen = np.array([list(bytes.fromhex(each[1:])) for each in colours], np.uint8)
    pixels = np.empty((*share.shape, 4), np.uint8)
    pixels[..., :3] = chosen[(share > 0.5).astype(int)]
    # Something even next to the border, so that it can be seen where it is sharp.
    pixels[..., 3] = np.round(255 * (0.12 + 0.38 * np.abs(2 * np.clip(share, 0.0, 1.0) - 1)))
    return _png(pixels, 6)


def _png(pixels: npt.NDArray[np.uint8], colour_type: int) -> str:
    """A PNG as the source of an image; colour type 0 is grey, 6 has red, green, blue, opacity."""
    height, width = pixels.shape[:2]
    # Each line of a PNG starts with its filter, 0 for none.
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        )
    )
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
