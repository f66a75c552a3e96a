"""Whole shapes: what an amodal method returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deocclude.masks import Mask
from deocclude.stages import StageRecord


@dataclass(frozen=True, eq=False)
class AmodalMasks:
    """The whole shape of each object.

    Attributes:
        masks: by object id; each contains the object's modal mask.
        record: method, settings, fallback, seconds.
    """

    masks: Mapping[int, Mask]
    record: StageRecord
