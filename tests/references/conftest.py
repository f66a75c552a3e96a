"""A small vocabulary, a collection of pictures, and an index of it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from reference_pictures import PHOTOS, QUICK, photo

from deocclude.references.features import extract
from deocclude.references.update import IndexSettings, build
from deocclude.references.vocabulary import TrainingSettings, train_vocabulary


@pytest.fixture(scope="session")
def vocabulary_path(tmp_path_factory) -> Path:
    """A vocabulary of 400 words."""
    described = [extract(photo(name), settings=QUICK).descriptors for name in (*PHOTOS, "retina")]
    path = tmp_path_factory.mktemp("vocabulary") / "small.npz"
    train_vocabulary(described, TrainingSettings(words=400, iterations=4)).save(path)
    return path


@pytest.fixture
def options(vocabulary_path) -> IndexSettings:
    return quick_options(vocabulary_path)


def quick_options(vocabulary_path: Path) -> IndexSettings:
    return IndexSettings(vocabulary=vocabulary_path, features=QUICK, batch=2)


@pytest.fixture(scope="session")
def library(tmp_path_factory, vocabulary_path) -> Path:
    """A folder of photos with a folder in it, and its index."""
    folder = tmp_path_factory.mktemp("library") / "collection"
    (folder / "deeper").mkdir(parents=True)
    for number, name in enumerate(PHOTOS):
        Image.fromarray(photo(name)).save(folder / ("deeper" if number > 3 else ".") / f"{name}.png")
    build(folder / ".index", [folder], quick_options(vocabulary_path))
    return folder


@pytest.fixture
def collection(library, tmp_path) -> Path:
    """A copy of the folder of photos, free to be changed."""
    return Path(shutil.copytree(library, tmp_path / "collection"))


@pytest.fixture
def built(collection) -> Path:
    """The index of the collection, beside its pictures."""
    return collection / ".index"
