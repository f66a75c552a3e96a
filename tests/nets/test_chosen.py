"""Which weights a name, a file or a folder stands for, and what happens to those that do not fit."""

import os

import pytest

from deocclude import amodal, ordering
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.errors import InputError
from deocclude.nets.chosen import SHIPPED, completer_for
from deocclude.nets.completer import MaskCompleter
from deocclude.nets.unet import UNet
from deocclude.ordering.graph import OrderGraph
from deocclude.weights import WeightsInfo, bundled_path, save_weights, weights_path


def write(path, **arguments):
    net = UNet(0.25, **arguments)
    save_weights(path, net, WeightsInfo("pcnet-m", {"net": "unet", "width": 0.25, **arguments}))
    return path


@pytest.fixture(scope="module")
def scene():
    return generate(SyntheticSettings(width=90, height=70, objects=(3, 3)), seed=4).scene


def test_a_name_a_file_and_a_run_folder(tmp_path):
    assert weights_path(SHIPPED) == bundled_path(SHIPPED)
    assert weights_path(tmp_path) == tmp_path / "weights.safetensors"
    assert weights_path("runs/mine").name == "mine"
    assert weights_path("mine.safetensors").name == "mine.safetensors"
    with pytest.raises(InputError, match="did you mean 'pcnet-m'"):
        weights_path("pcnet_m")


def test_one_completer_a_file_until_it_changes(tmp_path):
    path = write(tmp_path / "w.safetensors", in_channels=2)
    first = completer_for(path)
    assert first is completer_for(str(path))
    os.utime(path, ns=(1, 1))
    assert completer_for(path) is not first
    assert completer_for(SHIPPED) is None


def test_other_weights_are_used_and_recorded(scene, tmp_path):
    path = write(tmp_path / "w.safetensors", in_channels=2)
    shipped = ordering.estimate(scene, method="pcnet-m")
    found = ordering.estimate(scene, method="pcnet-m", weights=path)
    assert found.record.settings["weights"] == str(path)
    assert "weights" not in shipped.record.settings
    assert (found.front != shipped.front).any()
    whole = amodal.complete(scene, OrderGraph.build(shipped), method="pcnet-m", weights=path, reference=True)
    assert whole.record.settings["weights"] == str(path)
    assert "weights" not in ordering.estimate(scene, method="convex", weights=path).record.settings


def test_unusable_weights_are_refused(scene, tmp_path):
    (tmp_path / "cut.safetensors").write_bytes(bundled_path(SHIPPED).read_bytes()[:5000])
    write(tmp_path / "other.safetensors", in_channels=1)
    for name, text in (("absent", "no such file"), ("cut", "damaged"), ("other", "1 inputs")):
        with pytest.raises(InputError, match=text) as caught:
            ordering.estimate(scene, method="pcnet-m", weights=tmp_path / f"{name}.safetensors")
        assert f"{name}.safetensors" in str(caught.value)


def test_a_folder_of_the_name_of_bundled_weights_does_not_hide_them(tmp_path, monkeypatch):
    (tmp_path / SHIPPED).mkdir()
    monkeypatch.chdir(tmp_path)
    assert weights_path(SHIPPED) == bundled_path(SHIPPED)
    assert weights_path(f"./{SHIPPED}").parent.name == SHIPPED


def test_a_completer_takes_a_path_as_text(tmp_path):
    path = write(tmp_path / "w.safetensors", in_channels=2)
    assert MaskCompleter(str(path)).net.in_channels == 2
