"""Many queries to many sources at once: asked in parallel under each service's rate, fetched, told one by one."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from deocclude.references.sources import build_source, plain
from deocclude.references.sources.cache import Stored
from deocclude.references.sources.candidates import Answer, Candidate, Picture, Source
from deocclude.references.sources.licences import permits_all
from deocclude.references.sources.options import WebSettings
from deocclude.references.sources.problems import Failure, Reason, SourceError
from deocclude.references.sources.services import Services
from deocclude.stages import Progress, Stopwatch

T = TypeVar("T")
_AT_ONCE = 64
"""Queries under way at a time; the others wait unmade, so that memory does not grow with their number."""


@dataclass(frozen=True, eq=False)
class WebQuery:
    """What is searched.

    Attributes:
        label: what it is called in results, such as ``cup (3)``.
        picture: for sources that are asked by picture.
        words: for sources that are asked by words; empty where none are known, then what a source by picture takes
            it for is used.
    """

    label: str
    picture: Picture | None = field(default=None, repr=False)
    words: str = ""


@dataclass(frozen=True, eq=False)
class WebAnswer:
    """What came of one query.

    Attributes:
        query: it.
        candidates: what the sources named and the licence filter left, the best first, sources in turn.
        pictures: files of those that were fetched, by address.
        failures: what was not found or not fetched, and why.
        words: those that sources were asked by.
        notes: what a user should know.
        seconds: wall time.
    """

    query: WebQuery
    candidates: tuple[Candidate, ...]
    pictures: dict[str, Stored]
    failures: tuple[Failure, ...]
    words: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a search.

    Attributes:
        sources: names, as :func:`~deocclude.references.sources.parse_sources` gives them.
        uses: what licences must permit; pictures of unknown licence are left out where any use is named.
        fetch: also fetch the pictures.
    """

    sources: tuple[str, ...]
    uses: tuple[str, ...] = ()
    fetch: bool = True


def what_is_sent(query: WebQuery, sources: Iterable[Source]) -> list[str]:
    """Return what each source gets to know, in one line each."""
    lines = []
    for source in sources:
        if source.name.startswith("folder:"):
            continue
        if source.by_picture and query.picture is not None:
            size = f"{query.picture.width}x{query.picture.height} pixels"
            where = f"{source.name}, by way of imgbb" if source.name == "browser" else source.name
            lines.append(f"{where}: a picture of {query.label}, {size}, {len(query.picture.data) / 1000:.0f} KB")
        elif source.by_words:
            words = repr(query.words) if query.words else "what another source takes the picture for"
            lines.append(f"{source.name}: the words {words}")
    return lines


def asked_of(query: WebQuery, sources: Sequence[str], settings: WebSettings) -> list[str]:
    """Return what each source would get to know, in one line each; nothing is sent.

    Raises:
        InputError: an unknown source, a missing key, or settings that do not fit.
    """

    async def work() -> list[str]:
        async with open_session(sources, settings) as session:
            return what_is_sent(query, session.sources)

    return in_a_loop_of_its_own(work())


def search_web(
    queries: Iterable[WebQuery],
    wanted: Wanted,
    settings: WebSettings,
    *,
    told: Callable[[WebAnswer], None],
    before: Callable[[list[Source]], None] = lambda sources: None,
    progress: Progress = lambda step, done, total: None,
) -> None:
    """Search the web; returns when all queries are answered.

    Args:
        queries: what is searched; made one by one when their turn comes.
        wanted: where, and what for.
        settings: of the web search.
        told: gets each answer as soon as it is there, in any order. The files lie in the cache: copy them.
        before: gets the sources before any of them is asked.
        progress: told "pictures", how many are fetched or given up, and how many are known so far.

    Raises:
        InputError: an unknown source, a missing key, or settings that do not fit.
        OutputError: the cache cannot be written.
    """

    async def work() -> None:
        async with open_session(wanted.sources, settings) as session:
            session.progress = progress
            before(session.sources)
            await _answer_all(session, iter(queries), wanted, told)

    in_a_loop_of_its_own(work())


async def _answer_all(
    session: Session, rest: Iterator[WebQuery], wanted: Wanted, told: Callable[[WebAnswer], None]
) -> None:
    async def work() -> None:
        for query in rest:
            told(await session.answer(query, wanted))

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(work())


@asynccontextmanager
async def open_session(sources: Sequence[str], settings: WebSettings) -> AsyncIterator[Session]:
    """Open services and sources; close them at the end.

    Raises:
        InputError: an unknown source, a missing key, or settings that do not fit.
    """
    async with Services(settings) as services:
        built = [build_source(name, services) for name in sources]
        try:
            yield Session(services, built)
        finally:
            for source in built:
                await source.close()


