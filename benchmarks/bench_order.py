"""Speed of order and whole shapes of a photo: the reference's single 256 px patches against batched passes.

    python benchmarks/bench_order.py [--scenes 4] [--objects 20] [--threads 1]

Synthetic scenes, the bundled network (or one with random weights: the time is the same). "Batched" is what
``pcnet-m`` does: all pairs of a scene in one pass of smaller patches, then all hidden objects in another, outline cues
and post-processing included. bfloat16 helps only where the processor multiplies in it; the table says whether it does.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from deocclude.adjacency import touching_pairs
from deocclude.amodal.pcnet_m import complete_by_network
from deocclude.crops import reference_square
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.masks import union
from deocclude.nets.completer import MaskCompleter, Question
from deocclude.nets.unet import UNet
from deocclude.ordering.dual_completion import order_by_completion
from deocclude.ordering.graph import OrderGraph
from deocclude.scene import Scene
from deocclude.weights import bundled_path

Work = tuple[Scene, OrderGraph]
"""A scene and its true order, by which whole shapes are grown: both ways complete the same objects."""


def one_by_one(work: Work, completer: MaskCompleter) -> None:
    """Ask as the reference does: patches of 256 px one after the other, two a pair, then one an object."""
    scene, graph = work
    masks = scene.modal
    for i, j in touching_pairs(masks, 1, shape="cross"):
        for target, eraser in ((i, j), (j, i)):
            question = Question(masks[target], masks[eraser], reference_square(masks[target].box))
            completer.answer([question], size=256, resampling="nearest")
    for item in scene.instances:
        hiders = union((scene[identity].modal for identity in graph.ancestors(item.id)), scene.size)
        completer.answer([Question(item.modal, hiders, reference_square(item.modal.box))], size=256)


def batched(work: Work, completer: MaskCompleter) -> None:
    """Ask all pairs, then all hidden objects, as ``pcnet-m`` does."""
    scene, graph = work
    order_by_completion(scene, completer=completer)
    complete_by_network(scene, graph, completer=completer)


def batched_bfloat16(work: Work, completer: MaskCompleter) -> None:
    """The same in bfloat16."""
    with torch.autocast("cpu", torch.bfloat16):
        batched(work, completer)


def seconds(run: Callable[[Work, MaskCompleter], None], listed: Sequence[Work]) -> list[float]:
    """Return the time for each scene; the first is done once more before, to warm up."""
    completer = MaskCompleter() if bundled_path("pcnet-m").is_file() else MaskCompleter(net=UNet(1.0, 3).eval())
    run(listed[0], completer)
    taken = []
    for work in listed:
        start = time.perf_counter()
        run(work, completer)
        taken.append(time.perf_counter() - start)
    return taken


def true_graph(scene: Scene) -> OrderGraph:
    """Return the graph of the order that a synthetic scene states."""
    ids = scene.ids
    matrix = np.zeros((len(ids), len(ids)), np.int8)
    for front, behind in scene.order_truth or ():
        matrix[ids.index(front), ids.index(behind)] = 1
    return OrderGraph.from_matrix(ids, matrix)


def has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16."""
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and any(name in flags.read_text() for name in ("avx512_bf16", "amx_bf16", "bf16"))


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=4)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    objects = (given.objects, given.objects)
    settings = SyntheticSettings(width=640, height=480, objects=objects, noise=0.0, shadows=0.0)
    scenes = [generate(settings, (7, number)).scene for number in range(given.scenes)]
    work = [(scene, true_graph(scene)) for scene in scenes]
    pairs = sum(len(touching_pairs(scene.modal, 1, shape="cross")) for scene in scenes)
    print(
        f"{given.scenes} scenes of {given.objects} objects, {pairs} touching pairs, {given.threads} threads; ", end=""
    )
    print(f"the processor {'multiplies' if has_bfloat16() else 'does not multiply'} in bfloat16\n")
    print("| | images/s | median ms an image | times faster |")
    print("|---|---:|---:|---:|")
    rows = [("reference, one by one", one_by_one), ("batched", batched), ("batched, bfloat16", batched_bfloat16)]
    first = 0.0
    for name, run in rows:
        taken = seconds(run, work)
        first = first or sum(taken)
        print(
            f"| {name} | {len(work) / sum(taken):.2f} | {1000 * statistics.median(taken):.0f} "
            f"| {first / sum(taken):.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
