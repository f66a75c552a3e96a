"""Errors as answers: one line of text, a code, and never a traceback."""

from __future__ import annotations

import errno
import tempfile
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from deocclude.app.problems import ConflictError, MissingError, NotReadyError, TooLargeError
from deocclude.errors import DeoccludeError, InputError, MissingExtraError, OutputError

_KINDS: tuple[tuple[type[DeoccludeError], int, str], ...] = (
    (ConflictError, 409, "conflict"),
    (NotReadyError, 409, "not-ready"),
    (MissingError, 404, "missing"),
    (TooLargeError, 413, "too-large"),
    (MissingExtraError, 501, "extra"),
    (OutputError, 507, "output"),
    (DeoccludeError, 422, "invalid"),
)
_CODES = {400: "invalid", 404: "missing", 405: "method", 413: "too-large"}


def add_handlers(app: FastAPI) -> None:
    """Make every error of ``app`` an answer of one form."""
    app.add_exception_handler(DeoccludeError, _ours)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OSError, _system)


def answer(status: int, code: str, message: str, **more: Any) -> JSONResponse:
    """Return an error as an answer."""
    text = " ".join(message.split())
    error = {"code": code, "message": text, "field": None, "hint": None} | more
    return JSONResponse({"error": error}, status)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    status, code = next((status, code) for kind, status, code in _KINDS if isinstance(error, kind))
    more: dict[str, Any] = {"current": error.current} if isinstance(error, ConflictError) else {}
    text = str(error)
    if isinstance(error, InputError):
        text = text.removesuffix(f"; {error.hint}")
        more = {"field": error.field, "hint": error.hint}
        if error.expected.endswith("megapixels"):
            status, code = 413, "too-large"
    return answer(status, code, text, **more)


async def _unfit(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return answer(422, "invalid", f"{place}: {first['msg']}", field=place)


async def _system(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OSError)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    return answer(507, "output", f"{error.filename or tempfile.gettempdir()}: cannot be written ({error.strerror})")


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 413 or "exceeded" in str(error.detail):
        return answer(413, "too-large", str(error.detail))
    return answer(error.status_code, _CODES.get(error.status_code, "invalid"), str(error.detail))
