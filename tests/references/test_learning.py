"""A vocabulary from picture files."""

from __future__ import annotations

from reference_pictures import PHOTOS, QUICK

from deocclude import images
from deocclude.references.learning import learn_vocabulary
from deocclude.references.vocabulary import TrainingSettings


def test_a_picture_beyond_memory_is_left_out(library, monkeypatch):
    opened = images._opened

    def scarce(path, *rest, **options):
        if path.name == "coffee.png":
            raise MemoryError
        return opened(path, *rest, **options)

    monkeypatch.setattr(images, "_opened", scarce)
    trained, skipped = learn_vocabulary([library], TrainingSettings(words=50, iterations=2), features=QUICK)
    assert [(one.path.name, one.reason) for one in skipped] == [("coffee.png", "not enough memory")]
    assert trained.about["pictures"] == len(PHOTOS) - 1
