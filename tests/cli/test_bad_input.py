"""Bad input, as a user meets it: one clear line, exit code 2, nothing written."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from deocclude.cli.main import main
from deocclude.project.store import read_project

FAST = ("--order-method", "convex", "--amodal-method", "convexR", "--fill", "mean")


def refused(answer, *texts):
    """Assert that a call was refused in one line that holds each of ``texts``."""
    assert answer.code == 2, answer
    lines = [line for line in answer.err.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    assert len(errors) == 1, answer.err
    assert "Traceback" not in answer.err
    for text in texts:
        assert text in errors[0], errors[0]


def save(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def photo_in(folder):
    generator = np.random.default_rng(0)
    return save(folder / "photo.png", generator.integers(0, 255, (40, 60, 3), np.uint8))


def labels_in(folder):
    picture = np.zeros((40, 60), np.uint8)
    picture[5:20, 5:30], picture[10:30, 25:50] = 1, 2
    return save(folder / "labels.png", picture)


@pytest.fixture
def photo(tmp_path):
    return photo_in(tmp_path)


@pytest.fixture
def labels(tmp_path):
    return labels_in(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project folder made by `run`, for tests to copy."""
    folder = tmp_path_factory.mktemp("made")
    arguments = ("run", photo_in(folder), "--masks", labels_in(folder), *FAST, "-o", folder / "out")
    assert main([str(argument) for argument in arguments]) == 0
    return folder / "out"


@pytest.fixture
def done(made, tmp_path):
    """A copy of it that may be changed."""
    return shutil.copytree(made, tmp_path / "out")


def run(call, photo, masks, tmp_path, *options):
    answer = call("run", photo, "--masks", masks, *FAST, "-o", tmp_path / "out", *options)
    if answer.code:
        assert not (tmp_path / "out").exists()
    return answer


def test_good_input_passes(call, photo, labels, tmp_path):
    assert run(call, photo, labels, tmp_path).code == 0


def test_masks_of_another_size(call, photo, tmp_path):
    masks = save(tmp_path / "m.png", np.ones((41, 60), np.uint8))
    refused(run(call, photo, masks, tmp_path), "m.png", "expected", "60x40", "found", "60x41")


def test_masks_of_the_size_before_the_exif_turn(call, labels, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = save(tmp_path / "turned.jpg", np.zeros((40, 60, 3), np.uint8), exif=exif)
    refused(run(call, turned, labels, tmp_path), "labels.png", "40x60", "60x40", "EXIF")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('{"images": [', "JSON"),
        ("[]", "found"),
        ('{"hello": 1}', "expected"),
        ("", "expected"),
        ("\x00\x01\x02", "expected"),
        ("[" * 100_000, "expected"),
    ],
)
def test_json_that_is_none(call, photo, tmp_path, content, text):
    (tmp_path / "m.json").write_text(content)
    refused(run(call, photo, tmp_path / "m.json", tmp_path), "m.json", text)


def test_more_than_is_expected(call, photo, labels, tmp_path):
    answer = call("run", photo, "--masks", labels, "other.json", "-o", tmp_path / "out")
    refused(answer, "expected nothing more, found other.json; repeat an option to give it several values")


def test_an_unknown_format_name(call, photo, labels, tmp_path):
    refused(run(call, photo, labels, tmp_path, "--format", "label-pngs"), "did you mean 'label-png'")


def test_no_object(call, photo, tmp_path):
    masks = save(tmp_path / "m.png", np.zeros((40, 60), np.uint8))
    refused(run(call, photo, masks, tmp_path), "m.png", "at least one object")


def coco(tmp_path, annotations):
    content = {
        "images": [{"id": 1, "file_name": "photo.png", "width": 60, "height": 40}],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": annotations,
    }
    (tmp_path / "coco.json").write_text(json.dumps(content))
    return tmp_path / "coco.json"


def annotation(identity, segmentation):
    return {"id": identity, "image_id": 1, "category_id": 1, "iscrowd": 0, "segmentation": segmentation}


SQUARE = [[1, 1, 20, 1, 20, 20, 1, 20]]


def test_an_object_without_a_pixel(call, photo, tmp_path):
    masks = coco(tmp_path, [annotation(1, SQUARE), annotation(2, {"size": [40, 60], "counts": [2400]})])
    refused(run(call, photo, masks, tmp_path), "coco.json", "at least one pixel", "--skip-empty")
    assert run(call, photo, masks, tmp_path, "--skip-empty").code == 0


def test_duplicate_ids(call, photo, tmp_path):
    refused(run(call, photo, coco(tmp_path, [annotation(7, SQUARE)] * 2), tmp_path), "coco.json", "7")


