"""Soft edges: layers that can be moved without jaggies and without a rim of their old surroundings.

Pixels along an outline in a photo mix two things. Where an object meets what lies behind it, such a pixel is taken
apart as C = a F + (1 - a) B (the matting equation; Porter & Duff 1984, Smith & Blinn 1996):

1. a starts as a ramp of the signed distance to the outline and moves a little way to what the colours say: a
   least-squares fit of C between the colour further inside and B, with the ramp as prior. A pixel that does not tell
   inside from outside keeps the ramp.
2. B is freed from what the object bled into it: replaced by the nearest clean colour of the same surface, but only
   where C lies between that colour and the object's, and where a stays near the ramp.
3. F is solved against what is really composed beneath (rounded as :func:`~deocclude.layers.compose.compose`
   rounds) and is, among the solutions that give back the photo's byte, the one nearest to the colour further inside.
   Where no F in 0..255 exists a is raised until one does. As a step of F is a step of a <= 1 in the composite, a
   whole number that rounds to the photo's byte always exists.

   Before that B yields a little in channels that ask for more of a than all channels together do: in a dark
   one two levels of noise may be half of all there is, and would make the rim opaque. Beyond the outline it yields
   more where the channels have little room (darker pixels on nearly black ground, brighter ones on nearly white): the
   trace of the object that stays there is hard to see, an opaque black rim that goes along with the object is not.

4. What the object left around it beyond that (:mod:`deocclude.layers.fringe`) is likewise replaced beneath, and
   goes to the object with the least a for which an F exists.

So the unmoved stack is the photo byte for byte, the object takes its own colour along
when moved, and what it leaves behind does not show where it stood.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Box, Size
from deocclude.layers.blend import over
from deocclude.layers.fringe import LOOK, traces
from deocclude.layers.nearest import nearest_pixel, signed_distance
from deocclude.layers.stack import Layer
from deocclude.layers.visible import Visible
from deocclude.masks import Mask

RADIUS = 1.5
"""Half the width of the ramp, in pixels."""
OUTWARD = 2.0
"""How far alpha reaches beyond the outline at most, in pixels, but for the object's traces around it."""
_REACH = 6
_MARGIN = LOOK + 2
# Weight of the ramp: as much as a difference of 20 grey levels in each channel.
_PRIOR = 3 * 20.0**2
# How far alpha may leave the ramp for the sake of the colours.
_SLACK = 0.3
_NOISE = 8
"""Grey levels by which a channel of the colour beneath yields at most, but for scarce room."""
_SCARCE, _AMPLE = 30.0, 60.0
"""Room of the channels that differ, grey levels, up to which B yields altogether beyond the outline, and from which it
yields only to noise; between the two it fades from one to the other."""
_ROUNDED = 0.4
"""What rounding to whole levels forgives; less than a half, so that a foreground colour is certain to exist."""
_MIXED = np.uint16(65535)

Floats = NDArray[np.float32]
Pixels = tuple[NDArray[np.intp], ...]


