"""Work for the tests of backends: functions of a module that other processes can import."""

from __future__ import annotations

from deocclude.errors import InputError


def squared(number: int) -> int:
    return number * number


def refused(number: int) -> int:
    if number == 2:
        raise InputError("a small number", str(number), field="number")
    return number
