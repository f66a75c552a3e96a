"""How retrieval is measured: queries, scores by hand, a small collection from end to end, and a rerun that is cheap."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from deocclude.datasets.retrieval import KINDS, Case, Collection, chosen_photos, open_collection, part
from deocclude.errors import InputError
from deocclude.evaluation import retrieval_bench
from deocclude.evaluation.retrieval import Place, Result, measure, tables
from deocclude.evaluation.retrieval_bench import Bench, prepare, questions
from deocclude.evaluation.retrieval_files import write_results
from deocclude.evaluation.retrieval_store import Store
from deocclude.geometry import Size
from deocclude.references.entries import EntrySettings
from deocclude.references.features import Features, FeatureSettings
from deocclude.references.query import Query
from deocclude.references.search import SearchSettings
from deocclude.references.update import IndexSettings

QUICK = IndexSettings(
    features=FeatureSettings(count=500, smallest_side=200, largest_side=320), entries=EntrySettings(grid=2)
)
OBJECTS = ("coffee", "chelsea", "rocket")


@pytest.fixture(scope="module")
def views(tmp_path_factory) -> Path:
    """Four turned views of three photos, in UKBench order."""
    folder = tmp_path_factory.mktemp("objects") / "views"
    folder.mkdir()
    for number, name in enumerate(OBJECTS):
        image = Image.fromarray(getattr(skimage.data, name)())
        image.thumbnail((260, 260))
        for turn in range(4):
            view = image.rotate(5 * turn, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128))
            view.crop((4 * turn, 0, 240, 165)).save(folder / f"view{4 * number + turn:03d}.png")
    return folder


@pytest.fixture(scope="module")
def bench(views, tmp_path_factory) -> Bench:
    work = tmp_path_factory.mktemp("work")
    prepare(work, [views], QUICK)
    return Bench(work, SearchSettings(shortlist=12))


def test_cases_of_both_layouts(views, tmp_path):
    found = open_collection(views)
    assert (len(found.cases), found.views, found.partial) == (12, 4, True)
    first = found.cases[0]
    assert {path.name for path in first.answers} == {"view001.png", "view002.png", "view003.png"}
    for place in ("Reference", "Phone"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "1.png").write_bytes((views / "view000.png").read_bytes())
    clean = open_collection(tmp_path)
    assert clean.cases == (Case("1", tmp_path / "Phone/1.png", frozenset({tmp_path / "Reference/1.png"})),)
    assert (clean.pictures, clean.partial) == (tmp_path / "Reference", False)
    (tmp_path / "Phone/2.png").write_bytes(b"")
    with pytest.raises(InputError, match="same name in Reference"):
        open_collection(tmp_path)


def test_photos_are_named_as_an_index_names_them(views):
    roundabout = open_collection(views / ".." / views.name)
    assert roundabout.cases == open_collection(views).cases


def test_some_photos_of_each_object(views):
    whole = open_collection(views)
    asked = [one.case.photo.stem for one in questions(whole, ["whole"], views=1)]
    assert asked == ["view000", "view005", "view010"], "another view of each object"
    two = [one.case.photo.stem for one in questions(whole, ["whole"], views=2)]
    assert two == ["view000", "view001", "view005", "view006", "view010", "view011"]
    assert sorted(chosen_photos(whole.cases, 0), key=lambda case: case.photo) == list(whole.cases)


def test_parts_have_the_stated_share_and_depend_on_the_seed(views):
    photo = views / "view001.png"
    area = np.prod(part(photo, "whole")[0].shape[:2])
    for kind, share in (("crop 50 %", 0.5), ("crop 25 %", 0.25), ("crop 12 %", 0.12)):
        pixels, use = part(photo, kind)
        assert use is None
        assert np.prod(pixels.shape[:2]) / area == pytest.approx(share, rel=0.03)
        assert np.array_equal(pixels, part(photo, kind)[0])
        assert not np.array_equal(pixels, part(photo, kind, seed=1)[0])
    pixels, use = part(photo, "hole 22 %")
    assert use is not None
    assert (~use).mean() == pytest.approx(0.22, rel=0.03)


def test_scores_by_hand():
    case = Case("a", Path("a0"), frozenset({Path("a1"), Path("a2"), Path("a3")}))

    def places(text):
        return tuple(Place(Path(one), 0.9 if one[0] == "a" else 0.1, one[0] == "a") for one in text.split())

    collection = Collection("toy", Path(), (case,), 4)
    results = [
        Result(case, "whole", {"all": places("a1 b0 a2 a3")}, {"all": 3}, (3, 3), 0.1, 0.5),
        Result(case, "crop 12 %", {"all": places("b0 a1 b1 a2")}, {}, (1, 2), 0.7, 0.5),
    ]
    found, none = tables(results, collection, samples=0)
    row = found.rows[0]
    values = {name: cell.value for name, cell in row.items() if name != "row"}
    assert values == pytest.approx(
        {"N-S": 3, "first, whole": 1, "top 3, whole": 2 / 3, "first, crop 12 %": 0, "top 3, crop 12 %": 1 / 3}
    )
    last = none.rows[-1]
    assert (last["queries"], last["kept"].value, last["kept, all"].value, last["false"].value) == ("all", 1, 0.8, 0.5)


def test_a_small_collection(bench, views, tmp_path):
    collection = open_collection(views)
    asked = questions(collection, ("whole", "crop 25 %"), skip=1, limit=1)
    assert {one.case.group for one in asked} == {"view004"}
    rows = ("colours", "words", "words + verification", "all")
    told = []
    results = measure(bench, asked, rows, progress=told.append)
    assert told == list(range(1, 9))
    found = tables(results, collection, samples=20)
    line = {row["row"]: row for row in found[0].rows}
    assert line["all"]["N-S"].value == 4
    assert line["all"]["first, whole"].value == 1
    assert line["all"]["first, crop 25 %"].value >= 0.75
    assert found[1].rows[-1]["false"].value == 0
    write_results(tmp_path / "out", results, found, ("a note",))
    content = json.loads((tmp_path / "out/retrieval.json").read_text())
    assert len(content["queries"]) == 8
    assert "a note" in content["about"]
    assert "words + verification" in (tmp_path / "out/retrieval.md").read_text()
    assert Image.open(tmp_path / "out/sheet.png").height > 8 * 130


def test_a_rerun_looks_at_nothing_twice(bench, views, monkeypatch):
    asked = questions(open_collection(views), ("hole 22 %",), limit=1)
    first = measure(bench, asked, ("all",))

    def never(*arguments, **options):
        raise AssertionError("looked at again")

    monkeypatch.setattr(retrieval_bench, "verified", never)
    monkeypatch.setattr(retrieval_bench, "part", never)
    assert measure(Bench(bench.index.folder.parent, bench.settings), asked, ("all",)) == first


def test_what_cannot_be_measured(bench, views):
    asked = questions(open_collection(views), limit=1)
    assert len(asked) == 4 * len(KINDS)
    with pytest.raises(InputError, match="one of"):
        measure(bench, asked, ("sounds",))
    with pytest.raises(InputError, match="at least one query"):
        measure(bench, [], ("all",))


def test_what_is_damaged_in_a_store_is_found_out_again(tmp_path):
    store = Store(tmp_path, "features", "verifying")
    asked = Query(
        Features(
            np.ones((2, 2), np.float32), np.ones(2, np.float32), np.zeros(2, np.float32),
            np.ones((2, 128), np.float32) / np.float32(128**0.5), Size(4, 5),
        ),
        np.zeros(3, np.uint8),
    )  # fmt: skip
    store.keep("a", {"picture": [1]})
    assert len(store.query("a", lambda: asked).features.points) == 2
    for path in tmp_path.rglob("*.*"):
        path.write_bytes(path.read_bytes()[:10])
    assert store.measures("a") == {}
    made = []
    store.query("a", lambda: made.append(1) or asked)
    store.query("a", lambda: made.append(2) or asked)
    assert made == [1]
