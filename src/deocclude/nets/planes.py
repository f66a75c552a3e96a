"""The input of the content networks, which all take the same planes float32 [B, 6, H, W].

0-2 RGB in 0..1, zero wherever the pixel may not be looked at; 3 ``seen``, 1 where it may (the object's own visible
pixels, and context that shows neither the object nor what hides it); 4 ``own``, 1 on the object's own visible pixels;
5 ``hole``, 1 on the pixels to paint. Pixels that are neither seen nor hole (what hides the object) are unknown.
For the background all seen pixels are its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

PLANES = 6
RGB, SEEN, OWN, HOLE = slice(0, 3), slice(3, 4), slice(4, 5), slice(5, 6)


def check_planes(planes: Tensor, stride: int, count: int = PLANES) -> None:
    """Check the shape of the input of a net of ``count`` planes whose sides must be multiples of ``stride``.

    Raises:
        ValueError: another shape.
    """
    shape = list(planes.shape)
    if len(shape) != 4 or shape[1] != count or shape[2] % stride or shape[3] % stride:
        raise ValueError(f"expected [B, {count}, H, W] with sides that are multiples of {stride}, found {shape}")
