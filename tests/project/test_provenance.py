from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from deocclude.content.patch import BACKGROUND, Fill, Provenance
from deocclude.geometry import Box, Size
from deocclude.images import Photo
from deocclude.layers.stack import Layer, LayerStack
from deocclude.project.provenance import (
    PROVENANCE_COLOURS,
    palette,
    provenance_image,
    provenance_name,
    provenance_picture,
)
from deocclude.project.state import Project
from deocclude.scene import scene_from_arrays

V, D, T, N, M = (int(code) for code in list(Provenance)[1:6])


def layer(identity: int, z: int, box: Box, codes: list[list[int]]) -> Layer:
    shape = box.height, box.width
    code = np.array(codes, np.uint8)
    return Layer(identity, "", z, box, np.zeros((*shape, 4), np.uint8), code, np.full(shape, 100, np.uint8))


def make_project() -> Project:
    """A row of 6: object 1 visible in 0..1, object 2 in 2..4, background in 5."""
    masks = np.zeros((2, 1, 6), bool)
    masks[0, 0, :2] = masks[1, 0, 2:5] = True
    box = Box(0, 0, 4, 1)
    hole = np.array([[True, True, True, False]])
    ground = Fill(BACKGROUND, box, hole, np.zeros((1, 4, 3), np.uint8), np.array([[T, T, T, T]], np.uint8),
                  np.zeros((1, 4), np.uint8), "exemplar")  # fmt: skip
    layers = (
        layer(1, 0, Box(0, 0, 4, 1), [[V, V, D, 0]]),
        layer(2, 1, Box(1, 0, 5, 1), [[N, V, V, V]]),
    )
    stack = LayerStack(Size(1, 6), np.zeros((1, 6, 3), np.uint8), layers, "hard", {})
    scene = scene_from_arrays(masks)
    return Project(Photo(np.zeros((1, 6, 3), np.uint8)), scene, scene=scene, fills={BACKGROUND: ground}, stack=stack)


def test_front_most_hidden_content_wins_and_unpainted_pixels_are_named():
    picture = provenance_picture(make_project())
    assert picture.dtype == np.uint8
    assert picture.tolist() == [[T, N, D, M, M, V]]


def test_without_layers_the_painted_parts_are_taken():
    project = make_project()
    own = Fill(1, Box(2, 0, 4, 1), np.array([[False, True]]), np.zeros((1, 2, 3), np.uint8),
               np.full((1, 2), Provenance.REFERENCE, np.uint8), np.zeros((1, 2), np.uint8), "stitch")  # fmt: skip
    project = replace(project, stack=None, fills={**project.fills, 1: own})
    assert provenance_picture(project).tolist() == [[T, T, T, Provenance.REFERENCE, V, V]]


def test_nothing_computed_is_all_visible():
    project = replace(make_project(), stack=None, fills=None)
    assert (provenance_picture(project) == V).all()


def test_png_keeps_codes_and_colours():
    stream = io.BytesIO()
    provenance_image(make_project()).save(stream, "PNG")
    back = Image.open(stream)
    assert back.mode == "P"
    assert np.asarray(back).tolist() == [[T, N, D, M, M, V]]
    assert np.asarray(back.convert("RGB"))[0, 2].tolist() == list(PROVENANCE_COLOURS[D])


def test_every_code_has_a_colour_and_a_name():
    assert len(PROVENANCE_COLOURS) == 256
    assert len(palette()) == 768
    named = [PROVENANCE_COLOURS[code] for code in (*Provenance, 17, 18, 19, 20)]
    assert len(set(named)) == len(named)
    assert [provenance_name(code) for code in (2, 3, 16, 18, 9)] == [
        "diffusion", "own texture", "reference 0", "reference 2", "code 9",
    ]  # fmt: skip
