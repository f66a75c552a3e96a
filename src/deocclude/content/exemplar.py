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
from deocclude.content.patches import Canvas, Index, make_canvas, principal, votes

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Shift = NDArray[np.int32]
MIN_SOURCES = 12
MIN_COARSE_SOURCES = 60
PLENTY, CHOICE = 400, 0.4
"""The coarsest level has the first number of sources, or the second times as many as targets: with fewer to choose
from a few patches explain all of the hole, and all finer levels repeat what it found."""
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
        texture: weight of the amount of detail against colour when patches are compared.
        search_pixels: a finer level with more patches to match spreads matches instead of searching exactly.
        spread_pixels: a level with more patches to match only carries native pixels along.
        max_sources: patches that an exact search looks through, drawn by the seed.
        variety: weight against taking the same patches again and again, see :func:`matching.search`.
    """

    radius: int = 3
    keep_off: int = 1
    dimensions: int = 20
    rounds: int = 6
    refinements: int = 3
    sharpness: float = 0.8
    reaches: tuple[int, ...] = (4, 1)
    texture: float = 7.0
    search_pixels: int = 700
    spread_pixels: int = 80_000
    max_sources: int = 16_000
    variety: float = 10.0


@dataclass(frozen=True, eq=False)
class _Level:
    """A level of the pyramid; what ``image`` [h, w, 5] holds beyond the evidence means nothing.

    ``guess`` [h, w, 3] has the first colours of the hole; without it the evidence is continued smoothly.
    """

    image: Float
    hole: Bool
    evidence: Bool
    copied: Bool
    guess: Float | None = None

    @property
    def colours(self) -> Float:
        """Float32 [h, w, 3]: those of the evidence, and in the hole the guess."""
        seen = self.image[..., :3]
        return seen if self.guess is None else np.where(self.evidence[..., None], seen, self.guess)

    def canvas(self, radius: int, most: int) -> Canvas:
        """Return the canvas; beyond ``most`` hole pixels nothing is compared, so no first colours are needed."""
        compared = self.evidence.any() and np.count_nonzero(self.hole) <= most
        image = self._continued() if compared else self.image
        return make_canvas(image, self.hole, self.evidence, self.copied, radius)

    def _continued(self) -> Float:
        image = pull_push(self.image, self.evidence)
        if self.guess is not None:
            image[..., :3] = pull_push(self.colours, self.evidence | self.hole)
        return image


@dataclass(frozen=True, eq=False)
class _Solved:
    """A canvas after its last search: one match and squared mismatch a target."""

    canvas: Canvas
    match: Index
    mismatch: Float

    @property
    def shift(self) -> Shift:
        """How far down and right of each target its match lies, int32 [h, w, 2]; 0 elsewhere."""
        width, targets = self.canvas.width, self.canvas.targets
        found = np.zeros((len(self.canvas.pixels), 2), np.int32)
        found[targets] = np.subtract(np.divmod(self.match, width), np.divmod(targets, width)).T
        return self.canvas.unpadded(found)

    def votes(self, sharpness: float, channels: int) -> Float:
        """Return what the matches say of the first channels of each pixel, float32 [n, channels]."""
        return votes(self.canvas, self.match, _weight(self.canvas, self.mismatch), sharpness, channels)


def exemplar(settings: ExemplarSettings) -> Painter:
    """Return the texture painter.

    Its confidence is :func:`~deocclude.content.painting.trust` times ``exp(-m / 40)``, where m is the root mean
    square difference, in grey levels, between the patch around a pixel and the visible patch that explains it.
    """
    return lambda patch: copies(patch, settings)[0]


def copies(
    patch: Patch, settings: ExemplarSettings, guess: NDArray[np.uint8] | None = None
) -> tuple[Painted, Shift | None]:
    """Return a patch painted by the texture painter and where it copied from, ``None`` if it did not copy.

    Args:
        patch: to paint.
        settings: how patches are found.
        guess: uint8 [h, w, 3], the first colours of the hole, which the search starts from; by default the evidence
            is continued smoothly.
    """
    if not (patch.evidence.any() and patch.hole.any()):
        return paint_blind(patch, "exemplar"), None
    ground = _ground(patch, settings, None if guess is None else guess.astype(np.float32))
    for radius in range(settings.radius, 0, -1):
        canvases = _pyramid(ground, radius, settings.spread_pixels)
        if len(canvases[0].sources) >= MIN_SOURCES and len(canvases[0].targets) <= settings.spread_pixels:
            if guess is None:
                matching.reflect(canvases[0])
            solved = _descend(canvases, settings, patch.seed)
            return _finish(patch, solved, settings), solved.shift
    return _too_little(patch), None


def _too_little(patch: Patch) -> Painted:
    painted = biharmonic(BiharmonicSettings())(patch)
    reason = "exemplar: too little visible to take texture from, continued smoothly"
    return replace(painted, fallback_reason=reason)


def texture(rgb: Float, evidence: Bool, side: int = 9) -> Float:
    """Return how much the grey values vary across and down near each pixel, float32 [h, w, 2] in grey levels.

    Interpolated into a hole these keep their level, where colours lose their detail; compared with them, a smooth
    first guess finds patches with the right amount of detail (Newson et al. 2014, section 3.3).
    """
    grey = rgb.mean(2)
    found = np.zeros((*grey.shape, 2), np.float32)
    for axis in (0, 1):
        pair = np.roll(evidence, -1, axis) & evidence
        pair[(slice(None),) * axis + (-1,)] = False
        jump = np.where(pair, np.abs(np.roll(grey, -1, axis) - grey), 0).astype(np.float32)
        total, share = (cv2.blur(part.astype(np.float32), (side, side)) for part in (jump, pair))
        found[..., axis] = total / np.maximum(share, 1e-6)
    return found


def _ground(patch: Patch, settings: ExemplarSettings, guess: Float | None) -> _Level:
    evidence = patch.evidence.astype(np.uint8)
    side = 2 * settings.keep_off + 1
    copied = cv2.erode(evidence, np.ones((side, side), np.uint8)).astype(bool)
    rgb = patch.rgb.astype(np.float32)
    image = np.concatenate([rgb, settings.texture * texture(rgb, patch.evidence)], 2)
    return _Level(image, patch.hole, patch.evidence, copied, guess)


def _coarser(level: _Level) -> _Level:
    image, seen = halve(level.image, level.evidence.astype(np.float32))
    flags = np.stack([level.hole, level.copied], 2).astype(np.float32)
    share, _ = halve(flags, np.ones(level.hole.shape, np.float32))
    evidence = seen >= 0.5
    hole, copied = (share[..., 0] > 0) & ~evidence, (share[..., 1] >= 0.75) & evidence
    guess = None
    if level.guess is not None:
        guess, _ = halve(level.colours, (level.evidence | level.hole).astype(np.float32))
    return _Level(image, hole, evidence, copied, guess)


def _pyramid(level: _Level, radius: int, most: int) -> list[Canvas]:
    """Return canvases, coarsest first: halved while the hole is wider than a patch and texture is left to copy."""
    canvases = [level.canvas(radius, most)]
    while canvases[-1].targets.size and float(canvases[-1].reach.max()) > radius:
        level = _coarser(level)
        below = level.canvas(radius, most)
        enough = max(MIN_COARSE_SOURCES, min(PLENTY, CHOICE * len(below.targets)))
        if len(below.sources) < enough or len(below.targets) == 0:
            break
        canvases.append(below)
    return canvases[::-1]


def _descend(canvases: list[Canvas], settings: ExemplarSettings, seed: int) -> _Solved:
    generator = np.random.default_rng(seed)
    solved = _solve_first(canvases[0], settings, generator)
    for canvas in canvases[1:]:
        solved = _solve_next(canvas, solved, settings, generator)
    return solved


def _solve_first(canvas: Canvas, settings: ExemplarSettings, generator: np.random.Generator) -> _Solved:
    start = _Solved(canvas, canvas.sources[:1].repeat(len(canvas.targets)), canvas.reach)
    return _rounds(start, settings, generator, settings.rounds, exact=True)


def _solve_next(canvas: Canvas, coarse: _Solved, settings: ExemplarSettings, generator: np.random.Generator) -> _Solved:
    match, rows = matching.pass_down(coarse.canvas, canvas, coarse.match)
    start = _Solved(canvas, match, coarse.mismatch[rows])
    if len(canvas.targets) > settings.spread_pixels:
        return start
    _repaint(start, settings)
    exact = len(canvas.targets) <= settings.search_pixels
    return _rounds(start, settings, generator, settings.refinements, exact=exact)


def _rounds(
    start: _Solved, settings: ExemplarSettings, generator: np.random.Generator, rounds: int, *, exact: bool
) -> _Solved:
    """Match ``rounds`` times on one level, and vote in between."""
    canvas, solved = start.canvas, start
    basis = principal(canvas, settings.dimensions, generator)
    source = basis.features(canvas, canvas.sources)
    rows = canvas.source_row[start.match]
    for done in range(rounds):
        if done:
            _repaint(solved, settings)
        target = basis.features(canvas, canvas.targets)
        if exact:
            rows = matching.search(target, source, rows, settings.max_sources, generator, settings.variety)
        rows, mismatch = matching.spread(canvas, target, source, rows, settings.reaches)
        solved = _Solved(canvas, canvas.sources[rows], mismatch)
    return solved


def _repaint(solved: _Solved, settings: ExemplarSettings) -> None:
    """Give the unknown pixels of the canvas what the matches say, in place."""
    canvas = solved.canvas
    canvas.pixels[canvas.unknown] = solved.votes(settings.sharpness, canvas.pixels.shape[1])[canvas.unknown]


def _weight(canvas: Canvas, mismatch: Float) -> Float:
    """Return how much each target's vote counts: more near the evidence, more where the match is good."""
    spread = max(float(np.percentile(mismatch, 75)), 1e-6)
    exponent = DECAY * np.minimum(canvas.reach, 60).astype(np.float64) + np.minimum(mismatch / (2 * spread), 20)
    return np.asarray(np.exp(-exponent), np.float32)


def _finish(patch: Patch, solved: _Solved, settings: ExemplarSettings) -> Painted:
    canvas = solved.canvas
    voted = canvas.unpadded(solved.votes(settings.sharpness, 3))
    filled = without_seam(voted, patch.rgb.astype(np.float32), patch.hole, patch.evidence)
    side = 2 * canvas.radius + 1
    rough = np.zeros(len(canvas.pixels))
    rough[canvas.targets] = np.sqrt(solved.mismatch / (3 * side * side))
    agreement = np.exp(-canvas.unpadded(rough) / GREY_LEVELS).astype(np.float32)
    return compose(patch, filled, trust(patch) * agreement, Provenance.OWN_TEXTURE, "exemplar")
