"""Painter with a network that sees a reference: corrects what PCNet-C painted where an aligned reference agrees.

The reference is laid over the photo first, as for stitching. The network decides how much of it to take at each pixel;
for large holes it decides at a reduced scale, and its decision is carried out at the photo's own. Without a reference,
and where its gate stays shut, the answer is PCNet-C's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deocclude.content import painter
from deocclude.content.blend import NONE
from deocclude.content.overlay import Overlay
from deocclude.content.patch import Painted, Painter, Patch, Provenance
from deocclude.files import until_changed
from deocclude.geometry import Box, Size
from deocclude.images import RGBArray
from deocclude.masks import Mask
from deocclude.nets.loading import existing, load_for
from deocclude.nets.planes import HOLE, RGB, SEEN
from deocclude.nets.reference_net import ALIGNED, BASE, SHOWN, VALID, Conv3Deconv3, FusionNet, compare, join_planes

NAME = "fusion"
_NAMES = {"what": "the network for references", "command": "fusion"}
TAKEN = 0.5
"""A pixel is said to come from the reference if at least this share of its correction is taken from it."""

Bool = NDArray[np.bool_]
Net = FusionNet | Conv3Deconv3


@dataclass(frozen=True)
class FusionSettings:
    """Settings of the painter.

    Attributes:
        weights: name of bundled weights, a weights file or the folder of a training run.
        window: longest side of the window that the network sees, pixels; larger ones are reduced.
        margin: pixels shown around a hole at least.
        around: pixels shown around a hole, in parts of its longer side.
    """

    weights: str = NAME
    window: int = 256
    margin: int = 24
    around: float = 0.4


@dataclass(frozen=True, eq=False)
class LaidReference:
    """References in the frame of the photo, or of a part of it.

    Attributes:
        rgb: uint8 [h, w, 3], laid over that part; meaningful where ``source`` names a reference.
        source: int16 [h, w], number of the reference that a pixel is from, -1 where there is none.
        rehearsal: uint8 [h, w, 3], the same made without a look at a band round the hole.
        hole: bool [h, w], the hole that they were laid over, all of it.
        loose: uint8 [H, W, 3], the best reference as it is, or ``None``.
        corner: x and y of the part's upper left pixel in the photo.
    """

    rgb: RGBArray
    source: NDArray[np.int16]
    rehearsal: RGBArray
    hole: Bool
    loose: RGBArray | None = None
    corner: tuple[int, int] = (0, 0)

    def part(self, array: NDArray[Any], patch: Patch, outside: int) -> NDArray[Any]:
        """Return an array of this part of the photo in the frame of a patch; ``outside`` where they do not overlap."""
        here, there = Size(*self.hole.shape).box.moved(*self.corner), patch.box
        found = np.full((*patch.hole.shape, *array.shape[2:]), outside, array.dtype)
        both = here.intersect(there)
        if not both.empty:
            found[both.window(there)] = array[both.window(here)]
        return found


def laid_reference(laid: Overlay, hole: Mask) -> LaidReference:
    """Return an overlay as :class:`FusionPainter` takes it.

    Args:
        laid: references laid over a photo.
        hole: the hole of the photo that they were laid over.
    """
    rgb = np.clip(np.rint(laid.picture), 0, 255).astype(np.uint8)
    rehearsal = np.clip(np.rint(laid.rehearsal), 0, 255).astype(np.uint8) if laid.rehearsal.size else rgb
    box = laid.window.box
    return LaidReference(rgb, laid.source, rehearsal, hole.crop(box), corner=(box.x0, box.y0))


class FusionPainter:
    """The painter; call it with a patch of the photo that the reference was laid over.

    Args:
        reference: what may help, or ``None``.
        settings: of the painter.
        net: a network to use instead of the weights of the settings.
        base: who paints what is corrected; PCNet-C with its bundled weights by default.

    Raises:
        InputError: weights that are missing, damaged or of another network.
    """

    def __init__(
        self,
        reference: LaidReference | None,
        settings: FusionSettings | None = None,
        *,
        net: Net | None = None,
        base: Painter | None = None,
    ) -> None:
        self.reference, self.settings = reference, settings or FusionSettings()
        self.net = net or fusion_net(self.settings.weights)
        self.base = base or painter("pcnet-c")

    def __call__(self, patch: Patch) -> Painted:
        """Return ``patch`` with its hole painted."""
        base = self.base(patch)
        if self.reference is None or base.fallback_reason or not patch.hole.any():
            return replace(base, method=NAME)
        given = _given(patch, base.rgb, self.reference, self._box(patch))
        rgb, taken = _answer(self.net, given, self.settings.window)
        return self._painted(patch, base, rgb, taken)

    def _box(self, patch: Patch) -> Box:
        """Return the window around the hole, in the patch; it may reach beyond it."""
        box = Mask.from_array(patch.hole).box
        margin = max(self.settings.margin, round(self.settings.around * max(box.width, box.height)))
        step = self.net.stride
        width, height = (-(-(side + 2 * margin) // step) * step for side in (box.width, box.height))
        x0, y0 = (box.x0 + box.x1 - width) // 2, (box.y0 + box.y1 - height) // 2
        return Box(x0, y0, x0 + width, y0 + height)

    def _painted(self, patch: Patch, base: Painted, rgb: NDArray[np.float32], taken: NDArray[np.float32]) -> Painted:
        """Return the answer: what the net says of the window, in the hole."""
        box = self._box(patch)
        inside = box.clip(Size(*patch.hole.shape))
        there, here = inside.slices, inside.window(box)
        hole = patch.hole[there]
        found, provenance = base.rgb.copy(), base.provenance.copy()
        changed = np.clip(np.rint(255 * rgb[here]), 0, 255).astype(np.uint8)
        found[there] = np.where(hole[..., None], changed, found[there])
        assert self.reference is not None
        source = self.reference.part(self.reference.source, patch, NONE)[there]
        named = hole & (taken[here] >= TAKEN) & (source != NONE)
        provenance[there] = np.where(named, source + Provenance.REFERENCE, provenance[there])
        note = f"{NAME}: {np.mean(taken[here][hole]):.0%} of the hole from the reference"
        return Painted(found, base.confidence, provenance, NAME, notes=(*base.notes, note))


def fusion_net(weights: str | Path = NAME) -> Net:
    """Return the network with these weights; those of the last few files are kept, and made anew when a file changes.

    Raises:
        InputError: no such weights, damaged ones, or those of another network.
    """
    return _kept(existing(weights, **_NAMES))


@until_changed(4)
def _kept(path: Path) -> Net:
    return cast(Net, load_for(path, (FusionNet, Conv3Deconv3), **_NAMES))


def _given(patch: Patch, base: RGBArray, reference: LaidReference, box: Box) -> Tensor:
    """Return the planes of a window (see :mod:`deocclude.nets.reference_net`), float32 [1, 17, h, w]; 0 outside."""
    seen = patch.seen & ~patch.hole
    tested = bool((patch.hole & ~reference.part(reference.hole, patch, 0)).any())
    laid = reference.part(reference.rehearsal if tested else reference.rgb, patch, 0)
    valid = reference.part(reference.source, patch, NONE) != NONE
    masks = [mask.astype(np.float32)[..., None] for mask in (seen, patch.evidence & seen, patch.hole, valid)]
    colours = [picture.astype(np.float32) / 255 for picture in (patch.rgb, base, laid)]
    whole = np.concatenate([colours[0] * masks[0], *masks[:3], colours[1], colours[2] * masks[3], masks[3]], 2)
    canvas = np.zeros((box.height, box.width, whole.shape[2]), np.float32)
    inside = box.clip(Size(*patch.hole.shape))
    canvas[inside.window(box)] = whole[inside.slices]
    planes = torch.from_numpy(np.ascontiguousarray(canvas.transpose(2, 0, 1)))[None]
    loose = torch.from_numpy(_letterboxed(reference.loose, box.height, box.width))[None]
    return join_planes(planes[:, :6], planes[:, 6:9], planes[:, 9:], loose)


def _letterboxed(loose: RGBArray | None, height: int, width: int) -> NDArray[np.float32]:
    """Return a picture scaled to fit and centred, float32 [4, height, width], and where it is."""
    canvas = np.zeros((4, height, width), np.float32)
    if loose is None:
        return canvas
    scale = min(height / loose.shape[0], width / loose.shape[1])
    size = max(1, round(loose.shape[1] * scale)), max(1, round(loose.shape[0] * scale))
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(loose, size, interpolation=flags).astype(np.float32) / 255
    y, x = (height - size[1]) // 2, (width - size[0]) // 2
    canvas[:3, y : y + size[1], x : x + size[0]] = small.transpose(2, 0, 1)
    canvas[3, y : y + size[1], x : x + size[0]] = 1
    return canvas


@torch.inference_mode()
def _answer(net: Net, given: Tensor, most: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the colours of a window, float32 [h, w, 3], and how much of each pixel is the reference's, [h, w]."""
    small = _reduced(given, most, net.stride)
    if isinstance(net, Conv3Deconv3):
        rgb = net(given)
        return rgb[0].permute(1, 2, 0).numpy(), torch.zeros(given.shape[2:]).numpy()
    decision, drift = net.decide(small)
    if small is not given:
        size = given.shape[2:]
        parts = (
            functional.interpolate(part.float(), size, mode="bilinear", align_corners=False)
            for part in (decision.gate, decision.shares, decision.free)
        )
        decision = type(decision)(*parts)
        drift = compare(given).drift
    rgb = decision.apply(given, drift)
    taken = (decision.gate * decision.shares[:, :1]).clamp(0, 1) * given[:, VALID]
    return rgb[0].permute(1, 2, 0).numpy(), taken[0, 0].numpy()


def _reduced(given: Tensor, most: int, stride: int) -> Tensor:
    """Return a window reduced to sides of at most ``most`` pixels, or itself where it is no larger."""
    height, width = given.shape[2:]
    scale = most / max(height, width)
    if scale >= 1:
        return given
    size = [max(stride, round(side * scale / stride) * stride) for side in (height, width)]
    mean = functional.interpolate(given, size, mode="area")
    seen, valid = mean[:, SEEN], mean[:, VALID]
    small = mean.clone()
    small[:, RGB] = mean[:, RGB] / seen.clamp(min=1e-3) * (seen >= 0.5)
    small[:, ALIGNED] = mean[:, ALIGNED] / valid.clamp(min=1e-3) * (valid >= 0.9)
    small[:, VALID], small[:, SEEN] = (valid >= 0.9).float(), (seen >= 0.5).float()
    small[:, 4:5] = ((mean[:, 4:5] >= 0.5) & (seen >= 0.5)).float()
    small[:, HOLE] = ((mean[:, HOLE] > 0) & (seen < 0.5)).float()
    small[:, BASE], small[:, SHOWN] = mean[:, BASE], (mean[:, SHOWN] >= 0.5).float()
    return small