def test_a_run_length_mask_that_does_not_fit(call, photo, tmp_path):
    masks = coco(tmp_path, [annotation(1, {"size": [40, 60], "counts": [100, 50]})])
    refused(run(call, photo, masks, tmp_path), "coco.json", "150", "2400")


def test_an_image_id_that_is_not_there(call, photo, tmp_path):
    refused(run(call, photo, coco(tmp_path, [annotation(1, SQUARE)]), tmp_path, "--image-id", 5), "coco.json", "5", "1")


PICTURES = {
    "16-bit": lambda path: Image.fromarray(np.full((40, 60), 40_000, np.uint16)).save(path),
    "CMYK": lambda path: Image.new("CMYK", (60, 40)).save(path, "TIFF"),
    "grey": lambda path: Image.new("L", (60, 40)).save(path),
    "RGBA": lambda path: Image.new("RGBA", (60, 40)).save(path),
    "animation": lambda path: Image.new("RGB", (60, 40)).save(
        path, "PNG", save_all=True, append_images=[Image.new("RGB", (60, 40), "red")]
    ),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_that_is_not_8_bit_rgb(call, labels, tmp_path, kind):
    PICTURES[kind](tmp_path / "p.png")
    refused(run(call, tmp_path / "p.png", labels, tmp_path), "p.png", "expected an 8-bit RGB photo", kind, "--convert")
    assert run(call, tmp_path / "p.png", labels, tmp_path, "--convert").code == 0
    assert read_project(tmp_path / "out").photo.pixels.shape == (40, 60, 3)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + bytes(30)])
def test_a_corrupt_picture(call, labels, tmp_path, content):
    (tmp_path / "p.png").write_bytes(content)
    refused(run(call, tmp_path / "p.png", labels, tmp_path), "p.png", "expected a picture that can be read")


def test_a_picture_cut_off_in_the_middle(call, photo, labels, tmp_path):
    (tmp_path / "p.png").write_bytes(photo.read_bytes()[:3000])
    refused(run(call, tmp_path / "p.png", labels, tmp_path), "p.png", "damaged")


def test_files_that_are_not_there(call, photo, labels, tmp_path):
    refused(run(call, tmp_path / "none.png", labels, tmp_path), "none.png", "no such file")
    refused(run(call, photo, tmp_path / "none.json", tmp_path), "none.json")
    refused(call("run", photo), "--masks")
    refused(call("run", tmp_path / "nothing"), "nothing", "no such file")


def test_an_output_that_is_a_file_or_has_files(call, photo, labels, tmp_path):
    (tmp_path / "taken").write_text("x")
    refused(call("run", photo, "--masks", labels, "-o", tmp_path / "taken"), "taken", "a folder to write to")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    refused(call("run", photo, "--masks", labels, "-o", tmp_path / "full"), "full", "--force")
    assert call("run", photo, "--masks", labels, *FAST, "-o", tmp_path / "full", "--force").code == 0
    assert (tmp_path / "full" / "mine.txt").read_text() == "x"


def test_an_output_below_a_file(call, photo, labels, tmp_path):
    (tmp_path / "taken").write_text("x")
    answer = call("run", photo, "--masks", labels, *FAST, "-o", tmp_path / "taken" / "out")
    refused(answer, "taken")


def test_a_disk_that_is_full_leaves_the_old_result(photo, labels, done, tmp_path):
    """A limit on file sizes makes real writes fail half-way, as a full disk does."""
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    program = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from deocclude.cli.main import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    arguments = ["run", photo, "--masks", labels, *FAST, "-o", tmp_path / "out", "--force"]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "300", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "cannot be written (File too large); what was there before is unchanged" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("text", ["3", "a>b", "1>>2", "1>1", "1>99", ""])
def test_a_correction_that_makes_no_sense(call, done, text):
    refused(call("order", done, "--set", text), "expected")
    assert not read_project(done).corrections.order


@pytest.mark.parametrize(
    "options",
    [("--move", "1"), ("--move", "1=a,b"), ("--scale", "1=0"), ("--scale", "1=nan"), ("--rotate", "9=5"),
     ("--remove", "9"), ("--move", "1=1,2,3")],
)  # fmt: skip
def test_changes_that_make_no_sense(call, done, tmp_path, options):
    refused(call("recompose", done, *options, "-o", tmp_path / "r.png"), "expected")
    assert not (tmp_path / "r.png").exists()


def test_recompose_does_not_overwrite(call, photo, done):
    refused(call("recompose", done, "-o", photo), "--force")


