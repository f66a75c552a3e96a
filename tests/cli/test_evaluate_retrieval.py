"""The command evaluate retrieval."""

from __future__ import annotations

import json

import pytest
import skimage.data
from PIL import Image


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Four views of two photos, in UKBench order, and a distractor."""
    folder = tmp_path_factory.mktemp("views") / "objects"
    other = folder.parent / "others"
    folder.mkdir()
    other.mkdir()
    for number, name in enumerate(("coffee", "rocket")):
        image = Image.fromarray(getattr(skimage.data, name)())
        image.thumbnail((200, 200))
        for turn in range(4):
            image.rotate(4 * turn, Image.Resampling.BICUBIC).save(folder / f"{4 * number + turn:05d}.png")
    Image.fromarray(skimage.data.chelsea()[:200, :200]).save(other / "cat.png")
    (other / "broken.png").write_text("no picture")
    return folder


def test_tables_files_and_a_rerun(call, views, tmp_path):
    arguments = ("evaluate", "retrieval", views, "--distractors", views.parent / "others", "--kinds", "crop 50 %",
                 "--limit", 1, "--samples", 0, "--jobs", 1, "--work", tmp_path / "work")  # fmt: skip
    answer = call(*arguments, "-o", tmp_path / "out")
    assert answer.code == 0, answer.err
    assert "broken.png: left out" in answer.err
    assert "9 pictures searched: objects, others" in answer.out
    assert "words + verification" in answer.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["retrieval.json", "retrieval.md", "sheet.png"]
    assert call(*arguments, "-o", tmp_path / "out").code == 2, "nothing is replaced unasked"
    tables = json.loads(call(*arguments, "--json", "--row", "all").out)
    assert tables[0]["rows"][0]["first, crop 50 %"]["value"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "at least one data set"),
        (["{views}", "--limit", "-1"], "--limit"),
        (["{views}", "--kinds", "halves"], "crop 50 %"),
        (["{tmp}/none"], "no such folder"),
        (["{tmp}"], "pictures in UKBench order"),
    ],
)
def test_bad_input_is_one_line(call, views, tmp_path, arguments, said):
    given = [part.format(views=views, tmp=tmp_path) for part in arguments]
    answer = call("evaluate", "retrieval", *given, "--work", tmp_path / "work")
    assert answer.code == 2
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not (tmp_path / "work").exists()
