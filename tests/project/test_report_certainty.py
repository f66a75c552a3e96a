"""How sure a shape is: the number, the colours, and where the report shows them."""

from dataclasses import replace

import numpy as np
import pytest

from deocclude.amodal.result import AmodalMasks, ShapeProbability
from deocclude.crops import Square
from deocclude.images import Photo
from deocclude.masks import Mask
from deocclude.ordering.graph import OrderGraph
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.project.report import render_report
from deocclude.project.report_certainty import RAMP, certainty, certainty_pixels
from deocclude.project.state import Project
from deocclude.scene import scene_from_arrays
from deocclude.stages import StageRecord


@pytest.fixture
def project():
    """Object 1 hides the right half of object 2; the network is 0.75 sure of it."""
    masks = np.zeros((2, 40, 60), bool)
    masks[0, 10:30, 30:50] = True
    masks[1, 10:30, 10:30] = True
    scene = scene_from_arrays(masks)
    front = np.array([[0, 0.9], [0.1, 0]])
    pairs = PairwiseOrder(scene.ids, front, StageRecord("convex"))
    hidden = Mask.from_crop(np.ones((20, 10)), (30, 10), scene.size)
    whole = {1: scene[1].modal, 2: scene[2].modal | hidden}
    patch = np.full((32, 32), 0.75, np.float16)
    found = AmodalMasks(whole, StageRecord("pcnet-m"), {2: ShapeProbability(Square(4, 0, 40), patch)})
    photo = Photo(np.full((40, 60, 3), 100, np.uint8))
    return Project(photo, scene, scene=scene, pairs=pairs, graph=OrderGraph.build(pairs), amodal=found)


def test_the_mean_over_the_hidden_part(project):
    assert certainty(project, 2) == pytest.approx(0.75)
    assert certainty(project, 1) is None
    nothing_hidden = replace(project.amodal, masks={1: project.amodal.masks[1], 2: project.scene[2].modal})
    assert certainty(replace(project, amodal=nothing_hidden), 2) is None
    assert certainty(replace(project, amodal=None), 2) is None


def test_colours_lie_where_something_in_front_can_hide_it(project):
    pixels = certainty_pixels(project, 2)
    x0, y0 = project.amodal.probability[2].square.box[:2]
    inside, own, beside = pixels[20 - y0, 35 - x0], pixels[20 - y0, 20 - x0], pixels[5 - y0, 35 - x0]
    assert np.abs(inside - (0.15 * 165 + 0.85 * RAMP[3])).max() <= 1
    assert tuple(own) == tuple(beside) == (165, 165, 165)
    assert (pixels == 255).all(2).any()
    assert certainty_pixels(project, 1) is None


def test_the_report_shows_it_once(project):
    page = render_report(project)
    assert page.count("How sure the shape is: 75% in the hidden part") == 1
    bare = replace(project, amodal=replace(project.amodal, probability={}))
    assert "How sure" not in render_report(bare)
