"""Weights files: round trip, and what is refused with one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from deocclude.errors import InputError
from deocclude.nets.gated import GatedUNet
from deocclude.nets.partial_conv import PartialConvUNet
from deocclude.nets.unet import UNet
from deocclude.weights import BUNDLED, WeightsInfo, bundled_path, load_net, load_unet, read_weights, save_weights

INFO = WeightsInfo("pcnet-m", {"net": "unet", "width": 0.25, "in_channels": 3}, scores={"order": 0.9})


@pytest.fixture
def net() -> UNet:
    torch.manual_seed(0)
    return UNet(0.25, 3).eval()


def test_full_precision_round_trip_is_exact(net: UNet, tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save_weights(path, net, INFO)
    again = load_unet(path)
    image = torch.rand(1, 3, 32, 32)
    assert not again.training
    assert torch.equal(again(image), net(image))
    assert read_weights(path)[0] == INFO


def test_half_precision_halves_the_file_and_hardly_changes_the_net(net: UNet, tmp_path: Path):
    save_weights(tmp_path / "full.safetensors", net, INFO)
    save_weights(tmp_path / "half.safetensors", net, INFO, half=True)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.6 * (tmp_path / "full.safetensors").stat().st_size
    image = torch.rand(1, 3, 32, 32)
    half = load_unet(tmp_path / "half.safetensors")
    assert next(half.parameters()).dtype == torch.float32
    assert torch.allclose(half(image), net(image), atol=2e-2)


def test_truncated_file_is_one_line(net: UNet, tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save_weights(path, net, INFO)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"net.safetensors: expected complete weights, found a damaged file"):
        load_unet(path)


def test_other_architecture_names_the_tensor(net: UNet, tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save_weights(path, net, WeightsInfo("pcnet-m", {"net": "unet", "width": 0.5, "in_channels": 3}))
    with pytest.raises(InputError, match=r"architecture: expected down.0.0.weight of shape \(8, 3, 3, 3\)"):
        load_unet(path)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (
            {"net": "transformer"},
            "expected one of unet, partial-conv, gated, order-net, pair-net, fusion, conv3-deconv3, found transformer",
        ),
        ({}, "expected one of unet, partial-conv, gated, order-net, pair-net, fusion, conv3-deconv3, found None"),
        ({"net": "unet", "depth": 3}, "arguments of a unet net"),
        ({"net": "partial-conv", "levels": 9}, "arguments of a partial-conv net"),
    ],
)
def test_other_nets_are_refused(net: UNet, tmp_path: Path, architecture: dict[str, object], message: str):
    path = tmp_path / "net.safetensors"
    save_weights(path, net, WeightsInfo("x", architecture))
    with pytest.raises(InputError, match=message):
        load_unet(path)


@pytest.mark.parametrize(
    ("built", "architecture"),
    [
        (UNet(0.25, 3), {"net": "unet", "width": 0.25, "in_channels": 3}),
        (PartialConvUNet(0.125, 4, "sum"), {"net": "partial-conv", "width": 0.125, "levels": 4, "scaling": "sum"}),
        (GatedUNet(0.25, 3), {"net": "gated", "width": 0.25, "levels": 3, "fold": 2}),
    ],
)
def test_every_net_is_rebuilt_from_its_description(built: nn.Module, architecture: dict[str, object], tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save_weights(path, built, WeightsInfo("x", architecture))
    again = load_net(path)
    planes = torch.rand(1, int(built.in_channels), 32, 32)
    assert type(again) is type(built)
    assert torch.equal(again(planes), built.eval()(planes))


def test_a_content_net_is_no_mask_net(tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save_weights(path, GatedUNet(0.25), WeightsInfo("pcnet-c", {"net": "gated", "width": 0.25}))
    with pytest.raises(InputError, match="architecture: expected a unet, found gated"):
        load_unet(path)


def test_foreign_and_old_files_are_refused(net: UNet, tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="written by 'deocclude train'"):
        load_unet(path)
    save_file(
        {"a": torch.zeros(2)}, path, metadata={"deocclude": json.dumps({"version": 0, "task": "", "architecture": {}})}
    )
    with pytest.raises(InputError, match="version: expected version 1, found 0"):
        load_unet(path)
    with pytest.raises(InputError, match="no such file"):
        load_unet(tmp_path / "absent.safetensors")


def test_unknown_name_gets_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'pcnet-m'"):
        load_unet("pcnet_m")


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_weights_load_and_are_small(name: str):
    if not bundled_path(name).is_file():
        pytest.skip(f"{name} is not trained yet")
    info, state = read_weights(bundled_path(name))
    assert info.task == name
    assert info.training["samples"] > 0
    assert all(torch.isfinite(value).all() for value in state.values() if value.is_floating_point())
    assert bundled_path(name).stat().st_size < 8_000_000


def test_what_does_not_fit_into_half_precision_is_kept(tmp_path: Path):
    net = torch.nn.BatchNorm2d(2)
    net.running_var[:] = torch.tensor([1.5, 3e6])
    save_weights(tmp_path / "w.safetensors", net, WeightsInfo("toy", {"net": "unet"}), half=True)
    state = load_file(tmp_path / "w.safetensors")
    assert state["running_var"].tolist() == [1.5, 3e6] and state["running_mean"].dtype == torch.float16
