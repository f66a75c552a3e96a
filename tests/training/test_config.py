"""Settings from TOML: recipes that ship, and mistakes that must not pass."""

from __future__ import annotations

from pathlib import Path

import pytest

import deocclude.training
from deocclude.errors import InputError
from deocclude.settings import from_dict, read_settings
from deocclude.training.config import LoopSettings, Phase, plain
from deocclude.training.fusion import FusionConfig
from deocclude.training.loop import learning_rate
from deocclude.training.order_net import OrderNetConfig
from deocclude.training.pair_net import PairNetConfig
from deocclude.training.pcnet_c import PCNetCConfig
from deocclude.training.pcnet_m import PCNetMConfig
from deocclude.training.pcnet_m_rgb import PCNetMRgbConfig
from deocclude.training.supervised import SupervisedConfig

RECIPES = sorted((Path(deocclude.training.__file__).parent / "recipes").glob("pcnet_m_[cgp]*.toml"))
MINIMAL = 'pack = "p"\n[loop]\nphases = [{steps = 10, size = 64, batch = 8}]\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_that_ship_are_valid(path: Path):
    config = read_settings(PCNetMConfig, path)
    assert config.loop.steps > 0
    assert from_dict(PCNetMConfig, plain(config)) == config


def test_the_three_recipes_are_there():
    assert [path.stem for path in RECIPES] == ["pcnet_m_cpu", "pcnet_m_gpu", "pcnet_m_paper"]


def test_the_paper_recipe_is_that_of_the_paper():
    config = read_settings(PCNetMConfig, RECIPES[2])
    phase = config.loop.phases[0]
    assert phase.steps * phase.batch == 14_336_000
    rates = [learning_rate(config.loop, step / 56_000) for step in (0, 31_000, 33_000, 47_000, 49_000)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4, 1e-5])


def test_misspelt_key_is_named_with_a_suggestion(tmp_path: Path):
    path = written(tmp_path, MINIMAL + "learning_rat = 0.1\n")
    with pytest.raises(InputError, match=r"run.toml: .*unknown key 'loop.learning_rat'; did you mean 'learning_rate'"):
        read_settings(PCNetMConfig, path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[loop]\nphases = [{steps = 1, size = 64, batch = 8}]", "pack: expected a value, found none"),
        (
            "pack = 3\n[loop]\nphases = [{steps = 1, size = 64, batch = 8}]",
            "pack: expected a value of type str, found 3",
        ),
        (
            'pack = "p"\n[loop]\nphases = [{steps = 1.5, size = 64, batch = 8}]',
            "loop.phases.steps: expected a value of type int",
        ),
        (
            'pack = "p"\n[loop]\nphases = [{steps = true, size = 64, batch = 8}]',
            "loop.phases.steps: expected a value of type int, found True",
        ),
        ('pack = "p"\n[loop]\nphases = 4', "loop.phases: expected a value of type tuple, found 4"),
        ('pack = "p"\nloop = 4', "loop: expected a value of type table, found 4"),
        (MINIMAL + "[erasing]\nzoom = [1.0]", "erasing.zoom: expected a value of type tuple"),
        ("pack = ", "expected a settings file \\(TOML\\), found text that is none"),
    ],
)
def test_values_of_another_kind_are_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(InputError, match=message):
        read_settings(PCNetMConfig, written(tmp_path, text))


def test_absent_file(tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        read_settings(PCNetMConfig, tmp_path / "none.toml")


def test_phases_follow_each_other():
    settings = LoopSettings((Phase(6, 64, 8), Phase(4, 128, 8)))
    assert [settings.phase_at(step / 10).size for step in range(10)] == [64] * 6 + [128] * 4


def test_one_cycle_rises_and_falls_to_nothing():
    settings = LoopSettings((Phase(100, 64, 8),), learning_rate=1.0, warmup=0.1)
    rates = [learning_rate(settings, k / 100) for k in range(101)]
    assert rates[0] == pytest.approx(0.04) and max(rates) == pytest.approx(1, rel=1e-3)
    assert rates.index(max(rates)) == 10 and rates[-1] < 1e-6


@pytest.mark.parametrize(
    ("config", "table", "said"),
    [
        (PCNetMConfig, "erasing", "zoom = [0.0, 1.5]: expected 0.01 to 100, least and most, found (0.0, 1.5)"),
        (PCNetMConfig, "erasing", "zoom = [1.5, 0.9]: expected 0.01 to 100, least and most, found (1.5, 0.9)"),
        (PCNetMConfig, "erasing", "behind = 1.5: expected 0 to 1, found 1.5"),
        (PCNetMConfig, "erasing", "candidates = 0: expected 1 to 1000, found 0"),
        (PCNetMRgbConfig, "samples", "size_ratio = 0.0: expected 1 to 100, found 0.0"),
        (PCNetMRgbConfig, "samples", "hidden = [0.1, 1.2]: expected 0 to 1, least and most, found (0.1, 1.2)"),
        (PCNetCConfig, "samples", "largest_scale = 0.0: expected 0.01 to 100, found 0.0"),
        (PCNetCConfig, "adversary", "width = 0.0: expected 0.01 to 100, found 0.0"),
        (PCNetCConfig, "loss", "hole = nan: expected 0 to 1e+06, found nan"),
        (PCNetCConfig, "loss", "features = [8, 0]: expected 1 to 4096, found (8, 0)"),
        (PCNetCConfig, "mix", "turn = [0.5, 0.25]: expected 0 to 1, least and most, found (0.5, 0.25)"),
        (PCNetCConfig, "mix", "photos = [0.5, 1.5]: expected 0 to 1, found (0.5, 1.5)"),
        (FusionConfig, "references", "cut = inf: expected 0 to 1e+06, found inf"),
        (FusionConfig, "alignment", "largest = -1.0: expected 0.01 to 100, found -1.0"),
        (FusionConfig, "loss", "features = [-1]: expected 1 to 4096, found (-1,)"),
        (SupervisedConfig, "", "crop_size = 0: expected 8 to 4096, found 0"),
        (OrderNetConfig, "", "size = 0: expected 8 to 4096, found 0"),
        (OrderNetConfig, "jitter", "scale = 2.0: expected 0 to 0.9, found 2.0"),
        (PairNetConfig, "jitter", "zoom = 0.0: expected 1 to 100, found 0.0"),
    ],
)
def test_samples_that_cannot_be_made_are_refused(config: type, table: str, said: str, tmp_path: Path):
    line, _, error = said.partition(":")
    rest = MINIMAL.partition("\n")[2] if config in (SupervisedConfig, OrderNetConfig) else MINIMAL
    path = written(tmp_path, f"{rest}[{table}]\n{line}\n" if table else f"{line}\n{rest}")
    with pytest.raises(InputError) as caught:
        read_settings(config, path)
    assert str(caught.value) == f"{path}: {table}{'.' if table else ''}{line.partition(' ')[0]}:{error}"
