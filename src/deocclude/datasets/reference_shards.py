"""Shards of a reference data set: files that each hold some objects with their references, whole and for good.

A shard is one file: eight bytes that say what it is, the length of a header, the header as JSON (what is known of each
object, and where its pictures lie), and the pictures as PNG one after the other. Masks travel as the bits of one
picture. The header states length and SHA-256 of all that follows, so a shard that is cut off or altered is noticed.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.reference_sample import ReferenceKind, ReferenceSample
from deocclude.errors import InputError
from deocclude.images import RGBArray
from deocclude.masks import BoolArray

VERSION = 1
MAGIC = b"DEOCREF\n"
SUFFIX = ".refs"
PICTURES = ("truth", "rgb", "predicted")
MASKS = ("inside", "modal", "amodal", "predicted_amodal", "eraser")
AGAIN = "run 'deocclude build-dataset' again with the same options to go on"


@dataclass(frozen=True, eq=False)
class StoredReference:
    """A reference of an object, as :class:`ReferenceSample` describes it, and the digest of its file.

    The pictures are ``None`` where there is no reference, or where it could not be aligned.
    """

    kind: ReferenceKind
    key: str = ""
    score: float = 0.0
    alignment: float = 0.0
    source: str = ""
    licence: str = ""
    sha256: str = ""
    reference: RGBArray | None = None
    reference_valid: BoolArray | None = None
    aligned: RGBArray | None = None
    aligned_valid: BoolArray | None = None


@dataclass(frozen=True, eq=False)
class StoredObject:
    """An object, as :class:`ReferenceSample` describes it, with all its references.

    Attributes:
        facts: key, scene, split, category, and ``sha256`` of the photo's file.
        pictures: uint8 [S, S, 3] by name, see :data:`PICTURES`.
        masks: bool [S, S] by name, see :data:`MASKS`.
        references: at least one.
    """

    facts: Mapping[str, str]
    pictures: Mapping[str, RGBArray]
    masks: Mapping[str, BoolArray]
    references: tuple[StoredReference, ...]


@dataclass(frozen=True, eq=False)
class Shard:
    """An opened shard.

    Attributes:
        path: the file.
        header: what it says about itself.
        payload: uint8, its pictures, memory-mapped.
    """

    path: Path
    header: Mapping[str, Any] = field(repr=False)
    payload: NDArray[np.uint8] = field(repr=False)

    @property
    def objects(self) -> Sequence[Mapping[str, Any]]:
        """What is known of each object."""
        return self.header["objects"]  # type: ignore[no-any-return]

    def intact(self) -> bool:
        """Whether the pictures are as they were written."""
        return bool(hashlib.sha256(self.payload.data).hexdigest() == self.header["payload_sha256"])

    def sample(self, row: int, reference: int) -> ReferenceSample:
        """Return an object with one of its references.

        Raises:
            InputError: a picture is damaged.
        """
        about = self.objects[row]
        side, planes = int(self.header["side"]), about["planes"]
        masks = _from_bits(self._decode(planes["masks"], (side, side)), MASKS)
        values: dict[str, Any] = {name: self._rgb(planes[name]) for name in PICTURES}
        values |= masks
        values |= self._reference(about["references"][reference], side)
        values |= {name: about[name] for name in ("key", "scene", "split", "category")}
        return ReferenceSample(**values, visible=masks["modal"] & ~masks["eraser"])

    def _reference(self, about: Mapping[str, Any], side: int) -> dict[str, Any]:
        nothing, planes = np.zeros((side, side), bool), about["planes"]
        valid = dict.fromkeys(("reference_valid", "aligned_valid"), nothing)
        if "masks" in planes:
            valid = _from_bits(self._decode(planes["masks"], (side, side)), tuple(valid))
        pictures = {
            name: self._rgb(planes[name]) if name in planes else np.zeros((side, side, 3), np.uint8)
            for name in ("reference", "aligned")
        }
        facts = {name: about[name] for name in ("score", "alignment", "source", "licence")}
        return {**pictures, **valid, **facts, "kind": ReferenceKind(about["kind"]), "reference_key": about["key"]}

    def _rgb(self, place: Sequence[int]) -> RGBArray:
        side = int(self.header["side"])
        return np.ascontiguousarray(self._decode(place, (side, side, 3))[..., ::-1])

    def _decode(self, place: Sequence[int], shape: tuple[int, ...]) -> NDArray[np.uint8]:
        import cv2

        decoded = cv2.imdecode(np.asarray(self.payload[place[0] : place[1]]), cv2.IMREAD_UNCHANGED)
        if decoded is None or decoded.shape != shape or decoded.dtype != np.uint8:
            raise damaged(self.path, "a damaged picture in it")
        return np.asarray(decoded, np.uint8)


def encode_shard(objects: Sequence[StoredObject], about: Mapping[str, Any]) -> bytes:
    """Return a shard as the bytes of its file; equal contents give equal bytes.

    Args:
        objects: what it holds.
        about: what else the header states: number, fingerprint, side, failures.
    """
    payload = bytearray()
    rows = [_stored(item, payload) for item in objects]
    header = {
        "version": VERSION,
        **about,
        "payload_bytes": len(payload),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
        "objects": rows,
    }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return MAGIC + struct.pack("<Q", len(text)) + text + bytes(payload)


def open_shard(path: Path) -> Shard:
    """Open a shard, memory-mapped; its pictures are not looked at.

    Raises:
        InputError: no such file, no shard, one of another version, or one that is cut off.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(len(MAGIC) + 8)
            if start[: len(MAGIC)] != MAGIC or len(start) < len(MAGIC) + 8:
                raise damaged(path, "another file or none of its beginning")
            length = struct.unpack("<Q", start[len(MAGIC) :])[0]
            text = file.read(min(length, size))
    except OSError as error:
        raise InputError("a shard of a reference data set", error.strerror or str(error), file=path) from None
    if len(text) < length:
        raise damaged(path, f"a file cut off after {size} bytes")
    try:
        header = json.loads(text)
        version, expected = header["version"], len(start) + length + header["payload_bytes"]
    except (ValueError, TypeError, KeyError):
        raise damaged(path, "a header that cannot be read") from None
    if version != VERSION:
        raise InputError(f"version {VERSION}", str(version), file=path, field="version",
                         hint="another release wrote it: build the data set again")  # fmt: skip
    if size != expected:
        raise damaged(path, f"a file of {size} bytes instead of {expected}")
    payload = np.memmap(path, np.uint8, "r", offset=len(start) + length) if header["payload_bytes"] else _NOTHING
    return Shard(path, header, payload)


