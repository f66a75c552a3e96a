"""The picture that is sent: the object, what hides it painted over, no more of the photo than asked for."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from deocclude.errors import InputError
from deocclude.masks import Mask
from deocclude.references.sources.object_picture import LARGEST, NEUTRAL, encoded, object_pixels
from deocclude.references.sources.scene_queries import Cut, digest, object_query, scene_queries
from deocclude.scene import scene_from_arrays

RED, GREEN, BLUE = (200, 10, 10), (10, 200, 10), (10, 10, 200)


@pytest.fixture
def scene():
    """A red object, half behind a green one, on blue."""
    masks = np.zeros((2, 100, 120), bool)
    masks[0, 30:70, 20:60] = True
    masks[1, 20:80, 60:90] = True
    pixels = np.full((100, 120, 3), BLUE, np.uint8)
    pixels[masks[0]], pixels[masks[1]] = RED, GREEN
    return pixels, scene_from_arrays(masks, ["cup", "spoon"])


def colours(pixels) -> set[tuple[int, ...]]:
    return {tuple(int(value) for value in colour) for colour in np.unique(pixels.reshape(-1, 3), axis=0)}


def test_what_hides_it_is_painted_over(scene):
    pixels, objects = scene
    crop = object_pixels(pixels, objects, 1)
    assert crop.shape == (48, 48, 3)  # the box and a tenth on each side
    assert colours(crop) == {RED, BLUE}


def test_the_known_hidden_part_is_painted_over_and_seen_whole(scene):
    pixels, objects = scene
    hidden = np.zeros((100, 120), bool)
    hidden[30:70, 60:80] = True
    crop = object_pixels(pixels, objects, 1, hidden=Mask.from_array(hidden))
    assert crop.shape == (52, 72, 3)
    assert (crop[6:46, 6:66] == RED).all()
    assert GREEN in colours(crop)  # what hides nothing of it stays


def test_everything_else_is_left_out_on_request(scene):
    pixels, objects = scene
    crop = object_pixels(pixels, objects, 1, alone=True)
    assert colours(crop) == {RED, (NEUTRAL,) * 3}
    assert colours(object_pixels(pixels, objects, 2, alone=True)) == {GREEN, (NEUTRAL,) * 3}


def test_the_photo_itself_is_not_touched(scene):
    pixels, objects = scene
    before = pixels.copy()
    object_pixels(pixels, objects, 1, alone=True)
    assert (pixels == before).all()


def test_an_unknown_object(scene):
    with pytest.raises(InputError, match="7"):
        object_pixels(*scene, 7)


def test_files_are_small_enough_for_every_service():
    noise = np.random.default_rng(0).integers(0, 255, (1500, 2000, 3), np.uint8)
    picture = encoded(noise, 1024)
    assert len(picture.data) <= LARGEST
    with Image.open(io.BytesIO(picture.data)) as image:
        assert (image.format, image.size) == ("JPEG", (picture.width, picture.height))
        assert max(image.size) <= 1024
        assert not image.getexif()


def test_queries_for_what_is_hidden(scene):
    pixels, objects = scene
    hidden = {1: Mask.from_array(np.eye(100, 120, 61, dtype=bool)), 2: Mask.empty(objects.size)}
    (by_words,) = scene_queries(pixels, objects, ["openverse", "commons"], hidden=hidden)
    assert (by_words.label, by_words.words, by_words.picture) == ("cup (1)", "cup", None)
    (by_picture,) = scene_queries(pixels, objects, ["google-vision"], hidden=hidden)
    assert by_picture.picture is not None
    assert digest([by_words], ["a", "b"]) == digest([by_words], ["b", "a"])
    assert digest([by_words], ["a"]) != digest([by_picture], ["a"])
    assert object_query(pixels, objects, 2, words="tea spoon", cut=Cut()).words == "tea spoon"
