"""A folder of one's own as a source: by picture through its index, by words through file names and credits."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from deocclude.errors import DeoccludeError, InputError
from deocclude.references.collection import find_pictures
from deocclude.references.credit import Credit, read_credits
from deocclude.references.sources.candidates import Answer, Candidate, Picture
from deocclude.references.sources.problems import Reason, SourceError

NAME = "folder"


class Folder:
    """Searches pictures on disk. Nothing leaves the machine."""

    by_picture, by_words = True, True

    def __init__(self, folder: Path) -> None:
        """Take the folder.

        Raises:
            InputError: no such folder.
        """
        if not folder.is_dir():
            raise InputError("a folder of pictures", "no such folder", file=folder)
        self._folder, self._lock = folder, asyncio.Lock()
        self.name = f"{NAME}:{folder}"
        self.state = ""  # never cached: the folder may change

    async def search_image(self, picture: Picture, count: int) -> Answer:
        """Return up to ``count`` pictures that look like one."""
        async with self._lock:
            return await asyncio.to_thread(self._like, picture, count)

    async def search_text(self, words: str, count: int) -> Answer:
        """Return up to ``count`` pictures whose file name, folder or title has the words."""
        return await asyncio.to_thread(self._named, words, count)

    async def close(self) -> None:
        """Nothing to end."""

    def _like(self, picture: Picture, count: int) -> Answer:
        from deocclude.references.library import open_library
        from deocclude.references.query import query_photo
        from deocclude.references.search import SearchSettings, search

        try:
            index, _ = open_library(self._folder)
            pixels = np.asarray(Image.open(BytesIO(picture.data)).convert("RGB"))
            asked = query_photo(pixels, settings=index.manifest.features)
            answer = search(index, asked, SearchSettings(top=count, shortlist=max(count, 20)))
            return self._answer([one.hit.path for one in answer.ranked], count)
        except DeoccludeError as error:
            raise SourceError(Reason.PROVIDER_ERROR, f"{self._folder}: {error}") from None

    def _named(self, words: str, count: int) -> Answer:
        asked = words.lower().split()
        try:
            credits = _Credits()
            paths = [
                path
                for path in find_pictures([self._folder])
                if asked and all(word in self._about(path, credits.of(path)).lower() for word in asked)
            ]
            return self._answer(paths, count)
        except (DeoccludeError, OSError) as error:
            raise SourceError(Reason.PROVIDER_ERROR, f"{self._folder}: {error}") from None

    def _about(self, path: Path, credit: Credit) -> str:
        return f"{path.relative_to(self._folder).as_posix()} {credit.title or ''}"

    def _answer(self, paths: list[Path], count: int) -> Answer:
        credits = _Credits()
        found = []
        for rank, path in enumerate(paths[:count], 1):
            credit = credits.of(path)
            found.append(
                Candidate(
                    self.name,
                    path.absolute().as_uri(),  # of a link itself: what it leads to may be called anything
                    rank,
                    page=credit.page or "",
                    title=credit.title or path.name,
                    licence=credit.licence or "",
                    licence_url=credit.licence_url or "",
                    creator=credit.creator or "",
                )
            )
        return Answer(tuple(found))


class _Credits:
    """Credits of pictures; each folder states those of its own files."""

    def __init__(self) -> None:
        self._known: dict[Path, dict[str, Credit]] = {}

    def of(self, path: Path) -> Credit:
        folder = path.parent
        if folder not in self._known:
            self._known[folder] = read_credits(folder)
        return self._known[folder].get(path.name, Credit())
