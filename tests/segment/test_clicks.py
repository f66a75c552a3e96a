"""Click masks by ONNX models of the documented interface; tiny ones, made here."""

import numpy as np
import pytest

from deocclude.errors import InputError
from deocclude.geometry import Box
from deocclude.segment.clicks import DECODER_INPUTS, ClickModel

onnx = pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")

helper, FLOAT, INT64 = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
SIDE = 64


def saved(path, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def encoder(path, shape=(1, 3, SIDE, SIDE), kind=FLOAT, rank=4):
    """An encoder whose embedding is the picture itself."""
    target = list(shape) if rank == 4 else [1, -1]
    nodes = [helper.make_node("Identity" if rank == 4 else "Flatten", ["picture"], ["image_embeddings"])]
    return saved(path, nodes, [value("picture", list(shape), kind)], [value("image_embeddings", target, kind)])


def decoder(path, leave_out=(), extra=(), masks=2):
    """A decoder that answers two masks: a disc round the first point of radius 8, and nothing; the first is surer.

    Everything that it is given goes into the answer, times zero, so that nothing is pruned away.
    """
    shapes = {
        "image_embeddings": [1, 3, SIDE, SIDE], "point_coords": [1, "n", 2], "point_labels": [1, "n"],
        "mask_input": [1, 1, 16, 16], "has_mask_input": [1], "orig_im_size": [2],
    }  # fmt: skip
    shapes = {name: shape for name, shape in shapes.items() if name not in leave_out}
    shapes |= {name: [1] for name in extra}
    rows, columns = np.mgrid[:40, :80].astype(np.float32)
    constants = [
        helper.make_tensor("grid", FLOAT, [40, 80, 2], np.stack([columns, rows], -1).ravel()),
        helper.make_tensor("scale", FLOAT, [1], [80 / SIDE]),
        helper.make_tensor("first", INT64, [1], [0]),
        helper.make_tensor("flat", INT64, [2], [1, 2]),
        helper.make_tensor("radius", FLOAT, [1], [64.0]),
        helper.make_tensor("shape", INT64, [4], [1, 1, 40, 80]),
        helper.make_tensor("last", INT64, [1], [2]),
        helper.make_tensor("minus", FLOAT, [1], [-1.0]),
        helper.make_tensor("iou", FLOAT, [1, masks], [0.9, *[0.1] * (masks - 1)]),
    ]
    nodes = [
        helper.make_node("Gather", ["point_coords", "first"], ["taken"], axis=1),
        helper.make_node("Mul", ["taken", "scale"], ["in_photo"]),
        helper.make_node("Reshape", ["in_photo", "flat"], ["point"]),
        helper.make_node("Sub", ["grid", "point"], ["apart"]),
        helper.make_node("Mul", ["apart", "apart"], ["squared"]),
        helper.make_node("ReduceSum", ["squared", "last"], ["distance"], keepdims=0),
        helper.make_node("Sub", ["radius", "distance"], ["inside"]),
        helper.make_node("Reshape", ["inside", "shape"], ["disc"]),
        helper.make_node("Mul", ["disc", "minus"], ["rest"]),
        helper.make_node("Concat", ["disc", *["rest"] * (masks - 1)], ["masks"], axis=1),
        helper.make_node("Identity", ["iou"], ["iou_predictions"]),
    ]
    inputs = [value(name, shape) for name, shape in shapes.items()]
    outputs = [value("masks", [1, masks, 40, 80]), value("iou_predictions", [1, masks])]
    return saved(path, nodes, inputs, outputs, constants)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return encoder(folder / "encoder.onnx"), decoder(folder / "decoder.onnx")


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(0).integers(0, 255, (40, 80, 3)).astype(np.uint8)


def test_a_click_gives_the_mask_that_the_model_is_surest_of(files, photo):
    model = ClickModel(*files)
    embedding = model.embed(photo)
    assert embedding.values.shape == (1, 3, SIDE, SIDE) and embedding.scale == SIDE / 80
    assert not embedding.values[:, :, 32:].any()  # the photo is laid into the upper left corner
    mask = model.segment(embedding, [(30.0, 20.0, 1), (5.0, 5.0, 0)])
    assert mask.size == (40, 80)
    assert np.allclose(mask.centroid, (30, 20), atol=0.6) and 150 < mask.area < 240
    assert model.segment(embedding, [], Box(50, 10, 60, 20)).centroid == pytest.approx((50, 10), abs=1.5)


def test_a_click_that_finds_nothing_or_says_nothing_is_refused(files, photo):
    model = ClickModel(*files)
    embedding = model.embed(photo)
    with pytest.raises(InputError, match="something under the click"):
        model.segment(embedding, [(-500.0, 0.0, 1)])
    with pytest.raises(InputError, match="a click on the object"):
        model.segment(embedding, [(3.0, 3.0, 0)])


def test_masks_of_another_size_are_named(files, photo):
    model = ClickModel(*files)
    with pytest.raises(InputError, match=r"masks \[1, n, 50, 80\]"):
        model.segment(model.embed(np.zeros((50, 80, 3), np.uint8)), [(3.0, 3.0, 1)])


def test_another_interface_is_refused_when_it_is_opened(files, tmp_path):
    good_encoder, good_decoder = files
    flat = encoder(tmp_path / "flat.onnx", rank=2)
    wide = encoder(tmp_path / "wide.onnx", shape=(1, 3, 32, 64))
    lacking = decoder(tmp_path / "lacking.onnx", leave_out=("has_mask_input",))
    more = decoder(tmp_path / "more.onnx", extra=("temperature",))
    (tmp_path / "text.onnx").write_text("no model")
    for pair, expected in (
        ((flat, good_decoder), "first output is the embedding"),
        ((wide, good_decoder), r"one input float32 \[1, 3, S, S\]"),
        ((good_decoder, good_decoder), "an encoder with one input"),
        ((good_encoder, lacking), "a decoder with inputs image_embeddings"),
        ((good_encoder, more), "temperature"),
        ((good_encoder, good_encoder), "a decoder with inputs"),
        ((good_encoder, tmp_path / "text.onnx"), "an ONNX model"),
        ((tmp_path / "none.onnx", good_decoder), "no such file"),
    ):
        with pytest.raises(InputError, match=expected) as caught:
            ClickModel(*pair)
        assert "\n" not in str(caught.value)


def test_the_documented_inputs_are_those_of_segment_anything():
    assert list(DECODER_INPUTS) == [
        "image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input", "orig_im_size",
    ]  # fmt: skip
