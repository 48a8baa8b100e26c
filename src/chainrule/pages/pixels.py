"""Grey pixels as a PNG inside the page."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

from chainrule.pages.markup import Markup, element

__all__ = ["image"]


def image(pixels: npt.NDArray[np.float64], alt: str) -> Markup:
    """An ``img`` of pixels, ink dark on light; one pixel of the file for each.

    Parameters
    ----------
    pixels : array of shape (height, width)
        0 for paper, the largest for full ink.
    alt : str
        What the image shows, for those who cannot see it.
    """
    height, width = pixels.shape
    spread = np.ptp(pixels) or 1.0
    grey = np.round(255 * (1 - (pixels - pixels.min()) / spread)).astype(np.uint8)
    # Each line of a PNG starts with its filter, 0 for none.
    lines = b"".join(b"\0" + line.tobytes() for line in grey)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        )
    )
    source = "data:image/png;base64," + base64.b64encode(data).decode("ascii")
    return element("img", src=source, alt=alt, class_="pixels")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
