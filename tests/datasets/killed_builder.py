"""Builds a reference data set of dummy shards again and again in processes that are killed at random moments.

Run as ``python killed_builder.py FOLDER VIEWS KILLS``; prints what it saw as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from deocclude.datasets import reference_building
from deocclude.datasets.reference_building import build_reference_dataset
from deocclude.datasets.reference_dataset import read_reference_dataset
from deocclude.datasets.reference_making import ShardJob
from deocclude.datasets.reference_plan import BuildSettings
from deocclude.datasets.reference_shards import encode_shard
from deocclude.errors import InputError

SETTINGS = BuildSettings(shard=1, align=False, kinds=("none",))


def quick_shard(job: ShardJob) -> bytes:
    """Return a shard of many bytes without an object."""
    time.sleep(0.003)
    about = {"number": job.number, "fingerprint": job.fingerprint, "side": 128, "failures": {}, "missing": {}}
    return encode_shard([], {**about, "ballast": str(job.number) * 200_000})


def build(folder: Path, views: Path) -> None:
    reference_building.make_shard = quick_shard
    build_reference_dataset([views], folder, SETTINGS)


def killed(folder: Path, views: Path, delay: float) -> None:
    child = os.fork()
    if child == 0:
        build(folder, views)
        os._exit(0)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def main(folder: Path, views: Path, kills: int) -> None:
    build(folder / "whole", views)
    started = time.monotonic()
    build(folder / "timed", views)
    seconds = time.monotonic() - started
    chance, refusals, most = random.Random(0), set(), 0
    for number in range(kills):
        target = folder / f"killed{number // 5}"
        killed(target, views, chance.uniform(0.2, 1.1) * seconds)
        most = max(most, len(list(target.glob(".*"))) if target.is_dir() else 0)
        try:
            read_reference_dataset(target)
        except InputError as error:
            refusals.add(error.expected)
    same = []
    for target in sorted(folder.glob("killed*")):
        build(target, views)
        same.append(contents(target) == contents(folder / "whole"))
    print(json.dumps({"same": same, "refusals": sorted(refusals), "debris": most}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
