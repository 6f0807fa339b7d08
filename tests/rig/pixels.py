"""Comparing pictures: arrays of height × width × 3 bytes, red first."""

from __future__ import annotations

import numpy

Pixels = numpy.ndarray


def difference(got: Pixels, expected: Pixels, tolerance: int = 0) -> numpy.ndarray:
    """Height × width booleans: where a colour value differs by more than tolerance."""
    distance = numpy.abs(got.astype(numpy.int16) - expected.astype(numpy.int16))
    return (distance > tolerance).any(axis=2)


def difference_picture(got: Pixels, expected: Pixels, tolerance: int = 0) -> Pixels:
    """The expected picture, dark, with what differs in red."""
    picture = expected // 4
    picture[difference(got, expected, tolerance)] = (255, 0, 0)
    return picture


def describe_difference(got: Pixels, expected: Pixels, tolerance: int = 0) -> str:
    """How many pixels differ, where they lie, and the first of them."""
    if got.shape != expected.shape:
        return (f"{got.shape[1]}×{got.shape[0]} instead of "
                f"{expected.shape[1]}×{expected.shape[0]} pixels")
    ys, xs = numpy.nonzero(difference(got, expected, tolerance))
    if len(xs) == 0:
        return "no pixel differs"
    first = ", ".join(
        f"({x}, {y}) is #{bytes(got[y, x]).hex()} instead of #{bytes(expected[y, x]).hex()}"
        for x, y in list(zip(xs, ys))[:4])
    return (f"{len(xs)} of {got.shape[0] * got.shape[1]} pixels differ, within "
            f"x {xs.min()}–{xs.max()}, y {ys.min()}–{ys.max()}: {first}")
