"""The mean of what was stitched and of what the network makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from two_views import hole, photo, psnr, stitch_whole, unrelated, view

from deocclude.content.diffusion import MarchingSettings, telea
from deocclude.content.fused import SHARE, blended, fuse
from deocclude.content.fusion import FusionPainter, laid_reference
from deocclude.content.patch import Patch
from deocclude.masks import Mask

BASE = telea(MarchingSettings())


def patch() -> Patch:
    """The lower right part of the photo."""
    return Patch(photo()[20:, 30:], hole()[20:, 30:], ~hole()[20:, 30:], corner=(30, 20))


def test_only_what_references_fill_changes():
    stitched = stitch_whole(photo(), hole(), ~hole(), [(view(), None)])
    mask = Mask.from_array(hole())
    fused = fuse(stitched, mask, patch, BASE)
    assert stitched.filled[20:, 30:].sum() == stitched.filled.sum() > 0
    assert np.array_equal(fused.filled, stitched.filled) and np.array_equal(fused.source, stitched.source)
    assert np.array_equal(fused.rgb[~stitched.filled], stitched.rgb[~stitched.filled])
    alone = FusionPainter(laid_reference(stitched.overlay, mask), base=BASE)(patch()).rgb
    part = stitched.filled[20:, 30:]
    both = blended(stitched.rgb[20:, 30:], alone, part, ~hole()[20:, 30:])
    assert np.array_equal(fused.rgb[20:, 30:][part], both[part])
    assert psnr(fused.rgb, photo(), stitched.filled) > 20


def test_nothing_is_asked_where_references_fill_nothing():
    stitched = stitch_whole(photo(), hole(), ~hole(), [(unrelated(), None)])
    assert fuse(stitched, Mask.from_array(hole()), lambda: pytest.fail("asked")) is stitched


def test_mean_colours_with_the_detail_of_the_copy():
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 12, (60, 60, 1))
    copied = np.clip(140 + grain, 0, 255).repeat(3, 2).round().astype(np.uint8)
    corrected = np.full_like(copied, 90)
    filled = np.zeros((60, 60), bool)
    filled[10:50, 10:50] = True
    found = blended(copied, corrected, filled, ~filled)
    assert np.array_equal(found[~filled], corrected[~filled])
    inner = found[20:40, 20:40, 0].astype(float)
    assert inner.mean() == pytest.approx(140 - 50 * SHARE, abs=1.5)
    assert inner.std() > 0.7 * copied[20:40, 20:40, 0].std()
