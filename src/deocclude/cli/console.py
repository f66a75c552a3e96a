"""What the commands share for talking to people and to programs: tables, progress bars, JSON, one-line errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deocclude.files import encoded


class _Terminal(Console):
    """A console that leaves it to the caller what happens when nobody reads on."""

    def on_broken_pipe(self) -> NoReturn:
        """Raise again what Rich would turn into exit code 1."""
        raise BrokenPipeError


_WIDE = 10_000
"""Columns of what is no terminal."""
OUT = _Terminal(highlight=False)
ERR = _Terminal(stderr=True, highlight=False)


def print_json(content: Any) -> None:
    """Print one JSON document to standard output, and nothing else."""
    print_plain(json.dumps(content, indent=2, ensure_ascii=False))


def print_plain(text: str) -> None:
    """Print text as it is: no markup, no wrapping."""
    sys.stdout.write(encoded(text).decode("utf-8") + "\n")
    sys.stdout.flush()


def say_written(target: Path, about: str = "", *, json: bool = False, **facts: Any) -> None:
    """Say what was written; as JSON it is ``output`` with ``facts`` beside it."""
    if json:
        print_json({"output": str(target), **facts})
        return
    line = Text.assemble("Written: ", (_plain(str(target)), "bold"), f" ({_plain(about)})" if about else "")
    OUT.print(line, soft_wrap=True)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; columns that hold numbers only are set right.

    Nothing is cut off: a terminal folds what is too long, a file or a pipe gets lines as long as they need to be.
    """
    table = Table(title=Text(_plain(title)), title_justify="left", title_style="bold", header_style="bold")
    for position, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[position], (int, float)) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(f"{cell:.3f}" if isinstance(cell, float) else _plain(str(cell))) for cell in row))
    (OUT if OUT.is_terminal else _Terminal(highlight=False, width=_WIDE)).print(table)


def warn(line: str) -> None:
    """Print one line that a user should not miss, to standard error."""
    ERR.print(Text.assemble(("note:", "yellow"), f" {_plain(line)}"), soft_wrap=True)


def fail(line: str) -> None:
    """Print an error line to standard error, if anybody reads it."""
    with suppress(BrokenPipeError):
        ERR.print(Text.assemble(("error:", "red"), f" {_plain(line)}"), soft_wrap=True)


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function (stage, done, total) that draws a bar on a terminal, and nothing elsewhere."""
    if quiet or not ERR.is_terminal:
        yield lambda stage, done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    name = TextColumn("{task.description:>10}", markup=False)  # it may name a folder of the user
    with Progress(name, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=ERR, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def update(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield update


def _plain(text: str) -> str:
    """Return ``text`` without line breaks and control characters: names come from files of anybody."""
    return "".join(char if char.isprintable() else " " for char in text)
