"""The commands, called as a user calls them."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from deocclude.cli import console
from deocclude.cli.main import main
from deocclude.cli.options import Methods, settings_for
from deocclude.images import read_photo
from deocclude.project.store import read_project

FAST = ("--order-method", "convex", "--amodal-method", "convexR", "--fill", "telea")


@pytest.fixture(scope="module")
def made(inputs, tmp_path_factory):
    """A project folder made by `run`, for tests to copy."""
    folder = tmp_path_factory.mktemp("made") / "out"
    assert main(["run", str(inputs[0]), "--masks", str(inputs[1]), *FAST, "-o", str(folder)]) == 0
    return folder


@pytest.fixture
def done(made, tmp_path):
    """A copy of it that may be changed."""
    return shutil.copytree(made, tmp_path / "out")


def test_run_writes_the_folder_and_says_so(call, inputs, tmp_path):
    answer = call("run", inputs[0], "--masks", inputs[1], *FAST, "-o", tmp_path / "out")
    assert answer.code == 0
    assert str(tmp_path / "out") in answer.out
    assert read_project(tmp_path / "out").stack is not None


def test_run_without_output_writes_beside_the_caller(call, inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("run", inputs[0], "--masks", inputs[1], *FAST).code == 0
    assert (tmp_path / "photo-layers" / "report.html").is_file()


def test_run_json_is_one_document(call, inputs, tmp_path):
    answer = call("run", inputs[0], "--masks", inputs[1], *FAST, "-o", tmp_path / "out", "--json")
    content = json.loads(answer.out)
    assert content["output"] == str(tmp_path / "out")
    assert set(content["stages"]) == {"repair", "order", "amodal", "references", "content", "layers"}
    assert sorted(content["z_order"]) == sorted(item["id"] for item in content["objects"])


def test_run_again_resumes(call, done):
    before = (done / "content" / "0.png").stat().st_mtime_ns
    answer = call("run", done, *FAST, "--edges", "hard")
    assert answer.code == 0, answer.err
    assert read_project(done).layers.edges == "hard"
    assert read_project(done).settings["fill"] == "telea"
    assert (done / "content" / "0.png").stat().st_mtime_ns != before  # written anew, computed once


def test_settings_of_a_project_are_kept_unless_named(call, done):
    assert call("layers", done, "--edges", "hard").code == 0
    assert read_project(done).settings["fill"] == "telea"


def test_a_settings_file_is_read_and_options_outrank_it(call, inputs, tmp_path):
    (tmp_path / "s.toml").write_text('fill = "mean"\namodal = "raw"\n')
    call(
        "run", inputs[0], "--masks", inputs[1], "--config", tmp_path / "s.toml", "--fill", "telea", "-o", tmp_path / "o"
    )
    settings = read_project(tmp_path / "o").settings
    assert (settings["fill"], settings["amodal"]) == ("telea", "raw")


def test_a_settings_file_outranks_the_project_also_with_a_default(call, done, tmp_path):
    (tmp_path / "s.toml").write_text('edges = "soft"\n')
    assert call("layers", done, "--edges", "hard").code == 0
    assert call("run", done, "--config", tmp_path / "s.toml").code == 0
    settings = read_project(done).settings
    assert (settings["edges"], settings["fill"]) == ("soft", "telea")


def test_paths_of_a_settings_file_outlive_the_folder_of_the_caller(call, inputs, done, tmp_path, monkeypatch):
    (tmp_path / "similar.png").write_bytes(inputs[0].read_bytes())
    (tmp_path / "s.toml").write_text('reference = ["similar.png"]\n')
    monkeypatch.chdir(tmp_path)
    assert call("run", "out", "--config", "s.toml").code == 0
    assert read_project(done).settings["reference"] == [str(tmp_path / "similar.png")]
    monkeypatch.chdir("/")
    assert call("run", done).code == 0


def test_every_command_prints_one_json_document(call, inputs, done, tmp_path):
    calls = [
        ("run", done), ("layers", done), ("order", done), ("complete", done),
        ("recompose", done, "-o", tmp_path / "r.png"), ("export", done, "-o", tmp_path / "e.ora"),
        ("convert", inputs[1], tmp_path / "c.json", "--to", "coco"), ("synthesize", tmp_path / "s", "--count", 1),
    ]  # fmt: skip
    for arguments in calls:
        answer = call(*arguments, "--json")
        assert answer.code == 0, answer.err
        assert json.loads(answer.out)["output"], arguments


def test_names_are_printed_as_they_are(call, inputs, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    canvas = np.zeros(read_photo(inputs[0]).size, np.uint8)
    for row, name in enumerate(("a[b]c", "[red]löffel")):
        canvas[:] = 0
        canvas[row * 20 : row * 20 + 20, 5:50] = 255
        Image.fromarray(canvas).save(masks / f"{name}.png")
    answer = call("run", inputs[0], "--masks", masks, *FAST, "-o", tmp_path / "out[bold]")
    assert answer.code == 0, answer.err
    for text in ("a[b]c", "[red]löffel", str(tmp_path / "out[bold]")):
        assert text in answer.out


def test_the_place_of_a_result_is_never_broken_over_lines(call, done, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    target = tmp_path / "a folder with a long name" / "picture.png"
    assert str(target) in call("recompose", done, "-o", target).out


def test_a_reader_that_goes_away_is_no_error(call, done, monkeypatch):
    class Closed:
        encoding = "utf-8"

        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr(console.OUT, "_file", Closed())
    assert call("run", done).code == 0


def test_order_prints_arrows(call, inputs):
    answer = call("order", inputs[0], "--masks", inputs[1], "--json")
    content = json.loads(answer.out)
    assert content["edges"]
    assert content["output"] is None


def test_a_correction_persists_and_the_layers_follow(call, done):
    edge = json.loads(call("order", done, "--json").out)["edges"][0]
    assert call("order", done, "--set", f"{edge['behind']}>{edge['front']}").code == 0
    project = read_project(done)
    assert project.order.overrides[0].first == edge["behind"]
    assert edge["behind"] in project.order.occluders(edge["front"])
    depth = {layer.instance_id: layer.z for layer in project.layers.layers}
    assert depth[edge["behind"]] > depth[edge["front"]]
    assert call("run", done).code == 0
    assert read_project(done).order.overrides == project.order.overrides
    assert call("order", done, "--set", f"{edge['behind']}?{edge['front']}").code == 0
    assert read_project(done).order.overrides == ()


def test_complete_prints_hidden_shares(call, inputs):
    rows = json.loads(call("complete", inputs[0], "--masks", inputs[1], "--json").out)["objects"]
    assert any(row["hidden_pixels"] > 0 for row in rows)


def test_a_painted_shape_persists_and_can_be_taken_back(call, done, tmp_path):
    project = read_project(done)
    item = project.scene.instances[0]
    canvas = np.zeros(project.photo.size, np.uint8)
    canvas[item.modal.box.slices] = 255
    Image.fromarray(canvas).save(tmp_path / "paint.png")
    assert call("complete", done, "--paint", f"{item.id}={tmp_path / 'paint.png'}").code == 0
    assert read_project(done).amodal.masks[item.id].area == item.modal.box.width * item.modal.box.height
    assert call("complete", done, "--paint", f"{item.id}=").code == 0
    assert not read_project(done).corrections.amodal
    Image.fromarray(canvas).save(done / "masks" / f"amodal_{item.id}.png")  # put there by hand, then taken back
    assert call("complete", done, "--paint", f"{item.id}=").code == 0
    assert not read_project(done).corrections.amodal


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA", "LA", "P", "I;16"])
def test_a_shape_may_be_painted_in_any_mode(call, done, tmp_path, mode):
    project = read_project(done)
    item = project.scene.instances[0]
    inside = np.zeros(project.photo.size, bool)
    inside[item.modal.box.slices] = True
    if mode == "RGBA":  # opaque on transparent, with the soft edge of a brush around it
        canvas = np.zeros((*inside.shape, 4), np.uint8)
        canvas[..., 3] = np.where(inside, 255, 40)
        picture = Image.fromarray(canvas)
    else:
        grey = Image.fromarray(np.where(inside, 255, 0).astype(np.uint8))
        picture = (
            Image.fromarray(np.where(inside, 65535, 0).astype(np.uint16)) if mode == "I;16" else grey.convert(mode)
        )
    picture.save(tmp_path / "paint.png")
    assert call("complete", done, "--paint", f"{item.id}={tmp_path / 'paint.png'}").code == 0
    assert np.array_equal(read_project(done).amodal.masks[item.id].to_array(), inside | item.modal.to_array())


@pytest.mark.parametrize("edges", ["hard", "soft"])
def test_recompose_without_change_is_the_photo(call, inputs, done, tmp_path, edges):
    assert call("layers", done, "--edges", edges).code == 0
    answer = call("recompose", done, "-o", tmp_path / "same.png")
    assert answer.code == 0, answer.err
    assert np.array_equal(read_photo(tmp_path / "same.png").pixels, read_photo(inputs[0]).pixels)


def test_recompose_moves_and_removes(call, done, tmp_path):
    project = read_project(done)
    top = project.layers.layers[-1].instance_id
    others = [layer.instance_id for layer in project.layers.layers[:-1]]
    removed = [part for identity in project.scene.ids for part in ("--remove", identity)]
    assert call("recompose", done, *removed, "-o", tmp_path / "empty.png").code == 0
    assert np.array_equal(read_photo(tmp_path / "empty.png").pixels, project.layers.background)
    answer = call("recompose", done, "--move", f"{top}=5,-3", "--rotate", f"{top}=20", "--scale", f"{top}=1.5",
                  "--back", top, "--remove", others[0], "-o", tmp_path / "m.png",
                  "--save-arrangement", tmp_path / "m.json")  # fmt: skip
    assert answer.code == 0, answer.err
    again = call("recompose", done, "--arrangement", tmp_path / "m.json", "-o", tmp_path / "n.png")
    assert again.code == 0, again.err
    assert (tmp_path / "m.png").read_bytes() == (tmp_path / "n.png").read_bytes()


def test_an_arrangement_without_background(call, done, tmp_path):
    (tmp_path / "alone.json").write_text('{"version": 1, "background": false}')
    answer = call("recompose", done, "--arrangement", tmp_path / "alone.json", "-o", tmp_path / "alone.png",
                  "--save-arrangement", tmp_path / "again.json")  # fmt: skip
    assert answer.code == 0, answer.err
    with Image.open(tmp_path / "alone.png") as picture:
        assert picture.mode == "RGBA"
    assert json.loads((tmp_path / "again.json").read_text())["background"] is False


def test_weights_are_kept_as_an_absolute_path(done, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    project = read_project(done)
    assert settings_for(project, Methods(weights="runs/x")).weights == str(tmp_path / "runs" / "x")
    assert settings_for(project, Methods(weights="pcnet-m")).weights == "pcnet-m"


@pytest.mark.parametrize("kind", ["ora", "png", "psd"])
def test_export(call, done, tmp_path, kind):
    if kind == "psd":
        pytest.importorskip("psd_tools", reason="the extra 'psd' is not installed")
    answer = call("export", done, "--to", kind, "-o", tmp_path / f"x.{kind}")
    assert answer.code == 0, answer.err
    assert (tmp_path / f"x.{kind}").exists()


def test_shapes_that_are_no_objects_are_counted_in_one_line(call, inputs, tmp_path):
    masks = tmp_path / "drawn.json"
    assert call("convert", inputs[1], masks, "--to", "labelme").code == 0
    content = json.loads(masks.read_text())
    content["shapes"].append({"label": "tip", "shape_type": "point", "points": [[3, 3]], "group_id": None})
    masks.write_text(json.dumps(content))
    told = "1 shape without an area is left out: 1 point 'tip'"
    answer = call("convert", masks, tmp_path / "copy.json", "--to", "coco")
    assert (answer.code, answer.err.count(told)) == (0, 1)
    answer = call("run", inputs[0], "--masks", masks, *FAST, "-o", tmp_path / "out")
    assert (answer.code, answer.err.count(told)) == (0, 1)
    assert told.replace("'", "&#x27;") in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("kind", ["coco", "cocoa", "label-png", "mask-folder", "sam", "labelme", "kins"])
def test_convert(call, inputs, tmp_path, kind):
    target = tmp_path / ("converted.png" if kind == "label-png" else "converted")
    answer = call("convert", inputs[1], target, "--to", kind)
    assert answer.code == 0, answer.err
    assert call("order", inputs[0], "--masks", target).code == 0


def test_evaluate_and_synthesize(call, tmp_path):
    assert call("synthesize", tmp_path / "data", "--count", 2, "--seed", 4).code == 0
    answer = call(
        "evaluate", "ordering", "--data", tmp_path / "data", "--samples", 0, "--json", "-o", tmp_path / "t.md"
    )
    rows = json.loads(answer.out)[0]["rows"]
    assert {"convex", "y-axis"} <= {row["method"] for row in rows}
    assert "| convex" in (tmp_path / "t.md").read_text()
    answer = call("evaluate", "amodal", "--data", tmp_path / "data", "--order", "truth", "--samples", 0)
    assert "| convexR" in answer.out


def test_demo(call, tmp_path):
    answer = call("demo", "coffee", "--fill", "telea", "-o", tmp_path / "coffee", "--json")
    assert answer.code == 0, answer.err
    stages = json.loads(answer.out)["stages"]
    assert (stages["order"]["method"], stages["amodal"]["method"]) == ("pcnet-m", "pcnet-m")
    hidden = {row["name"]: row["hidden_share"] for row in json.loads(answer.out)["objects"]}
    assert hidden["saucer"] > 0.3


def test_help_lists_the_commands(call):
    answer = call("--help")
    assert answer.code == 0
    for name in ("run", "demo", "order", "complete", "layers", "recompose", "export", "evaluate", "convert"):
        assert name in answer.out


def test_names_with_brackets_are_no_markup(capsys, monkeypatch):
    """Names of objects and folders come from files of anybody."""
    console.print_table("Found for mug [/b] (1)", ("name",), [("[red]",)])
    out = " ".join(capsys.readouterr().out.split())  # a title is folded to the width of its table
    assert "Found for mug [/b] (1)" in out and "[red]" in out
    monkeypatch.setattr(console, "ERR", Console(stderr=True, force_terminal=True, width=200))
    with console.progress_bar() as bar:
        bar("scenes of a[/b]", 1, 2)
    assert "scenes of a[/b]" in capsys.readouterr().err


def test_ctrl_c_is_said_and_has_the_usual_exit_code(call, inputs, tmp_path, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("deocclude.formats.write_scene", interrupted)
    answer = call("convert", inputs[1], tmp_path / "copy.json", "--to", "coco")
    assert answer.code == 130
    assert "interrupted" in answer.err
