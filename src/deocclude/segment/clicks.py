"""Masks from clicks by a model of the Segment Anything kind that the user brings as two ONNX files.

The interface is the one of ``scripts/export_onnx_model.py`` of segment-anything (Kirillov et al., "Segment Anything",
ICCV 2023) for the decoder, and of its image encoder exported as it is; ``docs/segment.md`` states it. Both files are
checked when they are opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError, MissingExtraError
from deocclude.geometry import Box, Size
from deocclude.masks import Mask

SIDE = 1024
"""Pixels of the square that the encoder sees where its file does not say."""
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
DECODER_INPUTS = {
    "image_embeddings": 4, "point_coords": 3, "point_labels": 2, "mask_input": 4, "has_mask_input": 1,
    "orig_im_size": 1,
}  # fmt: skip
"""Names of the decoder's inputs and how many dimensions each has."""
DECODER_OUTPUTS = ("masks", "iou_predictions")
ON, OFF, CORNER, OTHER_CORNER, NO_POINT = 1.0, 0.0, 2.0, 3.0, -1.0
"""Labels of points."""

Click = tuple[float, float, int]
"""x, y and 1 (on the object) or 0 (beside it)."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """A photo as the encoder sees it.

    Attributes:
        size: of the photo.
        scale: encoder pixels a photo pixel.
        values: float32 [1, C, h, w].
    """

    size: Size
    scale: float
    values: NDArray[np.float32]


class ClickModel:
    """An encoder and a decoder.

    Args:
        encoder: ONNX file; one input float32 [1, 3, S, S], output ``image_embeddings``.
        decoder: ONNX file with the inputs of :data:`DECODER_INPUTS` and the outputs of :data:`DECODER_OUTPUTS`.

    Raises:
        MissingExtraError: onnxruntime is not installed.
        InputError: a file is absent, no ONNX, or of another interface.
    """

    def __init__(self, encoder: Path, decoder: Path) -> None:
        self._encoder, self._decoder = _opened(encoder), _opened(decoder)
        self._side = _check_encoder(self._encoder, encoder)
        _check_decoder(self._decoder, decoder)
        self._decoder_file, self._encoder_file = decoder, encoder

    def embed(self, photo_rgb: NDArray[np.uint8]) -> Embedding:
        """Look at a photo, uint8 [H, W, 3]; takes long, and is the same for all clicks."""
        import cv2

        size = Size(*photo_rgb.shape[:2])
        scale = self._side / max(size)
        width, height = max(1, round(size.width * scale)), max(1, round(size.height * scale))
        small = cv2.resize(photo_rgb, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        square = np.zeros((self._side, self._side, 3), np.float32)
        square[:height, :width] = (small - np.asarray(MEAN, np.float32)) / np.asarray(STD, np.float32)
        name = self._encoder.get_inputs()[0].name
        values = _run(self._encoder, {name: square.transpose(2, 0, 1)[None].copy()}, self._encoder_file)[0]
        return Embedding(size, scale, np.asarray(values, np.float32))

    def segment(self, embedding: Embedding, clicks: Sequence[Click], box: Box | None = None) -> Mask:
        """Return the mask of what was clicked, the one that the model is surest of.

        Raises:
            InputError: neither a click on the object nor a box, or the model finds nothing there.
        """
        if box is None and not any(label for _, _, label in clicks):
            raise InputError("a click on the object, or a box", "none", field="points")
        points = [(x, y, ON if label else OFF) for x, y, label in clicks]
        if box is not None:
            points += [(box.x0, box.y0, CORNER), (box.x1, box.y1, OTHER_CORNER)]
        else:
            points.append((0.0, 0.0, NO_POINT))
        table = np.asarray(points, np.float32)[None]
        feed = {
            "image_embeddings": embedding.values,
            "point_coords": table[..., :2] * np.float32(embedding.scale),
            "point_labels": table[..., 2].copy(),
            "mask_input": np.zeros((1, 1, *self._mask_size()), np.float32),
            "has_mask_input": np.zeros(1, np.float32),
            "orig_im_size": np.asarray(embedding.size, np.float32),
        }
        masks, surety = _run(self._decoder, feed, self._decoder_file, list(DECODER_OUTPUTS))
        return self._best(np.asarray(masks), np.asarray(surety), embedding.size)

    def _best(self, masks: NDArray[Any], surety: NDArray[Any], size: Size) -> Mask:
        if masks.ndim != 4 or masks.shape[2:] != tuple(size) or surety.size != masks.shape[1]:
            raise InputError(f"masks [1, n, {size.height}, {size.width}] with n surenesses",
                             f"{list(masks.shape)} with {surety.size}", file=self._decoder_file)  # fmt: skip
        mask = Mask.from_array(masks[0, int(surety.reshape(-1).argmax())] > 0)
        if not mask:
            raise InputError("something under the click", "nothing", field="points", hint="click elsewhere")
        return mask

    def _mask_size(self) -> tuple[int, int]:
        shape = next(item.shape for item in self._decoder.get_inputs() if item.name == "mask_input")
        height, width = shape[2:]
        return (height if isinstance(height, int) else SIDE // 4), (width if isinstance(width, int) else SIDE // 4)


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise InputError("an ONNX file", "no such file", file=path, field="--model")
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError("segmenting by clicks", "onnx") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common base
        raise InputError("an ONNX model", f"none that can be opened ({error})", file=path, field="--model") from None


def _check_encoder(session: Any, path: Path) -> int:
    """Return the side of the square that the encoder sees."""
    given = session.get_inputs()
    shape = list(given[0].shape) if given else []
    fits = len(given) == 1 and len(shape) == 4 and shape[1] in (3, None) and given[0].type == "tensor(float)"
    if not fits or (shape[2] != shape[3] and all(isinstance(side, int) for side in shape[2:])):
        found = ", ".join(f"{item.name} {item.type} {item.shape}" for item in given) or "no input"
        raise InputError("an encoder with one input float32 [1, 3, S, S]", found, file=path, field="--model")
    ranks = [len(item.shape) for item in session.get_outputs()]
    if not ranks or ranks[0] != 4:
        raise InputError("an encoder whose first output is the embedding [1, C, h, w]", f"ranks {ranks}", file=path,
                         field="--model")  # fmt: skip
    return shape[2] if isinstance(shape[2], int) else SIDE


def _check_decoder(session: Any, path: Path) -> None:
    inputs = {item.name: len(item.shape) for item in session.get_inputs()}
    outputs = [item.name for item in session.get_outputs()]
    if inputs != DECODER_INPUTS or not set(DECODER_OUTPUTS) <= set(outputs):
        expected = f"a decoder with inputs {_listed(DECODER_INPUTS)} and outputs {', '.join(DECODER_OUTPUTS)}"
        found = f"inputs {_listed(inputs)} and outputs {', '.join(outputs)}"
        raise InputError(expected, found, file=path, field="--model", hint="see docs/segment.md")


def _listed(ranks: dict[str, int]) -> str:
    return ", ".join(f"{name} ({rank} dimensions)" for name, rank in ranks.items())


def _run(session: Any, feed: dict[str, NDArray[Any]], path: Path, names: list[str] | None = None) -> Any:
    try:
        return session.run(names, feed)
    except Exception as error:  # its errors have no common base
        raise InputError("a model that runs", str(error), file=path, field="--model") from None
