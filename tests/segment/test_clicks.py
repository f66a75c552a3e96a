"""Click masks by ONNX models of the documented interface; tiny ones, made here."""

import sys
from pathlib import Path

import numpy as np
import pytest

from deocclude.errors import InputError
from deocclude.geometry import Box
from deocclude.segment.clicks import DECODER_INPUTS, ClickModel

pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny_models import SIDE, decoder, encoder


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