@pytest.mark.parametrize(
    "command",
    [
        ("recompose", "-o", "photo.png"),
        ("recompose", "-o", "new.png", "--save-arrangement", "scene.json"),
        ("export", "-o", "masks/visible.png"),
    ],
)
def test_files_of_the_project_itself_are_not_written_over(call, done, command):
    name, *options = command
    paths = [part if part.startswith("-") else done / part for part in options]
    before = folder_state(done)
    refused(call(name, done, *paths, "--force"), "another file than those of the project")
    assert folder_state(done) == before
    (done / "mine.png").write_bytes(b"old")
    assert call("recompose", done, "-o", done / "mine.png", "--force").code == 0


def folder_state(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_misspelt_command_option_and_setting(call, photo, labels, tmp_path):
    refused(call("rum", photo), "rum")
    refused(run(call, photo, labels, tmp_path, "--edgse", "soft"), "--edg")
    refused(run(call, photo, labels, tmp_path, "--edges", "sfot"), "did you mean 'soft'")
    (tmp_path / "s.toml").write_text("edgse = 'soft'\n")
    refused(run(call, photo, labels, tmp_path, "--config", tmp_path / "s.toml"), "s.toml", "did you mean 'edges'")


def test_masks_with_a_project(call, labels, done, tmp_path):
    refused(call("run", done, "--masks", labels), "no --masks")
    refused(call("recompose", tmp_path), "scene.json")


def test_layers_that_are_not_there_yet(call, photo, labels, tmp_path):
    assert call("order", photo, "--masks", labels, "-o", tmp_path / "out").code == 0
    refused(call("recompose", tmp_path / "out", "-o", tmp_path / "r.png"), "run 'deocclude run'")


def test_evaluate_refuses_what_has_no_truth(call, labels, tmp_path):
    refused(call("evaluate", "amodal", "--data", labels), "true amodal masks")
    refused(call("evaluate", "ordering", "--data", tmp_path / "none"), "none", "nothing there")
    refused(call("evaluate", "ordering", "--data", labels, "--method", "convx"), "did you mean 'convex'")


def test_a_name_too_long_for_the_file_system(call, photo, labels, done, tmp_path):
    name = "x" * 300 + ".png"
    refused(call("run", name, "--masks", labels), "too long")
    refused(call("run", photo, "--masks", name), "too long")
    refused(call("run", photo, "--masks", labels, "-o", tmp_path / name), "too long")
    refused(call("recompose", done, "-o", tmp_path / name), "too long")
    refused(call("complete", done, "--paint", f"1={name}"), "too long")


@pytest.mark.parametrize("text", ["²=m.png", "9" * 5000 + "=m.png", "=m.png", "1"])
def test_a_painted_shape_without_an_id(call, done, text):
    refused(call("complete", done, "--paint", text), "--paint", "3=mask.png")


@pytest.mark.parametrize(("option", "value"), [("--max-gap", -1), ("--max-gap", 10**6), ("--seed", -1)])
def test_a_number_out_of_range(call, done, option, value):
    refused(call("run", done, option, value), option.strip("-").replace("-", "_"), str(value))


@pytest.mark.parametrize("option", [("--masks", "m.png"), ("--image-id", 3), ("--convert",)])
def test_an_option_for_photos_with_a_project(call, done, option):
    refused(call("run", done, *option), option[0], "project folder")


@pytest.mark.parametrize(
    ("key", "value"),
    [("files", None), ("settings", ["a"]), ("fingerprints", [3]), ("stages", {}), ("instances", []), ("content", 3)],
)
def test_a_damaged_index(call, done, key, value):
    index = json.loads((done / "scene.json").read_text())
    (done / "scene.json").write_text(json.dumps({**index, key: value}))
    answer = call("run", done)
    if key == "files":  # only says what may be removed: without it everything is kept
        assert answer.code == 0, answer.err
    else:
        refused(answer, "scene.json", key if key in ("instances", "content") else "damaged")


def test_an_index_nested_too_deep(call, done):
    (done / "scene.json").write_text("[" * 100_000)
    refused(call("run", done), "scene.json", "damaged")


@pytest.mark.parametrize("damage", ["missing", "cut off"])
def test_a_damaged_fill(call, done, damage):
    file = done / "content" / "0.png"
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:50])
    refused(call("run", done, "--edges", "hard"), "0.png", "none that can be read")


def test_export_does_not_replace_what_is_no_export(call, photo, done, tmp_path):
    refused(call("export", done, "--to", "png", "-o", photo, "--force"), "photo.png", "found a file")
    assert photo.is_file()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    refused(call("export", done, "--to", "png", "-o", tmp_path / "mine"), "--force")
    for _ in range(2):
        assert call("export", done, "--to", "png", "-o", tmp_path / "mine", "--force").code == 0
        assert (tmp_path / "mine" / "notes.txt").is_file()


