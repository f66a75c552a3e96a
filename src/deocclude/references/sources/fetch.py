"""A folder of pictures from the web, with whose they are: what the other stages use as references."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from deocclude.errors import OutputError
from deocclude.files import atomic_file, encoded, sha256, write_text
from deocclude.references.credit import CREDITS, Credit, read_credits, write_credits
from deocclude.references.sources.cache import content_name
from deocclude.references.sources.candidates import Candidate, Source
from deocclude.references.sources.licences import parse_uses
from deocclude.references.sources.options import WebSettings, read_web_settings
from deocclude.references.sources.problems import Failure, Reason
from deocclude.references.sources.session import Wanted, WebAnswer, WebQuery, search_web
from deocclude.stages import Progress

ATTRIBUTION = "ATTRIBUTION.txt"
"""Name of the file that says for people whose the pictures are."""
SEARCH = "search.json"
"""Name of the file that says what came of each query."""


@dataclass(frozen=True, eq=False)
class Fetched:
    """What came of one query, in a folder.

    Attributes:
        answer: what was found; its files may be gone from the cache by now.
        files: names of files in the folder by the addresses of the pictures.
        failures: all of the answer's, and those of copying.
    """

    answer: WebAnswer
    files: dict[str, str]
    failures: tuple[Failure, ...]

    def as_plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        pictures = [one.as_plain() | {"file": self.files.get(one.url)} for one in self.answer.candidates]
        return {
            "query": self.answer.query.label,
            "words": self.answer.words,
            "pictures": pictures,
            "failures": [one.as_plain() for one in self.failures],
            "notes": list(self.answer.notes),
            "seconds": round(self.answer.seconds, 3),
        }


def gathered(failures: Iterable[Failure]) -> list[str]:
    """Return failures in a few lines for people: those of one source and reason together, with the first's text."""
    lines: dict[tuple[str, str], list[str]] = {}
    for one in failures:
        lines.setdefault((one.provider, one.reason.value), []).append(one.text)
    return [
        f"{provider}: {reason}{f' ({len(texts)} times)' if len(texts) > 1 else ''}: {texts[0]}"
        for (provider, reason), texts in lines.items()
    ]


@dataclass
class _Folder:
    """A folder that pictures are added to."""

    path: Path
    credits: dict[str, Credit] = field(default_factory=dict)

    def add(self, answer: WebAnswer) -> Fetched:
        """Copy the pictures of an answer."""
        files: dict[str, str] = {}
        failures = list(answer.failures)
        for one in answer.candidates:
            name = self._copied(one, answer)
            if name is not None:
                files[one.url] = name
                if name not in self.credits or (one.licence and not self.credits[name].licence):
                    self.credits[name] = one.credit
            elif one.url in answer.pictures or one.url.startswith("file:"):
                failures.append(Failure(one.provider, Reason.DAMAGED, "the file is gone", one.url))
        return Fetched(answer, files, tuple(failures))

    def _copied(self, one: Candidate, answer: WebAnswer) -> str | None:
        """Return the name of the copy, ``None`` where there is no file."""
        stored = answer.pictures.get(one.url)
        source = stored.path if stored else _local(one.url)
        if source is None:
            return None
        try:
            name = stored.name if stored else content_name(sha256(source), source.suffix.lower())
            target = self.path / name
            if target.is_file():
                return name
            content = source.open("rb")
        except OSError:
            return None
        with content, atomic_file(target) as part, part.open("wb") as copy:
            shutil.copyfileobj(content, copy)
        return name

    def finish(self) -> None:
        """Write whose the pictures are."""
        if self.credits != read_credits(self.path) or not (self.path / CREDITS).is_file():
            write_credits(self.path, self.credits)
        _write_changed(self.path / ATTRIBUTION, attribution(self.credits))


