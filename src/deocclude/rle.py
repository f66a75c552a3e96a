"""COCO run-length encoding, column by column, straight from and to cropped masks.

The whole picture is never unpacked: both directions cost what the object costs. pycocotools does the packing into
text; unpacking is done here because its decoder reads beyond its buffer on damaged input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Size
from deocclude.images import MAX_PIXELS
from deocclude.masks import Mask

_LARGE = 1_000_000
"""Pixels from which OpenCV is worth its import: it transposes several times faster."""
_LONGEST_OUTLINE = 2_000_000
"""Pixels; pycocotools needs 40 bytes for each, unchecked."""


def encode(mask: Mask) -> dict[str, Any]:
    """Return ``{"size": [H, W], "counts": text}``, the compressed COCO form."""
    from pycocotools import mask as coco

    packed = coco.frPyObjects({"counts": counts(mask), "size": list(mask.size)}, *mask.size)
    return {"size": list(mask.size), "counts": packed["counts"].decode("ascii")}


def counts(mask: Mask) -> list[int]:
    """Return the uncompressed run lengths (zeros first, down the columns) that add up to H x W."""
    height, width = mask.size
    starts, ends = _spans(mask)
    new_run = np.ones(starts.size, bool)
    new_run[1:] = starts[1:] != ends[:-1]
    starts, ends = starts[new_run], np.append(ends[:-1][new_run[1:]], ends[-1:])
    edges = np.stack([starts, ends], 1).ravel()
    runs = np.diff(np.concatenate([[0], edges, [height * width]]))
    if edges.size and edges[-1] == height * width:
        runs = runs[:-1]
    return [int(run) for run in runs]


def _spans(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where set pixels begin and end down each column, as places in the whole picture; ends are half-open."""
    tall, wide = mask.pixels.shape
    columns = np.zeros((wide + 1, tall + 1), np.uint8)  # a clear pixel before each column, and one after the last
    if mask:
        columns[:-1, 1:] = _transposed(mask.pixels.view(np.uint8))
    flat = columns.ravel()
    column, row = np.divmod(np.flatnonzero(flat[1:] != flat[:-1]), tall + 1)
    # A span that ends with its column does so at the clear pixel before the next one.
    places = (column + mask.box.x0) * mask.size.height + mask.box.y0 + row
    return places[0::2], places[1::2]


def _transposed(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if array.size < _LARGE:
        return np.ascontiguousarray(array.T)
    import cv2

    return np.asarray(cv2.transpose(array), np.uint8)


def decode(rle: dict[str, Any]) -> Mask:
    """Return the mask of a COCO RLE, compressed (text or bytes) or not (list).

    Raises:
        ValueError: keys are missing, the runs do not add up to the size, or that is larger than any picture read here.
    """
    try:
        size, packed = Size(*(int(side) for side in rle["size"])), rle["counts"]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"a run-length mask needs 'size' [H, W] and 'counts' ({error})") from None
    if min(size) < 0 or size.height * size.width > MAX_PIXELS:
        raise ValueError(f"a run-length mask needs a size of 0 to {MAX_PIXELS} pixels, found {list(size)}")
    runs = unpack(packed) if isinstance(packed, (str, bytes)) else _as_runs(packed)
    if (runs < 0).any() or (runs > size.height * size.width).any():
        raise ValueError(f"a run length is negative or larger than the {size.height * size.width} pixels of {size}")
    total = int(runs.sum())
    if total != size.height * size.width:
        raise ValueError(f"run lengths add up to {total}, but the size {size} has {size.height * size.width} pixels")
    return _from_runs(runs, size)


def unpack(text: str | bytes) -> NDArray[np.int64]:
    """Return the run lengths of a compressed ``counts`` text (five bits a character, differences two runs back).

    Raises:
        ValueError: a character is out of range or the text breaks off within a number.
    """
    raw = np.frombuffer(text.encode("latin-1", "replace") if isinstance(text, str) else text, np.uint8)
    digits = raw.astype(np.int64) - 48
    if digits.size == 0:
        return digits
    if digits.min() < 0 or digits.max() > 63 or digits[-1] & 32:
        raise ValueError("run-length text is damaged or cut off")
    last = np.flatnonzero((digits & 32) == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    place = np.arange(digits.size) - np.repeat(first, last - first + 1)
    if place.max() > 11:
        raise ValueError("run-length text is damaged: a number is too long")
    values = np.add.reduceat((digits & 31) << (5 * place), first)
    values -= np.where(digits[last] & 16, np.int64(1) << (5 * (last - first + 1)), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def _as_runs(values: Any) -> NDArray[np.int64]:
    try:
        runs = np.asarray(values)
    except ValueError:
        runs = np.zeros((0, 0))
    if runs.ndim != 1 or (runs.size and runs.dtype.kind not in "iu"):
        raise ValueError("'counts' is neither a run-length text nor a list of whole numbers")
    return runs.astype(np.int64)


def _from_runs(runs: NDArray[np.int64], size: Size) -> Mask:
    edges = np.concatenate([[0], np.cumsum(runs)])
    starts, ends = edges[1::2], edges[2::2]
    starts = starts[: ends.size]
    kept = ends > starts
    starts, ends = starts[kept], ends[kept]
    if starts.size == 0:
        return Mask.empty(size)
    (first, top), (last, bottom) = np.divmod(starts, size.height), np.divmod(ends - 1, size.height)
    x0, x1, y0, y1 = int(first[0]), int(last[-1]) + 1, 0, size.height
    if np.array_equal(first, last):  # no run goes on in the next column, so rows without any need not be filled
        y0, y1 = int(top.min()), int(bottom.max()) + 1
    edges = np.stack([(first - x0) * (y1 - y0) + top - y0, (last - x0) * (y1 - y0) + bottom - y0 + 1], 1).ravel()
    lengths = np.diff(np.concatenate([[0], edges, [(x1 - x0) * (y1 - y0)]]))
    flat = np.repeat(np.arange(lengths.size, dtype=np.uint8) & 1, lengths)
    return Mask.from_crop(_transposed(flat.reshape(x1 - x0, y1 - y0)), (x0, y0), size)


def from_polygons(polygons: list[list[float]], size: Size) -> Mask:
    """Return the union of polygons (each flat: x0, y0, x1, y1, ...) as pycocotools rasterises them.

    Raises:
        ValueError: a polygon is no flat list of finite numbers, has fewer than three points or an odd number of
            coordinates, or reaches absurdly far out of the picture.
    """
    from pycocotools import mask as coco

    for polygon in polygons:
        try:
            points = np.asarray(polygon, float)
        except (TypeError, ValueError, OverflowError):
            points = np.zeros(())
        if points.ndim != 1:
            raise ValueError("a polygon is no flat list of numbers x0, y0, x1, y1, ...")
        if points.size < 6 or points.size % 2:
            raise ValueError(f"a polygon needs at least three points x, y, found {points.size} numbers")
        if not np.isfinite(points).all():
            raise ValueError("a polygon has a coordinate that is not a finite number")
        if np.abs(points).max() > min(10 * max(*size, 100), 10**7):
            raise ValueError("a polygon has a coordinate far outside the picture")
        corners = points.reshape(-1, 2)
        if np.abs(corners - np.roll(corners, 1, axis=0)).max(1).sum() > _LONGEST_OUTLINE:
            raise ValueError(f"a polygon has an outline longer than {_LONGEST_OUTLINE} pixels")
    if not polygons:
        return Mask.empty(size)
    merged = coco.merge(coco.frPyObjects([list(map(float, polygon)) for polygon in polygons], *size))
    return decode(merged)
