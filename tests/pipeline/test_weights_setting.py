"""Weights of a user's own: which stages follow them, and what happens where they are not at hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from deocclude import fingerprints
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.errors import InputError
from deocclude.images import Photo
from deocclude.nets.unet import UNet
from deocclude.pipeline import open_project, run
from deocclude.plan import Settings
from deocclude.weights import WeightsInfo, save_weights


def write(path, width):
    save_weights(Path(path), UNet(width, 2), WeightsInfo("pcnet-m", {"net": "unet", "width": width, "in_channels": 2}))
    return str(path)


@pytest.fixture(scope="module")
def fresh():
    drawn = generate(SyntheticSettings(width=100, height=80, objects=(3, 4)), seed=3)
    return open_project(Photo(drawn.photo), drawn.scene)


@pytest.fixture
def mine(tmp_path):
    return Settings(weights=write(tmp_path / "mine.safetensors", 0.25))


def test_both_stages_follow_the_weights(fresh, mine):
    shipped = run(fresh, Settings(), until="amodal")
    own = run(shipped, mine, until="amodal")
    assert own.fingerprints["repair"] == shipped.fingerprints["repair"]
    assert own.graph is not shipped.graph
    assert own.records["order"].settings["weights"] == own.records["amodal"].settings["weights"] == mine.weights


def test_another_file_under_the_same_name_is_noticed(fresh, mine):
    first = run(fresh, mine, until="amodal")
    assert run(first, mine, until="amodal").amodal is first.amodal
    write(mine.weights, 0.5)
    assert run(first, mine, until="amodal").amodal is not first.amodal


@pytest.mark.parametrize("stage", ["order", "content"])
def test_other_models_in_the_package_are_noticed(fresh, monkeypatch, stage):
    settings = Settings(fill="telea")
    first = run(fresh, settings, until="content")
    assert run(first, settings, until="content").fills is first.fills
    models = fingerprints.models
    monkeypatch.setattr(
        fingerprints, "models", lambda asked, *of: ["another"] if asked == stage else models(asked, *of)
    )
    again = run(first, settings, until="content")
    assert (again.graph is not first.graph) == (stage == "order")
    assert again.fills is not first.fills
    assert all(again.fills[key] is not fill for key, fill in first.fills.items()) == (stage == "content")


def test_rules_need_no_weights(fresh):
    rules = Settings(order="convex", amodal="convexR", weights="nowhere/at/all.safetensors")
    first = run(fresh, rules, until="amodal")
    assert run(first, replace(rules, weights="pcnet-m"), until="amodal").amodal is first.amodal


def test_absent_weights_are_refused_unless_nothing_needs_them(fresh, mine, tmp_path):
    with pytest.raises(InputError, match=r"weights: expected a weights file, found no such file.*'pcnet-m'"):
        run(fresh, Settings(weights=str(tmp_path / "absent.safetensors")))
    with pytest.raises(InputError, match="did you mean 'pcnet-m'"):
        run(fresh, Settings(weights="pcnetm"))
    first = run(fresh, mine, until="amodal")
    (tmp_path / "mine.safetensors").unlink()
    assert run(first, mine, until="amodal").amodal is first.amodal
    with pytest.raises(InputError, match="no such file"):
        run(first, replace(mine, max_gap=1), until="amodal")
