"""What a content evaluation leaves behind: a folder with tables, the numbers of every trial and a contact sheet."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deocclude.evaluation.content_run import PROTOCOL, Result, record
from deocclude.evaluation.content_sheet import contact_sheet
from deocclude.evaluation.tables import Table
from deocclude.files import atomic_folder, write_text
from deocclude.images import write_picture

TABLES = "content.md"
NUMBERS = "content.json"
SHEET = "sheet.png"


def write_results(
    folder: Path, results: Sequence[Result], tables: Sequence[Table], *, by: str, about: Mapping[str, Any]
) -> None:
    """Write the folder, whole or not at all.

    Args:
        folder: replaced if it is there.
        results: of :func:`deocclude.evaluation.content_run.run_trials`.
        tables: of :func:`deocclude.evaluation.content_run.tables`.
        by: the row whose error orders the contact sheet.
        about: what was scored and how, for the JSON.

    Raises:
        OutputError: the place is not writable.
    """
    numbers = {
        "protocol": PROTOCOL,
        **about,
        "tables": [table.as_plain() for table in tables],
        "trials": [record(result) for result in results],
    }
    with atomic_folder(folder, replaced=()) as part:
        write_text(part / TABLES, "\n".join(table.markdown() for table in tables))
        write_text(part / NUMBERS, json.dumps(_finite(numbers), indent=1, ensure_ascii=False) + "\n")
        write_picture(part / SHEET, contact_sheet(results, by))


def _finite(value: Any) -> Any:
    """Return ``value`` with nan, which JSON does not have, as null."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
