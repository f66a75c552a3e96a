from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from deocclude.datasets.stereo import UNIT, behind, is_stereo, read_pairs, stereo_queries
from deocclude.errors import InputError
from deocclude.images import write_picture

HEIGHT, WIDTH = 60, 120
FAR, NEAR = 4, 24
"""Disparities of a wall and of a box in front of it, pixels."""


@pytest.fixture
def folder(tmp_path):
    """A wall with noise and a red box in front of it, seen from two places."""
    wall = np.random.default_rng(0).integers(0, 200, (HEIGHT, WIDTH + 40, 3), dtype=np.uint8)
    for name, shift, left in (("2", 0, 60), ("6", FAR, 60 - NEAR)):
        view = wall[:, shift : shift + WIDTH].copy()
        disparity = np.full((HEIGHT, WIDTH), FAR, np.uint8)
        view[10:50, left : left + 30] = (255, 0, 0)
        disparity[10:50, left : left + 30] = NEAR
        write_picture(tmp_path / f"im{name}.png", view)
        Image.fromarray((disparity * UNIT).astype(np.uint8)).save(tmp_path / f"disp{name}.pgm")
    return tmp_path


def test_what_the_box_hides_is_the_wall(folder):
    left, right = read_pairs(folder)
    for pair, columns in ((left, range(70, 90)), (right, range(36, 56))):
        colours, depth = behind(pair)
        assert np.unique(depth).tolist() == [0, FAR]
        hidden = np.zeros((HEIGHT, WIDTH), bool)
        hidden[10:50, columns.start : columns.stop] = True
        assert ((depth > 0) == hidden).all()
        assert (colours[hidden] != (255, 0, 0)).any(1).all()


def test_queries_may_not_look_at_the_box(folder):
    assert is_stereo(folder)
    queries = stereo_queries(folder)
    assert [query.key.rsplit("-", 2)[1] for query in queries] == ["left", "right"]
    for query in queries:
        red = (query.truth == (255, 0, 0)).all(2)
        assert red.any()
        assert not (red & query.usable).any()
        assert not (query.hole & query.usable).any()
        assert not (red & query.hole).any()


def test_bad_folders(folder):
    write_picture(folder / "im6.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(InputError, match=r"im6\.png"):
        stereo_queries(folder)
    (folder / "im6.png").unlink()
    assert not is_stereo(folder)
    with pytest.raises(InputError, match=r"im6\.png"):
        stereo_queries(folder)


def test_a_flat_scene_hides_nothing(folder):
    for name in ("disp2.pgm", "disp6.pgm"):
        Image.fromarray(np.full((HEIGHT, WIDTH), 40, np.uint8)).save(folder / name)
    with pytest.raises(InputError, match="hides"):
        stereo_queries(folder)
