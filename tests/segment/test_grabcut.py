"""Masks from boxes and scribbles, on a drawn photo whose truth is known and on a real one."""

import numpy as np
import pytest

from deocclude.demo import load_demo
from deocclude.errors import InputError
from deocclude.geometry import Box, Size
from deocclude.images import read_photo
from deocclude.masks import Mask, erode
from deocclude.segment.grabcut import grabcut
from deocclude.segment.prompt import Prompt, stroke_mask

SIZE = Size(120, 160)


def overlap(first, second):
    return first.overlap(second) / (first | second).area


@pytest.fixture(scope="module")
def disc():
    """A red disc on grey noise, and a second one beside it."""
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width]
    one = (rows - 60) ** 2 + (columns - 60) ** 2 < 30**2
    two = (rows - 60) ** 2 + (columns - 130) ** 2 < 12**2
    photo = np.random.default_rng(0).integers(90, 130, (*SIZE, 3)).astype(np.uint8)
    photo[one | two] = (200, 50, 40)
    return photo, Mask.from_array(one), Mask.from_array(two)


def test_a_box_is_enough(disc):
    photo, one, _ = disc
    found = grabcut(photo, Prompt(Box(25, 25, 95, 95)))
    assert overlap(found, one) > 0.97
    assert grabcut(photo, Prompt(Box(25, 25, 95, 95))) == found


def test_a_box_round_the_whole_photo_finds_both(disc):
    photo, one, two = disc
    assert overlap(grabcut(photo, Prompt(Box(0, 0, 160, 120))), one | two) > 0.95


def test_scribbles_alone_find_the_object(disc):
    photo, one, _ = disc
    on = stroke_mask([[(50, 60), (70, 60)]], 4, SIZE)
    beside = stroke_mask([[(5, 5), (5, 110)], [(110, 20), (110, 110)]], 3, SIZE)
    found = grabcut(photo, Prompt(foreground=on, background=beside))
    assert overlap(found, one) > 0.9


def test_scribbles_hold_exactly(disc):
    photo, one, _ = disc
    off = stroke_mask([[(122, 60), (138, 60)]], 2, SIZE)
    found = grabcut(photo, Prompt(Box(25, 25, 150, 95), foreground=erode(one, 4), background=off))
    assert not found.overlap(off) and overlap(found, one) > 0.8
    on = stroke_mask([[(5, 5)]], 2, SIZE)
    assert grabcut(photo, Prompt(Box(25, 25, 95, 95), foreground=on)).overlap(on) == on.area


def test_a_mask_is_improved(disc):
    photo, one, _ = disc
    rough = Mask.from_crop(np.ones((50, 50)), (35, 35), SIZE)
    assert overlap(grabcut(photo, Prompt(start=rough)), one) > max(0.95, overlap(rough, one))


@pytest.mark.parametrize("prompt", [Prompt(), Prompt(Box(500, 500, 600, 600)), Prompt(foreground=Mask.empty(SIZE))])
def test_nothing_pointed_at_is_refused(disc, prompt):
    with pytest.raises(InputError, match="a box, a scribble on the object"):
        grabcut(disc[0], prompt)


def test_a_plain_picture_is_refused_or_gives_something():
    plain = np.full((*SIZE, 3), 128, np.uint8)
    try:
        assert grabcut(plain, Prompt(Box(20, 20, 60, 60)))
    except InputError as error:
        assert "stands out" in str(error)


def test_strokes_have_their_width_and_stay_in_the_photo():
    dot = stroke_mask([[(50, 50)]], 5, SIZE)
    assert 60 <= dot.area <= 130 and abs(dot.centroid[0] - 50) < 1
    assert not stroke_mask([[]], 5, SIZE) and not stroke_mask([], 5, SIZE)
    assert stroke_mask([[(-1e6, 60), (1e6, 60)]], 1, SIZE).box.width == SIZE.width


def test_the_objects_of_the_demo():
    demo = load_demo("coffee")
    photo = read_photo(demo.photo_path).pixels
    cup, spoon = demo.scene[1].modal, demo.scene[2].modal
    assert overlap(grabcut(photo, Prompt(spoon.box.grow(6).clip(spoon.size))), spoon) > 0.9
    box = cup.box.grow(6).clip(cup.size)  # the cup is as white as its saucer
    on = stroke_mask([[(220, 180), (240, 260), (290, 295)], [(340, 200), (345, 120)]], 5, cup.size)
    assert overlap(grabcut(photo, Prompt(box)), cup) < overlap(grabcut(photo, Prompt(box, on)), cup) > 0.8


def test_a_stroke_costs_its_length_and_not_the_photo():
    line = [(3.0, 4.0), (40.0, 30.0), (70.0, 4.0)]
    here = stroke_mask([line, [], [(-9.0, 60.0)]], 3, Size(80, 90))
    corner = 900_000
    far = [[(x + corner, y + corner) for x, y in stroke] for stroke in ([*line], [(-9.0, 60.0)])]
    there = stroke_mask(far, 3, Size(2**20, 2**20))  # a terabyte as an array
    assert np.array_equal(there.crop(Box(corner, corner, corner + 90, corner + 80)), here.to_array())
    assert not stroke_mask([], 3, Size(80, 90)) and not stroke_mask([[(500.0, 4.0)]], 3, Size(80, 90))


def test_what_belongs_to_others_stays_theirs_but_for_scribbles(disc):
    photo, one, two = disc
    whole = Prompt(Box(0, 0, 160, 120))
    found = grabcut(photo, Prompt(whole.box, others=one))
    assert overlap(found, two) > 0.9 and not found.overlap(one)
    on = stroke_mask([[(60, 60), (130, 60)]], 4, SIZE)
    found = grabcut(photo, Prompt(whole.box, foreground=on, others=one))
    assert found.overlap(on) == on.area and found.overlap(one) == on.overlap(one)


def test_an_object_that_another_one_cuts_in_two_is_found_whole(disc):
    photo, one, _ = disc
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width]
    bar = Mask.from_array((columns > 55) & (columns < 65) & (rows < 200))
    on = stroke_mask([[(42, 60), (46, 60)]], 3, SIZE)
    found = grabcut(photo, Prompt(Box(25, 25, 95, 95), foreground=on, others=bar))
    assert overlap(found, one - bar) > 0.95


def test_where_all_belongs_to_others_nothing_is_found(disc):
    photo, _, _ = disc
    with pytest.raises(InputError, match="part of another object"):
        grabcut(photo, Prompt(Box(25, 25, 95, 95), others=Mask.from_array(np.ones(SIZE))))
