"""Image de-occlusion: take a photo and the visible masks of its objects, and give back the scene taken apart."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Box": "geometry",
    "DeoccludeError": "errors",
    "Instance": "scene",
    "Mask": "masks",
    "Photo": "images",
    "Scene": "scene",
    "Size": "geometry",
    "read_photo": "images",
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