def test_synthesize_replaces_only_its_own(call, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    refused(call("synthesize", tmp_path / "mine", "--count", 1, "--force"), "synthetic.json")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_numbers_of_measuring_out_of_range(call, tmp_path):
    refused(call("synthesize", tmp_path / "s", "--seed", -1), "--seed", "-1")
    refused(call("evaluate", "ordering", "--data", tmp_path, "--samples", -1), "--samples", "-1")


def test_a_photo_without_masks_names_those_that_lie_beside_it(call, photo, tmp_path):
    refused(call("run", photo), "visible masks", "--masks MASKS")
    photo.with_suffix(".json").write_text("{}")
    refused(call("run", photo), f"--masks {photo.with_suffix('.json')}")


def test_runs_as_a_module():
    answer = subprocess.run(
        [sys.executable, "-m", "deocclude", "--version"], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip()[0].isdigit()


@pytest.mark.parametrize("command", ["run", "order", "complete", "layers"])
def test_weights_without_a_name(call, photo, labels, tmp_path, command):
    answer = call(command, photo, "--masks", labels, "-o", tmp_path / "out", "--weights", "")
    refused(answer, "weights", "an empty text")
    (tmp_path / "settings.toml").write_text('weights = ""\n')
    answer = call(command, photo, "--masks", labels, "-o", tmp_path / "out", "--config", tmp_path / "settings.toml")
    refused(answer, "weights", "an empty text")
    assert not (tmp_path / "out").exists()


def test_weights_of_a_network_that_needs_the_photo(call, photo, labels, tmp_path):
    answer = call("run", photo, "--masks", labels, "-o", tmp_path / "out", "--weights", "pcnet-m-rgb")
    refused(answer, "weights", "masks alone", "pcnet-m-rgb")


def test_force_keeps_files_of_others(call, labels, tmp_path):
    assert call("synthesize", tmp_path / "scenes", "--count", 2).code == 0
    (tmp_path / "mine" / "sub").mkdir(parents=True)
    (tmp_path / "mine" / "sub" / "thesis.txt").touch()
    for command in (("evaluate", "content", tmp_path / "scenes", "--rows", "mean", "--limit", 1, "-o"),
                    ("train", "pack", "--source", tmp_path / "scenes", "--output")):  # fmt: skip
        assert call(*command, tmp_path / "mine", "--force").code == 0
        assert (tmp_path / "mine" / "sub" / "thesis.txt").is_file()


@pytest.mark.parametrize("shape", [(9, 9, 3), (9, 9)], ids=["colour", "grey"])
def test_a_mask_folder_with_a_photo_in_it_is_not_replaced(call, labels, tmp_path, shape):
    folder = tmp_path / "photos"
    assert call("convert", labels, folder, "--to", "mask-folder").code == 0
    assert call("convert", labels, folder, "--to", "mask-folder", "--force").code == 0
    save(folder / "holiday.png", np.random.default_rng(0).integers(0, 255, shape, np.uint8))
    refused(call("convert", labels, folder, "--to", "mask-folder", "--force"), "mask PNGs only", "holiday.png")
    assert (folder / "holiday.png").is_file()


def test_names_that_are_no_utf8(call, photo, labels, tmp_path):
    odd = photo.with_name("caf\udce9.png")
    photo.rename(odd)
    answer = run(call, odd, labels, tmp_path)
    assert answer.code == 0, answer.err
    assert read_project(tmp_path / "out").photo.name == odd.name


def test_a_huge_whole_number(call, photo, tmp_path):
    masks = tmp_path / "m.json"
    masks.write_text('[{"id": 1' + 400 * "0" + ', "segmentation": {"size": [40, 60], "counts": [0, 2400]}}]')
    refused(run(call, photo, masks, tmp_path), "m.json", "id")


@pytest.mark.parametrize("suffix", [".ico", ".blp", ".none"])
def test_a_format_that_cannot_hold_the_picture(call, done, tmp_path, suffix):
    answer = call("recompose", done, "-o", tmp_path / f"x{suffix}")
    assert answer.code != 0 and "Traceback" not in answer.err and ".png" in answer.err
    assert not (tmp_path / f"x{suffix}").exists()


def test_data_that_are_not_there_leave_no_folder(call, tmp_path):
    refused(call("evaluate", "stitching", tmp_path / "none", "-o", tmp_path / "out"), "no such folder")
    assert not (tmp_path / "out").exists()


def test_an_arrow_between_unknown_objects_in_the_index(call, done):
    index = json.loads((done / "scene.json").read_text())
    assert index["order"]["edges"]
    index["order"]["edges"][0]["behind"] = 99
    (done / "scene.json").write_text(json.dumps(index))
    refused(call("order", done), "scene.json", "order.edges[0].behind", "found 99")


@pytest.mark.parametrize("option", ["--max-gap", "--seed"])
def test_a_fraction_for_a_whole_number(call, done, option):
    refused(call("run", done, option, "2.5"), option, 'expected a whole number, found "2.5"')


@pytest.mark.parametrize("option", ["--remove", "--front", "--back", "--raise", "--lower"])
def test_a_fraction_for_a_layer(call, done, tmp_path, option):
    refused(call("recompose", done, option, "1.5", "-o", tmp_path / "r.png"), option, 'found "1.5"')
    assert call("recompose", done, option, "1", option, "2", "-o", tmp_path / "r.png").code == 0


def test_an_arrangement_is_not_written_over_the_picture(call, done, tmp_path):
    both = tmp_path / "r.png"
    refused(call("recompose", done, "-o", both, "--save-arrangement", both, "--force"), "--save-arrangement")
    assert not both.exists()


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".pdf"])
def test_labels_are_written_as_png_only(call, labels, tmp_path, suffix):
    refused(call("convert", labels, tmp_path / f"out{suffix}", "--to", "label-png"), "a file name with .png")
    assert not (tmp_path / f"out{suffix}").exists()


