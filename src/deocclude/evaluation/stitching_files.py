"""The folder of a stitching evaluation: an answer a file, so that a run that was stopped goes on where it was.

``asked.json`` says what was measured, ``answers/`` holds the numbers of each query and its line of the gallery;
``stitching.md``, ``stitching.json`` and ``sheet.png`` are written at the end.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from deocclude.errors import InputError
from deocclude.evaluation.stitching import Record
from deocclude.evaluation.stitching_run import Asked, Task
from deocclude.evaluation.stitching_sheet import gallery
from deocclude.evaluation.tables import Table
from deocclude.files import check_output_folder, write_text
from deocclude.images import RGBArray, read_photo, write_picture

ASKED, ANSWERS = "asked.json", "answers"
TABLES, NUMBERS, SHEET = "stitching.md", "stitching.json", "sheet.png"


class Folder:
    """A folder of answers.

    Args:
        path: the folder; one with answers to the same question is continued.
        data: name of the data.
        asked: the question; which groups may differ.
        models: hashes of the models that answer.
        force: forget answers to another question.

    Raises:
        InputError: answers to another question, or other files, are there.
        OutputError: the place is not writable.
    """

    def __init__(self, path: Path, data: str, asked: Asked, models: Sequence[str], *, force: bool = False) -> None:
        self.path = path
        settings = {k: v for k, v in asdict(asked).items() if k not in ("skip", "limit", "protocols")}
        question = {"data": data, "models": list(models), **settings}
        text = json.dumps(question, indent=1) + "\n"
        stated = path / ASKED
        if stated.is_file() and stated.read_bytes() == text.encode():
            return
        if stated.is_file() and not force:
            found = "those to another, or of other models"
            raise InputError("answers to the same question, to go on with", found, file=stated,
                             hint="name another folder with -o, or replace it with --force")  # fmt: skip
        check_output_folder(path, force=stated.is_file(), hint="name another one with -o")
        shutil.rmtree(path / ANSWERS, ignore_errors=True)
        write_text(stated, text)

    def read(self, task: Task) -> Record | None:
        """Return the answer to a task; ``None`` where there is none, or no whole one."""
        if not self._place(task.protocol, task.key, ".png").is_file():
            return None
        try:
            values = json.loads(self._place(task.protocol, task.key, ".json").read_text(encoding="utf-8"))
            return Record.from_plain(values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def keep(self, record: Record, line: RGBArray) -> None:
        """Write an answer; its numbers last, since they say that it is whole."""
        write_picture(self._place(record.protocol, record.key, ".png"), line)
        text = json.dumps(record.as_plain(), indent=1, ensure_ascii=False)
        write_text(self._place(record.protocol, record.key, ".json"), text + "\n")

    def finish(self, records: Sequence[Record], tables: Sequence[Table]) -> None:
        """Write the tables, all numbers, and the gallery."""
        write_text(self.path / TABLES, "\n".join(table.markdown() for table in tables))
        numbers = {
            "asked": json.loads((self.path / ASKED).read_text(encoding="utf-8")),
            "tables": [table.as_plain() for table in tables],
            "queries": [record.as_plain() for record in records],
        }
        write_text(self.path / NUMBERS, json.dumps(numbers, indent=1, ensure_ascii=False) + "\n")
        places = [self._place(record.protocol, record.key, ".png") for record in records]
        write_picture(self.path / SHEET, gallery([read_photo(place).pixels for place in places]))

    def _place(self, protocol: str, key: str, suffix: str) -> Path:
        return self.path / ANSWERS / f"{protocol}-{key}{suffix}"
