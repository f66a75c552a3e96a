"""Cut-outs that stand on the ground, and made-up scenes as methods get to see them."""

from __future__ import annotations

import numpy as np
import pytest

from deocclude.datasets import known_scenes, standing
from deocclude.geometry import Size
from deocclude.masks import Mask


def donor(width: int, height: int) -> Mask:
    rows, columns = np.mgrid[:200, :200]
    return Mask.from_array(((rows - 100) / height) ** 2 + ((columns - 100) / width) ** 2 <= 0.25)


DONORS = [donor(60, 90), donor(120, 40), donor(50, 50)]


def test_masks_and_order_agree():
    hidden = 0
    for scene in standing.scenes(DONORS, 25, 3):
        assert scene.size == standing.SIZE
        assert scene.order_truth is not None
        for a in scene.instances:
            assert not a.modal - a.amodal
            for b in scene.instances:
                if a.id != b.id:
                    assert not a.modal.overlap(b.modal)
                    covers = a.modal.overlap(b.amodal) > 0
                    assert covers == ((a.id, b.id) in scene.order_truth)
                    hidden += covers
    assert hidden > 25


def test_what_is_nearer_mostly_stands_lower_and_larger():
    lower = []
    for scene in standing.scenes([donor(60, 60)], 40, 1):
        whole = {item.id: item.amodal for item in scene.instances}
        lower += [whole[a].box.y1 >= whole[b].box.y1 for a, b in scene.order_truth or ()]
    assert np.mean(lower) > 0.7


def test_equal_seeds_give_equal_scenes():
    first, again, other = (list(standing.scenes(DONORS, 3, seed)) for seed in (5, 5, 6))
    assert first == again and first != other


def test_nothing_to_stand_there():
    with pytest.raises(ValueError, match="at least one whole object"):
        list(standing.scenes([], 1, 0))


@pytest.mark.parametrize("gap", [0, 4])
def test_methods_see_parted_masks_and_no_truth(gap: int):
    for known in known_scenes.boards(DONORS, 6, 2, (gap,)):
        assert known.kind == known_scenes.STANDING and known.laid == frozenset(known.truth.ids)
        assert known.scene.order_truth is None or known.scene.order_truth == known.truth.order_truth
        pairs = [(a, b) for a in known.truth.ids for b in known.truth.ids if a != b]
        assert {pair for pair in pairs if known.relation(*pair)[0]} == known.truth.order_truth


def test_some_masks_are_drawn_as_polygons():
    scene = next(standing.scenes([Mask.from_crop(donor(150, 150).pixels, (40, 40), Size(300, 400))], 1, 4))
    drawn = [known_scenes.redrawn(scene, np.random.default_rng(seed)) for seed in range(40)]
    changed = [one.modal != scene.modal for one in drawn]
    assert 8 < sum(changed) < 24
    coarse = drawn[changed.index(True)]
    assert all(abs(a.area / b.area - 1) < 0.2 for a, b in zip(coarse.modal, scene.modal, strict=True))
