"""A vocabulary from a collection of picture files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.references.collection import find_pictures
from deocclude.references.extraction import Skipped, read_or_skip
from deocclude.references.features import FeatureSettings, extract, from_bytes, to_bytes
from deocclude.references.vocabulary import TrainingSettings, Vocabulary, train_vocabulary


def learn_vocabulary(
    folders: Sequence[Path],
    settings: TrainingSettings | None = None,
    *,
    features: FeatureSettings | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Vocabulary, list[Skipped]]:
    """Train visual words on the pictures of folders.

    Args:
        folders: folders with pictures (searched to any depth), or picture files.
        settings: of the training.
        features: how features are extracted.
        processes: pictures looked at at a time; -1 for one a core.
        progress: called with the number of pictures looked at, and of all.

    Returns:
        The vocabulary, and the files that could not be read.

    Raises:
        InputError: a folder is not there, or its pictures have fewer descriptors than words are asked for.
    """
    import joblib

    settings, features = settings or TrainingSettings(), features or FeatureSettings()
    paths = find_pictures(folders)
    jobs = (joblib.delayed(_describe)(path, features, settings.per_picture) for path in paths)
    described, skipped = list[NDArray[np.uint8]](), list[Skipped]()
    for done, result in enumerate(joblib.Parallel(n_jobs=processes, return_as="generator")(jobs), 1):
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            described.append(result)
        progress(done, len(paths))
    about = {"folders": [folder.name for folder in folders]}
    return train_vocabulary([from_bytes(stored) for stored in described], settings, about), skipped


def _describe(path: Path, features: FeatureSettings, count: int) -> NDArray[np.uint8] | Skipped:
    import cv2

    cv2.setNumThreads(1)
    pixels = read_or_skip(path)
    return pixels if isinstance(pixels, Skipped) else to_bytes(extract(pixels, settings=features).descriptors[:count])
