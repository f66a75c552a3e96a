"""Large holes painted at a reduced scale, with native detail."""

from __future__ import annotations

import numpy as np
import pytest

from deocclude.content import painter
from deocclude.content.mixing import fine
from deocclude.content.patch import Painted, Patch, Provenance
from deocclude.content.reduced import LARGE, halved, paint_reduced

SIDE = 801
ACROSS = 300


def truth() -> np.ndarray:
    """Grain on a slope, uint8; the sides are odd, so halves do not fit evenly."""
    y, x = np.mgrid[:SIDE, :SIDE]
    grain = np.random.default_rng(0).normal(0, 8, (SIDE, SIDE))
    return np.clip(np.stack([60 + 0.1 * x + grain, 40 + 0.1 * y + grain, 120 + grain], 2), 0, 255).astype(np.uint8)


def large(width: int = ACROSS) -> Patch:
    hole = np.zeros((SIDE, SIDE), bool)
    hole[250 : 250 + max(width, ACROSS), 301 : 301 + width] = True
    return Patch(np.where(hole[..., None], np.uint8([255, 0, 0]), truth()), hole, ~hole)


class Slope:
    """Paints the slope without its grain, and copies from the pixels one hole further left; keeps what it was given."""

    def __init__(self, *, copies: bool = True) -> None:
        self.given: list[Patch] = []
        self.copies = copies

    def __call__(self, patch: Patch) -> tuple[Painted, np.ndarray | None]:
        self.given.append(patch)
        y, x = np.mgrid[: patch.hole.shape[0], : patch.hole.shape[1]] * patch.scale
        slope = np.stack([60 + 0.1 * x, 40 + 0.1 * y, np.full(x.shape, 120)], 2).astype(np.uint8)
        rgb = np.where(patch.hole[..., None], slope, patch.rgb)
        origin = np.where(patch.hole, np.uint8(Provenance.NETWORK), np.uint8(0))
        shift = np.zeros((*patch.hole.shape, 2), np.int32)
        shift[..., 1] = -ACROSS // patch.scale
        painted = Painted(
            rgb, np.where(patch.hole, 0.5, 0).astype(np.float32), origin, "slope", "a reason", ("a note",)
        )
        return painted, shift if self.copies else None


def grain_of(rgb: np.ndarray, where: np.ndarray) -> np.ndarray:
    return fine(rgb.astype(np.float32), np.ones(where.shape, bool))[where]


def test_a_large_hole_is_painted_at_half_the_scale():
    patch, paint = large(), Slope()
    assert np.count_nonzero(patch.hole) > LARGE
    painted = paint_reduced(patch, paint)
    (given,) = paint.given
    assert given.scale == 2 and given.hole.shape == (401, 401)
    assert np.array_equal(painted.rgb[~patch.hole], patch.rgb[~patch.hole])
    assert np.abs(painted.rgb.astype(int) - truth())[patch.hole].mean() < 12, "slope and grain, each off by a grain"
    assert (painted.provenance == np.where(patch.hole, Provenance.NETWORK, 0)).all()
    assert np.allclose(painted.confidence, np.where(patch.hole, 0.5, 0))
    assert painted.method == "slope" and painted.fallback_reason == "a reason"
    assert painted.notes[0] == "a note" and "1/2 of the scale, with the finest detail" in painted.notes[1]


def test_its_finest_detail_is_that_of_the_pixels_copied():
    patch = large()
    painted = paint_reduced(patch, Slope())
    inside = np.zeros_like(patch.hole)
    inside[260:540, 311:591] = True
    copied, original = grain_of(painted.rgb, inside), grain_of(truth(), np.roll(inside, -ACROSS, 1))
    assert np.corrcoef(copied.ravel(), original.ravel())[0, 1] > 0.9
    assert 0.6 < copied.std() / original.std() < 1.1
    smooth = paint_reduced(patch, Slope(copies=False))
    assert grain_of(smooth.rgb, inside).std() < 0.2 * original.std()
    assert smooth.notes[1].endswith("1/2 of the scale")


def test_no_rim_shows_where_the_hole_begins():
    patch = large()
    painted = paint_reduced(patch, Slope()).rgb.astype(float).mean(2)
    across = np.abs(np.diff(painted, axis=1))
    assert across[250:550, 300].mean() < 1.3 * across[250:550, 100:280].mean()


@pytest.mark.parametrize("width", [100, 200])
def test_other_holes_are_painted_as_they_are(width):
    patch, paint = large(width), Slope()
    painted = paint_reduced(patch, paint)
    assert paint.given == [patch] and painted.notes == ("a note",)


def test_a_long_hole_without_width_is_painted_as_it_is():
    hole = np.zeros((2400, 300), bool)
    hole[:, 100:140] = True
    patch, paint = Patch(np.full((2400, 300, 3), 90, np.uint8), hole, ~hole), Slope()
    assert np.count_nonzero(hole) > LARGE
    paint_reduced(patch, paint)
    assert paint.given == [patch]


def test_a_large_hole_with_nothing_to_look_at_is_grey_and_says_so():
    patch = large()
    painted = painter("textured")(Patch(patch.rgb, patch.hole, np.zeros_like(patch.hole)))
    assert painted.fallback_reason and (painted.confidence == 0).all() and (painted.rgb[patch.hole] == 128).all()
    assert (painted.provenance[patch.hole] == Provenance.MEAN_COLOUR).all()


def test_half_a_patch_looks_at_evidence_only_and_keeps_the_hole_whole():
    rgb = np.full((7, 9, 3), 50, np.uint8)
    hole, evidence, context = (np.zeros((7, 9), bool) for _ in range(3))
    hole[2:5, 3:6], evidence[:, :3], context[:, 7:] = True, True, True
    rgb[hole], rgb[context] = 255, 200
    small = halved(Patch(rgb, hole, evidence, 5, context, (10, 20)))
    assert small.hole.shape == (4, 5) and small.scale == 2 and small.seed == 5 and small.corner == (10, 20)
    assert small.context is not None
    assert not (small.hole & small.evidence).any() and not (small.context & (small.hole | small.evidence)).any()
    assert (small.rgb[small.evidence] == 50).all() and (small.rgb[small.context] == 200).all()
    covered = (small.hole | small.evidence).repeat(2, 0).repeat(2, 1)[:7, :9]
    assert covered[hole].all()


def test_the_default_painter_keeps_grain_and_colours_of_a_large_hole():
    patch = large()
    painted = painter("textured")(patch)
    assert any("finest detail" in note for note in painted.notes) and any("1/4 of" in note for note in painted.notes)
    assert np.abs(painted.rgb[patch.hole].mean(0) - truth()[patch.hole].mean(0)).max() < 4
    assert 0.6 < grain_of(painted.rgb, patch.hole).std() / grain_of(truth(), patch.hole).std() < 1.1
    assert np.array_equal(painted.rgb, painter("textured")(large()).rgb)
