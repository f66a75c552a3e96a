"""Masks in and out of JSON."""

from __future__ import annotations

import base64
import binascii
import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from deocclude import rle
from deocclude.app.bodies import BoxBody, MaskBody
from deocclude.errors import InputError
from deocclude.geometry import Box, Size
from deocclude.images import MAX_PIXELS, png_bytes
from deocclude.masks import Mask


def mask_in(body: MaskBody, size: Size) -> Mask:
    """Return the mask that a request states, in the size of the photo.

    Raises:
        InputError: it is none of the three forms, or more than one, or damaged, or of another size.
    """
    given = [name for name in ("rle", "png", "polygons") if getattr(body, name) is not None]
    if len(given) != 1:
        raise InputError("one of rle, png, polygons", ", ".join(given) or "none", field="mask")
    if (body.png is None) != (body.box is None):
        raise InputError("png and box together", "one of them alone", field="mask")
    try:
        mask = _mask(body, size)
    except ValueError as error:
        raise InputError("a mask", f"a damaged one ({error})", field="mask") from None
    if mask.size != size:
        raise InputError(f"a mask of the photo's size {size}", str(mask.size), field="mask")
    return mask


def mask_out(mask: Mask) -> dict[str, Any]:
    """Return a mask as PNG with its box, and as run lengths."""
    return {"mask": {"png": base64.b64encode(mask_png(mask)).decode(), "box": list(mask.box)},
            "rle": rle.encode(mask), "pixels": mask.area}  # fmt: skip


def mask_png(mask: Mask, scale: float = 1.0) -> bytes:
    """Return the box of a mask as a PNG: white, alpha where it is set; one clear pixel for an empty mask.

    Scaled down, alpha is the share of each pixel that is set.
    """
    alpha = np.where(mask.pixels, 255, 0).astype(np.uint8) if mask else np.zeros((1, 1), np.uint8)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in alpha.shape[::-1])
        alpha = np.asarray(Image.fromarray(alpha).resize((width, height), Image.Resampling.BOX))
    return png_bytes(np.dstack([np.full_like(alpha, 255), alpha]))


def box_in(body: BoxBody, size: Size) -> Box:
    """Return a box that a request states, cut to the photo.

    Raises:
        InputError: nothing of it lies in the photo.
    """
    box = Box(*body).clip(size)
    if box.empty:
        raise InputError(f"a box inside the photo of {size}", str(list(body)), field="box")
    return box


def _mask(body: MaskBody, size: Size) -> Mask:
    if body.rle is not None:
        if tuple(body.rle.size) != tuple(size):
            raise ValueError(f"its size is {list(body.rle.size)}, that of the photo {list(size)}")
        return rle.decode(body.rle.model_dump())
    if body.polygons is not None:
        return rle.from_polygons([list(map(float, polygon)) for polygon in body.polygons], size)
    assert body.png is not None and body.box is not None  # checked by the caller
    box = Box(*body.box)
    if box.empty or box.width * box.height > MAX_PIXELS:
        raise ValueError(f"the box {list(body.box)} is empty or too large")
    return Mask.from_crop(_pixels(body.png, box), box[:2], size)


def _pixels(text: str, box: Box) -> NDArray[np.bool_]:
    try:
        data = base64.b64decode(text, validate=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError("a picture that is too large")
                return _set_pixels(image, box)
    except UnidentifiedImageError:
        raise ValueError("no PNG in Base64 (another kind of file)") from None
    except (binascii.Error, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"no PNG in Base64 ({error})") from None


def _set_pixels(image: Image.Image, box: Box) -> NDArray[np.bool_]:
    """Return bool [box.height, box.width]: alpha above a half, or, without alpha, not 0."""
    if "A" in image.getbands() or "transparency" in image.info:
        plane = (image if "A" in image.getbands() else image.convert("RGBA")).getchannel("A")
    else:
        values = np.asarray(image)
        seen = values.any(-1) if values.ndim == 3 else values != 0
        plane = Image.fromarray(np.where(seen, 255, 0).astype(np.uint8))
    if plane.size != (box.width, box.height):
        plane = plane.resize((box.width, box.height), Image.Resampling.NEAREST)
    return np.asarray(plane) > 127
