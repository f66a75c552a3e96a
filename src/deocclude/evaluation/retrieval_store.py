"""What was found out about queries, kept in a folder: a rerun extracts and matches nothing twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from deocclude.files import atomic_file, write_text
from deocclude.geometry import Size
from deocclude.references.features import Features, from_bytes, to_bytes
from deocclude.references.query import Query

VERSION = 1
"""Rises when what is kept means something else."""

Measures = dict[str, Any]
"""What verification measured of each picture, by its path."""


class Store:
    """A folder with the features of queries, and with what verification measured of their candidates."""

    def __init__(self, folder: Path, features: Any, verifying: Any) -> None:
        """Use a folder.

        Args:
            folder: made where needed.
            features: everything that features depend on, as a value whose ``repr`` tells it from others.
            verifying: what else measures depend on, likewise.
        """
        self.folder = folder
        self._about = {".npz": f"{VERSION} {features!r}", ".json": f"{VERSION} {features!r} {verifying!r}"}

    def query(self, key: str, make: Callable[[], Query]) -> Query:
        """Return a query from the folder; it is made and kept where it is not there yet."""
        path = self._path(key, ".npz")
        with suppress(OSError, ValueError, KeyError, EOFError, BadZipFile):  # not there, or damaged
            return _read_query(path)
        _write_query(path, make())
        return _read_query(path)

    def measures(self, key: str) -> Measures:
        """Return what was kept of a query's candidates."""
        with suppress(OSError, ValueError, TypeError):  # not there, or damaged
            return dict(json.loads(self._path(key, ".json").read_text(encoding="utf-8")))
        return {}

    def keep(self, key: str, measures: Mapping[str, Any]) -> None:
        """Keep what was measured of a query's candidates."""
        write_text(self._path(key, ".json"), json.dumps(measures))

    def _path(self, key: str, suffix: str) -> Path:
        digest = hashlib.sha256(f"{self._about[suffix]} {key}".encode()).hexdigest()[:24]
        return self.folder / digest[:2] / f"{digest}{suffix}"


def _write_query(path: Path, query: Query) -> None:
    found = query.features
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as part, part.open("wb") as file:
        np.savez(
            file, points=found.points, scales=found.scales, angles=found.angles, size=np.array(found.size),
            descriptors=to_bytes(found.descriptors), colours=query.colours,
        )  # fmt: skip


def _read_query(path: Path) -> Query:
    with np.load(path, allow_pickle=False) as file:
        size = Size(*(int(side) for side in file["size"]))
        descriptors = from_bytes(file["descriptors"])
        features = Features(file["points"], file["scales"], file["angles"], descriptors, size)
        return Query(features, file["colours"])
