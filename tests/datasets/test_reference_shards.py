"""Shards: what is written comes back, and damage of every kind is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.datasets.reference_sample import ReferenceKind
from deocclude.datasets.reference_shards import (
    MASKS,
    PICTURES,
    StoredObject,
    StoredReference,
    encode_shard,
    open_shard,
)
from deocclude.errors import InputError

ABOUT = {"number": 3, "fingerprint": "f00", "side": 20, "failures": {}}


def some(seed: int = 0, side: int = 20) -> StoredObject:
    """An object with a reference that is aligned, one that is not, and none."""
    rng = np.random.default_rng(seed)
    pictures = {name: rng.integers(0, 256, (side, side, 3), np.uint8) for name in PICTURES}
    masks = {name: rng.random((side, side)) < 0.5 for name in MASKS}
    facts = {"key": f"set/photo#{seed}", "scene": "set/photo", "split": "train", "category": "dög", "sha256": "ab"}
    rgb, valid = rng.integers(0, 256, (2, side, side, 3), np.uint8), rng.random((2, side, side)) < 0.5
    view = StoredReference(ReferenceKind.OTHER_VIEW, "set/view", 0.91234, 0.75, "http://here", "CC BY", "cd",
                           rgb[0], valid[0], rgb[1], valid[1])  # fmt: skip
    other = StoredReference(ReferenceKind.UNRELATED, "set/other", reference=rgb[1], reference_valid=valid[1])
    return StoredObject(facts, pictures, masks, (view, other, StoredReference(ReferenceKind.NONE)))


@pytest.fixture
def shard_file(tmp_path):
    path = tmp_path / "shard-00003.refs"
    path.write_bytes(encode_shard([some(0), some(1)], ABOUT))
    return path


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), side=st.integers(1, 40))
def test_what_is_written_comes_back(tmp_path_factory, seed, side):
    path = tmp_path_factory.mktemp("shards") / "one.refs"
    item = some(seed, side)
    path.write_bytes(encode_shard([item], {**ABOUT, "side": side}))
    shard = open_shard(path)
    assert shard.intact()
    for number, reference in enumerate(item.references):
        sample = shard.sample(0, number)
        assert sample.side == side
        assert all(np.array_equal(getattr(sample, name), item.pictures[name]) for name in PICTURES)
        assert all(np.array_equal(getattr(sample, name), item.masks[name]) for name in MASKS)
        assert np.array_equal(sample.visible, sample.modal & ~sample.eraser)
        assert np.array_equal(sample.hole, sample.modal & sample.eraser)
        assert (sample.key, sample.category, sample.split) == (item.facts["key"], "dög", "train")
        assert sample.kind is reference.kind
        assert (sample.source, sample.licence) == (reference.source, reference.licence)
        assert sample.score == pytest.approx(reference.score, abs=1e-4)
        for name in ("reference", "reference_valid", "aligned", "aligned_valid"):
            wanted = getattr(reference, name)
            assert np.array_equal(
                getattr(sample, name), np.zeros_like(getattr(sample, name)) if wanted is None else wanted
            )


def test_equal_contents_give_equal_bytes():
    assert encode_shard([some(4)], ABOUT) == encode_shard([some(4)], ABOUT)
    assert encode_shard([some(4)], ABOUT) != encode_shard([some(5)], ABOUT)


def test_a_shard_without_an_object(tmp_path):
    path = tmp_path / "empty.refs"
    path.write_bytes(encode_shard([], ABOUT))
    shard = open_shard(path)
    assert len(shard.objects) == 0
    assert shard.intact()


def test_cut_off_anywhere(shard_file):
    whole = shard_file.read_bytes()
    for length in (0, 3, 8, 12, 16, 40, len(whole) // 2, len(whole) - 1):
        shard_file.write_bytes(whole[:length])
        with pytest.raises(InputError) as error:
            open_shard(shard_file)
        assert str(error.value).startswith(f"{shard_file}: expected a whole shard of a reference data set, found ")
        assert "\n" not in str(error.value)
    shard_file.write_bytes(whole + b"more")
    with pytest.raises(InputError, match="bytes instead of"):
        open_shard(shard_file)


def test_altered_pictures(shard_file):
    content = bytearray(shard_file.read_bytes())
    content[-400:-300] = bytes(100)
    shard_file.write_bytes(content)
    shard = open_shard(shard_file)
    assert not shard.intact()
    with pytest.raises(InputError, match="a damaged picture in it"):
        [shard.sample(1, number) for number in range(3)]


def test_another_version(shard_file):
    shard_file.write_bytes(shard_file.read_bytes().replace(b'"version":1', b'"version":9', 1))
    with pytest.raises(InputError, match="version: expected version 1, found 9; another release wrote it"):
        open_shard(shard_file)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(64), b"DEOCREF\n" + b"\x05" + bytes(7) + b"[1,2]"])
def test_another_file(tmp_path, content):
    path = tmp_path / "shard.refs"
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected a whole shard"):
        open_shard(path)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="expected a shard of a reference data set, found No such file"):
        open_shard(tmp_path / "shard.refs")
