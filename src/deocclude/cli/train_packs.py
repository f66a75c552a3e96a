"""The commands that pack training data: train pack, pack-photos, pack-answers, pack-scenes, pack-pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter, validators

from deocclude.cli import console
from deocclude.cli.options import WHOLE, Count, Positive, Several
from deocclude.errors import InputError

Output = Annotated[Path, Parameter(help="Pack folder to write.")]
Sources = Annotated[tuple[Path, ...], Several, Parameter(name="--source", help="Mask files, any format.")]


def register(group: App) -> None:
    """Add the commands to ``group``."""
    group.command(pack)
    group.command(pack_photos, name="pack-photos")
    group.command(pack_answers, name="pack-answers")
    group.command(pack_scenes, name="pack-scenes")
    group.command(pack_pairs, name="pack-pairs")


def pack(
    output: Output,
    sources: Sources,
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

    _check_new(output, force=force)
    count = pack_sources(sources, output, PackSettings(crop_size=crop_size), shapes=shapes, order=order)
    console.say_written(output, f"{count} objects")


def pack_photos(
    output: Output,
    sources: Sources,
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

    _check_new(output, force=force)
    count = pack_all(sources, output, PhotoPackSettings(side=side, quality=quality))
    console.say_written(output, f"{count} objects")


def pack_answers(
    output: Output,
    sources: Sources,
    *,
    order: str = "pcnet-m",
    amodal_method: str = "pcnet-m",
    force: bool = False,
) -> None:
    """Pack objects of photos with what the mask network says of them, for the network that looks at the photo.

    Args:
        output: pack folder to write; 30 kB an object.
        sources: mask files or folders in any format that 'run' reads; the photos lie beside them or in images/.
        order: ordering method that is asked which masks may hide an object.
        amodal_method: method that is asked for its whole shape; one that needs no photo.
        force: replace a pack that is there.
    """
    from deocclude.training.sources import pack_answers as pack_all

    _check_new(output, force=force)
    count = pack_all(sources, output, order=order, amodal=amodal_method)
    console.say_written(output, f"{count} objects")


def pack_scenes(
    output: Output,
    sources: Sources = (),
    *,
    solids: Count = 3000,
    boards: Count = 0,
    seed: Count = 0,
    force: bool = False,
) -> None:
    """Make up scenes whose whole shapes are known, for the mask network ('scenes' of a recipe).

    Args:
        output: pack folder to write.
        sources: mask files or folders in any format that 'run' reads, for cut-outs.
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
    output: Output,
    sources: Sources,
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

    _check_new(output, force=force)
    count = pack_all(sources, output, PairScenes(composites, solids, boards, seed=seed))
    console.say_written(output, f"{count} pairs")


def _check_new(output: Path, *, force: bool) -> None:
    if output.exists() and not force:
        raise InputError("a new folder", "one that exists", file=output, hint="pass --force to replace it")
