"""The mask network behind a plain interface: masks in, probabilities out, weights loaded when first needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deocclude import crops
from deocclude.crops import Square
from deocclude.errors import InputError
from deocclude.masks import BoolArray, Mask
from deocclude.nets.loading import load_for
from deocclude.nets.unet import UNet
from deocclude.weights import weights_path

PATCH_SIZE = 128
LARGEST_BATCH = 64
WITH_COLOURS = 7
"""Inputs of a net that sees the photo: four masks and the colours."""
VIEWS: tuple[tuple[int, ...], ...] = ((), (2,), (1,), (1, 2))
"""Axes along which patches [n, s, s] are mirrored, in the order in which averaging takes them."""

Net = Callable[[Tensor], Tensor]
"""float32 [n, channels, s, s] in 0..1 to logits [n, 2, s, s]."""


@dataclass(frozen=True, eq=False)
class Question:
    """What the network is asked: how far does the object go on under the eraser?

    Attributes:
        target: visible mask of the object.
        eraser: mask of what may hide it; where both claim a pixel it counts as eraser.
        square: the part of the photo to look at.
        objects: mask of all objects, if something that no mask shows may hide the target where none of them is seen;
            ``None`` if only the eraser can. Nets with fewer than 4 inputs cannot be told.
    """

    target: Mask
    eraser: Mask
    square: Square
    objects: Mask | None = None


@dataclass(frozen=True, eq=False)
class Patches:
    """Questions as the network sees them, bool [n, s, s] each.

    Attributes:
        visible: what is seen of the object.
        eraser: what may hide it.
        outside: beyond the photo.
        unknown: where something that no mask shows may hide it.
        rgb: float32 [n, 3, s, s] in 0..1, the photo; ``None`` for nets that see masks only.
    """

    visible: BoolArray
    eraser: BoolArray
    outside: BoolArray
    unknown: BoolArray
    rgb: NDArray[np.float32] | None = None


def cut_patches(
    questions: Sequence[Question], size: int, *, resampling: str = "area", photo: NDArray[np.uint8] | None = None
) -> Patches:
    """Return the patches of ``questions``, with colours where a photo uint8 [H, W, 3] is given.

    See :func:`deocclude.crops.cut` for the resampling of masks.
    """
    visible, eraser, beyond, unknown = (np.zeros((len(questions), size, size), bool) for _ in range(4))
    for row, item in enumerate(questions):
        eraser[row] = crops.cut(item.eraser, item.square, size, resampling=resampling)
        visible[row] = crops.cut(item.target, item.square, size, resampling=resampling) & ~eraser[row]
        beyond[row] = crops.outside(item.target.size, item.square, size)
        if item.objects is not None:
            seen = crops.cut(item.objects, item.square, size, resampling=resampling)
            unknown[row] = ~(seen | visible[row] | eraser[row] | beyond[row])
    if photo is None:
        return Patches(visible, eraser, beyond, unknown)
    rgb = np.zeros((len(questions), 3, size, size), np.float32)
    for row, item in enumerate(questions):
        rgb[row] = crops.cut_colours(photo, item.square, size).transpose(2, 0, 1)
    return Patches(visible, eraser, beyond, unknown, rgb)


class MaskCompleter:
    """Completes masks with a network.

    Args:
        weights: name of bundled weights or a weights file; read when first needed.
        size: side of the patches, pixels; the network knows the size it was trained with.
        views: 1 asks once; 2 and 4 average the answers to mirrored patches as well.
        net: a network to use instead of weights; needs an attribute ``in_channels`` (2 to 4, or 7 with colours).

    Raises:
        ValueError: a number of views other than 1, 2 or 4.
    """

    def __init__(
        self,
        weights: str | Path = "pcnet-m",
        *,
        size: int = PATCH_SIZE,
        views: int = 1,
        net: nn.Module | None = None,
    ) -> None:
        if views not in (1, 2, 4):
            raise ValueError(f"views must be 1, 2 or 4, found {views}")
        self.weights, self.size, self.views = weights, size, views
        if net is not None:
            self.net = net

    @cached_property
    def net(self) -> nn.Module:
        """The network, in evaluation mode.

        Raises:
            InputError: weights that are missing, damaged or of another network.
        """
        return _load(self.weights)

    @property
    def knows_unknown(self) -> bool:
        """Whether the network can be told that something that no mask shows may hide the object."""
        return int(self.net.in_channels) >= 4  # type: ignore[arg-type]

    @property
    def sees_colours(self) -> bool:
        """Whether the network looks at the photo."""
        return int(self.net.in_channels) == WITH_COLOURS  # type: ignore[arg-type]

    def complete(self, patches: Patches) -> NDArray[np.float32]:
        """Return for each pixel the probability that it belongs to the object.

        Args:
            patches: n patches of s x s pixels, with colours for a net that sees them; s is a multiple of the net's
                stride.

        Returns:
            float32 [n, s, s] in 0..1.

        Raises:
            InputError: weights that are missing, damaged or of another network, or a net that sees colours where the
                patches have none.
        """
        if self.sees_colours and patches.rgb is None:
            raise InputError("weights of a network that looks at masks alone", "one that looks at the photo, too",
                             field="weights", hint="ask for it as an amodal method, pcnet-m-rgb")  # fmt: skip
        out = np.zeros(patches.visible.shape, np.float32)
        for start in range(0, len(out), LARGEST_BATCH):
            part = slice(start, start + LARGEST_BATCH)
            listed = (patches.visible, patches.eraser, patches.outside, patches.unknown)
            planes = np.stack([plane[part] for plane in listed], 1)
            if self.sees_colours and patches.rgb is not None:
                planes = np.concatenate([planes, patches.rgb[part]], 1)
            out[part] = self._probability(torch.from_numpy(planes)).numpy()
        return out

    def answer(
        self,
        questions: Sequence[Question],
        *,
        size: int | None = None,
        resampling: str = "area",
        photo: NDArray[np.uint8] | None = None,
    ) -> tuple[Patches, NDArray[np.float32]]:
        """Return the patches of ``questions`` and the probabilities on them (see :meth:`complete`)."""
        patches = cut_patches(questions, size or self.size, resampling=resampling, photo=photo)
        return patches, self.complete(patches)

    @torch.inference_mode()
    def _probability(self, planes: Tensor) -> Tensor:
        """Return the mean over the views, float32 [n, s, s], of planes [n, 4 or 7, s, s]."""
        net = self.net
        inputs = planes[:, : int(net.in_channels)].to(torch.float32)  # type: ignore[arg-type]
        total = torch.zeros(inputs.shape[0], *inputs.shape[2:])
        for axes in VIEWS[: self.views]:
            turned = torch.flip(inputs, [axis + 1 for axis in axes]).contiguous(memory_format=torch.channels_last)
            logits = net(turned)
            total += torch.flip(torch.sigmoid(logits[:, 1] - logits[:, 0]), list(axes))
        return total / self.views


@cache
def bundled(name: str = "pcnet-m", views: int = 1) -> MaskCompleter:
    """Return the completer with bundled weights; one for the whole process."""
    return MaskCompleter(name, views=views)


def _load(weights: str | Path) -> nn.Module:
    net = load_for(weights, (UNet,), what="the mask network", command="pcnet-m")
    if net.in_channels not in (2, 3, 4, WITH_COLOURS) or net.classes != 2:
        found, file = f"{net.in_channels} inputs, {net.classes} classes", weights_path(weights)
        raise InputError("a mask network with 2 to 4 or 7 inputs and 2 classes", found, file=file, field="architecture")
    return net
