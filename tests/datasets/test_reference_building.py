"""Building a reference data set: what is in it, the same bytes by every way, interruptions, bad input."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import weakref
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deocclude.datasets.backends import Workers
from deocclude.datasets.reference_building import LOCK, Aids, build_reference_dataset, read_credits_table
from deocclude.datasets.reference_dataset import MANIFEST, PLAN, check_disjoint, read_reference_dataset, shard_name
from deocclude.datasets.reference_making import _picture
from deocclude.datasets.reference_plan import BuildSettings
from deocclude.datasets.reference_shards import open_shard
from deocclude.errors import InputError
from deocclude.files import only_writer
from deocclude.references.credit import Credit
from deocclude.references.update import build

SMALL = BuildSettings(side=48, objects=5, test_objects=2, test_share=0.4, shard=2, ways=1)


@pytest.fixture(scope="module")
def built(views_folder, masks_folder, tmp_path_factory) -> Path:
    """A small data set of views and of things with masks."""
    folder = tmp_path_factory.mktemp("built") / "set"
    report = build_reference_dataset([views_folder, masks_folder], folder, SMALL)
    assert sum(report.objects.values()) + sum(report.failures.values()) == report.considered
    return folder


@pytest.fixture
def copy(built, tmp_path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "set"))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def check_equal(first: Path, second: Path) -> None:
    """Refuse two folders that differ, and say in what."""
    one, two = files(first), files(second)
    assert sorted(one) == sorted(two)
    for name in one:
        if name.endswith(".refs") and one[name] != two[name]:
            headers = [open_shard(folder / name).header for folder in (first, second)]
            for a, b in zip(*(header["objects"] for header in headers), strict=True):
                assert a == b
        assert one[name] == two[name], f"{name}: the pictures differ"


def test_samples_are_what_they_say(built):
    data = read_reference_dataset(built, check=True)
    assert len(data) >= 12
    assert data.side == 48
    for row, sample in zip(data.rows, data, strict=True):
        assert (row.key, row.kind, row.split) == (sample.key, sample.kind, sample.split)
        assert sample.hole.any()
        assert not (sample.visible & sample.eraser).any()
        assert np.array_equal(sample.visible | sample.hole, sample.modal)
        assert (sample.predicted_amodal >= sample.visible).mean() > 0.99
        hidden = (sample.predicted_amodal | sample.modal) & sample.eraser
        far = ~_grown(hidden)
        assert np.array_equal(sample.predicted[far], sample.rgb[far]), "PCNet-C paints the hole only"
        assert np.array_equal(sample.rgb[~_grown(sample.eraser)], sample.truth[~_grown(sample.eraser)])
        assert (sample.predicted[sample.hole] != sample.rgb[sample.hole]).any()
        assert not sample.truth[~sample.inside].any()
        assert not sample.aligned[~sample.aligned_valid].any()
        assert not sample.reference[~sample.reference_valid].any()
        assert (sample.kind == "none") == (not sample.reference_valid.any())
        assert sample.aligned_valid.any() == (sample.alignment > 0)


def test_references_keep_to_the_scene_of_their_kind(built):
    data = read_reference_dataset(built)
    kinds = Counter(row.kind for row in data.rows)
    assert set(kinds) == {"other-view", "same-class", "unrelated", "none"}
    keys = {row.key for row in data.rows}
    assert kinds["none"] == kinds["unrelated"] == len(keys)
    splits = {}
    for row in data.rows:
        assert splits.setdefault(row.scene, row.split) == row.split
        if row.kind == "other-view":
            group = int(row.scene[-5:]) // 4
            assert int(row.reference_key[-9:-4]) // 4 == group
            assert row.reference_sha256 != row.photo_sha256
        if row.kind == "same-class":
            assert (row.source.startswith("http://example.org/"), row.licence) == (True, "CC BY")
        if row.kind in ("same-class", "unrelated"):
            assert not row.reference_key.startswith(row.scene)
    assert max(row.score for row in data.rows if row.kind == "other-view") > 0.5


def test_selecting(built):
    data = read_reference_dataset(built)
    test = data.select(split="test", kinds=("none",))
    assert {(row.split, row.kind) for row in test.rows} == {("test", "none")}
    assert len(data[:3]) == 3
    assert test[0].split == "test"
    with pytest.raises(InputError, match="split: expected one of test, train, validation, found 'tests'"):
        data.select(split="tests")
    with pytest.raises(InputError, match="kind of reference: expected one of"):
        data.select(kinds=("views",))


def test_the_same_bytes_by_processes_and_after_an_interruption(built, copy, views_folder, masks_folder, tmp_path):
    data = [views_folder, masks_folder]
    report = build_reference_dataset(data, tmp_path / "two", SMALL, workers=Workers("local", 2))
    check_equal(tmp_path / "two", built)
    assert report.made == len(list(built.glob("shard-*")))
    (copy / MANIFEST).unlink()
    (copy / shard_name(0)).unlink()
    (copy / shard_name(1)).write_bytes((copy / shard_name(1)).read_bytes()[:-7])
    (copy / f".{shard_name(2)}.x.part").write_bytes(b"half")
    assert build_reference_dataset(data, copy, SMALL).made == 2
    check_equal(copy, built)


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_the_same_bytes_on_ray(built, views_folder, masks_folder, tmp_path):
    command = [sys.executable, "-m", "deocclude", "build-dataset", views_folder, masks_folder, "-o",
               tmp_path / "ray", "--side", "48", "--objects", "5", "--test-objects", "2", "--test-share", "0.4",
               "--shard", "2", "--ways", "1", "--backend", "ray", "--processes", "2", "--json"]  # fmt: skip
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["made"] == len(list(built.glob("shard-*")))
    check_equal(tmp_path / "ray", built)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the test forks")
def test_killed_at_random_moments(views_folder, tmp_path):
    command = [sys.executable, Path(__file__).parent / "killed_builder.py", tmp_path, views_folder, "15"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["same"] == [True] * 3
    assert "a finished reference data set" in found["refusals"], "some were killed halfway"
    assert set(found["refusals"]) <= {"a finished reference data set", "a reference data set"}


def test_what_a_killed_process_left_is_cleared_away(built, copy, views_folder, masks_folder):
    for name in (MANIFEST, "plan.json"):
        (copy / f".{name}.x.part.json").write_bytes(b"half")
    build_reference_dataset([views_folder, masks_folder], copy, SMALL)
    check_equal(copy, built)


def test_two_builds_in_one_folder(copy, views_folder, masks_folder):
    """The second is refused in one line and touches nothing; when the first is over, it may."""
    before = files(copy)
    with only_writer(copy / LOCK, "a data set", ""):
        with pytest.raises(InputError) as error:
            build_reference_dataset([views_folder, masks_folder], copy, SMALL)
        assert {name: content for name, content in files(copy).items() if name != LOCK} == {
            name: content for name, content in before.items() if name != LOCK
        }
    assert str(error.value) == (
        f"{copy}: expected a data set that nobody changes, found one that process {os.getpid()} is changing; "
        "wait until it is done, or name another folder with -o"
    )
    build_reference_dataset([views_folder, masks_folder], copy, SMALL)
    assert files(copy) == before


def test_an_unfinished_set(copy):
    (copy / MANIFEST).unlink()
    count = len(list(copy.glob("shard-*")))
    (copy / shard_name(0)).unlink()
    with pytest.raises(InputError) as error:
        read_reference_dataset(copy)
    assert str(error.value) == (
        f"{copy}: expected a finished reference data set, found {count - 1} of {count} shards; "
        "run 'deocclude build-dataset' again with the same options to go on"
    )


def test_a_missing_cut_off_or_altered_shard(copy):
    path = copy / shard_name(1)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="expected a whole shard of a reference data set"):
        read_reference_dataset(copy)
    path.write_bytes(content[:-50] + bytes(50))
    read_reference_dataset(copy)
    with pytest.raises(InputError, match="expected the file that the manifest states, found one that was altered"):
        read_reference_dataset(copy, check=True)
    path.unlink()
    with pytest.raises(InputError, match=f"expected all shards of the manifest, found no {path.name}"):
        read_reference_dataset(copy)


def test_shards_of_another_build_or_version(copy):
    path = copy / shard_name(0)
    fingerprint = open_shard(path).header["fingerprint"]
    content = path.read_bytes()
    path.write_bytes(content.replace(fingerprint.encode(), b"0123456789abcdef", 1))
    with pytest.raises(InputError, match=rf"shard of this data set \({fingerprint}\), found one of another build"):
        read_reference_dataset(copy)
    path.write_bytes(content.replace(b'"version":1', b'"version":2', 1))
    with pytest.raises(InputError, match="version: expected version 1, found 2"):
        read_reference_dataset(copy)
    manifest = copy / MANIFEST
    manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 7'))
    with pytest.raises(InputError, match="version: expected version 1, found 7"):
        read_reference_dataset(copy)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"kind": "another"}', '{"kind": "deocclude reference data set"}',
     '{"kind": "deocclude reference data set", "version": 1, "settings": {"side": 8}, "fingerprint": "", "shards": 3}'],
)  # fmt: skip
def test_a_damaged_manifest(copy, content):
    (copy / MANIFEST).write_text(content)
    with pytest.raises(InputError, match="expected the manifest of a reference data set, found a damaged file"):
        read_reference_dataset(copy)


def test_no_data_set(tmp_path):
    with pytest.raises(InputError, match="expected a reference data set, found a folder without one"):
        read_reference_dataset(tmp_path)
    (tmp_path / PLAN).write_text("{")
    with pytest.raises(InputError, match="expected a finished reference data set, found 0 of an unknown number of"):
        read_reference_dataset(tmp_path)
    with pytest.raises(InputError, match="found no such folder; make one with 'deocclude build-dataset'"):
        read_reference_dataset(tmp_path / "none")


def test_other_options_are_refused_unless_forced(copy, views_folder, tmp_path):
    other = replace(SMALL, objects=1, test_objects=0, kinds=("none",))
    with pytest.raises(InputError, match=r"expected the data set that these options make .*pass --force to replace"):
        build_reference_dataset([views_folder], copy, other)
    read_reference_dataset(copy)
    assert build_reference_dataset([views_folder], copy, other, force=True).references == {"none": 1}
    assert sorted(path.name for path in copy.iterdir()) == [".building", MANIFEST, PLAN, shard_name(0)]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="an empty or new output folder"):
        build_reference_dataset([views_folder], tmp_path / "mine", other)


def test_a_set_that_shows_what_is_tested_on(built):
    data = read_reference_dataset(built)
    test, train = data.select(split="test"), data.select(split="train")
    check_disjoint(train, test)
    with pytest.raises(InputError) as error:
        check_disjoint(data, test)
    assert "expected training objects and references that show no test object, found" in str(error.value)
    assert all(row.key in str(error.value) for row in test.rows)


def test_an_index_that_shows_what_is_tested_on(built, views_folder, tmp_path):
    held = next(row for row in read_reference_dataset(built).select(split="test").rows if "views" in row.key)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    shutil.copy(views_folder / held.key.split("/")[1], pictures / "renamed.png")
    everything = replace(SMALL, objects=None, test_objects=500)
    with pytest.raises(InputError) as error:
        build_reference_dataset([views_folder], tmp_path / "set", everything, aids=Aids(references=pictures))
    assert "expected references that show no test object, found 1 that do: " in str(error.value)
    assert held.key.split("/")[1] in str(error.value)
    assert not (tmp_path / "set").exists()


def test_references_of_an_index_with_credits(views_folder, tmp_path):
    """Of each thing one view is hidden in part, the others are in the index."""
    data, pictures = tmp_path / "data", tmp_path / "pictures"
    for folder in (data / "thing", pictures):
        folder.mkdir(parents=True)
    paths = sorted(views_folder.glob("*.png"))
    shutil.copy(paths[0], data / "thing" / "a.png")
    for path in (*paths[1:4], paths[8]):
        shutil.copy(path, pictures / path.name)
    (pictures / "credits.json").write_text(
        json.dumps({path.name: {"page": "http://p", "licence": "CC0"} for path in paths})
    )
    settings = replace(SMALL, objects=1, test_share=0, kinds=("none",))
    report = build_reference_dataset([f"photos:{data}"], tmp_path / "set", settings, aids=Aids(references=pictures))
    assert (report.references, report.missing) == ({"none": 1, "other-photo": 1}, {})
    row = read_reference_dataset(tmp_path / "set").select(kinds=("other-photo",)).rows[0]
    assert row.reference_key in {path.name for path in paths[1:4]}
    assert (row.source, row.licence) == ("http://p", "CC0")
    for path in paths[1:4]:
        (pictures / path.name).unlink()
    report = build_reference_dataset([f"photos:{data}"], tmp_path / "other", settings, aids=Aids(references=pictures))
    assert (report.references, report.missing) == ({"none": 1}, {"the index has no reference": 1})


def test_files_that_change_between_two_builds_of_one_process_are_read_anew(views_folder, tmp_path):
    data = Path(shutil.copytree(views_folder, tmp_path / "views"))
    settings = replace(SMALL, objects=1, test_objects=0, test_share=0, kinds=("other-view",), align=False)
    found = []
    for licence, darker in (("CC BY", 1), ("CC0", 2)):
        for path in data.glob("*.png"):
            Image.fromarray(np.asarray(Image.open(path)) // darker).save(path)
        about = {path.name: {"licence": licence} for path in data.glob("*.png")}
        (data / "credits.json").write_text(json.dumps(about))
        build_reference_dataset([f"views:{data}"], tmp_path / licence, settings)
        made = read_reference_dataset(tmp_path / licence)
        found.append((made.rows[0].licence, made.rows[0].reference_sha256, float(made[0].reference.max())))
    assert found[0][0] == "CC BY"
    assert found[1][0] == "CC0"
    assert found[1][1] != found[0][1]
    assert found[1][2] <= 128


def test_few_pictures_are_held_in_memory(views_folder):
    paths = sorted(views_folder.glob("*.png"))
    first = weakref.ref(_picture(paths[0]))
    assert first() is _picture(paths[0])
    for path in paths[1:6]:
        _picture(path)
    assert first() is None


def test_missing_references_are_counted(views_folder, tmp_path):
    data = Path(shutil.copytree(views_folder, tmp_path / "views"))
    for path in sorted(data.glob("*.png"))[:24]:
        if int(path.stem[-5:]) % 4:
            path.write_bytes(b"not a picture")
    settings = replace(SMALL, objects=3, test_share=0, kinds=("other-view", "none"))
    report = build_reference_dataset([data], tmp_path / "set", settings)
    assert report.failures == {"photo is damaged": 18}
    assert report.missing == {"reference is damaged": 3}
    assert report.references == {"none": 3}
    assert report.lost == pytest.approx(18 / 21)
    manifest = json.loads((tmp_path / "set" / MANIFEST).read_text())
    assert manifest["failures"] == report.failures


def test_pictures_of_an_index_that_were_damaged_since_are_counted(masks_folder, views_folder, tmp_path):
    data, pictures = tmp_path / "data" / "box", tmp_path / "pictures"
    data.mkdir(parents=True)
    shutil.copy(sorted(views_folder.glob("*.png"))[-1], data / "a.png")
    shutil.copytree(masks_folder / "images", pictures)
    shutil.copy(masks_folder / "instances.json", pictures)
    build(tmp_path / "index", [pictures])
    settings = replace(SMALL, objects=1, test_share=0, kinds=("none",))

    def built_with_the_index(name: str):
        aids = Aids(references=tmp_path / "index")
        return build_reference_dataset([f"classes:{data.parent}"], tmp_path / name, settings, aids=aids)

    report = built_with_the_index("set")
    assert (report.references, report.missing) == ({"none": 1, "same-class": 1}, {})
    for path in pictures.glob("*.png"):
        path.write_bytes(b"not a picture")
    report = built_with_the_index("other")
    assert (report.references, report.missing) == ({"none": 1}, {"reference is damaged": 1})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"side": 4}, "side: expected a side of 16 to 1024 px, found 4"),
        ({"frame": "photo"}, "frame: expected one of hole, object, found 'photo'"),
        ({"kinds": ("views",)}, "kind of reference: expected one of none, other-photo"),
        ({"shard": 0}, "shard: expected 1 or more, found 0"),
        ({"seed": -1}, "seed: expected 0 or more, found -1"),
        ({"test_share": float("nan")}, "test_share: expected a share of 0 to 1, found nan"),
    ],
)
def test_settings_that_make_no_set(views_folder, tmp_path, change, said):
    with pytest.raises(InputError) as error:
        build_reference_dataset([views_folder], tmp_path / "set", replace(SMALL, **change))
    assert said in str(error.value)


def test_another_table_of_credits_makes_another_data_set(copy, views_folder, masks_folder, tmp_path):
    table = tmp_path / "credits.csv"
    table.write_text(f"sha256,source,licence\n{'0' * 64},http://example.org,CC0\n")
    with pytest.raises(InputError, match="expected the data set that these options make"):
        build_reference_dataset([views_folder, masks_folder], copy, SMALL, aids=Aids(credits=table))


def test_a_table_of_credits(tmp_path, views_folder):
    table = tmp_path / "credits.csv"
    table.write_text("path,sha256\na,b\n")
    with pytest.raises(InputError, match="expected the columns sha256, source, licence, found no licence, source"):
        build_reference_dataset([views_folder], tmp_path / "set", SMALL, aids=Aids(credits=table))
    with pytest.raises(InputError, match="expected a table of credits"):
        build_reference_dataset([views_folder], tmp_path / "set", SMALL, aids=Aids(credits=tmp_path / "none.csv"))


def test_tables_of_credits_as_spreadsheets_and_windows_write_them(tmp_path):
    table = tmp_path / "credits.csv"
    table.write_text(f"sha256,source,licence\r\n{'AB' * 32},me,CC0\r\n", encoding="utf-8-sig", newline="")
    assert read_credits_table(table) == {"ab" * 32: Credit("me", licence="CC0")}
    table.write_text(f"source,licence,sha256\nme,CC0,{'ab' * 32}\nme,CC0\n")
    with pytest.raises(InputError, match=r"credits.csv: line 3: expected a SHA-256 of 64 digits, found ''"):
        read_credits_table(table)


def test_a_hole_at_the_scale_of_the_photo(views_folder, tmp_path):
    settings = replace(SMALL, frame="hole", objects=1, test_objects=0, test_share=0, kinds=("none",), side=160)
    build_reference_dataset([views_folder], tmp_path / "set", settings)
    data = read_reference_dataset(tmp_path / "set")
    name = data.rows[0].key.split("/")[1]
    photo = np.asarray(Image.open(views_folder / name))
    truth = data[0].truth[data[0].inside]
    assert len(truth) <= photo.shape[0] * photo.shape[1]
    colours = {tuple(pixel) for pixel in photo.reshape(-1, 3)}
    assert all(tuple(pixel) in colours for pixel in truth[::17]), "not resampled"


def _grown(mask: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)


def test_damaged_photos_of_occluders_are_a_reason_of_their_own(masks_folder, views_folder, tmp_path):
    data, things = tmp_path / "data" / "box", tmp_path / "things"
    data.mkdir(parents=True)
    shutil.copy(sorted(views_folder.glob("*.png"))[-1], data / "a.png")
    shutil.copytree(masks_folder, things)
    for path in (things / "images").glob("*.png"):
        path.write_bytes(path.read_bytes()[:300])
    settings, aids = replace(SMALL, objects=1, test_share=0, kinds=("none",)), Aids(donors=(str(things),))
    report = build_reference_dataset([f"classes:{data.parent}"], tmp_path / "set", settings, aids=aids)
    (reason,) = report.failures
    assert re.fullmatch(r"photo of an occluder is damaged: things/0{10}\d\d\.png#\d+", reason)
