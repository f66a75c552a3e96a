import numpy as np
import pytest
from mask_nets import ClosesNotches, Nothing
from torch.nn import functional

from deocclude import ordering
from deocclude.datasets.placement import open_gaps
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.nets.completer import MaskCompleter
from deocclude.ordering.couples import neighbouring
from deocclude.ordering.dual_completion import (
    CompletionOrderSettings,
    PublishedSettings,
    measure_pairs,
    order_by_completion,
    order_by_growth,
)
from deocclude.ordering.pair_model import PairModel
from deocclude.scene import Instance, Scene
from deocclude.weights import bundled_path

SIZE = Size(120, 160)
PLAIN = PairModel({"constant": -1.0, "growth": 1.0, "hull": 0.5, "junctions": 0.3})


def rectangle(x0, y0, x1, y1):
    return Mask.from_crop(np.ones((y1 - y0, x1 - x0), bool), (x0, y0), SIZE)


def scene(*masks):
    return Scene(SIZE, tuple(Instance(k + 1, mask) for k, mask in enumerate(masks)))


@pytest.fixture
def plus():
    """A bar (1) over another (2), and a square apart (3)."""
    bar = rectangle(70, 20, 90, 100)
    return scene(bar, rectangle(30, 50, 130, 70) - bar, rectangle(2, 2, 12, 12))


def test_reference_puts_what_grows_behind(plus):
    completer = MaskCompleter(net=ClosesNotches())
    found = order_by_growth(plus, completer=completer, settings=PublishedSettings(64))
    assert found.matrix().tolist() == [[0, 1, 0], [-1, 0, 0], [0, 0, 0]]
    assert found.front[0, 1] == 1.0
    assert found.record.method == "pcnet-m"
    assert found.record.settings == {"size": 64, "threshold": 0.1}


def test_reference_counts_pixels_of_the_photo():
    """Gains are compared in pixels of the photo: the larger object's patch pixels are worth more."""
    small, large = rectangle(10, 50, 30, 70), rectangle(30, 20, 110, 100)
    net = ClosesNotches(reach=3, everywhere=True)
    found = order_by_growth(scene(small, large), completer=MaskCompleter(net=net), settings=PublishedSettings(64))
    # Either grows 3 patch pixels along the common edge of 20 px; in its own patch that edge has another length.
    side_small, side_large = int(20 * 3**0.5), int(80 * 3**0.5)
    growth = [20 * 3 * side / 64 for side in (side_small, side_large)]
    assert found.front[0, 1] == pytest.approx(growth[1] / sum(growth), abs=0.06)


def test_reference_leaves_ties_and_gaps_alone(plus):
    nothing = order_by_growth(plus, completer=MaskCompleter(net=Nothing()), settings=PublishedSettings(64))
    assert not nothing.front.any()
    apart = scene(*open_gaps(plus.modal, 1))
    found = order_by_growth(apart, completer=MaskCompleter(net=ClosesNotches()), settings=PublishedSettings(64))
    assert not found.front.any()


def test_reference_works_with_two_channels(plus):
    completer = MaskCompleter(net=ClosesNotches(channels=2))
    assert order_by_growth(plus, completer=completer, settings=PublishedSettings(64)).front[0, 1] == 1.0


@pytest.mark.parametrize("gap", [0, 1, 3, 5])
def test_gaps_do_not_change_the_order(plus, gap):
    apart = scene(*open_gaps(plus.modal, gap))
    found = order_by_completion(apart, completer=MaskCompleter(net=ClosesNotches(), size=64), model=PLAIN)
    assert found.matrix().tolist() == [[0, 1, 0], [-1, 0, 0], [0, 0, 0]]
    assert found.front[0, 1] > found.front[1, 0] + 0.2


def test_neighbours_always_get_a_direction(plus):
    found = order_by_completion(plus, completer=MaskCompleter(net=Nothing(), size=64), model=PLAIN)
    assert found.matrix()[0, 1] != 0
    assert found.front[0, 2] == 0


def test_all_pairs_in_one_pass(plus):
    net = ClosesNotches()
    order_by_completion(plus, completer=MaskCompleter(net=net, size=64), model=PLAIN)
    assert net.batches == [2]


def test_scenes_without_pairs_ask_nothing():
    net = ClosesNotches()
    lonely = scene(rectangle(0, 0, 20, 20), rectangle(60, 60, 80, 80), Mask.empty(SIZE))
    completer = MaskCompleter(net=net, size=64)
    assert not order_by_growth(lonely, completer=completer).front.any()
    assert not order_by_completion(lonely, completer=completer, model=PLAIN).front.any()
    assert net.batches == []


def test_measures_by_hand(plus):
    settings, completer = CompletionOrderSettings(), MaskCompleter(net=ClosesNotches(), size=64)
    pairs = neighbouring(plus)
    assert pairs == [(0, 1)]
    over, under = (
        getattr(measure_pairs(plus, pairs, completer, None, settings)[0, 1], side) for side in ("first", "second")
    )
    assert (over.area, under.area) == (1600, 1600)
    assert (over.hull, under.hull) == (0, 400)
    assert over.growth == pytest.approx(0, abs=5)
    assert under.growth == pytest.approx(400, rel=0.15)


def test_objects_may_come_in_any_order(plus):
    turned = scene(*plus.modal[::-1])
    completer = MaskCompleter(net=ClosesNotches(), size=64)
    one = order_by_completion(plus, completer=completer, model=PLAIN).front
    two = order_by_completion(turned, completer=completer, model=PLAIN).front
    assert np.allclose(one, two[::-1, ::-1], atol=0.01)


def test_bundled_weights_and_model(plus):
    if not bundled_path("pcnet-m").is_file():
        pytest.skip("no bundled weights of pcnet-m")
    found = ordering.estimate(plus, method="pcnet-m")
    assert found.matrix()[0, 1] == 1
    assert found.front[0, 1] > 0.5 > found.front[1, 0]
    assert ordering.estimate(plus, method="pcnet-m", reference=True).front.shape == (3, 3)


def test_fake_net_closes_a_notch():
    """The net of these tests does what it says: the hidden middle of a bar is filled, a straight edge stays."""
    import torch

    x = torch.zeros(1, 3, 32, 32)
    x[0, 0, 12:20, 4:12] = x[0, 0, 12:20, 20:28] = 1
    x[0, 1, 2:30, 12:20] = 1
    grown = functional.softmax(ClosesNotches()(x), 1)[0, 1] > 0.5
    assert grown[12:20, 12:20].all()
    assert not grown[2:11, 12:20].any()


def test_slits_are_closed_before_measuring(plus):
    """With a gap of 5 px the hidden middle is found as if the masks met."""
    settings, completer = CompletionOrderSettings(), MaskCompleter(net=ClosesNotches(), size=64)
    apart = scene(*open_gaps(plus.modal, 5))
    pairs = neighbouring(apart)
    found = measure_pairs(apart, pairs, completer, None, settings)[0, 1]
    whole = measure_pairs(plus, pairs, completer, None, settings)[0, 1]
    assert found.edge.gap == 0
    assert found.second.growth == pytest.approx(whole.second.growth, rel=0.25)
    assert found.edge.junctions == pytest.approx(whole.edge.junctions, abs=0.15)
