"""Tables of results as Markdown and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deocclude.evaluation.ratio import Estimate
from deocclude.files import write_text

Cell = str | int | float | Estimate | None


@dataclass(frozen=True)
class Table:
    """Rows under named columns.

    Attributes:
        title: what the table shows, one line.
        rows: column name to cell; a column that a row lacks is printed empty.
        notes: one line each, printed below: data set, protocol, what the interval means.
    """

    title: str
    rows: tuple[Mapping[str, Cell], ...]
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the order in which rows bring them."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row))

    def markdown(self) -> str:
        """Return the table as aligned Markdown: text to the left, numbers to the right."""
        columns = self.columns
        texts = [list(columns)] + [[_text(row.get(name)) for name in columns] for row in self.rows]
        widths = [max(3, *(len(line[k]) for line in texts)) for k in range(len(columns))]
        left = [all(isinstance(row.get(name), str | None) for row in self.rows) for name in columns]
        rule = [
            f":{'-' * (w - 1)}" if is_left else f"{'-' * (w - 1)}:" for w, is_left in zip(widths, left, strict=True)
        ]
        lines = [_line(cells, widths, left) for cells in (texts[0], rule, *texts[1:])]
        head = [f"**{self.title}**", ""] if self.title else []
        tail = ["", *self.notes] if self.notes else []
        return "\n".join([*head, *lines, *tail]) + "\n"

    def as_plain(self) -> dict[str, Any]:
        """Return everything as JSON values.

        Estimates become objects with value, low, high, numerator, denominator; what is no number becomes null.
        """
        rows = [{name: _plain(cell) for name, cell in row.items()} for row in self.rows]
        return {"title": self.title, "columns": list(self.columns), "rows": rows, "notes": list(self.notes)}


def write(tables: Sequence[Table], target: Path) -> None:
    """Write tables to ``target``: a JSON list if its suffix is ``.json``, Markdown otherwise."""
    if target.suffix.lower() == ".json":
        content = [table.as_plain() for table in tables]
        write_text(target, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    else:
        write_text(target, "\n".join(table.markdown() for table in tables))


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return "–" if math.isnan(cell) else f"{cell:.3f}"
    return str(cell).replace("|", "\\|").replace("\n", " ")


def _line(cells: Sequence[str], widths: Sequence[int], left: Sequence[bool]) -> str:
    padded = [
        cell.ljust(width) if is_left else cell.rjust(width)
        for cell, width, is_left in zip(cells, widths, left, strict=True)
    ]
    return f"| {' | '.join(padded)} |"


def _plain(cell: Cell) -> Any:
    if isinstance(cell, Estimate):
        return {name: _plain(value) for name, value in asdict(cell).items()}
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell
