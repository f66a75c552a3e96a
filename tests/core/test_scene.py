"""Scenes: look-up, subsets, validation, annotated order."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene, scene_from_arrays, validate
from deocclude.stages import StageRecord, Stopwatch

SIZE = Size(4, 6)
FULL = Mask.from_array(np.ones(SIZE))


def scene(**more) -> Scene:
    instances = Instance(3, FULL, name="cup"), Instance(5, FULL, category="bird"), Instance(8, FULL)
    return Scene(SIZE, instances, source=Path("masks.json"), **more)


def test_look_up():
    assert scene().ids == (3, 5, 8)
    assert len(scene()) == 3
    assert scene()[5].category == "bird"
    assert [item.label for item in scene().instances] == ["cup", "bird", "object 8"]
    with pytest.raises(InputError, match=r"masks\.json: object: expected an object id among 3, 5, 8, found 4"):
        scene()[4]


def test_source_does_not_count_in_equality():
    assert scene() == replace(scene(), source=None)


def test_other_masks_and_subsets():
    dot = Mask.from_crop(np.ones((1, 1)), (1, 1), SIZE)
    assert scene().with_modal([dot, FULL, dot]).modal == (dot, FULL, dot)
    with pytest.raises(ValueError, match="shorter"):
        scene().with_modal([dot])
    part = scene(order_truth=frozenset({(3, 5), (5, 8)})).subset([8, 5])
    assert part.ids == (5, 8)
    assert part.order_truth == {(5, 8)}
    assert scene().subset([3]).order_truth is None


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        ((), "expected at least one object, found none"),
        ((Instance(0, FULL),), "object 0: expected an id of 1 or more, found 0"),
        ((Instance(2, FULL), Instance(2, FULL)), "id: expected ids that occur once, found 2 twice"),
        ((Instance(2, Mask.empty(Size(6, 4))),), "object 2: expected a mask of 6x4, found 4x6"),
        ((Instance(2, FULL, amodal=Mask.empty(Size(6, 4))),), "object 2: expected a mask of 6x4, found 4x6"),
        ((Instance(2, Mask.empty(SIZE), "cup"),), r"object 2 \(cup\): expected a visible mask .*--skip-empty"),
    ],
)
def test_scenes_that_do_not_do(instances, message):
    with pytest.raises(InputError, match=message):
        validate(Scene(SIZE, instances))


def test_scenes_that_do():
    assert validate(scene()) == scene()
    hidden = Scene(SIZE, (Instance(1, Mask.empty(SIZE), amodal=FULL),))
    assert validate(hidden, allow_empty=True) is hidden


def test_scene_from_arrays():
    masks = np.zeros((2, *SIZE), bool)
    masks[0, 1, 2] = masks[1, 3, 4] = True
    made = scene_from_arrays(masks, ["cup"])
    assert made.ids == (1, 2)
    assert made.size == SIZE
    assert np.array_equal([mask.to_array() for mask in made.modal], masks)
    assert [item.label for item in made.instances] == ["cup", "object 2"]
    with pytest.raises(InputError, match=r"masks: expected .* an array \[n, H, W\], found shape \(4, 6\)"):
        scene_from_arrays(masks[0])


def test_scene_from_a_list_of_arrays():
    masks = np.zeros((2, *SIZE), bool)
    masks[0, 1, 2] = masks[1, 3, 4] = True
    assert scene_from_arrays(list(masks)) == scene_from_arrays(masks)
    with pytest.raises(InputError, match="masks: expected visible masks of one size, found several sizes"):
        scene_from_arrays([masks[0], masks[1, 1:]])
    with pytest.raises(InputError, match=r"found shape \(2,\); .* hand in the arrays under 'segmentation'"):
        scene_from_arrays([{"segmentation": mask} for mask in masks])


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_arrays_of_two_values_are_masks_and_what_a_network_answers_is_not(dtype):
    masks = np.zeros((1, *SIZE), dtype)
    masks[0, 1, 2] = 255
    assert scene_from_arrays(masks).modal[0].area == 1
    answers = np.linspace(-3, 2, 24, dtype=np.float32).reshape(1, *SIZE)
    with pytest.raises(InputError, match="masks: expected .* true and false, found float32 .*; .* such as masks > 0"):
        scene_from_arrays(answers)


def test_stage_record_and_stopwatch():
    watch = Stopwatch()
    time.sleep(0.01)
    assert 0.01 <= watch.seconds < 5
    assert StageRecord("raw") == StageRecord("raw", {}, 0.0, None, ())
