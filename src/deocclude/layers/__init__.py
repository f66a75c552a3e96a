"""The scene as layers: built, moved, recomposed, written."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from deocclude.layers.export import export_png
from deocclude.layers.openraster import write_openraster
from deocclude.layers.psd import write_psd
from deocclude.layers.stack import LayerStack


class Exporter(Protocol):
    """Writes a stack to ``path`` (a folder for ``png``, a file otherwise), whole or not at all."""

    def __call__(self, stack: LayerStack, path: Path, /, *, icc_profile: bytes = b"") -> None:
        """Write ``stack``."""


EXPORTERS: dict[str, Exporter] = {"png": export_png, "ora": write_openraster, "psd": write_psd}