def damaged(path: Path, found: str) -> InputError:
    """Return the error for a shard that cannot be used."""
    return InputError("a whole shard of a reference data set", found, file=path, hint=f"remove it and {AGAIN}")


_NOTHING = np.zeros(0, np.uint8)


def _stored(item: StoredObject, payload: bytearray) -> dict[str, Any]:
    planes = {name: _append(payload, item.pictures[name][..., ::-1]) for name in PICTURES}
    planes["masks"] = _append(payload, _to_bits([item.masks[name] for name in MASKS]))
    references = [_stored_reference(reference, payload) for reference in item.references]
    return {**item.facts, "planes": planes, "references": references}


def _stored_reference(item: StoredReference, payload: bytearray) -> dict[str, Any]:
    planes = {}
    if item.reference is not None and item.reference_valid is not None:
        planes["reference"] = _append(payload, item.reference[..., ::-1])
        aligned = item.aligned_valid if item.aligned_valid is not None else np.zeros_like(item.reference_valid)
        planes["masks"] = _append(payload, _to_bits([item.reference_valid, aligned]))
        if item.aligned is not None:
            planes["aligned"] = _append(payload, item.aligned[..., ::-1])
    return {
        "kind": str(item.kind), "key": item.key, "score": round(item.score, 4), "alignment": round(item.alignment, 4),
        "source": item.source, "licence": item.licence, "sha256": item.sha256, "planes": planes,
    }  # fmt: skip


def _append(payload: bytearray, picture: NDArray[np.uint8]) -> list[int]:
    import cv2

    start = len(payload)
    payload += cv2.imencode(".png", np.ascontiguousarray(picture), [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()
    return [start, len(payload)]


def _to_bits(masks: Sequence[BoolArray]) -> NDArray[np.uint8]:
    """Return masks as the bits of one picture, the first as the lowest."""
    return np.asarray(sum(mask.astype(np.uint8) << bit for bit, mask in enumerate(masks)), np.uint8)


def _from_bits(picture: NDArray[np.uint8], names: Sequence[str]) -> dict[str, BoolArray]:
    return {name: np.asarray(picture >> bit & 1, bool) for bit, name in enumerate(names)}