class Session:
    """Open sources, and what they share."""

    def __init__(self, services: Services, sources: list[Source]) -> None:
        """Take both."""
        self.services, self.sources = services, sources
        self.progress: Progress = lambda step, done, total: None
        self._fetched_count, self._known_count = 0, 0

    async def answer(self, query: WebQuery, wanted: Wanted) -> WebAnswer:
        """Return what came of a query; nothing that a source does ends it."""
        watch = Stopwatch()
        by_picture = [one for one in self.sources if one.by_picture and query.picture is not None]
        by_words = [one for one in self.sources if one not in by_picture]
        asked = dict(zip((one.name for one in by_picture), await self._all(by_picture, query, ""), strict=True))
        guesses = (answer.guess for answer in asked.values() if isinstance(answer, Answer))
        words = plain.one_line(query.words) or next(filter(None, guesses), "")
        asked |= zip((one.name for one in by_words), await self._all(by_words, query, words), strict=True)
        failures = [Failure.of(name, found) for name, found in asked.items() if isinstance(found, SourceError)]
        answers = [found for found in asked.values() if isinstance(found, Answer)]
        failures += [Failure.of(name, found.broken_off) for name, found in asked.items()
                     if isinstance(found, Answer) and found.broken_off is not None]  # fmt: skip
        candidates, refused = _permitted(_in_turn(answers), wanted.uses)
        pictures, lost = await self._fetched(candidates) if wanted.fetch else ({}, [])
        notes = tuple(note for answer in answers for note in answer.notes)
        kept = (*failures, *refused, *lost)
        return WebAnswer(query, tuple(candidates), pictures, kept, words, notes, watch.seconds)

    async def _all(self, sources: Sequence[Source], query: WebQuery, words: str) -> list[Answer | SourceError]:
        return list(await asyncio.gather(*(self._one(source, query, words) for source in sources)))

    async def _one(self, source: Source, query: WebQuery, words: str) -> Answer | SourceError:
        """Return the answer of a source, from the cache or anew, or why there is none."""
        count = self.services.settings.count
        is_picture = source.by_picture and query.picture is not None
        if not is_picture and not (words and source.by_words):
            missing = "a picture" if source.by_picture else "words: name the object's class"
            return SourceError(Reason.UNSUPPORTED, f"{source.name} needs {missing}")
        asked = hashlib.sha256(query.picture.data).hexdigest() if is_picture and query.picture else words
        key = " ".join((source.name, source.state, str(count), "picture" if is_picture else "words", asked))
        known = _read_kept(self.services.cache.answer(key)) if source.state else None
        if known is None:
            try:
                if is_picture and query.picture is not None:
                    known = await source.search_image(query.picture, count)
                else:
                    known = await source.search_text(words, count)
            except SourceError as error:  # it may quote an answer, and that the key
                return SourceError(error.reason, self.services.hide(str(error)), retry_after=error.retry_after)
            if source.state and known.broken_off is None:
                self.services.cache.keep_answer(key, asdict(known))
        if not known.candidates:
            return SourceError(Reason.NO_RESULT, f"{source.name} knows no picture like it")
        return known

    async def _fetched(self, candidates: Sequence[Candidate]) -> tuple[dict[str, Stored], list[Failure]]:
        wanted = [one for one in candidates if not one.url.startswith("file:")]
        self._known_count += len(wanted)
        outcomes = await asyncio.gather(*map(self._picture, wanted))
        pictures = {one.url: got for one, got in zip(wanted, outcomes, strict=True) if isinstance(got, Stored)}
        return pictures, [got for got in outcomes if isinstance(got, Failure)]

    async def _picture(self, candidate: Candidate) -> Stored | Failure:
        try:
            return await self.services.downloader.fetch(candidate.url)
        except SourceError as error:
            return Failure.of(candidate.provider, error, candidate.url)
        finally:
            self._fetched_count += 1
            self.progress("pictures", self._fetched_count, self._known_count)


def in_a_loop_of_its_own(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also where the caller's thread has an event loop already, as notebooks do."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(work)
    outcome: list[T | BaseException] = []

    def run() -> None:
        try:
            outcome.append(_run(work))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine; of errors of several tasks the first is raised."""
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def _in_turn(answers: Sequence[Answer]) -> list[Candidate]:
    """Return the candidates of all sources: all firsts, then all seconds, ...; each address once."""
    found: dict[str, Candidate] = {}
    for rank in range(max((len(answer.candidates) for answer in answers), default=0)):
        for answer in answers:
            for one in answer.candidates[rank : rank + 1]:
                found.setdefault(one.url, one)
    return list(found.values())


def _permitted(candidates: Sequence[Candidate], uses: Sequence[str]) -> tuple[list[Candidate], list[Failure]]:
    kept, refused = [], []
    for one in candidates:
        if permits_all(one.licence, one.licence_url, uses):
            kept.append(one)
        else:
            words = f"the licence {one.licence or 'is unknown and'} does not permit {' and '.join(uses)}"
            refused.append(Failure(one.provider, Reason.LICENCE, words, one.url))
    return kept, refused


def _read_kept(kept: Any) -> Answer | None:
    """Return an answer as the cache keeps it, ``None`` where it is none."""
    try:
        candidates = tuple(Candidate(**one) for one in kept["candidates"])
        return Answer(candidates, kept["guess"])
    except (TypeError, KeyError):
        return None
