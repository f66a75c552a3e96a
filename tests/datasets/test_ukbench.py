from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.datasets.ukbench import HIDDEN, PROTOCOLS, make_query, read_groups, split, write_modified
from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.images import read_photo, write_picture


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for number in (0, 1, 2, 3, 8, 9, 10, 11):
        write_picture(tmp_path / f"ukbench{number:05}.jpg", rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    return tmp_path


def test_groups_follow_the_numbers(folder):
    groups = read_groups(folder)
    assert [group.key for group in groups] == ["ukbench00000", "ukbench00008"]
    assert [path.name for path in groups[1].paths] == [f"ukbench{k:05}.jpg" for k in (8, 9, 10, 11)]
    assert split(groups, 1) == (groups[:1], groups[1:])


def test_groups_without_numbers_follow_the_names(folder):
    for path, name in zip(sorted(folder.iterdir()), "abcdefgh", strict=True):
        path.rename(folder / f"{name}.jpg")
    assert [group.key for group in read_groups(folder)] == ["a", "e"]


def test_bad_folders(folder, tmp_path):
    (folder / "ukbench00009.jpg").unlink()
    with pytest.raises(InputError, match="expected 4 views of each object, found 3"):
        read_groups(folder)
    with pytest.raises(InputError, match="no such folder"):
        read_groups(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no picture"):
        read_groups(tmp_path / "empty")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_queries_are_repeatable(folder, protocol):
    group = read_groups(folder)[0]
    one, again, other = (make_query(group, protocol, seed) for seed in (0, 0, 1))
    assert (one.hole == again.hole).all()
    assert (one.hole != other.hole).any()
    assert len(one.references) == 3
    cropped = protocol == "crop"
    assert all((reference.shape != one.truth.shape) == cropped for reference in one.references)


def test_modified_collection(folder, tmp_path):
    groups = read_groups(folder)
    write_modified(groups, tmp_path / "made", seed=5)
    query = make_query(groups[0], "crop", 5)
    train = sorted(path.stem for path in (tmp_path / "made" / "train").iterdir())
    assert train == [path.stem for group in groups for path in group.paths[1:]]
    assert (read_photo(tmp_path / "made" / "train" / f"{query.sources[0]}.png").pixels == query.references[0]).all()
    hole = read_photo(tmp_path / "made" / "test" / f"{query.key}_hole.png", convert=True).pixels[..., 0] > 0
    assert (hole == query.hole).all()


def test_unknown_protocol(folder):
    with pytest.raises(InputError, match="rectangle"):
        make_query(read_groups(folder)[0], "rectangel", 0)


@given(st.sampled_from(sorted(PROTOCOLS)), st.integers(0, 200))
@settings(deadline=None, max_examples=60)
def test_holes_take_the_share_they_should(protocol, seed):
    hole = PROTOCOLS[protocol](Size(120, 160), np.random.default_rng(seed))
    assert hole.shape == (120, 160)
    assert hole.any()
    assert not hole.all()
    low, high = {"crop": (0.2, 0.55), "mask": (0.05, 0.37), "irregular": (0.11, 0.6)}.get(protocol, HIDDEN)
    assert low - 0.02 <= hole.mean() <= high + 0.02
