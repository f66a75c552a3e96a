"""Commands that train: one a network, baselines, and the recipes that ship."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import App, Parameter
from rich.text import Text

from deocclude.cli import console, train_packs
from deocclude.cli.options import Several
from deocclude.errors import InputError

T = TypeVar("T")
Data = Annotated[tuple[Path, ...], Several, Parameter(name="--data")]
Config = Annotated[Path, Parameter(help="Recipe (TOML), or the name of a shipped one; see 'train recipes'.")]
Output = Annotated[Path, Parameter(name=["--output", "-o"])]


def register(app: App) -> None:
    """Add the commands to ``app``."""
    group = App(name="train", help="Train the networks from photos and visible masks alone.")
    train_packs.register(group)
    group.command(pcnet_m, name="pcnet-m")
    group.command(pcnet_m_rgb, name="pcnet-m-rgb")
    group.command(pair_net, name="pair-net")
    group.command(pcnet_c, name="pcnet-c")
    group.command(fusion)
    group.command(supervised)
    group.command(order_net, name="order-net")
    group.command(recipes)
    app.command(group)


def pcnet_m(
    *,
    config: Config,
    output: Output = Path("runs/pcnet-m"),
    pack: Path | None = None,
) -> None:
    """Train the mask completion network, or continue a run that was interrupted.

    Args:
        config: recipe, or the name of a shipped one.
        output: run folder: weights, settings, log, curves, samples, checkpoint.
        pack: pack folder; outranks the recipe's.
    """
    from deocclude.training.pcnet_m import PCNetMConfig, train_pcnet_m

    settings = _read(PCNetMConfig, "pcnet_m", config, {"pack": str(pack) if pack else ""})
    _report(train_pcnet_m(settings, output))


def pcnet_m_rgb(
    *,
    config: Config,
    output: Output = Path("runs/pcnet-m-rgb"),
    pack: Path | None = None,
) -> None:
    """Train the mask network that looks at the photo too, or continue a run that was interrupted.

    Args:
        config: recipe, or the name of a shipped one.
        output: run folder: weights, settings, log, curves, samples, checkpoint.
        pack: folder written by 'train pack-photos'; outranks the recipe's.
    """
    from deocclude.training.pcnet_m_rgb import PCNetMRgbConfig, train_pcnet_m_rgb

    settings = _read(PCNetMRgbConfig, "pcnet_m_rgb", config, {"pack": str(pack) if pack else ""})
    _report(train_pcnet_m_rgb(settings, output))


def pair_net(
    *,
    config: Config,
    output: Output = Path("runs/pair-net"),
    pack: Path | None = None,
) -> None:
    """Train the network that orders pairs of neighbours, or continue a run that was interrupted.

    Args:
        config: recipe, or the name of a shipped one.
        output: run folder: weights, settings, log, curves, samples, checkpoint.
        pack: folder written by 'train pack-pairs'; outranks the recipe's.
    """
    from deocclude.training.pair_net import PairNetConfig, train_pair_net

    settings = _read(PairNetConfig, "pair_net", config, {"pack": str(pack) if pack else ""})
    _report(train_pair_net(settings, output))


def pcnet_c(
    *,
    config: Config,
    output: Output = Path("runs/pcnet-c"),
    pack: Path | None = None,
) -> None:
    """Train the content completion network, or continue a run that was interrupted.

    Args:
        config: recipe, or the name of a shipped one.
        output: run folder: weights, settings, log, curves, samples, checkpoint.
        pack: folder written by 'train pack-photos'; outranks the recipe's.
    """
    from deocclude.training.pcnet_c import PCNetCConfig, train_pcnet_c

    settings = _read(PCNetCConfig, "pcnet_c", config, {"pack": str(pack) if pack else ""})
    _report(train_pcnet_c(settings, output))


def fusion(
    *,
    config: Config,
    output: Output = Path("runs/fusion"),
    pack: Path | None = None,
    data: Data = (),
) -> None:
    """Train the network that fills with the help of a reference, or continue a run that was interrupted.

    Args:
        config: recipe, or the name of a shipped one.
        output: run folder: weights, settings, log, curves, samples, checkpoint.
        pack: folder written by 'train pack-photos'; outranks the recipe's.
        data: folders written by 'build-dataset'; outrank the recipe's.
    """
    from deocclude.training.fusion import FusionConfig, train_fusion

    given = {"pack": str(pack) if pack else "", "data": tuple(map(str, data))}
    _report(train_fusion(_read(FusionConfig, "fusion", config, given), output))


def supervised(
    *,
    data: Data = (),
    config: Config = Path("cpu"),
    output: Output = Path("runs/supervised"),
) -> None:
    """Train a baseline on annotated whole masks: the same U-Net, from the visible mask alone.

    It is a row of 'evaluate table1'; nothing else uses it.

    Args:
        data: data sets with true whole masks; outrank the recipe's.
        config: recipe, or the name of a shipped one.
        output: run folder: weights, settings, log, curves, samples, checkpoint.
    """
    from deocclude.training.supervised import SupervisedConfig, train_supervised

    settings = _read(SupervisedConfig, "supervised", config, {"data": tuple(map(str, data))})
    _report(train_supervised(settings, output))


def order_net(
    *,
    data: Data = (),
    config: Config = Path("cpu"),
    output: Output = Path("runs/order-net"),
) -> None:
    """Train a baseline on annotated orders: a small network that is shown two visible masks.

    It is a row of 'evaluate table1'; nothing else uses it.

    Args:
        data: data sets with true whole masks or annotated orders; outrank the recipe's.
        config: recipe, or the name of a shipped one.
        output: run folder: weights, settings, log, curves, checkpoint.
    """
    from deocclude.training.order_net import OrderNetConfig, train_order_net

    settings = _read(OrderNetConfig, "order_net", config, {"data": tuple(map(str, data))})
    _report(train_order_net(settings, output))


def recipes() -> None:
    """Print the recipes that ship, and where they lie."""
    for path in sorted(_recipe_folder().glob("*.toml")):
        first = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        console.OUT.print(Text.assemble((path.stem, "bold"), f"  {first}\n    {path}"), soft_wrap=True)


def _read(kind: type[T], task: str, config: Path, given: Mapping[str, object]) -> T:
    """Return the recipe's settings; what is given on the command line and not empty outranks them."""
    from deocclude.settings import from_dict, read_toml

    path = _recipe(task, config)
    return from_dict(kind, read_toml(path) | {name: value for name, value in given.items() if value}, file=path)


def _report(folder: Path) -> None:
    """Say where the run is; of several processes the first one does."""
    if not int(os.environ.get("RANK", 0)):
        console.say_written(folder)


def _recipe_folder() -> Path:
    return Path(__file__).parents[1] / "training" / "recipes"


def _recipe(task: str, config: Path) -> Path:
    shipped = _recipe_folder() / f"{task}_{config}.toml"
    if not config.suffix and shipped.is_file():
        return shipped
    if not config.exists():
        hint = "'deocclude train recipes' lists the ones that ship"
        raise InputError("a recipe (TOML), or the name of one that ships", "no such file", file=config, hint=hint)
    return config
