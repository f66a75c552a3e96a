"""Speed of ordering by dual completion: the reference's single 256 px patches against one batched pass.

    python benchmarks/bench_order.py [--scenes 12] [--threads 1]

Synthetic scenes, the bundled network (or one with random weights: the time is the same), float32. "Batched" is what
``pcnet-m`` does: all pairs of a scene in one pass of smaller patches, outline cues included. The last row shows what
bfloat16 gives where the processor computes in it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from deocclude.adjacency import touching_pairs
from deocclude.crops import reference_square
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.nets.completer import MaskCompleter, Question
from deocclude.nets.unet import UNet
from deocclude.ordering.dual_completion import CompletionOrderSettings, measure_pairs
from deocclude.scene import Scene
from deocclude.weights import bundled_path

Pairs = list[tuple[int, int]]


def one_by_one(scene: Scene, pairs: Pairs, completer: MaskCompleter) -> None:
    """Ask as the reference does: a patch of 256 px for each direction of each pair, one after the other."""
    masks = scene.modal
    for i, j in pairs:
        for target, eraser in ((i, j), (j, i)):
            question = Question(masks[target], masks[eraser], reference_square(masks[target].box))
            completer.answer([question], size=256, resampling="nearest")


def batched(scene: Scene, pairs: Pairs, completer: MaskCompleter) -> None:
    """Ask everything at once and measure the outlines, as ``pcnet-m`` does."""
    measure_pairs(scene, pairs, completer, CompletionOrderSettings())


def batched_bfloat16(scene: Scene, pairs: Pairs, completer: MaskCompleter) -> None:
    """Ask everything at once, in bfloat16."""
    with torch.autocast("cpu", torch.bfloat16):
        measure_pairs(scene, pairs, completer, CompletionOrderSettings())


def seconds(run: Callable[[Scene, Pairs, MaskCompleter], None], work: Sequence[tuple[Scene, Pairs]]) -> list[float]:
    """Return the time for each scene; the first is done once more before, to warm up."""
    completer = MaskCompleter() if bundled_path("pcnet-m").is_file() else MaskCompleter(net=UNet(1.0, 3).eval())
    run(*work[0], completer)
    taken = []
    for scene, pairs in work:
        start = time.perf_counter()
        run(scene, pairs, completer)
        taken.append(time.perf_counter() - start)
    return taken


def has_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16."""
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and any(name in flags.read_text() for name in ("avx512_bf16", "amx_bf16", "bf16"))


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    settings = SyntheticSettings(width=640, height=480, objects=(6, 14), noise=0.0, shadows=0.0)
    scenes = [generate(settings, (7, number)).scene for number in range(given.scenes)]
    work = [(scene, touching_pairs(scene.modal, 6)) for scene in scenes]
    count = sum(len(pairs) for _, pairs in work)
    rows = [("reference, one by one", one_by_one), ("batched", batched)]
    if has_bfloat16():
        rows.append(("batched, bfloat16", batched_bfloat16))
    print(f"{given.scenes} scenes, {count} pairs, {given.threads} threads, float32 unless it says otherwise\n")
    print("| | pairs/s | images/s | median ms an image | times faster |")
    print("|---|---:|---:|---:|---:|")
    first = 0.0
    for name, run in rows:
        taken = seconds(run, work)
        first = first or sum(taken)
        print(
            f"| {name} | {count / sum(taken):.1f} | {len(work) / sum(taken):.2f} "
            f"| {1000 * statistics.median(taken):.0f} | {first / sum(taken):.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
