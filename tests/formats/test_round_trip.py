"""Whatever a format can hold comes back equal after writing and reading."""

from __future__ import annotations

import json
import tempfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deocclude.errors import InputError
from deocclude.formats import FORMATS, read_scene, recognise, write_scene
from deocclude.formats.source import open_source
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

AMODAL = ("cocoa", "kins")
MODAL = ("coco", "sam", "mask-folder", "labelme")
SUFFIX = {"mask-folder": "", "label-png": ".png"}
NAMES = st.from_regex(r"([A-Za-z][A-Za-z0-9 _.-]{0,6}[A-Za-z0-9])?", fullmatch=True)
CLASSES = ("", "dog", "cup")
RANKS = st.none() | st.integers(1, 9)


@st.composite
def scenes(draw: st.DrawFn, *, allow_empty: bool = True) -> Scene:
    """Draw a scene with every field filled, masks at random: holes, parts, single pixels, borders, overlaps."""
    size = Size(draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    ids = draw(st.lists(st.integers(1, 65_535), min_size=1, max_size=4, unique=True))
    instances = []
    for identity in ids:
        amodal = draw(hnp.arrays(bool, size))
        modal = amodal & draw(hnp.arrays(bool, size))
        if not allow_empty and not modal.any():
            modal[draw(st.integers(0, size.height - 1)), draw(st.integers(0, size.width - 1))] = True
        kind = draw(st.integers(0, 2))
        instances.append(
            Instance(
                identity,
                Mask.from_array(modal),
                name=draw(NAMES),
                amodal=Mask.from_array(amodal | modal),
                category=CLASSES[kind],
                category_id=kind + 7,
                is_stuff=draw(st.booleans()),
                depth_rank=draw(RANKS),
                cluster=draw(RANKS),
                score=draw(st.none() | st.floats(0, 1)),
            )
        )
    pairs = [(front, behind) for front in ids for behind in ids if front != behind]
    order = draw(st.none() | st.frozensets(st.sampled_from(pairs) if pairs else st.nothing()))
    return Scene(size, tuple(instances), "photo.jpg", draw(st.integers(1, 10**6)), order)


def held(scene: Scene, name: str) -> Scene:
    """Return ``scene`` without what the format says it cannot hold."""
    kept = FORMATS[name].holds
    defaults = {item.name: item.default for item in fields(Instance)}
    lost = {key: defaults[key] for key in defaults if key not in kept and key not in ("id", "modal")}
    instances = tuple(replace(item, **lost) for item in scene.instances)
    if name == "cocoa":
        instances = tuple(replace(item, category_id=1) for item in instances)
    if name in ("labelme", "mask-folder"):
        labels = [item.label if name == "labelme" else item.name or item.category for item in scene.instances]
        instances = tuple(replace(item, name=label) for item, label in zip(instances, labels, strict=True))
    return replace(scene, instances=instances, order_truth=scene.order_truth if "order_truth" in kept else None)


def write_and_read(scene: Scene, name: str) -> Scene:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"masks{SUFFIX.get(name, '.json')}"
        write_scene(scene, path, name)
        assert recognise(path) == name
        return FORMATS[name].open(open_source(path)).scene(0, None)


def test_every_format_is_covered() -> None:
    assert {*AMODAL, *MODAL, "label-png"} == set(FORMATS)


@pytest.mark.parametrize("name", [*AMODAL, "coco", "sam"])
@given(scene=scenes())
@settings(deadline=None, max_examples=40)
def test_run_length_formats(name: str, scene: Scene) -> None:
    back = write_and_read(scene, name)
    if name == "sam":
        scene = replace(scene, image_file="")
    assert back == held(scene, name)


@pytest.mark.parametrize("name", ["mask-folder", "labelme"])
@given(scene=scenes(allow_empty=False))
@settings(deadline=None, max_examples=40)
def test_picture_formats(name: str, scene: Scene) -> None:
    back = write_and_read(scene, name)
    scene = replace(scene, image_id=None, image_file=scene.image_file if name == "labelme" else "")
    assert sorted(back.instances, key=lambda item: item.id) == sorted(
        held(scene, name).instances, key=lambda item: item.id
    )
    assert replace(back, instances=()) == replace(held(scene, name), instances=())


@given(
    labels=hnp.arrays(
        np.uint16,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.sampled_from([0, 1, 2, 255, 256, 65_535]),
    )
)
@settings(deadline=None, max_examples=40)
def test_label_picture(labels: np.ndarray) -> None:
    ids = [int(label) for label in np.unique(labels) if label]
    scene = Scene(Size(*labels.shape), tuple(Instance(label, Mask.from_array(labels == label)) for label in ids))
    assert write_and_read(scene, "label-png") == scene


@pytest.mark.parametrize("name", AMODAL)
def test_amodal_formats_refuse_unknown_shapes(name: str, tmp_path: Path) -> None:
    scene = Scene(Size(2, 2), (Instance(4, Mask.from_array(np.eye(2))),))
    with pytest.raises(InputError, match="object 4: expected an amodal mask of every object, found none"):
        write_scene(scene, tmp_path / "out.json", name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["label-png", "labelme"])
def test_empty_masks_are_refused_where_they_have_no_form(name: str, tmp_path: Path) -> None:
    scene = Scene(Size(2, 2), (Instance(4, Mask.empty(Size(2, 2))),))
    with pytest.raises(InputError, match="object 4: expected masks with a pixel, found an empty one"):
        write_scene(scene, tmp_path / "out.png", name)


def test_label_picture_refuses_overlap(tmp_path: Path) -> None:
    scene = Scene(Size(2, 2), (Instance(1, Mask.from_array(np.eye(2))), Instance(2, Mask.from_array(np.ones((2, 2))))))
    with pytest.raises(InputError, match="do not overlap, found 2 pixels of object 2 in object 1"):
        write_scene(scene, tmp_path / "out.png", "label-png")


def test_mask_folder_replaces_masks_but_nothing_else(tmp_path: Path) -> None:
    scene = Scene(Size(2, 2), (Instance(3, Mask.from_array(np.eye(2)), name="a/b:c"),))
    write_scene(scene, tmp_path / "masks", "mask-folder")
    write_scene(scene, tmp_path / "masks", "mask-folder")
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["3_a_b_c.png"]
    (tmp_path / "masks" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="a new folder, or one of mask PNGs only"):
        write_scene(scene, tmp_path / "masks", "mask-folder")


def test_unknown_format_to_write() -> None:
    with pytest.raises(InputError, match="did you mean 'cocoa'"):
        write_scene(Scene(Size(1, 1), ()), "out.json", "coccoa")


def test_written_cocoa_keeps_a_polygon_for_other_tools(tmp_path: Path) -> None:
    shape = np.zeros((40, 50), bool)
    shape[5:30, 10:40] = True
    mask = Mask.from_array(shape)
    write_scene(Scene(Size(40, 50), (Instance(1, mask, amodal=mask),)), tmp_path / "a.json", "cocoa")
    content = json.loads((tmp_path / "a.json").read_text())
    region = content["regions"][0]
    del region["amodal_mask"], region["visible_mask"]
    (tmp_path / "a.json").write_text(json.dumps(content))
    outline = read_scene(tmp_path / "a.json")[1].modal
    assert outline.overlap(mask) / (outline | mask).area > 0.9
