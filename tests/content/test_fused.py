"""The mean of what was stitched and of what the network makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from two_views import hole, photo, psnr, unrelated, view

from deocclude.content.diffusion import MarchingSettings, telea
from deocclude.content.fused import SHARE, fuse
from deocclude.content.fusion import FusionPainter, laid_reference
from deocclude.content.patch import Patch
from deocclude.content.stitch import stitch

BASE = telea(MarchingSettings())


def patch() -> Patch:
    """The lower right part of the photo."""
    return Patch(photo()[20:, 30:], hole()[20:, 30:], ~hole()[20:, 30:], corner=(30, 20))


def test_only_what_references_fill_changes_and_it_becomes_the_mean():
    stitched = stitch(photo(), hole(), ~hole(), [(view(), None)])
    fused = fuse(stitched, hole(), patch, BASE)
    assert stitched.filled[20:, 30:].sum() == stitched.filled.sum() > 0
    assert np.array_equal(fused.filled, stitched.filled) and np.array_equal(fused.source, stitched.source)
    assert np.array_equal(fused.rgb[~stitched.filled], stitched.rgb[~stitched.filled])
    alone = FusionPainter(laid_reference(stitched.overlay, hole()), base=BASE)(patch()).rgb
    part = stitched.filled[20:, 30:]
    copied = stitched.rgb[20:, 30:][part].astype(float)
    between = (1 - SHARE) * copied + SHARE * alone[part]
    assert np.abs(fused.rgb[20:, 30:][part] - between).max() <= 0.5
    assert psnr(fused.rgb, photo(), stitched.filled) > 20


def test_nothing_is_asked_where_references_fill_nothing():
    stitched = stitch(photo(), hole(), ~hole(), [(unrelated(), None)])
    assert fuse(stitched, hole(), lambda: pytest.fail("asked")) is stitched
