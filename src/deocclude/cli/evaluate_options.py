"""Options that the evaluate commands share."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

Several = Parameter(consume_multiple=1, show_default=False, negative=())
"""Of an option that takes several values."""
Rows = Annotated[
    tuple[str, ...],
    Parameter(name=["--rows", "--row"], consume_multiple=1, show_default=False, negative=()),
]
"""What is compared."""
