"""Pairs of pictures with true homographies: what is read and what is refused."""

import pytest

from deocclude.datasets.homographies import evd_pairs, hpatches_pairs
from deocclude.errors import InputError


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
