"""What can be wrong with a request, beyond unusable input."""

from __future__ import annotations

from deocclude.errors import DeoccludeError


class ConflictError(DeoccludeError):
    """Somebody else changed the same thing since it was looked at.

    Attributes:
        current: the revision that is in force now.
    """

    def __init__(self, what: str, current: int) -> None:
        self.current = current
        super().__init__(f"{what} was changed in another tab meanwhile; look at it again, then repeat the change")


class MissingError(DeoccludeError):
    """There is no such photo, object, layer or picture."""

    def __init__(self, kind: str, name: object) -> None:
        super().__init__(f"there is no {kind} {name!r} here".replace("\n", " "))


class NotReadyError(DeoccludeError):
    """A result is asked for that has not been computed, or needs something that is not here."""

    def __init__(self, what: str, lacking: str = "must be computed first") -> None:
        super().__init__(f"{what} {lacking}")


class TooLargeError(DeoccludeError):
    """An upload is beyond what is taken."""
