"""The pictures that the test clients draw, computed a second time.

Written from their definition in tests/clients/README.md, and not from the clients' code: a screen
that is judged by these was not judged by what drew it. Pictures are arrays of height × width × 3
bytes, red first.
"""

from __future__ import annotations

import numpy

Pixels = numpy.ndarray

_BLOCK = 16
_BITS = 24


def frame_colour(n: int) -> tuple[int, int, int]:
    """The colour of frame n of the pattern frame-number."""
    value = (n * 0x9E3779B1 % 2**32) // 256
    return value // 65536, value // 256 % 256, value % 256


def _colour(text: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


def _solid(width: int, height: int, colour: tuple[int, int, int]) -> Pixels:
    return numpy.full((height, width, 3), colour, numpy.uint8)


def _has_number(width: int, height: int) -> bool:
    return width >= 26 * _BLOCK and height >= 3 * _BLOCK


def _frame_number(width: int, height: int, n: int) -> Pixels:
    colour = frame_colour(n)
    border = tuple(255 - value for value in colour)
    picture = _solid(width, height, border)
    picture[1:-1, 1:-1] = colour
    if _has_number(width, height):
        for position, bit in enumerate(f"{n % 2**_BITS:0{_BITS}b}"):
            left = _BLOCK + position * _BLOCK
            picture[_BLOCK:2 * _BLOCK, left:left + _BLOCK] = 255 if bit == "1" else 0
    return picture


def _gradient(width: int, height: int) -> Pixels:
    picture = numpy.empty((height, width, 3), numpy.uint8)
    x, y = numpy.arange(width), numpy.arange(height)
    picture[:, :, 0] = x * 255 // width
    picture[:, :, 1] = (y * 255 // height)[:, numpy.newaxis]
    picture[:, :, 2] = 255 * ((y[:, numpy.newaxis] // 64 + x // 64) % 2)
    return picture


def _checker(width: int, height: int, n: int) -> Pixels:
    x, y = numpy.arange(width), numpy.arange(height)
    odd = (y[:, numpy.newaxis] // 32 + x // 32 + n) % 2 == 1
    return numpy.where(odd[:, :, numpy.newaxis], (255, 255, 255),
                       (0x20, 0x40, 0x80)).astype(numpy.uint8)


def picture(pattern: str, width: int, height: int, n: int = 1) -> Pixels:
    """Frame n of a pattern, named as for --pattern."""
    kind, _, argument = pattern.partition(":")
    if kind == "solid":
        return _solid(width, height, _colour(argument))
    if kind == "frame-number":
        return _frame_number(width, height, n)
    if kind == "gradient":
        return _gradient(width, height)
    if kind == "checker":
        return _checker(width, height, n)
    raise ValueError(f"no pattern {pattern}")


def replace(canvas: Pixels, rect: tuple[int, int, int, int], source: Pixels) -> Pixels:
    """A copy of canvas in which the part X, Y, W, H is that of source: a damaged frame."""
    x, y, width, height = rect
    result = canvas.copy()
    result[y:y + height, x:x + width] = source[y:y + height, x:x + width]
    return result


def fill(canvas: Pixels, rect: tuple[int, int, int, int], colour: str) -> Pixels:
    """A copy of canvas in which the part X, Y, W, H has the colour RRGGBB: what poison leaves."""
    x, y, width, height = rect
    result = canvas.copy()
    result[y:y + height, x:x + width] = _colour(colour)
    return result


def as_format(pixels: Pixels, format_name: str) -> Pixels:
    """What is left of a picture after a format with fewer bits, widened by repeating them."""
    if format_name != "RGB565":
        return pixels
    result = numpy.empty_like(pixels)
    for channel, bits in enumerate((5, 6, 5)):
        kept = pixels[:, :, channel] >> (8 - bits)
        result[:, :, channel] = (kept << (8 - bits)) | (kept >> (2 * bits - 8))
    return result


def read_number(pixels: Pixels) -> int | None:
    """The frame number, below 2^24, that a picture of the pattern frame-number shows.

    None if it shows none: it is another picture, or parts of more than one frame.
    """
    height, width = pixels.shape[:2]
    if not _has_number(width, height):
        return None
    middle = _BLOCK * 3 // 2
    bits = ""
    for position in range(_BITS):
        value = pixels[middle, _BLOCK + position * _BLOCK + _BLOCK // 2]
        if (value > 240).all():
            bits += "1"
        elif (value < 16).all():
            bits += "0"
        else:
            return None
    n = int(bits, 2)
    distance = pixels.astype(int) - _frame_number(width, height, n)
    return n if abs(distance).max() <= 8 else None
