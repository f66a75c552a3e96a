"""Placing packed crops: affine maps between a common frame and crops, and drawing many crops at once.

A crop's own coordinates run from -1 to 1 over its width and height. A map [2, 3] takes a point of the frame to a point
of the crop; a window (centre x, centre y, half side) is the square of the frame that a patch shows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def similarity(angle: Tensor, scale: Tensor, aspect: Tensor, mirrored: Tensor) -> Tensor:
    """Return [n, 2, 2]: mirror, stretch by ``aspect`` (area kept), turn by ``angle`` (radians), scale."""
    cosine, sine = torch.cos(angle), torch.sin(angle)
    turn = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)
    sign = 1.0 - 2.0 * mirrored.to(angle.dtype)
    stretch = torch.stack([sign * torch.exp(aspect), torch.exp(-aspect)], -1)
    linear: Tensor = scale[:, None, None] * turn * stretch[:, None, :]
    return linear


def with_offset(linear: Tensor, frame_point: Tensor, crop_point: Tensor) -> Tensor:
    """Return the maps [n, 2, 3] with the given linear part that take ``frame_point`` to ``crop_point`` [n, 2]."""
    offset = crop_point - (linear @ frame_point[..., None])[..., 0]
    return torch.cat([linear, offset[..., None]], -1)


def to_frame(maps: Tensor, crop_points: Tensor) -> Tensor:
    """Return the points [n, 2] of the frame that ``maps`` [n, 2, 3] take to ``crop_points`` [n, 2]."""
    inverse = torch.linalg.inv(maps[..., :2])
    points: Tensor = inverse @ (crop_points - maps[..., 2])[..., None]
    return points[..., 0]


def patch_to_crop(maps: Tensor, windows: Tensor) -> Tensor:
    """Return [n, 2, 3]: from patch coordinates (-1..1 over ``windows`` [n, 3]) to crop coordinates."""
    linear = maps[..., :2] * windows[:, 2, None, None]
    offset = (maps[..., :2] @ windows[:, :2, None])[..., 0] + maps[..., 2]
    return torch.cat([linear, offset[..., None]], -1)


def coordinates(maps: Tensor, windows: Tensor, size: int) -> Tensor:
    """Return the crop coordinates of each patch pixel centre, [n, size, size, 2]."""
    return functional.affine_grid(patch_to_crop(maps, windows), [len(maps), 1, size, size], align_corners=False)


def draw(crops: Tensor, maps: Tensor, windows: Tensor, size: int) -> Tensor:
    """Return the crops [n, S, S] (uint8 or 0..1) as patches show them, bool [n, size, size]."""
    inside = 127.5 if crops.dtype == torch.uint8 else 0.5
    grid = coordinates(maps, windows, size)
    return (
        functional.grid_sample(crops[:, None].to(maps.dtype), grid, mode="bilinear", align_corners=False)[:, 0] > inside
    )


def varied(squares: Tensor, dice: Tensor, zoom: tuple[float, float], shift: float) -> Tensor:
    """Return squares [n, 3] (centre x, centre y, half side) scaled and moved at random.

    Args:
        squares: to start from.
        dice: float32 [n, 3], uniform in 0..1: for the scale, and for the shift right and down.
        zoom: smallest and largest scale; its logarithm is uniform.
        shift: largest shift, share of the side.
    """
    low, high = (math.log(value) for value in zoom)
    half = squares[:, 2] * torch.exp(low + (high - low) * dice[:, 0])
    centre = squares[:, :2] + (2 * dice[:, 1:] - 1) * 2 * shift * half[:, None]
    return torch.cat([centre, half[:, None]], 1)


def unpacked(planes: Tensor) -> tuple[Tensor, ...]:
    """Return the bits of planes uint8 [n, k, S, S / 8] as k crops float32 [n, S, S]."""
    places = torch.arange(7, -1, -1, device=planes.device, dtype=torch.uint8)
    bits = (planes[..., None] >> places) & 1
    return bits.flatten(-2).to(torch.float32).unbind(1)


def fit_square(masks: Tensor, windows: Tensor) -> Tensor:
    """Return the common square (centre x, centre y, half side) [n, 3] around masks [n, s, s] seen through ``windows``.

    Side ``max(sqrt(3 w h), 1.1 w, 1.1 h)`` for a w x h box, as in Zhan et al. (CVPR 2020). An empty mask gets
    its window back.
    """
    size = masks.shape[-1]
    low_x, high_x = _extent(masks.any(1), size)
    low_y, high_y = _extent(masks.any(2), size)
    width, height = high_x - low_x, high_y - low_y
    side = torch.maximum(torch.sqrt(3 * width * height), 1.1 * torch.maximum(width, height))
    local = torch.stack([(low_x + high_x) / 2, (low_y + high_y) / 2], -1)
    half = windows[:, 2:]
    fitted = torch.cat([windows[:, :2] + local * half, side[:, None] / 2 * half], -1)
    return torch.where(masks.any(2).any(1)[:, None], fitted, windows)


def _extent(line: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return the first and last edge of the set cells of [n, size] lines, in -1..1."""
    cells = line.to(torch.float32)
    first = cells.argmax(1)
    last = size - cells.flip(1).argmax(1)
    return first * (2.0 / size) - 1, last * (2.0 / size) - 1


def morph(masks: Tensor, radius: Tensor) -> Tensor:
    """Grow (radius > 0) or shrink (< 0) each mask bool [n, s, s] by its own whole number of pixels, about a disc."""
    steps = int(radius.abs().max()) if len(radius) else 0
    shrink = (radius < 0)[:, None, None]
    plane = masks ^ shrink
    for step in range(1, steps + 1):
        plane = torch.where((radius.abs() >= step)[:, None, None], _grown(plane, step), plane)
    return plane ^ shrink


def reopened(first: Tensor, second: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
    """Part masks bool [n, s, s] that meet, and close the slit again: each of its pixels goes to the nearer mask.

    The line on which they meet then says nothing any more about which of the two goes on behind the other.

    Args:
        first: masks.
        second: masks that share no pixel with them.
        reach: int64 [2, n], how far the first mask withdraws from the second, and the other way round, pixels.
    """
    slit = (first & morph(second, reach[0])) | (second & morph(first, reach[1]))
    first, second = first & ~slit, second & ~slit
    for step in range(1, int(reach.sum(0).max()) + 1 if len(first) else 0):
        one, two = _grown(first, step) & slit & ~second, _grown(second, step) & slit & ~first
        first, second = first | one, second | (two & ~one)
    return first | (slit & ~second), second


def _grown(masks: Tensor, step: int) -> Tensor:
    """Return masks bool [n, s, s] grown by one pixel: four neighbours in odd steps, eight in even ones."""
    sideways = _spread(masks, 2)
    return _spread(sideways, 1) if step % 2 == 0 else sideways | _spread(masks, 1)


def _spread(masks: Tensor, axis: int) -> Tensor:
    """Return masks bool [n, s, s] grown by one pixel both ways along ``axis``."""
    wide = masks.clone()
    last = masks.shape[axis] - 1
    wide.narrow(axis, 0, last).logical_or_(masks.narrow(axis, 1, last))
    wide.narrow(axis, 1, last).logical_or_(masks.narrow(axis, 0, last))
    return wide
