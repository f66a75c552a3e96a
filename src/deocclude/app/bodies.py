"""What requests may say; a key that is not here is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e7, le=1e7)]
Whole = Annotated[StrictInt, Field(ge=-(10**7), le=10**7)]
BoxBody = tuple[Whole, Whole, Whole, Whole]
Point = tuple[Number, Number]
Revision = Annotated[StrictInt, Field(ge=0, le=2**53, description="Of the thing to change, as last seen")]
Identity = Annotated[StrictInt, Field(ge=1, le=10**9)]
Name = Annotated[str, Field(max_length=200)]
Size = Literal["thumb", "screen", "full"]
Shape = Literal["visible", "whole", "hidden"]


class Body(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(extra="forbid")


class RleBody(Body):
    """COCO run lengths in the size of the photo."""

    size: tuple[Whole, Whole]
    counts: str | list[StrictInt]


class MaskBody(Body):
    """A mask in one of three forms."""

    rle: RleBody | None = None
    png: Annotated[str, Field(description="Base64")] | None = None
    box: BoxBody | None = None
    polygons: list[list[Number]] | None = None


class PaintBody(Body):
    """A stroke of the brush or the eraser."""

    mode: Literal["add", "erase"]
    mask: MaskBody


class NewObject(Body):
    """A new object."""

    mask: MaskBody
    name: Name = ""
    take: StrictBool = True


class ObjectPatch(Body):
    """A change of an object."""

    revision: Revision
    name: Name | None = None
    mask: MaskBody | None = None
    paint: PaintBody | None = None
    take: StrictBool = True


class WholeBody(Body):
    """A whole shape painted by hand; ``mask`` null: the model decides again."""

    revision: Revision
    mask: MaskBody | None = None
    paint: PaintBody | None = None


class OrderBody(Body):
    """What is true of a pair."""

    first: Identity
    second: Identity
    relation: Literal["front", "none", "both", "auto"]
    revision: Revision


class ChoiceBody(Body):
    """What may fill a hole."""

    revision: Revision
    pick: Name | None = None
    reject: Annotated[list[Name], Field(max_length=100)] = []


class ArrangementBody(Body):
    """How the layers are arranged."""

    revision: Revision
    arrangement: dict[str, Any]


class DoneBody(Body):
    """Whether the photo is finished."""

    revision: Revision
    done: StrictBool


class ListedBody(Body):
    """Whether the list of photos shows it."""

    listed: StrictBool


class SettingsBody(Body):
    """Settings of the pipeline to change."""

    revision: Revision
    settings: dict[str, Any]


class RevisionBody(Body):
    """The revision of the whole state."""

    revision: Revision


class ComputeBody(Body):
    """How far to compute."""

    until: Name = "layers"


class SegmentBody(Body):
    """A box and scribbles; ``object`` or ``start`` is a mask to begin with, ``spare`` names objects to leave alone."""

    box: BoxBody | None = None
    object: Identity | None = None
    start: MaskBody | None = None
    radius: Annotated[float, Field(gt=0, le=500, allow_inf_nan=False)] = 4.0
    foreground: Annotated[list[list[Point]], Field(max_length=500)] = []
    background: Annotated[list[list[Point]], Field(max_length=500)] = []
    spare: Annotated[list[Identity], Field(max_length=1000)] = []


class ClickBody(Body):
    """Points on (1) and off (0) the object, and perhaps a box; ``spare`` names objects to leave alone."""

    points: Annotated[list[tuple[Number, Number, Literal[0, 1]]], Field(max_length=200)] = []
    box: BoxBody | None = None
    spare: Annotated[list[Identity], Field(max_length=1000)] = []