def test_an_empty_mask_can_be_left_out_of_a_conversion(call, tmp_path):
    masks = coco(tmp_path, [annotation(1, SQUARE), annotation(2, [])])
    refused(call("convert", masks, tmp_path / "out.json", "--to", "sam"), "--skip-empty")
    assert call("convert", masks, tmp_path / "out.json", "--to", "sam", "--skip-empty").code == 0
    assert len(json.loads((tmp_path / "out.json").read_text())) == 1


def test_a_folder_of_photos_is_no_project(call, labels, tmp_path):
    refused(call("run", tmp_path, "--masks", labels), str(tmp_path), "expected a photo, found a folder")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "", "--masks", "labels.png"),
        ("run", "photo.png", "--masks", ""),
        ("run", "photo.png", "--masks=", "-o", "out"),
        ("run", "photo.png", "--masks", "labels.png", "--references", ""),
        ("run", "photo.png", "--masks", "labels.png", "--reference", "photo.png", "--reference", ""),
        ("convert", "labels.png", "", "--to", "coco"),
        ("index", "build", ""),
        ("evaluate", "table1", "labels.png", ""),
        ("segment", "photo.png", "--box", "a=1,1,9,9", "--model", "encoder.onnx", ""),
        ("build-dataset", "", "-o", "set"),
        ("build-dataset", "labels.png", "-o", "set", "--donors", ""),
    ],
)
def test_an_empty_text_is_no_path(call, photo, labels, tmp_path, monkeypatch, arguments):
    """A variable of a shell that is not set would otherwise mean the current folder."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    refused(call(*arguments), "found an empty text")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("build-dataset", "labels.png", "-o", "set"), "--kind"),
        (("build-dataset", "labels.png", "-o", "set"), "--donors"),
        (("evaluate", "table2", "set"), "--kind"),
        (("train", "pack", "pack"), "--source"),
        (("train", "pack-scenes", "pack", "--solids", 1), "--source"),
    ],
)
def test_an_option_of_several_values_without_one(call, tmp_path, monkeypatch, command, option):
    monkeypatch.chdir(tmp_path)
    refused(call(*command, option), option, "at least 1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "option", "number"),
    [("ordering", "--samples", 10**20), ("ordering", "--gap", 101), ("content", "--samples", 100_001),
     ("content", "--tight", 101)],
)  # fmt: skip
def test_more_than_memory_holds(call, labels, command, option, number):
    data = ("--data", labels) if command == "ordering" else (labels,)
    refused(call("evaluate", command, *data, option, number), option, f"found {number}")


@pytest.mark.parametrize("source", ["", "convex="])
def test_predictions_without_a_file(call, labels, source):
    refused(call("evaluate", "ordering", "--data", labels, "--predictions", source), "--predictions", "NAME=FILE")


@pytest.mark.parametrize("command", [("index", "info"), ("index", "query"), ("run",), ("export",)])
def test_links_that_lead_to_themselves(call, photo, tmp_path, command):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refused(call(*command, tmp_path / "loop", *([photo] if command[-1] == "query" else [])), "loop")
