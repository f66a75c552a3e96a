"""Soft layers: one grey level from the photo, and clean when moved."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from layer_scenes import parts

from deocclude.layers.build import build_layers
from deocclude.layers.compose import compose


@settings(deadline=None, max_examples=400)
@given(parts)
def test_unmoved_soft_stack_is_within_one_grey_level(case):
    stack = build_layers(*case.arguments(), edges="soft")
    difference = np.abs(compose(stack).astype(int) - case.photo)
    assert difference.max(initial=0) <= 1
