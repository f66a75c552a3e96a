"""The pair network and the shell that asks it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.nets import pair_reader
from deocclude.nets.pair_net import PairNet, both_ways, swapped
from deocclude.nets.pair_reader import SIZE, PairQuestion, PairReader, planes, windows
from deocclude.weights import BUNDLED, bundled_path, load_net

PHOTO = Size(120, 160)


def rectangle(x0: int, y0: int, x1: int, y1: int) -> Mask:
    return Mask.from_crop(np.ones((y1 - y0, x1 - x0), bool), (x0, y0), PHOTO)


BAR, PLATE, DOT = rectangle(70, 20, 90, 60), rectangle(40, 60, 140, 110), rectangle(0, 0, 20, 20)


class Counts(nn.Module):
    """Says how many pixels of the first and of the second mask it sees in the near window."""

    def forward(self, near, wide):
        self.shapes = near.shape, wide.shape
        return near[:, :2].sum((2, 3))


def test_parameters_and_shapes():
    net = PairNet()
    assert sum(value.numel() for value in net.parameters()) == 657_762
    assert net.eval()(torch.zeros(2, 4, 64, 64), torch.zeros(2, 4, 32, 32)).shape == (2, 2)


def test_the_encoder_is_that_of_the_mask_network():
    mask_net, pair_net = load_net("pcnet-m").down.state_dict(), PairNet().down.state_dict()
    assert {name: value.shape for name, value in mask_net.items()} == {
        name: value.shape for name, value in pair_net.items()
    }


def test_exchanged_masks_exchange_the_answers():
    torch.manual_seed(0)
    net = PairNet(0.25).eval()
    nn.init.normal_(net.head[-1].weight, std=10.0)
    near, wide = torch.rand(3, 4, 64, 64), torch.rand(3, 4, 32, 32)
    one, other = both_ways(net, near, wide), both_ways(net, swapped(near), swapped(wide))
    assert torch.allclose(one, other.flip(1), atol=1e-6)
    assert not torch.allclose(one, one.flip(1), atol=1e-4)


def test_windows_by_hand():
    near, wide = windows(PairQuestion(BAR, PLATE))
    # the bar is 20 x 40: sqrt(3 w h) = 49 is more than 1.1 h = 44
    side = (3 * 20 * 40) ** 0.5 * 1.15
    assert near == pytest.approx((80 - side / 2, 40 - side / 2, side))
    assert wide == pytest.approx(
        (90 - (2 * 100 * 90) ** 0.5 / 2, 65 - (2 * 100 * 90) ** 0.5 / 2, (2 * 100 * 90) ** 0.5)
    )


def test_planes_tell_apart_what_is_there():
    question = PairQuestion(BAR, PLATE, [DOT])
    first, second, outside, others = planes(question, windows(question)[1].grow(1.6), 100)
    assert first.any() and second.any() and outside.any() and others.any()
    assert not (first & second).any() and not (others & (first | second)).any()
    assert not planes(question, windows(question)[0], 100)[3].any(), "the dot lies beyond the near window"


def test_reader_asks_both_ways_in_batches(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pair_reader, "LARGEST_BATCH", 2)
    net = Counts()
    questions = [PairQuestion(BAR, PLATE), PairQuestion(PLATE, BAR), PairQuestion(BAR, PLATE, [DOT])]
    found = PairReader(net=net).read(questions)
    assert found.shape == (3, 2) and found.dtype == np.float64
    assert np.allclose(found[0], found[1][::-1]) and np.allclose(found[0], found[2])
    assert found[0, 0] != found[0, 1]
    assert net.shapes == ((1, 4, SIZE, SIZE), (1, 4, SIZE // 2, SIZE // 2))


def test_nothing_asked_nothing_read():
    assert PairReader(net=Counts()).read([]).shape == (0, 2)


def test_weights_of_another_network_are_refused():
    with pytest.raises(InputError, match="expected weights of a pair network"):
        PairReader("pcnet-m").read([PairQuestion(BAR, PLATE)])


def test_shipped_weights_put_a_bar_over_a_plate_that_goes_on_behind_it():
    assert "pair-net" in BUNDLED and bundled_path("pair-net").is_file()
    bar = rectangle(70, 20, 90, 115)
    over, under = pair_reader.bundled().read([PairQuestion(bar, rectangle(30, 50, 130, 70) - bar)])[0]
    assert over > under + 1
