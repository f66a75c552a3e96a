"""Contests whose truth is known, for fitting: photos' own objects, hidden in part on purpose."""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.content.choose import available
from deocclude.content.contest import Contest, hold
from deocclude.content.fill import hidden_patch
from deocclude.datasets.content_trials import make_trials
from deocclude.datasets.whole_objects import whole_objects

MOST = 12_000
"""Larger holes are left out: they take long and say little more."""


@dataclass(frozen=True, eq=False)
class Known:
    """A contest, what its patch truly shows (uint8 [h, w, 3]), and the photo it is from."""

    contest: Contest
    truth: NDArray[np.uint8]
    photo: str

    @property
    def hole(self) -> NDArray[np.bool_]:
        """The pixels to be painted."""
        return self.contest.patch.hole


def arguments(about: str, out: Path) -> argparse.ArgumentParser:
    """Return the options that both fitting tools have."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a data set with masks and photos, none that methods are scored with")
    parser.add_argument("--cases", type=int, default=240, help="objects to hide a part of")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--held-out", action="store_true", help="only photos that networks are not trained on")
    parser.add_argument("--cache", type=Path, help="file that keeps the contests; used if it is there")
    parser.add_argument("--output", type=Path, default=out)
    return parser


def known_contests(options: argparse.Namespace) -> list[Known]:
    """Let all candidates compete on objects of ``options.data``, or read what an earlier run has kept."""
    if options.cache is not None and options.cache.is_file():
        return list(pickle.loads(options.cache.read_bytes()))
    objects = whole_objects(options.data, validation=options.held_out)
    candidates, notes = available()
    for note in notes:
        print(note)
    found = []
    for trial in make_trials(objects, objects, limit=options.cases, seed=options.seed):
        if trial.hole.area > MOST:
            continue
        patch, box, _ = hidden_patch(trial.rgb, trial.modal, trial.hole, seed=trial.seed, occluders=trial.occluder)
        found.append(Known(hold(patch, candidates), trial.truth[box.slices], trial.photo_key))
        if options.cache is not None:
            options.cache.write_bytes(pickle.dumps(found))
    return found


def folds(known: Sequence[Known], count: int = 5) -> NDArray[np.int64]:
    """Return the fold of each contest; contests of one photo share theirs."""
    photos = sorted({item.photo for item in known})
    place = {photo: number % count for number, photo in enumerate(photos)}
    return np.array([place[item.photo] for item in known])


def mean_square(painted: NDArray[np.floating], truth: NDArray[np.uint8]) -> float:
    """Return the mean squared difference of colours [n, 3]."""
    return float(np.square(painted.astype(np.float64) - truth).mean())


def decibels(square: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return the PSNR of mean squared errors."""
    return np.asarray(10 * np.log10(255**2 / np.maximum(square, 0.01)))
