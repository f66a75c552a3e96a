"""Where the references of a query come from: given, found in the whole collection, or of other objects.

Found references are those of an index over all pictures, which is not told what belongs together; the query's own
picture does not count. With the crop protocol the collection is the modified UKBench, in which pictures are cropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deocclude.datasets.ukbench import Group, Query, write_modified
from deocclude.images import RGBArray, read_photo

if TYPE_CHECKING:
    from deocclude.references.index import Index

GIVEN, FOUND, STRANGERS = "given", "found", "strangers"
SOURCES = (GIVEN, FOUND, STRANGERS)
"""The other views of the object; what the index finds; pictures of other objects."""
MOST = 4
"""References that a query gets at most."""


def strangers(query: Query, groups: Sequence[Group], seed: int) -> Query:
    """Return a query with as many pictures of other objects as references, drawn at random."""
    rng = np.random.default_rng((seed, *query.key.encode()))
    others = [path for group in groups if group.key != query.key for path in group.paths]
    chosen = [others[int(row)] for row in rng.choice(len(others), min(len(others), 3), replace=False)]
    return _with(query, chosen)


def found(query: Query, plain: RGBArray, index: Path) -> Query:
    """Return a query with the references that an index finds for what is visible of it.

    Args:
        query: whose references are replaced.
        plain: uint8 [h, w, 3], the query filled, so that nothing hidden is looked at.
        index: folder of the index.

    Raises:
        InputError: no index there, or it is damaged, or a picture has gone.
    """
    from deocclude.references.query import query_photo
    from deocclude.references.search import search

    opened = _opened(index)
    # Told to the search, not taken out of its answer: what the whole picture resembles must not be followed either.
    own = {path for path in (opened.path(picture) for _, _, picture in opened.pictures()) if path.stem == query.key}
    answer = search(opened, query_photo(plain, query.usable), without=own)
    paths = [one.hit.path for one in answer.references]
    return _with(query, list(dict.fromkeys(paths))[:MOST])


def build_collection(groups: Sequence[Group], folder: Path, protocol: str, seed: int) -> Path:
    """Make, or bring up to date, the index that :func:`found` asks, and return its folder.

    Args:
        groups: of the whole collection.
        folder: to write the index to, and for the crop protocol the modified pictures.
        protocol: what is hidden.
        seed: of the crops.

    Raises:
        InputError: a picture cannot be read, or another process makes the same index.
        OutputError: the folder cannot be written.
    """
    from deocclude.references.update import build

    if protocol == "crop":
        collection = folder / "modified"
        if not (collection / "modified.json").is_file():
            write_modified(groups, collection, seed)
        pictures = [collection / "train"]
    else:
        pictures = [path for group in groups for path in group.paths]
    index = folder / ("index-crop" if protocol == "crop" else "index")
    build(index, pictures)
    return index


@cache
def _opened(index: Path) -> Index:
    from deocclude.references.index import Index

    return Index(index)


def _with(query: Query, paths: Sequence[Path]) -> Query:
    pictures = tuple(read_photo(path, convert=True).pixels for path in paths)
    return replace(query, references=pictures, sources=tuple(path.stem for path in paths))
