"""Lay a reference over the photo: several hypotheses, each warped, refined by optical flow and matched in colour.

A reference shows the object from elsewhere, so one homography seldom fits all of it. Every plane that matches reveal is
a hypothesis, and so is a smooth bent map through all matches; which one is right where is for the stitching to say
(the proposals of TransFill, Zhou et al., CVPR 2021, with classical means). Each hypothesis is also made a second time
without a look at a band round the hole, a rehearsal: how well it foretells that band says how far to trust it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from deocclude.content.agreement import AgreementSettings, covering, expected_error
from deocclude.content.cells import shrunk
from deocclude.content.colour import ColourSettings, gain_and_bias, match_colours
from deocclude.content.epipolar import Epipolar, epipolar
from deocclude.content.flow import FlowSettings, continued, measure
from deocclude.content.local import LocalSettings, local_maps
from deocclude.content.mesh import MeshSettings, bent, folds
from deocclude.content.sampling import Source, mapped, pixel_grid, sample, tidied
from deocclude.content.target import Aligned, Target
from deocclude.masks import Mask, distance_to
from deocclude.references.matching import Matches
from deocclude.references.transforms import Matrix, TransformSettings, plausible, sequential

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
MESH, LOCAL = "mesh", "local"
HOPELESS, SLIGHT = 2.0, 25.0
"""Maps of pieces that err more than so many times as much as other maps, and by more than this, are left out."""
LEAST_FAIR = 0.5
"""Unless they do better in so large a share of the hole."""


@dataclass(frozen=True)
class AlignSettings:
    """How references are aligned.

    Attributes:
        ratio: largest distance ratio of a match (see :class:`~deocclude.references.matching.MatchSettings`).
        transforms: which planes are believed.
        mesh: the bent map.
        flow: the refinement.
        local: the maps of pieces of what surrounds the hole.
        colour: the correction of colours.
        agreement: how maps are compared at a first look.
        least_cover: hypotheses that show less of the hole than this share are dropped.
        mesh_from: fewest matches for a bent map.
        most: maps of a reference to which flow is added, the best at a first look.
        most_local: maps of pieces that are pursued, likewise.
        beside: pixels so near the hole tell the colours of maps that hold for a piece.
    """

    ratio: float = 0.8
    transforms: TransformSettings = field(default_factory=TransformSettings)
    mesh: MeshSettings = field(default_factory=MeshSettings)
    flow: FlowSettings = field(default_factory=FlowSettings)
    local: LocalSettings = field(default_factory=LocalSettings)
    colour: ColourSettings = field(default_factory=ColourSettings)
    agreement: AgreementSettings = field(default_factory=AgreementSettings)
    least_cover: float = 0.02
    mesh_from: int = 14
    most: int = 3
    most_local: int = 4
    beside: float = 40.0


@dataclass(frozen=True, eq=False)
class Proposal:
    """A map from the target into a reference.

    Attributes:
        where: float32 [h, w, 2].
        rehearsed: float32 [h, w, 2], the same found without a look at the band.
        target_from_source: float64 [3, 3], the homography it started from.
        kind: how it was found, for people.
        inliers: matches that the homography explains.
    """

    where: Float
    rehearsed: Float
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
    matches = matches.part(matches.ratio <= settings.ratio)
    proposals = list(propose(target, matches, settings))
    if not proposals:
        return []
    planar = max(proposal.inliers for proposal in proposals)
    geometry = epipolar(matches, planar, settings.transforms.reach(target.features.size))
    return lay(target, source, proposals, number, settings, geometry)


def lay(
    target: Target,
    source: Source,
    proposals: Sequence[Proposal],
    number: int,
    settings: AlignSettings,
    geometry: Epipolar | None = None,
) -> list[Aligned]:
    """Return the reference laid over the target in the best of the proposed ways, with flow, and piece by piece.

    With an epipolar geometry, maps that it speaks against are left out as long as there are others.
    """
    looks = _misfits(target, source, proposals, settings)
    best = [proposals[row] for row in covering(looks, settings.most)]
    flat = [one for one in proposals if one.kind != MESH]
    pieces = list(_local(target, source, flat[0], settings)) if flat else []
    if geometry:
        pieces = [one for one in pieces if geometry.allows(one.where, target.hole)]
        best = [one for one in best if geometry.allows(one.where, target.hole)] or best
    flowing = [_flowing(target, source, one, settings) for one in best]
    least = settings.least_cover * np.count_nonzero(target.hole)
    found = []
    for one in (*best, *flowing, *_promising(target, source, pieces, looks.min(0), settings)):
        valid = source.inside(one.where)
        if np.count_nonzero(valid & target.hole) < least or folds(one.where, valid & (target.hole | target.band)):
            continue
        near = valid & target.known
        if one.kind.startswith(LOCAL):
            near &= distance_to(target.hole) <= settings.beside
        picture = _coloured(target, source.at(one.where), near, settings)
        rehearsal = _coloured(target, source.at(one.rehearsed), near & ~target.band, settings)
        found.append(
            Aligned(picture, valid, rehearsal, one.where, one.target_from_source, one.kind, number, one.inliers)
        )
    return found


def propose(target: Target, matches: Matches, settings: AlignSettings) -> Iterator[Proposal]:
    """Yield the maps that the matches between target and reference suggest."""
    planes = sequential(matches.source_points, matches.target_points, target.features.size, settings.transforms)
    box = Mask.from_array(target.hole).box
    grid = pixel_grid(*target.size)
    for plane in planes:
        if not plausible(plane.target_from_source, box, settings.transforms):
            continue
        where = mapped(np.linalg.inv(plane.target_from_source), grid)
        yield Proposal(where, where, plane.target_from_source, plane.kind, plane.count)
    if planes and planes[0].kind != "similarity" and len(matches) >= settings.mesh_from:
        back = np.linalg.inv(planes[0].target_from_source)
        mesh = bent(matches.target_points, matches.source_points, back, target.size, settings.mesh)
        if mesh is not None:
            mesh = tidied(mesh)
            yield Proposal(mesh, mesh, planes[0].target_from_source, MESH, planes[0].count)


def _misfits(target: Target, source: Source, proposals: Sequence[Proposal], settings: AlignSettings) -> Float:
    """Return the errors to expect of proposals, float32 [n, cells of the hole], at a first look."""

    def misfit(one: Proposal) -> Float:
        valid = source.inside(one.rehearsed)
        overlap = valid & target.known
        if np.count_nonzero(overlap & target.band) < 0.2 * np.count_nonzero(target.band):
            return np.full(int(np.count_nonzero(inside)), settings.agreement.largest**2, np.float32)
        picture = source.at(one.rehearsed)
        gain, bias, _ = gain_and_bias(picture, target.rgb, overlap, settings.colour)
        return expected_error(target, picture * gain + bias, valid, settings.agreement)[inside]

    inside = shrunk(target.hole) > 0
    errors = [misfit(one) for one in proposals]
    return np.stack(errors) if errors else np.zeros((0, int(np.count_nonzero(inside))), np.float32)


def _promising(
    target: Target, source: Source, pieces: Sequence[Proposal], others: Float, settings: AlignSettings
) -> list[Proposal]:
    """Return the maps of pieces that do well together, without those that do badly nearly everywhere.

    Args:
        target: what to fill.
        source: the reference.
        pieces: their maps.
        others: float32 [cells], the least errors of other proposals.
        settings: how many are wanted.
    """
    looks = _misfits(target, source, pieces, settings)
    fair = (looks < HOPELESS * others + SLIGHT).mean(1) >= LEAST_FAIR
    return [pieces[row] for row in covering(looks, settings.most_local) if fair[row]]


def _local(target: Target, source: Source, plane: Proposal, settings: AlignSettings) -> Iterator[Proposal]:
    """Yield the maps of pieces of what surrounds the hole, found near where a plane puts them."""
    valid = source.inside(plane.where)
    grid = pixel_grid(*target.size)
    back = np.linalg.inv(plane.target_from_source)
    picture = source.at(plane.where)
    for number, found in enumerate(local_maps(target, picture, valid, settings.local)):
        where, rehearsed = (mapped(back @ affine, grid) for affine in (found.full, found.rehearsed))
        yield Proposal(where, rehearsed, plane.target_from_source, f"{LOCAL} {number}", plane.inliers)


def _flowing(target: Target, source: Source, proposal: Proposal, settings: AlignSettings) -> Proposal:
    """Return a proposal with flow added."""
    where = proposal.where
    valid = source.inside(where)
    picture = _coloured(target, source.at(where), valid & target.known, settings)
    flow = measure(target.rgb, picture, target.known, valid, settings.flow)
    grid = pixel_grid(*target.size)
    full = sample(where, grid + continued(flow, target.known, settings.flow))
    rehearsed = sample(where, grid + continued(flow, target.known & ~target.band, settings.flow))
    return replace(proposal, where=full, rehearsed=rehearsed, kind=f"{proposal.kind}+flow")


def _coloured(target: Target, picture: Float, overlap: Bool, settings: AlignSettings) -> Float:
    return match_colours(picture, target.rgb, overlap, settings.colour)
