"""Lay references over the surroundings of a hole: align, keep the hypotheses that do best, choose among them, blend.

Shares follow the cost (rehearsal and agreement between references). How far the result can be trusted follows from how
well it foretells visible pixels round the hole that it did not see.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.agreement import NOWHERE, AgreementSettings, Costs, compare, covering, expected_error
from deocclude.content.align import AlignSettings, align
from deocclude.content.blend import NONE, BlendSettings, Picture, blend
from deocclude.content.cells import shrunk, stretched
from deocclude.content.diffusion import MarchingSettings, telea
from deocclude.content.membrane import pull_push, without_seam
from deocclude.content.patch import Patch
from deocclude.content.sampling import Source, enlarged
from deocclude.content.stitch_model import bundled
from deocclude.content.target import Aligned, Target
from deocclude.content.window import Window, window_around
from deocclude.geometry import Size
from deocclude.images import RGBArray
from deocclude.masks import Mask, distance_to
from deocclude.references.features import Features, extract
from deocclude.references.matching import match
from deocclude.references.verify import VerifySettings, verify

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class StitchSettings:
    """How references are stitched in.

    Attributes:
        align: how they are aligned.
        agreement: how hypotheses are compared.
        band: width of the rehearsal's band as a share of the root of the hole's area.
        band_limits: least and greatest width of the band, pixels.
        most: hypotheses that are kept, those that together do best in the rehearsal.
        blend: how they are blended.
        rim: visible pixels so near the edge of what hides the hole are not looked at, pixels: colours mix there.
        seam: visible pixels so near the hole that the fill must meet, pixels; beyond the rim.
        fade: distance over which the correction at the seam fades, pixels; light and shade differ over the whole hole,
            so by default it does not.
        least_confidence: below it references are not used; above it the plain fill keeps the share that is missing to
            1. With 0 references are used as they are.
        verify: first ask whether a reference shows the same thing at all; without it the rehearsal alone decides.
    """

    align: AlignSettings = field(default_factory=AlignSettings)
    agreement: AgreementSettings = field(default_factory=AgreementSettings)
    band: float = 0.15
    band_limits: tuple[int, int] = (6, 32)
    most: int = 12
    blend: BlendSettings = field(default_factory=BlendSettings)
    rim: float = 2.0
    seam: int = 3
    fade: float = math.inf
    least_confidence: float = 0.5
    verify: bool = True


def make_target(
    photo: RGBArray, hole: Bool, usable: Bool, features: Features | None = None, settings: StitchSettings | None = None
) -> Target:
    """Return the target for :func:`overlay`: a photo, or the part around the hole, with its rehearsal band.

    Args:
        photo: uint8 [h, w, 3].
        hole: bool [h, w].
        usable: bool [h, w], pixels that may be looked at.
        features: of the usable pixels; found here when not given.
        settings: width of the band.
    """
    settings = settings or StitchSettings()
    known = clear_of_edges(hole, usable, settings.rim)
    low, high = settings.band_limits
    width = np.clip(settings.band * np.sqrt(np.count_nonzero(hole)), low, high)
    band = known & (distance_to(hole) <= width)
    if features is None:
        # A descriptor reaches a little into what is hidden: there it must find nothing, not the occluder.
        blank = pull_push(photo.astype(np.float32), known) if known.any() else np.zeros_like(photo, np.float32)
        features = extract(np.clip(np.rint(blank), 0, 255).astype(np.uint8), known)
    return Target(photo.astype(np.float32), hole, known, band, features)


def clear_of_edges(hole: Bool, usable: Bool, rim: float) -> Bool:
    """Return the pixels that may be looked at without those at the edge of the hole, or of larger foreign parts."""
    square = np.ones((3, 3), np.uint8)
    foreign = cv2.morphologyEx((~usable & ~hole).astype(np.uint8), cv2.MORPH_OPEN, square)
    inner = usable & ~hole & (cv2.dilate(foreign, square) == 0)
    away = distance_to(hole)
    # A hole that nothing foreign adjoins was drawn: its edge is exact.
    return np.asarray(inner & (away > rim) if foreign[away <= 2].any() else inner)


def seam_reach(hole: Bool, known: Bool, settings: StitchSettings) -> int:
    """Return how far from the hole pixels that the fill must meet may lie, pixels."""
    beside = known & (distance_to(hole) <= 1)
    return settings.seam + (0 if beside.any() else round(settings.rim))


@dataclass(frozen=True, eq=False)
class Overlay:
    """References laid over the part of a photo around a hole, which its pixels can be taken from.

    Attributes:
        window: the part of the photo.
        picture: float32 [h, w, 3] of the window's box, 0..255; meaningful where ``source`` names a reference.
        rehearsal: the same made without a look at a band round the hole; [0, 0, 3] where it was not asked for.
        plain: float32 [h, w, 3], the hole filled without a reference; meaningful there.
        source: int16 [h, w], number of the reference, -1 where there is none; visible pixels have one too.
        confidence: that the hole is better filled from it than by the plain fill, 0..1.
        reasons: why a reference could not be laid over the photo, by its number.
        measures: what the confidence was made from, by name; empty where nothing could be laid over the photo.
    """

    window: Window
    picture: Float
    rehearsal: Float
    plain: Float
    source: NDArray[np.int16]
    confidence: float
    reasons: dict[int, str] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)


def overlay(
    photo: RGBArray,
    hole: Mask,
    usable: Mask,
    references: Sequence[tuple[RGBArray, Features | None]],
    settings: StitchSettings | None = None,
    *,
    features: Features | None = None,
    shown: Sequence[Bool | None] = (),
    rehearse: bool = True,
) -> Overlay:
    """Lay references over the photo around a hole, and say how far to trust them.

    Args:
        photo: uint8 [H, W, 3]; what stands in the hole is not looked at.
        hole: what to fill, at least one pixel.
        usable: pixels of the photo that may be looked at; far from the hole none is.
        references: pictures uint8 [H, W, 3] of any size, and their features where they are known already.
        settings: how.
        features: of the usable pixels of the photo, where they are known already.
        shown: for each reference bool [H, W], its pixels that may be used, or ``None`` for all; none for all of all.
        rehearse: whether the rehearsal is wanted too.
    """
    settings = settings or StitchSettings()
    window, target = framed(photo, hole, usable, settings, features)
    allowed = shown or [None] * len(references)
    sources = [Source(rgb, part) for (rgb, _), part in zip(references, allowed, strict=True)]
    hypotheses, reasons = lay_all(target, sources, references, settings)
    size = Size(window.box.height, window.box.width)
    if not hypotheses:
        nothing = np.zeros((*size, 3), np.float32)
        return Overlay(window, nothing, nothing, nothing, np.full(size, NONE, np.int16), 0.0, reasons)
    costs, measures = judge(target, hypotheses, settings)
    picture, source = blend(_pictures(hypotheses, sources, size), costs.total, size, settings.blend)
    rehearsal = np.zeros((0, 0, 3), np.float32)
    if rehearse:
        again = _pictures(hypotheses, sources, size, rehearsed=True)
        rehearsal, _ = blend(again, costs.total, size, settings.blend)
    plain = enlarged(_plainly(target, target.hole), *size)
    return Overlay(window, picture, rehearsal, plain, source, bundled().confidence(measures), reasons, measures)


def framed(
    photo: RGBArray, hole: Mask, usable: Mask, settings: StitchSettings, features: Features | None = None
) -> tuple[Window, Target]:
    """Return the part of a photo around a hole that is worked on, and the target there.

    Matches are looked for in a wider part: they tell how views lie to each other, but what is far from the hole need
    not be warped.
    """
    wide = window_around(hole)
    window = wide.around(hole)
    if features is None:
        found = make_target(wide.picture(photo), wide.some(hole), wide.all(usable), settings=settings).features
        features = wide.lifted(found, hole.size)
    seen = window.features(features, wide.size)
    return window, make_target(window.picture(photo), window.some(hole), window.all(usable), seen, settings)


def judge(target: Target, hypotheses: Sequence[Aligned], settings: StitchSettings) -> tuple[Costs, dict[str, float]]:
    """Return the costs of hypotheses, and what tells whether they beat the plain fill."""
    costs = compare(target, hypotheses, settings.agreement)
    return costs, _measures(target, hypotheses, costs, settings)


def lay_all(
    target: Target,
    sources: Sequence[Source],
    references: Sequence[tuple[RGBArray, Features | None]],
    settings: StitchSettings,
) -> tuple[list[Aligned], dict[int, str]]:
    """Return the best hypotheses of all references, and why references gave none."""
    found: list[Aligned] = []
    reasons: dict[int, str] = {}
    for number, (rgb, features) in enumerate(references):
        features = features if features is not None else extract(rgb)
        matches = match(features, target.features, VerifySettings().matching)
        verdict = verify(target.features, features, matches=matches)
        if settings.verify and not verdict.accepted:
            reasons[number] = verdict.reason
            continue
        aligned = align(target, sources[number], matches, number, settings.align)
        if not aligned:
            reasons[number] = "no plausible way to lay it over the hole"
        found += aligned

    return [met(target, found[row], settings) for row in _best(target, found, settings)], reasons


def _best(target: Target, found: Sequence[Aligned], settings: StitchSettings) -> list[int]:
    """Return the rows of the hypotheses that together do best in the rehearsal."""
    inside = shrunk(target.hole) > 0
    errors = [expected_error(target, item.rehearsal, item.valid, settings.agreement)[inside] for item in found]
    return covering(np.stack(errors), settings.most) if found else []


def met(target: Target, item: Aligned, settings: StitchSettings) -> Aligned:
    """Return a hypothesis that meets the photo at the rim of the hole, its rehearsal that at the rim of the band.

    What is left of light and shade would otherwise count as disagreement, and hide which structure is right.
    """

    def meeting(rgb: Float, hole: Bool, known: Bool) -> Float:
        part = hole & item.valid
        reach = seam_reach(hole, known, settings)
        moved = without_seam(rgb, target.rgb, part, known & item.valid, reach, fade=settings.fade)
        return np.where(part[..., None], moved, rgb).astype(np.float32)

    rehearsal = meeting(item.rehearsal, target.hole | target.band, target.known & ~target.band)
    return replace(item, rgb=meeting(item.rgb, target.hole, target.known), rehearsal=rehearsal)


def _pictures(
    hypotheses: Sequence[Aligned], sources: Sequence[Source], size: Size, *, rehearsed: bool = False
) -> Iterator[Picture]:
    """Yield the hypotheses, or their rehearsals, at full size."""
    for item in hypotheses:
        rgb, valid = _at_size(replace(item, rgb=item.rehearsal) if rehearsed else item, sources[item.reference], size)
        yield Picture(rgb, valid, item.reference)


def _plainly(target: Target, hole: Bool) -> Float:
    """Return the target with a hole filled without a reference, float32 [h, w, 3]."""
    patch = Patch(target.rgb.astype(np.uint8), hole, target.known & ~hole)
    return telea(MarchingSettings())(patch).rgb.astype(np.float32)


def _at_size(item: Aligned, source: Source, size: Size) -> tuple[Float, Bool]:
    """Return an aligned reference at the size of the photo: its own detail, the colours as matched."""
    if item.valid.shape == size:
        return item.rgb, item.valid
    where = enlarged(item.where, *size)
    shift = stretched(shrunk(item.rgb - source.at(item.where)), *size)
    return np.clip(source.at(where) + shift, 0, 255), source.inside(where)


def _measures(
    target: Target,
    hypotheses: Sequence[Aligned],
    costs: Costs,
    settings: StitchSettings,
) -> dict[str, float]:
    """Return what tells whether the references beat the plain fill; errors on the natural logarithm's scale."""
    label = costs.total.argmin(0)
    chosen = label[None]
    shown = np.take_along_axis(costs.total, chosen, 0)[0] < NOWHERE
    where = (shrunk(target.hole) > 0.5) & shown
    where = where if where.any() else shrunk(target.hole) > 0
    error = float(np.take_along_axis(costs.error, chosen, 0)[0][where].mean())
    dissent = float(np.take_along_axis(costs.dissent, chosen, 0)[0][where].mean())
    plain = _plainly(target, target.hole | target.band)
    expected = expected_error(target, plain, target.band | target.hole, settings.agreement)
    best = hypotheses[int(np.bincount(label[where].ravel()).argmax())]
    band = max(1, int(np.count_nonzero(target.band)))
    return {
        "error": float(np.log(error + 10)),
        "plain": float(np.log(expected[where].mean() + 10)),
        "dissent": float(np.log(dissent + 10)),
        "inliers": float(np.log(1 + best.inliers)),
        "unseen_band": 1 - int(np.count_nonzero(target.band & best.valid)) / band,
        "lonely": float(len({item.reference for item in hypotheses}) == 1),
    }
