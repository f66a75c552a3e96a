"""Texture painter: continue an object with patches of its own visible part, coarse to fine.

The scheme is that of Wexler, Shechtman and Irani, Space-Time Completion of Video, PAMI 2007, and Newson et al., Video
Inpainting of Complex Scenes, SIAM J. Imaging Sciences 2014: on each level of a pyramid rounds of (a) the nearest source
patch for each patch that meets the hole and (b) weighted votes. Exact search on the coarse levels, spreading of
good matches on the fine ones; beyond a budget of pixels the field of matches only carries native pixels along.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content import matching
from deocclude.content.diffusion import BiharmonicSettings, biharmonic
from deocclude.content.membrane import halve, pull_push, without_seam
from deocclude.content.painting import compose, paint_blind, trust
from deocclude.content.patch import Painted, Painter, Patch, Provenance
from deocclude.content.patches import Canvas, Index, make_canvas, principal, vote

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
MIN_SOURCES = 12
MIN_COARSE_SOURCES = 60
DECAY = 0.26
"""Votes fade by this rate a pixel away from the evidence: 1.3 to 1, as in Wexler et al."""
GREY_LEVELS = 40.0
"""Mismatch (root mean square, grey levels) at which confidence falls to a third."""


@dataclass(frozen=True)
class ExemplarSettings:
    """Settings of the exemplar painter.

    Attributes:
        radius: patches have 2 * radius + 1 pixels a side; smaller ones are tried where little is visible.
        keep_off: evidence within so many pixels of its edge is compared but never copied: it is mixed.
        dimensions: principal components that patches are compared by.
        rounds: searches and votes on the coarsest level.
        refinements: searches and votes on each finer level.
        sharpness: spread in pixels of the Gaussian of a patch's votes around its centre.
        reaches: distances in pixels to the neighbours whose matches are tried, one pass each.
        search_pixels: a level with more patches to match spreads matches instead of searching exactly.
        spread_pixels: a level with more patches to match only carries native pixels along.
        max_sources: patches that an exact search looks through, drawn by the seed.
    """

    radius: int = 3
    keep_off: int = 1
    dimensions: int = 24
    rounds: int = 6
    refinements: int = 3
    sharpness: float = 1.5
    reaches: tuple[int, ...] = (1,)
    search_pixels: int = 12_000
    spread_pixels: int = 80_000
    max_sources: int = 16_000


@dataclass(frozen=True, eq=False)
class _Level:
    rgb: Float
    hole: Bool
    evidence: Bool
    copied: Bool


@dataclass(frozen=True, eq=False)
class _Solved:
    canvas: Canvas
    match: Index
    mismatch: Float
    voted: Float


def exemplar(settings: ExemplarSettings) -> Painter:
    """Return the texture painter."""

    def paint(patch: Patch) -> Painted:
        if not (patch.evidence.any() and patch.hole.any()):
            return paint_blind(patch, "exemplar")
        ground = _ground(patch, settings.keep_off)
        for radius in range(settings.radius, 0, -1):
            canvas = _canvas(ground, radius)
            if len(canvas.sources) >= MIN_SOURCES:
                return _paint(patch, ground, canvas, settings)
        return _too_little(patch)

    return paint


def _too_little(patch: Patch) -> Painted:
    painted = biharmonic(BiharmonicSettings())(patch)
    reason = "exemplar: too little visible to take texture from, continued smoothly"
    return replace(painted, fallback_reason=reason)


def _ground(patch: Patch, keep_off: int) -> _Level:
    evidence = patch.evidence.astype(np.uint8)
    side = 2 * keep_off + 1
    copied = cv2.erode(evidence, np.ones((side, side), np.uint8)).astype(bool)
    return _Level(patch.rgb.astype(np.float32), patch.hole, patch.evidence, copied)


def _canvas(level: _Level, radius: int) -> Canvas:
    return make_canvas(level.rgb, level.hole, level.evidence, level.copied, radius)


def _coarser(level: _Level) -> _Level:
    rgb, seen = halve(level.rgb, level.evidence.astype(np.float32))
    flags = np.stack([level.hole, level.copied], 2).astype(np.float32)
    share, _ = halve(flags, np.ones(level.hole.shape, np.float32))
    evidence = seen >= 0.5
    return _Level(rgb, (share[..., 0] > 0) & ~evidence, evidence, (share[..., 1] >= 0.75) & evidence)


def _pyramid(ground: _Level, canvas: Canvas) -> list[Canvas]:
    """Return canvases, coarsest first: halved while the hole is wider than a patch and texture is left to copy."""
    canvases, level = [canvas], ground
    while float(canvases[-1].reach.max()) > 2 * canvas.radius:
        coarser = _coarser(level)
        below = _canvas(coarser, canvas.radius)
        if len(below.sources) < MIN_COARSE_SOURCES or len(below.targets) == 0:
            break
        level = coarser
        canvases.append(below)
    canvases[-1] = _canvas(replace(level, rgb=pull_push(level.rgb, level.evidence)), canvas.radius)
    return canvases[::-1]


def _paint(patch: Patch, ground: _Level, canvas: Canvas, settings: ExemplarSettings) -> Painted:
    generator = np.random.default_rng(patch.seed)
    solved: _Solved | None = None
    for level in _pyramid(ground, canvas):
        solved = _solve(level, solved, settings, generator)
    assert solved is not None
    return _finish(patch, solved)


def _solve(
    canvas: Canvas, coarse: _Solved | None, settings: ExemplarSettings, generator: np.random.Generator
) -> _Solved:
    """Match and vote on one level, starting from the matches of the coarser one."""
    if coarse is None:
        match, mismatch = canvas.sources[:1].repeat(len(canvas.targets)), np.ones(len(canvas.targets), np.float32)
    else:
        match = matching.pass_down(coarse.canvas, canvas, coarse.match)
        mismatch = coarse.mismatch[coarse.canvas.target_row[matching.parents(coarse.canvas, canvas)]]
        voted = vote(canvas, match, _weight(canvas, mismatch), settings.sharpness)
    if len(canvas.targets) > settings.spread_pixels:
        return _Solved(canvas, match, mismatch, voted)
    basis = principal(canvas, settings.dimensions, generator)
    source = basis.features(canvas, canvas.sources)
    rows = canvas.source_row[match]
    for _ in range(settings.rounds if coarse is None else settings.refinements):
        target = basis.features(canvas, canvas.targets)
        if len(canvas.targets) <= settings.search_pixels:
            rows = matching.search(target, source, rows, settings.max_sources, generator)
        rows, mismatch = matching.spread(canvas, target, source, rows, settings.reaches)
        voted = vote(canvas, canvas.sources[rows], _weight(canvas, mismatch), settings.sharpness)
    return _Solved(canvas, canvas.sources[rows], mismatch, voted)


def _weight(canvas: Canvas, mismatch: Float) -> Float:
    """Return how much each target's vote counts: more near the evidence, more where the match is good."""
    spread = max(float(np.percentile(mismatch, 75)), 1e-6)
    near = np.exp(-DECAY * np.minimum(canvas.reach, 60))
    return np.asarray(near * np.exp(-np.minimum(mismatch / (2 * spread), 20)), np.float32)


def _finish(patch: Patch, solved: _Solved) -> Painted:
    canvas = solved.canvas
    inner = slice(canvas.radius, -canvas.radius)
    voted = solved.voted.reshape(*canvas.shape, 3)[inner, inner]
    filled = without_seam(voted, patch.rgb.astype(np.float32), patch.hole, patch.evidence)
    side = 2 * canvas.radius + 1
    rough = np.zeros(len(canvas.pixels), np.float32)
    rough[canvas.targets] = np.sqrt(solved.mismatch / (3 * side * side))
    agreement = np.exp(-rough.reshape(canvas.shape)[inner, inner] / GREY_LEVELS)
    return compose(patch, filled, trust(patch) * agreement, Provenance.OWN_TEXTURE, "exemplar")
