import numpy as np
import pytest
import torch
from mask_nets import ClosesNotches, Nothing
from torch import nn

from deocclude import amodal
from deocclude.amodal.pcnet_m import (
    LOOKING,
    CompletionSettings,
    PublishedSettings,
    complete_as_published,
    complete_by_network,
    grow,
    neighbours,
)
from deocclude.amodal.result import ShapeProbability
from deocclude.crops import Square
from deocclude.errors import InputError
from deocclude.geometry import Box, Size
from deocclude.images import Photo
from deocclude.masks import Mask, dilate
from deocclude.nets.completer import MaskCompleter, Question
from deocclude.ordering.graph import OrderGraph
from deocclude.scene import Instance, Scene
from deocclude.weights import bundled_path

SIZE = Size(120, 160)


class Everything(nn.Module):
    """Says that every pixel belongs to the object."""

    in_channels = 3

    def __init__(self):
        super().__init__()
        self.batches = []

    def forward(self, x):
        self.batches.append(len(x))
        return torch.stack([torch.zeros_like(x[:, 0]), torch.zeros_like(x[:, 0]) + 20], 1)


def rectangle(x0, y0, x1, y1):
    return Mask.from_crop(np.ones((y1 - y0, x1 - x0), bool), (x0, y0), SIZE)


BAR = rectangle(70, 20, 90, 100)
UNDER = rectangle(30, 50, 130, 70) - BAR


def scene(*masks):
    return Scene(SIZE, tuple(Instance(k + 1, mask) for k, mask in enumerate(masks)))


def graph(count, *arrows):
    matrix = np.zeros((count, count), np.int8)
    for front, behind in arrows:
        matrix[front - 1, behind - 1], matrix[behind - 1, front - 1] = 1, -1
    return OrderGraph.from_matrix(tuple(range(1, count + 1)), matrix)


def completer(net, size=64):
    return MaskCompleter(net=net, size=size)


def test_hidden_part_comes_back():
    found = complete_by_network(scene(BAR, UNDER), graph(2, (1, 2)), completer=completer(ClosesNotches()))
    truth = rectangle(30, 50, 130, 70)
    assert found.masks[1] == BAR
    wrong = (found.masks[2] - truth).area + (truth - found.masks[2]).area
    assert wrong <= 2 * 20 * 2  # a patch pixel is 1.7 photo pixels wide
    assert found.record.method == "pcnet-m"


def test_what_is_seen_stays_to_the_pixel():
    noise = np.random.default_rng(0).random(SIZE) < 0.2
    ragged = UNDER - (Mask.from_array(noise) - rectangle(60, 0, 100, 120))
    found = complete_by_network(scene(BAR, ragged), graph(2, (1, 2)), completer=completer(Everything()))
    far = rectangle(0, 0, 60, 120) | rectangle(100, 0, 160, 120)
    assert found.masks[2] & far == ragged & far
    assert not ragged - found.masks[2]


def test_growth_stays_near_what_is_in_front():
    whole = complete_by_network(scene(BAR, UNDER), graph(2, (1, 2)), completer=completer(Everything())).masks[2]
    assert not whole - dilate(BAR, 10) - UNDER
    assert (whole & BAR).area > 0.9 * BAR.area


def test_other_objects_in_view_are_not_covered():
    """Object 3 touches the bar but is not in front, so nothing can be hidden by it."""
    third = rectangle(90, 70, 110, 100)
    found = complete_by_network(scene(BAR, UNDER, third), graph(3, (1, 2)), completer=completer(Everything()))
    assert not found.masks[2] & third


def test_nothing_in_front_asks_nothing():
    net = Everything()
    found = complete_by_network(scene(BAR, UNDER), graph(2), completer=completer(net))
    assert net.batches == []
    assert dict(found.masks) == {1: BAR, 2: UNDER}
    assert found.probability == {}


def test_indirect_occluders_count_and_neighbours_do_not_need_a_direction():
    chain = graph(3, (1, 2), (2, 3))
    assert amodal.METHODS["pcnet-m"](False, "pcnet-m").keywords["hiders"](chain, 3) == (1, 2)
    assert list(neighbours(chain, 2)) == [1, 3]
    assert list(neighbours(chain, 3)) == [2]


def test_square_grows_where_the_answer_reaches_its_border():
    """A post of 20 px on which a sheet lies that hides 100 px of it: the first square ends too early."""
    sheet, post = rectangle(40, 0, 120, 100), rectangle(70, 100, 90, 120)
    net = Everything()
    settings = CompletionSettings(enlargements=2)
    grown = complete_by_network(scene(sheet, post), graph(2, (1, 2)), completer=completer(net), settings=settings)
    assert net.batches == [1, 1, 1]
    assert grown.probability[2].square.side == pytest.approx(2.25 * 20 * 3**0.5)
    once = complete_by_network(
        scene(sheet, post), graph(2, (1, 2)), completer=completer(net), settings=CompletionSettings(enlargements=0)
    )
    assert grown.masks[2].box.height > once.masks[2].box.height + 10


def test_probability_is_kept():
    found = complete_by_network(scene(BAR, UNDER), graph(2, (1, 2)), completer=completer(ClosesNotches()))
    values = found.probability[2].crop(Box(0, 0, 160, 120))
    assert values.shape == (120, 160)
    assert values[60, 80] > 0.9
    assert values[30, 80] < 0.1
    assert values[0, 0] == 0


def question(seen, eraser):
    square = Square(0, 0, 64)
    return Question(Mask.from_array(seen), Mask.from_array(eraser), square), square


