"""The project folder: what is written reads back equal, and nothing of the user's is lost."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from deocclude.amodal.result import ShapeProbability
from deocclude.crops import object_square
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.errors import InputError, OutputError
from deocclude.images import Photo, read_photo
from deocclude.masks import Mask
from deocclude.ordering.graph import Override
from deocclude.pipeline import open_project, run, stale_from
from deocclude.plan import Settings
from deocclude.project import store
from deocclude.project.store import read_project, write_project

FAST = Settings(order="convex", amodal="convexR", fill="telea")


@pytest.fixture(scope="module")
def project():
    drawn = generate(SyntheticSettings(width=120, height=90, objects=(4, 5), gap=2), seed=1)
    return run(open_project(Photo(drawn.photo), drawn.scene), FAST)


@pytest.fixture
def folder(project, tmp_path):
    write_project(project, tmp_path / "out")
    return tmp_path / "out"


def assert_same(first, second):
    assert np.array_equal(first.photo.pixels, second.photo.pixels)
    assert first.given == second.given
    assert first.scene == second.scene
    assert dict(first.settings) == dict(second.settings)
    assert first.corrections.order == second.corrections.order
    assert dict(first.corrections.amodal) == dict(second.corrections.amodal)
    assert np.allclose(first.pairs.front, second.pairs.front)
    for name in ("ids", "edges", "dropped", "mutual", "overrides"):
        assert getattr(first.graph, name) == getattr(second.graph, name)
    assert dict(first.amodal.masks) == dict(second.amodal.masks)
    assert list(first.amodal.probability) == list(second.amodal.probability)
    for key, found in first.amodal.probability.items():
        assert found.square == second.amodal.probability[key].square
        assert np.allclose(found.patch, second.amodal.probability[key].patch, atol=0.5 / 255 + 1e-3)
    assert dict(first.records) == dict(second.records)
    assert dict(first.fingerprints) == dict(second.fingerprints)
    for key, fill in first.fills.items():
        other = second.fills[key]
        assert (fill.box, fill.method, fill.notes) == (other.box, other.method, other.notes)
        assert fill.fallback_reason == other.fallback_reason
        assert np.array_equal(fill.hole, other.hole)
        assert np.array_equal(fill.rgb[fill.hole], other.rgb[fill.hole])
    for a, b in zip(first.layers.layers, second.layers.layers, strict=True):
        assert (a.instance_id, a.name, a.z, a.box) == (b.instance_id, b.name, b.z, b.box)
        assert np.array_equal(a.rgba, b.rgba)


def test_what_is_written_reads_back_equal(project, folder):
    assert_same(project, read_project(folder))


def uncertain(project):
    """The project with a network's probabilities for two of its objects."""
    rng = np.random.default_rng(0)
    squares = [object_square(item.modal.box) for item in project.scene.instances[:2]]
    found = {
        item.id: ShapeProbability(square, rng.random((32, 32)).astype(np.float16))
        for item, square in zip(project.scene.instances, squares, strict=False)
    }
    return replace(project, amodal=replace(project.amodal, probability=found))


def test_probabilities_read_back_and_stay_as_they_are(project, tmp_path):
    written = uncertain(project)
    write_project(written, tmp_path / "one")
    first = read_project(tmp_path / "one")
    assert_same(written, first)
    write_project(first, tmp_path / "two")
    second = read_project(tmp_path / "two")
    for key, found in first.amodal.probability.items():
        assert np.array_equal(found.patch, second.amodal.probability[key].patch)
    names = {path.name for path in (tmp_path / "one" / "amodal").iterdir()}
    assert names == {f"{key}.png" for key in written.amodal.probability}
    (tmp_path / "one" / "amodal" / names.pop()).unlink()
    with pytest.raises(InputError, match="picture of this project"):
        read_project(tmp_path / "one")


@pytest.mark.parametrize("square", [[0, 0, 0], [0, float("nan"), 9]])
def test_probabilities_of_no_square_are_one_clear_line(project, tmp_path, square):
    write_project(uncertain(project), tmp_path / "out")
    change(tmp_path / "out", lambda index: index["probability"][0].update(square=square))
    with pytest.raises(InputError, match="a damaged entry .* is no square"):
        read_project(tmp_path / "out")


def test_a_project_without_probabilities_has_no_folder_for_them(project, folder):
    assert not (folder / "amodal").exists()
    index = json.loads((folder / "scene.json").read_text())
    del index["probability"]  # as an earlier release wrote it
    (folder / "scene.json").write_text(json.dumps(index))
    assert read_project(folder).amodal.probability == {}


