"""Lay a reference over the photo: several hypotheses, each warped, refined by optical flow and matched in colour.

A reference shows the object from elsewhere, so one homography seldom fits all of it. Every plane that matches reveal is
a hypothesis, and so is a smooth bent map through all matches; which one is right where is for the stitching to say
(the proposals of TransFill, Zhou et al., CVPR 2021, with classical means). Each hypothesis is also made a second time
without a look at a band round the hole, a rehearsal: how well it foretells that band says how far to trust it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deocclude.content.colour import ColourSettings, gain_and_bias, match_colours
from deocclude.content.flow import FlowSettings, continued, measure
from deocclude.content.mesh import MeshSettings, bent, folds
from deocclude.content.sampling import Source, pixel_grid, sample, tidied
from deocclude.geometry import Box, Size
from deocclude.masks import Mask
from deocclude.references.features import Features
from deocclude.references.matching import Matches
from deocclude.references.transforms import Matrix, TransformSettings, apply, plausible, sequential

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class AlignSettings:
    """How references are aligned.

    Attributes:
        ratio: largest distance ratio of a match (see :class:`~deocclude.references.matching.MatchSettings`).
        transforms: which planes are believed.
        mesh: the bent map.
        flow: the refinement.
        colour: the correction of colours.
        least_cover: hypotheses that show less of the hole than this share are dropped.
        mesh_from: fewest matches for a bent map.
        most: maps of a reference that are pursued, the best at a first look.
    """

    ratio: float = 0.8
    transforms: TransformSettings = field(default_factory=TransformSettings)
    mesh: MeshSettings = field(default_factory=MeshSettings)
    flow: FlowSettings = field(default_factory=FlowSettings)
    colour: ColourSettings = field(default_factory=ColourSettings)
    least_cover: float = 0.02
    mesh_from: int = 14
    most: int = 3


@dataclass(frozen=True, eq=False)
class Target:
    """The picture with the hole.

    Attributes:
        rgb: float32 [h, w, 3], 0..255; what stands in the hole is not looked at.
        hole: bool [h, w].
        known: bool [h, w], pixels that may be looked at; disjoint from the hole.
        band: bool [h, w], part of ``known``: pixels near the hole on which fills are rehearsed.
        features: of the known pixels.
    """

    rgb: Float
    hole: Bool
    known: Bool
    band: Bool
    features: Features

    @property
    def size(self) -> Size:
        """Height and width."""
        return Size(*self.hole.shape)

    @property
    def near(self) -> Box:
        """The hole with its surroundings, a quarter of its size on each side."""
        box = Mask.from_array(self.hole).box
        return box.grow(8 + max(box.width, box.height) // 4).clip(self.size)


@dataclass(frozen=True, eq=False)
class Aligned:
    """A reference in the frame of the target, in its colours.

    Attributes:
        rgb: float32 [h, w, 3], 0..255.
        valid: bool [h, w], pixels that the reference shows.
        rehearsal: float32 [h, w, 3], the same made without a look at the target's band; meaningful where valid.
        where: float32 [h, w, 2], where each pixel lies in the reference.
        target_from_source: float64 [3, 3], the homography it started from.
        kind: how it was aligned, for people: ``homography``, ``homography+flow``, ``mesh``, ``affine`` ...
        reference: number of the reference.
        inliers: matches that the homography explains.
        notes: one line each.
    """

    rgb: Float
    valid: Bool
    rehearsal: Float
    where: Float
    target_from_source: Matrix
    kind: str
    reference: int
    inliers: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Proposal:
    """A map from the target into a reference, ``where`` float32 [h, w, 2], and where it comes from."""

    where: Float
    target_from_source: Matrix
    kind: str
    inliers: int


def align(
    target: Target, source: Source, matches: Matches, number: int, settings: AlignSettings | None = None
) -> list[Aligned]:
    """Return the plausible ways to lay a reference over the target; none where too little matches.

    Args:
        target: what to fill.
        source: the reference.
        matches: from the reference to the target.
        number: of the reference, passed through.
        settings: how.
    """
    settings = settings or AlignSettings()
    return lay(target, source, propose(target, matches, settings), number, settings)


def lay(
    target: Target, source: Source, proposals: Iterable[Proposal], number: int, settings: AlignSettings
) -> list[Aligned]:
    """Return the reference laid over the target in the best of the proposed ways, each with and without flow."""
    least = settings.least_cover * np.count_nonzero(target.hole)
    found = []
    for proposal in _shortlist(target, source, proposals, settings):
        for where, kind, rehearsed in _refined(target, source, proposal, settings):
            valid = source.inside(where)
            if np.count_nonzero(valid & target.hole) < least or folds(where, valid & (target.hole | target.band)):
                continue
            outside = valid & target.known & ~target.band
            picture = _coloured(target, source.at(where), valid & target.known, settings)
            rehearsal = _coloured(target, source.at(rehearsed), outside, settings)
            matrix = proposal.target_from_source
            found.append(Aligned(picture, valid, rehearsal, where, matrix, kind, number, proposal.inliers))
    return found


def propose(target: Target, matches: Matches, settings: AlignSettings) -> Iterator[Proposal]:
    """Yield the maps that the matches between target and reference suggest."""
    matches = matches.part(matches.ratio <= settings.ratio)
    planes = sequential(matches.source_points, matches.target_points, target.size, settings.transforms)
    box = Mask.from_array(target.hole).box
    grid = pixel_grid(*target.size).reshape(-1, 2)
    for plane in planes:
        if not plausible(plane.target_from_source, box, settings.transforms):
            continue
        back = np.linalg.inv(plane.target_from_source)
        where = tidied(apply(back, grid).reshape(*target.size, 2))
        yield Proposal(where, plane.target_from_source, plane.kind, plane.count)
    if planes and planes[0].kind != "similarity" and len(matches) >= settings.mesh_from:
        back = np.linalg.inv(planes[0].target_from_source)
        mesh = bent(matches.target_points, matches.source_points, back, target.size, settings.mesh)
        if mesh is not None:
            yield Proposal(tidied(mesh), planes[0].target_from_source, "mesh", planes[0].count)


def _shortlist(
    target: Target, source: Source, proposals: Iterable[Proposal], settings: AlignSettings
) -> list[Proposal]:
    """Return the proposals that agree best with the surroundings of the hole, without a refinement."""

    def misfit(proposal: Proposal) -> float:
        rows, columns = target.near.slices
        where = np.ascontiguousarray(proposal.where[rows, columns][::2, ::2])
        known = target.known[rows, columns][::2, ::2]
        overlap = known & source.inside(where)
        if np.count_nonzero(overlap) < 0.2 * np.count_nonzero(known):
            return float("inf")
        photo, picture = target.rgb[rows, columns][::2, ::2], source.at(where)
        gain, bias, _ = gain_and_bias(picture, photo, overlap, settings.colour)
        return float(np.minimum(np.abs(picture * gain + bias - photo)[overlap], 64).mean())

    return sorted(proposals, key=misfit)[: settings.most]


def _refined(
    target: Target, source: Source, proposal: Proposal, settings: AlignSettings
) -> Iterator[tuple[Float, str, Float]]:
    """Yield (map, kind, map for the rehearsal) of a proposal as it is and with flow added."""
    where = proposal.where
    yield where, proposal.kind, where
    valid = source.inside(where)
    picture = _coloured(target, source.at(where), valid & target.known, settings)
    flow = measure(target.rgb, picture, target.known, valid, settings.flow)
    grid = pixel_grid(*target.size)
    full = sample(where, grid + continued(flow, target.known, settings.flow))
    rehearsed = sample(where, grid + continued(flow, target.known & ~target.band, settings.flow))
    yield full, f"{proposal.kind}+flow", rehearsed


def _coloured(target: Target, picture: Float, overlap: Bool, settings: AlignSettings) -> Float:
    return match_colours(picture, target.rgb, overlap, settings.colour)
