"""Stop a training run in the middle, as SIGTERM would."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deocclude.training import loop


@contextmanager
def stopped_after(steps: int) -> Iterator[None]:
    """Within this context a run is asked to stop when it has done so many steps."""
    due = loop._Run._save_if_due

    def stop(self: loop._Run, *, last: bool) -> None:
        self.stop = signal.SIGTERM if self.step == steps else 0
        due(self, last=last)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop._Run, "_save_if_due", stop)
        yield