def test_a_resumed_project_computes_nothing_again(folder):
    opened = read_project(folder)
    again = run(opened, FAST)
    assert again.fills is opened.fills
    assert again.stack is opened.stack


@pytest.mark.parametrize("until", ["repair", "order", "amodal", "content"])
def test_a_partial_project_reads_back(project, tmp_path, until):
    partial = run(open_project(project.photo, project.given), FAST, until=until)
    write_project(partial, tmp_path / "out")
    opened = read_project(tmp_path / "out")
    assert opened.stack is None
    assert dict(opened.fingerprints) == dict(partial.fingerprints)
    assert (opened.graph is None) == (until == "repair")


def test_corrections_persist(project, tmp_path):
    item, other = project.scene.instances[:2]
    painted = Mask.from_crop(np.ones((9, 9)), item.modal.box[:2], project.scene.size)
    corrections = project.corrections.with_order(Override(item.id, other.id, "none")).with_amodal(item.id, painted)
    corrected = run(replace(project, corrections=corrections), FAST)
    write_project(corrected, tmp_path / "out")
    assert_same(corrected, read_project(tmp_path / "out"))


def test_the_photo_is_kept_byte_for_byte(tmp_path):
    drawn = generate(SyntheticSettings(width=64, height=48, objects=(2, 2)), seed=5)
    Image.fromarray(drawn.photo).save(tmp_path / "p.jpg", quality=90)
    project = open_project(read_photo(tmp_path / "p.jpg"), drawn.scene)
    write_project(project, tmp_path / "out")
    assert (tmp_path / "out" / "photo.jpg").read_bytes() == (tmp_path / "p.jpg").read_bytes()


def test_a_photo_whose_file_is_gone_is_written_from_its_pixels(tmp_path):
    drawn = generate(SyntheticSettings(width=64, height=48, objects=(2, 2)), seed=5)
    Image.fromarray(drawn.photo).save(tmp_path / "p.jpg", quality=90)
    project = open_project(read_photo(tmp_path / "p.jpg"), drawn.scene)
    (tmp_path / "p.jpg").unlink()
    write_project(project, tmp_path / "out")
    assert np.array_equal(read_project(tmp_path / "out").photo.pixels, project.photo.pixels)


def test_every_file_is_named_in_the_index(folder):
    index = json.loads((folder / "scene.json").read_text())
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == set(index["files"])
    assert {"report.html", "order.png", "provenance.png", "background.png", "scene.ora", "amodal.json"} <= found


