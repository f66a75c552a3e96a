"""Photos that were taken off the list: only their ids are noted, and all of their files stay."""

from __future__ import annotations

import json
from pathlib import Path

from deocclude.files import write_text


class Unlisted:
    """The ids of the photos of a workspace that its list leaves out, in a file of the workspace.

    Args:
        folder: of the workspace.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "unlisted.json"
        self._ids = self._read()

    def __contains__(self, identity: str) -> bool:
        """Whether the photo is left out."""
        return identity in self._ids

    def leave_out(self, identity: str) -> None:
        """Leave a photo out from now on.

        Raises:
            OutputError: that cannot be written down; the photo stays in the list.
        """
        self._write(self._read() | {identity})

    def put_back(self, *identities: str) -> None:
        """Leave photos out no longer; see :meth:`leave_out`."""
        if self._ids & set(identities):
            self._write(self._read() - set(identities))

    def _read(self) -> frozenset[str]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return frozenset()
        return frozenset(item for item in found if isinstance(item, str)) if isinstance(found, list) else frozenset()

    def _write(self, identities: frozenset[str]) -> None:
        write_text(self._file, json.dumps(sorted(identities), indent=1) + "\n")
        self._ids = identities
