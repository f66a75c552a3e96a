"""Segment stage: visible masks for a user who has none, from a box, scribbles or clicks."""

from __future__ import annotations

from deocclude.segment.prompt import Prompt, stroke_mask

__all__ = ["Prompt", "stroke_mask"]
