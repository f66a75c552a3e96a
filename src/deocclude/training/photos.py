"""The photos of a pack as tensors: squares in two sizes, the shapes of their objects, points inside them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deocclude.training.objects import interior_points, shrink
from deocclude.training.packing import MASK_MARGIN, side_of
from deocclude.training.photo_packing import PhotoPack

SHAPE_SIDE = 128
COARSE_SHAPE = 32


class PackedPhotos:
    """One side of the split of a pack of photos, on one device.

    Coordinates of a square run from -1 to 1 over its width and height.

    Args:
        pack: the pack.
        validation: the held-out tenth (true), or the rest (false).
        device: where the tensors live.

    Attributes:
        rgb: uint8 [n, 3, S, S], the squares.
        half: uint8 [n, 3, S/2, S/2].
        squares: int64 [m], the square that each object lies in.
        shapes: uint8 [m, 128, 128], each object's mask in a square a little larger than its box, 255 inside.
        coarse: float32 [m, 32, 32] in 0..1.
        anchors: float32 [m, 48, 2], points inside each object in the coordinates of its shape.
        places: float32 [m, 3], centre x, centre y and half side of what the shape covers, in the square's coordinates.
        poor: bool [m], the object is cut off or seems partly hidden.

    Raises:
        InputError: the pack has no object on this side of the split, or is damaged.
    """

    def __init__(self, pack: PhotoPack, *, validation: bool, device: str | torch.device = "cpu") -> None:
        chosen = np.flatnonzero(pack.in_validation == validation)
        rank = np.full(len(pack.image_keys), -1, np.int64)
        rank[chosen] = np.arange(chosen.size)
        objects = side_of(pack.in_validation[pack.squares], validation)
        self.device = torch.device(device)
        self.side = pack.side
        self.rgb = _decoded(pack, chosen).to(self.device)
        self.half = _halved(self.rgb)
        self.squares = self._tensor(rank[pack.squares[objects]])
        shapes, places = _shapes(pack, objects)
        self.shapes, self.places = self._tensor(shapes), self._tensor(places)
        self.coarse = shrink(self.shapes, COARSE_SHAPE) / 255
        self.anchors = interior_points(self.coarse)
        self.poor = self._tensor((pack.truncated | pack.occluded)[objects])

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.shapes)

    def _tensor(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(values).to(self.device)


def _decoded(pack: PhotoPack, chosen: NDArray[np.int64]) -> Tensor:
    rgb = torch.empty(len(chosen), 3, pack.side, pack.side, dtype=torch.uint8)
    for row, square in enumerate(chosen.tolist()):
        rgb[row] = torch.from_numpy(pack.rgb(square)).permute(2, 0, 1)
    return rgb


def _halved(rgb: Tensor) -> Tensor:
    pieces = [torch.nn.functional.avg_pool2d(part.to(torch.float32), 2) for part in rgb.split(256)]
    return torch.cat([piece.round_().to(torch.uint8) for piece in pieces])


def _shapes(pack: PhotoPack, objects: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the shapes uint8 [m, 128, 128] and places float32 [m, 3] of the objects with these numbers."""
    import cv2

    shapes = np.empty((len(objects), SHAPE_SIDE, SHAPE_SIDE), np.uint8)
    places = np.empty((len(objects), 3), np.float32)
    labels, decoded = -1, np.zeros((0, 0), np.uint8)
    for row, number in enumerate(objects.tolist()):
        if labels != pack.squares[number]:
            labels = int(pack.squares[number])
            decoded = pack.label_map(labels)
        x0, y0, x1, y1 = pack.boxes[number].tolist()
        half = MASK_MARGIN * max(x1 - x0, y1 - y0) / 2
        x, y, scale = (x0 + x1) / 2, (y0 + y1) / 2, SHAPE_SIDE / (2 * half)
        matrix = np.array([[scale, 0, (half - x + 0.5) * scale - 0.5], [0, scale, (half - y + 0.5) * scale - 0.5]])
        inside = (decoded == pack.values[number]).astype(np.uint8) * 255
        shapes[row] = cv2.warpAffine(inside, matrix, (SHAPE_SIDE, SHAPE_SIDE), flags=cv2.INTER_LINEAR)
        places[row] = 2 * x / pack.side - 1, 2 * y / pack.side - 1, 2 * half / pack.side
    return shapes, places
