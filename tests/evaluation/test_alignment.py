from __future__ import annotations

import math

import numpy as np
import pytest

from deocclude.errors import InputError
from deocclude.evaluation.alignment import (
    corner_error,
    corner_errors,
    evd_pairs,
    find_homography,
    hpatches_pairs,
    share_close,
)
from deocclude.geometry import Size


def test_corner_error_of_a_shift():
    shift = np.array([[1.0, 0, 3], [0, 1, 4], [0, 0, 1]])
    assert corner_error(shift, np.eye(3), Size(10, 20)) == pytest.approx(5)
    to_infinity = np.array([[1.0, 0, 0], [0, 1, 0], [-1 / 19, 0, 1]])
    assert corner_error(to_infinity, np.eye(3), Size(10, 20)) == math.inf


def test_share():
    assert share_close({"a": 1.0, "b": 3.0, "c": 3.1, "d": math.inf}) == 0.5


def test_folders_that_hold_something_else(tmp_path):
    with pytest.raises(InputError, match="H_1_k"):
        list(hpatches_pairs(tmp_path))
    with pytest.raises(InputError, match="h/"):
        list(evd_pairs(tmp_path))
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "x.txt").write_text("1 2 3")
    with pytest.raises(InputError, match="a picture x"):
        list(evd_pairs(tmp_path))
    for side in "12":
        (tmp_path / side).mkdir()
        (tmp_path / side / "x.jpg").touch()
    with pytest.raises(InputError, match="3x3"):
        list(evd_pairs(tmp_path))


def test_hpatches(data_folder):
    folder = data_folder / "hpatches"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    # The other two sequences need slanted views, which take minutes.
    pairs = [pair for pair in hpatches_pairs(folder) if pair.name.startswith(("v_boat", "v_soldiers"))]
    assert len(pairs) == 10
    errors = corner_errors(pairs, find_homography)
    assert share_close(errors) >= 0.9, errors


def test_evd(data_folder):
    folder = data_folder / "evd"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    pairs = [pair for pair in evd_pairs(folder) if pair.name == "adam"]
    assert share_close(corner_errors(pairs, find_homography), 10) == 1
