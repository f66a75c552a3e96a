"""Image de-occlusion: take a photo and the visible masks of its objects, and give back the scene taken apart."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Arrangement": "layers.arrange",
    "Box": "geometry",
    "DeoccludeError": "errors",
    "Instance": "scene",
    "LayerStack": "layers.stack",
    "Mask": "masks",
    "Move": "layers.move",
    "Override": "ordering.graph",
    "Photo": "images",
    "Project": "project.state",
    "Scene": "scene",
    "Settings": "plan",
    "Size": "geometry",
    "compose": "layers.compose",
    "open_project": "pipeline",
    "read_photo": "images",
    "read_project": "project.store",
    "read_scene": "formats",
    "run": "pipeline",
    "write_scene": "formats",
}
"""Public names and the module each lives in; loaded on first use, so that the import stays light."""

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'deocclude' has no attribute {name!r}")
    return getattr(importlib.import_module(f"deocclude.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