def fetch_references(
    queries: Iterable[WebQuery],
    sources: tuple[str, ...],
    target: Path,
    settings: WebSettings | None = None,
    *,
    uses: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Search the web and put what is found into a folder, ready to be indexed.

    The folder gets the pictures, named by content, ``credits.json`` (file name to the fields of
    :class:`~deocclude.references.credit.Credit`), ``ATTRIBUTION.txt`` and ``search.json`` (each query with what was
    found and what was not, and why). What is in the folder already stays.

    Args:
        queries: what is searched, see :mod:`~deocclude.references.sources.object_picture`; made when their turn comes.
        sources: where, such as ``("openverse", "commons")``. Nothing is sent to any other place.
        target: the folder.
        settings: by default those of the settings file and the environment.
        uses: what licences must permit, of ``commercial`` and ``modification``; by default what the settings say.
        progress: told "searched", how many queries are answered, and how many there are (0: not known).

    Returns:
        The folder.

    Raises:
        InputError: an unknown source, a missing key, or settings that do not fit.
        MissingExtraError: HTTPX is not installed.
        OutputError: the folder or the cache cannot be written.
    """
    told: list[dict[str, Any]] = []
    total = len(queries) if isinstance(queries, list | tuple) else 0

    def keep(fetched: Fetched) -> None:
        told.append(fetched.as_plain())
        if progress is not None:
            progress("searched", len(told), total)

    settings = settings or read_web_settings()
    wanted = Wanted(sources, parse_uses(settings.licence) if uses is None else uses)
    fetch_into(queries, wanted, target, settings, told=keep)
    write_search(target, told)
    return target


def write_search(target: Path, told: list[dict[str, Any]]) -> None:
    """Write ``search.json`` into a folder: what came of each query, as :meth:`Fetched.as_plain` gives it.

    Without the times, so that the same search leaves the file as it is.
    """
    told = [{key: value for key, value in one.items() if key != "seconds"} for one in told]
    told.sort(key=lambda one: str(one["query"]))
    _write_changed(target / SEARCH, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def fetch_into(
    queries: Iterable[WebQuery],
    wanted: Wanted,
    target: Path,
    settings: WebSettings,
    *,
    told: Callable[[Fetched], None],
    before: Callable[[list[Source]], None] = lambda sources: None,
    progress: Progress = lambda step, done, total: None,
) -> None:
    """Search the web, copy what is found into a folder, and tell of each query as soon as it is answered.

    The arguments and errors are those of :func:`~deocclude.references.sources.session.search_web`; ``told`` gets
    what lies in the folder.
    """
    try:
        target.mkdir(parents=True, exist_ok=True)
        os.utime(target)  # in use: the cache drops folders that nobody asks for
    except OSError as error:
        raise OutputError(f"{target}: no folder to put pictures into ({error.strerror})") from None
    folder = _Folder(target, read_credits(target))
    try:
        search_web(queries, wanted, settings, told=lambda answer: told(folder.add(answer)), before=before,
                   progress=progress)  # fmt: skip
    finally:
        folder.finish()


def attribution(credits: dict[str, Credit]) -> str:
    """Return whose pictures are, for people: title, creator, licence and page of each."""
    lines = ["Whose the pictures of this folder are. A licence may ask you to name creator, licence and changes.", ""]
    for name in sorted(credits):
        one = credits[name]
        licence = " ".join(filter(None, (one.licence or "unknown", f"<{one.licence_url}>" if one.licence_url else "")))
        lines += [
            name,
            f"  title:   {one.title or 'unknown'}",
            f"  creator: {one.creator or 'unknown'}",
            f"  licence: {licence}",
            f"  page:    {one.page or 'unknown'}",
            f"  source:  {one.provider or 'unknown'}, {one.url or 'unknown'}",
            "",
        ]
    return "\n".join(lines)


def _write_changed(target: Path, text: str) -> None:
    """Write a text unless the file has it: whoever watches the folder is to see no change where there is none."""
    if not target.is_file() or target.read_bytes() != encoded(text):
        write_text(target, text)


def _local(url: str) -> Path | None:
    return Path(os.fsdecode(unquote_to_bytes(urlsplit(url).path))) if url.startswith("file:") else None
