"""Coarse colours by PCNet-C with copied fine texture."""

from __future__ import annotations

import numpy as np

from deocclude.content import painter
from deocclude.content.mixing import fine
from deocclude.content.patch import Patch, Provenance


def stripes(seed: int = 0) -> Patch:
    """Fine stripes on a slow gradient, with a hole of 24 pixels."""
    y, x = np.mgrid[:96, :96]
    grey = 110 + 0.4 * x + 20 * np.sign(np.sin(1.5 * y))
    hole = np.zeros((96, 96), bool)
    hole[36:60, 36:60] = True
    rgb = np.repeat(grey[..., None], 3, 2).astype(np.uint8)
    rgb[hole] = [255, 0, 0]
    return Patch(rgb, hole, ~hole, seed)


def detail(rgb: np.ndarray, where: np.ndarray) -> float:
    return float(np.square(fine(rgb.astype(np.float32), np.ones(where.shape, bool))[where]).mean())


def test_has_the_detail_of_the_texture_on_the_colours_of_the_network():
    patch = stripes()
    network, sharp, both = (painter(name)(patch) for name in ("pcnet-c", "exemplar", "textured"))
    assert detail(both.rgb, patch.hole) > 0.5 * detail(sharp.rgb, patch.hole) > 2 * detail(network.rgb, patch.hole)
    coarse = np.abs(both.rgb[patch.hole].mean(0) - network.rgb[patch.hole].mean(0))
    assert coarse.max() < 3


def test_says_that_a_network_took_part_and_changes_nothing_else():
    patch = stripes()
    painted = painter("textured")(patch)
    assert np.array_equal(painted.rgb[~patch.hole], patch.rgb[~patch.hole])
    assert (painted.provenance[patch.hole] == Provenance.NETWORK).all()
    assert painted.method == "textured" and painted.fallback_reason is None
    assert np.array_equal(painted.rgb, painter("textured")(stripes()).rgb)


def test_with_nothing_to_look_at_it_paints_what_the_network_does():
    patch = Patch(stripes().rgb, stripes().hole, np.zeros((96, 96), bool), 0)
    painted = painter("textured")(patch)
    assert painted.fallback_reason and (painted.confidence == 0).all()
