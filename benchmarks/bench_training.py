"""Rates of mask training: samples made, and samples trained on, for each second of processor time.

Run with one thread: ``python benchmarks/bench_training.py [PACK]``; without a pack, random shapes are packed first.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from deocclude.nets.unet import UNet
from deocclude.training.devices import keep_heap
from deocclude.training.erasing import EraserSampler
from deocclude.training.losses import weighted_cross_entropy
from deocclude.training.objects import PackedObjects
from deocclude.training.packing import open_pack
from deocclude.training.reference_erasing import ReferenceSampler
from deocclude.training.sources import pack_sources

SIZES = ((64, 32), (96, 24), (128, 16))


def rate(work: Callable[[], object], samples: int, repeats: int = 6) -> float:
    work()
    began = time.process_time()
    for _ in range(repeats):
        work()
    return samples * repeats / (time.process_time() - began)


def sampling(sampler: EraserSampler | ReferenceSampler, size: int, count: int) -> float:
    return rate(lambda: sampler.sample(count, size, 0), count)


def learning(objects: PackedObjects, size: int, count: int) -> float:
    net = UNet(1.0, 3).to(memory_format=torch.channels_last)
    batch = EraserSampler(objects).sample(count, size, 0)
    inputs = batch.inputs(3).contiguous(memory_format=torch.channels_last)
    return rate(lambda: weighted_cross_entropy(net(inputs), batch.target, batch.weight).backward(), count)


def main(pack: Path) -> None:
    keep_heap()
    torch.set_num_threads(1)
    objects = PackedObjects(open_pack(pack), validation=False)
    for size, count in SIZES:
        print(f"{size} px, per second: {sampling(EraserSampler(objects), size, count):.0f} samples made, ", end="")
        print(f"{sampling(ReferenceSampler(objects), size, count):.0f} of the published kind, ", end="")
        print(f"{learning(objects, size, count):.0f} trained on")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            pack_sources([], Path(folder) / "pack", shapes=300)
            main(Path(folder) / "pack")
