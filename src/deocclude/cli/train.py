"""Commands that train the networks: packs of training data, one command a network, and baselines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import App, Parameter, validators
from rich.text import Text

from deocclude.cli import console
from deocclude.cli.options import WHOLE, Count, Positive
from deocclude.errors import InputError

T = TypeVar("T")
Labelled = Annotated[
    tuple[Path, ...],
    Parameter(name="--data", consume_multiple=1, negative=(), show_default=False),
]
"""Data sets with truth, files or folders."""
References = Annotated[tuple[Path, ...], Parameter(name="--data", consume_multiple=1, negative=())]
Config = Annotated[Path, Parameter(help="Recipe (TOML), or the name of a shipped one; see 'train recipes'.")]
Output = Annotated[Path, Parameter(name=["--output", "-o"])]


def register(app: App) -> None:
    """Add the commands to ``app``."""
    group = App(name="train", help="Train the networks from photos and visible masks alone.")
    group.command(pack)
    group.command(pack_photos, name="pack-photos")
    group.command(pack_scenes, name="pack-scenes")
    group.command(pack_pairs, name="pack-pairs")
    group.command(pcnet_m, name="pcnet-m")
    group.command(pcnet_m_rgb, name="pcnet-m-rgb")
    group.command(pair_net, name="pair-net")
    group.command(pcnet_c, name="pcnet-c")
    group.command(fusion)
    group.command(supervised)
    group.command(order_net, name="order-net")
    group.command(recipes)
    app.command(group)


def pack(
    output: Annotated[Path, Parameter(help="Pack folder to write.")],
    sources: Annotated[
        list[Path], Parameter(name="--source", consume_multiple=True, negative=(), help="Mask files, any format.")
    ],
    *,
    shapes: Count = 0,
    crop_size: Positive = 128,
    order: str = "",
    force: bool = False,
) -> None:
    """Cut the objects of annotation files into one compact file that training maps into memory.

    Args:
        output: pack folder to write.
        sources: mask files or folders in any format that 'run' reads.
        shapes: random whole shapes to add, which are known to be complete.
        crop_size: side of the stored crops, in pixels.
        order: ordering method that tells which objects are whole, for a second round; by default their hulls do.
        force: replace a pack that is there.
    """
    from deocclude.training.packing import PackSettings
    from deocclude.training.sources import pack_sources

    _check_pack(output, sources, force=force)
    count = pack_sources(sources, output, PackSettings(crop_size=crop_size), shapes=shapes, order=order)
    console.say_written(output, f"{count} objects")


def pack_photos(
    output: Annotated[Path, Parameter(help="Pack folder to write.")],
    sources: Annotated[
        list[Path], Parameter(name="--source", consume_multiple=True, negative=(), help="Mask files, any format.")
    ],
    *,
    side: Positive = 256,
    quality: Annotated[int, WHOLE, Parameter(validator=validators.Number(gte=1, lte=100))] = 90,
    force: bool = False,
) -> None:
    """Put the photos of annotation files and their masks into one compact folder, to train content completion.

    Args:
        output: pack folder to write.
        sources: mask files or folders in any format that 'run' reads; the photos lie beside them or in images/.
        side: photos are scaled to this shorter side, in pixels.
        quality: of the JPEG compression, 1 to 100.
        force: replace a pack that is there.
    """
    from deocclude.training.photo_packing import PhotoPackSettings
    from deocclude.training.sources import pack_photos as pack_all

    _check_pack(output, sources, force=force)
    count = pack_all(sources, output, PhotoPackSettings(side=side, quality=quality))
    console.say_written(output, f"{count} objects")


def pack_scenes(
    output: Annotated[Path, Parameter(help="Pack folder to write.")],
    sources: Annotated[
        list[Path],
        Parameter(name="--source", consume_multiple=True, negative=(), help="Mask files, any format, for cut-outs."),
    ] = [],  # noqa: B006  (never changed)
    *,
    solids: Count = 3000,
    boards: Count = 0,
    seed: Count = 0,
    force: bool = False,
) -> None:
    """Make up scenes whose whole shapes are known, for the mask network ('scenes' of a recipe).

    Args:
        output: pack folder to write.
        sources: mask files or folders in any format that 'run' reads.
        solids: scenes of solids on a table; 3,000 take eight minutes and 250 MB.
        boards: scenes of cut-outs of the sources that stand on the ground.
        seed: of the scenes.
        force: replace a pack that is there.
    """
    from deocclude.training.sources import pack_scenes as pack_all

    _check_new(output, force=force)
    count = pack_all(sources, output, solids=solids, boards=boards, seed=seed)
    console.say_written(output, f"{count} questions")


def pack_pairs(
    output: Annotated[Path, Parameter(help="Pack folder to write.")],
    sources: Annotated[
        list[Path], Parameter(name="--source", consume_multiple=True, negative=(), help="Mask files, any format.")
    ],
    *,
    composites: Count = 5000,
    solids: Count = 3000,
    boards: Count = 4000,
    seed: Count = 0,
    force: bool = False,
) -> None:
    """Make up scenes whose order is known, and pack their neighbours for the pair network.

    Args:
        output: pack folder to write.
        sources: mask files or folders in any format that 'run' reads.
        composites: scenes of objects laid over and under those of a photo, about eight pairs each; 26 kB a pair.
        solids: scenes of solids on a table, about four pairs each.
        boards: scenes of cut-outs that stand on the ground, about five pairs each.
        seed: of the scenes.
        force: replace a pack that is there.
    """
    from deocclude.training.pair_scenes import PairScenes
    from deocclude.training.sources import pack_pairs as pack_all

    _check_pack(output, sources, force=force)
    count = pack_all(sources, output, PairScenes(composites, solids, boards, seed=seed))
    console.say_written(output, f"{count} pairs")


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
    data: References = (),
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
    data: Labelled = (),
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
    data: Labelled = (),
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


def _check_pack(output: Path, sources: list[Path], *, force: bool) -> None:
    if not sources:
        raise InputError("at least one mask file", "none", field="--source")
    _check_new(output, force=force)


def _check_new(output: Path, *, force: bool) -> None:
    if output.exists() and not force:
        raise InputError("a new folder", "one that exists", file=output, hint="pass --force to replace it")


def _recipe_folder() -> Path:
    return Path(__file__).parents[1] / "training" / "recipes"


def _recipe(task: str, config: Path) -> Path:
    shipped = _recipe_folder() / f"{task}_{config}.toml"
    return shipped if not config.suffix and shipped.is_file() else config
