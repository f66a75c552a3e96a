import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from deocclude.crops import Square
from deocclude.errors import InputError
from deocclude.masks import Mask
from deocclude.nets.completer import MaskCompleter, Patches, Question, cut_patches
from deocclude.nets.unet import UNet
from deocclude.weights import WeightsInfo, bundled_path, save_weights


class Grows(nn.Module):
    """Says that the object goes on for ``reach`` pixels to the right, inside the eraser."""

    in_channels = 3

    def __init__(self, reach=4):
        super().__init__()
        self.reach, self.batches = reach, []

    def forward(self, x):
        self.batches.append(x)
        visible, eraser = x[:, 0], x[:, 1]
        wide = functional.max_pool2d(functional.pad(visible[:, None], (self.reach, 0)), (1, self.reach + 1), 1)[:, 0]
        logit = 20 * torch.maximum(visible, wide * eraser) - 10
        return torch.stack([torch.zeros_like(logit), logit], 1)


def patches(n=1, size=32):
    visible, eraser = np.zeros((n, size, size), bool), np.zeros((n, size, size), bool)
    visible[:, 8:24, 4:16] = True
    eraser[:, 8:24, 16:28] = True
    return Patches(visible, eraser, np.zeros_like(visible), np.zeros_like(visible))


def test_probability_of_a_known_net():
    found = MaskCompleter(net=Grows(4)).complete(patches())
    assert found.dtype == np.float32
    assert found.shape == (1, 32, 32)
    whole = np.zeros((32, 32), bool)
    whole[8:24, 4:20] = True
    assert np.array_equal(found[0] > 0.5, whole)
    assert found.min() >= 0
    assert found.max() <= 1


def test_batches_are_bounded_and_do_not_change_the_answer():
    net = Grows()
    found = MaskCompleter(net=net).complete(patches(150))
    assert [len(batch) for batch in net.batches] == [64, 64, 22]
    assert (found == found[0]).all()


def test_no_patches_no_pass():
    net = Grows()
    assert MaskCompleter(net=net).complete(patches(0)).shape == (0, 32, 32)
    assert net.batches == []


def test_views_average_mirrored_patches():
    right = MaskCompleter(net=Grows(4), views=1).complete(patches())[0]
    both = MaskCompleter(net=Grows(4), views=2).complete(patches())[0]
    # Mirrored, the eraser lies to the left, and the net grows nowhere.
    assert right[10, 17] > 0.99
    assert both[10, 17] == pytest.approx(0.5, abs=0.01)
    symmetric = UNet(0.25, 3).eval()
    four = MaskCompleter(net=symmetric, views=4)
    mirrored = Patches(
        *(np.ascontiguousarray(plane[:, ::-1, ::-1]) for plane in vars(patches()).values() if plane is not None)
    )
    assert np.allclose(four.complete(patches())[:, ::-1, ::-1], four.complete(mirrored), atol=1e-5)


def test_impossible_number_of_views():
    with pytest.raises(ValueError, match="views must be 1, 2 or 4, found 3"):
        MaskCompleter(views=3)


def test_two_channel_net_sees_no_border():
    net = UNet(0.25, 2).eval()
    plain = patches()
    border = Patches(plain.visible, plain.eraser, ~plain.visible, plain.unknown)
    completer = MaskCompleter(net=net)
    assert np.array_equal(completer.complete(plain), completer.complete(border))


def test_patches_of_a_question():
    target = Mask.from_array(np.arange(40)[None] < np.full((40, 1), 20))
    eraser = Mask.from_array(np.arange(40)[None] >= np.full((40, 1), 15))
    cut = cut_patches([Question(target, eraser, Square(-20, 0, 40))], 32)
    assert cut.outside[0, :, :16].all()
    assert not cut.outside[0, :, 16:].any()
    assert not (cut.visible & cut.eraser).any()
    assert cut.visible[0, :, 16:27].all()
    assert cut.eraser[0, :, 28:].all()


def test_the_unknown_is_what_no_mask_shows():
    target = Mask.from_array(np.arange(40)[None] < np.full((40, 1), 20))
    eraser = Mask.from_array(np.arange(40)[None] >= np.full((40, 1), 30))
    plain = Question(target, eraser, Square(-20, 0, 40))
    assert not cut_patches([plain], 32).unknown.any()
    cut = cut_patches([Question(target, eraser, Square(0, 0, 40), target | eraser)], 32)
    assert np.array_equal(cut.unknown[0], ~(cut.visible | cut.eraser | cut.outside)[0])
    assert cut.unknown.any()


def test_weights_are_read_when_needed(tmp_path):
    path = tmp_path / "weights.safetensors"
    completer = MaskCompleter(path)
    with pytest.raises(InputError, match=r"weights.safetensors: expected weights of the mask network, found no such"):
        completer.complete(patches())
    save_weights(path, UNet(0.25, 3), WeightsInfo("pcnet-m", {"net": "unet", "width": 0.25, "in_channels": 3}))
    assert completer.complete(patches()).shape == (1, 32, 32)


def test_weights_of_another_net_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(path, UNet(0.25, 5), WeightsInfo("other", {"net": "unet", "width": 0.25, "in_channels": 5}))
    with pytest.raises(InputError, match="architecture: expected a mask network with 2 to 4 or 7 inputs"):
        MaskCompleter(path).complete(patches())


def test_bundled_weights_complete_a_disc():
    if not bundled_path("pcnet-m").is_file():
        pytest.skip("no bundled weights of pcnet-m")
    rows, columns = np.mgrid[:128, :128]
    disc = (rows - 64) ** 2 + (columns - 64) ** 2 < 30**2
    eraser = (np.abs(rows - 64) < 26) & (columns > 74) & (columns < 114)
    nothing = np.zeros((1, 128, 128), bool)
    found = MaskCompleter().complete(Patches((disc & ~eraser)[None], eraser[None], nothing, nothing))[0]
    hidden = disc & eraser
    grown = (found > 0.5) & eraser
    assert (grown & hidden).sum() / (grown | hidden).sum() > 0.5