def test_files_of_the_user_survive_a_save(project, folder):
    (folder / "notes").mkdir()
    (folder / "notes" / "mine.txt").write_text("do not lose me")
    (folder / "layers" / "retouched.png").write_bytes(b"mine too")
    stale = folder / "layers" / "old.png"
    write_project(run(project, replace(FAST, edges="hard")), folder, force=True)
    assert (folder / "notes" / "mine.txt").read_text() == "do not lose me"
    assert (folder / "layers" / "retouched.png").read_bytes() == b"mine too"
    assert not stale.exists()
    assert read_project(folder).layers.edges == "hard"


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(project, folder):
    seen = store.version_of(folder)
    write_project(run(project, replace(FAST, edges="hard")), folder, force=True, seen=seen)
    with pytest.raises(InputError, match="another command has saved since"):
        write_project(project, folder, force=True, seen=seen)
    assert read_project(folder).layers.edges == "hard"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_folder_with_files_asks_for_force(project, tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="expected an empty or new output folder.*--force"):
        write_project(project, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_full_disk_leaves_the_old_project_whole(project, folder, monkeypatch):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_openraster", full)
    with pytest.raises(OutputError, match="No space left on device.*unchanged"):
        write_project(project, folder, force=True)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["out"]


def change(folder, edit):
    index = json.loads((folder / "scene.json").read_text())
    edit(index)
    (folder / "scene.json").write_text(json.dumps(index))


def add_cycle(edges):
    """Turn one arrow round, and leave it where it was, too."""
    edges.append({**edges[0], "front": edges[0]["behind"], "behind": edges[0]["front"]})


DAMAGE = {
    "version": (lambda index: index.update(version=99), "expected version 1, found 99"),
    "format": (lambda index: index.update(format="other"), "expected a file of format 'deocclude-project'"),
    "outside": (lambda index: index["photo"].update(file="../secret.jpg"), "expected a file inside the project folder"),
    "absolute": (lambda index: index["photo"].update(file="/etc/passwd"), "expected a file inside the project folder"),
    "missing key": (lambda index: index.pop("instances"), r"instances: expected a list \[...\], found nothing"),
    "wrong type": (lambda index: index.update(instances=3), r"instances: expected a list \[...\], found 3"),
    "no object": (lambda index: index.update(instances=[]), "instances: expected at least one object, found none"),
    "null": (lambda index: index.update(order={"pairs": None}), r"order.pairs: expected a list \[...\], found null"),
    "missing part": (lambda index: index.pop("given"), "a damaged entry"),
    "unknown object": (
        lambda index: index["order"]["pairs"].append({"a": 999, "b": 1, "a_in_front": 1, "b_in_front": 0}),
        r"order.pairs\[\d+\].a: expected an object id among .*, found 999",
    ),
    "name": (lambda index: index["instances"][0].update(name=5), r"instances\[0\].name: expected a text, found 5"),
    "given name": (lambda index: index["given"][0].update(name=[]), r"given\[0\].name: expected a text, found a list"),
    "given id": (lambda index: index["given"][0].update(id="1"), r"given\[0\].id: expected a whole number"),
    "given twice": (
        lambda index: index["given"].append(index["given"][0]),
        "expected ids of 1 or more that occur once",
    ),
    "given mask": (
        lambda index: index["given"][0].update(modal={"size": [120, 90], "counts": [10800]}),
        r"given\[0\].modal.size: expected a mask of 120x90, found one of 90x120",
    ),
    "image": (lambda index: index["image"].update(file=[]), "image.file: expected a text"),
    "order truth": (
        lambda index: index.update(order_truth=[[1, 999]]),
        "order_truth: expected ids among .*, found 999",
    ),
    "probability": (
        lambda index: index["order"]["edges"][0].update(probability="high"),
        r"order.edges\[0\].probability: expected a number, found the text 'high'",
    ),
    "infinite": (
        lambda index: index.update(probability=[{"id": float("inf"), "size": 4}]),
        "a damaged entry .OverflowError",
    ),
    "empty box": (lambda index: index["content"][0].update(box=[9, 9, 0, 9]), r"content\[0\].box: expected .* inside"),
    "cycle": (lambda index: add_cycle(index["order"]["edges"]), "order.edges: expected arrows without a cycle"),
    "mutual": (lambda index: index["order"].update(mutual=[[1]]), "order.mutual: expected pairs"),
    "stage": (
        lambda index: index["stages"]["repair"].update(seconds="long"),
        "stages.repair.seconds: expected a number",
    ),
    "reason": (
        lambda index: index["stages"]["order"].update(fallback_reason=7),
        "stages.order.fallback_reason: expected a text",
    ),
    "box": (
        lambda index: index["content"][0].update(box=[-5, 0, 9, 9]),
        r"content\[0\].box: expected .* inside the photo of 120x90, found \[-5, 0, 9, 9\]",
    ),
    "painter": (lambda index: index["content"][0].update(method=None, notes=3), r"content\[0\].notes: expected a list"),
    "reference": (
        lambda index: index.update(references={"pictures": [{"path": 5}], "parts": []}),
        r"references.pictures\[0\].path: expected a text, found 5",
    ),
    "rejected reference": (
        lambda index: index["corrections"].update(references=[{"path": 5, "verdict": "pick"}]),
        r"corrections.references\[0\].path: expected a text, found 5",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_index_is_one_clear_line(folder, name):
    edit, text = DAMAGE[name]
    change(folder, edit)
    with pytest.raises(InputError, match=text) as caught:
        read_project(folder)
    assert "\n" not in str(caught.value)


def test_no_project_is_one_clear_line(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"x")
    for name, found in {".": "a folder without scene.json", "photo.png": "a file", "none": "nothing there"}.items():
        with pytest.raises(InputError, match=f"expected a project folder, found {found}$"):
            read_project(tmp_path / name)


def test_broken_json_is_one_clear_line(folder):
    (folder / "scene.json").write_text("{")
    with pytest.raises(InputError, match="expected a project index"):
        read_project(folder)


def test_another_photo_is_noticed(folder):
    name = json.loads((folder / "scene.json").read_text())["photo"]["file"]
    Image.new("RGB", (120, 90)).save(folder / name)
    with pytest.raises(InputError, match="expected the photo of this project, found another picture"):
        read_project(folder)


@pytest.mark.parametrize("name", ["masks/visible.png", "amodal.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    if name == "amodal.json":
        assert read_project(folder).amodal is None
        return
    with pytest.raises(InputError, match="visible.png"):
        read_project(folder)


@pytest.mark.parametrize("stage", ["order", "amodal", "references", "content", "layers"])
def test_a_result_that_is_gone_is_computed_again(project, folder, stage):
    files = {"amodal": "amodal.json", "layers": "layers/layers.json"}
    if stage in files:
        (folder / files[stage]).unlink()
    edits = {"order": lambda index: index.update(order=None), "references": lambda index: index.pop("references"),
             "content": lambda index: index["content"].pop()}  # fmt: skip
    change(folder, edits.get(stage, lambda index: None))
    assert stale_from(read_project(folder), FAST) == stage
    assert_same(replace(project, records={}), replace(run(read_project(folder), FAST), records={}))


def test_layers_of_other_objects_are_built_again(folder):
    file = folder / "layers" / "layers.json"
    stack = json.loads(file.read_text())
    stack["layers"][0]["id"] = 999
    file.write_text(json.dumps(stack))
    back = read_project(folder)
    assert stale_from(back, FAST) == "layers"
    write_project(back, folder, force=True)  # the report shows what is there
    assert read_project(folder).stack is None


def test_visible_masks_of_another_size_are_named(folder):
    Image.new("L", (120, 91)).save(folder / "masks" / "visible.png")
    with pytest.raises(InputError, match="visible.png: expected masks of the photo's size 120x90, found 120x91"):
        read_project(folder)


def test_whole_shapes_are_told_apart_by_their_ids(project, folder):
    file = folder / "amodal.json"
    content = json.loads(file.read_text())
    content["regions"].reverse()
    file.write_text(json.dumps(content))
    assert dict(read_project(folder).amodal.masks) == dict(project.amodal.masks)
    content["regions"].pop()
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"amodal.json: regions: expected the objects .* of this project, found"):
        read_project(folder)


def test_large_ids_survive(project, tmp_path):
    """Files of masks keep no ids beyond 16 bits, and number the objects instead."""
    instances = tuple(replace(item, id=item.id + 10**6) for item in project.given.instances)
    given = replace(project.given, instances=instances, order_truth=None)
    large = run(open_project(project.photo, given), FAST)
    write_project(large, tmp_path / "out")
    assert_same(large, read_project(tmp_path / "out"))


@pytest.mark.parametrize("channels", ["1", "255", "RGB", "RGBA"])
def test_a_shape_painted_into_the_folder_is_taken_up(folder, channels):
    project = read_project(folder)
    item = project.scene.instances[0]
    canvas = np.zeros(project.photo.size, np.uint8)
    canvas[item.modal.box.slices] = 1 if channels == "1" else 255
    if channels.startswith("RGB"):
        canvas = np.dstack([canvas] * len(channels))
    Image.fromarray(canvas).save(folder / "masks" / f"amodal_{item.id}.png")
    again = run(read_project(folder), FAST)
    assert again.amodal.masks[item.id].area == item.modal.box.width * item.modal.box.height


@pytest.mark.parametrize(
    ("name", "shape", "text"),
    [("amodal_x.png", (90, 120), "an object id among"), ("amodal_1.png", (90, 121), "120x90, found 121x90")],
)
def test_a_painted_shape_that_does_not_fit_is_refused(folder, name, shape, text):
    Image.fromarray(np.ones(shape, np.uint8)).save(folder / "masks" / name)
    with pytest.raises(InputError, match=text):
        read_project(folder)


def test_masks_that_overlap_survive_before_the_repair_has_run(tmp_path):
    masks = np.zeros((2, 40, 60), bool)
    masks[0, 10:20, 10:30], masks[1, 15:35, 5:50] = True, True
    fresh = open_project(Photo(np.full((40, 60, 3), 90, np.uint8)), masks)
    write_project(fresh, tmp_path / "out")
    again = read_project(tmp_path / "out")
    assert again.scene is None
    assert again.given == fresh.given
    assert run(again, FAST, until="repair").scene == run(fresh, FAST, until="repair").scene


def test_a_photo_keeps_its_name(project, tmp_path):
    Image.fromarray(project.photo.pixels).save(tmp_path / "holiday.png")
    write_project(open_project(read_photo(tmp_path / "holiday.png"), project.given), tmp_path / "first")
    again = read_project(tmp_path / "first")
    assert again.photo.path.name == "photo.png"
    write_project(again, tmp_path / "second")
    assert read_project(tmp_path / "second").photo.name == "holiday.png"
