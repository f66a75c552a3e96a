"""Names of objects as file names and as text in other programs' files."""

from __future__ import annotations

import re
import unicodedata

_MAX_BYTES = 80
# Characters that XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def file_stem(z: int, count: int, name: str) -> str:
    """Return a file name without suffix for layer ``z`` of ``count``: ``03_wine_glass``.

    The number in front makes it unique (also where case does not count), keeps the files sorted bottom first, and
    keeps names that Windows reserves (``CON``) harmless. Letters and digits of any script stay; runs of anything
    else become ``_``; at most 80 bytes of the name are kept.
    """
    text = unicodedata.normalize("NFC", plain_text(name))
    kept = "".join(char if char.isalnum() or char in "-_" else " " for char in text)
    kept = "_".join(kept.split()).encode("utf-8", "ignore")[:_MAX_BYTES].decode("utf-8", "ignore").strip("_")
    return f"{z:0{max(2, len(str(count - 1)))}d}_{kept or 'object'}"


def plain_text(name: str) -> str:
    """Return ``name`` without characters that UTF-8 or XML cannot hold (replaced by ``?``)."""
    return _NOT_XML.sub("?", name)
