"""The paper's samples, against the figures measured on the five COCOA photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from deocclude.formats import read_scenes
from deocclude.training.objects import PackedObjects
from deocclude.training.packing import Pack, PackSettings, open_pack, write_pack
from deocclude.training.reference_erasing import ReferenceSampler, place


def test_both_cases_are_tight_and_disjoint(pack: Pack):
    batch = ReferenceSampler(PackedObjects(pack, validation=None)).sample(200, 64, 0)
    assert not (batch.visible & batch.eraser).any()
    assert torch.equal(batch.visible | (batch.target & batch.eraser), batch.target)
    hidden = (batch.visible != batch.target).any(2).any(1).float().mean().item()
    assert hidden == pytest.approx(0.8, abs=0.08)
    assert torch.equal(batch.weight, torch.where(batch.eraser, 5.0, 1.0))


def test_shifted_patches_come_in_empty_from_the_side():
    whole = torch.ones(400, 20, 20, dtype=torch.bool)
    placed = place(whole, whole, torch.Generator().manual_seed(0))
    assert placed.eraser.float().mean((1, 2)).min() >= 0.36
    assert placed.share.max() < 0.9 or placed.tries.max() == 100


def test_cut_ratios_are_those_measured_on_the_cocoa_photos(data_folder: Path, tmp_path: Path):
    folder = data_folder / "cocoa_demo5"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    scenes = [replace(scene, image_file=f"{k}") for k, scene in enumerate(read_scenes(folder))]
    limits = PackSettings(min_side=5, min_area=1, max_aspect=1e9)
    write_pack(scenes, tmp_path / "pack", limits)
    sampler = ReferenceSampler(PackedObjects(open_pack(tmp_path / "pack"), validation=None))
    generator = torch.Generator().manual_seed(1)
    picks = torch.randint(len(sampler.objects), (2, 1500), generator=generator)
    whole = sampler.patches(picks[0], 128, generator, shift=0.2)
    placed = place(whole, sampler.patches(picks[1], 128, generator, shift=0.0), generator)
    levels = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])
    assert placed.accepted_at_once.float().mean().item() == pytest.approx(0.85, abs=0.04)
    assert placed.tries.float().mean().item() == pytest.approx(1.2, abs=0.15)
    found = torch.quantile(placed.share, levels).tolist()
    assert found == pytest.approx([0.014, 0.11, 0.26, 0.45, 0.72], abs=0.04)
    assert placed.share.mean().item() == pytest.approx(0.30, abs=0.03)
    covered = torch.quantile(whole.float().mean((1, 2)), torch.tensor([0.05, 0.5, 0.95])).tolist()
    assert covered == pytest.approx([0.06, 0.17, 0.30], abs=0.04)
