"""What a run writes for people: a log with one JSON object a line, curves, and a grid of samples."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.files import atomic_file
from deocclude.images import write_picture


class Log:
    """``log.jsonl``: one line every so many steps, appended.

    Args:
        path: the file.
        from_step: lines of later steps are dropped, as they will be written again by a resumed run.
    """

    def __init__(self, path: Path, from_step: int = 0) -> None:
        self._path = path
        kept = [row for row in read_log(path) if row.get("step", 0) <= from_step] if path.is_file() else []
        with atomic_file(path) as part:
            part.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")

    def write(self, **values: Any) -> None:
        """Append a line; numbers that are not finite (the score of no sample) are left out, JSON has none."""
        rounded = {
            key: float(f"{value:.6g}") if isinstance(value, float) else value
            for key, value in values.items()
            if not isinstance(value, float) or math.isfinite(value)
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rounded) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; a last line that was cut off is left out."""
    rows: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def draw_curves(log: Path, target: Path) -> None:
    """Draw every number of the log over the steps, one panel each, into a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    rows = read_log(log)
    skipped = {"step", "size"}
    names = sorted(
        {key for row in rows for key, value in row.items() if isinstance(value, float) and key not in skipped}
    )
    if not names:
        return
    figure = Figure(figsize=(8, 2.2 * len(names)), layout="constrained")
    for axis, name in zip(np.ravel(figure.subplots(len(names), 1, squeeze=False)), names, strict=True):
        points = [(row["step"], row[name]) for row in rows if name in row]
        axis.plot(*zip(*points, strict=True), linewidth=1)
        axis.set_title(name, fontsize=9)
    with atomic_file(target) as part:
        figure.savefig(part, dpi=80, format="png")


def write_grid(target: Path, pictures: NDArray[np.uint8], columns: int = 8) -> None:
    """Write pictures [n, h, w, 3] as one PNG, ``columns`` in a row."""
    count, height, width, _ = pictures.shape
    rows = -(-count // columns)
    sheet = np.full((rows * columns, height, width, 3), 255, np.uint8)
    sheet[:count] = pictures
    sheet = sheet.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    write_picture(target, sheet.reshape(rows * height, columns * width, 3))
