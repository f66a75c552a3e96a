"""Speed of content completion: fills a second of 256x256 patches, against the shape of the reference's network.

    python benchmarks/bench_content.py [--fills 12] [--threads 1]

Everything in float32, in one run, the rows in turn so that a busy machine slows all alike. The reference squeezes each
object into a 256x256 patch and passes it alone through its partial-convolution U-Net of 25.78 million parameters. Ours
is the bundled network (or an untrained one: the time is the same): the bare pass, and the painter ``pcnet-c`` with all
that belongs to it (windows, scales, mixing, confidence) on patches of which a tenth or a third is hidden.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from deocclude.content.patch import Patch
from deocclude.content.pcnet_c import PCNetC
from deocclude.nets.content_net import ContentNet
from deocclude.nets.gated import GatedUNet
from deocclude.nets.partial_conv import PartialConvUNet
from deocclude.weights import bundled_path

SIDE = 256
Work = Callable[[list[Patch]], object]


def object_shape(seed: int, share: float) -> NDArray[np.bool_]:
    """Return a smooth random blob that covers ``share`` of a patch."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)), (0, 0), SIDE / 12)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - rng.uniform(0.4, 0.6, (2, 1, 1))
    height = 0.5 * noise / noise.std() - (x**2 + y**2) / 0.09
    return height > np.quantile(height, 1 - share)


def patches(count: int, share: float) -> list[Patch]:
    """Return patches with a hole; the left part of what is seen is context, the rest the object's own."""
    found = []
    for seed in range(count):
        rgb = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        hole = object_shape(seed, share)
        own = ~hole
        own[:, : SIDE // 4] = False
        found.append(Patch(rgb, hole, own, seed, ~hole & ~own))
    return found


def planes_of(patch: Patch) -> NDArray[np.float32]:
    """Return the input of a network, float32 [6, 256, 256]."""
    seen = ~patch.hole
    masks = np.stack([seen, patch.evidence, patch.hole]).astype(np.float32)
    return np.concatenate([patch.rgb.transpose(2, 0, 1) / np.float32(255) * masks[:1], masks])


def bare(net: ContentNet, *, together: bool) -> Work:
    """Return the pass of whole patches through a network, one by one or in one batch."""

    def work(given: list[Patch]) -> object:
        planes = [planes_of(patch) for patch in given]
        return net.paint(planes) if together else [net.paint([one]) for one in planes]

    return work


def measure(rows: dict[str, tuple[Work, list[Patch]]], rounds: int, clock: Callable[[], float]) -> dict[str, float]:
    """Return the median seconds a fill of each row; the rows take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in rows}
    for number in range(rounds + 1):
        for name, (work, given) in rows.items():
            start = clock()
            work(given)
            if number:
                seconds[name].append((clock() - start) / len(given))
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fills", type=int, default=12, help="patches a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--processor-time", action="store_true", help="on a busy machine, with one thread")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    cv2.setNumThreads(given.threads)
    reference = ContentNet(net=PartialConvUNet().to(memory_format=torch.channels_last))
    trained = bundled_path("pcnet-c").is_file()
    ours = ContentNet() if trained else ContentNet(net=GatedUNet().to(memory_format=torch.channels_last))
    painter = PCNetC(net=ours)
    small, large = patches(given.fills, 0.1), patches(given.fills, 0.33)
    rows: dict[str, tuple[Work, list[Patch]]] = {
        "reference shape, batch 1": (bare(reference, together=False), small),
        "reference shape, one batch": (bare(reference, together=True), small),
        "our network, batch 1": (bare(ours, together=False), small),
        "our network, one batch": (bare(ours, together=True), small),
        "painter, a tenth hidden, one by one": (lambda every: [painter(one) for one in every], small),
        "painter, a tenth hidden, together": (painter.paint_many, small),
        "painter, a third hidden, one by one": (lambda every: [painter(one) for one in every], large),
        "painter, a third hidden, together": (painter.paint_many, large),
    }
    seconds = measure(rows, given.rounds, time.process_time if given.processor_time else time.perf_counter)
    kind = "bundled weights" if trained else "untrained"
    clock = "processor" if given.processor_time else "wall"
    print(f"{given.fills} patches of {SIDE}x{SIDE}, {given.threads} threads, float32, {kind}, {clock} time\n")
    print("| | fills/s | ms a fill | times faster |")
    print("|---|---:|---:|---:|")
    first = next(iter(seconds.values()))
    for name, taken in seconds.items():
        print(f"| {name} | {1 / taken:.1f} | {1000 * taken:.1f} | {first / taken:.1f} |")


if __name__ == "__main__":
    main()
