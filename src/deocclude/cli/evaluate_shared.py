"""What the evaluate commands share: the option that names rows, and how tables are printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from deocclude.cli import console
from deocclude.cli.options import Several

if TYPE_CHECKING:
    from deocclude.evaluation.tables import Table

Rows = Annotated[tuple[str, ...], Several, Parameter(name=["--rows", "--row"])]
"""What is compared."""


def print_tables(tables: Sequence[Table], *, json: bool) -> None:
    """Print tables as Markdown, or as one JSON list."""
    if json:
        console.print_json([table.as_plain() for table in tables])
        return
    for table in tables:
        console.print_plain(table.markdown())