@dataclass(eq=False)
class _Easel:
    """What is composed so far.

    ``painter`` [H, W] is z + 1 of the layer that painted a pixel last and alone (alpha 255), 0 for the background,
    ``_MIXED`` where the last one is not opaque.
    """

    seen: Visible
    composite: NDArray[np.uint8]
    background: NDArray[np.uint8]
    painter: NDArray[np.uint16]
    layers: list[Layer] = field(default_factory=list)

    def views(self, box: Box) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return owner, painter, composite and photo inside ``box``; writing to them writes to the easel."""
        return tuple(  # type: ignore[return-value]
            array[box.slices] for array in (self.seen.owner, self.painter, self.composite, self.seen.photo)
        )

    def repaint(self, box: Box, pixels: Pixels, rgb: NDArray[np.uint8]) -> None:
        """Give pixels (rows and columns inside ``box``) other colours, in the layer or background that shows there.

        They must have a sole painter.
        """
        _, painter, composite, _ = self.views(box)
        composite[pixels] = rgb
        ranks = painter[pixels]
        for rank in np.unique(ranks):
            mine = ranks == rank
            rows, columns = (index[mine] + corner for index, corner in zip(pixels, (box.y0, box.x0), strict=True))
            if rank == 0:
                self.background[rows, columns] = rgb[mine]
            else:
                below = self.layers[int(rank) - 1]
                below.rgba[rows - below.box.y0, columns - below.box.x0, :3] = rgb[mine]


@dataclass(frozen=True, eq=False)
class _Rim:
    """Some pixels of a crop: the colour further inside [n, 3], the ramp [n], whether within the outline [n]."""

    inner: Floats
    ramp: Floats
    inside: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Crop:
    """One layer with a margin: everything [h, w] or [h, w, 3] lies at ``box``.

    ``shape`` is the hard layer's, ``zone`` the pixels along its outline that are matted, ``distance`` the signed one
    to it, ``rgb`` the layer's colours and beyond its outline ``inner``, the colours further inside.
    """

    rank: int
    box: Box
    shape: NDArray[np.bool_]
    zone: NDArray[np.bool_]
    distance: Floats
    ramp: Floats
    rgb: NDArray[np.uint8]
    inner: NDArray[np.uint8]

    def at(self, pixels: Pixels) -> _Rim:
        """Return the rim of pixels given by rows and columns."""
        return _Rim(self.inner[pixels].astype(np.float32), self.ramp[pixels], self.shape[pixels])


def soften(seen: Visible, ground: NDArray[np.uint8], layers: list[Layer]) -> tuple[NDArray[np.uint8], list[Layer]]:
    """Return the background and the layers with soft edges.

    Args:
        seen: the photo and the owner of each pixel.
        ground: uint8 [H, W, 3], the background beneath hard layers; not changed.
        layers: hard layers (alpha 0 or 255), bottom first, z counting up from 0.
    """
    easel = _Easel(seen, ground.copy(), ground.copy(), np.zeros(ground.shape[:2], np.uint16))
    for layer in layers:
        if layer.box.empty:
            easel.layers.append(layer)
            continue
        crop = _crop(layer, Size(*ground.shape[:2]))
        _clean_beneath(easel, crop)
        crop = _with_traces(easel, crop)
        rgba = _matte(easel, crop)
        _paint(easel, crop, rgba)
        easel.layers.append(_trimmed(layer, crop, rgba))
    return easel.background, easel.layers


def _crop(layer: Layer, size: Size) -> _Crop:
    box = layer.box.grow(_MARGIN).clip(size)
    shape = np.zeros((box.height, box.width), bool)
    rgb = np.zeros((*shape.shape, 3), np.uint8)
    window = layer.box.window(box)
    shape[window], rgb[window] = layer.rgba[..., 3] > 0, layer.rgba[..., :3]
    distance = signed_distance(shape)
    ramp = np.clip(0.5 + distance / (2 * RADIUS), 0, 1)
    zone = (ramp < 1) & (distance > -OUTWARD)
    near = zone | (~shape & (distance > -LOOK))
    inner = np.zeros_like(rgb)
    inner[near] = _inner_colours(rgb, _core(shape, distance), near)
    beyond = near & ~shape
    rgb[beyond] = inner[beyond]
    return _Crop(layer.z + 1, box, shape, zone, distance, ramp, rgb, inner)


def _core(shape: NDArray[np.bool_], distance: Floats) -> NDArray[np.bool_]:
    """Return the pixels deeper inside than the ramp reaches, and the ridges of parts too thin for that."""
    import cv2

    ridge = cv2.dilate(np.where(shape, distance, 0), np.ones((5, 5), np.uint8))
    return np.asarray(shape & (distance >= np.minimum(ridge, RADIUS + 0.5) - 1e-3))


def _inner_colours(rgb: NDArray[np.uint8], core: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return for the n pixels of ``wanted`` the nearest colour of ``core``, averaged over 3x3 pixels of it: [n, 3]."""
    rows, columns = nearest_pixel(core, wanted)
    total, weight = np.zeros((rows.size, 3), np.float32), np.zeros((rows.size, 1), np.float32)
    height, width = core.shape
    for row, column in ((rows + dy, columns + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        row, column = row.clip(0, height - 1), column.clip(0, width - 1)
        share = (inside & core[row, column])[:, None].astype(np.float32)
        total += share * rgb[row, column]
        weight += share
    return np.asarray(np.rint(total / weight), np.uint8)


def _clean_beneath(easel: _Easel, crop: _Crop) -> None:
    """Replace what the object bled into, in the layer or background beneath, by its nearest clean colour.

    Only where one opaque layer (or the background) shows through, so that a change of it is the change of B.
    """
    owner, painter, composite, photo = easel.views(crop.box)
    clean = (owner < crop.rank) & (painter == owner) & ~crop.zone & ~crop.shape
    if not clean.any():
        return
    candidates = crop.zone & (owner <= crop.rank) & (painter < crop.rank)
    rows, columns = np.nonzero(candidates)
    source = nearest_pixel(clean, candidates)
    near = np.hypot(source[0] - rows, source[1] - columns) <= _REACH
    same = near & (painter[rows, columns] == owner[source])
    rows, columns, source = rows[same], columns[same], (source[0][same], source[1][same])
    found = _is_mixture(photo[rows, columns], crop.at((rows, columns)), composite[source])
    easel.repaint(crop.box, (rows[found], columns[found]), composite[source[0][found], source[1][found]])


def _with_traces(easel: _Easel, crop: _Crop) -> _Crop:
    """Clean each surface beneath of the object's traces around it, and return the crop with them in its zone."""
    owner, painter, _, _ = easel.views(crop.box)
    zone = crop.zone.copy()
    ranks = np.unique(owner[crop.zone & (owner < crop.rank)])
    around = (crop.distance < 0) & (crop.distance >= -LOOK) & (owner == painter)
    for rank, window in zip(ranks.tolist(), _windows(owner, around, ranks), strict=True):
        if window is not None:
            box = window.moved(*crop.box[:2])
            owner, painter, composite, photo = easel.views(box)
            found, source = traces(photo, crop.distance[window.slices], (owner == rank) & (painter == rank))
            easel.repaint(box, np.nonzero(found), composite[source])
            zone[window.slices] |= found
    return replace(crop, zone=zone)


def _windows(owner: NDArray[np.uint16], where: NDArray[np.bool_], ranks: NDArray[np.uint16]) -> list[Box | None]:
    """Return for each of ``ranks`` the box around its pixels among ``where``, ``None`` where there is none."""
    from scipy import ndimage

    number = np.zeros(int(owner.max(initial=0)) + 1, np.int32)
    number[ranks] = np.arange(1, ranks.size + 1)
    labels = np.zeros(owner.shape, np.int32)
    labels[where] = number[owner[where]]
    found = ndimage.find_objects(labels, ranks.size)
    return [place and Box(place[1].start, place[0].start, place[1].stop, place[0].stop) for place in found]


def _is_mixture(photo: NDArray[np.uint8], rim: _Rim, clean: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether colours [n, 3] of the photo mix the object's with ``clean`` ones, up to noise, in a fitting share.

    Outside the outline there must be something of the object to remove; inside, enough of what lies beneath to
    know it better than the painter did.
    """
    target, behind = photo.astype(np.float32), clean.astype(np.float32)
    spread = rim.inner - behind
    length = np.maximum((spread**2).sum(-1), 1e-6)
    share = ((target - behind) * spread).sum(-1) / length
    off = ((target - behind - share[:, None] * spread) ** 2).sum(-1)
    low, high = np.where(rim.inside, -0.2, 0.05), np.where(rim.inside, 0.7, 1.0)
    on_line = (length > _PRIOR) & (share > low) & (share < high) & (off < 0.5 * _PRIOR + 0.04 * length)
    alpha = _alpha(target, behind, rim)[:, 0]
    return np.asarray(on_line & (alpha <= 255 * (rim.ramp + _SLACK) + 1))


def _matte(easel: _Easel, crop: _Crop) -> NDArray[np.uint8]:
    """Return the layer's pixels, uint8 [h, w, 4]."""
    owner, painter, composite, photo = easel.views(crop.box)
    rgba = np.dstack([crop.rgb, np.rint(255 * crop.ramp).astype(np.uint8)])
    # Pixels that something above will cover keep the ramp and their own colour.
    band = np.nonzero(crop.zone & (owner <= crop.rank))
    sole = tuple(index[painter[band] != _MIXED] for index in band)
    easel.repaint(crop.box, sole, _yielding(photo[sole].astype(np.float32), composite[sole], crop.at(sole)))
    target, behind, rim = photo[band].astype(np.float32), composite[band].astype(np.float32), crop.at(band)
    alpha = _alpha(target, behind, rim)
    rgba[band] = np.concatenate([_foreground(target, behind, rim, alpha), alpha], 1).astype(np.uint8)
    rgba[rgba[..., 3] == 0] = 0
    return rgba


def _yielding(target: Floats, beneath: NDArray[np.uint8], rim: _Rim) -> NDArray[np.uint8]:
    """Return the colours [n, 3] beneath, moved to where the alpha that suits all channels together suffices."""
    behind = beneath.astype(np.float32)
    room, difference = _room(target, behind), np.abs(target - behind)
    typical = (room * difference).sum(-1) / np.maximum(difference.sum(-1), 1)
    ample = np.where(rim.inside, 1, np.clip((typical - _SCARCE) / (_AMPLE - _SCARCE), 0, 1))
    together = ample * difference.sum(-1) / np.maximum(room.sum(-1), 1)
    alpha = np.maximum(_fitting(target, behind, rim), together)[:, None].clip(0, 0.9999)
    low, high = (target - _ROUNDED - 255 * alpha) / (1 - alpha), (target + _ROUNDED) / (1 - alpha)
    moved = np.clip(behind, np.ceil(low.clip(max=255)), np.floor(high.clip(max=255)))
    most = np.rint(_NOISE + (1 - ample) * (_AMPLE - _NOISE))[:, None]
    return np.asarray(np.clip(moved, behind - most, behind + most).clip(0, 255), np.uint8)


def _fitting(target: Floats, behind: Floats, rim: _Rim) -> Floats:
    """Return the share [n] that colours and ramp speak for, whether or not a foreground colour in 0..255 exists."""
    spread = rim.inner - behind
    fit = (spread * (target - behind)).sum(-1) + _PRIOR * rim.ramp
    return np.asarray(np.clip(fit / ((spread**2).sum(-1) + _PRIOR), rim.ramp - _SLACK, rim.ramp + _SLACK))


def _room(target: Floats, behind: Floats) -> Floats:
    """Return how far each channel [n, 3] can be moved from what lies behind towards the target."""
    return np.where(target > behind, 255 - behind, behind)


def _alpha(target: Floats, behind: Floats, rim: _Rim) -> Floats:
    """Return alpha [n, 1], whole numbers 0..255 for which a foreground colour in 0..255 exists."""
    fit = _fitting(target, behind, rim)
    least = ((np.abs(target - behind) - _ROUNDED).clip(0) / np.maximum(_room(target, behind), 1)).max(-1)
    return np.asarray(np.maximum(np.rint(255 * fit), np.ceil(255 * least - 1e-3)).clip(0, 255)[:, None])


def _foreground(target: Floats, behind: Floats, rim: _Rim, alpha: Floats) -> Floats:
    """Return the colours [n, 3] nearest to those further inside that :func:`blend.over` composes to ``target``."""
    share = np.maximum(alpha, 1).astype(np.int64)
    wanted = 255 * target.astype(np.int64) - (255 - share) * behind.astype(np.int64)
    # over() adds 127 and divides by 255: what differs from 255 times the photo by at most 127 rounds to it.
    least, most = -((127 - wanted) // share), (wanted + 127) // share
    return np.asarray(np.clip(np.clip(rim.inner, least, most), 0, 255))


def _paint(easel: _Easel, crop: _Crop, rgba: NDArray[np.uint8]) -> None:
    _, painter, composite, _ = easel.views(crop.box)
    composite[...] = over(rgba, composite)
    painter[rgba[..., 3] > 0] = _MIXED
    painter[rgba[..., 3] == 255] = crop.rank


def _trimmed(layer: Layer, crop: _Crop, rgba: NDArray[np.uint8]) -> Layer:
    """Return the soft layer; pixels beyond the outline say of themselves what the nearest one inside says."""
    box = Mask.from_array(rgba[..., 3]).box
    labels = np.zeros((*rgba.shape[:2], 2), np.uint8)
    labels[layer.box.window(crop.box)] = np.dstack([layer.provenance, layer.confidence])
    beyond = crop.zone & ~crop.shape
    labels[beyond] = labels[nearest_pixel(crop.shape, beyond)]
    labels[rgba[..., 3] == 0] = 0
    labels, rgba = labels[box.slices], rgba[box.slices].copy()
    placed = box.moved(*crop.box[:2])
    provenance, confidence = labels[..., 0].copy(), labels[..., 1].copy()
    return Layer(layer.instance_id, layer.name, layer.z, placed, rgba, provenance, confidence)