def test_loose_parts_go_and_small_holes_close():
    seen, eraser = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    seen[10:50, 5:30] = True
    eraser[:, 30:60] = True
    answer = np.zeros((64, 64), np.float16)
    answer[10:50, 30:45] = 1
    answer[20:22, 35:37] = 0  # a hole of 4 px; 1000 px are seen
    answer[40:44, 35:40] = 0  # one of 20 px
    answer[5:8, 55:58] = 1  # not connected
    asked, square = question(seen, eraser)
    whole = grow(asked, ShapeProbability(square, answer), (), CompletionSettings(largest_hole=0.005)).to_array()
    assert whole[20:22, 35:37].all()
    assert not whole[40:44, 35:40].any()
    assert not whole[:10].any()
    assert np.array_equal(whole[:, :28], seen[:, :28])


def test_holes_that_are_seen_stay_open():
    seen, eraser = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    seen[10:50, 5:30] = True
    seen[30, 15] = False
    eraser[:, 40:60] = True
    asked, square = question(seen, eraser)
    whole = grow(asked, ShapeProbability(square, np.ones((64, 64), np.float16)), (), CompletionSettings())
    assert not whole.to_array()[30, 15]


def test_as_published_the_answer_is_the_shape():
    """No rule protects it: an object nothing lies in front of vanishes when the network says so."""
    settings = PublishedSettings(64)
    gone = complete_as_published(scene(BAR, UNDER), graph(2), completer=completer(Nothing()), settings=settings)
    assert not gone.masks[1]
    full = complete_as_published(scene(BAR, UNDER), graph(2), completer=completer(Everything()), settings=settings)
    assert full.masks[1].box == Box(36, 16, 124, 104)  # sqrt(3 * 20 * 80) = 69.3 < 1.1 * 80 = 88
    found = complete_as_published(
        scene(BAR, UNDER), graph(2, (1, 2)), completer=completer(ClosesNotches()), settings=settings
    )
    truth = rectangle(30, 50, 130, 70)
    assert (found.masks[2] & truth).area / (found.masks[2] | truth).area > 0.9


def test_as_published_hidden_objects_stay_empty():
    settings = PublishedSettings(64)
    found = complete_as_published(
        scene(BAR, Mask.empty(SIZE)), graph(2, (1, 2)), completer=completer(Everything()), settings=settings
    )
    assert not found.masks[2]
    assert found.record.notes == ("object 2 left empty: nothing of it is visible",)
    ours = complete_by_network(scene(BAR, Mask.empty(SIZE)), graph(2, (1, 2)), completer=completer(Everything()))
    assert not ours.masks[2]


def test_bundled_weights():
    if not bundled_path("pcnet-m").is_file():
        pytest.skip("no bundled weights of pcnet-m")
    truth = rectangle(30, 50, 130, 70)
    for method in ("pcnet-m", "pcnet-m-nog"):
        found = amodal.complete(scene(BAR, UNDER), graph(2, (1, 2)), method=method).masks[2]
        assert not UNDER - found
        hidden = found - UNDER
        assert (hidden & truth).area / ((hidden | truth) - UNDER).area > 0.5


class Bright(nn.Module):
    """Says that bright pixels of the photo belong to the object; keeps what it was asked."""

    in_channels = 7

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, x):
        self.asked.append(x)
        return torch.stack([torch.zeros_like(x[:, 0]), 40 * (x[:, 4] - 0.5)], 1)


LONE = rectangle(30, 50, 70, 70)
BEYOND = rectangle(70, 50, 100, 70)
"""Bright in the photo, where no mask is."""


def bright_photo():
    pixels = np.zeros((SIZE.height, SIZE.width, 3), np.uint8)
    pixels[50:70, 70:100] = 255
    return Photo(pixels)


def looked(*masks, arrows=(), looker=None):
    return complete_by_network(
        scene(*masks),
        graph(len(masks), *arrows),
        bright_photo(),
        completer=MaskCompleter(net=Nothing()),
        looker=MaskCompleter(net=looker or Bright()),
        settings=LOOKING,
    )


def test_the_photo_says_what_lies_under_things_without_a_mask():
    grown = looked(LONE).masks[1] - LONE
    assert grown.overlap(BEYOND) > 0.9 * BEYOND.area
    assert grown.area < 1.1 * BEYOND.area


def test_no_object_grows_under_another_that_is_known_to_lie_behind():
    found = looked(LONE, BEYOND, arrows=[(1, 2)])
    assert not (found.masks[1] - LONE).overlap(BEYOND)


def test_under_known_occluders_the_mask_network_is_asked():
    looker = Bright()
    found = looked(LONE, BEYOND, arrows=[(2, 1)], looker=looker)
    assert not (found.masks[1] - LONE).overlap(BEYOND)  # that network adds nothing
    assert looker.asked[0].shape[1] == 7


def test_a_network_that_looks_needs_a_photo():
    with pytest.raises(InputError, match="photo: expected the photo, found none"):
        complete_by_network(scene(LONE), graph(1), looker=MaskCompleter(net=Bright()))


def test_the_bundled_network_looks_at_the_photo():
    def shape(photo):
        return amodal.complete(scene(UNDER), graph(1), photo, method="pcnet-m-rgb").probability[1].patch

    rng = np.random.default_rng(0)
    noise = Photo(rng.integers(0, 255, (SIZE.height, SIZE.width, 3), dtype=np.uint8))
    assert not np.array_equal(shape(bright_photo()), shape(noise))
